"""A directory as the console asks it, opened on whatever servers a test has, and how one of its refusals is looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from console.clock import SettableClock
from console.directory import NotAccepted
from console.directory.ldap import Ldap
from console.directory.patience import Patience
from console.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
HURRIED = Patience(resolve=1, connect=1, answer=1, in_all=2)
"""A sixth of the patience of a real console, for servers that never answer."""


def settings_of(table: Mapping[str, Any]) -> Settings:
    """Settings with this table [directory]."""
    return Settings.build({"directory": dict(table)}, Path("/district"))


def opened(table: Mapping[str, Any], patience: Patience | None = None, now: datetime = NOW) -> Ldap:
    """The directory of this table, at noon of a Friday."""
    return Ldap(settings_of(table).directory, SettableClock(UTC, now), patience)


def refused(directory: Ldap, name: str, password: str) -> str:
    """The code with which the name and password are not accepted; the sentence is the same for every one."""
    with pytest.raises(NotAccepted) as refusal:
        directory.authenticate(name, password)
    assert str(refusal.value) == str(NotAccepted())
    return refusal.value.code
