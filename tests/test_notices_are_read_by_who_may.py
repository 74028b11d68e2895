"""What an operator is shown of notices: those of the cases they may see, word for word as sent, and on record."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.errors import Exit
from console.ledger.log import decode
from models import tables as t
from models.words import Log
from tests.mailing import HOLD, approved, command, mailing_portal, shown_by_command, work
from tests.services.smtp import MailServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.portals import Portal


@pytest.fixture
def portal(database_url: str, tmp_path: Path) -> Iterator[Portal]:
    made = mailing_portal(database_url, tmp_path, None)
    yield made
    made.office.engine.dispose()


def test_the_list_shows_states_and_names_no_person(portal: Portal) -> None:
    approved(portal, 2)
    listed = shown_by_command(portal, "notices", "list", "--state", "held")
    assert [each["state"] for each in listed] == ["held", "held"]
    assert {each["template"] for each in listed} == {"registration-approved"}
    assert "mail.example" not in json.dumps(listed)
    assert shown_by_command(portal, "notices", "list", "--state", "sent") == []
    assert len(shown_by_command(portal, "notices", "list", "--batch", listed[0]["batch"].lower())) == 2


def test_what_is_shown_is_what_is_sent(database_url: str, tmp_path: Path) -> None:
    with MailServer() as server:
        portal = mailing_portal(database_url, tmp_path, server)
        approved(portal, login="pat")
        shown = shown_by_command(portal, "notices", "show", "1")
        portal.clock.advance(HOLD)
        work(portal)
        (delivery,) = server.deliveries
    assert delivery.recipients == (shown["address"],)
    assert delivery.message["Subject"] == shown["subject"]
    assert delivery.message.get_content().splitlines() == shown["text"].splitlines()
    portal.office.engine.dispose()


def test_showing_one_is_noted_as_an_access(portal: Portal) -> None:
    approved(portal)
    shown_by_command(portal, "notices", "show", "1")
    (body,) = portal.all(sa.select(t.record.c.body).where(t.record.c.log == Log.ACCESSES))[0]
    assert (decode(body).action, decode(body).case) == ("registrations.notice", 1)


def test_other_schools_notices_do_not_exist_for_an_operator(portal: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    here, there = portal.school(), portal.school("Mission")
    cases = [portal.registration(portal.student(school=each)) for each in (here, there)]
    portal.decide("registrations", "approve", *cases)
    portal.hire("lee", "help_desk", (here,))
    portal.hire("robin", "auditor")
    assert [each["case"] for each in shown_by_command(portal, "notices", "list", by="lee")] == [cases[0]]
    assert command(portal, "notices", "show", "2", by="lee") == Exit.REFUSED
    assert "There is no such notice: 2." in capsys.readouterr().err
    assert command(portal, "notices", "list", by="robin") == Exit.REFUSED
