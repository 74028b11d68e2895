"""What is wrong with this installation and what to do about it: every line one thing that was looked at.

Promises: it changes nothing, waits for nothing longer than a few seconds, and goes on after each fault as far as the rest can be
looked at. No line holds personal data or a secret.
"""

from __future__ import annotations

import shutil
import socket
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.errors import ConsoleError, Exit
from console.lazy import sa, t
from console.text import SafeText, safe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from console.clock import Clock
    from console.settings import Settings

LITTLE_SPACE = 1_000_000_000
"""Free bytes below which the disk is warned of."""

NO_SPACE = 100_000_000
"""Free bytes below which a decision may soon fail."""

PATIENCE = 3.0
"""Seconds that a mail server has to answer."""

FEW = 5
"""Tables that a finding names."""

OTHERS = 0o077
INTAKE = ("registration", "challenge", "grant", "answer", "account")


class Health(StrEnum):
    """How one thing is."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: how it is, what was found, and what to do unless it is well. `exit` counts when it is bad."""

    name: str
    health: Health
    text: SafeText
    advice: SafeText = safe("")
    exit: Exit = Exit.REFUSED


@dataclass
class Doctor:
    """Collects findings; `examine` walks through everything."""

    settings: Settings
    clock: Clock
    findings: list[Finding] = field(default_factory=list)

    def ok(self, name: str, text: str) -> None:
        """It is well."""
        self.findings.append(Finding(name, Health.OK, safe(text)))

    def warn(self, name: str, text: str, advice: str) -> None:
        """It works, but."""
        self.findings.append(Finding(name, Health.WARN, safe(text), safe(advice)))

    def bad(self, name: str, text: str, advice: str, code: Exit = Exit.REFUSED) -> None:
        """It does not work."""
        self.findings.append(Finding(name, Health.BAD, safe(text), safe(advice), code))

    @contextmanager
    def looking(self, name: str) -> Iterator[None]:
        """Turn what the console itself would say into a finding."""
        try:
            yield
        except ConsoleError as error:
            said, _, advice = str(error).partition("; ")
            advice = advice.partition(". ")[2] or advice
            found = Finding(name, Health.BAD, safe(said.rstrip(".")), safe(advice[:1].upper() + advice[1:]), error.exit)
            if found not in self.findings:
                self.findings.append(found)

    def examine(self) -> list[Finding]:
        """Look at everything and return what was found, in the order in which things depend on each other."""
        portal = self.settings.portal
        now = self.clock.now().astimezone(portal.zone)
        self.ok("settings", f"{self.settings.file or 'defaults alone'}")
        self.ok("time zone", f"{portal.timezone}, where it is {now:%Y-%m-%d %H:%M}")
        self._keys()
        self._disk()
        self._log()
        self._mail()
        with self.looking("directory"):
            self._directory()
        with self.looking("database"):
            self._database()
        return self.findings

    def _keys(self) -> None:
        from console.keyfiles import read_data_key, read_signing_key

        keys = self.settings.keys
        for name, path, read in (("ledger key", keys.ledger, read_signing_key), ("data key", keys.data, read_data_key)):
            with self.looking(name):
                read(path)
                mode = stat.S_IMODE(path.stat().st_mode)
                self.ok(name, f"{path}, mode {mode:04o}")
        folder = keys.ledger.parent
        if folder.is_dir() and folder.stat().st_mode & OTHERS:
            self.warn("key folder", f"{folder} can be opened by others", f"Run chmod 700 {folder}.")
        if keys.checkpoints is not None and not _writable(keys.checkpoints):
            self.warn(
                "checkpoints",
                f"{keys.checkpoints} cannot be written to",
                "Checkpoints outside the database show a shortened log; give its folder to the console's user.",
            )

    def _disk(self) -> None:
        file = self.settings.database.file
        folders = {"keys": self.settings.keys.ledger.parent, "database": file.parent if file else None}
        for what, folder in folders.items():
            if folder is None or not folder.is_dir():
                continue
            free = shutil.disk_usage(folder).free
            said = f"{free / 1e9:,.1f} GB are free where the {what} lie" + ("s" if what == "database" else "")
            if free < NO_SPACE:
                self.bad("disk", said, "Free some space; a decision that finds no room is not carried out.")
            elif free < LITTLE_SPACE:
                self.warn("disk", said, "Free some space soon.")
            else:
                self.ok("disk", said)

    def _log(self) -> None:
        file = self.settings.log.file
        if file is None:
            self.warn("log", "no technical log is kept", "Name a file as log.file, so that faults can be looked into.")
        elif _writable(file):
            self.ok("log", f"{file}, from {self.settings.log.level} on")
        else:
            self.bad("log", f"{file} cannot be written to", "Give it to the console's user.", Exit.UNAVAILABLE)

    def _mail(self) -> None:
        mail = self.settings.mail
        if not mail.host:
            self.warn("mail", "no server is named, so notices wait", "Name one as mail.host.")
            return
        with self.looking("mail"):
            mail.password()
        try:
            with socket.create_connection((mail.host, mail.port), PATIENCE):
                pass
        except OSError:
            self.bad(
                "mail",
                f"{mail.host}:{mail.port} does not answer, so notices wait",
                "Check mail.host and mail.port, and the way there.",
                Exit.UNAVAILABLE,
            )
        else:
            self.ok("mail", f"{mail.host}:{mail.port} answers")

    def _directory(self) -> None:
        """In a line what `district directory check` says in many: the worst of it."""
        if not self.settings.directory.hosts:
            self.ok("directory", "none is named, so every operator is local")
            return
        from console.directory.checking import Check
        from console.directory.ldap import Ldap
        from console.directory.patience import Patience

        patience = Patience(resolve=PATIENCE, connect=PATIENCE, answer=int(PATIENCE), in_all=PATIENCE)
        directory = Ldap(self.settings.directory, self.clock, patience)
        found = Check(self.settings, directory, self.clock, patience).look()
        for health in (Health.BAD, Health.WARN):
            for each in found:
                if each.health is health:
                    said = safe(f"{each.name}: {each.text}")
                    advice = safe(f"{each.advice} See district directory check.")
                    self.findings.append(Finding("directory", health, said, advice, each.exit))
                    return
        self.ok("directory", "a verified server answers, and every group of the settings is there")

    def _database(self) -> None:
        from console.faults import saying
        from console.wiring import open_engine
        from models.engine import reading
        from models.migrate import current, newest

        file = self.settings.database.file
        if file is not None and not file.exists():
            self.bad("database", f"{file} is not there", "Run district init, or check database.url.", Exit.UNAVAILABLE)
            return
        engine = open_engine(self.settings)
        try:
            with saying("nothing more was looked at"), reading(engine) as connection:
                self.ok("database", _version(connection))
                revision, wanted = current(connection), newest()
                if revision is None:
                    self.bad("schema", "the database holds no portal", "Run district init.", Exit.UNAVAILABLE)
                    return
                if revision != wanted:
                    self.bad("schema", f"it is {revision}, this program needs {wanted}", "Run district init.")
                    return
                self.ok("schema", f"{revision}, the newest")
                self._role(connection)
                self._portal(connection)
        finally:
            engine.dispose()

    def _role(self, connection: sa.Connection) -> None:
        """On PostgreSQL, whether the console's role is what models/roles.py says and the schools keep apart in the tables."""
        if connection.dialect.name != "postgresql":
            return
        from models.roles import APP, differences, excess
        from models.row_scope import unprotected

        advice = "Run district init --owner-url, see docs/POSTGRESQL.md."
        name = connection.exec_driver_sql("SELECT current_user").scalar_one()
        if more := list(excess(connection)):
            self.warn(
                "database role", f"{name} {', '.join(more)}: nothing in the database holds the console back", advice
            )
        elif other := differences(connection, name, APP):
            listed = ", ".join(other[:FEW]) + (f" and {len(other) - FEW} more" if len(other) > FEW else "")
            self.bad("database role", f"{name} may do more or less than it should with {listed}", advice)
        else:
            self.ok("database role", f"{name} may do what the console needs and no more")
        if bare := unprotected(connection):
            self.bad("row security", f"other schools' rows are not kept apart in {', '.join(bare)}", advice)

    def _portal(self, connection: sa.Connection) -> None:
        from console.settings.tables import PortalSettings
        from console.signin.examining import examine_operators

        portal = connection.execute(sa.select(t.portal)).one_or_none()
        if portal is None:
            self.bad("portal", "none was founded", "Run district init.", Exit.UNAVAILABLE)
            return
        own = self.settings.portal.origin
        if portal.origin != own:
            self.bad(
                "portal", f"the database belongs to {portal.origin}, portal.origin is {own}", "Correct one of both."
            )
        else:
            demonstration = ", a demonstration" if portal.demo_seed is not None else ""
            self.ok("portal", f"{portal.name}{demonstration}")
            if portal.demo_seed is None and own == PortalSettings().origin:
                self.warn(
                    "origin",
                    f"{own} is the example's, and every checkpoint of this portal carries it",
                    "Found the real portal under a name of your own: district init --origin NAME.",
                )
        self._fit(connection, portal)
        examine_operators(self, connection)
        self._intake(connection)
        self._notices(connection)

    def _fit(self, connection: sa.Connection, portal: Any) -> None:
        from console.ids import SystemRandom
        from console.keyfiles import read_signing_key
        from console.wiring import open_vault

        with self.looking("data key"):
            open_vault(connection, self.settings, SystemRandom())
            self.ok("data key", "it opens the portal's data keys")
        with self.looking("ledger key"):
            key = read_signing_key(self.settings.keys.ledger)
            if key.vkey != portal.verifier_key:
                self.bad(
                    "ledger key",
                    "it is not the one this portal was founded with",
                    "Put the right key back; keep this database as it is.",
                )
                return
            self.ok("ledger key", f"it is the portal's: {key.vkey}")
            self._signed(connection, key)

    def _signed(self, connection: sa.Connection, key: Any) -> None:
        from console.ledger.log import read_size
        from console.ledger.seal import Signer
        from models.words import Log

        signer = Signer(key, self.settings.keys.state, None)
        for log in Log:
            note = signer.note(log).split("\n")
            signed = int(note[1]) if len(note) > 1 else 0
            size = read_size(connection, log)
            said = f"{size:,} records, {signed:,} signed"
            if signed > size:
                self.bad(
                    str(log),
                    f"{said}: records are missing, or an old database was put back",
                    "Run district audit verify and keep this database as it is.",
                    Exit.UNVERIFIED,
                )
            elif signed < size:
                self.warn(str(log), said, "The next command of the console signs the rest.")
            else:
                self.ok(str(log), said)

    def _intake(self, connection: sa.Connection) -> None:
        refused = waiting = 0
        for name in INTAKE:
            table = t.metadata.tables[f"intake_{name}"]
            row = connection.execute(
                sa.select(
                    sa.func.count(table.c.refused),
                    sa.func.sum(sa.case((sa.and_(table.c.taken_at.is_(None), table.c.refused.is_(None)), 1), else_=0)),
                ).select_from(table)
            ).one()
            refused += int(row[0] or 0)
            waiting += int(row[1] or 0)
        if refused:
            self.warn(
                "intake", f"{refused:,} rows of the portal were refused", "Their reasons stand in column refused."
            )
        if waiting:
            self.warn("intake", f"{waiting:,} rows of the portal wait", "Run district work, as a loop or from cron.")
        if not refused and not waiting:
            self.ok("intake", "nothing was refused and nothing waits")

    def _notices(self, connection: sa.Connection) -> None:
        n = t.notice.c
        failed = connection.execute(sa.select(sa.func.count()).where(n.state == "failed")).scalar_one()
        due = connection.execute(
            sa.select(sa.func.count()).where(n.state == "held", n.not_before < self.clock.now())
        ).scalar_one()
        if failed:
            self.warn("notices", f"{failed:,} could not be sent", "See district notices list.")
        if due:
            self.warn("notices", f"{due:,} are due and were not sent yet", "Run district work, as a loop or from cron.")
        if not failed and not due:
            self.ok("notices", "none failed and none is overdue")


def _writable(file: Path) -> bool:
    import os

    return os.access(file if file.exists() else file.parent, os.W_OK)


def _version(connection: sa.Connection) -> str:
    if connection.dialect.name == "sqlite":
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one()
        return f"SQLite {version}, with a rollback journal (its write-ahead log can lose commits before 3.51.3)"
    return f"PostgreSQL {connection.exec_driver_sql('SHOW server_version').scalar_one()}"
