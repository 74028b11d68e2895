"""A seed as a telephone takes it: an otpauth address drawn as a QR code for a terminal, and its letters for typing.

Promises: the code fits beside a few words on 80×24, quiet zone and all, whatever the names are; two modules stand in one character,
so that they are square where a character is twice as high as wide. Dark is dark only with black on white set by who prints it.
"""

from __future__ import annotations

from base64 import b32encode
from urllib.parse import quote

QUIET = 4
"""Modules of white around it (ISO/IEC 18004, 6.3.8)."""
LONGEST = 106
"""Bytes that a code of version 5 holds at error correction L: 37×37 modules, 45×23 characters with its quiet zone."""
WIDTH = 37 + 2 * QUIET
HEIGHT = (37 + 2 * QUIET + 1) // 2
_LABEL = 28
_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def address(seed: bytes, name: str, issuer: str) -> str:
    """The otpauth address of a seed: `name` under `issuer` is how the telephone lists it. Long names are cut to fit."""
    fixed = f"otpauth://totp/?secret={letters(seed)}&issuer="
    label = _cut(name, _LABEL) or "operator"
    return f"otpauth://totp/{label}?secret={letters(seed)}&issuer={_cut(issuer, LONGEST - len(fixed) - len(label))}"


def letters(seed: bytes) -> str:
    """The seed in base 32, as authenticators take it when typed."""
    return b32encode(seed).decode().rstrip("=")


def drawn(text: str) -> tuple[str, ...]:
    """The QR code of a text in lines of half blocks, to be printed black on white, quiet zone included."""
    import segno

    matrix = [[bool(module) for module in row] for row in segno.make(text, error="l", micro=False).matrix]
    width = len(matrix[0]) + 2 * QUIET
    blank = [[False] * width for _ in range(QUIET)]
    rows = [*blank, *([False] * QUIET + row + [False] * QUIET for row in matrix), *blank]
    if len(rows) % 2:
        rows.append([False] * width)
    return tuple(
        "".join(_HALVES[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )


def _cut(text: str, most: int) -> str:
    """As much of the text as fits percent-encoded into `most` bytes; never half a character."""
    kept = ""
    for letter in text:
        if len(quote(kept + letter, safe="")) > most:
            break
        kept += letter
    return quote(kept.strip(), safe="")
