"""Stages the users of a roster: each becomes a student, a contact, staff, or several of these; ties and places beside them.

What a user's roles come to is computed once for each set of roles, keys for some thousand users together: a district has a million.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import compress
from operator import add
from typing import TYPE_CHECKING, Any

from console.intake.roster_rows import links_of
from console.intake.roster_sink import Sink, digests, tie_hashes
from console.names import email_key, last_initial, name_key, name_keys, phone_keys, skeletons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from console.intake.findings import Findings
    from console.intake.roster_known import Known
    from console.intake.roster_rows import Role
    from console.intake.roster_tables import Stage
    from console.intake.roster_users import Users
    from console.vault import Vault

SCHOOL = "school"
STAFF = ("district_administrator", "school_administrator", "certificated", "classified")


@dataclass(slots=True)
class _Standing:
    """What roles come to.

    `places` are (kind, org) with a period, `primary` and `named` the orgs at which one is a student; `said` tells one from another.
    `homes` has for each primary org that came with them what `PeopleStage._at` makes of it.
    """

    roles: tuple[Role, ...]
    kinds: frozenset[str]
    primary: list[str] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    places: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    homes: dict[str | None, tuple[str | None, bool]] = field(default_factory=dict)
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

    def put(self, users: Users, known: Sequence[Known | None] | None) -> None:
        """Stage users. `known` is what the portal knows of each, where the files do not say all their roles."""
        standings = [self._standing(roles) for roles in users["roles"]]
        knowns = known if known is not None else [None] * len(users)
        if self.people is not None:
            self.people.extend(zip(users["sourced_id"], [one is None for one in knowns], strict=True))
        kinds = [
            standing.kinds if one is None else standing.kinds | one.kinds
            for standing, one in zip(standings, knowns, strict=True)
        ]
        at_home: set[int] = set()
        if any(students := ["student" in each for each in kinds]):
            own = list(compress(standings, students)), list(compress(knowns, students))
            at_home = self._students(users.only(students), *own)
        if any(contacts := ["parent" in each for each in kinds]):
            self._contacts(users.only(contacts), list(compress(standings, contacts)))
        if any(staff := [not each.isdisjoint(_STAFF) for each in kinds]):
            types = [next(kind for kind in STAFF if kind in each) for each in compress(kinds, staff)]
            own = list(compress(standings, staff)), list(compress(knowns, staff))
            self._staff(users.only(staff), types, *own)
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

    def _homes(
        self, users: Users, standings: Sequence[_Standing], knowns: Sequence[Known | None]
    ) -> tuple[list[str | None], list[bool]]:
        """The home school of each student, and whether it, without dates, is all that the roles say of where they are."""
        found = []
        for primary, standing, known in zip(users["primary_org"], standings, knowns, strict=True):
            org = primary if primary in self.orgs else None
            at = standing.homes.get(org) if known is None else self._at(org, standing, known)
            if at is None:
                at = standing.homes[org] = self._at(org, standing, None)
            found.append(at)
        return [school for school, _ in found], [alone for _, alone in found]

    def _at(self, primary_org: str | None, standing: _Standing, known: Known | None) -> tuple[str | None, bool]:
        """The primary school, else the one that is known, the first one, the first org of any type; whether it stands alone."""
        named = (primary_org, *standing.primary, known.school if known else None, *standing.named)
        listed = [org for org in named if org is not None and org in self.orgs]
        school = next((org for org in listed if self.orgs[org] == SCHOOL), listed[0] if listed else None)
        places = standing.places
        alone = not self.by_roles and len(places) == 1 and places.get(("students", school or "")) == [None, None]
        return school, alone

    def _students(self, users: Users, standings: Sequence[_Standing], knowns: Sequence[Known | None]) -> set[int]:
        """Stage students. Returns the lines of those whose home school is all that is said of where they are."""
        ids, lines, said = users["sourced_id"], users["line"], users["directory_opt_out"]
        families = list(map(_family, users["family_name"]))
        codes = users["verification_code"]
        macs = iter(self.vault.mac_many("verification code", filter(None, codes)))
        schools, home = self._homes(users, standings, knowns)
        columns: list[Sequence[Any]] = [
            [number or person for number, person in zip(users["identifier"], ids, strict=True)],
            users["given_name"],
            users["middle_name"],
            users["family_name"],
            name_keys(list(map(add, users["given_name"], users["family_name"]))),
            [key for key, _ in families],
            [initial for _, initial in families],
            [grades[0] if grades else None for grades in users["grades"]],
            users["email"],
            list(map(email_key, users["email"])),
        ]
        whole = [known is None for known in knowns]
        hashes = digests(self.vault, "students", [*columns, codes], [school or "" for school in schools])
        ties = tie_hashes(
            _said(standing.said, str(known), *agents)
            for standing, known, agents in zip(standings, whole, users["agents"], strict=True)
        )
        self.students.extend(
            zip(
                ids,
                lines,
                *columns,
                [next(macs) if code else None for code in codes],
                [each + _SAID[opted] + tie for each, opted, tie in zip(hashes, said, ties, strict=True)],
                schools,
                map(bool, said),
                whole,
                home,
                strict=True,
            )
        )
        return set(compress(lines, home))

    def _contacts(self, users: Users, standings: Sequence[_Standing]) -> None:
        names = list(map(add, users["given_name"], users["family_name"]))
        columns: list[Sequence[Any]] = [
            users["given_name"],
            users["family_name"],
            name_keys(names),
            name_keys(users["family_name"]),
            skeletons(names),
            users["email"],
            list(map(email_key, users["email"])),
            users["phone"],
            phone_keys(users["phone"]),
            phone_keys(users["sms"]),
        ]
        relations = [
            (relation or "").lower() or ("relative" if standing.relative else "")
            for relation, standing in zip(users["relation"], standings, strict=True)
        ]
        ends = zip(users["restriction_reference"], users["agents"], users["restricted_students"], strict=True)
        ties = tie_hashes(
            _said(relation, str(reference), *agents, "-", *restricted)
            for relation, (reference, agents, restricted) in zip(relations, ends, strict=True)
        )
        hashes = [each + b"\0" + tie for each, tie in zip(digests(self.vault, "contacts", columns), ties, strict=True)]
        self.contacts.extend(zip(users["sourced_id"], users["line"], *columns, hashes, relations, strict=True))

    def _staff(
        self, users: Users, types: Sequence[str], standings: Sequence[_Standing], knowns: Sequence[Known | None]
    ) -> None:
        columns: list[Sequence[Any]] = [
            users["identifier"],
            users["given_name"],
            users["family_name"],
            users["email"],
            types,
        ]
        enabled, whole = users["enabled"], [known is None for known in knowns]
        ties = tie_hashes(
            _said(str(able), standing.said, str(known))
            for able, standing, known in zip(enabled, standings, whole, strict=True)
        )
        hashes = [each + b"\0" + tie for each, tie in zip(digests(self.vault, "staff", columns), ties, strict=True)]
        self.staff.extend(zip(users["sourced_id"], users["line"], *columns, hashes, enabled, whole, strict=True))

    def _rest(self, users: Users, standings: Sequence[_Standing], at_home: set[int]) -> None:
        """Where the roles say that a person is, unless that is the home school alone; orgs that nobody knows."""
        for line, person, standing in zip(users["line"], users["sourced_id"], standings, strict=True):
            for _ in range(standing.unknown):
                reason = "no org has one of these identifiers"
                self.findings.warn("users.csv", line, "orgSourcedIds", reason)
            if line in at_home:
                continue
            for (kind, org), (begins, ends) in standing.places.items():
                self.places.put(kind, person, org, _iso(begins), _iso(ends), False)
                if self.by_roles:
                    self.placed.add((kind, person, org))


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


def _links(users: Users, standings: Sequence[_Standing]) -> Iterator[tuple[Any, ...]]:
    """Who is tied to whom. The usual rows are spelled out, for `links_of` is dear for a million."""
    agents, restricted = users["agents"], users["restricted_students"]
    odd = [
        bool(more) or (bool(some) and standing.kinds not in _USUAL)
        for some, more, standing in zip(agents, restricted, standings, strict=True)
    ]
    rows = zip(odd, standings, users["line"], users["sourced_id"], agents, users["relation"], strict=True)
    for another, standing, line, person, others, relation in rows:
        if another:
            continue
        if standing.kinds == _ONLY_STUDENT:
            for agent in others:
                yield line, agent, person, None, 0, None
        elif standing.kinds == _ONLY_PARENT:
            for student in others:
                yield line, person, student, relation, 0, None
    if any(odd):
        for user in users.only(odd).rows():
            for link in links_of(user):
                said = int(link.restricted), link.restriction_reference
                yield (link.line, link.guardian, link.student, link.relation, *said)


_ONLY_STUDENT, _ONLY_PARENT = frozenset({"student"}), frozenset({"parent"})
_USUAL = (_ONLY_STUDENT, _ONLY_PARENT)


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
