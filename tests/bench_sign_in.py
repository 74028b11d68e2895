"""How long signing in takes besides the directory and Argon2id: everything that is read, written, recorded and signed.

    .venv/bin/python -m pytest -m bench tests/bench_sign_in.py -s

Promise: at most 20 ms on either engine at the median, on the pipeline's two cores with nothing else to do.
"""

from __future__ import annotations

import statistics
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from console.signin import passwords
from tests.signing import asking, come_in, equip

if TYPE_CHECKING:
    from tests.portals import Portal

ROUNDS = 25
ALLOWED = 0.020
"""Seconds."""

pytestmark = pytest.mark.bench


def test_signing_in_costs_little_besides_the_password(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    who = equip(asking(portal).settings)
    hashing = 0.0
    matches = passwords.matches

    def timed(encoded: str | None, password: str) -> bool:
        nonlocal hashing
        began = time.perf_counter()
        try:
            return matches(encoded, password)
        finally:
            hashing += time.perf_counter() - began

    monkeypatch.setattr(passwords, "matches", timed)
    besides = []
    for _ in range(ROUNDS):
        portal.clock.advance(timedelta(seconds=60))
        code, hashing = who.code(portal.clock.now()), 0.0
        began = time.perf_counter()
        come_in(portal, who, code=code)
        besides.append(time.perf_counter() - began - hashing)
    middle = statistics.median(besides)
    print(f"\n{portal.office.engine.dialect.name}: {middle * 1000:.1f} ms (worst {max(besides) * 1000:.1f} ms)")  # noqa: T201
    assert middle <= ALLOWED
