"""What somebody asked for with `ssh HOST district …`: read into words by rules of quoting alone, for no shell ever sees it.

sshd passes the text on as it was typed. Promises: what a shell would do anything with outside quotes – run, redirect, expand – is
refused with a sentence and not taken literally, so that nobody believes it happened; nothing but `district` is a command.
"""

from __future__ import annotations

import shlex

from console.errors import Usage

LONGEST = 64 * 1024
"""Characters of a command; ten thousand case numbers fit."""
LIVE = frozenset("`$;&|<>()\n")
"""What a shell acts on outside quotes, and the first two inside double ones too."""
LIVE_IN_DOUBLE = frozenset("`$")


def read(text: str) -> list[str]:
    """The words after `district`. Raises Usage for a text that is no command of the console."""
    if len(text) > LONGEST:
        raise Usage(f"A command takes {LONGEST:,} characters at most; nothing was done.")
    # What is not UTF-8 arrives as lone surrogates, which no terminal and no database takes.
    if any((not letter.isprintable() and letter not in "\n\t") or "\ud800" <= letter <= "\udfff" for letter in text):
        raise Usage("The command holds characters that cannot be printed; nothing was done. Type it anew.")
    live = _live(text)
    if live is not None:
        shown = "a line break" if live == "\n" else live
        raise Usage(
            f"There is no shell here, and {shown} stands outside quotes; nothing was done. "
            "Quote the whole for your own shell and the parts within: "
            "ssh HOST \"district registrations list --where 'state:submitted match:>=3'\"."
        )
    try:
        words = shlex.split(text)
    except ValueError:
        raise Usage(
            "A quote is not closed; nothing was done. Close it, or put it into quotes of the other kind."
        ) from None
    if not words or words[0] != "district":
        raise Usage("Only district can be run here; nothing was done. Try ssh HOST district --help.")
    return words[1:]


def _live(text: str) -> str | None:
    """The first character that a shell would act on, None where there is none."""
    quote, escaped = "", False
    for letter in text:
        if escaped:
            escaped = False
        elif letter == "\\" and quote != "'":
            escaped = True
        elif quote:
            if letter == quote:
                quote = ""
            elif quote == '"' and letter in LIVE_IN_DOUBLE:
                return letter
        elif letter in "'\"":
            quote = letter
        elif letter in LIVE:
            return letter
    return None
