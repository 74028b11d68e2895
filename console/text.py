"""Text from outside made harmless for a terminal: Rich and Textual pass escape sequences, bidirectional controls and
piled marks through as they came, and people choose their own names.

Promises: a `SafeText` holds no control, format, surrogate, private, unassigned or line-separating character, none that
is drawn as nothing, and at most four combining marks a base; what was taken out stays visible (`⟨U+202E⟩`). Only
`safe`, `paragraph`, `clip`, `pad` and `join` make one, so that forgetting them is a type error. Two safe texts in a row
are safe, and `safe` changes none. It says nothing about markup: a safe text reaches a widget as `rich.text.Text` or
`Content`, or with `markup=False`. This module loads nothing but the standard library until cells are counted.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Never, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MARKS_A_BASE = 4
"""Combining marks one base may carry: pointed Hebrew and Burmese need four, a defaced name carries hundreds."""

JOINERS_A_CLUSTER = 3
"""Joiners in one run of joined letters. Sinhala uses two; Rich counts no cell for a joined letter, so an endless run
would be drawn far beyond the cells it is given."""

_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = frozenset("\u200c\u200d")
# What is drawn as nothing though it is no format character: Hangul fillers, empty Braille, Khmer inherent vowels, CGJ.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u17b4\u17b5\u034f")
_ELLIPSIS = "…"
_STAND_IN = "\ufffd"

# Scripts whose letters change shape beside a joiner wherever it stands: Arabic, Syriac, N'Ko, Mandaic, Mongolian.
_CURSIVE = ((0x0600, 0x08FF), (0x1800, 0x18AF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))
# Scripts that need one beside a virama (RFC 5892 A.1, A.2): Devanagari to Sinhala, Myanmar, Khmer.
_CONJOINING = ((0x0900, 0x0DFF), (0x1000, 0x109F), (0x1780, 0x17FF))
# Letters and symbols without a width of their own, which pile up as marks do: Hangul vowels and finals, skin tones.
_PILING = ((0x1160, 0x11FF), (0xD7B0, 0xD7FB), (0x1F3FB, 0x1F3FF))
# Parts of emoji that take as many cells as there are terminals: skin tones, the letters that flags are made of.
_UNSURE = ((0x1F3FB, 0x1F3FF), (0x1F1E6, 0x1F1FF))
_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_MONGOLIAN = ((0x1820, 0x18AA),)


class SafeText(str):
    """Printable text. It is made by `safe`, `paragraph`, `clip`, `pad` and `join`; calling it raises TypeError.

    What `str`'s own methods return is plain `str` again and goes through `safe` before it is shown.
    """

    __slots__ = ()

    def __new__(cls, *_: Never) -> Self:
        raise TypeError("SafeText is made by console.text.safe, clip, pad or join")

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return safe, (str(self),)


def _sealed(text: str) -> SafeText:
    return str.__new__(SafeText, text)


def _is_narrow(text: str) -> bool:
    """Whether all of `text` lies below U+0300, where none combines, each is its own NFC and takes one cell if printable."""
    return text.isascii() or max(text) < "\u0300"


def _within(char: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    point = ord(char)
    return any(first <= point <= last for first, last in ranges)


def visible(char: str) -> str:
    """The visible form of one character: `⟨U+202E⟩`."""
    return f"⟨U+{ord(char):04X}⟩"


def piles(char: str) -> bool:
    """Whether `char` is drawn upon the character before it: a combining mark, a Hangul vowel or final, a skin tone."""
    return unicodedata.category(char)[0] == "M" or _within(char, _PILING)


def _joiner_is_needed(before: str, after: str) -> bool:
    """Whether a joiner between these two (either may be '') changes how they are written."""
    if not before or not after:
        return False
    letter_after = unicodedata.category(after)[0] == "L"
    if _within(before, _CURSIVE) and _within(after, _CURSIVE):
        return letter_after and unicodedata.category(before)[0] in "LM"
    if _within(before, _CONJOINING) and _within(after, _CONJOINING):
        virama_before, virama_after = (unicodedata.combining(char) == 9 for char in (before, after))
        return letter_after if virama_before else virama_after and unicodedata.category(before)[0] == "L"
    return False


def _mark_is_at_home(mark: str, before: str) -> bool:
    """Whether a variation selector follows a letter that it varies; true for every other mark but those of emoji, which make the
    symbol before them as wide as the terminal likes, and push what stands beside it.
    """
    if "\ufe00" <= mark <= "\ufe0f" or "\U000e0100" <= mark <= "\U000e01ef":
        return _within(before, _HAN) and unicodedata.category(before) == "Lo"
    if mark in "\u180b\u180c\u180d\u180f":
        return _within(before, _MONGOLIAN)
    return not _within(mark, _UNSURE)


def _judged(text: str) -> Iterator[tuple[str, bool]]:
    """The characters of `text`, each with whether it is shown as itself. It is judged by what is shown before it."""
    before = ""
    marks = MARKS_A_BASE
    joiners = 0
    for after, char in zip((*text[1:], ""), text, strict=True):
        if char in _JOINERS:
            kept = joiners < JOINERS_A_CLUSTER and _joiner_is_needed(before, after)
            joiners += 1
        elif piles(char):
            marks += 1
            kept = marks <= MARKS_A_BASE and char not in _BLANK and _mark_is_at_home(char, before)
        else:
            marks = 0
            joiners = joiners if before in _JOINERS else 0
            kept = unicodedata.category(char) not in _UNPRINTABLE and char not in _BLANK and not _within(char, _UNSURE)
        before = char if kept else "⟩"
        yield char, kept


def safe(raw: str | None) -> SafeText:
    """`raw` in NFC with every character that could hide, move or command shown as `⟨U+…⟩`; None is ''.

    Tab and line breaks become visible too. ZWNJ and ZWJ stay between Arabic letters and beside a virama, where they
    change how a name is written; elsewhere, emoji sequences included, they become visible.
    """
    if isinstance(raw, SafeText):
        return raw
    if not raw:
        return _sealed("")
    if raw.isprintable() and _is_narrow(raw):
        return _sealed(raw)
    judged = _judged(unicodedata.normalize("NFC", raw))
    return _sealed("".join(char if kept else visible(char) for char, kept in judged))


def paragraph(raw: str | None) -> tuple[SafeText, ...]:
    """The lines of `raw`, split at LF or CRLF, each safe; '' and None have none. A break at the end opens no line."""
    if not raw:
        return ()
    return tuple(safe(line) for line in raw.replace("\r\n", "\n").removesuffix("\n").split("\n"))


def in_place(raw: str) -> str:
    """`raw` with `�` for each character that `safe` would make visible, one for one: for a field that is being typed in,
    where a cursor counts characters and what is typed has to stay what it is. A joiner is drawn as its contrary: the toolkit,
    which cuts a long line by cells, counts joined letters once here and twice there.
    """
    if raw.isprintable() and _is_narrow(raw):
        return raw
    shown = "".join(char if kept else _STAND_IN for char, kept in _judged(raw))
    return shown.replace("\u200d", "\u200c")


def join(parts: Iterable[SafeText], separator: SafeText | None = None) -> SafeText:
    """`parts` with `separator` (none: nothing) between them."""
    return _sealed((separator or "").join(parts))


def cells(text: SafeText) -> int:
    """How many terminal cells Rich, and so Textual, counts for `text`."""
    if _is_narrow(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _clusters(text: str) -> Iterator[tuple[str, int]]:
    """Each base with what is joined to it or piled upon it, and the most cells that a terminal may draw for it.

    Terminals disagree on joined letters; they are counted as if drawn apart, or a name of a thousand would take one cell.
    """
    from rich.cells import get_character_cell_size

    cluster, width = "", 0
    for char in text:
        if cluster and not (piles(char) or char in _JOINERS or cluster[-1] in _JOINERS):
            yield cluster, width
            cluster, width = "", 0
        cluster += char
        width += get_character_cell_size(char)
    if cluster:
        yield cluster, width


def clip(text: SafeText, width: int) -> SafeText:
    """`text` in at most `width` terminal cells; what is cut ends with `…`.

    No wide character, mark or joined letter is cut apart.
    """
    if width <= 0:
        return _sealed("")
    if _is_narrow(text):
        return text if len(text) <= width else _sealed(text[: width - 1] + _ELLIPSIS)
    kept: list[str] = []
    used = short = 0
    for cluster, wide in _clusters(text):
        used += wide
        if used > width:
            return _sealed("".join(kept[:short]) + _ELLIPSIS)
        kept.append(cluster)
        short = len(kept) if used < width else short
    return text


def pad(text: SafeText, width: int, right: bool = False) -> SafeText:
    """`text` clipped to `width` cells and filled with spaces to exactly that many; `right` puts them before it."""
    clipped = clip(text, width)
    fill = " " * (width - cells(clipped))
    return _sealed(fill + clipped if right else clipped + fill)


_FORMULA = frozenset("=+-@\t\r\n")


def csv_cell(raw: str) -> str:
    """`raw` for a *text* column of a CSV file: with `'` before it where a spreadsheet would run it as a formula.

    That is when it starts with `= + - @ TAB CR LF`, also full-width, also after a byte order mark, other invisible
    characters or spaces. Not for numbers: the caller knows the column's type.
    """
    for char in raw:
        if char in _FORMULA or unicodedata.normalize("NFKC", char) in _FORMULA:
            return "'" + raw
        if not (char.isspace() or unicodedata.category(char) in {"Cf", "Cc"}):
            break
    return raw
