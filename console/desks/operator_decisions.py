"""What is decided about who works here: enabled, disabled, given a role, reset, signed out, tied to a key.

Promises: nobody decides about themselves but to sign out and to tie a key; one district administrator for all schools always stays;
whatever takes rights away ends the sessions that had them in the same transaction. What gives rights takes two operators and is not
undone but decided again, so that no old batch brings back who was let go (SECURITY, *Authority*).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from console.authority import Permission, Role, unfit
from console.desk import Decision, Needs, Objection, Work
from console.desks.operator_keys import fingerprint, refusal
from console.errors import Refused, Usage
from console.lazy import sa, t
from console.params import Params, option
from models.words import OperatorOrigin, OperatorStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.desk import Sight
    from console.filters import Predicate

S = OperatorStatus
ALL = "all"
"""What is typed for every school."""


@dataclass(frozen=True, kw_only=True)
class Placing(Params):
    """A role, and where it holds."""

    role: Role = option("The role; district roles says what each may do.")
    schools: str = option("The codes of their schools, separated by commas; all for every school.")

    def codes(self) -> tuple[str, ...] | None:
        """The codes as typed, in lower case; None for every school."""
        if self.schools.strip().lower() == ALL:
            return None
        return tuple(sorted({code.strip().lower() for code in self.schools.split(",") if code.strip()}))


@dataclass(frozen=True, kw_only=True)
class Keyed(Params):
    """A key, tied or taken away."""

    public_key: str = option("The public key as in its .pub file, or its fingerprint SHA256:….")
    remove: bool = option("yes takes the key away and ends the sessions that came with it.", default=False)

    def __post_init__(self) -> None:
        """Keep the fingerprint alone: the comment of a public key often names a person and their machine."""
        if self.public_key and (found := fingerprint(self.public_key)) is not None:
            object.__setattr__(self, "public_key", found)


class _OperatorDecision(Decision):
    permission = Permission.OPERATORS_DECIDE
    bulk = False
    undoable = False
    two: ClassVar[bool] = False

    def needs(self, params: Any, count: int) -> Needs:
        del params, count
        return Needs(reason=self.needs_reason, step_up=self.two, second_person=self.two)

    def access(self, params: Any, sight: Sight) -> tuple[sa.ColumnElement[int], sa.ColumnElement[int]]:
        """Operators see through the console, not through the portal's views."""
        del params, sight
        return sa.literal(0), sa.literal(0)

    def subject(self, params: Any) -> sa.Column[Any]:
        del params
        return t.operator.c.status


class Enable(_OperatorDecision):
    name = "enable"
    title = "Enable"
    help = "Let a proposed or disabled operator work here; a second operator confirms it."
    key = "a"
    states = (S.PROPOSED, S.DISABLED)
    two = True
    bootstraps = True
    """While one operator alone works here, they let the second one in."""

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        return [_oneself(sight)]

    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        """The epoch goes up too: a session of before they were disabled is not continued."""
        del params, sight
        o = t.operator.c
        return {o.status: S.ACTIVE, o.epoch: o.epoch + 1}


class Disable(_OperatorDecision):
    name = "disable"
    title = "Disable"
    help = "Let them work here no longer, and sign them out everywhere at once."
    key = "d"
    states = (S.PROPOSED, S.ACTIVE)
    closes = True

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        return [_oneself(sight), _last_administrator()]

    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params, sight
        o = t.operator.c
        return {o.status: S.DISABLED, o.epoch: o.epoch + 1}

    def carry_out(self, work: Work) -> None:
        _end_sessions(work)
        _withdraw_invitations(work)
        _somebody_stays(work)


class Place(_OperatorDecision):
    name = "role"
    title = "Role and schools"
    help = "Give another role, or other schools; a second operator confirms it, and they sign in anew."
    key = "r"
    Params = Placing
    two = True

    def check(self, params: Placing, sight: Sight) -> None:
        codes, own = params.codes(), sight.operator.schools
        if codes == ():
            raise Usage("--schools names no school; nothing was done. Name their codes, or all.")
        if codes is None and own is not None:
            raise Usage("You work for some schools and cannot give all of them; nothing was done. Name their codes.")

    def subject(self, params: Any) -> sa.Column[Any]:
        del params
        return t.operator.c.role

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del bulk
        o = t.operator.c
        found = [
            _oneself(sight),
            Objection(o.origin == OperatorOrigin.DIRECTORY, "its groups in the directory say which role it has"),
            Objection(o.break_glass.is_(sa.true()), "a break-glass operator keeps its role"),
        ]
        if params.role is None or params.schools is None:
            return found
        codes = params.codes()
        found.extend(
            Objection(o.unattended.is_(kind), why)
            for kind, unattended in ((sa.true(), True), (sa.false(), False))
            if (why := unfit(params.role, unattended=unattended))
        )
        if params.role != Role.DISTRICT_ADMINISTRATOR or codes is not None:
            found.append(_last_administrator())
        if codes is not None:
            known = sa.select(sa.func.count(sa.distinct(sa.func.lower(t.school.c.code)))).where(
                *_schools_of(codes, sight)
            )
            found.append(Objection(known.scalar_subquery() != len(codes), "a school of those codes is not there"))
        same = [o.role == params.role, *_placed(codes, sight)]
        found.append(Objection(sa.and_(*same), "it is so already"))
        return found

    def changes(self, params: Placing, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del sight
        o = t.operator.c
        return {o.role: params.role, o.epoch: o.epoch + 1}

    def carry_out(self, work: Work) -> None:
        c = t.operator_school.c
        chosen = sa.select(work.chosen.c.id)
        work.connection.execute(t.operator_school.delete().where(c.operator_id.in_(chosen)))
        params = work.params
        assert isinstance(params, Placing)  # noqa: S101 - what this decision's calls hold
        if (codes := params.codes()) is not None:
            each = work.chosen.join(t.school, sa.and_(*_schools_of(codes, work.sight)))
            pairs = sa.select(work.chosen.c.id, t.school.c.id).select_from(each)
            work.connection.execute(t.operator_school.insert().from_select(["operator_id", "school_id"], pairs))
        _end_sessions(work)
        _somebody_stays(work)


class Reset(_OperatorDecision):
    name = "reset"
    title = "Reset sign-in"
    help = "Take away password, second factor and recovery codes that were lost; a second operator confirms it."
    key = "t"
    states = (S.ACTIVE, S.DISABLED)
    needs_reason = True
    closes = True
    two = True

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk
        program = Objection(t.operator.c.unattended.is_(sa.true()), "a program has a key alone; take that away")
        return [_oneself(sight), program]

    def subject(self, params: Any) -> sa.Column[Any]:
        del params
        return t.operator.c.epoch

    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params, sight
        return {t.operator.c.epoch: t.operator.c.epoch + 1}

    def carry_out(self, work: Work) -> None:
        from console.signin.factor import forget

        for operator in work.connection.execute(sa.select(work.chosen.c.id)).scalars().all():
            forget(work.connection, operator)
        password = t.operator_password
        work.connection.execute(password.delete().where(password.c.operator_id.in_(sa.select(work.chosen.c.id))))
        _withdraw_invitations(work)
        _end_sessions(work)


class SignOut(_OperatorDecision):
    name = "signout"
    title = "Sign out everywhere"
    help = "End every session of the operator at once; they may sign in again."
    key = "o"
    states = (S.ACTIVE,)
    closes = True

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del params, bulk, sight
        return [Objection(t.operator.c.unattended.is_(sa.true()), "a program has no sessions")]

    def subject(self, params: Any) -> sa.Column[Any]:
        del params
        return t.operator.c.epoch

    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        del params, sight
        return {t.operator.c.epoch: t.operator.c.epoch + 1}

    def carry_out(self, work: Work) -> None:
        _end_sessions(work)


class Key(_OperatorDecision):
    name = "key"
    title = "SSH key"
    help = "Tie an SSH public key to the operator, or take it away."
    key = "i"
    Params = Keyed

    def check(self, params: Keyed, sight: Sight) -> None:
        del sight
        if fingerprint(params.public_key) is None:
            raise refusal(params.public_key)

    def needs(self, params: Keyed, count: int) -> Needs:
        del count
        return Needs(step_up=not params.remove)

    def objections(self, params: Any, sight: Sight, *, bulk: bool) -> Sequence[Objection]:
        del sight, bulk
        if params.public_key is None:
            return ()
        k = t.operator_key.c
        tied = sa.exists().where(k.fingerprint == params.public_key)
        theirs = sa.exists().where(k.fingerprint == params.public_key, k.operator_id == t.operator.c.id)
        if params.remove:
            return [Objection(sa.not_(theirs), "that key is not tied to it")]
        return [Objection(theirs, "that key is tied to it already"), Objection(tied, "that key is another operator's")]

    def changes(self, params: Any, sight: Sight) -> Mapping[sa.Column[Any], Any]:
        """Nothing of the operator's own: the record's parameters say which key."""
        del params, sight
        return {t.operator.c.status: t.operator.c.status}

    def carry_out(self, work: Work) -> None:
        params = work.params
        assert isinstance(params, Keyed)  # noqa: S101 - what this decision's calls hold
        k, s = t.operator_key.c, t.session.c
        chosen = sa.select(work.chosen.c.id)
        if params.remove:
            work.connection.execute(
                t.operator_key.delete().where(k.operator_id.in_(chosen), k.fingerprint == params.public_key)
            )
            _end_sessions(work, s.fingerprint == params.public_key)
            return
        new = sa.select(
            work.chosen.c.id, sa.literal(params.public_key), sa.literal(work.sight.now, t.operator_key.c.added_at.type)
        )
        work.connection.execute(t.operator_key.insert().from_select(["operator_id", "fingerprint", "added_at"], new))


def _oneself(sight: Sight) -> Objection:
    return Objection(t.operator.c.id == sight.operator.id, "nobody decides this about themselves")


def _administrates(table: Any) -> Predicate:
    """True for the operators without whom nobody could hire: administrators of all schools who can sign in every day."""
    o = table.c
    schools = sa.exists().where(t.operator_school.c.operator_id == o.id)
    return sa.and_(
        o.role == Role.DISTRICT_ADMINISTRATOR,
        o.status == S.ACTIVE,
        o.unattended.is_(sa.false()),
        o.break_glass.is_(sa.false()),
        sa.not_(schools),
    )


def _last_administrator() -> Objection:
    other = t.operator.alias("other")
    others = sa.exists(sa.select(other.c.id).where(other.c.id != t.operator.c.id, _administrates(other)))
    return Objection(
        sa.and_(_administrates(t.operator), sa.not_(others.correlate(t.operator))),
        "it is the last district administrator",
    )


def _somebody_stays(work: Work) -> None:
    """Judged again under the ledger's lock, which two administrators who disable each other at once take one after the other."""
    if work.connection.execute(sa.select(t.operator.c.id).where(_administrates(t.operator)).limit(1)).first() is None:
        raise Refused("No district administrator would be left; nothing was done. Enable another one first.")


def _schools_of(codes: Sequence[str], sight: Sight) -> list[Predicate]:
    """The schools of these codes that exist for who decides."""
    found: list[Predicate] = [sa.func.lower(t.school.c.code).in_(codes)]
    if sight.operator.schools is not None:
        found.append(t.school.c.id.in_(sorted(sight.operator.schools)))
    return found


def _placed(codes: Sequence[str] | None, sight: Sight) -> list[Predicate]:
    """True where the operator has just these schools."""
    c = t.operator_school.c
    mine = c.operator_id == t.operator.c.id
    if codes is None:
        return [sa.not_(sa.exists().where(mine))]
    wanted = sa.select(t.school.c.id).where(*_schools_of(codes, sight))
    lacks = sa.exists(
        sa.select(t.school.c.id).where(
            *_schools_of(codes, sight), t.school.c.id.not_in(sa.select(c.school_id).where(mine).correlate(t.operator))
        )
    )
    return [sa.not_(sa.exists().where(mine, c.school_id.not_in(wanted))), sa.not_(lacks.correlate(t.operator))]


def _end_sessions(work: Work, *where: Predicate) -> None:
    s = t.session.c
    work.connection.execute(
        t.session.update()
        .where(s.operator_id.in_(sa.select(work.chosen.c.id)), s.ended_at.is_(None), *where)
        .values(ended_at=work.sight.now)
    )


def _withdraw_invitations(work: Work) -> None:
    work.connection.execute(t.invitation.delete().where(t.invitation.c.operator_id.in_(sa.select(work.chosen.c.id))))
