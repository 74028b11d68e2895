"""`district init --owner-url` makes roles with passwords of their own, again is harmless, and the console alone upgrades nothing.

On a server that asks everybody but its superuser for a SCRAM password, as a district's would.
"""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import psycopg
import pytest
import sqlalchemy as sa

from console.cli.main import main
from console.settings import Settings
from models import tables as t
from models.engine import open_engine, reading
from tests.services.postgres import Cluster

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HBA = """
host all postgres 127.0.0.1/32 trust
host all all      127.0.0.1/32 scram-sha-256
"""
OWNERS = "correct horse battery"


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    with Cluster() as cluster:
        with psycopg.connect(cluster.url("postgres"), autocommit=True) as session:
            session.execute(f"CREATE ROLE keeper LOGIN CREATEROLE PASSWORD '{OWNERS}'")
            session.execute(f"CREATE ROLE plain LOGIN PASSWORD '{OWNERS}'")
            (cluster.folder / "data" / "pg_hba.conf").write_text(HBA)
            session.execute("SELECT pg_reload_conf()")
        yield cluster


class Place:
    """An empty folder and a database of its own, and the commands that are run there."""

    def __init__(self, server: Cluster, name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.server, self.name, self.folder, self._capsys = server, name, folder, capsys
        (folder / "owner.secret").write_text(OWNERS + "\n")
        (folder / "owner.secret").chmod(0o600)

    def url(self, role: str) -> str:
        return f"postgresql://{role}@127.0.0.1:{self.server.port}/{self.name}"

    def run(self, *words: str) -> tuple[int, str]:
        """Exit code, and what was said."""
        code = main([*words])
        said = self._capsys.readouterr()
        return code, said.out + said.err

    def init(self, owner: str = "keeper", *words: str) -> tuple[int, str]:
        return self.run("init", "--owner-url", self.url(owner), "--owner-password-file", "owner.secret", *words)


@pytest.fixture
def place(
    server: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> Iterator[Place]:
    """Databases of their own names, for roles are called after them."""
    name = f"portal{len(request.node.name)}"
    monkeypatch.chdir(tmp_path)
    with psycopg.connect(server.url("postgres"), autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name} OWNER keeper")
    yield Place(server, name, tmp_path, capsys)
    server.drop(server.url(name))
    with psycopg.connect(server.url("postgres"), autocommit=True) as session:
        session.execute(f"DROP ROLE IF EXISTS {name}_app, {name}_signer")


def test_one_command_makes_roles_passwords_and_portal(place: Place) -> None:
    code, said = place.init("keeper", "--origin", "test.example/ledger")
    assert code == 0, said
    settings = Settings.load(place.folder / "district.toml")
    assert settings.database.url == place.url(f"{place.name}_app")
    for file in ("keys/database.password", "keys/signer.password"):
        assert stat.S_IMODE((place.folder / file).stat().st_mode) == 0o400
        assert str(place.folder / file) in said
        assert (place.folder / file).read_text().strip() not in said
    with psycopg.connect(place.server.url("postgres")) as session:
        kept = session.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname LIKE %s", (f"{place.name}_%",)
        ).fetchall()
    assert [secret[:14] for (secret,) in kept] == ["SCRAM-SHA-256$"] * 2
    code, said = place.run("doctor")
    assert (code, f"{place.name}_app may do what the console needs and no more" in said) == (0, True), said


def test_the_signer_reads_the_logs_with_its_own_password(place: Place) -> None:
    assert place.init()[0] == 0
    engine = open_engine(
        place.url(f"{place.name}_signer"), password=(place.folder / "keys/signer.password").read_text().strip()
    )
    with reading(engine) as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(t.log_head)).scalar_one() == 2
    engine.dispose()


def test_the_records_are_verified_and_signed_with_the_signers_role_alone(place: Place) -> None:
    """On the machine that signs: the ledger's key, the signer's password, and neither the data key nor the console's password."""
    assert place.init("keeper", "--origin", "test.example/ledger")[0] == 0
    elsewhere = place.folder / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "keys").mkdir(mode=0o700)
    for name in ("ledger.key", "signer.password"):
        (elsewhere / "keys" / name).write_bytes((place.folder / "keys" / name).read_bytes())
        (elsewhere / "keys" / name).chmod(0o400)
    values = {
        "portal.origin": "test.example/ledger",
        "database.url": place.url(f"{place.name}_signer"),
        "database.password_file": "keys/signer.password",
    }
    (elsewhere / "district.toml").write_text(Settings.example(values))
    code, said = place.run("--config", "elsewhere/district.toml", "audit", "verify")
    assert (code, "verified: ledger" in said) == (0, True), said
    assert (elsewhere / "keys" / "state" / "ledger.json").exists()
    code, said = place.run("--config", "elsewhere/district.toml", "students", "list")
    assert (code, "Nobody is signed in" in said) == (1, True), said


def test_again_is_harmless_as_the_owner_and_as_the_console(place: Place) -> None:
    assert place.init()[0] == 0
    secret = (place.folder / "keys/database.password").read_bytes()
    code, said = place.init()
    assert (code, "newest" in said, "Wrote" in said) == (0, True, False), said
    assert (place.folder / "keys/database.password").read_bytes() == secret
    code, said = place.run("init")
    assert (code, "its schema 0001 is the newest" in said) == (0, True), said
    assert place.run("doctor")[0] == 0


def test_the_console_alone_neither_founds_nor_upgrades(place: Place) -> None:
    assert place.init()[0] == 0
    with psycopg.connect(place.server.url(place.name), autocommit=True) as session:
        session.execute("UPDATE alembic_version SET version_num = '0000'")
    code, said = place.run("init")
    assert code == 1
    assert "The schema is 0000" in said
    assert "--owner-url" in said


def test_an_owner_who_may_make_no_roles_is_told_which_are_missing(place: Place) -> None:
    with psycopg.connect(place.server.url("postgres"), autocommit=True) as session:
        session.execute(f"ALTER DATABASE {place.name} OWNER TO plain")
    code, said = place.init("plain")
    assert code == 1
    assert f"CREATE ROLE {place.name}_app LOGIN" in said
    assert not (place.folder / "district.toml").exists()
    with psycopg.connect(place.server.url("postgres"), autocommit=True) as session:
        for name in ("app", "signer"):
            session.execute(f"CREATE ROLE {place.name}_{name} LOGIN PASSWORD 'set by hand'")
    (place.folder / "app.secret").write_text("set by hand")
    (place.folder / "app.secret").chmod(0o600)
    code, said = place.init("plain", "--database", place.url(f"{place.name}_app"), "--password-file", "app.secret")
    assert (code, "A new portal" in said) == (0, True), said


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--owner-url", "sqlite:///portal.db"), "--owner-url must be"),
        (("--owner-url", "postgresql://keeper:hunter2@127.0.0.1/portal"), "holds a password"),
        (("--owner-url", "postgresql://keeper@127.0.0.1/odd-name"), "cannot be named so"),
        (("--signer", "reader"), "go with --owner-url"),
        (
            ("--owner-url", "postgresql://a@db.example/x", "--database", "postgresql://b@other.example/x"),
            "another server or database",
        ),
        (
            ("--owner-url", "postgresql://a@db.example/x", "--database", "postgresql://a@db.example/x"),
            "names the owner",
        ),
    ],
    ids=["no-postgresql", "password", "odd-name", "half", "elsewhere", "owner"],
)
def test_what_does_not_fit_is_refused_and_nothing_is_left(
    words: tuple[str, ...],
    why: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", *words]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert "hunter2" not in said
    assert list(tmp_path.iterdir()) == []


def test_the_doctor_names_a_superuser_and_a_right_too_many(place: Place) -> None:
    assert place.init()[0] == 0
    with psycopg.connect(place.server.url(place.name), autocommit=True) as session:
        session.execute(f"GRANT DELETE ON record TO {place.name}_app")
        code, said = place.run("doctor")
        assert (code, "more or less than it should with record" in said) == (1, True), said
        assert place.init()[0] == 0
        session.execute("ALTER TABLE student DISABLE ROW LEVEL SECURITY")
        code, said = place.run("doctor")
        assert (code, "not kept apart in student" in said) == (1, True), said
        assert place.init()[0] == 0
        assert place.run("doctor")[0] == 0
    file = place.folder / "district.toml"
    file.write_text(file.read_text().replace(f"{place.name}_app@", "postgres@"))
    code, said = place.run("doctor")
    assert (code, "postgres is a superuser" in said) == (0, True), said
