"""A notice says what its reader may know, in words a worried parent understands, and nothing that somebody else smuggled in."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from enum import StrEnum
from string import Template
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from console.desks import DESKS
from console.desks import desk as desk_of
from console.notices.letters import Letter, on_the_wire, one_address
from console.notices.rendering import TO_OFFICE, as_written, compose, greeting, names, render, template
from console.params import options
from fixtures.hostile import HOSTILE_NAMES, LEGIT_NAMES
from models import tables as t
from tests.mailing import HOLD, approved, challenge, mailing_portal, work
from tests.services.smtp import MailServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from console.desk import Decision
    from tests.portals import Portal

HEADERS = {
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "Content-Language",
    "Content-Type",
    "Content-Transfer-Encoding",
    "MIME-Version",
}
WORDS = {
    "portal": "Student portal",
    "greeting": "Dear Ann Lee,",
    "student": "your student",
    "school": "Lincoln",
    "case": "4",
    "date": "November 14, 2026",
    "due": "November 24, 2026",
    "until": "June 30, 2027",
    "days": "30",
}


def every_params(decision: Decision) -> Iterator[Any]:
    """The decision's parameters with every word that an option knows, and anything where it knows none."""
    choices: list[list[tuple[str, Any]]] = []
    hints = get_type_hints(decision.Params)
    for each in options(decision.Params):
        kind = next((k for k in (*get_args(hints[each.name]), hints[each.name]) if isinstance(k, type)), str)
        values: list[Any]
        if issubclass(kind, StrEnum):
            values = list(kind)
        elif kind is date:
            values = [date(2027, 1, 15)]
        elif kind is bool:
            values = [True, False]
        else:
            values = [1] if kind is int else ["words"]
        choices.append([(each.name, value) for value in values])
    for chosen in itertools.product(*choices):
        yield decision.Params(**dict(chosen))


@pytest.mark.parametrize("name", DESKS)
def test_every_template_that_a_decision_names_is_there(name: str) -> None:
    named = {
        notice.template
        for decision in desk_of(name).decisions
        for params in every_params(decision)
        for notice in decision.notices(params)
    }
    assert named <= set(names())
    for each in named:
        letter = compose(each, WORDS, "Which school?", "pat@mail.example")
        assert letter.subject
        assert "Which school?" in letter.text or "$written" not in template(each)[1]


@pytest.mark.parametrize("name", DESKS)
def test_no_notice_takes_the_reason_along(name: str) -> None:
    for decision in desk_of(name).decisions:
        for params in every_params(decision):
            private = replace(params, reason="a reason for the record alone")
            assert all("for the record" not in notice.message for notice in decision.notices(private))


@pytest.mark.parametrize("name", names())
def test_every_template_is_whole_with_and_without_an_operators_words(name: str) -> None:
    for written in ("", "Please bring\nthe letter.  $student costs $5"):
        letter = compose(name, WORDS, written, None)
        assert "$" not in letter.text.replace(as_written(written), "")
        assert "\n\n\n" not in letter.text
        assert "The office writes:\n\n--" not in letter.text
        assert all(len(line) <= 78 for line in letter.text.split("\n"))
    subject, paragraphs = template(name)
    assert 10 < len(subject) < 60
    if name not in TO_OFFICE:
        assert paragraphs[0] == "$greeting"
        assert "$portal" in "".join(paragraphs)


@pytest.mark.parametrize("name", names())
def test_subjects_name_no_person(name: str) -> None:
    placeholders = {found[1] or found[2] for found in Template.pattern.findall(template(name)[0])}
    assert placeholders <= {"case"}


def text_of(portal: Portal, **where: Any) -> str:
    """The text of the latest notice that fits."""
    query = sa.select(t.notice).filter_by(**where).order_by(t.notice.c.id.desc()).limit(1)
    with portal.office.reading() as connection:
        row = connection.execute(query).one()
        letter = render(connection, portal.settings, portal.office.vault, row)
    return letter.subject + "\n" + letter.text


def test_an_approved_parent_reads_the_students_name(portal: Portal) -> None:
    approved(portal)
    assert "for Kim Vale was approved" in " ".join(text_of(portal).split())


@pytest.mark.parametrize(("mask", "shown"), [("initial", "Kim V."), ("pseudonym", "your student")])
def test_a_mask_put_on_after_the_decision_holds(portal: Portal, mask: str, shown: str) -> None:
    (case,) = approved(portal)
    student = portal.one(t.registration, case).student_id
    portal.change(t.student, student, mask=mask, pseudonym="Heron-4821")
    text = text_of(portal)
    assert shown in text
    assert "Heron" not in text
    assert "Kim Vale" not in text


@pytest.mark.parametrize("decision", ["reject", "ask"])
def test_a_stranger_who_guessed_a_number_does_not_learn_the_name(portal: Portal, decision: str) -> None:
    student = portal.student("Kim", "Vale", school=portal.school())
    case = portal.registration(student, family="Doe", student_given_name="Someone", student_family_name="Else")
    portal.decide("registrations", decision, case, reason="nothing fits", message="Who are you?")
    text = text_of(portal)
    assert "Kim" not in text
    assert "Vale" not in text.replace("Pat Vale", "")


def test_no_notice_holds_a_students_number(portal: Portal) -> None:
    student = portal.student(school=portal.school())
    number = portal.one(t.student, student).number
    case = portal.registration(student)
    portal.decide("registrations", "ask", case, message="Which school?")
    portal.decide("registrations", "reject", case, reason="no answer")
    for row in portal.all(sa.select(t.notice.c.id)):
        assert number not in text_of(portal, id=row.id)


def test_the_question_and_the_day_of_the_answer_are_in_the_notice(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()))
    portal.decide("registrations", "ask", case, message="Which school?\nAnd which grade?")
    text = text_of(portal)
    assert "The office writes:\n\nWhich school?\nAnd which grade?\n" in text
    assert "January 19, 2027" in text


def test_an_operators_words_lose_controls_and_nothing_else() -> None:
    assert as_written("Grüße,\r\n  日本\tx\x1b[31m\x00\x85 \u202e.") == "Grüße,\n  日本\tx[31m \u202e."


@pytest.mark.parametrize(
    ("given", "family", "said"),
    [
        ("Ann", "O’Neil-Nuñez", "Dear Ann O’Neil-Nuñez,"),
        ("J. R.", "Lee", "Dear J. R. Lee,"),
        ("محمد", "علي", "Dear محمد علي,"),
        ("Win at evil.example", "now", "Hello,"),
        ("http://evil", "example", "Hello,"),
        ("Ann\r\nBcc: x@y.example", "Lee", "Hello,"),
        ("A" * 61, "", "Hello,"),
        ("", "", "Hello,"),
        ("12345", "", "Hello,"),
    ],
)
def test_a_name_greets_only_if_it_reads_like_one(given: str, family: str, said: str) -> None:
    assert greeting(given, family) == said


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_hostile_names_greet_nobody_with_a_link_or_a_control(name: str) -> None:
    said = greeting(name, "")
    assert said.isprintable()
    assert not set(said) & set("@:/<>[]{}$%\\")
    assert len(said) <= 70


def test_most_honest_names_are_greeted() -> None:
    plain = [name for name in LEGIT_NAMES if greeting(name, "") != "Hello,"]
    assert len(plain) >= 0.8 * len(LEGIT_NAMES)


text_from_outside = st.text(max_size=60) | st.sampled_from(
    ["x\r\nBcc: a@b.example", "x\n\n.\nMAIL FROM:<a@b>", "=?utf-8?q?x?="]
)


@given(subject=text_from_outside, text=text_from_outside, portal=text_from_outside, address=text_from_outside)
def test_nobody_can_write_into_the_headers(subject: str, text: str, portal: str, address: str) -> None:
    to = one_address(address) or "pat@mail.example"
    text, portal = "".join(c for c in text if not "\ud800" <= c <= "\udfff"), portal.strip() or "Portal"
    raw = on_the_wire(
        Letter(to, subject, text),
        to,
        sender="portal@district.example",
        portal=portal,
        message_id="<1@district.example>",
        at=datetime(2026, 11, 20, 20, 0, tzinfo=UTC),
    )
    assert raw.isascii()
    assert not any(len(line) > 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")
    parsed = message_from_bytes(raw, policy=policy.default)
    assert set(parsed.keys()) == HEADERS
    assert len(parsed.keys()) == len(HEADERS)
    assert [each.addr_spec for each in parsed["From"].addresses] == ["portal@district.example"]
    assert [each.addr_spec for each in parsed["To"].addresses] == [to]


@given(st.text(max_size=40) | st.from_regex(r"[a-z.@, <>\r\n\"]{1,30}", fullmatch=True))
def test_an_address_is_exactly_one(raw: str) -> None:
    found = one_address(raw)
    if found is not None:
        assert found.isascii()
        assert found.count("@") == 1
        assert not set(found) & set(' <>,;:"()[]\\\r\n')


def test_addresses_of_the_world() -> None:
    assert one_address(" pat.lee+school@Mail.Example ") == "pat.lee+school@Mail.Example"
    assert one_address("pat@münchen.example") == "pat@xn--mnchen-3ya.example"
    assert [
        one_address(each) for each in ("pät@mail.example", "pat@", "@mail.example", "a@b@c.example", "-@-.example")
    ] == [None] * 5


def test_hostile_people_get_harmless_mail_from_a_real_server(database_url: str, tmp_path: Path) -> None:
    with MailServer() as server:
        portal = mailing_portal(database_url, tmp_path, server)
        school = portal.school()
        cases = []
        for n, name in enumerate(HOSTILE_NAMES[::3]):
            student = portal.student(name, "Vale", school=school)
            cases.append(portal.registration(student, given=name, family="Vale", login=f"hostile{n}"))
        portal.decide(
            "registrations",
            "reject",
            *cases,
            reason="not known",
            message="no.\r\n.\r\nMAIL FROM:<a@b.example>\r\n..two",
        )
        portal.clock.advance(HOLD)
        assert work(portal).counts["sent"] == len(cases)
        assert sorted(each.recipients for each in server.deliveries) == sorted(
            (f"hostile{n}@mail.example",) for n in range(len(cases))
        )
        for each in server.deliveries:
            assert set(each.message.keys()) == HEADERS
            text = each.message.get_content()
            assert "no.\n.\nMAIL FROM:<a@b.example>\n..two\n" in text.replace("\r\n", "\n")
            assert "\x1b" not in text
        portal.office.engine.dispose()


def test_the_reader_of_a_reminder_finds_the_question_again(portal: Portal) -> None:
    case = portal.registration(portal.student(school=portal.school()))
    portal.decide("registrations", "ask", case, message="Which school?")
    portal.clock.advance(timedelta(days=31))
    work(portal)
    text = text_of(portal, template="reminder-answer")
    assert "Which school?" in text
    assert "January 19, 2027" in text


@pytest.mark.parametrize(
    ("decision", "typed"),
    [
        ("suspend", {"basis": "fraud", "message": "Please come in."}),
        ("delete", {"basis": "fraud", "message": "Please come in."}),
        ("ask", {"recipients": "both", "message": "Please come in."}),
    ],
)
def test_the_challenged_does_not_learn_who_challenged_nor_why(
    portal: Portal, decision: str, typed: dict[str, str]
) -> None:
    case = challenge(portal)
    portal.decide("challenges", decision, case, reason="the mother Mother Vale is right", **typed)
    challenged = portal.one(t.challenge, case).account_id
    text = text_of(portal, account_id=challenged)
    assert "Please come in." in text
    for word in ("Mother", "do not know", "fraud", "is right"):
        assert word not in text


def test_a_reinstated_parent_and_a_challenger_whose_case_is_closed_are_told(portal: Portal) -> None:
    case = challenge(portal)
    portal.decide("challenges", "suspend", case, basis="fraud", reason="papers")
    portal.decide("challenges", "reinstate", case, reason="papers were wrong")
    assert "access is given back" in text_of(portal, template="challenge-reinstated")
    other = challenge(portal)
    portal.decide("challenges", "ignore", other, reason="a quarrel")
    text = text_of(portal, template="challenge-ignored")
    assert "Dear Mother Vale," in text
    assert "a quarrel" not in text
