"""How a person is called on a screen, in a report and in a log: made harmless, and for a student masked.

Nothing else turns a student's columns into words, so a mask holds everywhere at once (PORTAL, *Masks and restrictions*).
While a name is sealed its columns are empty; that is not relied upon: the mask alone decides what is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.names import last_initial
from console.text import join, safe

if TYPE_CHECKING:
    from console.text import SafeText

_SHOWN_DIGITS = 2
_LONG_ENOUGH = 6
_DOTS = "••••"
_SPACE = safe(" ")


def person_name(given: str, family: str) -> SafeText:
    """`Ann Lee`; the part that there is when the other is empty; `(no name)` when there is none."""
    parts = [safe(part.strip()) for part in (given, family) if part and part.strip()]
    return join(parts, _SPACE) if parts else safe("(no name)")


def student_name(given: str, family: str, mask: str, pseudonym: str | None) -> SafeText:
    """What the mask leaves of a student's name: all of it, `Ann L.`, or the code under which the name is sealed.

    A mask that is not known hides as much as the strongest: `(sealed)` where there is no code to show.
    """
    if mask == "none":
        return person_name(given, family)
    if mask == "initial":
        return person_name(given, last_initial(family))
    return safe(pseudonym) if pseudonym else safe("(sealed)")


def guardian_name(given: str, family: str, mask: str, instead: str = "") -> SafeText:
    """How a parent or contact of a student is called beside that student: a family shares the name that the mask hides.

    Beside a hidden last name, the first name and the initial; beside a sealed student `instead`, or `(hidden)`.
    """
    if mask == "none":
        return person_name(given, family)
    if mask == "initial":
        return person_name(given, last_initial(family))
    return safe(instead) if instead else safe("(hidden)")


def masked_number(number: str) -> SafeText:
    """A student's permanent number as it is shown before a reveal: `••••34`.

    It is personal data. The last two characters stay, to tell siblings apart on a list, where at least six were there;
    a shorter number would be guessed from them and is hidden whole. How long it is, is never shown.
    """
    if not number:
        return safe("")
    return safe(_DOTS + number[-_SHOWN_DIGITS:] if len(number) >= _LONG_ENOUGH else _DOTS)
