"""The login that an activation ties a person to: which it is, how it is made, and how it is left when the activation is undone.

A login that is not there yet begins as a deleted one under a key that no login can have, so that its activation is a change of its
state like any other, told by the record and taken back by the undo, which leaves the row and gives the name free again. What spells
a person – login, names, address – stands in no record: `settle` makes it agree with the login's state, forwards and backwards.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from console.directory.conflicts import own
from console.errors import Refused
from console.intake.lookups import CHUNK
from console.lazy import sa, t
from models.words import AccountStatus, AccountType, ActivationState, MembershipStatus, Origin

if TYPE_CHECKING:
    from console.desk import Desk, Sight, Work
    from console.filters import Predicate

FREE = " "
"""What the key of a login begins with that nobody can sign in with: a login never begins with a space."""


def key_of() -> sa.ColumnElement[str]:
    """The key of the login that the case is tied to, whether it is there or not."""
    d = t.directory_user.c
    return sa.case((own(), d.login_key), else_=sa.literal(FREE).concat(d.directory_id))


def with_login(source: sa.FromClause) -> sa.FromClause:
    """The cases with that login and the student's own tie of it, each where it is there: one row a case.

    The tie is looked up by a subquery of its own. As a join it was read from end to end for each case on PostgreSQL: beside what
    judging the cases costs, an index and a whole table differ by less than the planner's one per cent.
    """
    own_tie = t.membership.alias("own_tie")
    tie = sa.select(own_tie.c.id).where(
        own_tie.c.account_id == t.account.c.id, own_tie.c.student_id == t.directory_user.c.student_id
    )
    found = tie.correlate(t.account, t.directory_user).scalar_subquery()
    return source.outerjoin(t.account, t.account.c.login_key == key_of()).outerjoin(
        t.membership, t.membership.c.id == found
    )


def ties() -> dict[sa.Table, sa.ColumnElement[int]]:
    """Their ids, as the desk's ties.

    Inside a CASE: else PostgreSQL concludes from "an id among these" that the login is there, begins with the logins and compares
    each with every case, which took 5 s for 4,500 people.
    """
    return {table: sa.case((table.c.id > 0, table.c.id), else_=None) for table in (t.account, t.membership)}


@cache
def _meant() -> sa.Table:
    """The cases that a decision begins with: the key of each one's login, the student, and whether a tie could open anything."""
    return sa.Table(
        "meant",
        sa.MetaData(),
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("key", sa.Text),
        sa.Column("student_id", sa.BigInteger),
        sa.Column("opens", sa.Boolean),
        prefixes=["TEMPORARY"],
    )


def make(connection: sa.Connection, where: Predicate, sight: Sight, desk: Desk, type_: AccountType) -> None:
    """Make the logins, and students' own ties, that the cases of `where` need and do not have."""
    d, meant = t.directory_user.c, _meant()
    _keep_turns(connection, where, desk)
    meant.create(connection)
    # A login that an operator closed stays closed, and needs no tie that would open nothing.
    opens = sa.func.coalesce(t.account.c.status != AccountStatus.SUSPENDED, sa.true())
    chosen = sa.select(d.id, key_of(), d.student_id, opens).select_from(desk.source()).where(where)
    connection.execute(meant.insert().from_select([column.name for column in meant.c], chosen))
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"ANALYZE {meant.name}")
    _make_logins(connection, sight, type_)
    if type_ is AccountType.STUDENT:
        _make_ties(connection, sight)
    meant.drop(connection)


def _make_logins(connection: sa.Connection, sight: Sight, type_: AccountType) -> None:
    d, a, meant = t.directory_user.c, t.account.c, _meant().c
    values: dict[sa.Column[Any], Any] = {
        a.type: sa.literal(type_.value),
        a.login: d.login,
        a.login_key: meant.key,
        a.given_name: d.given_name,
        a.family_name: d.family_name,
        a.status: sa.literal(AccountStatus.DELETED.value),
        a.origin: sa.literal(Origin.SIS.value),
        a.since: sa.literal(sight.today, sa.Date()),
        a.deleted_at: sa.literal(sight.now, a.deleted_at.type),
    }
    known = t.account.alias("known")
    new = sa.select(*values.values()).where(d.id == meant.id, ~sa.exists().where(known.c.login_key == meant.key))
    connection.execute(t.account.insert().from_select([column.name for column in values], new.order_by(d.id)))


def _make_ties(connection: sa.Connection, sight: Sight) -> None:
    a, m, meant = t.account.c, t.membership.c, _meant().c
    values: dict[sa.Column[Any], Any] = {
        m.account_id: a.id,
        m.student_id: meant.student_id,
        m.relation: sa.literal("self"),
        m.status: sa.literal(MembershipStatus.REMOVED.value),
        m.arrival_status: sa.literal(MembershipStatus.PENDING.value),
        m.origin: sa.literal(Origin.SIS.value),
        m.since: sa.literal(sight.today, sa.Date()),
    }
    known = t.membership.alias("known")
    there = sa.exists().where(known.c.account_id == a.id, known.c.student_id == meant.student_id)
    new = sa.select(*values.values()).where(a.login_key == meant.key, meant.opens, ~there).order_by(meant.id)
    connection.execute(t.membership.insert().from_select([column.name for column in values], new))


def _keep_turns(connection: sa.Connection, where: Predicate, desk: Desk) -> None:
    """Lock the cases, and the entries that have the same logins, in one order: whoever comes second sees what the first made.

    A login is one person's in the whole district, so other schools' entries are locked too; none is read.
    """
    if connection.dialect.name == "sqlite":
        return
    from models.row_scope import everywhere

    d = t.directory_user.c
    named = sa.select(d.login_key).select_from(desk.source()).where(where).distinct().order_by(d.login_key)
    keys = connection.execute(named).scalars().all()
    with everywhere(connection):
        for start in range(0, len(keys), CHUNK):
            mine = d.login_key.in_(keys[start : start + CHUNK])
            connection.execute(sa.select(d.id).where(mine).order_by(d.login_key, d.id).with_for_update()).close()


def settle(work: Work) -> None:
    """Make the logins of the chosen cases agree with their state: an activated one has its name, another gives it free."""
    if "tie_account" not in work.chosen.c:
        return
    if work.connection.dialect.name == "postgresql":
        work.connection.exec_driver_sql(f"ANALYZE {work.chosen.name}")
    _name(work)
    _free(work)


def _name(work: Work) -> None:
    """Activated cases whose login has no name yet get the directory's, and their code's school where the roster names none."""
    connection, d, a = work.connection, t.directory_user.c, t.account.c
    mine = sa.and_(
        d.id == work.chosen.c.id,
        d.state == ActivationState.ACTIVATED,
        a.id == work.chosen.c.tie_account,
        a.login_key.startswith(FREE),
    )
    other = t.account.alias("other")
    taken = sa.select(d.id).where(mine, sa.exists().where(other.c.login_key == d.login_key))
    if connection.execute(taken.limit(1)).first() is not None:
        raise Refused("Somebody else has one of these logins since; nothing was done. Look at state:conflict.")
    staff = d.student_id.is_(None)
    named: dict[sa.Column[Any], Any] = {
        a.login: d.login,
        a.login_key: d.login_key,
        a.given_name: d.given_name,
        a.family_name: d.family_name,
        a.name_key: d.name_key,
        a.family_key: d.family_key,
        a.email: sa.case((staff, d.email), else_=sa.null()),
        a.email_key: sa.case((staff, sa.func.coalesce(sa.func.lower(d.email), "")), else_=""),
        a.student_id: d.student_id,
        a.staff_id: d.staff_id,
    }
    p, k = t.post.c, t.account_school
    placed = sa.exists().where(p.staff_id == d.staff_id, p.active)
    known = sa.exists().where(k.c.account_id == a.id, k.c.school_id == d.school_id)
    here = sa.select(a.id, d.school_id).where(
        mine, a.type != AccountType.STUDENT, d.school_id.is_not(None), sa.not_(placed), sa.not_(known)
    )
    connection.execute(k.insert().from_select(["account_id", "school_id"], here))
    connection.execute(t.account.update().where(mine).values(named))


def _free(work: Work) -> None:
    """Logins that an undo left deleted give their name free, and the schools that came with them."""
    connection, d, a = work.connection, t.directory_user.c, t.account.c
    tied = work.chosen.c.tie_account
    left = sa.select(a.id).where(a.id.in_(sa.select(tied)), a.status == AccountStatus.DELETED)
    k = t.account_school
    connection.execute(k.delete().where(k.c.account_id.in_(left)))
    connection.execute(
        t.account.update()
        .where(a.id == tied, work.chosen.c.id == d.id, a.status == AccountStatus.DELETED)
        .values(login_key=sa.literal(FREE).concat(d.directory_id))
    )
