"""Stages the users of a roster: each becomes a student, a contact, staff, or several of these; ties and places beside them.

What a user's roles come to is computed once for each set of roles, keys for some thousand users together: a district has a million.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress
from typing import TYPE_CHECKING, Any

from console.intake.roster_rows import links_of
from console.intake.roster_sink import Sink, digests, tie_hashes
from console.names import email_key, last_initial, name_key, name_keys, phone_keys, skeletons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from console.intake.findings import Findings
    from console.intake.roster_known import Known
    from console.intake.roster_rows import Role, User
    from console.intake.roster_tables import Stage
    from console.vault import Vault

SCHOOL = "school"
STAFF = ("district_administrator", "school_administrator", "certificated", "classified")


@dataclass(slots=True)
class _Standing:
    """What roles come to.

    `places` are (kind, org) with a period, `primary` and `named` the orgs at which one is a student; `said` tells one from another.
    """

    roles: tuple[Role, ...]
    kinds: frozenset[str]
    primary: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    places: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    unknown: int = 0
    said: str = ""
    relative: bool = False


@dataclass(slots=True)
class PeopleStage:
    """Puts users into their tables. `orgs` says the type of each org known; `placed` is filled with places of a delta of 1.2."""

    vault: Vault
    orgs: Mapping[str, str]
    findings: Findings
    people: Sink | None
    students: Sink
    contacts: Sink
    staff: Sink
    places: Sink
    links: Sink
    by_roles: bool
    placed: set[tuple[str, str, str]] = field(default_factory=set)
    _standings: dict[int, _Standing] = field(default_factory=dict)

    @classmethod
    def into(
        cls,
        stage: Stage,
        sink: Callable[..., Sink],
        vault: Vault,
        orgs: Mapping[str, str],
        findings: Findings,
        **more: Any,
    ) -> PeopleStage:
        """Over the tables of `stage`; `more` says whether `delta` and `by_roles`."""
        kinds = stage.kinds
        start = ("source_id", "line")

        def of(name: str, *extra: str) -> Sink:
            return sink(kinds[name].stage, (*start, *kinds[name].columns, "row_hash", *extra))

        return cls(
            vault,
            orgs,
            findings,
            sink(stage.people, ("source_id", "places")) if more["delta"] else None,
            of("students", "school", "opted_out", "places", "at_home"),
            of("contacts", "relation"),
            of("staff", "enabled", "places"),
            sink(stage.places, tuple(column.name for column in stage.places.columns)),
            sink(stage.links, tuple(column.name for column in stage.links.columns)),
            more["by_roles"],
        )

    def put(self, users: Sequence[User], known: Sequence[Known] | None) -> None:
        """Stage users. `known` is what the portal knows of each, where the files do not say all their roles."""
        standings = [self._standing(user.roles) for user in users]
        knowns: Sequence[Known | None] = known if known is not None else [None] * len(users)
        if self.people is not None:
            self.people.extend((user.sourced_id, one is None) for user, one in zip(users, knowns, strict=True))
        students, contacts, staff = [], [], []
        for user, standing, one in zip(users, standings, knowns, strict=True):
            kinds = standing.kinds if one is None else standing.kinds | one.kinds
            if "student" in kinds:
                students.append((user, standing, one))
            if "parent" in kinds:
                contacts.append((user, standing))
            if kinds.isdisjoint(_STAFF):
                continue
            staff.append((user, standing, next(each for each in STAFF if each in kinds), one))
        at_home = self._students(students) if students else set()
        if contacts:
            self._contacts(contacts)
        if staff:
            self._staff(staff)
        self.links.extend(_links(users, standings))
        self._rest(users, standings, at_home)

    def _standing(self, roles: tuple[Role, ...]) -> _Standing:
        """What these roles come to. They are the same object for thousands of users, and are kept so that it stays theirs."""
        found = self._standings.get(id(roles))
        if found is None:
            found = self._standings[id(roles)] = self._stand(roles)
        return found

    def _stand(self, roles: tuple[Role, ...]) -> _Standing:
        found = _Standing(roles, frozenset(role.account_type for role in roles))
        found.relative = {role.role for role in roles if role.account_type == "parent"} == {"relative"}
        own = [role for role in roles if role.account_type == "student"]
        found.primary = [org for role in own if role.primary for org in role.orgs]
        found.named = [org for role in own for org in role.orgs]
        for role in roles:
            kind = place_kind(role.account_type)
            if not kind:
                continue
            for org in role.orgs:
                if org not in self.orgs:
                    found.unknown += 1
                elif kind == "staff" or self.orgs[org] == SCHOOL:
                    widen(found.places, (kind, org), role.begin_date, role.end_date)
        found.said = f"{found.places} {sorted(found.kinds)}"
        return found

    def _home(self, user: User, standing: _Standing, known: Known | None) -> str | None:
        """The primary school, else the one that is known, the first one, the first org of any type."""
        named = (user.primary_org, *standing.primary, known.school if known else None, *standing.named)
        listed = [org for org in named if org is not None and org in self.orgs]
        return next((org for org in listed if self.orgs[org] == SCHOOL), listed[0] if listed else None)

    def _students(self, rows: Sequence[tuple[User, _Standing, Known | None]]) -> set[int]:
        """Stage students. Returns the lines of those whose home school is all that is said of where they are."""
        users = [user for user, _, _ in rows]
        families = [_family(user.family_name) for user in users]
        codes = [user.verification_code for user in users]
        macs = iter(self.vault.mac_many("verification code", [code for code in codes if code]))
        schools = [self._home(*row) for row in rows]
        columns: list[Sequence[Any]] = [
            [user.identifier or user.sourced_id for user in users],
            [user.given_name for user in users],
            [user.middle_name for user in users],
            [user.family_name for user in users],
            name_keys([user.given_name + user.family_name for user in users]),
            [key for key, _ in families],
            [initial for _, initial in families],
            [user.grades[0] if user.grades else None for user in users],
            [user.email for user in users],
            [email_key(user.email) for user in users],
        ]
        lines = [user.line for user in users]
        home = [self._at_home(standing, school) for (_, standing, _), school in zip(rows, schools, strict=True)]
        said = [user.directory_opt_out for user in users]
        hashes = digests(self.vault, "students", [*columns, codes], [school or "" for school in schools])
        ties = tie_hashes(_said(standing.said, str(known is None), *user.agents) for user, standing, known in rows)
        self.students.extend(
            zip(
                [user.sourced_id for user in users],
                lines,
                *columns,
                [next(macs) if code else None for code in codes],
                [each + _SAID[opted] + tie for each, opted, tie in zip(hashes, said, ties, strict=True)],
                schools,
                map(bool, said),
                [known is None for _, _, known in rows],
                home,
                strict=True,
            )
        )
        return set(compress(lines, home))

    def _at_home(self, standing: _Standing, school: str | None) -> bool:
        """Whether the home school, without dates, is all that the roles say of where the student is."""
        places = standing.places
        return not self.by_roles and len(places) == 1 and places.get(("students", school or "")) == [None, None]

    def _contacts(self, rows: Sequence[tuple[User, _Standing]]) -> None:
        users = [user for user, _ in rows]
        names = [user.given_name + user.family_name for user in users]
        phones = [user.phone for user in users]
        columns: list[Sequence[Any]] = [
            [user.given_name for user in users],
            [user.family_name for user in users],
            name_keys(names),
            name_keys([user.family_name for user in users]),
            skeletons(names),
            [user.email for user in users],
            [email_key(user.email) for user in users],
            phones,
            phone_keys(phones),
            phone_keys([user.sms for user in users]),
        ]
        relations = [
            (user.relation or "").lower() or ("relative" if standing.relative else "") for user, standing in rows
        ]
        ties = tie_hashes(
            _said(relation, str(user.restriction_reference), *user.agents, "-", *user.restricted_students)
            for (user, _), relation in zip(rows, relations, strict=True)
        )
        hashes = [each + b"\0" + tie for each, tie in zip(digests(self.vault, "contacts", columns), ties, strict=True)]
        self.contacts.extend(
            zip(
                [user.sourced_id for user in users],
                [user.line for user in users],
                *columns,
                hashes,
                relations,
                strict=True,
            )
        )

    def _staff(self, rows: Sequence[tuple[User, _Standing, str, Known | None]]) -> None:
        columns: list[Sequence[Any]] = [
            [user.identifier for user, *_ in rows],
            [user.given_name for user, *_ in rows],
            [user.family_name for user, *_ in rows],
            [user.email for user, *_ in rows],
            [kind for _, _, kind, _ in rows],
        ]
        ties = tie_hashes(
            _said(str(user.enabled), standing.said, str(known is None)) for user, standing, _, known in rows
        )
        hashes = [each + b"\0" + tie for each, tie in zip(digests(self.vault, "staff", columns), ties, strict=True)]
        self.staff.extend(
            zip(
                [user.sourced_id for user, *_ in rows],
                [user.line for user, *_ in rows],
                *columns,
                hashes,
                [user.enabled for user, *_ in rows],
                [known is None for *_, known in rows],
                strict=True,
            )
        )

    def _rest(self, users: Sequence[User], standings: Sequence[_Standing], at_home: set[int]) -> None:
        """Where the roles say that a person is, unless that is the home school alone; orgs that nobody knows."""
        for user, standing in zip(users, standings, strict=True):
            for _ in range(standing.unknown):
                reason = "no org has one of these identifiers"
                self.findings.warn("users.csv", user.line, "orgSourcedIds", reason)
            if user.line in at_home:
                continue
            for (kind, org), (begins, ends) in standing.places.items():
                self.places.put(kind, user.sourced_id, org, _iso(begins), _iso(ends), False)
                if self.by_roles:
                    self.placed.add((kind, user.sourced_id, org))


_STAFF = frozenset(STAFF)
_SAID = {None: b"\0", False: b"\1", True: b"\2"}


def _said(*said: str) -> str:
    """What a row says of ties and places, as one text."""
    return "\x1e".join(said)


@lru_cache(50_000)
def _family(name: str) -> tuple[str, str]:
    return name_key(name), str(last_initial(name))


def _iso(day: Any) -> str | None:
    return None if day is None else str(day)


def _links(users: Sequence[User], standings: Sequence[_Standing]) -> Iterator[tuple[Any, ...]]:
    """Who is tied to whom. The usual rows are spelled out, for `links_of` is dear for a million."""
    for user, standing in zip(users, standings, strict=True):
        if not user.agents and not user.restricted_students:
            continue
        if standing.kinds == _ONLY_STUDENT:
            for agent in user.agents:
                yield user.line, agent, user.sourced_id, None, 0, None
            continue
        for link in links_of(user):
            yield (
                link.line,
                link.guardian,
                link.student,
                link.relation,
                int(link.restricted),
                link.restriction_reference,
            )


_ONLY_STUDENT = frozenset({"student"})


def place_kind(account_type: str) -> str:
    """In which kind of places somebody of this account type is: students', staff's or none."""
    return "students" if account_type == "student" else "staff" if account_type in STAFF else ""


def widen(found: dict[Any, list[Any]], key: Any, begins: Any, ends: Any) -> None:
    """Two roles at one school are there from the earlier begin to the later end; open is open."""
    if key not in found:
        found[key] = [begins, ends]
        return
    period = found[key]
    period[0] = None if begins is None or period[0] is None else min(begins, period[0])
    period[1] = None if ends is None or period[1] is None else max(ends, period[1])
