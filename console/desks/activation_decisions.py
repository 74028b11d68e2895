"""The decisions about a person of the directory: give them a login, link one that they have, set them aside, take them up again.

PORTAL, *Directory*: an operator picks the role; teachers and students go by the district's number; the first that is activated has
the login. What is in conflict stays out of bulk and is decided one by one, by somebody who says that they looked.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.authority import Permission, authorize
from console.desk import Decision, Objection
from console.desks.activation_accounts import key_of, make, settle
from console.directory.conflicts import STAFF, WHY, Conflict, conflicts, own, same
from console.lazy import sa, t
from console.params import Params, option
from console.scope import accounts_of
from models.words import AccountStatus, AccountType, ActivationState, InitialRights, MembershipStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.desk import Sight, Work
    from console.filters import Predicate

WAITING = ("waiting", "conflict")
_DISABLED = "the directory has it disabled"


class Login(StrEnum):
    """The types of login that an activation gives; families and professionals register themselves."""

    STUDENT = AccountType.STUDENT.value
    CERTIFICATED = AccountType.CERTIFICATED.value
    CLASSIFIED = AccountType.CLASSIFIED.value
    ASSOCIATE = AccountType.ASSOCIATE.value
    OTHER = AccountType.OTHER.value
    SCHOOL_ADMINISTRATOR = AccountType.SCHOOL_ADMINISTRATOR.value
    DISTRICT_ADMINISTRATOR = AccountType.DISTRICT_ADMINISTRATOR.value


ADMINISTRATORS = (Login.SCHOOL_ADMINISTRATOR, Login.DISTRICT_ADMINISTRATOR)


@dataclass(frozen=True, kw_only=True)
class Activating(Params):
    """As what."""

    type: Login = option("What kind of login; administrators' are given by who manages operators.")
    checked: bool = option("Yes, when you looked at what stands against it: one at a time only.", default=False)


@dataclass(frozen=True, kw_only=True)
class Linking(Params):
    """To which login."""

    account: int = option("The login's number in the portal.")


class _ActivationDecision(Decision):
    """What all decisions about the directory's people share."""

    permission = Permission.ACTIVATIONS_DECIDE

    def reserved(self, sight: Sight) -> Sequence[Objection]:
        if sight.operator.may(Permission.OPERATORS_DECIDE):
            return ()
        d, login = t.directory_user.c, t.account.alias("login")
        meant = sa.or_(login.c.id == d.account_id, login.c.login_key == key_of())
        administrators = [kind.value for kind in ADMINISTRATORS]
        theirs = sa.exists().where(meant, login.c.type.in_(administrators)).correlate_except(login)
        return [Objection(theirs, "who manages operators decides about administrators' logins")]


class Activate(_ActivationDecision):
    name = "activate"
    title = "Activate"
    help = "Give the person the login that the directory names, of the kind that you pick."
    key = "a"
    states = WAITING
    Params = Activating

    def check(self, params: Activating, sight: Sight) -> None:
        if params.type in ADMINISTRATORS:
            authorize(sight.operator, Permission.OPERATORS_DECIDE)

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight
        d, found = t.directory_user.c, conflicts()
        stays = [
            Objection(d.disabled == sa.true(), _DISABLED),
            Objection(found[Conflict.PERSON], WHY[Conflict.PERSON]),
            Objection(found[Conflict.ACCOUNT], WHY[Conflict.ACCOUNT]),
            Objection(d.several == sa.true(), WHY[Conflict.NUMBER]),
        ]
        if params.type is not None:
            stays += self._type_against(params.type)
        lifted = "" if bulk else "checked"
        if bulk or not params.checked:
            stays += [Objection(found[each], WHY[each], unless=lifted) for each in (Conflict.NUMBER, Conflict.LOGIN)]
            stays.append(Objection(found[Conflict.NAME], WHY[Conflict.NAME], unless=lifted))
            if params.type == Login.CERTIFICATED:
                stays.append(Objection(_no_teacher(), "the roster knows no such teacher", unless=lifted))
        return stays

    @staticmethod
    def _type_against(kind: Login) -> list[Objection]:
        d = t.directory_user.c
        if kind == Login.STUDENT:
            person = Objection(d.student_id.is_(None), "no student has its number")
        else:
            person = Objection(d.student_id.is_not(None), "its number is a student's")
        return [person, Objection(sa.and_(own(), same().c.type != kind.value), "it has a login of another kind")]

    def prepare(self, connection: sa.Connection, where: Predicate, params: Activating, sight: Sight) -> None:
        from console.desks import desk

        make(connection, where, sight, desk("activations"), AccountType(params.type))

    def changes(self, params: Activating, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        d, a, m = t.directory_user.c, t.account.c, t.membership.c
        starts = (AccountStatus.DELETED, AccountStatus.PENDING)
        begins = a.status.in_(starts)
        changes: dict[sa.Column[Any], Any] = {
            d.state: ActivationState.ACTIVATED,
            d.account_id: a.id,
            a.status: sa.case((begins, AccountStatus.ACTIVE.value), else_=a.status),
            a.since: sa.case((begins, sight.today), else_=a.since),
            a.deleted_at: sa.cast(sa.null(), a.deleted_at.type),
            a.type: params.type.value,
        }
        if params.type == Login.STUDENT:
            closed = m.status.in_((MembershipStatus.REMOVED, MembershipStatus.PENDING, MembershipStatus.LIMITED))
            opens = sa.and_(closed, a.status.in_((*starts, AccountStatus.ACTIVE)))
            changes |= {
                m.status: sa.case((opens, MembershipStatus.APPROVED.value), else_=m.status),
                m.since: sa.case((opens, sight.today), else_=m.since),
                m.verified_at: sa.case((opens, sa.literal(sight.now, m.verified_at.type)), else_=m.verified_at),
            }
        return changes

    def access(self, params: Activating, sight: Sight) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
        """Who begins to see: a student themselves, a teacher whoever is enrolled where the teacher works; nobody sees less."""
        from console.desks.activation_access import opens

        return opens(params.type, sight.today), sa.literal(0)

    def lasting(self) -> Sequence[Objection]:
        d, r, c = t.directory_user.c, t.registration.c, t.challenge.c
        used = sa.or_(
            sa.exists().where(r.account_id == d.account_id).correlate(t.directory_user),
            sa.exists()
            .where(sa.or_(c.account_id == d.account_id, c.challenger_id == d.account_id))
            .correlate(t.directory_user),
        )
        return [Objection(used, "the login was used since")]

    def carry_out(self, work: Work) -> None:
        settle(work)

    def take_back(self, work: Work) -> None:
        settle(work)


class Automatic(Activate):
    """The activation that the settings ask for: clean matches only, and no student of a school that approves every account itself.

    It is recorded as *activate* and so undone as one; who may sync may carry it out, at a sync.
    """

    permission = Permission.INTAKE

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del bulk
        found = list(super().objections(params, sight, bulk=True))
        if params.type == Login.STUDENT:
            itself = sa.func.coalesce(t.school.c.initial_rights != InitialRights.APPROVE_FOR_GRADES, sa.true())
            return [*found, Objection(itself, "its school approves every account itself")]
        return [*found, Objection(t.staff.c.type.is_distinct_from(params.type.value), "the roster has another kind")]


def _no_teacher() -> Predicate:
    """Neither the roster's word for it nor a login that says so already."""
    has_it = sa.and_(own(), same().c.type == AccountType.CERTIFICATED)
    return sa.and_(t.staff.c.type.is_distinct_from(AccountType.CERTIFICATED.value), sa.not_(has_it))


class Link(_ActivationDecision):
    name = "link"
    title = "Link a login"
    help = "Tie the person to a login that is there already, under another name or after a conflict."
    key = "l"
    states = WAITING
    bulk = False
    Params = Linking

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del bulk
        d = t.directory_user.c
        found = [Objection(d.disabled == sa.true(), _DISABLED), Objection(d.several == sa.true(), WHY[Conflict.NUMBER])]
        return found if params.account is None else [*found, *self._against(params.account, sight)]

    @staticmethod
    def _against(account: int, sight: Sight) -> list[Objection]:
        d, a, other = t.directory_user.c, t.account.c, t.directory_user.alias("holder").c
        number = sa.literal(account, sa.BigInteger())

        def none(*holds: Predicate) -> Predicate:
            return ~sa.exists().where(a.id == number, *holds).correlate(t.directory_user)

        whose = sa.case(
            (d.student_id.is_not(None), sa.and_(a.type == AccountType.STUDENT, a.student_id == d.student_id)),
            (
                d.staff_id.is_not(None),
                sa.and_(a.type.in_(STAFF), sa.or_(a.staff_id.is_(None), a.staff_id == d.staff_id)),
            ),
            else_=sa.and_(a.type.in_(STAFF), a.staff_id.is_(None)),
        )
        held = sa.exists().where(
            other.account_id == number,
            other.id != d.id,
            other.state == ActivationState.ACTIVATED,
            sa.not_(other.gone),
        )
        return [
            Objection(none(accounts_of(sight.operator), a.status != AccountStatus.DELETED), "there is no such login"),
            Objection(none(whose), "that login is not this person's kind, or by the roster somebody else's"),
            Objection(held.correlate(t.directory_user), "another entry has that login"),
        ]

    def prepare(self, connection: sa.Connection, where: Predicate, params: Linking, sight: Sight) -> None:
        """Keep the login for this transaction: two entries linked to it at once come one after the other."""
        del where, sight
        a = t.account.c
        connection.execute(sa.select(a.id).where(a.id == params.account).with_for_update()).close()

    def changes(self, params: Linking, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        d = t.directory_user.c
        return {d.state: ActivationState.ACTIVATED, d.account_id: params.account}


class Dismiss(_ActivationDecision):
    name = "dismiss"
    title = "Dismiss"
    help = "Set an entry aside that is nobody who gets a login: a service, a room, a duplicate."
    key = "d"
    states = WAITING
    needs_reason = True

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params, sight
        return {t.directory_user.c.state: ActivationState.DISMISSED}


class Restore(_ActivationDecision):
    name = "restore"
    title = "Restore"
    help = "Take up again what was dismissed."
    key = "t"
    states = ("dismissed",)

    def changes(self, params: Params, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params, sight
        return {t.directory_user.c.state: ActivationState.WAITING}
