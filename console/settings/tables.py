"""The tables of `district.toml`: every key with its kind, its default and its sentence, declared in this one place.

Strictness lives in `console.settings`, which reads files and the environment against these declarations; the example file and
docs/CONFIGURATION.md are written from them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from console.clock import MonthDay
from console.settings import kinds

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from zoneinfo import ZoneInfo

    from console.settings.kinds import Kind

T = TypeVar("T")

SQLITE = "sqlite:///"
DEMO_MAKER = "district demo"
SECRET_WORDS = re.compile(r"passw|passphrase|pwd|secret|token|credential|private", re.IGNORECASE)


def nearest(word: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    return get_close_matches(word, sorted(known), n=1, cutoff=0.0)[0]


def secret_of(file: Path | None, what: str) -> str | None:
    """The secret in a file, read now; None where no file is named. Errors as `read_secret`."""
    from console.keyfiles import read_secret

    return None if file is None else read_secret(file, what)


def setting(default: T, kind: Kind[T], doc: str, *, name: str = "") -> T:
    """One key: its default, what it may be and what it means. `name` where Python keeps the word for itself.

    Declared as the type of its default, for that is what the attribute is; what is returned is the dataclass's field.
    """
    declaration: Any = field(default=default, metadata={"kind": kind, "doc": doc, "name": name})
    return cast("T", declaration)


def _zone_fault(value: str) -> str | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from zoneinfo import available_timezones

        known = available_timezones()
        if not known:
            return "this machine has no time zone data; install the package tzdata"
        return f"this machine knows no such zone; the nearest is {nearest(value, known)}"
    return None


def _origin_fault(value: str) -> str | None:
    if not value or "+" in value or any(letter.isspace() for letter in value):
        return "it is empty or holds a space or a plus sign"
    return None


def _address_fault(value: str) -> str | None:
    local, sign, domain = value.rpartition("@")
    if not (local and sign and domain) or any(letter.isspace() or letter in "<>," for letter in value):
        return "it is other text"
    return None


SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+)(:\d{1,5})?")
ONE_OF_SERVERS = re.compile(r"[^:\[\]\s]+(:\d{1,5})?")


def _url_fault(value: str) -> str | None:
    """Why this is no database address; the text never holds the address, which may hold a password."""
    from urllib.parse import parse_qsl, urlsplit

    if value.startswith(SQLITE):
        file = value.removeprefix(SQLITE)
        return None if file and not file.startswith(":") and "?" not in file else "it names no file"
    try:
        parts = urlsplit(value)
        held = parts.password is not None or any(SECRET_WORDS.search(name) for name, _ in parse_qsl(parts.query))
    except ValueError:
        return "it cannot be read as an address"
    if held:
        return (
            "it holds a password, and secrets come only from files: write the password into a file that only you can "
            "read and name that file as database.password_file"
        )
    if parts.scheme not in ("postgresql", "postgresql+psycopg") or not parts.path.strip("/"):
        return "it is other text"
    servers = parts.netloc.rpartition("@")[2].split(",")
    form = SERVER if len(servers) == 1 else ONE_OF_SERVERS
    return None if servers == [""] or all(map(form.fullmatch, servers)) else "a server in it is not HOST or HOST:PORT"


TEXT = kinds.text()
PATH = kinds.path()
PLACE = kinds.place()
ADDRESS = kinds.text("an e-mail address", _address_fault)
NAME = kinds.text("text that is not empty", lambda value: None if value.strip() else "it is empty")
ZONE = kinds.text("an IANA time zone such as America/Los_Angeles", _zone_fault)
ORIGIN = kinds.text("a name such as district.example/ledger, without spaces or plus signs", _origin_fault)
URL = kinds.text("sqlite:///FILE or postgresql://USER@HOST/DATABASE", _url_fault)


@dataclass(frozen=True)
class PortalSettings:
    """The portal and its calendar."""

    name: str = setting("Student portal", NAME, "The portal's name, as it stands on screens, notices and reports.")
    origin: str = setting(
        "district.example/ledger",
        ORIGIN,
        "The name of the ledger and of its signing key, in every checkpoint. It cannot change once there is a key.",
    )
    timezone: str = setting("America/Los_Angeles", ZONE, "The time zone in which a day begins and ends.")
    closed_days: frozenset[date] = setting(
        frozenset(), kinds.days(), "Days besides weekends on which schools are closed; deadlines leave them out."
    )
    school_year_end: MonthDay = setting(
        MonthDay(6, 30), kinds.month_day(), "The school year's last day, beyond which no grant reaches."
    )

    @property
    def zone(self) -> ZoneInfo:
        from zoneinfo import ZoneInfo

        return ZoneInfo(self.timezone)


@dataclass(frozen=True)
class DatabaseSettings:
    """The portal's own database."""

    url: str = setting(
        "sqlite:///portal.db",
        URL,
        "Where the database is: sqlite:///FILE or postgresql://USER@HOST/DATABASE, without a password. Of several servers, "
        "postgresql://USER@HOST,HOST/DATABASE, the one that can be written to is used.",
    )
    password_file: Path | None = setting(None, PATH, "A file with the database password, readable by its owner only.")
    statement_timeout_seconds: int = setting(
        5, kinds.whole(1, 3600), "How long a statement may run or wait for a lock, in seconds."
    )

    @property
    def file(self) -> Path | None:
        """The SQLite file; None for PostgreSQL."""
        return Path(self.url.removeprefix(SQLITE)) if self.url.startswith(SQLITE) else None

    def password(self) -> str | None:
        """The password, read now; None where no file is named. Raises Unavailable or Refused as `read_secret` does."""
        return secret_of(self.password_file, "database password")


@dataclass(frozen=True)
class KeySettings:
    """Where the keys are. They lie outside the database, in a folder that only the console's user can open."""

    ledger: Path = setting(Path("keys/ledger.key"), PLACE, "The key that signs checkpoints, mode 0400.")
    data: Path = setting(
        Path("keys/data.key"),
        PLACE,
        "The key that protects the data keys, mode 0400. Without it sealed names are gone.",
    )
    state: Path = setting(Path("keys/state"), PLACE, "The folder in which the signer remembers what it signed last.")
    checkpoints: Path | None = setting(
        Path("checkpoints.txt"),
        PATH,
        "A file to which every signed checkpoint is appended; best on another machine's disk.",
    )


@dataclass(frozen=True)
class PolicySettings:
    """Numbers of the district's policy. None opens or closes access: that is decided per school, with a record."""

    needs_info_days: int = setting(60, kinds.whole(1, 3650), "Days after which an unanswered registration expires.")
    purge_days: int = setting(30, kinds.whole(1, 3650), "Days after which a deleted account is purged.")
    claim_minutes: int = setting(30, kinds.whole(1, 1440), "Minutes for which a claimed case stays claimed.")
    first_answer_days: int = setting(1, kinds.whole(1, 365), "School days in which a challenge gets its first answer.")
    decision_days: int = setting(5, kinds.whole(1, 365), "School days in which a challenge is decided.")
    notice_hold_minutes: int = setting(
        10, kinds.whole(0, 1440), "Minutes for which a notice waits, so that undoing its decision withdraws it."
    )
    families_threshold: int = setting(
        3, kinds.whole(2, 1000), "Claims in this many families flag a registration and keep it out of bulk approval."
    )
    withdrawal_stop_percent: int = setting(
        10, kinds.whole(0, 100), "An import that withdraws more than this share of the roster stops and asks."
    )
    export_row_budget: int = setting(100_000, kinds.whole(0, 10_000_000), "Rows that an operator may export in a day.")
    long_grant_days: int = setting(
        120, kinds.whole(1, 366), "Days above which an after-school grant asks for a code of the second factor."
    )


@dataclass(frozen=True)
class MailSettings:
    """The server that sends notices and alerts; without a host, notices wait."""

    host: str = setting("", TEXT, "The SMTP server; empty for none.")
    port: int = setting(587, kinds.whole(1, 65535), "Its port.")
    starttls: bool = setting(True, kinds.switch(), "Whether the connection must be encrypted before anything is sent.")
    user: str = setting("", TEXT, "The user to sign in as; empty for none.")
    password_file: Path | None = setting(None, PATH, "A file with that user's password, readable by its owner only.")
    sender: str = setting("portal@district.example", ADDRESS, "The address that notices come from.", name="from")
    alerts: tuple[str, ...] = setting(
        (), kinds.texts(ADDRESS, "a list of e-mail addresses"), "Addresses that are told of an arriving challenge."
    )

    def password(self) -> str | None:
        """The password, read now; None where no file is named. Raises Unavailable or Refused as `read_secret` does."""
        return secret_of(self.password_file, "mail password")


@dataclass(frozen=True)
class RosterSettings:
    """What the district calls its own columns in the roster; OneRoster has none for custody or restrictions."""

    restricted_students: str = setting(
        "metadata.restrictedStudents",
        NAME,
        "Of users: the students whom this contact may not see, sourcedIds with commas.",
    )
    restriction_reference: str = setting(
        "metadata.restrictionReference", NAME, "Of users: the order or document behind that restriction."
    )
    relation: str = setting("metadata.relation", NAME, "Of users: what the contact is to the student.")
    verification_code: str = setting(
        "metadata.verificationCode", NAME, "Of users: the code that the school hands to the family; kept only as a MAC."
    )
    directory_opt_out: str = setting(
        "metadata.directoryOptOut",
        NAME,
        "Of users: the directory categories that the family opted out of, with commas.",
    )


@dataclass(frozen=True)
class ConsoleSettings:
    """Keys and looks of the console."""

    keymap: tuple[tuple[str, str], ...] = setting(
        (), kinds.pairs(), "Other keys for actions: the action's id as the help names it, and its keys with commas."
    )
    single_letter_keys: bool = setting(
        True, kinds.switch(), "Whether single letters act; off for speech input (WCAG 2.1.4)."
    )
    mouse: bool = setting(
        False, kinds.switch(), "Whether the mouse is captured, which keeps the terminal from copying text."
    )
    theme: str = setting("", TEXT, "A theme's name; empty for the console's own.")


@dataclass(frozen=True)
class LogSettings:
    """The technical log. It holds no personal data."""

    file: Path | None = setting(None, PATH, "The log file; empty for none.")
    level: str = setting("info", kinds.choice("debug", "info", "warning", "error"), "From which level on.")


@dataclass(frozen=True)
class DemoSettings:
    """Written by `district demo` alone: the calendar and origin of a synthetic district. Leave it out elsewhere."""

    made_by: str = setting(
        "", kinds.choice("", DEMO_MAKER), f"The mark that `{DEMO_MAKER}` leaves; only the file can hold it."
    )
    today: date | None = setting(None, kinds.day(), "The date at which the calendar stands still.")
    seed: int | None = setting(None, cast("Kind[int | None]", kinds.whole(0, 2**63 - 1)), "The seed it was built from.")
