"""What every test may ask for, and what holds for all of them.

Promises: a test that names `database_url` runs once on each engine, on a database nobody else has; nothing is skipped
(a skip is a failure that says so); random search finds the same examples on every machine of the pipeline and never
fails for being slow.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from tests.counted import Counted
    from tests.portals import Portal
    from tests.services.postgres import Cluster
    from tests.services.slapd import Slapd

# Two shared cores: how long an example takes says nothing about the code. In the pipeline the same examples every time.
settings.register_profile("desk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("pipeline", settings.get_profile("desk"), derandomize=True, print_blob=True)
settings.load_profile("pipeline" if os.environ.get("CI") else "desk")


# Whoever starts the tests in the background has them ignore Ctrl-C, and so would every console that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run campaigns in their whole length (`make faults`)")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A promise that was not looked at is not kept: what is missing has to be installed, not skipped."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"Skipped, and so not tested: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def whole(request: pytest.FixtureRequest) -> bool:
    """Whether a campaign runs in its whole length; without `--whole` it runs a short one of the same kind."""
    return cast("bool", request.config.getoption("--whole"))


@pytest.fixture(scope="session")
def counted(whole: bool) -> Counted:
    """Where a campaign says what it came to."""
    from tests.counted import Counted

    return Counted(whole)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """The PostgreSQL server of this test process, started when the first test asks for it."""
    from tests.services.postgres import Cluster

    with Cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def slapd() -> Iterator[Slapd]:
    """The directory of this test process, with its people and groups. What a test changes in it, it leaves as it was."""
    from tests.services.slapd import Slapd

    with Slapd() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def engine_name(request: pytest.FixtureRequest) -> str:
    """One promise, both engines: a test that asks for this (or for `database_url`) runs on each."""
    return cast("str", request.param)


@pytest.fixture
def database_url(engine_name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """SQLAlchemy's address of a database with nothing in it: a file that is not there yet, or one on the server."""
    if engine_name == "sqlite":
        yield f"sqlite:///{tmp_path / 'portal.db'}"
        return
    cluster = cast("Cluster", request.getfixturevalue("postgres"))
    url = cluster.fresh_database()
    yield url
    cluster.leave(url)


@pytest.fixture
def portal(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> Iterator[Portal]:
    """A founded portal with an empty district, on either engine; Friday noon, standing still. Its ledger verifies at the end, too."""
    from console.ledger.verifying import verify
    from tests.portals import open_portal

    made = open_portal(database_url, tmp_path)
    yield made
    if request.node.get_closest_marker("tampers") is None:
        verdict = verify(made.office)
        assert verdict.holds, verdict.sentences
    made.office.engine.dispose()
