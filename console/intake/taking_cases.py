"""Challenges, requests for grants and answers from the intake: whom they are about, and who may speak at all.

Who may challenge a tie: the student, and parents whose own tie to that student is approved (PORTAL, *Challenges*).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from console.clock import add_school_days
from console.intake.letting_go import let_go
from console.intake.lookups import Students, accounts_of, login_key, memberships_of
from console.intake.taking_registrations import WAITING
from console.lazy import sa, t
from models.words import (
    AccountStatus,
    AccountType,
    ChallengeState,
    GrantState,
    MembershipStatus,
    RegistrationState,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.intake.taking import Taking


def take_challenges(taking: Taking) -> None:
    """Take over all that wait, a chunk at a time, and alert whoever is to be told at once (PORTAL, *Challenges*)."""
    from console.notices.alerting import alert_challenges
    from models.bulk import insert_rows

    last = taking.connection.execute(sa.select(sa.func.max(t.challenge.c.id))).scalar_one() or 0
    policy = taking.sight.settings.policy
    closed = taking.sight.settings.portal.closed_days
    zone = taking.sight.settings.portal.zone
    for rows in taking.waiting(t.intake_challenge):
        accounts = accounts_of(taking.connection, [login for row in rows for login in (row.challenger, row.challenged)])
        students = Students.numbered(taking.connection, (row.student_number.strip() for row in rows))
        ties = memberships_of(taking.connection, {account.id for account in accounts.values()})
        made = []
        for row in rows:
            about = _challenged(row, accounts, students, ties)
            if isinstance(about, str):
                taking.refuse("challenges", row.id, about)
                continue
            tie, student, challenger = about
            day = row.arrived_at.astimezone(zone).date()
            made.append(
                (
                    row.ref,
                    ChallengeState.OPEN,
                    row.arrived_at,
                    tie.id,
                    tie.account_id,
                    tie.student_id,
                    student.school_id,
                    challenger,
                    row.statement,
                    add_school_days(day, policy.first_answer_days, closed),
                    add_school_days(day, policy.decision_days, closed),
                    taking.version,
                )
            )
        insert_rows(taking.connection, t.challenge, _CHALLENGE, made)
        taking.add("challenges", len(made))
        taking.settle(t.intake_challenge, "challenges", rows)
    new = taking.connection.execute(sa.select(t.challenge.c.id).where(t.challenge.c.id > last)).scalars().all()
    if new:
        alert_challenges(taking.connection, taking.sight, new)


_CHALLENGE = (
    "ref",
    "state",
    "arrived_at",
    "membership_id",
    "account_id",
    "student_id",
    "school_id",
    "challenger_id",
    "statement",
    "answer_due",
    "decision_due",
    "version",
)


def _challenged(
    row: Any, accounts: dict[str, Any], students: Students, ties: dict[tuple[int, int], Any]
) -> tuple[Any, Any, int] | str:
    """The tie, the student and the challenger's account; or why not, in words."""
    challenger, challenged = accounts.get(login_key(row.challenger)), accounts.get(login_key(row.challenged))
    student = students.find(row.student_number.strip())
    if student is None:
        return "no student has this number, or several have"
    if challenged is None:
        return "no account has the challenged login"
    tie = ties.get((challenged.id, student.id))
    if tie is None:
        return "the challenged account is not tied to this student"
    if challenger is None or challenger.status == AccountStatus.DELETED:
        return "no account has the challenger's login"
    if challenger.id == challenged.id:
        return "challenger and challenged are the same account"
    own = ties.get((challenger.id, student.id))
    is_student = challenger.type == AccountType.STUDENT and challenger.student_id == student.id
    is_parent = challenger.type == AccountType.PARENT and own is not None and own.status == MembershipStatus.APPROVED
    if not (is_student or is_parent):
        return "the challenger is neither the student nor an approved parent of this student"
    return tie, student, challenger.id


def take_grants(taking: Taking) -> None:
    """Take over all that wait, a chunk at a time. The last day asked for is in the request, so the grant ends on the next."""
    from models.bulk import insert_rows

    for rows in taking.waiting(t.intake_grant):
        accounts = accounts_of(taking.connection, (row.login for row in rows))
        students = Students.numbered(taking.connection, (row.student_number.strip() for row in rows))
        made = []
        for row in rows:
            account, student = accounts.get(login_key(row.login)), students.find(row.student_number.strip())
            why = _ungrantable(row, account, student)
            if why is not None or account is None or student is None:
                taking.refuse("grants", row.id, why or "")
                continue
            ends = row.ends + timedelta(days=1) if row.ends else None
            made.append(
                (
                    row.ref,
                    GrantState.REQUESTED,
                    row.arrived_at,
                    account.id,
                    student.id,
                    student.school_id,
                    row.purpose,
                    row.begins,
                    ends,
                    taking.version,
                )
            )
        insert_rows(taking.connection, t.access_grant, _GRANT, made)
        taking.add("grants", len(made))
        taking.settle(t.intake_grant, "grants", rows)


_GRANT = (
    "ref",
    "state",
    "arrived_at",
    "account_id",
    "student_id",
    "school_id",
    "purpose",
    "begins",
    "ends",
    "version",
)


def _ungrantable(row: Any, account: Any | None, student: Any | None) -> str | None:
    if account is None or account.status == AccountStatus.DELETED:
        return "no account has this login"
    if account.type != AccountType.ASP:
        return f"the login is not an after-school professional's ({account.type})"
    if student is None:
        return "no student has this number, or several have"
    if row.begins and row.ends and row.ends < row.begins:
        return "ends lies before starts"
    return None


def lock_answered(connection: sa.Connection) -> None:
    """Lock the cases that answers are about, before the ledger's head; their ties before them."""
    if connection.dialect.name == "sqlite":
        return
    answer, r = t.intake_answer, t.registration
    named = sa.select(answer.c.case_ref).where(answer.c.taken_at.is_(None), answer.c.refused.is_(None))
    ties = sa.select(r.c.membership_id).where(r.c.ref.in_(named))
    for table, where in (
        (t.membership, t.membership.c.id.in_(ties)),
        (r, r.c.ref.in_(named)),
        (t.challenge, t.challenge.c.ref.in_(named)),
    ):
        connection.execute(sa.select(table.c.id).where(where).order_by(table.c.id).with_for_update()).close()


def take_answers(taking: Taking) -> None:
    """Put what was written into its case's thread. An answer brings a waiting case back; `withdraws` takes an application back."""
    for rows in taking.waiting(t.intake_answer):
        found = {
            "registrations": _cases(taking, t.registration, rows, "registrations"),
            "challenges": _cases(taking, t.challenge, rows, "challenges"),
        }
        good = []
        for row in rows:
            case = found.get(row.desk, {}).get(row.case_ref)
            if case is None:
                taking.refuse("answers", row.id, "there is no such case")
            else:
                good.append((row, case))
        _write(taking, good)
        for row, case in good:
            (_answer_registration if row.desk == "registrations" else _answer_challenge)(taking, row, case)
        taking.add("answers", len(good))
        taking.settle(t.intake_answer, "answers", rows)


def _cases(taking: Taking, table: sa.Table, rows: Sequence[Any], desk: str) -> dict[str, Any]:
    refs = {row.case_ref for row in rows if row.desk == desk}
    return {row.ref: row for row in taking.connection.execute(sa.select(table).where(table.c.ref.in_(refs)))}


def _write(taking: Taking, pairs: Sequence[tuple[Any, Any]]) -> None:
    from models.bulk import insert_rows

    places = [(f"{row.desk}:{case.id}", row.text.encode()) for row, case in pairs]
    bodies = taking.vault.seal_many("thread_entry", "body", places)
    insert_rows(
        taking.connection,
        t.thread_entry,
        ("desk", "case_id", "at", "author", "author_id", "body", "batch", "withdrawn"),
        [
            (
                row.desk,
                case.id,
                row.at,
                "account",
                case.account_id if row.desk == "registrations" else None,
                body,
                taking.batch,
                False,
            )
            for (row, case), body in zip(pairs, bodies, strict=True)
        ],
    )


def _meet(taking: Taking, desk: str, case: int) -> None:
    d = t.deadline.c
    taking.connection.execute(
        t.deadline.update()
        .where(d.desk == desk, d.case_id == case, d.name == "answer", d.met_at.is_(None), d.withdrawn.is_(sa.false()))
        .values(met_at=taking.sight.now)
    )


def _answer_registration(taking: Taking, row: Any, case: Any) -> None:
    r = t.registration
    asked_since = taking.sight.now - timedelta(days=taking.sight.settings.policy.needs_info_days)
    # Two answers to one case may lie in one chunk: the state is judged by the row as it is now.
    waits = sa.and_(
        r.c.id == case.id,
        sa.or_(r.c.state != RegistrationState.NEEDS_INFO, r.c.asked_at.is_(None), r.c.asked_at >= asked_since),
    )
    update = r.update().where(waits)
    if row.withdraws:
        done = taking.connection.execute(
            update.where(r.c.state.in_(WAITING)).values(
                state=RegistrationState.WITHDRAWN, asked_at=None, version=taking.version
            )
        ).rowcount
        if done:
            let_go(taking.connection, [case.id], taking.sight.today, taking.version)
    else:
        done = taking.connection.execute(
            update.where(r.c.state == RegistrationState.NEEDS_INFO).values(
                state=RegistrationState.SUBMITTED, asked_at=None, version=taking.version
            )
        ).rowcount
    if done:
        _meet(taking, "registrations", case.id)
        taking.change("registrations")


def _answer_challenge(taking: Taking, row: Any, case: Any) -> None:
    del row
    c = t.challenge
    done = taking.connection.execute(
        c.update()
        .where(c.c.id == case.id, c.c.state == ChallengeState.WAITING)
        .values(state=ChallengeState.OPEN, waiting_until=None, version=taking.version)
    ).rowcount
    if done:
        _meet(taking, "challenges", case.id)
        taking.change("challenges")
