"""What is told of roles and rights – the page for the security officer, the command – is what the console does."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from console.authority import POSTS, RIGHTS, ROLES, Role
from console.cli.main import main
from console.desks import DESKS, desk
from console.rights import page

DOCS = Path(__file__).resolve().parent.parent / "docs"


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["roles", *words]) == 0
    return capsys.readouterr().out


def test_the_page_holds_the_table_as_it_is() -> None:
    text = (DOCS / "SECURITY.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"<!-- python -m console\.rights -->\n\n(.*?)\n<!-- end -->", text, re.DOTALL)
    assert block == page(), "put what python -m console.rights prints between the marks of docs/SECURITY.md"
    for post in POSTS:
        assert f"- **{post.role.replace('_', ' ').capitalize().replace('After school', 'After-school')}" in text


def test_the_table_fits_a_terminal_and_names_every_right_and_every_decision(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys)
    assert max(len(line) for line in text.splitlines()) <= 80
    said = " ".join(text.split())
    for right in RIGHTS:
        marks = " ".join("x" if post.letter in right.letters else "·" for post in POSTS)
        assert re.search(rf"^{re.escape(right.permission)} +{re.escape(marks)}", text, re.MULTILINE)
    for name in DESKS:
        for kind in (desk(name).decisions, desk(name).disclosures):
            assert all(each.name in said for each in kind)


@pytest.mark.parametrize("role", list(Role))
def test_one_role_is_told_in_sentences(role: Role, capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, str(role))
    assert max(len(line) for line in text.splitlines()) <= 80
    said = " ".join(text.split())
    for right in RIGHTS:
        assert (right.means in said) is (right.permission in ROLES[role])


def test_programs_read_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(told(capsys, "--format", "json"))
    listed = list(csv.DictReader(io.StringIO(told(capsys, "--format", "csv"))))
    assert (
        [row["right"] for row in rows]
        == [row["right"] for row in listed]
        == [str(right.permission) for right in RIGHTS]
    )
    for row, line in zip(rows, listed, strict=True):
        for role in Role:
            held = any(row["right"] == str(each) for each in ROLES[role])
            assert row[str(role)] is held
            assert line[str(role)] == ("yes" if held else "no")
        assert "; ".join(row["decisions"]) == line["decisions"]
