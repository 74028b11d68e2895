"""What may be decided about a student: masks, blocks, verification, each with why and until when it is looked at again.

PORTAL, *Masks and restrictions* and *Who may see a student's data*. A decision about one parent's tie names the account; without it,
it is about all parents.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 - the types of parameters are read at run time
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.authority import Permission
from console.desk import Decision, Desk, Objection
from console.errors import Usage
from console.lazy import sa, t
from console.params import Params, option
from console.sealing import settle
from models.words import Basis, Mask, MembershipStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.desk import Sight, Work
    from console.filters import Predicate

DOCUMENTS = frozenset({Basis.COURT_ORDER, Basis.STATUTE, Basis.BINDING_DOCUMENT})
"""The grounds that are a paper, which has a reference (34 CFR 99.4)."""


class Level(StrEnum):
    """How much of the name a mask hides."""

    INITIAL = "initial"
    PSEUDONYM = "pseudonym"


class Ground(StrEnum):
    """Why a parent's tie goes on after the student's 18th birthday (34 CFR 99.5, 99.31(a)(8))."""

    DEPENDENT_STUDENT = "dependent_student"
    STUDENT_CONSENT = "student_consent"


REVIEW = "The day on which it is looked at again: 2027-06-30, +90d, end-of-year."
_ACCOUNT = "Only this parent's tie: the account's number; without it, all parents."


@dataclass(frozen=True, kw_only=True)
class Masking(Params):
    """How much is hidden, and until when."""

    level: Level = option("initial hides the last name, pseudonym seals the whole name under a code.")
    review: date = option(REVIEW)


@dataclass(frozen=True, kw_only=True)
class Reviewed(Params):
    """Until when it stands without being looked at."""

    review: date = option(REVIEW)


@dataclass(frozen=True, kw_only=True)
class Blocking(Reviewed):
    """Whose access, and on what ground."""

    account: int | None = option(_ACCOUNT, default=None)
    basis: Basis | None = option("On what ground, where a parent is approved (34 CFR 99.4).", default=None)
    reference: str = option("Which order, statute or document: its reference and date.", default="", personal=True)


@dataclass(frozen=True, kw_only=True)
class OneTie(Params):
    """All parents, or one."""

    account: int | None = option(_ACCOUNT, default=None)


@dataclass(frozen=True, kw_only=True)
class Rebasing(Params):
    """Whose tie, and why it goes on."""

    account: int = option("The parent's account, by its number.")
    ground: Ground = option("Why it goes on: the student is the parent's dependent, or consents.")


@dataclass(frozen=True, kw_only=True)
class Reviewing(Reviewed):
    """A new day."""

    account: int | None = option(
        "The block of this parent's tie; without it, what stands for the student.", default=None
    )


def tie_of(account: int | None) -> sa.ColumnElement[int]:
    """The id of the account's tie to the student of the source, NULL when there is none."""
    tie = t.membership.alias("tie")
    return (
        sa.select(tie.c.id)
        .where(tie.c.account_id == account, tie.c.student_id == t.student.c.id)
        .correlate(t.student)
        .scalar_subquery()
    )


def has_tie(*where: Predicate, account: int | None = None) -> Predicate:
    """Whether the student has a tie that satisfies `where`, of this account where one is named."""
    m = t.membership.c
    found = [m.student_id == t.student.c.id, *where]
    if account is not None:
        found.append(m.account_id == account)
    return sa.select(sa.literal(1)).select_from(t.membership).where(*found).correlate(t.student).exists()


def _still_to_come(review: date, sight: Sight) -> None:
    if review <= sight.today:
        raise Usage("--review is a day that is still to come; nothing was done. Write 2027-06-30, +90d or end-of-year.")


class Restriction(Decision):
    """What all decisions about a student share: the right, the reason, the tie that an account names."""

    permission = Permission.STUDENTS_RESTRICT
    needs_reason = True

    def ties(self, desk: Desk, params: Any) -> Mapping[sa.Table, sa.ColumnElement[int]]:
        del desk
        account = getattr(params, "account", None)
        return {} if account is None else {t.membership: tie_of(account)}

    def check(self, params: Any, sight: Sight) -> None:
        if hasattr(params, "review"):
            _still_to_come(params.review, sight)


def _sealed_against(sight: Sight) -> list[Objection]:
    """Opening a seal shows the name: it needs the right to see one."""
    if sight.operator.may(Permission.STUDENTS_REVEAL):
        return []
    return [Objection(t.student.c.mask == Mask.PSEUDONYM, "the name is sealed, and your role may not open it")]


class MaskName(Restriction):
    name = "mask"
    title = "Mask the name"
    help = "Hide the last name everywhere, or seal the whole name under a code (it ends after-school access)."
    key = "c"
    Params = Masking

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del bulk
        if params.level is None:
            return ()
        mask = t.student.c.mask
        found = [Objection(mask == str(params.level), f"it is masked so already ({params.level})")]
        return [*found, *(_sealed_against(sight) if params.level is Level.INITIAL else [])]

    def subject(self, params: Masking) -> sa.Column[Any]:
        del params
        return t.student.c.mask

    def changes(self, params: Masking, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        return {t.student.c.mask: str(params.level), t.student.c.mask_review: params.review}

    def carry_out(self, work: Work) -> None:
        settle(work)

    def take_back(self, work: Work) -> None:
        settle(work)


class Unmask(Restriction):
    name = "unmask"
    title = "Unmask"
    help = "Show the name again, everywhere."
    key = "C"

    def objections(self, params: Params, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        return [Objection(t.student.c.mask == Mask.NONE, "it is not masked"), *_sealed_against(sight)]

    def subject(self, params: Params) -> sa.Column[Any]:
        del params
        return t.student.c.mask

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params, sight
        return {t.student.c.mask: Mask.NONE, t.student.c.mask_review: None}

    def carry_out(self, work: Work) -> None:
        settle(work)

    def take_back(self, work: Work) -> None:
        settle(work)


class Block(Restriction):
    name = "block"
    title = "Block parent access"
    help = "Close the student's data to all parents, or to one of them; an approved parent needs a basis."
    key = "b"
    Params = Blocking
    closes = True

    def check(self, params: Blocking, sight: Sight) -> None:
        super().check(params, sight)
        if params.basis in DOCUMENTS and not params.reference.strip():
            raise Usage("An order, statute or document has a reference; nothing was done. Add --reference.")

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        m = t.membership.c
        approved = sa.or_(
            m.status == MembershipStatus.APPROVED,
            sa.and_(m.status == MembershipStatus.SUSPENDED, m.resumes_as == MembershipStatus.APPROVED),
        )
        found = list(_not_tied(params.account))
        if params.account is None:
            found.append(Objection(t.student.c.parents_blocked, "all parents are blocked already", unless="account"))
        else:
            found.append(Objection(has_tie(m.blocked, account=params.account), "this parent is blocked already"))
        if params.review is None:
            return found
        if params.basis is None:
            found.append(Objection(has_tie(approved, account=params.account), "a parent is approved, it needs --basis"))
        elif params.basis is Basis.NOT_VERIFIED:
            verified = has_tie(approved, m.verified_at.is_not(None), account=params.account)
            found.append(Objection(verified, "an approved parent was verified, so not_verified is no basis"))
        return found

    def subject(self, params: Blocking) -> sa.Column[Any]:
        return t.student.c.parents_blocked if params.account is None else t.membership.c.blocked

    def changes(self, params: Blocking, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        home = t.student.c if params.account is None else t.membership.c
        return {self.subject(params): True, home.block_review: params.review}


class Unblock(Restriction):
    name = "unblock"
    title = "Unblock parent access"
    help = "Let all parents, or one of them, see again what their ties say."
    key = "B"
    Params = OneTie

    def objections(self, params: OneTie, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        if params.account is None:
            return _nothing_for_all(sa.not_(t.student.c.parents_blocked), "its parents are not blocked")
        blocked = has_tie(t.membership.c.blocked, account=params.account)
        return [*_not_tied(params.account), Objection(sa.not_(blocked), "this parent is not blocked")]

    def subject(self, params: OneTie) -> sa.Column[Any]:
        return t.student.c.parents_blocked if params.account is None else t.membership.c.blocked

    def changes(self, params: OneTie, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        home = t.student.c if params.account is None else t.membership.c
        return {self.subject(params): False, home.block_review: None}


class Verify(Restriction):
    name = "verify"
    title = "Require verification"
    help = "Show nothing to parents who were not approved by somebody."
    key = "v"
    Params = Reviewed
    closes = True

    def objections(self, params: Reviewed, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, sight, bulk
        return [Objection(t.student.c.verify_parents, "its parents must be verified already")]

    def subject(self, params: Reviewed) -> sa.Column[Any]:
        del params
        return t.student.c.verify_parents

    def changes(self, params: Reviewed, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        return {t.student.c.verify_parents: True, t.student.c.verify_review: params.review}


class Unverify(Restriction):
    name = "unverify"
    title = "Require no verification"
    help = "Show limited parents again what is published."

    def objections(self, params: Params, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, sight, bulk
        return [Objection(sa.not_(t.student.c.verify_parents), "its parents need not be verified")]

    def subject(self, params: Params) -> sa.Column[Any]:
        del params
        return t.student.c.verify_parents

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params, sight
        return {t.student.c.verify_parents: False, t.student.c.verify_review: None}


class Rebase(Restriction):
    name = "rebase"
    title = "Re-base a parent's tie"
    help = "Say on what ground a parent's tie goes on after the student's 18th birthday."
    key = "t"
    Params = Rebasing

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del bulk
        found = [
            Objection(sa.func.coalesce(t.student.c.adult_on > sight.today, sa.true()), "the student is not 18 yet"),
            *_not_tied(params.account),
        ]
        if params.ground is not None:
            same = has_tie(t.membership.c.rebased == str(params.ground), account=params.account)
            found.append(Objection(same, "the tie has this ground already"))
        return found

    def subject(self, params: Rebasing) -> sa.Column[Any]:
        del params
        return t.membership.c.rebased

    def changes(self, params: Rebasing, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        return {t.membership.c.rebased: str(params.ground)}


class Review(Restriction):
    name = "review"
    title = "Set the next review"
    help = "Look again at what is in force, and say when next."
    key = "w"
    Params = Reviewing

    def objections(self, params: Reviewing, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        if params.account is not None:
            blocked = has_tie(t.membership.c.blocked, account=params.account)
            return [*_not_tied(params.account), Objection(sa.not_(blocked), "this parent is not blocked")]
        return _nothing_for_all(sa.not_(sa.or_(*(holds for holds, _ in in_force()))), "nothing is in force for it")

    def subject(self, params: Reviewing) -> sa.Column[Any]:
        return t.student.c.mask_review if params.account is None else t.membership.c.block_review

    def changes(self, params: Reviewing, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        if params.account is not None:
            return {t.membership.c.block_review: params.review}
        new = sa.literal(params.review, sa.Date())
        return {review: sa.case((holds, new), else_=review) for holds, review in in_force()}


def in_force() -> tuple[tuple[Predicate, sa.Column[Any]], ...]:
    """What may stand for a student: whether it does, and the column of its review date."""
    s = t.student.c
    return (
        (s.mask != Mask.NONE, s.mask_review),
        (s.parents_blocked, s.block_review),
        (s.verify_parents, s.verify_review),
        (s.directory_opt_out != "", s.opt_out_review),
    )


def _nothing_for_all(nothing: Predicate, why: str) -> list[Objection]:
    """There is `nothing` about all parents; where single ones are blocked, one of them has to be named."""
    one = has_tie(t.membership.c.blocked)
    return [
        Objection(sa.and_(nothing, one), "only single parents are blocked, name one with --account", unless="account"),
        Objection(sa.and_(nothing, sa.not_(one)), why),
    ]


def _not_tied(account: int | None) -> Sequence[Objection]:
    if account is None:
        return ()
    return [Objection(sa.not_(has_tie(account=account)), "this account has no tie to the student")]
