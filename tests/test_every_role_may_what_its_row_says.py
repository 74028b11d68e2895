"""Every decision and disclosure × every role × every scope × every kind of case, tried for real and taken back.

Promises: it is allowed exactly where the table below says so, the case is the operator's to see and it may be decided; else it is
refused with the right sentence, nothing is written and no record is left. The table is written from PORTAL.md and read from nowhere:
who changes the console's own table has to change this one too, and say why in docs/SECURITY.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from console.authority import POSTS, RIGHTS, ROLES, Operator, Permission, Role, unfit
from console.desks import DESKS, desk
from console.errors import Refused
from console.ledger.log import decode
from console.params import read_params
from console.selection import Selection
from models import tables as t
from tests.every_case import ROWS, EveryCase, Place, every_case
from tests.line_mode import LineMode, write_settings
from tests.portals import Portal, open_portal
from tests.rehearsing import Rehearsal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.services.postgres import Cluster

LETTERS = {
    "D": Role.DISTRICT_ADMINISTRATOR,
    "S": Role.SCHOOL_ADMINISTRATOR,
    "H": Role.HELP_DESK,
    "P": Role.PRIVACY_OFFICER,
    "T": Role.TECHNOLOGY_DIRECTOR,
    "A": Role.AUDITOR,
    "C": Role.AFTER_SCHOOL_COORDINATOR,
    "I": Role.INTAKE,
}

SEE = {
    "registrations": "D S H P",
    "challenges": "D S H P",
    "students": "D S H P T C",
    "grants": "D S P C",
    "schools": "D S P T C",
    "activations": "D S T",
    "requests": "D S H P T A C",
    "operators": "D T A",
    "audit": "D S P T A",
}
"""Who sees which desk."""

MAY: list[tuple[str, str, str]] = [
    ("registrations approve", "D S H", "submitted needs_info deferred back limited"),
    ("registrations limited", "D S H", "submitted needs_info deferred back approved"),
    ("registrations reject", "D S H", "submitted needs_info deferred back"),
    ("registrations ask", "D S H", "submitted deferred back"),
    ("registrations defer", "D S H", "submitted needs_info back"),
    ("registrations unapprove", "D S H", "approved limited"),
    ("challenges claim", "D S H", "open waiting back suspended-appealed ignored-appealed"),
    ("challenges ask", "D S H", "open waiting back suspended-appealed ignored-appealed"),
    ("challenges ignore", "D S H", "open waiting back suspended-appealed ignored-appealed"),
    ("challenges reassign", "D S H", "open waiting back suspended-appealed ignored-appealed"),
    ("challenges appeal", "D S H", "suspended ignored"),
    ("challenges suspend", "D S H", "open waiting back ignored-appealed"),
    ("challenges reinstate", "D S H", "suspended suspended-appealed"),
    ("challenges delete", "D S", "open waiting back suspended-appealed ignored-appealed"),
    ("students mask", "D S P", "open blocked verified opted grown withdrawn"),
    ("students mask", "D P", "sealed"),
    ("students unmask", "D S P", "masked"),
    ("students unmask", "D P", "sealed"),
    ("students block", "D S P", "open masked sealed verified opted grown withdrawn"),
    ("students unblock", "D S P", "blocked"),
    ("students verify", "D S P", "open masked sealed blocked opted grown withdrawn"),
    ("students unverify", "D S P", "verified"),
    ("students opt-out", "D S P", "open masked sealed blocked verified grown withdrawn"),
    ("students opt-in", "D S P", "opted"),
    ("students rebase", "D S P", "grown"),
    ("students review", "D S P", "masked sealed blocked verified opted"),
    ("students reveal", "D P", "open masked sealed blocked verified opted grown withdrawn"),
    ("grants approve", "D S C", "requested"),
    ("grants reject", "D S C", "requested of-no-school"),
    ("grants permission", "D S C", "requested of-no-school alive lacking"),
    ("grants extend", "D S C", "alive lacking ended"),
    ("grants revoke", "D S C", "alive lacking"),
    ("schools rights", "D S T", "plain tutoring withdrawn"),
    ("schools hold", "D S T", "plain tutoring withdrawn"),
    ("schools in-person", "D S T", "plain tutoring withdrawn"),
    ("schools consent", "D S T", "plain tutoring withdrawn"),
    ("schools majority", "D S T", "plain tutoring withdrawn"),
    ("schools asp", "D S T", "plain withdrawn"),
    ("schools advanced", "D S T", "tutoring"),
    ("activations activate", "D S T", "of-the-roster"),
    ("activations link", "D S T", "with-a-login"),
    ("activations dismiss", "D S T", "of-the-roster with-a-login of-several disabled"),
    ("activations restore", "D S T", "dismissed"),
    ("requests confirm", "D S", "waiting"),
    ("requests refuse", "D S", "waiting"),
    ("requests withdraw", "", ""),
    ("operators enable", "D", "proposed disabled"),
    ("operators disable", "D", "proposed active of-the-directory program sealed"),
    ("operators role", "D", "proposed active disabled"),
    ("operators reset", "D", "active disabled of-the-directory sealed"),
    ("operators signout", "D", "active of-the-directory sealed"),
    ("operators key", "D", "proposed active disabled of-the-directory program sealed"),
]
"""What is decided, by whom, about which kinds of case. What stands on two lines is allowed by either.

The requests are deletions of approved parents that somebody else asked for: who may delete may confirm, only who asked withdraws.
"""
ASKED = {"requests": "D S H P T A C"}
"""Who is not refused by right but by what the request is about: everybody who sees the desk."""
BEHIND = {"requests": "challenges"}
"""The desk whose cases a case is about: it exists for who sees those."""

TYPED: dict[str, dict[str, Any]] = {
    "registrations ask": {"message": "Which number?"},
    "registrations defer": {"until": "+14d"},
    "challenges ask": {"recipients": "both", "message": "Who is it?"},
    "challenges reassign": {"to": "witness"},
    "challenges suspend": {"basis": "fraud"},
    "challenges delete": {"basis": "fraud"},
    "students mask": {"level": "initial", "review": "+30d"},
    "students block": {"review": "+30d"},
    "students verify": {"review": "+30d"},
    "students opt-out": {"categories": "address", "review": "+30d"},
    "students opt-in": {"categories": "address"},
    "students rebase": {"ground": "student_consent"},
    "students review": {"review": "+30d"},
    "grants approve": {"until": "+30d"},
    "grants extend": {"until": "+90d"},
    "grants permission": {"reference": "folder 3", "digest": "0f" * 32, "witness": "witness"},
    "activations activate": {"type": "student"},
    "requests refuse": {"message": "Not without the order."},
    "operators role": {"role": "auditor", "schools": "ours tutoring"},
    "operators key": {"public_key": "SHA256:" + "A" * 43},
    "schools rights": {"rights": "approve_for_any"},
    "schools hold": {"policy": "full"},
    "schools in-person": {"on": True},
    "schools asp": {"on": True},
    "schools advanced": {"on": True},
    "schools consent": {"policy": "all"},
    "schools majority": {"on": True},
}
"""What is typed for each decision; a reason always is."""

OUTSIDE: list[tuple[str, str]] = [
    ("access who --student 1", "D S H P T C"),
    ("batches", "D S H P T A C I"),
    ("batches --all", "D S P T A"),
    ("audit verify", "D S P T A"),
    ("audit checkpoint", "D S P T A"),
    ("audit export --out {out}", "D P A"),
    ("notices list", "D S H P T C I"),
    ("operators list", "D T A"),
    ("operators add Lee --role auditor", "D"),
    ("work --once", "D T I"),
]
"""Commands that are no desk's decision, and who may give them."""

DECIDED = sorted(
    f"{name} {each.name}" for name in DESKS for kind in (desk(name).decisions, desk(name).disclosures) for each in kind
)


@dataclass
class Matrix:
    """Everything there is to try, and everybody who tries."""

    every: EveryCase
    office: Rehearsal
    operators: tuple[Operator, ...]
    """Each role for all schools and for ours, and two programs: the one there is, and one whose row claims more."""
    calls: int = 0

    def key(self) -> str:
        self.calls += 1
        return f"matrix {self.calls}"

    def params(self, what: str, case: int) -> Any:
        name, _, word = what.partition(" ")
        typed = {"reason": "so that it can be tried"} | TYPED.get(what, {})
        if what == "students rebase":
            typed["account"] = self.every.accounts[case]
        if what == "activations link":
            typed["account"] = self.every.logins[case]
        return read_params(made(name, word).Params, typed, self.office.sight(self.operators[0]).calendar)


def made(name: str, word: str) -> Any:
    """The decision or disclosure of that name."""
    for kind in (desk(name).decisions, desk(name).disclosures):
        for each in kind:
            if each.name == word:
                return each
    raise KeyError(word)


def hired(portal: Portal, ours: tuple[int, ...]) -> tuple[Operator, ...]:
    portal.hire("witness", "district_administrator")
    people = []
    for letter, role in LETTERS.items():
        if role is not Role.INTAKE:
            people += [portal.hire(f"{letter} of all", str(role)), portal.hire(f"{letter} of ours", str(role), ours)]
    robot = portal.hire("robot", "district_administrator")
    portal.change(t.operator, robot.id, unattended=True)
    return (*people, portal.operator("intake"), portal.operator("robot"))


def new_matrix(url: str, folder: Path) -> Matrix:
    portal = open_portal(url, folder)
    every = every_case(portal)
    people = hired(portal, every.ours)
    office = Rehearsal(portal.office)
    return Matrix(replace(every, portal=Portal(office, portal.settings, portal.clock)), office, people)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    folder = tmp_path_factory.mktemp("matrix")
    found = new_matrix(f"sqlite:///{folder / 'portal.db'}", folder)
    yield found
    found.office.close()
    found.office.engine.dispose()


def has(operator: Operator, letters: str) -> bool:
    """Whether the operator's role is among the letters; a program has what the role intake has."""
    role = Role.INTAKE if operator.unattended else operator.role
    return role in {LETTERS[letter] for letter in letters.split()}


def exists(operator: Operator, name: str, place: Place) -> bool:
    """Whether a case of that desk and place exists for the operator."""
    return (operator.schools is None or place is Place.OURS) and (
        name not in BEHIND or has(operator, SEE[BEHIND[name]])
    )


def asks(operator: Operator, what: str) -> bool:
    """Whether the operator is heard at all: the role has the right that the decision names."""
    name = what.partition(" ")[0]
    if name in ASKED:
        return has(operator, ASKED[name])
    return any(has(operator, letters) for letters, _ in rows_for(what))


def rows_for(what: str) -> list[tuple[str, frozenset[str]]]:
    return [(letters, frozenset(kinds.split())) for named, letters, kinds in MAY if named == what]


def tried(matrix: Matrix, what: str, operator: Operator, place: Place, kind: str, case: int) -> None:
    """Plan and take one decision, and hold what comes against the table."""
    name, _, word = what.partition(" ")
    one, decision = desk(name), made(name, word)
    allowed = is_allowed(operator, what, place, kind)
    params, selection = matrix.params(what, case), Selection(ids=(case,))
    tag = (what, operator.name, str(place), kind)
    office = matrix.office
    if not asks(operator, what):
        role = str(operator.role).replace("_", " ")
        sentence = f"The role {role} does not have the right {decision.permission}; nothing was done. Ask a district administrator."
        for attempt in (
            lambda: office.plan(operator, one, decision, selection, params),
            lambda: office.decide(operator, one, decision, selection, params, matrix.key()),
        ):
            with pytest.raises(Refused) as refused:
                attempt()
            assert str(refused.value) == sentence, tag
        return
    sampled = allowed and operator.schools is not None  # That a plan says what is done, other tests hold.
    planned = office.plan(operator, one, decision, selection, params) if sampled else None
    receipt = office.decide(operator, one, decision, selection, params, matrix.key())
    assert receipt.done == int(allowed), (tag, receipt.skipped)
    if planned is not None:
        assert (planned.count, planned.skipped) == (receipt.done, receipt.skipped), tag
    if allowed:
        assert (operator.id, f"{name}.{word}", case) in last_records(office), tag
        return
    (skip,) = receipt.skipped
    assert receipt.batch is None, tag
    unknown = f"there is no such {one.singular}"
    assert (skip.why == unknown) is not exists(operator, name, place), (tag, skip.why)


def shown(matrix: Matrix, what: str, operator: Operator, place: Place, kind: str, case: int) -> None:
    """Ask for one disclosure, and hold what comes against the table."""
    name, _, word = what.partition(" ")
    one, disclosure = desk(name), made(name, word)
    params, key = matrix.params(what, case), matrix.key()
    allowed = is_allowed(operator, what, place, kind)
    tag = (what, operator.name, str(place), kind)
    if allowed:
        given = matrix.office.disclose(operator, one, disclosure, case, params, key)
        assert given.text, tag
        assert (operator.id, f"{name}.{word}", case) in last_records(matrix.office), tag
        return
    with pytest.raises(Refused) as refused:
        matrix.office.disclose(operator, one, disclosure, case, params, key)
    wanted = (
        f"There is no such {one.singular}: {case}; nothing was shown."
        if asks(operator, what)
        else f"does not have the right {disclosure.permission}"
    )
    assert wanted in str(refused.value), tag


def last_records(office: Rehearsal) -> list[tuple[int, str, int]]:
    """Who did what to which case, by the last two records: a confirmation leaves one, and what it confirms another."""
    rows = office.connection.execute(
        t.record.select().where(t.record.c.log == "ledger").order_by(t.record.c.index.desc()).limit(2)
    )
    found = [decode(row.body) for row in rows]
    return [(each.operator, each.action, each.case) for each in found]


def is_allowed(operator: Operator, what: str, place: Place, kind: str) -> bool:
    return exists(operator, what.partition(" ")[0], place) and any(
        has(operator, letters) and kind.replace(" ", "-") in kinds for letters, kinds in rows_for(what)
    )


def walk(matrix: Matrix, what: str, operators: tuple[Operator, ...]) -> int:
    """Every operator, place and kind for one decision; returns how many were allowed."""
    name = what.partition(" ")[0]
    attempt = shown if what.partition(" ")[2] in {each.name for each in desk(name).disclosures} else tried
    allowed = 0
    for (at, place), cases in matrix.every.cases.items():
        if at != name:
            continue
        for kind, case in cases.items():
            for operator in operators:
                before = matrix.office.written() if matrix.office.engine.dialect.name == "sqlite" else 0
                with matrix.office.forgetting():
                    attempt(matrix, what, operator, place, kind, case)
                if is_allowed(operator, what, place, kind):
                    allowed += 1
                elif matrix.office.engine.dialect.name == "sqlite":
                    assert matrix.office.written() == before, (what, operator.name, place, kind)
    return allowed


def test_every_desk_has_its_rows_and_every_decision_its_line() -> None:
    assert set(DESKS) - set(ROWS) - {"schools", "audit"} == set(), "tests/every_case.py has no rows for a desk"
    assert {what for what, _, _ in MAY if what.partition(" ")[0] in DESKS} == set(DECIDED)
    assert set(SEE) >= set(DESKS)


@pytest.mark.parametrize("what", DECIDED)
def test_a_decision_is_allowed_where_the_table_says_so_and_nowhere_else(matrix: Matrix, what: str) -> None:
    kinds = {kind for (name, _), cases in matrix.every.cases.items() if what.startswith(f"{name} ") for kind in cases}
    named = set().union(*(words for _, words in rows_for(what)))
    assert named <= {kind.replace(" ", "-") for kind in kinds}, "a kind that no fixture makes"
    before = matrix.office.size()
    assert (walk(matrix, what, matrix.operators) > 0) is any(named)
    assert matrix.office.size() == before


@pytest.mark.parametrize("name", DESKS)
def test_a_desk_is_seen_where_the_table_says_so(matrix: Matrix, name: str) -> None:
    one = desk(name)
    for operator in matrix.operators:
        with matrix.office.forgetting():
            if not has(operator, SEE[name]):
                for ask in (
                    lambda o=operator: matrix.office.queue(o, one),
                    lambda o=operator: matrix.office.case(o, one, 1),
                ):
                    with pytest.raises(Refused, match=f"does not have the right {one.see}; nothing was done"):
                        ask()
                continue
            listed = {row.id for row in matrix.office.queue(operator, one).first(1000)}
            for (at, place), cases in matrix.every.cases.items():
                if at != name:
                    continue
                assert (set(cases.values()) <= listed) is exists(operator, name, place), (operator.name, place)
                for case in cases.values():
                    if exists(operator, name, place):
                        assert matrix.office.case(operator, one, case).id == case
                        continue
                    assert case not in listed
                    with pytest.raises(Refused, match=f"There is no such {one.singular}: {case}"):
                        matrix.office.case(operator, one, case)


def test_a_disabled_key_says_why_it_is(matrix: Matrix) -> None:
    """What a case's screen says of each decision is what the decision would say."""
    for (name, place), cases in matrix.every.cases.items():
        for operator in (each for each in matrix.operators if each.schools is not None):
            if not (has(operator, SEE[name]) and exists(operator, name, place)):
                continue
            for kind, case in cases.items():
                said = matrix.office.case(operator, desk(name), case).decisions
                for decision in desk(name).decisions:
                    what = f"{name} {decision.name}"
                    without = said[decision.name] == "your role does not have this right"
                    assert without is not asks(operator, what), (what, operator)
                    if is_allowed(operator, what, place, kind):
                        assert said[decision.name] is None, (what, operator.name, kind)


@pytest.mark.parametrize("what", [each for each in DECIDED if each != "students reveal"])
def test_an_undo_needs_the_right_and_the_scope_of_what_it_undoes(matrix: Matrix, what: str) -> None:
    name, _, word = what.partition(" ")
    one, decision = desk(name), made(name, word)
    administrator = matrix.operators[0]
    for place in Place:
        kinds = matrix.every.cases.get((name, place), {})
        kind = next((each for each in kinds if is_allowed(administrator, what, place, each)), None)
        if kind is None:
            continue
        with matrix.office.forgetting():
            case = kinds[kind]
            selection = Selection(ids=(case,))
            batch = matrix.office.decide(
                administrator, one, decision, selection, matrix.params(what, case), matrix.key()
            ).batch
            assert batch
            # What a confirmation lets happen is a batch of its own, and that is what is taken back.
            row = matrix.office.connection.execute(t.batch.select().where(t.batch.c.id == batch)).one()
            done, undoable = f"{row.desk} {row.decision}", made(row.desk, row.decision).undoable
            for operator in matrix.operators:
                tag = (what, operator.name, str(place))
                with matrix.office.forgetting():
                    if undoable and asks(operator, done) and exists(operator, row.desk, place):
                        assert matrix.office.undo(operator, batch, matrix.key()).done == 1, tag
                        continue
                    size = matrix.office.size()
                    with pytest.raises(Refused) as refused:
                        matrix.office.undo(operator, batch, matrix.key())
                    unknown = f"There is no batch {batch} that can be undone; nothing was done." in str(refused.value)
                    if undoable:
                        assert unknown is not exists(operator, row.desk, place), (tag, str(refused.value))
                    assert matrix.office.size() == size, tag


def test_on_postgresql_it_is_the_same(postgres: Cluster, tmp_path: Path) -> None:
    """A sample, for the rules are the same SQL: one decision of each desk, four operators, all cases."""
    found = new_matrix(postgres.fresh_database(), tmp_path)
    some = {name: next(what for what in DECIDED if what.startswith(f"{name} ")) for name in ROWS if name in DESKS}
    some.pop("requests", None)
    scoped = tuple(each for each in found.operators if each.name in ("D of ours", "H of ours", "C of ours", "robot"))
    for what in (*some.values(), "students reveal"):
        size = found.office.size()
        assert walk(found, what, scoped) > 0
        assert found.office.size() == size
    found.office.close()
    found.office.engine.dispose()


def test_commands_outside_the_desks_ask_for_the_same_rights(tmp_path: Path) -> None:
    portal = open_portal(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path)
    school = portal.school(asp=True)
    case = portal.registration(portal.student(school=school))
    portal.decide("registrations", "approve", case)
    people = [each for each in hired(portal, (school,)) if each.schools is None]
    line = LineMode(portal, write_settings(portal, tmp_path))
    for n, operator in enumerate(people):
        for words, letters in OUTSIDE:
            answer = line.run(
                *words.format(out=tmp_path / f"{n}.zip").replace("Lee", f"Lee{n}").split(), by=operator.name
            )
            wanted = 0 if has(operator, letters) else 1
            assert answer.code == wanted, (words, operator.name, answer)
            if wanted:
                assert "does not have the right" in answer.sentence, (words, operator.name)
        for letters, words in (
            ("D S H", "registrations unapprove --ids 1 --reason x"),
            ("D P", "students reveal --ids 1 --reason x"),
        ):
            before = portal.office.size()
            answer = line.run(*words.split(), by=operator.name)
            assert answer.code == (0 if has(operator, letters) else 1), (words, operator.name, answer)
            assert (portal.office.size() > before) is (answer.code == 0)
            if words.startswith("registrations") and answer.code == 0:
                portal.decide("registrations", "approve", case)
    portal.office.engine.dispose()


def test_the_table_of_rights_is_whole() -> None:
    assert [right.permission for right in RIGHTS] == list(Permission)
    assert [post.role for post in POSTS] == list(Role) == list(LETTERS.values())
    assert [post.letter for post in POSTS] == list(LETTERS)
    for right in RIGHTS:
        columns = right.letters.split()
        assert len(columns) == len(POSTS)
        assert all(mark in (".", post.letter) for mark, post in zip(columns, POSTS, strict=True)), right
    for held in ROLES.values():
        deciding = {each.partition(".")[0] for each in held if "." in each}
        assert {f"{name}.see" for name in deciding} <= {str(each) for each in held}, "who decides sees what it is about"


def test_the_help_desk_reveals_deletes_exports_and_lists_administrators_never() -> None:
    never = {
        Permission.STUDENTS_REVEAL,
        Permission.CHALLENGES_DELETE,
        Permission.AUDIT_EXPORT,
        Permission.OPERATORS_SEE,
        Permission.OPERATORS_DECIDE,
    }
    assert not ROLES[Role.HELP_DESK] & never
    assert ROLES[Role.INTAKE] == {Permission.INTAKE, Permission.WORK}
    assert not [each for each in ROLES[Role.AUDITOR] if each.partition(".")[2] not in ("see", "export")]


def test_a_program_has_the_narrow_role_and_nobody_else(portal: Portal, tmp_path: Path) -> None:
    line = LineMode(portal, write_settings(portal, tmp_path))
    for role in Role:
        for words, unattended in ((["--unattended"], True), ([], False)):
            answer = line.run("operators", "add", f"{role} {unattended}", "--role", role, *words, by="administrator")
            assert (answer.code == 0) is (unattended is (role is Role.INTAKE)), (role, unattended, answer)
            assert bool(unfit(role, unattended=unattended)) is bool(answer.code)
