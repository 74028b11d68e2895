"""A roster that hardly changed looks only at whom it concerns; what it leaves is what looking at everybody would have left."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from console.intake import roster_run
from models import tables as t
from tests.imports import CLASSES, Imports, member, user

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal

NIGHTS = 6
PEOPLE = 40


class District:
    """Students, guardians and teachers, and what becomes of a few of them from night to night."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.users: dict[str, dict[str, str]] = {}
        self.members: dict[str, dict[str, str]] = {}
        self.classes = {row["sourcedId"]: dict(row) for row in CLASSES}
        for n in range(PEOPLE):
            self._join(n)

    def _join(self, n: int) -> None:
        self.users[f"U{n}"] = user(f"U{n}", given=f"Kim{n}", family=f"Vale{n}", agentSourcedIds=self._some("G"))
        self.users[f"G{n}"] = user(f"G{n}", "guardian", f"Pat{n}", f"Vale{n}", agentSourcedIds=self._some("U"))
        if n % 8 == 0:
            self.users[f"T{n}"] = user(f"T{n}", "teacher", f"Ann{n}", f"Ames{n}", identifier=f"9{n}")
        if n % 2:
            self._enroll(n)

    def _some(self, letter: str) -> str:
        return ",".join(sorted({f"{letter}{self.dice.randrange(PEOPLE)}" for _ in range(self.dice.randrange(3))}))

    def _enroll(self, n: int) -> None:
        name = f"M{n}.{self.dice.randrange(3)}"
        dates = {"beginDate": self.dice.choice(["", "2026-08-12"]), "endDate": self.dice.choice(["", "2027-06-01"])}
        self.members[name] = member(name, self.dice.choice(["C1", "C2"]), self.dice.choice([f"U{n}", "T8"]), **dates)
        if self.members[name]["userSourcedId"].startswith("T"):
            self.members[name]["role"] = "teacher"

    def night(self) -> None:
        """Three small things happen."""
        for _ in range(3):
            n = self.dice.randrange(PEOPLE)
            what = self.dice.randrange(8)
            if what == 0:
                self.users.pop(f"U{n}", None)
            elif what == 1:
                self._join(n)
            elif what == 2 and f"G{n}" in self.users:
                self.users[f"G{n}"]["agentSourcedIds"] = self._some("U")
            elif what == 3 and f"U{n}" in self.users:
                self.users[f"U{n}"]["agentSourcedIds"] = self._some("G")
            elif what == 4 and f"U{n}" in self.users:
                self.users[f"U{n}"]["orgSourcedIds"] = self.dice.choice(["S1", "S2", "S2,S1", "S1,D1"])
            elif what == 5:
                self._enroll(n)
            elif what == 6 and self.members:
                self.members.pop(self.dice.choice(sorted(self.members)))
            elif what == 7:
                self.classes["C2"]["schoolSourcedId"] = self.dice.choice(["S1", "S2"])

    def bulk(self, imports: Imports) -> None:
        """The whole roster."""
        told = {"allow_withdrawals": True}
        rows = {"users": list(self.users.values()), "enrollments": list(self.members.values())}
        imports.roster(classes=list(self.classes.values()), options=told, **rows)

    def delta(self, imports: Imports) -> None:
        """Some users' rows as they are, and one with another tie."""
        some = [dict(self.users[name]) for name in self.dice.sample(sorted(self.users), 3)]
        some[0]["agentSourcedIds"] = self._some("G" if some[0]["role"] == "student" else "U")
        imports.roster("delta", users=some, options={"allow_withdrawals": True})


def belongs(portal: Portal) -> dict[str, list[Any]]:
    """Who belongs to whom and where, as identifiers."""
    with portal.office.reading() as connection:

        def rows(table: Any, one: Any, other: Any, *columns: str) -> list[Any]:
            import sqlalchemy as sa

            keys = [column for column in table.c if column.name.endswith("_id")]
            query = sa.select(one.c.source_id, other.c.source_id, *(table.c[name] for name in columns))
            joined = query.join(one, one.c.id == keys[0]).join(other, other.c.id == keys[1])
            return sorted(map(repr, connection.execute(joined.select_from(table))))

        return {
            "ties": rows(t.contact_tie, t.contact, t.student, "relation", "restricted", "active"),
            "enrollments": rows(t.enrollment, t.student, t.school, "begins", "ends", "active"),
            "posts": rows(t.post, t.staff, t.school, "begins", "ends", "active"),
        }


@pytest.mark.parametrize("seed", [1])
def test_looking_at_a_few_leaves_what_looking_at_all_leaves(
    portal: Portal, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The same nights twice in one portal's life: with the short look, then a night in which all are looked at changes nothing."""
    dice = random.Random(seed)
    district, imports = District(dice), Imports(portal, tmp_path)
    looked: list[bool] = []
    touch = roster_run.touch

    def kept(load: Any, differences: Any) -> bool:
        looked.append(touch(load, differences))
        return looked[-1]

    monkeypatch.setattr(roster_run, "touch", kept)
    district.bulk(imports)
    for night in range(NIGHTS):
        district.night()
        if night % 3 == 2:
            district.delta(imports)
        district.bulk(imports)
        before = belongs(portal)
        with monkeypatch.context() as whole:
            whole.setattr(roster_run, "touch", lambda *_: False)
            district.bulk(imports)
        assert belongs(portal) == before, f"night {night} of seed {seed}"
    assert looked.count(True) >= NIGHTS - 2, "most nights are short"
