"""The demonstration opens what it made and nothing else, keeps its database to its owner, and has something of everything."""

from __future__ import annotations

import stat
from datetime import date
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from console.errors import Refused, Unavailable
from console.settings import Settings
from console.wiring import open_office
from fixtures.demo import build
from fixtures.demo_folder import settings_of
from models import tables as t
from models.engine import writing
from tests.portals import open_portal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "district"
    build(folder, students=50, seed=3, today=date(2027, 6, 30))
    return folder


def test_its_database_is_for_its_owner_alone(demo: Path) -> None:
    assert stat.S_IMODE((demo / "portal.db").stat().st_mode) == 0o600


def test_some_students_are_masked_and_what_waits_waits(demo: Path) -> None:
    office = open_office(settings_of(demo))
    with office.reading() as connection:
        masks = set(connection.execute(sa.select(t.student.c.mask).distinct()).scalars())
        waiting = connection.execute(sa.select(sa.func.count()).select_from(t.registration)).scalar_one()
    office.engine.dispose()
    assert masks == {"none", "initial", "pseudonym"}
    assert waiting > 0


def test_it_builds_over_nothing(demo: Path) -> None:
    with pytest.raises(Refused, match="not empty"):
        build(demo, students=50, seed=3, today=date(2026, 11, 21))


def test_a_folder_without_one_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="holds no demonstration"):
        settings_of(tmp_path)


def test_a_real_portal_is_never_opened_as_one(tmp_path: Path) -> None:
    portal = open_portal(f"sqlite:///{tmp_path / 'portal.db'}", tmp_path)
    portal.office.engine.dispose()
    values: dict[str, object] = {"portal.origin": "test.example/ledger", "database.url": "sqlite:///portal.db"}
    (tmp_path / "district.toml").write_text(Settings.example(values), encoding="utf-8")
    with pytest.raises(Refused, match="did not make"):
        settings_of(tmp_path)
    # Not even when its settings pretend.
    values |= {"demo.made_by": "district demo", "demo.seed": 3, "demo.today": date(2026, 11, 21)}
    (tmp_path / "district.toml").write_text(Settings.example(values), encoding="utf-8")
    with pytest.raises(Refused, match="did not make"):
        settings_of(tmp_path)
    with writing(portal.office.engine) as connection:
        assert connection.execute(sa.select(t.portal.c.demo_seed)).scalar_one() is None
