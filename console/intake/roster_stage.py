"""Reads a roster into its temporary tables, ten thousand rows at a time: keys computed, dates counted, each row with its digest.

The digest (an HMAC, for a plain hash would let anybody check a guess at a sealed row) tells an unchanged row without comparing its
columns. Its last byte repeats what the roster said of the directory opt-out, so that the next import sees whether *that* changed.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from console.intake.findings import Findings
from console.intake.roster_files import Mode
from console.intake.roster_rows import Status, links_of
from console.names import email_key, last_initial, name_key, phone_key, skeleton

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import sqlalchemy as sa

    from console.intake.oneroster import Roster
    from console.intake.roster_rows import User
    from console.intake.roster_tables import Stage
    from console.vault import Vault

CHUNK = 10_000
MAJORITY = 18
KEYS_VERSION = "1"
"""Raised when keys are computed differently, so that the next import computes them anew."""
SCHOOL = "school"
STAFF = ("district_administrator", "school_administrator", "certificated", "classified")


@dataclass(frozen=True, slots=True)
class Known:
    """What a person of the portal's roster is, as account types, for a delta that does not repeat it; `school` is an identifier."""

    school: str | None = None
    kinds: frozenset[str] = frozenset()


@dataclass(slots=True)
class Reading:
    """What reading a roster needs from outside: digests, the orgs already known (id to type), what known people are."""

    vault: Vault
    orgs: Mapping[str, str]
    people: Callable[[Sequence[str]], Mapping[str, Known]]
    findings: Findings = field(default_factory=Findings)


def adult_on(birth: date) -> date:
    """The 18th birthday; 1 March for who was born on 29 February (34 CFR 99.3, *eligible student*)."""
    try:
        return birth.replace(year=birth.year + MAJORITY)
    except ValueError:
        return date(birth.year + MAJORITY, 3, 1)


def stage_roster(connection: sa.Connection, stage: Stage, roster: Roster, reading: Reading) -> None:
    """Fill the temporary tables, which are there and empty. Raises Refused or Unavailable as the roster's iterators do."""
    _Filling(connection, stage, roster, reading).fill()


class _Sink:
    """Rows for one temporary table, written when enough have come together."""

    def __init__(self, connection: sa.Connection, table: sa.Table, columns: Sequence[str]) -> None:
        self._connection = connection
        self._table = table
        self._columns = columns
        self._rows: list[tuple[Any, ...]] = []

    def put(self, *row: Any) -> None:
        self._rows.append(row)
        if len(self._rows) >= CHUNK:
            self.write()

    def write(self) -> None:
        from models.bulk import insert_rows

        insert_rows(self._connection, self._table, self._columns, self._rows)
        self._rows.clear()


class _Filling:
    def __init__(self, connection: sa.Connection, stage: Stage, roster: Roster, reading: Reading) -> None:
        self.connection = connection
        self.stage = stage
        self.roster = roster
        self.reading = reading
        self.orgs = dict(reading.orgs)
        # A delta of 1.2 names roles that are added or taken; those it does not name still hold.
        self.by_roles = roster.modes["roles"] is Mode.DELTA
        self._placed: set[tuple[str, str, str]] = set()
        self._family = lru_cache(50_000)(lambda family: (name_key(family), str(last_initial(family))))
        self._sinks: list[_Sink] = []
        self._gone = self._sink(stage.gone, ("file", "source_id"))
        self._people = self._sink(stage.people, ("source_id", "places"))
        self._places = self._sink(stage.places, tuple(column.name for column in stage.places.columns))
        self._links = self._sink(stage.links, tuple(column.name for column in stage.links.columns))
        self._of_kind = {
            name: self._sink(
                kind.stage,
                ("source_id", "line", *kind.columns, "row_hash", *_EXTRA.get(name, ())),
            )
            for name, kind in stage.kinds.items()
        }

    def fill(self) -> None:
        self._orgs()
        self._calendar()
        self._users()
        self._role_rows()
        for row in self._present("enrollments", self.roster.enrollments()):
            values = (row.section, row.user, row.role, row.begin_date, row.end_date)
            self._put("class members", row, values)
        births = self._sink(self.stage.births, ("source_id", "birth_date", "adult_on"))
        for row in self._present("demographics", self.roster.demographics()):
            if row.birth_date:
                births.put(row.sourced_id, row.birth_date, adult_on(row.birth_date))
        for sink in self._sinks:
            sink.write()

    def _sink(self, table: sa.Table, columns: Sequence[str]) -> _Sink:
        sink = _Sink(self.connection, table, columns)
        self._sinks.append(sink)
        return sink

    def _present(self, file: str, rows: Iterable[Any]) -> Iterator[Any]:
        """The rows that are there; of the withdrawn ones only the identifier counts."""
        for row in rows:
            if row.status is Status.WITHDRAWN:
                self._gone.put(file, row.sourced_id)
            else:
                yield row

    def _put(self, kind: str, row: Any, values: tuple[Any, ...], *extra: Any, more: str = "", last: int = 0) -> None:
        """Stage a row of a kind with its digest over `values` and what else must make it count as changed."""
        text = "\x1f".join((KEYS_VERSION, more, *("\x00" if value is None else str(value) for value in values)))
        digest = self.reading.vault.mac(f"roster {kind}", text)[:16] + bytes([last])
        self._of_kind[kind].put(row.sourced_id, row.line, *values, digest, *extra)

    def _orgs(self) -> None:
        for row in self._present("orgs", self.roster.orgs()):
            self.orgs[row.sourced_id] = row.type
            self._put("schools", row, (row.name, row.identifier or row.sourced_id, row.type, row.parent))

    def _calendar(self) -> None:
        roster = self.roster
        for row in self._present("academicSessions", roster.academic_sessions()):
            year = int(row.school_year) if row.school_year and row.school_year.isdecimal() else None
            self._put("sessions", row, (row.title, row.type, row.start_date, row.end_date, row.parent, year))
        for row in self._present("courses", roster.courses()):
            self._put("courses", row, (row.title, row.code, row.org))
        for row in self._present("classes", roster.sections()):
            if row.school not in self.orgs:
                self._dangling("classes.csv", row.line, "schoolSourcedId", "no org has this identifier")
            self._put("classes", row, (row.title, row.code, row.type, row.course, row.school))

    # people

    def _users(self) -> None:
        waiting: list[User] = []
        for user in self._present("users", self.roster.users()):
            if user.roles and not self.by_roles:
                self._user(user, None)
            else:
                waiting.append(user)
                if len(waiting) >= CHUNK:
                    self._with_known_roles(waiting)
        self._with_known_roles(waiting)

    def _with_known_roles(self, users: list[User]) -> None:
        """Whoever's roles are not all in the files is also what the portal knows."""
        modes = self.roster.modes
        whole = modes["users"] is Mode.BULK and modes["roles"] is Mode.BULK
        known = {} if whole else self.reading.people([user.sourced_id for user in users])
        for user in users:
            found = known.get(user.sourced_id)
            if found is None and not user.roles:
                self._dangling("users.csv", user.line, None, "nobody says which role this person has, not imported")
            self._user(user, found or Known())
        users.clear()

    def _user(self, user: User, known: Known | None) -> None:
        kinds = {role.account_type for role in user.roles}
        if known is not None:
            kinds |= known.kinds
        self._people.put(user.sourced_id, known is None)
        if "student" in kinds:
            self._student(user, known)
        if "parent" in kinds:
            self._contact(user)
        if staff := next((each for each in STAFF if each in kinds), None):
            values = (user.identifier, user.given_name, user.family_name, user.email, staff)
            self._put("staff", user, values, user.enabled)
        self._places_of(user)
        for link in links_of(user):
            reference = link.restriction_reference
            self._links.put(link.line, link.guardian, link.student, link.relation, int(link.restricted), reference)

    def _student(self, user: User, known: Known | None) -> None:
        family_key, initial = self._family(user.family_name)
        code = user.verification_code
        school = self._home(user, known.school if known is not None else None)
        opted_out = user.directory_opt_out
        values = (
            user.identifier or user.sourced_id,
            user.given_name,
            user.middle_name,
            user.family_name,
            name_key(user.given_name + user.family_name),
            family_key,
            initial,
            user.grades[0] if user.grades else None,
            user.email,
            email_key(user.email),
            self.reading.vault.mac("verification code", code) if code else None,
        )
        last = 0 if opted_out is None else 1 + opted_out
        self._put("students", user, values, school, bool(opted_out), more=school or "", last=last)

    def _contact(self, user: User) -> None:
        whole = user.given_name + user.family_name
        values = (
            user.given_name,
            user.family_name,
            name_key(whole),
            skeleton(whole),
            user.email,
            email_key(user.email),
            user.phone,
            phone_key(user.phone),
            phone_key(user.sms),
        )
        relation = (user.relation or "").lower()
        named = {role.role for role in user.roles if role.account_type == "parent"}
        if not relation and named == {"relative"}:
            relation = "relative"
        self._put("contacts", user, values, relation)

    def _home(self, user: User, known: str | None) -> str | None:
        """The primary school, else the one that is known, the first one, the first org of any type."""
        own = [role for role in user.roles if role.account_type == "student"]
        primary = [org for role in own if role.primary for org in role.orgs]
        every = [org for role in own for org in role.orgs]
        named = (user.primary_org, *primary, known, *every)
        listed = [org for org in named if org is not None and org in self.orgs]
        return next((org for org in listed if self.orgs[org] == SCHOOL), listed[0] if listed else None)

    def _places_of(self, user: User) -> None:
        """Where the roles say the person is; dates only where a role has some."""
        found: dict[tuple[str, str], list[Any]] = {}
        for role in user.roles:
            kind = "students" if role.account_type == "student" else "staff" if role.account_type in STAFF else ""
            if not kind:
                continue
            for org in role.orgs:
                if org not in self.orgs:
                    self._dangling("users.csv", user.line, "orgSourcedIds", "no org has one of these identifiers")
                elif kind == "staff" or self.orgs[org] == SCHOOL:
                    _widen(found, (kind, org), role.begin_date, role.end_date)
        for (kind, org), (begins, ends) in found.items():
            self._places.put(kind, user.sourced_id, org, begins, ends, False)
            if self.by_roles:
                self._placed.add((kind, user.sourced_id, org))

    def _role_rows(self) -> None:
        """Roles that a delta of 1.2 takes away, and those of users whom users.csv does not name."""
        if not self.by_roles:
            return
        added: dict[tuple[str, str, str], list[Any]] = {}
        gone: set[tuple[str, str, str]] = set()
        for row in self.roster.role_rows():
            kind = "students" if row.account_type == "student" else "staff" if row.account_type in STAFF else ""
            place = (kind, row.user, row.org)
            if not kind or row.org not in self.orgs or place in self._placed:
                continue
            if row.status is Status.WITHDRAWN:
                gone.add(place)
            else:
                _widen(added, place, row.begin_date, row.end_date)
        for place, period in added.items():
            self._places.put(*place, *period, False)
        for place in sorted(gone - added.keys()):
            self._places.put(*place, None, None, True)

    def _dangling(self, file: str, line: int, column: str | None, reason: str) -> None:
        self.reading.findings.warn(file, line, column, reason)


_EXTRA: Mapping[str, tuple[str, ...]] = defaultdict(
    tuple, students=("school", "opted_out"), contacts=("relation",), staff=("enabled",)
)


def _widen(found: dict[Any, list[Any]], key: Any, begins: date | None, ends: date | None) -> None:
    """Two roles at one school are there from the earlier begin to the later end; open is open."""
    if key not in found:
        found[key] = [begins, ends]
        return
    period = found[key]
    period[0] = None if begins is None or period[0] is None else min(begins, period[0])
    period[1] = None if ends is None or period[1] is None else max(ends, period[1])
