"""What tests of notices share: a portal with a mail server, notices in it, and a worker's round."""

from __future__ import annotations

import contextlib
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from console.cli.main import main
from console.notices.mailer import SmtpMailer
from console.working import Round, Worker
from models import tables as t
from tests.portals import NOON, open_portal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from console.settings.tables import MailSettings
    from tests.portals import Portal
    from tests.services.smtp import Delivery, MailServer

HOLD = timedelta(minutes=11)
"""A little more than a notice is held."""
OFFICE = "office@district.example"


def mailing_portal(url: str, folder: Path, server: MailServer | None, **tables: Any) -> Portal:
    """A portal whose mail goes to `server`; alerts go to `OFFICE`."""
    mail = {"alerts": [OFFICE]} | tables.pop("mail", {})
    if server is not None:
        mail = {"host": server.host, "port": server.port, "starttls": False} | mail
    return open_portal(url, folder, tables.pop("now", NOON), mail=mail, **tables)


def worker(portal: Portal, mail: MailSettings | None = None) -> Worker:
    mail = mail or portal.settings.mail
    return Worker(portal.office, portal.office.operator("intake"), SmtpMailer(mail) if mail.host else None)


def work(portal: Portal) -> Round:
    """One round of a worker that has no memory."""
    return worker(portal).once()


def states(portal: Portal, *templates: str) -> dict[str, int]:
    """How many notices there are in each state, the alerts about failures left out unless asked for."""
    n = t.notice.c
    where = n.template.in_(templates) if templates else n.template != "alert-failure"
    rows = portal.all(sa.select(n.state, sa.func.count().label("many")).where(where).group_by(n.state))
    return {row.state: row.many for row in rows}


def to_people(deliveries: Sequence[Delivery]) -> list[Delivery]:
    """The deliveries that are no alert."""
    return [each for each in deliveries if each.recipients != (OFFICE,)]


def approved(portal: Portal, count: int = 1, **values: Any) -> list[int]:
    """That many parents' registrations, approved just now; returns the cases."""
    school = portal.school()
    cases = [portal.registration(portal.student(school=school), **values) for _ in range(count)]
    portal.decide("registrations", "approve", *cases, reason="known to the office")
    return cases


def challenge(portal: Portal, **values: Any) -> int:
    """An open challenge of a mother against an uncle's tie; answer due on Monday, decision a week later."""
    school = portal.school()
    student = portal.student(school=school)
    n = portal.number("challenge")
    uncle, mother = portal.account(f"uncle{n}", given="Uncle"), portal.account(f"mother{n}", given="Mother")
    tie = portal.membership(uncle, student)
    return portal.add(
        t.challenge,
        **{
            "ref": f"challenge-{n}",
            "arrived_at": portal.clock.now(),
            "membership_id": tie,
            "account_id": uncle,
            "student_id": student,
            "school_id": school,
            "challenger_id": mother,
            "statement": "I do not know this person.",
            "answer_due": portal.today + timedelta(days=3),
            "decision_due": portal.today + timedelta(days=7),
            **values,
        },
    )


CONFIGURATION = """
[portal]
origin = "test.example/ledger"
[database]
url = "{url}"
[mail]
alerts = ["office@district.example"]
"""


def command(portal: Portal, *words: str, by: str = "administrator") -> int:
    """The command line on this portal's office, which stays open."""
    portal.office.engine.pool.dispose()
    file = portal.settings.folder / "district.toml"
    if not file.exists():
        file.write_text(CONFIGURATION.format(url=portal.settings.database.url))
    return main(["--config", str(file), "--operator", by, *words], opening=lambda _settings, **_how: portal.office)


def shown_by_command(portal: Portal, *words: str, by: str = "administrator") -> Any:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert command(portal, *words, "--format", "json", by=by) == 0
    return json.loads(said.getvalue())
