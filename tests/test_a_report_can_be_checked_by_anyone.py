"""An exported report proves itself: with our command, with nothing but Python and openssl, and against every change of a byte.

It is recorded and signed before it exists, it is never half there, and it carries away no more than the day's budget.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
import stat
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from console.desks import desk
from console.errors import Refused, Unavailable, Unverified, Usage
from console.ledger.bundle import verify_bundle
from console.ledger.cover import cover, root_from_cover
from console.ledger.log import decode
from console.ledger.merkle import EMPTY_ROOT, Frontier, ProofError, leaf_hash, node_hash
from console.ledger.note import SigningKey
from console.ledger.packed import Packer
from console.ledger.verifying import verify
from console.reports.exporting import Exported, Wanted, export
from console.reports.guide import CHECK, GUIDE
from models import tables as t
from models.words import Log
from tests.changed_bundles import packed as packed_files
from tests.line_mode import LineMode, write_settings
from tests.portals import open_portal

if TYPE_CHECKING:
    from tests.portals import Portal

HOSTILE = '=cmd|" /c calc"!A1,<script>alert(1)</script>\u202e\x1b]52;c;aGk=\x07\nsecond line'


@pytest.fixture
def past(portal: Portal) -> Portal:
    """Five decisions over eight cases, one of them undone."""
    school = portal.school()
    cases = [portal.registration(portal.student(school=school)) for _ in range(8)]
    for case in cases[:3]:
        portal.decide("registrations", "approve", case, reason=HOSTILE)
    bulk = portal.decide("registrations", "approve", *cases[3:], reason="roster match")
    portal.undo(bulk.batch)
    return portal


_calls = iter(range(10**9))


def make(portal: Portal, out: Path, form: str = "csv", by: str = "administrator", **wanted: Any) -> Exported:
    return export(portal.office, portal.operator(by), Wanted(format=form, out=out, **wanted), f"export-{next(_calls)}")


def vkey(portal: Portal) -> str:
    return portal.office.signer.key(Log.LEDGER).vkey


def inside(file: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(file) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def last_record(portal: Portal) -> Any:
    return decode(portal.all(sa.select(t.record.c.body).order_by(t.record.c.index.desc()).limit(1))[0].body)


@pytest.mark.parametrize("form", ["csv", "jsonl", "xlsx", "html"])
def test_a_report_verifies_with_the_public_key_alone(past: Portal, tmp_path: Path, form: str) -> None:
    out = tmp_path / "report.zip"
    made = make(past, out, form, names=True, reasons=True)
    verdict = verify_bundle(out, vkey(past))
    assert verdict.sentences == ()
    assert verdict.records == made.count + 1 == 14
    assert verdict.checked[0].size == made.checkpoint.size == 14
    assert verify(past.office).holds


def test_checking_loads_neither_database_nor_settings(past: Portal, tmp_path: Path) -> None:
    """In a folder without settings."""
    out = tmp_path / "report.zip"
    make(past, out)
    program = (
        "import sys\n"
        "from console.cli.main import main\n"
        "code = main(['audit', 'verify', *sys.argv[1:]])\n"
        "found = {'sqlalchemy.engine', 'models.trail', 'console.settings', 'textual'} & set(sys.modules)\n"
        "assert not found, found\n"
        "sys.exit(code)"
    )
    empty = tmp_path / "empty"
    empty.mkdir()
    place = {"PYTHONPATH": str(Path.cwd()), "PATH": os.environ["PATH"], "HOME": str(empty)}
    for key, code, said in (
        (vkey(past), 0, "verified: ledger, 14 records"),
        (SigningKey("test.example/ledger", b"k" * 32).vkey, 4, "A note has no signature of a known key"),
    ):
        ran = subprocess.run(
            [sys.executable, "-c", program, str(out), "--key", key],
            cwd=empty,
            env=place,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stdout[: len(said)]) == (code, said), ran.stderr


def by_hand(folder: Path, key: str) -> subprocess.CompletedProcess[str]:
    (folder.parent / "check.py").write_text(CHECK)
    return subprocess.run(
        [sys.executable, "-I", "-S", "check.py", folder.name, key],
        cwd=folder.parent,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("where", ["", "action:undo", "no:4,7,2"])
def test_the_guides_own_forty_lines_check_it_too(past: Portal, tmp_path: Path, where: str) -> None:
    assert CHECK in GUIDE
    assert len(CHECK.splitlines()) <= 45
    out = tmp_path / "report.zip"
    make(past, out, where=where)
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(out) as packed:
        packed.extractall(folder)
    good = by_hand(folder, vkey(past))
    assert good.returncode == 0, good.stderr
    assert "Verified Successfully" in good.stdout
    assert by_hand(folder, SigningKey("test.example/ledger", b"k" * 32).vkey).returncode != 0
    for name in ("report.csv", "records.jsonl", "manifest.json", "disclosure.json", "checkpoint.txt"):
        data = (folder / name).read_bytes()
        at = len(data) // 3
        (folder / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        assert by_hand(folder, vkey(past)).returncode != 0, name
        (folder / name).write_bytes(data)


def test_the_export_is_on_the_ledger_with_whom_it_was_for_encrypted(past: Portal, tmp_path: Path) -> None:
    make(
        past,
        tmp_path / "r.zip",
        party="County auditor Pat Vale",
        interest="yearly audit",
        purpose="compliance",
        where="no:<3",
    )
    record = last_record(past)
    assert (record.kind, record.action, record.desk, record.operator) == ("disclosure", "audit.export", "audit", 1)
    assert {name: record.params[name] for name in ("count", "first", "last", "size", "format")} == {
        "count": 3,
        "first": 0,
        "last": 2,
        "size": 13,
        "format": "csv",
    }
    view = past.office.case(past.operator(), desk("audit"), record.index)
    said = {fact.label: fact.text for part in view.parts if part.title == "Why" for fact in part.facts}
    assert said == {
        "Filter": "no:<3",
        "Party": "County auditor Pat Vale",
        "Interest": "yearly audit",
        "Purpose": "compliance",
    }
    assert all("Vale" not in row.body for row in past.all(sa.select(t.record.c.body)))


def test_the_report_says_what_the_records_say(past: Portal, tmp_path: Path) -> None:
    make(past, tmp_path / "r.zip", "csv", names=True, reasons=True)
    rows = list(csv.DictReader(io.StringIO(inside(tmp_path / "r.zip")["report.csv"].decode())))
    assert [int(row["no"]) for row in rows] == list(range(13))
    first = rows[0]
    assert (first["action"], first["from"], first["to"]) == ("registrations.approve", "submitted", "approved")
    assert (first["operator"], first["case"], first["about"]) == ("administrator", "1", "Pat Vale / Kim Vale")
    assert first["reason"].startswith("'=cmd")
    assert "second line" in first["reason"]
    assert "\x1b" not in first["reason"]
    assert "\u202e" not in first["reason"]
    assert rows[12]["action"] == "registrations.undo"


def test_names_and_reasons_are_there_only_when_asked_for(past: Portal, tmp_path: Path) -> None:
    for form in ("csv", "jsonl", "html", "xlsx"):
        make(past, tmp_path / f"{form}.zip", form)
        members = inside(tmp_path / f"{form}.zip")
        for name, data in members.items():
            if name == "report.xlsx":
                with zipfile.ZipFile(io.BytesIO(data)) as book:
                    data = b"".join(book.read(each) for each in book.namelist())  # noqa: PLW2901
            assert b"Vale" not in data, name
            assert b"roster match" not in data, name


def test_a_masked_student_is_masked_in_a_report(past: Portal, tmp_path: Path) -> None:
    past.change(t.student, 1, mask="pseudonym", pseudonym="Heron-4821", given_name="", family_name="")
    make(past, tmp_path / "r.zip", "jsonl", names=True)
    row = json.loads(inside(tmp_path / "r.zip")["report.jsonl"].splitlines()[0])
    assert row["about"] == "Pat Vale / Heron-4821"


def test_text_is_never_a_formula_in_a_sheet(past: Portal, tmp_path: Path) -> None:
    make(past, tmp_path / "r.zip", "xlsx", reasons=True)
    with zipfile.ZipFile(io.BytesIO(inside(tmp_path / "r.zip")["report.xlsx"])) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "=cmd|" in sheet
    assert "hyperlink" not in sheet


def test_a_page_runs_nothing_and_loads_nothing(past: Portal, tmp_path: Path) -> None:
    make(past, tmp_path / "r.zip", "html", reasons=True, where="no:<99", party="<b>Bo</b>")
    page = inside(tmp_path / "r.zip")["report.html"].decode()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;Bo" in page
    assert re.findall(r"(?:src|href|url)\s*[=(]", page) == []
    assert page.count("<tr>") == 14


def test_the_same_records_make_the_same_file(database_url: str, tmp_path: Path) -> None:
    """Dates and order in the zip are fixed; only ids drawn at random differ, and here they are drawn the same."""
    made = []
    for n in range(2):
        folder = tmp_path / str(n)
        folder.mkdir()
        portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
        portal.decide("registrations", "approve", portal.registration(portal.student(school=portal.school())))
        make(portal, folder / "r.zip", "xlsx")
        made.append(inside(folder / "r.zip")["report.xlsx"])
        portal.office.engine.dispose()
    assert made[0] == made[1]


# What is refused.


def test_an_existing_file_is_not_touched_unless_told(past: Portal, tmp_path: Path) -> None:
    out = tmp_path / "r.zip"
    out.write_text("mine")
    size = past.office.size()
    with pytest.raises(Refused, match="exists already"):
        make(past, out)
    assert (out.read_text(), past.office.size()) == ("mine", size)
    make(past, out, force=True)
    assert verify_bundle(out, vkey(past)).holds
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_places_that_cannot_be_written_are_one_sentence_and_no_record(past: Portal, tmp_path: Path) -> None:
    size = past.office.size()
    with pytest.raises(Refused, match="is a folder"):
        make(past, tmp_path)
    with pytest.raises(Unavailable, match="could not be written"):
        make(past, tmp_path / "no" / "such" / "r.zip")
    with pytest.raises(Unavailable, match="could not be written"):
        make(past, tmp_path / ("x" * 300))
    assert past.office.size() == size


def test_a_full_disk_leaves_nothing_behind_and_nothing_recorded(
    past: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = past.office.size()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Packer, "add", full)
    with pytest.raises(Unavailable, match="No space left"):
        make(past, tmp_path / "r.zip")
    assert past.office.size() == size
    assert [each.name for each in tmp_path.iterdir() if "r.zip" in each.name] == []


def test_nothing_leaves_when_it_cannot_be_signed(past: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise Unverified("The ledger does not continue what was signed.")

    monkeypatch.setattr(past.office, "seal", refuse)
    with pytest.raises(Unavailable, match="recorded but could not be signed"):
        make(past, tmp_path / "r.zip")
    assert [each.name for each in tmp_path.iterdir() if "r.zip" in each.name] == []
    assert last_record(past).action == "audit.export"


@pytest.mark.tampers
def test_nothing_leaves_that_would_not_verify(past: Portal, tmp_path: Path) -> None:
    """ATTACK: a record was changed before the export; what would come out is no proof and does not come out."""
    from tests.forging import unguard

    with past.owning() as connection:
        unguard(connection)
        body = past.all(t.record.select().where(t.record.c.index == 2))[0].body.replace('"case":3', '"case":4')
        connection.execute(t.record.update().where(t.record.c.index == 2).values(body=body))
    with pytest.raises(Unverified, match="does not verify"):
        make(past, tmp_path / "r.zip")
    assert not (tmp_path / "r.zip").exists()


def test_the_rights_to_see_and_to_export_are_both_needed(past: Portal, tmp_path: Path) -> None:
    for name, role in (("lee", "help_desk"), ("ann", "school_administrator")):
        past.hire(name, role)
        with pytest.raises(Refused, match=r"audit\."):
            make(past, tmp_path / "r.zip", by=name)
    past.hire("max", "auditor")
    make(past, tmp_path / "r.zip", by="max")


def test_nothing_to_export_is_nothing_done(past: Portal, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="No record matches"):
        make(past, tmp_path / "r.zip", where="action:reject")
    with pytest.raises(Usage, match="ledger alone"):
        make(past, tmp_path / "r.zip", where="log:accesses")
    with pytest.raises(Usage, match="no filter"):
        make(past, tmp_path / "r.zip", where="colour:red")
    assert last_record(past).action == "registrations.undo"


def test_a_days_budget_bounds_what_one_operator_carries_away(past: Portal, tmp_path: Path) -> None:
    settings = past.office.settings
    past.office.settings = replace(settings, policy=replace(settings.policy, export_row_budget=20))
    past.hire("max", "auditor")
    make(past, tmp_path / "1.zip")
    with pytest.raises(Refused, match="13 were"):
        make(past, tmp_path / "2.zip", where="no:<8")
    make(past, tmp_path / "3.zip", where="no:<7")
    with pytest.raises(Refused, match="20 were"):
        make(past, tmp_path / "4.zip", where="no:0")
    make(past, tmp_path / "5.zip", by="max", where="no:<8")
    past.clock.advance(timedelta(days=1))
    make(past, tmp_path / "6.zip", where="no:<13")


def test_two_exports_at_once_do_not_share_a_budget(past: Portal, tmp_path: Path) -> None:
    """ATTACK: both count before either is recorded. What is counted behind the lock decides."""
    settings = past.office.settings
    past.office.settings = replace(settings, policy=replace(settings.policy, export_row_budget=20))
    gate = threading.Barrier(2, timeout=30)
    carry_out = past.office.carry_out
    ended: list[str] = []

    def together(*arguments: Any) -> Any:
        gate.wait()
        return carry_out(*arguments)

    past.office.carry_out = together  # type: ignore[method-assign]

    def run(name: str) -> None:
        try:
            make(past, tmp_path / name)
            ended.append("done")
        except Refused as error:
            ended.append("refused" if "13 were" in str(error) else str(error))

    threads = [threading.Thread(target=run, args=(f"{n}.zip",)) for n in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(ended) == ["done", "refused"]
    assert len(list(tmp_path.glob("?.zip"))) == 1
    assert verify(past.office).holds


# ATTACK: the file on its way. Many more changes are drawn in tests/test_no_changed_report_is_accepted.py.


def packed(members: dict[str, bytes]) -> bytes:
    return packed_files(list(members.items()))


@pytest.mark.parametrize("name", ["manifest.json", "disclosure.json", "proofs.txt", "checkpoint.txt"])
def test_a_file_packed_otherwise_is_another_report(past: Portal, tmp_path: Path, name: str) -> None:
    """ATTACK: the same content, but deflated, so that the file's own SHA-256 is another and no digest inside tells."""
    make(past, tmp_path / "r.zip")
    file = io.BytesIO()
    packer = Packer(file)
    for each, content in inside(tmp_path / "r.zip").items():
        packer.add(each, content, method=8 if each == name or each.startswith(("report", "records", "VERIFY")) else 0)
    packer.finish()
    (tmp_path / "other.zip").write_bytes(file.getvalue())
    assert "packed anew" in verify_bundle(tmp_path / "other.zip", vkey(past)).faults[0]


def test_a_forger_with_the_bundle_but_no_key_gets_nowhere(past: Portal, tmp_path: Path) -> None:
    """ATTACK: every digest is made to fit a changed report: manifest, record of the export, root. Only the signature is missing."""
    import hashlib

    from console.ledger.note import Checkpoint

    make(past, tmp_path / "r.zip")
    members = inside(tmp_path / "r.zip")
    members["records.jsonl"] = members["records.jsonl"].replace(b'"operator":1', b'"operator":2')
    members["report.csv"] = members["report.csv"].replace(b"Z,1,", b"Z,2,")
    manifest = json.loads(members["manifest.json"])
    sizes = io.BytesIO()
    packer = Packer(sizes)
    for name in ("report.csv", "records.jsonl"):
        digests = packer.add(name, members[name], method=8)
        manifest["members"][name] = {"bytes": digests.bytes, "packed": digests.packed, "sha256": digests.sha256}
    members["manifest.json"] = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    export_ = json.loads(members["disclosure.json"])
    export_["params"]["manifest"] = hashlib.sha256(members["manifest.json"]).hexdigest()
    members["disclosure.json"] = json.dumps(export_, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    bodies = [*members["records.jsonl"].splitlines(), members["disclosure.json"].strip()]
    frontier = Frontier()
    frontier.extend([leaf_hash(body) for body in bodies])
    forged = Checkpoint("test.example/ledger", len(bodies), frontier.root())
    own = SigningKey("test.example/ledger", b"f" * 32)
    members["checkpoint.txt"] = forged.sign(own).encode()
    (tmp_path / "forged.zip").write_bytes(packed(members))
    assert verify_bundle(tmp_path / "forged.zip", own.vkey).holds, "the forgery must be whole but for the key"
    verdict = verify_bundle(tmp_path / "forged.zip", vkey(past))
    assert verdict.faults == ("A note has no signature of a known key; it was not accepted.",)


def test_another_signature_beside_the_portals_is_refused(past: Portal, tmp_path: Path) -> None:
    make(past, tmp_path / "r.zip")
    members = inside(tmp_path / "r.zip")
    members["checkpoint.txt"] += "— other.example AAAAAAAA\n".encode()
    (tmp_path / "r.zip").write_bytes(packed(members))
    assert "another signature" in verify_bundle(tmp_path / "r.zip", vkey(past)).faults[0]


@pytest.mark.parametrize("data", [b"", b"PK", b"PK\x05\x06" + bytes(18), b"hello", os.urandom(999)])
def test_what_is_no_report_is_said_to_be_none(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "r.zip").write_bytes(data)
    key = SigningKey("a", bytes(32)).vkey
    assert "not a report" in verify_bundle(tmp_path / "r.zip", key).faults[0]


def test_a_zip_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    """ATTACK: gigabytes of blanks in a record."""
    file = tmp_path / "bomb.zip"
    with file.open("w+b") as out:
        packer = Packer(out)
        packer.stream("report.csv", lambda write: [write(bytes(1 << 20)) for _ in range(300)])
        for name in ("records.jsonl", "VERIFY.md", "manifest.json", "disclosure.json", "proofs.txt", "checkpoint.txt"):
            packer.stream(name, lambda write: [write(bytes(1 << 20)) for _ in range(30)])
        packer.finish()
    assert not verify_bundle(file, SigningKey("a", bytes(32)).vkey).holds


def test_a_missing_file_is_no_verdict(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be read"):
        verify_bundle(tmp_path / "none.zip", SigningKey("a", bytes(32)).vkey)
    with pytest.raises(Unavailable):
        verify_bundle(tmp_path, SigningKey("a", bytes(32)).vkey)


# One proof for many records.


def _tree(leaves: list[bytes]) -> bytes:
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(_tree(leaves[:middle]), _tree(leaves[middle:]))


@given(size=st.integers(1, 700), data=st.data())
def test_a_cover_of_any_choice_leads_to_the_root(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(b"%d" % n) for n in range(size)]
    chosen = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=40)))

    def subtree(level: int, index: int) -> bytes:
        return _tree(leaves[index << level : (index + 1) << level])

    hashes = list(cover(((n, n + 1) for n in chosen), size, subtree))
    root = _tree(leaves)
    assert root_from_cover(size, [(n, leaves[n]) for n in chosen], hashes) == root
    assert len(hashes) <= len(chosen) * size.bit_length()
    if len(chosen) == size:
        assert hashes == []
    for wrong in (hashes[:-1], [*hashes, bytes(32)]):
        if wrong != hashes:
            with pytest.raises(ProofError):
                root_from_cover(size, [(n, leaves[n]) for n in chosen], wrong)
    moved = data.draw(st.integers(0, size))
    if moved not in chosen:
        elsewhere = sorted({*chosen[1:], moved})
        with contextlib.suppress(ProofError):
            assert root_from_cover(size, [(n, leaves[chosen[0]]) for n in elsewhere], hashes) != root


def test_a_cover_refuses_records_out_of_order() -> None:
    leaf = leaf_hash(b"x")
    for places in ([1, 1], [2, 1], [4], [-1]):
        with pytest.raises(ProofError):
            root_from_cover(4, [(n, leaf) for n in places], [leaf] * 4)


# The command.


def test_the_commands_export_verify_and_print_the_checkpoint(past: Portal, tmp_path: Path) -> None:
    line = LineMode(past, write_settings(past, tmp_path))
    out = tmp_path / "report.zip"
    answer = line.run("audit", "export", "--format", "jsonl", "--from", "2026-11-01", "--until", "today", "--out", out)
    assert (answer.code, answer.out) == (0, f"{out}\n"), answer
    assert "13 records exported" in answer.err
    key = line.run("audit", "checkpoint", "--key").out.strip()
    assert key == vkey(past)
    answer = line.run("audit", "verify", out, "--key", key)
    assert (answer.code, answer.out[:9]) == (0, "verified:")
    told = line.run("audit", "verify", "--format", "json").json
    assert (told["verified"], told["logs"][0]["size"], told["wrong"]) == (True, 14, [])
    assert line.run("audit", "verify", "--key", key).code == 0
    assert line.run("audit", "checkpoint").out == past.office.signer.note(Log.LEDGER)
    out.write_bytes(out.read_bytes()[:-1])
    assert line.run("audit", "verify", out, "--key", key).code == 4
    assert line.run("audit", "verify", out).code == 2
    assert line.run("audit", "verify", out, "--key", "nonsense").code == 2
    assert line.run("audit", "verify", tmp_path / "none.zip", "--key", key).code == 5
    assert line.run("audit", "export", "--out", out).code == 1
    assert line.run("audit", "export", "--where", "action:reject", "--out", tmp_path / "x.zip").code == 1
    assert line.run("audit", "--help").code == 0


@pytest.mark.tampers
def test_the_command_verifies_what_cannot_be_opened_otherwise(past: Portal, tmp_path: Path) -> None:
    """An old database put back makes every other command refuse; this one says which record is missing."""
    from console.cli.main import main
    from tests.forging import unguard

    line = LineMode(past, write_settings(past, tmp_path))
    before = past.all(sa.select(t.log_head).where(t.log_head.c.log == "ledger"))[0]
    past.decide("registrations", "unapprove", 1, reason="she called")
    with past.owning() as connection:
        unguard(connection)
        batch = last_record(past).batch
        connection.execute(t.record.delete().where(t.record.c.batch == batch))
        connection.execute(t.record_detail.delete().where(t.record_detail.c.batch == batch))
        connection.execute(t.batch.delete().where(t.batch.c.id == batch))
        connection.execute(
            t.log_head.update()
            .where(t.log_head.c.log == "ledger")
            .values(size=before.size, root=before.root, frontier=before.frontier)
        )
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["--config", str(line.config), "--operator", "administrator", "registrations", "list"]) == 4
        code = main(["--config", str(line.config), "--operator", "administrator", "audit", "verify"])
    assert code == 4
    assert "Record 13 of the ledger: it is missing: 14 records were signed." in out.getvalue()
