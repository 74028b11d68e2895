"""The line mode for tests: the real command line in this process, on a portal under test, with what it wrote and how it ended."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from console.cli.main import main
from console.settings import FILE_NAME, Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.portals import Portal


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command wrote on stdout and stderr, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """What a command that failed says: one line on stderr, nothing on stdout."""
        assert self.out == ""
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1
        return self.err.strip()


def write_settings(portal: Portal, folder: Path) -> Path:
    """The `district.toml` of a portal under test, which keeps its line sessions beside it."""
    file = folder / FILE_NAME
    file.write_text(
        Settings.example(
            {
                "database.url": portal.settings.database.url,
                "portal.origin": "test.example/ledger",
                "signin.session_folder": "run",
            }
        ),
        encoding="utf-8",
    )
    return file


@dataclass
class LineMode:
    """`run("registrations", "list")` is `district registrations list`, by the portal's clock."""

    portal: Portal
    config: Path

    def run(self, *words: str | int, by: str = "") -> Answer:
        out, err = io.StringIO(), io.StringIO()
        before = ["--config", str(self.config), *(["--operator", by] if by else [])]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*before, *(str(word) for word in words)], opening=lambda _, **__: self.portal.office)
        return Answer(code, out.getvalue(), err.getvalue())

    def json(self, *words: str | int, by: str = "") -> Any:
        """The answer as JSON; the command must have done something."""
        answer = self.run(*words, "--format", "json", by=by)
        assert answer.code in (0, 3), answer
        return answer.json
