"""Reads a roster into its temporary tables, some thousand rows at a time: keys computed, dates counted, each row with its digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from console.intake.findings import Findings
from console.intake.lines import PART
from console.intake.roster_files import Mode
from console.intake.roster_known import Known
from console.intake.roster_people import PeopleStage, place_kind, widen
from console.intake.roster_rows import Status
from console.intake.roster_sink import Sink, digests
from console.intake.roster_users import Users
from console.progress import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    import sqlalchemy as sa

    from console.intake.oneroster import Roster
    from console.intake.roster_rows import User
    from console.intake.roster_sink import Write
    from console.intake.roster_tables import Stage
    from console.progress import Progress
    from console.vault import Vault

MAJORITY = 18


@dataclass(slots=True)
class Reading:
    """What reading a roster needs from outside: digests, the orgs already known (id to type), what known people are, who watches."""

    vault: Vault
    orgs: Mapping[str, str]
    people: Callable[[Sequence[str]], Mapping[str, Known]]
    progress: Progress = SILENT
    findings: Findings = field(default_factory=Findings)


def adult_on(birth: date) -> date:
    """The 18th birthday; 1 March for who was born on 29 February (34 CFR 99.3, *eligible student*)."""
    try:
        return birth.replace(year=birth.year + MAJORITY)
    except ValueError:
        return date(birth.year + MAJORITY, 3, 1)


@lru_cache(50_000)
def _birth(birth: date) -> tuple[str, str]:
    return str(birth), str(adult_on(birth))


class Share(StrEnum):
    """Which part of a roster is read: the people, or everything else. Neither needs anything of the other."""

    PEOPLE = "people"
    REST = "rest"


WHOLE = frozenset(Share)
FILES: Mapping[Share, frozenset[str]] = {
    Share.PEOPLE: frozenset({"users", "roles"}),
    Share.REST: frozenset({"orgs", "academicSessions", "courses", "classes", "enrollments", "demographics"}),
}
"""The files of each share. The people's share also looks into orgs, for what each org is."""


def stage_roster(
    stage: Stage, roster: Roster, reading: Reading, write: Write, shares: Collection[Share] = WHOLE
) -> None:
    """Give the rows of the temporary tables to `write`, some thousands of one table at a time.

    Raises Refused or Unavailable as the roster's iterators do.
    """
    _Filling(stage, roster, reading, write).fill(shares)


class _Filling:
    def __init__(self, stage: Stage, roster: Roster, reading: Reading, write: Write) -> None:
        self.write = write
        self.stage = stage
        self.roster = roster
        self.reading = reading
        self.orgs = dict(reading.orgs)
        # A delta of 1.2 names roles that are added or taken; those it does not name still hold.
        self.by_roles = roster.modes["roles"] is Mode.DELTA
        self._sinks: list[Sink] = []
        self._gone = self._sink(stage.gone, ("file", "source_id"))
        self._people = PeopleStage.into(
            stage,
            self._sink,
            reading.vault,
            self.orgs,
            reading.findings,
            delta=roster.modes["users"] is Mode.DELTA,
            by_roles=self.by_roles,
        )
        self._of_kind = {
            name: self._sink(kind.stage, ("source_id", "line", *kind.columns, "row_hash"))
            for name, kind in stage.kinds.items()
            if kind.file != "users"
        }

    def fill(self, shares: Collection[Share]) -> None:
        if Share.REST in shares:
            self._orgs()
            self._calendar()
        else:
            self.orgs.update((row.sourced_id, row.type) for row in self.roster.orgs() if row.status is Status.ACTIVE)
        if Share.PEOPLE in shares:
            self._users()
            self._role_rows()
        if Share.REST in shares:
            self._classes_and_births()
        for sink in self._sinks:
            sink.write()

    def _classes_and_births(self) -> None:
        for rows in self._present("enrollments", self.roster.enrollments()):
            columns = [[row.section for row in rows], [row.user for row in rows], [row.role for row in rows]]
            columns += [[_iso(row.begin_date) for row in rows], [_iso(row.end_date) for row in rows]]
            self._put("class members", rows, columns)
        births = self._sink(self.stage.births, ("source_id", "birth_date", "adult_on"))
        for rows in self._present("demographics", self.roster.demographics()):
            births.extend((row.sourced_id, *_birth(row.birth_date)) for row in rows if row.birth_date)

    def _sink(self, table: sa.Table, columns: Sequence[str]) -> Sink:
        sink = Sink(self.write, table, columns)
        self._sinks.append(sink)
        return sink

    def _present(self, file: str, rows: Iterable[Any]) -> Iterator[list[Any]]:
        """The rows that are there, some thousands at a time; of the withdrawn ones only the identifier counts."""
        count = 0
        coming = iter(rows)
        while part := list(islice(coming, PART)):
            count += len(part)
            self.reading.progress.say(count, self.roster.expected(file, count), f"reading {file}")
            withdrawn = [row for row in part if row.status is Status.WITHDRAWN]
            if withdrawn:
                self._gone.extend((file, row.sourced_id) for row in withdrawn)
                part = [row for row in part if row.status is not Status.WITHDRAWN]
            yield part

    def _put(self, kind: str, rows: Sequence[Any], columns: Sequence[Sequence[Any]]) -> None:
        """Stage rows of a kind with their digests."""
        hashes = [each + b"\0" for each in digests(self.reading.vault, kind, columns)]
        ids, lines = [row.sourced_id for row in rows], [row.line for row in rows]
        self._of_kind[kind].extend(zip(ids, lines, *columns, hashes, strict=True))

    def _rows(self, kind: str, file: str, rows: Iterable[Any], values: Callable[[Any], tuple[str | None, ...]]) -> None:
        """Stage the rows of a small file."""
        for part in self._present(file, rows):
            if part:
                self._put(kind, part, list(zip(*map(values, part), strict=True)))

    def _orgs(self) -> None:
        for part in self._present("orgs", self.roster.orgs()):
            self.orgs.update((row.sourced_id, row.type) for row in part)
            columns = [(row.name, row.identifier or row.sourced_id, row.type, row.parent) for row in part]
            self._put("schools", part, list(zip(*columns, strict=True)) or [()] * 4)

    def _calendar(self) -> None:
        roster = self.roster
        self._rows("sessions", "academicSessions", roster.academic_sessions(), _session)
        self._rows("courses", "courses", roster.courses(), lambda row: (row.title, row.code, row.org))
        self._rows("classes", "classes", roster.sections(), self._section)

    def _section(self, row: Any) -> tuple[str | None, ...]:
        if row.school not in self.orgs:
            self.reading.findings.warn("classes.csv", row.line, "schoolSourcedId", "no org has this identifier")
        return row.title, row.code, row.type, row.course, row.school

    # people

    def _users(self) -> None:
        waiting: list[User] = []
        count = 0
        for part in self.roster.user_parts():
            count += len(part)
            self.reading.progress.say(count, self.roster.expected("users", count), "reading users")
            users = self._there(part)
            told = [bool(roles) and not self.by_roles for roles in users["roles"]]
            if not all(told):
                waiting += users.only([not each for each in told]).rows()
            if any(told):
                self._people.put(users.only(told), None)
            if len(waiting) >= PART:
                self._with_known_roles(waiting)
        self._with_known_roles(waiting)

    def _there(self, users: Users) -> Users:
        """Those who are not withdrawn."""
        withdrawn = [status is Status.WITHDRAWN for status in users["status"]]
        if any(withdrawn):
            self._gone.extend(("users", person) for person in users.only(withdrawn)["sourced_id"])
        return users.only([not each for each in withdrawn])

    def _with_known_roles(self, users: list[User]) -> None:
        """Whoever's roles are not all in the files is also what the portal knows."""
        if not users:
            return
        modes = self.roster.modes
        whole = modes["users"] is Mode.BULK and modes["roles"] is Mode.BULK
        known = {} if whole else self.reading.people([user.sourced_id for user in users])
        for user in users:
            if user.sourced_id not in known and not user.roles:
                reason = "nobody says which role this person has, not imported"
                self.reading.findings.warn("users.csv", user.line, None, reason)
        self._people.put(Users.of(users), [known.get(user.sourced_id) or Known() for user in users])
        users.clear()

    def _role_rows(self) -> None:
        """Roles that a delta of 1.2 takes away, and those of users whom users.csv does not name."""
        if not self.by_roles:
            return
        added: dict[tuple[str, str, str], list[Any]] = {}
        gone: set[tuple[str, str, str]] = set()
        for row in self.roster.role_rows():
            place = (place_kind(row.account_type), row.user, row.org)
            if not place[0] or row.org not in self.orgs or place in self._people.placed:
                continue
            if row.status is Status.WITHDRAWN:
                gone.add(place)
            else:
                widen(added, place, row.begin_date, row.end_date)
        places = self._people.places
        for place, (begins, ends) in added.items():
            places.put(*place, _iso(begins), _iso(ends), False)
        for place in sorted(gone - added.keys()):
            places.put(*place, None, None, True)


def _session(row: Any) -> tuple[str | None, ...]:
    year = row.school_year if row.school_year and row.school_year.isdecimal() else None
    return row.title, row.type, str(row.start_date), str(row.end_date), row.parent, year


@lru_cache(50_000)
def _iso(day: date | None) -> str | None:
    return None if day is None else str(day)
