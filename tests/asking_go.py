"""The verifier in Go (tests/go), built from Debian's golang-golang-x-mod-dev, which shares no code with ours, and how to ask it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Ask = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]

PACKAGES = "apt-get install golang-go golang-golang-x-mod-dev"
GO_SOURCES = Path("/usr/share/gocode")
SOURCES = [Path(__file__).parent / "go" / name for name in ("verify.go", "bundle.go", "packed.go")]


@pytest.fixture(scope="module")
def ask_go(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Build Go's verifier and return how to ask it: a list of questions gives a list of answers."""
    compiler = shutil.which("go")
    if compiler is None or not (GO_SOURCES / "src/golang.org/x/mod/sumdb/note").is_dir():
        pytest.fail(f"The independent verifier cannot be built; install it with: {PACKAGES}", pytrace=False)
    made = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": str(GO_SOURCES),
        "GOCACHE": str(made / "cache"),
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
    }
    subprocess.run([compiler, "build", "-o", made / "verify", *SOURCES], check=True, env=environment, timeout=300)

    def ask(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        def plain(value: object) -> str:
            assert isinstance(value, bytes)
            return b64encode(value).decode()

        lines = "".join(json.dumps(each, default=plain) + "\n" for each in questions)
        ended = subprocess.run([made / "verify"], input=lines.encode(), check=True, capture_output=True, timeout=120)
        answers = [json.loads(line) for line in ended.stdout.splitlines()]
        assert len(answers) == len(questions)
        return answers

    return ask
