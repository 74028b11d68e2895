"""Reads OneRoster CSV 1.1 and 1.2 as student information systems really write it, into typed rows, without a database.

What is known is kept, an unknown column is one warning, a row without what identifies it is an error. Race, ethnicity, sex,
place of birth and user profiles are never read: nothing in this console needs them. Passwords are dropped and it is said.

Reading is a stream of some thousand rows at a time; what is held in memory beside them is, for 1.2, the roles of each user.
What lies between files (an enrollment of an unknown class, ids that changed hands) is for the import to see.

The columns stand in `roster_files`, the rows in `roster_rows`. Tolerated dirt is that of published samples.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import compress
from typing import TYPE_CHECKING, Any

from console.errors import Refused, Usage
from console.intake.fields import Field, Need
from console.intake.findings import Findings
from console.intake.part_reader import PartReader
from console.intake.roster_files import DEFAULT_METADATA, KINDS, UNUSED_FILES, Kind, Mode, fields_of
from console.intake.roster_rows import Role, Status, account_type
from console.intake.roster_users import Users
from console.intake.seen import Seen
from console.intake.table import Table, header

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from console.intake.archive import Member, Source
    from console.intake.roster_rows import (
        AcademicSession,
        Course,
        Demographics,
        Enrollment,
        Org,
        RoleRow,
        Section,
        User,
    )


@dataclass(slots=True)
class _Part:
    """One file that is there: its table, and what was found in its header and in its rows."""

    kind: Kind
    fields: tuple[Field, ...]
    table: Table
    at_header: Findings
    in_rows: Findings = field(default_factory=Findings)


class Roster:
    """A roster whose headers were read and found good; its rows are read by iterating, as often as one likes.

    `version` is "1.1" or "1.2"; `modes` has the mode of each file of `KINDS`. `findings` holds what was found so far; what
    a file's rows show is complete once its iterator is exhausted, and starts anew when it is read again.
    Iterators raise Refused or Unavailable when a file cannot be read to its end: then nothing of the roster may be used.
    Of one identifier in a file the first row stands, later ones are errors.
    """

    def __init__(self, version: str, modes: Mapping[str, Mode], parts: Mapping[str, _Part], general: Findings) -> None:
        self.version = version
        self.modes = dict(modes)
        self._parts = dict(parts)
        self._general = general
        self._shared: dict[Any, Any] = {}

    @property
    def findings(self) -> Findings:
        """All findings so far, in the order of the files."""
        found = Findings().include([self._general])
        for part in self._parts.values():
            found.include([part.at_header, part.in_rows])
        return found

    @property
    def size(self) -> int:
        """Bytes of the files that are read, unpacked."""
        return sum(part.table.size for part in self._parts.values())

    @property
    def read(self) -> int:
        """How many of these bytes were read so far."""
        return sum(part.table.read for part in self._parts.values())

    def found(self, files: Collection[str]) -> dict[str, Findings]:
        """What was found in the rows of each of these files."""
        return {name: part.in_rows for name, part in self._parts.items() if name in files}

    def hear(self, found: Mapping[str, Findings]) -> None:
        """Take over what another reading of the same roster found in the rows of some files."""
        for name, findings in found.items():
            self._parts[name].in_rows = findings

    def expected(self, file: str, read: int) -> int:
        """How many rows the file will have had, judged by how much of it the first `read` rows are; 0 where it is not there."""
        return self._parts[file].table.expected(read) if file in self._parts else 0

    def academic_sessions(self) -> Iterator[AcademicSession]:
        """The rows of academicSessions.csv."""
        return self._rows("academicSessions")

    def orgs(self) -> Iterator[Org]:
        """The rows of orgs.csv."""
        return self._rows("orgs")

    def courses(self) -> Iterator[Course]:
        """The rows of courses.csv."""
        return self._rows("courses")

    def sections(self) -> Iterator[Section]:
        """The rows of classes.csv."""
        return self._rows("classes")

    def role_rows(self) -> Iterator[RoleRow]:
        """The rows of roles.csv (1.2); none in 1.1."""
        return self._rows("roles")

    def enrollments(self) -> Iterator[Enrollment]:
        """The rows of enrollments.csv."""
        return self._rows("enrollments")

    def demographics(self) -> Iterator[Demographics]:
        """The rows of demographics.csv."""
        return self._rows("demographics")

    def users(self) -> Iterator[User]:
        """The rows of users.csv with their roles, as `user_parts` has them."""
        for part in self.user_parts():
            yield from part.rows()

    def user_parts(self) -> Iterator[Users]:
        """The users of users.csv with their roles, some thousands at a time. In 1.2 roles.csv is read first; its findings are complete
        then too.

        A user of a 1.2 delta has the roles that this delta names, and no others.
        """
        if "users" not in self._parts:
            return
        found = self._roles_of_users() if self.version != "1.1" else {}
        for columns in self._columns("users"):
            if self.version == "1.1":
                *values, orgs, role = columns
                roles = list(map(self._own_role, orgs, role))
            else:
                values, roles = columns, [found.get(user, ()) for user in columns[1]]
            yield Users([*values, roles])

    def _own_role(self, orgs: tuple[str, ...], role: str) -> tuple[Role, ...]:
        if not role:
            return ()
        known = self._shared.get((orgs, role))
        if known is None:
            only = Role(role, account_type(role), orgs, primary=True, begin_date=None, end_date=None)
            known = self._shared[orgs, role] = (only,)
        return known

    def _roles_of_users(self) -> dict[str, tuple[Role, ...]]:
        found: dict[str, tuple[Role, ...]] = {}
        for row in self.role_rows():
            if row.status is Status.ACTIVE:
                role = Role(row.role, row.account_type, (row.org,), row.primary, row.begin_date, row.end_date)
                found[row.user] = self._share((*found.get(row.user, ()), role))
        return found

    def _share(self, roles: tuple[Role, ...]) -> tuple[Role, ...]:
        """The same tuple for the same roles: a school has thousands of students with one and the same role."""
        return self._shared.setdefault(roles, roles)  # type: ignore[no-any-return] # it is the key's type

    def _rows(self, name: str) -> Iterator[Any]:
        if name not in self._parts:
            return
        make: Any = getattr(self._parts[name].kind.build, "_make")  # noqa: B009 - every row is a NamedTuple
        for columns in self._columns(name):
            yield from map(make, zip(*columns, strict=True))

    def _columns(self, name: str) -> Iterator[list[Sequence[Any]]]:
        """The values of the good rows, some thousands at a time, as columns: the line, then the fields in their order."""
        part = self._parts[name]
        part.in_rows = findings = Findings()
        part.table.findings = here = Findings()
        reader = PartReader(part.fields, part.table.file, here)
        seen = Seen()
        for lines, texts in part.table.parts():
            withdrawn = _withdrawn(texts[1])
            kept, columns = reader.read(lines, texts, withdrawn, "sourcedId")
            columns = [[lines[place] for place in kept], *columns]
            gone = {new for new, place in enumerate(kept) if place in withdrawn} if withdrawn else set()
            columns = self._finished(part, columns, gone, seen, here)
            findings.take(here)
            if columns[0]:
                yield columns
        findings.take(here)

    def _finished(
        self, part: _Part, columns: list[Sequence[Any]], withdrawn: set[int], seen: Seen, findings: Findings
    ) -> list[Sequence[Any]]:
        """The rows without those that contradict themselves or repeat an identifier; statuses and roles in the portal's words."""
        file = part.table.file
        check = _CHECKS.get(part.kind.name)
        if check is not None:
            columns = _without(columns, set(check(columns, file, findings, withdrawn)))
        again = seen.add(columns[1])
        for place in sorted(again):
            findings.error(
                file, columns[0][place], "sourcedId", "the identifier stands in an earlier row, which is used"
            )
        columns = _without(columns, again)
        columns[2] = list(map(_STATUSES.__getitem__, columns[2]))
        if part.kind.name == "roles":
            columns[6:7] = [list(map(account_type, columns[5])), [each == "primary" for each in columns[6]]]
        return columns


_STATUSES = {str(status): status for status in Status}
_WITHDRAWN = frozenset({"tobedeleted", "inactive"})


def _withdrawn(statuses: Sequence[str]) -> set[int]:
    """Where rows say that their subject is gone."""
    words = {text for text in set(statuses) if text.casefold() in _WITHDRAWN}
    return {place for place, text in enumerate(statuses) if text in words} if words else set()


def _without(columns: list[Sequence[Any]], places: set[int]) -> list[Sequence[Any]]:
    if not places:
        return columns
    kept = [place not in places for place in range(len(columns[0]))]
    return [list(compress(column, kept)) for column in columns]


def _in_order(begin: int, end: int, column: str) -> Any:
    def check(columns: list[Sequence[Any]], file: str, findings: Findings, withdrawn: set[int]) -> Iterator[int]:
        """The places of rows that end before they begin."""
        for place, (begins, ends) in enumerate(zip(columns[begin], columns[end], strict=True)):
            if begins and ends and ends < begins and place not in withdrawn:
                findings.error(file, columns[0][place], column, "lies before the beginning")
                yield place

    return check


def _named(columns: list[Sequence[Any]], file: str, findings: Findings, withdrawn: set[int]) -> Iterator[int]:
    """A person has a name. One name alone is a warning: there are people with one."""
    for place, (given, family) in enumerate(zip(columns[6], columns[7], strict=True)):
        if (given and family) or place in withdrawn:
            continue
        if given or family:
            findings.warn(file, columns[0][place], "familyName" if given else "givenName", "is blank")
        else:
            findings.error(file, columns[0][place], "familyName", "is blank, and so is givenName")
            yield place


_CHECKS: Mapping[str, Any] = {
    "academicSessions": _in_order(6, 7, "endDate"),
    "roles": _in_order(8, 9, "endDate"),
    "enrollments": _in_order(9, 10, "endDate"),
    "users": _named,
}


def read_roster(source: Source, *, columns: Mapping[str, str] = DEFAULT_METADATA) -> Roster:
    """The roster in `source`, its manifest and all headers read.

    `columns` names the district's own columns of users.csv, by the keys of `DEFAULT_METADATA`; a key left out has its default.
    Raises Refused when it is no roster, promises a file that is missing, or a file lacks a required column; Usage for a key of
    `columns` that means nothing.
    """
    if not columns.keys() <= DEFAULT_METADATA.keys():
        raise Usage(
            f"a roster's own columns are {', '.join(DEFAULT_METADATA)}; nothing was imported, check the settings."
        )
    columns = {**DEFAULT_METADATA, **columns}
    general = Findings()
    members = {name: member for name, kind in KINDS.items() if (member := source.find(kind.file))}
    manifest = source.find("manifest.csv")
    if source.kind == "file" or not members:
        raise Refused(
            f"{source.shown} is no OneRoster folder or zip: none of {', '.join(kind.file for kind in KINDS.values())} "
            "is there; nothing was imported, name the export's folder or zip."
        )
    for member in source.members.values():
        known = member.name.casefold() in UNUSED_FILES or member is manifest or member in members.values()
        if not known:
            general.warn(member.shown, 0, None, "no file of OneRoster, not read")
    stated, version = _read_manifest(manifest, general) if manifest else ({}, "")
    if manifest is None:
        general.warn("manifest.csv", 0, None, "the file is missing, every file that is there is taken as bulk")
    modes = _modes(members, stated, general)
    members = {name: member for name, member in members.items() if modes[name] is not Mode.ABSENT}
    version = _version(version, members, modes, general)
    parts = {name: _part(KINDS[name], member, modes[name], version, columns) for name, member in members.items()}
    return Roster(version, modes, parts, general)


def _part(kind: Kind, member: Member, mode: Mode, version: str, columns: Mapping[str, str]) -> _Part:
    found = Findings()
    fields = fields_of(kind, mode, version, columns)
    table = Table(
        member,
        [each.name for each in fields],
        {each.name for each in fields if each.need in {Need.MUST, Need.COLUMN}},
        found,
        expected={each.name for each in fields if each.need is Need.SHOULD},
        aliases=kind.aliases,
        silent=kind.silent,
    )
    return _Part(kind, fields, table, found)


def _read_manifest(member: Member, general: Findings) -> tuple[dict[str, Mode], str]:
    """The mode of each file, and the version, "" where it says none."""
    modes: dict[str, Mode] = {}
    version = ""
    for line, (name, value) in Table(member, ("propertyName", "value"), ("propertyName", "value"), general):
        key = name.casefold()
        if key == "oneroster.version":
            version = value
        if key.startswith("file."):
            kind = _KIND_NAMES.get(key.removeprefix("file."))
            if kind is None:
                continue
            try:
                modes[kind] = Mode(value.casefold())
            except ValueError:
                raise Refused(
                    f"{member.shown} line {line}, column value: is none of bulk, delta, absent; "
                    "nothing was imported, export the roster again."
                ) from None
    if version not in {"", "1.1", "1.2"}:
        raise Refused(
            f"{member.shown}: the OneRoster version is neither 1.1 nor 1.2; nothing was imported, export one of the two."
        )
    return modes, version


_KIND_NAMES = {name.casefold(): name for name in KINDS}


def _modes(members: Mapping[str, Member], stated: Mapping[str, Mode], general: Findings) -> dict[str, Mode]:
    """What the manifest states, held against what is there."""
    modes = {}
    for name, kind in KINDS.items():
        mode = stated.get(name)
        if name not in members and mode in {Mode.BULK, Mode.DELTA}:
            raise Refused(
                f"manifest.csv says that {kind.file} is there ({mode}), but it is missing; nothing was imported, "
                "the export may be cut off: export it again."
            )
        if name in members and mode is Mode.ABSENT:
            general.warn(kind.file, 0, None, "manifest.csv says that it is absent, not read")
        if name in members and mode is None and stated:
            general.warn(kind.file, 0, None, "manifest.csv does not name it, taken as bulk")
        modes[name] = mode or (Mode.BULK if name in members else Mode.ABSENT)
    return modes


def _version(stated: str, members: Mapping[str, Member], modes: Mapping[str, Mode], general: Findings) -> str:
    """1.1 or 1.2: where users.csv and roles.csv contradict the manifest, they are right."""
    if "roles" in members:
        found = "1.2"
    elif "users" in members and "role" in {name.casefold() for name in header(members["users"])}:
        found = "1.1"
    elif "users" in members and stated == "1.2" and modes["users"] is Mode.BULK:
        raise Refused(
            "roles.csv is missing and users.csv has no column role, so nobody has a role; nothing was imported, "
            "export it again with roles."
        )
    else:
        return stated or "1.1"
    if stated not in {"", found}:
        general.warn("manifest.csv", 0, None, f"says version {stated}, but the files are of {found} and read as such")
    return found
