"""Directory information that a family keeps back, kind by kind; it outlives enrolment (34 CFR 99.37(b)).

Opting out adds to what is kept back already and opting in takes away, so that no decision drops another's category.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.desk import Objection
from console.desks.restrictions import Restriction, Reviewed
from console.errors import Usage
from console.lazy import sa, t
from console.params import Params, option

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.desk import Sight
    from console.filters import Predicate

ALL = "all"


class Category(StrEnum):
    """Kinds of directory information that a family may opt out of (34 CFR 99.3)."""

    ACTIVITIES = "activities"
    ADDRESS = "address"
    AWARDS = "awards"
    EMAIL = "email"
    PHONE = "phone"
    PHOTO = "photo"


@dataclass(frozen=True, kw_only=True)
class OptingOut(Reviewed):
    """Which directory information."""

    categories: str = option(f"all, or some of {', '.join(Category)}, with commas.")


@dataclass(frozen=True, kw_only=True)
class OptingIn(Params):
    """Which directory information may be given again."""

    categories: str = option(f"all, or some of {', '.join(Category)}, with commas.", default=ALL)


def categories(typed: str) -> frozenset[str]:
    """The categories as typed, of which `all` stands alone. Raises Usage for a word that is none."""
    words = frozenset(word for word in typed.lower().replace(",", " ").split() if word)
    unknown = words - {ALL, *Category}
    if unknown or not words:
        raise Usage(f"--categories takes all, or some of {', '.join(Category)}, with commas; nothing was done.")
    return frozenset({ALL}) if ALL in words else words


def _listed(parts: Mapping[str, Predicate]) -> sa.ColumnElement[str]:
    """The words whose predicate holds, in their order, with commas."""
    text: sa.ColumnElement[str] = sa.literal("")
    for word, holds in parts.items():
        text = text.op("||")(sa.case((holds, sa.literal(f"{word},")), else_=sa.literal("")))
    return sa.func.rtrim(text, ",")


def _out_of(category: str) -> Predicate:
    """Whether the student is opted out of the category by name."""
    wrapped = sa.literal(",").op("||")(t.student.c.directory_opt_out).op("||")(sa.literal(","))
    found: Predicate = wrapped.like(f"%,{category},%")
    return found


def _out(typed: str) -> sa.ColumnElement[str]:
    """What the student is opted out of once these are added."""
    words = categories(typed)
    if ALL in words:
        return sa.literal(ALL)
    added = _listed({each: sa.true() if each in words else _out_of(each) for each in sorted(Category)})
    return sa.case((_out_of(ALL), sa.literal(ALL)), else_=added)


def _in(typed: str) -> sa.ColumnElement[str]:
    """What the student is opted out of once these are taken away."""
    words = categories(typed)
    if ALL in words:
        return sa.literal("")
    kept = [each for each in sorted(Category) if each not in words]
    return _listed({each: sa.or_(_out_of(ALL), _out_of(each)) for each in kept})


class OptOut(Restriction):
    name = "opt-out"
    title = "Opt out of the directory"
    help = "Keep directory information back, all of it or some kinds; it outlives enrolment."
    key = "o"
    Params = OptingOut

    def check(self, params: OptingOut, sight: Sight) -> None:
        super().check(params, sight)
        categories(params.categories)

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        if params.categories is None:
            return [Objection(t.student.c.directory_opt_out == ALL, "it is opted out of everything already")]
        now = t.student.c.directory_opt_out
        return [Objection(_out(params.categories) == now, "it is opted out of that already")]

    def subject(self, params: OptingOut) -> sa.Column[Any]:
        del params
        return t.student.c.directory_opt_out

    def changes(self, params: OptingOut, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        return {t.student.c.directory_opt_out: _out(params.categories), t.student.c.opt_out_review: params.review}


class OptIn(Restriction):
    name = "opt-in"
    title = "Opt in to the directory"
    help = "Let directory information be given again, all of it or some kinds."
    key = "O"
    Params = OptingIn

    def check(self, params: OptingIn, sight: Sight) -> None:
        super().check(params, sight)
        categories(params.categories)

    def objections(self, params: OptingIn, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        now = t.student.c.directory_opt_out
        return [Objection(_in(params.categories) == now, "it is not opted out of that")]

    def subject(self, params: OptingIn) -> sa.Column[Any]:
        del params
        return t.student.c.directory_opt_out

    def changes(self, params: OptingIn, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        s = t.student.c
        left = _in(params.categories)
        return {s.directory_opt_out: left, s.opt_out_review: sa.case((left != "", s.opt_out_review), else_=None)}
