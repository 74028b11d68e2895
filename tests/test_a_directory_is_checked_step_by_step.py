"""`district directory check` says which step works and which does not, with what to do, and asks nobody for a password."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from console.cli.main import main
from console.doctor import Doctor, Finding, Health
from console.settings import Settings
from tests.asked_directory import HURRIED, settings_of
from tests.services.certificates import EXPIRED, Authority, self_signed
from tests.services.directory_people import BASE, PASSWORD, SUFFIX
from tests.services.false_directory import FalseDirectory, Wiretap
from tests.services.slapd import Slapd, dn_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DOWN = "ldaps://127.0.0.1:9"


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but the test's own."""
    for name in ("DISTRICT_CONFIG", "DISTRICT_OPERATOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def toml(table: Mapping[str, Any]) -> str:
    lines = ["[directory]"]
    for key, value in table.items():
        if isinstance(value, dict):
            inside = ", ".join(f"{json.dumps(one)} = {json.dumps(other)}" for one, other in value.items())
            lines.append(f"{key} = {{ {inside} }}")
        else:
            lines.append(f"{key} = {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def checked(
    table: Mapping[str, Any], folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[dict[str, str]]]:
    """The exit code of the command, and what it said, each with its state."""
    file = folder / "district.toml"
    file.write_text(toml(table))
    code = main(["--config", str(file), "directory", "check", *arguments, "--format", "json"])
    said = capsys.readouterr()
    assert PASSWORD not in said.out + said.err
    return code, json.loads(said.out)


def of(rows: list[dict[str, str]], word: str) -> list[tuple[str, str]]:
    return [(row["state"], row["found"]) for row in rows if word in row["id"]]


def bad(rows: list[dict[str, str]]) -> dict[str, str]:
    return {row["id"].rpartition(" ")[2]: row["found"] for row in rows if row["state"] == "bad"}


def test_what_works_is_said_step_by_step(slapd: Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, rows = checked(slapd.table(slapd.ldaps, slapd.starttls), tmp_path, capsys, "BOB")
    assert code == 0
    assert not bad(rows)
    assert [found.partition(",")[0] for _, found in of(rows, "TLS")] == ["LDAPS", "StartTLS"]
    assert of(rows, "address") == [("ok", "127.0.0.1")] * 2
    assert all("Synthetic district CA, expires in 9 days" in found for _, found in of(rows, "certificate"))
    assert of(rows, "base") == [("ok", f"{BASE} can be read")]
    assert {found.partition(":")[0] for _, found in of(rows, "people")} == {
        "entryUUID",
        "uid",
        "employeeID",
        "department",
    }
    assert len(of(rows, "group")) == 4
    assert of(rows, "person") == [("ok", f"{dn_of('bob')} is in use")]
    assert of(rows, "role") == [("ok", f"help_desk for LHS, RMS, by cn=help-desk,ou=groups,{SUFFIX}")]
    order = [row["id"].rpartition(" ")[2] for row in rows]
    steps = ["address", "TLS", "certificate", "account", "base", "people", "group", "person", "role"]
    assert list(dict.fromkeys(order)) == steps


def test_it_reads_as_a_table(slapd: Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "district.toml").write_text(toml(slapd.table()))
    assert main(["directory", "check", "cara"]) == 0
    said = capsys.readouterr().out
    assert "school_administrator for LHS" in said
    assert "→ Renew it before then" in said


def test_everybody_gets_what_the_file_says(slapd: Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    roles = {}
    for name in ("ann", "cara", "dan", "eve", "fay"):
        code, rows = checked(slapd.table(), tmp_path, capsys, name)
        roles[name] = of(rows, "role")[0][1].partition(", by")[0]
        assert code == (0 if name in ("ann", "cara", "dan") else 1)
    assert roles == {
        "ann": "district_administrator for all schools",
        "cara": "school_administrator for LHS",
        "dan": "auditor for all schools",
        "eve": "none: in no group of directory.roles",
        "fay": "none: in no group of directory.roles",
    }


def test_a_name_that_is_nobodys_or_out_of_use_is_said_to_be(
    slapd: Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    slapd.add_person("out", groups=["auditors"])
    slapd.disable("out")
    try:
        code, rows = checked(slapd.table(), tmp_path, capsys, "out")
        assert (code, bad(rows)) == (1, {"person": f"{dn_of('out')} is not in use: locked"})
        for name in ("nobody", "a*", "x@y@z", "*)(uid=*"):
            code, rows = checked(slapd.table(), tmp_path, capsys, name)
            assert code == 1
            assert bad(rows)["person"].startswith("this name is nobody's")
    finally:
        slapd.delete("out")


def test_one_server_that_serves_is_enough(slapd: Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, rows = checked(slapd.table(DOWN, slapd.ldaps), tmp_path, capsys)
    assert code == 0
    assert ("warn", "nothing listens there") in of(rows, "connection")
    code, rows = checked(slapd.table(DOWN, DOWN), tmp_path, capsys)
    assert (code, bad(rows)) == (5, {"connection": "nothing listens there"})


@pytest.mark.parametrize("what", ["expired", "self-signed", "wrong authority", "wrong host", "no TLS"])
def test_a_certificate_that_does_not_hold_is_shown(
    slapd: Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    """VULNERABILITY: to see a bad certificate one has to talk to its server. ATTACK: one that listens.

    VERIFIES: it is told which certificate it was, and the server got no byte after the handshake.
    """
    tmp_path.chmod(0o755)
    own = tmp_path / "own"
    own.mkdir()
    certificate, said = {
        "expired": (lambda: slapd.authority.server("was", valid=EXPIRED), "expired 2 days ago"),
        "self-signed": (lambda: self_signed(own, "alone"), "CN=alone, by CN=alone"),
        "wrong authority": (lambda: Authority(own, "Another CA").server("other"), "by CN=Another CA"),
        "wrong host": (lambda: slapd.authority.server("else", hosts=("dc.example",)), "for dc.example"),
        "no TLS": (lambda: slapd.authority.server("none"), "does not start TLS"),
    }[what]
    manner = "strip" if what == "no TLS" else "yes"
    for at_once in (False,) if what == "no TLS" else (True, False):
        with FalseDirectory(certificate(), at_once=at_once, manner=manner) as false:
            code, rows = checked(slapd.table(false.address), tmp_path, capsys, "ann")
            assert code == 5
            assert said in bad(rows)["TLS"]
            assert rows[-1]["advice"]
            assert false.heard == b""
            assert not false.binds


def test_each_fault_of_the_settings_has_its_step(
    slapd: Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not the password")
    wrong.chmod(0o600)
    gone = f"cn=gone,ou=groups,{SUFFIX}"
    cases: list[tuple[dict[str, Any], int, str, str]] = [
        ({"password_file": str(wrong)}, 1, "account", "was refused"),
        ({"base": f"ou=gone,{SUFFIX}"}, 1, "base", "is not there"),
        ({"roles": {gone: "auditor"}}, 1, "group", f"{gone} is not there"),
        ({"login_attribute": "employeeType"}, 1, "people", "nobody below it has employeeType"),
        ({"ca_file": str(wrong)}, 1, "ca_file", "no certificates that can be read"),
        ({"hosts": ["ldaps://no-such-host.invalid"]}, 5, "address", "name"),
    ]
    for change, code, step, said in cases:
        found, rows = checked(slapd.table() | change, tmp_path, capsys)
        assert found == code, change
        assert said in bad(rows)[step], change
    found, rows = checked(slapd.table(number_attribute="employeeNumber", code_attribute="ou"), tmp_path, capsys)
    assert found == 0
    assert [state for state, _ in of(rows, "people")].count("warn") == 2


def test_without_a_directory_there_is_nothing_to_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "district.toml").write_text("")
    assert main(["directory", "check"]) == 5
    assert "directory.hosts names no server" in capsys.readouterr().err


def test_the_wire_sees_no_password_of_a_check(slapd: Slapd, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Wiretap(slapd.port) as tap:
        assert checked(slapd.table(f"ldap://127.0.0.1:{tap.port}"), tmp_path, capsys, "ann")[0] == 0
        assert len(tap.clear) > 500
        assert b"reads-and-nothing-else" not in tap.clear


def test_the_doctor_looks_at_it_in_a_line(slapd: Slapd, tmp_path: Path) -> None:
    def line(table: Mapping[str, Any]) -> Finding:
        from tests.asked_directory import NOW, UTC, SettableClock

        settings = settings_of(table) if table else Settings.build({}, tmp_path)
        doctor = Doctor(settings, SettableClock(UTC, NOW))
        doctor._directory()
        return doctor.findings[-1]

    assert line({}).health is Health.OK
    assert line(slapd.table(DOWN)).exit == 5
    assert "nothing listens there" in line(slapd.table(DOWN)).text
    assert line(slapd.table()).health is not Health.BAD
    assert line(slapd.table(base=f"ou=gone,{SUFFIX}")).health is Health.BAD
    assert HURRIED.in_all < 3
