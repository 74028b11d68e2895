"""The filter an operator types: `state:submitted match:>=3 -flag:yes older:5d garcia`.

Terms are joined by *and*; commas inside a term are *or*; a leading minus turns a term round; words without a colon search. The
grammar knows no desk: each desk declares its terms, and a term that it lacks is an error that names the nearest one.
"""

from __future__ import annotations

import difflib
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.errors import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    import sqlalchemy as sa

    from console.desk import Sight

    Predicate = sa.ColumnElement[bool]
    Where = Callable[["Wanted", Sight], Predicate]

MAX_LENGTH = 500
MAX_VALUES = 32
"""Words and values of one filter. Each is a search or a comparison more for the database; nobody types so many."""
CENTURY = 36_500
_PIECE = re.compile(r'(-?)(?:([a-z_]+):)?(?:"([^"]*)"|(\S+))')
_NAMED = re.compile(r"([a-z_]+):")
_COMPARED = re.compile(r"(>=|<=|>|<|=)?(.*)", re.DOTALL)
_WORD = re.compile(r"[a-z_]+(\.[a-z_]+)?")
_AGE = re.compile(r"(\d{1,5})([dwmy])")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One value of one term as typed: `match:>=3` is operator `>=`, text `3`."""

    term: str
    operator: str
    text: str

    def number(self) -> int:
        """The text as a whole number. Raises Usage."""
        try:
            number = int(self.text)
        except ValueError:
            number = -1
        if not 0 <= number < 2**62 or not self.text.isascii():
            raise Usage(f"{self.term}: takes a whole number such as {self.term}:>=3; nothing was listed.")
        return number

    def days(self) -> int:
        """The text as a number of days, a century at most: `5d`, `2w`, `3m`, `1y`. Raises Usage."""
        found = _AGE.fullmatch(self.text)
        if not found:
            raise Usage(f"{self.term}: takes an age such as {self.term}:5d or {self.term}:2w; nothing was listed.")
        return min(int(found[1]) * _DAYS[found[2]], CENTURY)

    def yes(self) -> bool:
        """The text as yes or no. Raises Usage."""
        if self.text not in ("yes", "no"):
            raise Usage(f"{self.term}: takes yes or no; nothing was listed.")
        return self.text == "yes"

    def day(self) -> date:
        """The text as a date. Raises Usage."""
        from datetime import date

        try:
            found = date.fromisoformat(self.text)
            # At either end of what a date can be, the moments at which it begins and ends are none.
            return min(max(found, date(1, 1, 3)), date(9999, 12, 29))
        except ValueError:
            raise Usage(f"{self.term}: takes a date such as {self.term}:2026-11-21; nothing was listed.") from None

    def compare(self, column: sa.ColumnElement[int]) -> Predicate:
        """`column` compared with the number, `=` where no operator was typed."""
        import operator

        import sqlalchemy as sa

        # As wide as can be: a smaller column's own type would not hold every number that can be typed.
        number = sa.literal(self.number(), sa.BigInteger())
        operators = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}
        result: Predicate = operators.get(self.operator, operator.eq)(column, number)
        return result


@dataclass(frozen=True, slots=True)
class Term:
    """A word before the colon: what it means to a person and to the database. `words` are offered as completions."""

    name: str
    help: str
    where: Where
    words: tuple[str, ...] = ()
    lanes: bool = False
    """Whether each alternative of its predicate has an index in the queue's order: a page is then taken from each, and merged."""
    apart: bool = False
    """Whether no case satisfies two of those alternatives, whatever different values are given."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as parsed: for each piece, whether it is turned round, its term (None searches) and its alternatives."""

    text: str
    pieces: tuple[tuple[bool, Term | None, tuple[Wanted, ...]], ...]

    @property
    def names(self) -> frozenset[str]:
        """The terms that it names."""
        return frozenset(term.name for _, term, _ in self.pieces if term)

    def predicates(self, sight: Sight, search: Callable[[str], Predicate]) -> list[Predicate]:
        """One predicate a piece, to be joined by *and*. Raises Usage for a value that the term cannot read."""
        import sqlalchemy as sa

        found: list[Predicate] = []
        for negated, term, alternatives in self.pieces:
            where = [term.where(each, sight) if term else search(each.text) for each in alternatives]
            joined = sa.or_(*where)
            found.append(sa.not_(joined) if negated else joined)
        return found


def _unknown(name: str, known: Mapping[str, Term]) -> Usage:
    nearest = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {nearest[0]}:?" if nearest else f"it knows {', '.join(sorted(known))}."
    return Usage(f"This desk has no filter {name}:; {hint}")


def _no_value(name: str, known: Mapping[str, Term]) -> Usage:
    """`state:` with nothing behind it: a filter half typed, and no word to look for."""
    return Usage(f"{name}: wants a value; nothing was listed.") if name in known else _unknown(name, known)


def parse(text: str, terms: Sequence[Term]) -> Filter:
    """Parse what was typed. Raises Usage naming the nearest term; never more than 500 characters."""
    if len(text) > MAX_LENGTH:
        raise Usage(f"A filter has at most {MAX_LENGTH} characters; nothing was listed.")
    if any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text):
        raise Usage("A filter holds no NUL and no half characters; nothing was listed.")
    known = {term.name: term for term in terms}
    pieces: list[tuple[bool, Term | None, tuple[Wanted, ...]]] = []
    for negated, name, quoted, bare in _PIECE.findall(text):
        value = quoted or bare
        if not name:
            if not quoted and (bare_name := _NAMED.fullmatch(value)):
                raise _no_value(bare_name[1], known)
            if value.strip("-"):
                pieces.append((bool(negated), None, (Wanted("", "", value),)))
            continue
        if name not in known:
            raise _unknown(name, known)
        term = known[name]
        alternatives = tuple(_wanted(name, each) for each in ([value] if quoted else value.split(",")) if each)
        if not alternatives:
            raise Usage(f"{name}: wants a value; nothing was listed.")
        for each in alternatives:
            if term.words and each.text not in term.words:
                nearest = difflib.get_close_matches(each.text, term.words, 1)
                hint = f"did you mean {nearest[0]}?" if nearest else f"it takes {', '.join(term.words)}."
                raise Usage(f"{name}: does not know that value; {hint}")
        pieces.append((bool(negated), term, alternatives))
    if sum(len(alternatives) for _, _, alternatives in pieces) > MAX_VALUES:
        raise Usage(f"A filter has at most {MAX_VALUES} words and values; nothing was listed. Leave some out.")
    return Filter(text, tuple(pieces))


def spelled(word: str) -> sa.ColumnElement[str]:
    """A word of the portal's closed lists, or an action's name, spelled out in the statement. Raises ValueError for other texts.

    A plan that is kept knows then how many rows have it, where it would have to suit every word that could be given.
    """
    import sqlalchemy as sa

    if not _WORD.fullmatch(word):
        raise ValueError("no word of the portal's: small letters, underscores, one full stop")
    return sa.literal_column(f"'{word}'", sa.Text())


def begins(column: sa.ColumnElement[str], text: str) -> Predicate:
    """True where the folded key begins with `text`: a range of its index. Never true for no text at all."""
    import sqlalchemy as sa

    if not text:
        return sa.false()
    return sa.and_(column >= text, column < behind(text)) if behind(text) else column >= text


def behind(text: str) -> str:
    """The first text, byte by byte in UTF-8, behind all that begin with `text`; "" where there is none."""
    for place in range(len(text) - 1, -1, -1):
        point = ord(text[place]) + 1
        if point <= sys.maxunicode:
            return text[:place] + chr(0xE000 if 0xD800 <= point < 0xE000 else point)
    return ""


def _wanted(name: str, text: str) -> Wanted:
    found = _COMPARED.fullmatch(text)
    assert found is not None  # noqa: S101 - the pattern matches every text
    return Wanted(name, found[1] or "", found[2])
