"""On what ground a challenged access may be closed, and how far the operator reaches (PORTAL, *Challenges*; 34 CFR 99.4).

Either parent has full rights unless a court order, a statute or a legally binding document says otherwise; fraud, a duplicate and the
parent's own request need no paper; `not_verified` is a ground only against somebody who never had full rights.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 - parameters are read by their types at run time
from typing import TYPE_CHECKING, Any

from console.desk import Objection, Sight
from console.errors import Usage
from console.lazy import sa, t
from console.params import Telling, option
from models.words import Basis, Log, MembershipStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.filters import Predicate

ON_PAPER = (Basis.COURT_ORDER, Basis.STATUTE, Basis.BINDING_DOCUMENT)


@dataclass(frozen=True, kw_only=True)
class Grounded(Telling):
    """On what ground an access is closed."""

    basis: Basis = option("On what ground: an approved parent has full rights without one (34 CFR 99.4).")
    reference: str = option("Which order, statute or document: how it is found again.", default="", personal=True)
    order_date: date | None = option("The order's or document's date.", default=None)
    order_expires: date | None = option("The day on which the order or document ends.", default=None)


def once_approved(tie: Any) -> Predicate:
    """Whether a membership has full rights, comes back to them, or somebody established who it is."""
    resumes = sa.func.coalesce(tie.resumes_as == MembershipStatus.APPROVED, sa.true())
    return sa.and_(
        tie.status != MembershipStatus.REMOVED,
        sa.or_(
            tie.verified_at.is_not(None),
            tie.status == MembershipStatus.APPROVED,
            sa.and_(tie.status == MembershipStatus.SUSPENDED, resumes),
        ),
    )


def approved_before() -> Predicate:
    """Whether an application of the challenged account was ever approved: by the ledger, whatever was taken back since."""
    r, g = t.record.c, t.registration.alias("applied").c
    return sa.exists().where(
        g.account_id == t.challenge.c.account_id,
        r.case_id == g.id,
        r.desk == "registrations",
        r.action == "registrations.approve",
        r.log == Log.LEDGER,
    )


def unfounded(basis: Basis | None, *, account: bool) -> list[Objection]:
    """`not_verified` is a ground only against somebody who was never approved; for an account, for none of its students."""
    if basis != Basis.NOT_VERIFIED:
        return []
    why = "the parent was approved: it needs a court order, statute, binding document, fraud, duplicate or own request"
    found = [Objection(once_approved(t.membership.c), why)]
    if account:
        other = t.membership.alias("other")
        elsewhere = sa.exists().where(other.c.account_id == t.challenge.c.account_id, once_approved(other.c))
        found.append(Objection(elsewhere, "the account is approved for another student: not_verified is no ground"))
    return found


def beyond(sight: Sight) -> list[Objection]:
    """What is done to an account is done at every school, so it takes somebody who may decide at all of them."""
    if sight.operator.schools is None:
        return []
    # The view, for it reads across all schools, where the table shows this operator none but their own.
    home = sa.table("scope_home", sa.column("student_id", sa.BigInteger), sa.column("school_id", sa.BigInteger))
    other = t.membership.alias("other")
    outside = sa.or_(home.c.school_id.is_(None), home.c.school_id.not_in(sorted(sight.operator.schools)))
    reaches = sa.exists().where(
        other.c.account_id == t.challenge.c.account_id,
        other.c.status != MembershipStatus.REMOVED,
        home.c.student_id == other.c.student_id,
        outside,
    )
    return [Objection(reaches, "the account reaches beyond your schools: the district decides")]


def everywhere(sight: Sight, outcomes: Sequence[str]) -> list[Objection]:
    """The same of a case that ended so that the whole account was closed: for its undo."""
    c = t.challenge.c
    return [Objection(sa.and_(c.outcome.in_(outcomes), each.holds), each.why) for each in beyond(sight)]


def check_basis(params: Grounded, sight: Sight) -> None:
    if params.basis in ON_PAPER and not params.reference.strip():
        raise Usage(
            f"The basis {params.basis.replace('_', ' ')} needs its reference; nothing was done. "
            "Say which it is with --reference."
        )
    if params.order_date and params.order_date > sight.today:
        raise Usage("--order-date is still to come; nothing was done. Give the date of the order itself.")
    if params.order_expires and params.order_expires <= sight.today:
        raise Usage("--order-expires is over; nothing was done. An order that has ended is no ground.")
