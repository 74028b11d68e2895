"""Nothing but the office changes the portal's data: every place in the console's code that can write is named here, with its reason.

A walk over the syntax trees: insert, update, delete on a table, bulk inserts and raw statements. A new place fails this test until
somebody says here why it may write – and that its road leaves a record.
"""

from __future__ import annotations

import ast
from pathlib import Path

HOUSE = Path(__file__).parent.parent
WRITERS = {
    "console/deciding/chosen.py": "changes the chosen rows of a decision, inside deciding's transaction",
    "console/deciding/__init__.py": "a decision: changes, notices, the batch with its receipt",
    "console/deciding/requesting.py": "a request for a second person with its rows, and the message to who could confirm, on record",
    "console/deciding/confirming.py": "which batch a confirmation made, inside its transaction, and the answer to who asked",
    "console/deciding/undoing.py": "an undo: withdraws what the undone batch had said",
    "console/threads.py": "thread entries and deadlines of a decision",
    "console/sealing.py": "a name moves under its seal and back, as a step of the decision that masks",
    "console/desks/grant_decisions.py": "a written permission's reference, a step of its decision that no record may say",
    "console/desks/operator_decisions.py": "schools, keys, sessions and what a reset takes, steps of decisions about operators",
    "console/ledger/log.py": "the records themselves",
    "console/evidence.py": "match and flags, computed from what is there; decides nothing",
    "console/founding.py": "the first rows of a portal, before anybody can decide",
    "console/reports/leave.py": "a leave to export is used up by it, and the other administrators are told, with its record",
    "console/operators.py": "hires an operator, with a record in the same transaction",
    "console/purging.py": "empties accounts long deleted, with a record each",
    "console/desks/activation_accounts.py": "makes, names and gives free the logins of an activation, steps of its decision",
    "console/directory/following.py": "names and addresses of activated logins, letters of conflicts, inside a sync with its record",
    "console/directory/matching.py": "whom of the roster an entry means, inside a sync or a roster's import",
    "console/directory/staging.py": "a temporary table of a sync",
    "console/directory/syncing.py": "what the directory says, inside a sync with its record",
    "console/intake/form_load.py": "puts the rows of a file into the intake tables, inside an import's transaction",
    "console/intake/roster_run.py": "an import's own row and record",
    "console/intake/letting_go.py": "what a withdrawal by the roster leaves, inside an import",
    "console/intake/moved_numbers.py": "finds waiting registrations' students again, inside an import",
    "console/intake/roster_load.py": "what the roster says, inside an import",
    "console/intake/roster_history.py": "what rows were before an import, inside it",
    "console/intake/roster_carrying.py": "who belongs to whom, inside an import",
    "console/intake/roster_pairs.py": "a temporary table of an import",
    "console/intake/roster_reading.py": "temporary tables of an import",
    "console/intake/roster_touched.py": "a temporary table of an import",
    "console/intake/taking.py": "marks intake rows as taken or refused, with the record of the taking",
    "console/intake/taking_accounts.py": "adopted accounts and ties, inside a taking",
    "console/intake/taking_cases.py": "challenges, grants and answers become cases, inside a taking",
    "console/intake/taking_registrations.py": "registrations become cases, inside a taking",
    "console/notices/alerting.py": "alerts into the outbox",
    "console/notices/outbox.py": "what becomes of a notice",
    "console/notices/telling_operators.py": "tells administrators of a new operator, in the transaction that adds them",
    "console/notices/reminding.py": "reminders into the outbox",
    "console/signin/delays.py": "failed attempts under a typed name; nothing of the portal's people",
    "console/signin/enrolling.py": "a password that its owner sets, with a record in the same transaction",
    "console/signin/factor.py": "second factors as their operator enrols and uses them; a reset is a decision",
    "console/signin/invitations.py": "one-time words, inside the decision or command that gives them out",
    "console/signin/announcing.py": "tells of a break-glass sign-in, in its transaction and with a record",
    "console/signin/entering.py": "ties the SSH key that somebody came with to them, said in the record of the sign-in",
    "console/signin/following.py": "a directory operator's name, role and schools follow the directory, with a record",
    "console/signin/leaving.py": "a sign-out everywhere ends the operator's own sessions, with a record",
    "console/signin/programs.py": "a program's key, when the portal is founded or an operator adds one",
    "console/signin/rechecking.py": "ends the sessions of whom the directory no longer knows, with a record",
    "console/signin/sessions.py": "sessions, and codes given for an action; nothing of the portal's people",
    "fixtures/demo.py": "the schools of a demonstration's operators, before it opens",
    "fixtures/live.py": "the simulated portal, which inserts into intake tables as a portal does",
}
"""Each with what makes it right that it writes."""


def tables_written(tree: ast.AST) -> set[int]:
    """Lines that call insert(), update() or delete() on something, or insert_rows() and insert_stored()."""
    lines = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        bare = isinstance(node.func, ast.Attribute) and not node.args and name in {"insert", "update", "delete"}
        if bare or name in {"insert_rows", "insert_stored"}:
            lines.add(node.lineno)
        if name in {"text", "exec_driver_sql"} and node.args and isinstance(node.args[0], ast.Constant | ast.JoinedStr):
            said = ast.unparse(node.args[0]).upper()
            if any(word in said for word in ("INSERT INTO", "UPDATE ", "DELETE FROM")):
                lines.add(node.lineno)
    return lines


def writers() -> dict[str, set[int]]:
    found = {}
    for folder in ("console", "screens", "fixtures"):
        for file in sorted((HOUSE / folder).rglob("*.py")):
            if lines := tables_written(ast.parse(file.read_text(encoding="utf-8"))):
                found[str(file.relative_to(HOUSE))] = lines
    return found


def test_every_place_that_writes_is_known_and_has_its_reason() -> None:
    found = writers()
    unknown = {file: sorted(lines) for file, lines in found.items() if file not in WRITERS}
    assert not unknown, f"these write and are not named: {unknown}"


def test_no_reason_is_given_for_a_place_that_does_not_write() -> None:
    assert set(WRITERS) - set(writers()) == set()


def test_the_walk_finds_a_write() -> None:
    assert tables_written(ast.parse("connection.execute(t.account.update().where(x).values(a=1))")) == {1}
    assert tables_written(ast.parse("connection.exec_driver_sql('DELETE FROM account')")) == {1}
    assert not tables_written(ast.parse("values.update({'a': 1}); seen.insert(0, row)"))
