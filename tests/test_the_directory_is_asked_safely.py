"""No fault of a directory, and nobody who sits in front of it, lets anybody in or gets one byte of a password outside verified TLS."""

from __future__ import annotations

import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from console.directory.verified import context
from console.errors import Unavailable
from tests.asked_directory import HURRIED, opened, refused
from tests.services.certificates import EXPIRED, Authority, self_signed
from tests.services.directory_people import BASE, PASSWORD, SEARCHER_PASSWORD, SUFFIX
from tests.services.false_directory import Deaf, FalseDirectory, Wiretap
from tests.services.slapd import Slapd, dn_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from console.directory.ldap import Ldap

SECRETS = (PASSWORD.encode(), SEARCHER_PASSWORD.encode())
ROOT = Path(__file__).parent.parent
BOTH = pytest.mark.parametrize("at_once", [True, False], ids=["ldaps", "starttls"])


def no_secret_in(*kept: bytes | bytearray) -> None:
    for each in kept:
        assert not [secret for secret in SECRETS if secret in each]


def nobody_enters(directory: Ldap, within: float | None = None) -> str:
    """Nobody is let in, and why stands in no more than one plain sentence; what it says."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as fault:
        directory.authenticate("ann", PASSWORD)
    if within is not None:
        assert time.monotonic() - began < within
    assert "nothing was done" in str(fault.value)
    assert fault.value.__cause__ is None
    return str(fault.value)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that slapd can enter, who is not the tests' user."""
    made = Path(tempfile.mkdtemp(prefix="district-certificates-", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module")
def stranger(folder: Path) -> Authority:
    """An authority that the console was not told of, by the name of the one it was."""
    (folder / "stranger").mkdir()
    return Authority(folder / "stranger")


CERTIFICATES = ("expired", "not yet valid", "wrong authority", "self-signed", "wrong host", "no host")


def bad_certificate(what: str, slapd: Slapd, stranger: Authority, folder: Path) -> Path:
    good, name = slapd.authority, what.replace(" ", "-")
    match what:
        case "expired":
            return good.server(name, valid=EXPIRED)
        case "not yet valid":
            return good.server(name, valid=(timedelta(days=2), timedelta(days=9)))
        case "wrong authority":
            return stranger.server(name)
        case "self-signed":
            return self_signed(folder, name)
        case "wrong host":
            return good.server(name, hosts=("directory.district.example", "127.0.0.2"))
        case _:
            return good.server(name, hosts=())


# The person at the prompt


@pytest.mark.parametrize(
    "password",
    ["", " ", "\t \n", "\u00a0\u2003", "\u00ad", "\u200b\u2060", "\x00", "half \udc80", f"{PASSWORD}\x00", "x" * 5000],
)
def test_a_password_of_nothing_is_refused_before_anything_is_sent(slapd: Slapd, password: str) -> None:
    """VULNERABILITY: a bind with a name and no password succeeds, as nobody (RFC 4513, 5.1.2).

    ATTACK: an empty password, a blank one, one that SASLprep makes empty, one that a NUL ends early.
    VERIFIES: it is not accepted, and the server heard nothing at all.
    """
    with Wiretap(slapd.port) as tap:
        assert refused(opened(slapd.table(f"ldap://127.0.0.1:{tap.port}")), "ann", password) == "no password"
        assert tap.connections == 0


@pytest.mark.parametrize(
    "name",
    [
        "*", "a*", "ann)(uid=*", "*)(objectClass=*", "ann)(|(uid=*", "\\2a", "an\\6e", "ann\x00", "", " ", "a" * 300,
        "uid=ann", f"uid=ann,{BASE}", "ann@", "@district.example", "\\ann", "X\\Y\\ann", "X\\*", "ann@*", "ａｎｎ", "an\u00adn",
    ],
    ids=ascii,
)  # fmt: skip
def test_a_name_is_a_name_and_never_a_search(slapd: Slapd, name: str) -> None:
    """VULNERABILITY: a name that is pasted into a filter asks another question. ATTACK: filter metacharacters, a DN, look-alikes.

    VERIFIES: with a password that is somebody's, nobody is let in.
    """
    assert refused(opened(slapd.table()), name, PASSWORD) in ("no name", "no entry", "other domain")


def test_two_entries_for_one_name_are_nobody(slapd: Slapd, caplog: pytest.LogCaptureFixture) -> None:
    """VULNERABILITY: who can add an entry somewhere below the base takes another's name.

    ATTACK: a second `ann`, with a password of its own. VERIFIES: neither password is accepted; the log says why, and not who.
    """
    slapd.add(f"ou=annex,{BASE}", {"objectClass": "organizationalUnit"})
    twin = f"cn=twin,ou=annex,{BASE}"
    slapd.add(
        twin, {"objectClass": "inetOrgPerson", "cn": "twin", "sn": "A", "uid": "ANN", "userPassword": "another one"}
    )
    try:
        for password in (PASSWORD, "another one"):
            assert refused(opened(slapd.table()), "ann", password) == "several entries"
    finally:
        slapd.admin().delete(twin)
        slapd.admin().delete(f"ou=annex,{BASE}")
    assert "several entries" in caplog.text
    assert not re.search(r"\bann\b|district\.example|Abara|another one", caplog.text, re.IGNORECASE)
    assert opened(slapd.table()).authenticate("ann", PASSWORD).login == "ann"


def test_why_somebody_is_refused_is_not_told(slapd: Slapd) -> None:
    """VULNERABILITY: a prompt that tells an unknown name from a wrong password lists a district's staff.

    ATTACK: both, and a locked account. VERIFIES: one sentence; the codes differ.
    """
    slapd.add_person("locked")
    slapd.disable("locked")
    try:
        directory = opened(slapd.table())
        codes = {
            refused(directory, name, secret)
            for name, secret in (("nobody", "x y"), ("ann", "x y"), ("locked", PASSWORD))
        }
    finally:
        slapd.delete("locked")
    assert codes == {"no entry", "49", "not in use"}


# Who sits in front of the directory


@BOTH
def test_a_false_directory_with_the_right_certificate_would_let_anybody_in(slapd: Slapd, at_once: bool) -> None:
    """What the attacks below use works: with a certificate that holds, the false server lets in whoever comes, and hears it all."""
    with FalseDirectory(slapd.authority.server("right"), at_once=at_once) as false:
        assert opened(slapd.table(false.address)).authenticate("ann", PASSWORD).login == "ann"
        assert all(secret in false.heard for secret in SECRETS)
        no_secret_in(false.clear)


@BOTH
@pytest.mark.parametrize("what", CERTIFICATES)
def test_a_certificate_that_does_not_hold_ends_it(
    slapd: Slapd, stranger: Authority, folder: Path, what: str, at_once: bool
) -> None:
    """VULNERABILITY: ldap3 verifies no certificate unless it is told to, and no host name of its own within the handshake.

    ATTACK: a server that says yes to everything, with a certificate that is expired, not valid yet, of another authority or its
    own, for another host, or for none. VERIFIES: nobody is let in, and nothing was said after the handshake.
    """
    with FalseDirectory(bad_certificate(what, slapd, stranger, folder), at_once=at_once) as false:
        nobody_enters(opened(slapd.table(false.address)), within=3)
        assert false.connections == 1
        assert false.heard == b""
        no_secret_in(false.clear)


@pytest.mark.parametrize("what", CERTIFICATES)
def test_a_real_server_with_such_a_certificate_is_not_asked_either(
    slapd: Slapd, stranger: Authority, folder: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The same against OpenLDAP, over both; the log says which it was."""
    said = {
        "wrong host": "another address",
        "no host": "another address",
        "expired": "has expired",
        "not yet valid": "not valid yet",
    }
    with Slapd(authority=slapd.authority, certificate=bad_certificate(what, slapd, stranger, folder)) as server:
        for address in (server.ldaps, server.starttls):
            nobody_enters(opened(slapd.table(address)), within=3)
            assert said.get(what, "not vouched for") in caplog.text
            caplog.clear()


@pytest.mark.parametrize("manner", ["strip", "lie", "garbage"])
def test_starttls_that_does_not_start_sends_nothing(slapd: Slapd, manner: str) -> None:
    """VULNERABILITY: a client that goes on in clear when StartTLS fails.

    ATTACK: the server, or who sits before it, knows no StartTLS, says yes and speaks on in clear, or answers no LDAP.
    VERIFIES: nobody is let in; the wire saw the question for TLS, and no byte of a password.
    """
    with FalseDirectory(slapd.authority.server("stripped"), at_once=False, manner=manner) as false:
        nobody_enters(opened(slapd.table(false.address), HURRIED), within=3)
        assert b"1.3.6.1.4.1.1466.20037" in false.clear
        no_secret_in(false.clear, false.heard)


def test_an_openldap_without_tls_is_refused(slapd: Slapd) -> None:
    """VULNERABILITY: `ldap://` of a server without TLS. ATTACK: one is configured, and a tap listens.

    VERIFIES: nobody is let in, and no byte of a password was on the wire; the tap does hear what is sent in clear.
    """
    with Slapd(authority=slapd.authority, tls=False) as server, Wiretap(server.port) as tap:
        nobody_enters(opened(slapd.table(f"ldap://127.0.0.1:{tap.port}")), within=3)
        assert tap.clear
        no_secret_in(tap.clear)
        in_clear = ldapwhoami(tap.port)
        assert in_clear.returncode == 0, in_clear.stderr
        assert SEARCHER_PASSWORD.encode() in tap.clear


def ldapwhoami(port: int) -> subprocess.CompletedProcess[str]:
    command = [
        "ldapwhoami",
        "-x",
        "-H",
        f"ldap://127.0.0.1:{port}",
        "-D",
        f"cn=console,{SUFFIX}",
        "-w",
        SEARCHER_PASSWORD,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_over_verified_tls_the_wire_sees_no_password(slapd: Slapd) -> None:
    """What goes well leaves nothing on the wire either."""
    with Wiretap(slapd.port) as starts, Wiretap(slapd.tls_port) as at_once:
        for address in (f"ldap://127.0.0.1:{starts.port}", f"ldaps://127.0.0.1:{at_once.port}"):
            directory = opened(slapd.table(address))
            assert directory.authenticate("ann", PASSWORD).login == "ann"
            assert refused(directory, "ann", "not this one") == "49"
        for tap in (starts, at_once):
            assert len(tap.clear) > 1000
            no_secret_in(tap.clear)
            assert b"not this one" not in tap.clear


def test_an_answer_put_before_tls_is_no_answer(slapd: Slapd) -> None:
    """VULNERABILITY: what was received in clear is read as if it had come through TLS (CVE-2011-0411 and its kin).

    ATTACK: after the answer to StartTLS, yes to the binds that are to come, in the same segment. VERIFIES: nobody is let in.
    """
    with FalseDirectory(slapd.authority.server("injected"), at_once=False, manner="inject") as false:
        nobody_enters(opened(slapd.table(false.address), HURRIED), within=3)
        no_secret_in(false.clear, false.heard)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_tls_older_than_1_2_is_not_spoken(slapd: Slapd, folder: Path) -> None:
    """VULNERABILITY: TLS 1.0 and 1.1. ATTACK: a server that speaks nothing newer. VERIFIES: nobody is let in."""
    with FalseDirectory(slapd.authority.server("old"), at_once=True) as false:
        false._context.set_ciphers("ALL:@SECLEVEL=0")
        false._context.minimum_version = ssl.TLSVersion.TLSv1
        false._context.maximum_version = ssl.TLSVersion.TLSv1_1
        nobody_enters(opened(slapd.table(false.address)), within=3)
        assert false.heard == b""
    # OpenSSL as Debian builds it would refuse it by itself; elsewhere it may not.
    assert context(slapd.ca_file).minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("manner", ["refer", "refer-all"])
def test_a_referral_is_not_followed(slapd: Slapd, manner: str) -> None:
    """VULNERABILITY: ldap3 follows a referral by default, in clear text, with the same password.

    ATTACK: a verified server sends the searcher's questions, or a person's bind, to another. VERIFIES: nobody called there.
    """
    with Wiretap(slapd.port) as lure:
        elsewhere = f"ldap://127.0.0.1:{lure.port}/{SUFFIX}"
        certificate = slapd.authority.server("refers")
        with FalseDirectory(certificate, at_once=True, manner=manner, elsewhere=elsewhere) as false:
            nobody_enters(opened(slapd.table(false.address)), within=3)
            assert len(false.binds) == (2 if manner == "refer" else 1)
        assert lure.connections == 0


def test_a_referral_of_openldap_is_not_followed(slapd: Slapd) -> None:
    """The same from OpenLDAP: at the bind, at the base of the search, and within what it finds."""
    with Wiretap(slapd.port) as lure:
        elsewhere = f"ldap://127.0.0.1:{lure.port}"
        with Slapd(authority=slapd.authority, referral=elsewhere) as server:
            nobody_enters(opened(slapd.table(server.ldaps)), within=3)
        away = f"ou=elsewhere,{BASE}"
        slapd.add(
            away, {"objectClass": ["referral", "extensibleObject"], "ou": "elsewhere", "ref": f"{elsewhere}/{away}"}
        )
        try:
            nobody_enters(opened(slapd.table(base=away)), within=3)
            whole = opened(slapd.table())
            assert refused(whole, "zed", PASSWORD) == "no entry"
            assert whole.authenticate("ann", PASSWORD).login == "ann"
            assert "ann" in {person.login for person in whole.people()}
        finally:
            slapd.admin().delete(away, controls=[("2.16.840.1.113730.3.4.2", True, None)])
        assert lure.connections == 0


def test_the_environment_names_no_authority_and_keeps_no_secrets(slapd: Slapd, tmp_path: Path) -> None:
    """VULNERABILITY: OpenSSL reads who may vouch from SSL_CERT_FILE, and Python writes session secrets to SSLKEYLOGFILE.

    ATTACK: both are set, for a console that trusts the system's authorities. VERIFIES: nobody is let in, nothing is written.
    """
    table = slapd.table() | {"ca_file": ""}
    (tmp_path / "table").write_text(repr(table))
    (tmp_path / "trusting").write_text(repr(slapd.table()))
    code = (
        "import ast, sys; from tests.asked_directory import opened\n"
        "try: print(opened(ast.literal_eval(open(sys.argv[1]).read())).ping())\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SSL_CERT_FILE": str(slapd.ca_file),
        "SSL_CERT_DIR": str(slapd.ca_file.parent),
        "SSLKEYLOGFILE": str(tmp_path / "secrets"),
    }

    def said(table: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / table)],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip

    assert said("table") == "Unavailable"
    assert said("trusting") == f"127.0.0.1:{slapd.tls_port}"
    assert not (tmp_path / "secrets").exists()


# Bad days


def test_a_server_that_is_down_is_left_for_the_next(slapd: Slapd, stranger: Authority) -> None:
    """Down, deaf, silent, with a bad certificate: each is left, and the one that is well is asked."""
    with (
        Deaf() as deaf,
        FalseDirectory(slapd.authority.server("quiet"), at_once=True, manner="silent") as silent,
        FalseDirectory(stranger.server("strange"), at_once=True) as strange,
        FalseDirectory(slapd.authority.server("babbling"), at_once=True, manner="garbage") as garbage,
    ):
        down = "ldaps://127.0.0.1:9"
        patience = type(HURRIED)(resolve=1, connect=1, answer=1, in_all=9)
        bad = (down, f"ldaps://127.0.0.1:{deaf.port}", silent.address, strange.address, garbage.address)
        directory = opened(slapd.table(*bad, slapd.ldaps), patience)
        assert directory.ping() == f"127.0.0.1:{slapd.tls_port}"
        assert opened(slapd.table(down, slapd.ldaps)).authenticate("ann", PASSWORD).login == "ann"
        assert next(opened(slapd.table(down, slapd.ldaps)).people()).login
        no_secret_in(silent.clear, strange.clear, strange.heard)


@pytest.mark.parametrize(
    ("manner", "pause"), [("silent", 0.0), ("yes", 1.5), ("drip", 0.5)], ids=["silent", "slow", "drip"]
)
def test_a_server_is_waited_for_no_longer_than_was_said(slapd: Slapd, manner: str, pause: float) -> None:
    """VULNERABILITY: a time limit for each read never ends for a server that sends a byte now and then.

    ATTACK: one that never answers, one that answers late, one that answers a byte at a time; three of each.
    VERIFIES: two seconds in all are two seconds.
    """
    with FalseDirectory(slapd.authority.server(f"late-{manner}"), at_once=True, manner=manner, pause=pause) as false:
        began = time.monotonic()
        nobody_enters(opened(slapd.table(false.address, false.address, false.address), HURRIED))
        assert 0.9 < time.monotonic() - began < 2.7


def test_the_stated_limits_are_the_measured_ones(slapd: Slapd) -> None:
    """Three seconds for a connection, five for an answer, twelve in all: deaf, silent, and two more that there is no time for."""
    with Deaf() as deaf, FalseDirectory(slapd.authority.server("mute"), at_once=True, manner="silent") as silent:
        hosts = (f"ldaps://127.0.0.1:{deaf.port}", silent.address, silent.address, silent.address)
        began = time.monotonic()
        nobody_enters(opened(slapd.table(*hosts)))
        assert 11.5 < time.monotonic() - began < 13.5
        assert silent.connections == 2


def test_a_password_goes_to_one_server_once(slapd: Slapd) -> None:
    """VULNERABILITY: a password that is tried at server after server locks its account by one mistake.

    ATTACK: the first server hangs up on the bind; then, one that says no. VERIFIES: the second is not asked.
    """
    with (
        FalseDirectory(slapd.authority.server("leaves"), at_once=True, manner="leave") as leaves,
        Wiretap(slapd.tls_port) as second,
    ):
        there = f"ldaps://127.0.0.1:{second.port}"
        nobody_enters(opened(slapd.table(leaves.address, there)))
        assert second.connections == 0
        assert sum(PASSWORD.encode() in each for each in leaves.binds) == 1
        assert refused(opened(slapd.table(slapd.ldaps, there)), "ann", "a wrong one") == "49"
        assert second.connections == 0


def test_a_searching_account_that_is_refused_is_not_tried_elsewhere(slapd: Slapd, tmp_path: Path) -> None:
    """It is a fault of the settings, and said as one; a server after the other would only lock the account."""
    wrong = tmp_path / "wrong"
    wrong.write_text("not its password")
    wrong.chmod(0o600)
    with Wiretap(slapd.tls_port) as second:
        table = slapd.table(slapd.ldaps, f"ldaps://127.0.0.1:{second.port}", password_file=str(wrong))
        with pytest.raises(Unavailable, match=r"the console's own account.*directory\.password_file"):
            opened(table).authenticate("ann", PASSWORD)
        assert second.connections == 0
        wrong.chmod(0o644)
        with pytest.raises(Unavailable, match="open to others"):
            opened(table).ping()


def test_a_directory_that_breaks_off_does_not_look_whole(slapd: Slapd) -> None:
    """VULNERABILITY: half a list, taken for all of it, disables the other half.

    ATTACK: the server dies between two pages. VERIFIES: the walk through everybody ends with Unavailable.
    """
    directory = opened(slapd.table(unreachable="Call the help desk."))
    found: list[Any] = []
    with Slapd(authority=slapd.authority) as server:
        for number in range(600):
            server.add_person(f"many{number}")
        directory = opened(slapd.table(server.ldaps, unreachable="Call the help desk."))
        assert len({person.id for person in directory.people()}) == 608
        walk: Iterator[Any] = directory.people()
        found.append(next(walk))
        server.stop()
        with pytest.raises(Unavailable, match=r"Call the help desk\.$"):
            found.extend(walk)
        assert 0 < len(found) < 608


def test_nothing_is_loaded_before_the_first_question(slapd: Slapd) -> None:
    """The console opens without ldap3, 0.1 s, and nothing that it warns of comes out."""
    code = (
        "import sys, warnings; warnings.simplefilter('error'); from tests.asked_directory import opened\n"
        f"one = opened({slapd.table()!r}); assert 'ldap3' not in sys.modules; one.ping(); assert 'ldap3' in sys.modules"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_synthetic_people_are_left_as_they_were(slapd: Slapd) -> None:
    """The server is the whole session's."""
    assert {person.login for person in opened(slapd.table()).people()} >= {"ann", "bob", "cara", "dan", "eve"}
    assert slapd.uuid("ann")
    assert dn_of("ann").endswith(BASE)
