"""Promise: for any account and student the console says what is seen, through which tie, since and until when – or why not.

Each rule that closes or narrows has its sentence, and where no sentence is said, everything that the type may see is open.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from console.access import explain, who_can_see
from console.errors import Refused
from tests.oracle import EVERYTHING, PARENT, TEACHER, everything, sees
from tests.worlds import LATELY, OPEN, PAST, SOON, TODAY, Trouble, holding, opened, situations, troubled, worlds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

ADA, ANNA, ROE, MOE, TUTOR, COACH, CLERK = 1, 3, 7, 9, 10, 11, 12
NO_CONSENT = [Trouble("consents", row, "gives", False) for row in range(len(OPEN.consents))]
LIMITED = "The tie is limited: it shows what is published and nothing else."
ESTRANGED = [Trouble("ties", row, "status", "pending") for row in (2, 3, 4)]


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    with opened(database_url) as made:
        yield made


def trouble(table: str, row: int, **values: object) -> list[Trouble]:
    return [Trouble(table, row, name, value) for name, value in values.items()]


WHY = [
    (CLERK, [], "An account of type classified sees no student's data in the portal."),
    (ADA, trouble("accounts", 0, status="pending"), "The account is pending: it waits for approval."),
    (ADA, trouble("accounts", 0, status="deleted"), "The account is deleted."),
    (ADA, trouble("accounts", 0, status="suspended"), "The account is suspended."),
    (
        ADA,
        trouble("accounts", 0, status="suspended", suspended_until=SOON),
        "The account is suspended until 2026-11-23.",
    ),
    (ADA, trouble("accounts", 0, since=SOON), "The account begins on 2026-11-23."),
    (ADA, trouble("accounts", 0, student=None), "The account is tied to no student."),
    (2, [], "The account belongs to another student."),
    (ADA, trouble("ties", 0, status="removed"), "The tie is removed."),
    (
        ADA,
        trouble("ties", 0, status="pending"),
        "The school approves every account first, and this one is not approved.",
    ),
    (
        ADA,
        [*trouble("ties", 0, status="pending"), *trouble("students", 0, school=None)],
        "The student has no home school, so the account needs approval, and it is not approved.",
    ),
    (6, [], "There is no tie between this account and this student."),
    (ANNA, trouble("ties", 2, status="pending"), "The tie is pending: nobody has approved it."),
    (ANNA, trouble("ties", 2, status="removed"), "The tie is removed."),
    (ANNA, trouble("ties", 2, status="suspended"), "The tie is suspended."),
    (ANNA, trouble("ties", 2, status="suspended", suspended_until=SOON), "The tie is suspended until 2026-11-23."),
    (
        ANNA,
        trouble("ties", 2, status="suspended", suspended_until=LATELY),
        "The tie's suspension ended on 2026-11-19, but what the tie resumes as is not on record.",
    ),
    (ANNA, trouble("ties", 2, since=SOON), "The tie begins on 2026-11-23."),
    (ANNA, trouble("ties", 2, blocked=True), "The tie is blocked."),
    (ANNA, trouble("students", 0, parents_blocked=True), "Every parent's access to this student is blocked."),
    (
        ANNA,
        trouble("students", 0, adult_on=LATELY),
        "The student came of age on 2026-11-19, and the school closes parents' ties until they are re-based.",
    ),
    (
        ANNA,
        trouble("challenges", 0, state="open"),
        "An open challenge (number 1) holds the tie; the school's policy is full.",
    ),
    (
        ANNA,
        trouble("arrived", 0, waits=True),
        "An open challenge (not taken over yet) holds the tie; the school's policy is full.",
    ),
    (
        ANNA,
        [*trouble("challenges", 0, state="appealed"), *trouble("schools", 0, hold_policy="limited")],
        "An open challenge (number 1) holds the tie; the school's policy is limited.",
    ),
    (
        ANNA,
        trouble("ties", 2, status="limited"),
        LIMITED,
    ),
    (
        ANNA,
        [*trouble("ties", 2, status="limited"), *trouble("students", 0, verify_parents=True)],
        LIMITED + " The student's parents must be verified, and until it is approved a tie shows nothing.",
    ),
    (
        ROE,
        [Trouble("posts", 0), Trouble("known_schools", 0)],
        "The account is at no school.",
    ),
    (ROE, [Trouble("enrollments", 0), Trouble("enrollments", 1)], "The student is enrolled at no school."),
    (ROE, [Trouble("enrollments", 0)], "The account is at no school where the student is enrolled."),
    (ROE, trouble("posts", 0, ends=LATELY), "The post at School 1 ended on 2026-11-19."),
    (ROE, trouble("posts", 0, begins=SOON), "The post at School 1 begins on 2026-11-23."),
    (MOE, trouble("enrollments", 1, ends=TODAY), "The enrolment at School 2 ended on 2026-11-21."),
    (
        ROE,
        trouble("students", 0, directory_opt_out="all"),
        "The family opted out of all directory information, so directory is not shown.",
    ),
    (TUTOR, [], "The school has not switched advanced after-school access on: only assignments are shown."),
    (TUTOR, trouble("schools", 0, asp=False), "The school has switched after-school access off."),
    (TUTOR, trouble("grants", 0, state="requested"), "The grant waits for a decision."),
    (TUTOR, trouble("grants", 0, state="revoked"), "The grant was revoked."),
    (TUTOR, trouble("grants", 0, ends=None), "The grant has no end date."),
    (TUTOR, trouble("grants", 0, ends=TODAY), "The grant ended on 2026-11-21."),
    (TUTOR, trouble("grants", 0, begins=SOON), "The grant begins on 2026-11-23."),
    (TUTOR, trouble("grants", 0, school=None), "The grant names no school."),
    (TUTOR, [Trouble("enrollments", 0)], "The student is not enrolled at the grant's school."),
    (TUTOR, trouble("enrollments", 0, begins=SOON), "The enrolment at School 1 begins on 2026-11-23."),
    (TUTOR, NO_CONSENT, "No approved parent has consented."),
    (TUTOR, ESTRANGED, "No parent is approved, and there is no written permission with a witness."),
    (
        TUTOR,
        [*trouble("schools", 0, asp_consent="all"), *trouble("consents", 1, gives=False)],
        "Not every approved parent has consented, and the school asks for all.",
    ),
    (
        TUTOR,
        trouble("students", 0, adult_on=LATELY),
        "The student came of age on 2026-11-19, and the parents' consents ended with their ties.",
    ),
    (
        TUTOR,
        [
            *trouble("ties", 3, status="pending"),
            *trouble("ties", 4, status="pending"),
            *trouble("challenges", 0, state="open"),
        ],
        "An open challenge (number 1) holds the tie of a parent who consented; the school's policy is full.",
    ),
    (
        TUTOR,
        trouble("organisations", 0, agreement_from=None),
        "The organisation needs an agreement and has none.",
    ),
    (TUTOR, trouble("organisations", 0, agreement_from=SOON), "The organisation's agreement begins on 2026-11-23."),
    (TUTOR, trouble("organisations", 0, agreement_until=LATELY), "The organisation's agreement ended on 2026-11-19."),
    (
        TUTOR,
        trouble("students", 0, mask="pseudonym"),
        "The student's name is sealed, and no after-school professional sees a sealed student.",
    ),
    (
        TUTOR,
        [*trouble("grants", 0, state="revoked"), *trouble("schools", 0, asp=False)],
        "The grant was revoked. The school has switched after-school access off.",
    ),
]


def test_each_reason_has_its_sentence(connection: Connection):
    said = {}
    for account, happened, sentence in WHY:
        with holding(connection, troubled(OPEN, happened)):
            said[account, sentence] = " ".join(explain(connection, account, 1, TODAY).reasons)
    assert said == {(account, sentence): sentence for account, _, sentence in WHY}


def test_a_professional_without_a_grant_is_told_so(connection: Connection):
    assert explain(connection, COACH, 2, TODAY).reasons == ("There is no grant for this account and this student.",)


def test_several_grants_are_told_apart(connection: Connection):
    both = [*trouble("grants", 0, state="revoked"), *trouble("grants", 2, state="requested", student=1)]
    with holding(connection, troubled(OPEN, both)):
        reasons = explain(connection, TUTOR, 1, TODAY).reasons
    assert reasons == ("Grant 1: The grant was revoked.", "Grant 3: The grant waits for a decision.")


SEEN = [
    (ADA, "the student's own login", EVERYTHING, PAST, None),
    (ANNA, "an approved parent's tie (membership 3)", PARENT, PAST, None),
    (ROE, "certificated staff at School 1", TEACHER, PAST, None),
    (TUTOR, "grant 1 at School 1", {"assignments"}, PAST, date(2027, 2, 19)),
    (COACH, "grant 2 at School 2", {"assignments", "grades", "attendance", "record"}, PAST, date(2027, 2, 19)),
]


@pytest.mark.parametrize(("account", "via", "classes", "since", "until"), SEEN)
def test_what_is_seen_is_told_with_its_tie_and_its_days(connection, account, via, classes, since, until):
    (way,) = explain(connection, account, 1, TODAY).ways
    assert (way.via, set(way.classes), way.since, way.until) == (via, classes, since, until)


def test_a_tie_that_is_limited_says_so(connection: Connection):
    with holding(connection, troubled(OPEN, trouble("ties", 2, status="limited"))):
        found = explain(connection, ANNA, 1, TODAY)
    assert [way.via for way in found.ways] == ["a limited parent's tie (membership 3)"]
    assert found.classes == ("published",)


def test_days_that_follow_each_other_are_told_as_one(connection: Connection):
    """A paper carries a grant until the first parent is approved, and the parent's consent from that day on."""
    late = [*ESTRANGED, *trouble("ties", 2, status="approved", since=SOON)]
    paper = trouble("grants", 0, permission_reference="paper", permission_witness=1)
    with holding(connection, troubled(OPEN, [*late, *paper])):
        (way,) = explain(connection, TUTOR, 1, TODAY).ways
    assert (way.since, way.until) == (PAST, date(2027, 2, 19))


@pytest.mark.parametrize(
    ("account", "mask", "student", "viewer"),
    [
        (ADA, "none", "Ann Lee", "Pat Vale"),
        (ADA, "initial", "Ann L.", "Pat V."),
        (ADA, "pseudonym", "QK7-1", "QK7-1"),
        (ANNA, "initial", "Ann L.", "Pat V."),
        (ANNA, "pseudonym", "QK7-1", "a parent"),
        (ROE, "pseudonym", "QK7-1", "Pat Vale"),
    ],
)
def test_names_obey_the_mask(connection, account, mask, student, viewer):
    with holding(connection, troubled(OPEN, trouble("students", 0, mask=mask))):
        found = explain(connection, account, 1, TODAY)
        names = {reader.viewer: reader.name for reader in who_can_see(connection, 1, TODAY)}
    assert (found.student_name, found.name) == (student, viewer)
    assert names[account] == viewer


@pytest.mark.parametrize(("account", "student"), [(99, 1), (1, 99)])
def test_who_is_not_there_is_refused(connection, account, student):
    with pytest.raises(Refused, match=r"There is no (account|student) 99; nothing was explained"):
        explain(connection, account, student, TODAY)
    if student == 99:
        with pytest.raises(Refused):
            who_can_see(connection, student, TODAY)


def whole(account, world, student, day):
    """What an account of this type sees when nothing stands in the way."""
    advanced = {"assignments", "grades", "attendance", "record"}
    kinds = {"student": EVERYTHING, "parent": PARENT, "certificated": TEACHER, "asp": advanced}
    return kinds.get(account.type)


def agrees(connection: Connection, world, day: date) -> None:
    """Explanations and lists of readers say what the oracle says, and reasons stand exactly where something is missing."""
    with holding(connection, world):
        for student in world.students:
            readers = who_can_see(connection, student.id, day)
            seen = {(reader.viewer, student.id, name) for reader in readers for name in reader.way.classes}
            assert seen == {row for row in everything(world, day) if row[1] == student.id}
            for account in world.accounts:
                found = explain(connection, account.id, student.id, day)
                classes = sees(world, account, student, day)
                assert set(found.classes) == classes
                assert (not found.reasons) == (classes == whole(account, world, student, day)), (account, found)


def test_in_any_world_reasons_stand_where_something_is_missing(connection: Connection):
    @settings(max_examples=15)
    @given(world=worlds())
    def reasons_agree(world) -> None:
        agrees(connection, world, TODAY)

    reasons_agree()


def test_after_each_single_change_reasons_stand_where_something_is_missing(connection: Connection):
    for situation in situations()[::17]:
        agrees(connection, troubled(OPEN, situation), TODAY)


def test_readers_stand_in_the_order_of_the_rules(connection: Connection):
    readers = who_can_see(connection, 1, TODAY)
    assert [reader.type for reader in readers] == ["student", *["parent"] * 3, *["certificated"] * 4, *["asp"] * 2]
