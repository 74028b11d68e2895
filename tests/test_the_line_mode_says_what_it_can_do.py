"""Help is complete, made from the desks' declarations, and there at once."""

from __future__ import annotations

from importlib.util import find_spec

import click
import pytest

from console.cli.catalogue import Catalogue, Listed
from console.cli.main import COMMANDS, district, main
from console.desks import DESKS, desk
from console.params import options

THERE = [name for name in DESKS if find_spec(f"console.desks.{name}")]
DECISIONS = [(name, each) for name in THERE for each in desk(name).decisions]


def says(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main([*words, "--help"]) == 0
    return capsys.readouterr().out


def test_the_first_page_lists_every_command_in_its_section_and_ends_with_examples(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = says(capsys)
    sections = ["Desks:", "Records:", "Data:", "Set-up:", "Examples:"]
    assert [line for line in page.splitlines() if line in sections] == sections
    for listed in COMMANDS:
        assert f"\n  {listed.name} " in page
    assert max(len(line) for line in page.splitlines()) <= 80


@pytest.mark.parametrize("name", THERE)
def test_the_help_of_a_desk_shows_its_decisions_with_keys_and_its_filters(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page = " ".join(says(capsys, name).split())
    for each in desk(name).decisions:
        assert f" {each.name} " in page
        assert not each.key or f"(key {each.key})" in page
    for term in desk(name).terms:
        assert f" {term.name}: {term.help[:20]}" in page
    assert all(word in page for term in desk(name).terms if term.name == "state" for word in term.words)


@pytest.mark.parametrize(("name", "decision"), DECISIONS, ids=lambda each: getattr(each, "name", each))
def test_every_parameter_of_a_decision_is_an_option_with_its_help(name: str, decision: object) -> None:
    context = click.Context(district, info_name="district")
    group = district.get_command(context, name)
    assert isinstance(group, click.Group)
    command = group.get_command(context, decision.name)  # type: ignore[attr-defined]
    assert command is not None
    found = {flag: each for each in command.params if isinstance(each, click.Option) for flag in each.opts}
    for option in options(decision.Params):  # type: ignore[attr-defined]
        assert option.help in (found[option.flag].help or "")
        if option.words:
            assert tuple(found[option.flag].type.choices) == option.words  # type: ignore[attr-defined]
    assert {"--ids", "--where", "--but", "--preview", "--yes", "--key", "--format"} <= set(found)


def test_a_module_that_is_missing_breaks_nothing_but_itself(capsys: pytest.CaptureFixture[str]) -> None:
    group = Catalogue(
        "district", listed=(Listed("Set-up", "roles", "roles", "Roles."), Listed("Data", "gone", "gone", "Is gone."))
    )
    group.main(["roles"], standalone_mode=False)
    assert "registrations.see" in capsys.readouterr().out
    with pytest.raises(Exception, match="has no gone; nothing was done"):
        group.main(["gone"], standalone_mode=False)


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["registratons", "list"], "'registrations'"),
        (["registrations", "aprove"], "'approve'"),
        (["--confg", "x"], "--config"),
    ],
)
def test_what_is_unknown_is_answered_with_the_nearest(
    words: list[str], nearest: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert nearest in said.err
    assert said.err.count("\n") == 1


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"district {version('district-console')}\n"


def test_the_list_of_commands_says_of_each_desk_what_the_desk_says() -> None:
    desks = {each.name: each.help for each in COMMANDS if not each.module}
    assert desks == {name: desk(name).help for name in DESKS}
