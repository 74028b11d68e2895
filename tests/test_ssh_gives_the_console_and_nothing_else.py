"""Over SSH there is the console and nothing else: no shell, no files of the server, no forwarding, no variable of the client.

Against a real sshd whose main file allows everything (`tests/services/sshd.py`), so that what is refused is refused by the drop-in
and the console. Each attack says what it would gain and what is verified.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fixtures.demo import build
from tests.services.postgres import free_port
from tests.services.sshd import Sshd
from tests.services.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST = ("district", "registrations", "list", "--limit", "3")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The SSH server of a demonstration, in which nobody signs in: what a key alone gives."""
    made = build(tmp_path_factory.mktemp("ssh") / "demo", students=200, seed=7, today=date(2026, 11, 21))
    with Sshd(made.directory / "district.toml", unused_seconds=2) as started:
        yield started


@pytest.fixture(scope="module")
def key(server: Sshd) -> Path:
    return server.key("ann")


def variables(pid: int) -> dict[str, str]:
    """The environment that a process was started with."""
    said = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(each.split("=", 1) for each in said if "=" in each)


def gone(server: Sshd, within: float = 10.0) -> bool:
    """Whether nothing that a connection started runs any more."""
    deadline = time.monotonic() + within
    while server.consoles() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not server.consoles()


def silent(client: socket.socket) -> bool:
    """Whether nobody answers what is sent: the other end is closed, or was."""
    try:
        client.sendall(b"hello")
        return client.recv(1) == b""
    except (ConnectionResetError, BrokenPipeError):
        return True


def opened(server: Sshd, key: Path, *options: str) -> Terminal:
    return Terminal(server.ssh(key, options=("-tt", *options)))


def test_a_listed_key_gets_the_line_mode_and_another_gets_nothing(server: Sshd, key: Path) -> None:
    answer = server.run(key, *LIST)
    assert answer.returncode == 0, answer.stderr
    assert len(answer.stdout.splitlines()) == 4
    refused = server.run(server.key("stranger", listed=False), *LIST)
    assert (refused.returncode, refused.stdout) == (255, b"")
    assert b"Permission denied (publickey)" in refused.stderr


def test_a_certificate_of_an_operator_who_is_listed_is_taken_and_another_is_not(server: Sshd) -> None:
    from tests.test_ssh_is_set_up_as_it_says import sign

    for operator, code in (("ann", 0), ("mallory", 255)):
        file = server.key(f"certified-{operator}", listed=False)
        assert sign(f"{file}.pub", "--operator", operator, "--ca", server.layout.user_ca).returncode == 0
        server.trust("ann", "bob")
        assert server.run(file, "district", "roles").returncode == code, operator


def test_what_a_client_sends_as_environment_changes_nothing_of_a_command(
    server: Sshd, key: Path, tmp_path: Path
) -> None:
    """VULNERABILITY: the interpreter, the loader, shells and the console read variables that name code, files and people.

    ATTACK: a client sends them all, to a server whose main file takes every one. VERIFIES: the answer is the same to the byte, and
    no module, library or script of the client's was run.
    """
    marks = tmp_path / "ran"
    (tmp_path / "sitecustomize.py").write_text(f"open({str(marks)!r}, 'a').write('python')\n")
    (tmp_path / "click.py").write_text(f"open({str(marks)!r}, 'a').write('click')\n")
    (tmp_path / "rc").write_text(f"echo shell >> {marks}\n")
    evil = {
        "PYTHONPATH": tmp_path,
        "PYTHONSTARTUP": tmp_path / "click.py",
        "PYTHONHOME": tmp_path,
        "PYTHONINSPECT": "1",
        "BASH_ENV": tmp_path / "rc",
        "ENV": tmp_path / "rc",
        "LD_PRELOAD": tmp_path / "evil.so",
        "LD_LIBRARY_PATH": tmp_path,
        "DISTRICT_OPERATOR": "nobody-here",
        "DISTRICT_DATABASE_URL": f"sqlite:///{tmp_path}/other.db",
        "DISTRICT_CONFIG": tmp_path / "other.toml",
        "SSH_USER_AUTH": tmp_path / "auth",
        "HOME": tmp_path,
        "TMPDIR": tmp_path / "nowhere",
        "XDG_RUNTIME_DIR": tmp_path,
        "SSL_CERT_FILE": tmp_path / "ca.pem",
        "LDAPTLS_REQCERT": "never",
        "LC_ALL": "../../../tmp/x",
    }
    sent = [f"-oSetEnv={' '.join(f'{name}={value}' for name, value in evil.items())}"]
    plain, attacked = server.run(key, *LIST), server.run(key, *LIST, options=sent)
    assert plain.returncode == 0
    assert (attacked.returncode, attacked.stdout, attacked.stderr) == (0, plain.stdout, plain.stderr)
    assert not marks.exists()


def test_what_a_client_sends_as_environment_does_not_reach_the_console(server: Sshd, key: Path, tmp_path: Path) -> None:
    """VULNERABILITY: TEXTUAL_DRIVER imports the module that it names, inside the console.

    ATTACK: it is sent, with a module that leaves a mark, and PYTHONPATH to find it. VERIFIES: the console opens as ever, its process
    was started with none of it, and there is no mark.
    """
    marks = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(marks)!r}, 'w')\n")
    names = {
        "TEXTUAL_DRIVER": "evil:Driver",
        "TEXTUAL_LOG": str(marks),
        "PYTHONPATH": str(tmp_path),
        "COLUMNS": "20",
        "LD_PRELOAD": "/evil.so",
    }
    sent = f"-oSetEnv={' '.join(f'{name}={value}' for name, value in names.items())}"
    with opened(server, key, sent) as terminal:
        terminal.wait_for("What waits")
        (console,) = server.consoles()
        assert set(variables(console)) & {*names, "LANG", "LC_ALL"} == set()
        terminal.press("q")
        terminal.wait_for("Leave")
        terminal.press("y")
        assert terminal.exit_code() == 0
    assert gone(server)
    assert not marks.exists()


@pytest.mark.parametrize(
    "asked",
    [
        "district roles; touch MARK",
        "touch MARK",
        "district\x1b]0;x\x07",
    ],
    ids=repr,
)
def test_a_command_with_a_shells_characters_runs_nothing(asked: str, server: Sshd, key: Path, tmp_path: Path) -> None:
    """VULNERABILITY: sshd passes the text on, and a shell would run what stands behind a semicolon.

    ATTACK: ways to have a second command run; all of them in test_ssh_commands_are_words. VERIFIES: one sentence, exit code 2, no
    data, no mark.
    """
    mark = tmp_path / "mark"
    refused = server.run(key, asked.replace("MARK", str(mark)))
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"nothing was" in refused.stderr
    assert b"\x1b" not in refused.stderr
    assert not mark.exists()


def test_what_stands_in_quotes_is_data(server: Sshd, key: Path) -> None:
    found = server.run(key, "district registrations list --where 'state:submitted match:>=3' --format json")
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith(b"[")


@pytest.mark.parametrize(
    "words",
    ["--config=/etc/shadow roles", "import roster /etc/shadow", "audit export --out=MARK --force", "demo MARK"],
)
def test_no_command_reads_or_writes_a_file_of_the_server(words: str, server: Sshd, key: Path, tmp_path: Path) -> None:
    """VULNERABILITY: the shared account can read the portal's keys, and write where SQLite's file lies.

    ATTACK: options and arguments that name a file; all of them in test_ssh_commands_are_words. VERIFIES: refused before anything is
    opened, with nothing of the file in the sentence.
    """
    mark = tmp_path / "mark"
    refused = server.run(key, "district", words.replace("MARK", str(mark)))
    assert refused.returncode in (1, 2)
    assert refused.stdout == b""
    assert b"nothing was" in refused.stderr
    assert b"root:" not in refused.stderr
    assert not mark.exists()


def test_the_console_writes_no_file_at_the_server_either(server: Sshd, key: Path, tmp_path: Path) -> None:
    """VULNERABILITY: the export's dialog asks for a file, which the shared account would write.

    ATTACK: export to a path of the server, at the screen. VERIFIES: one sentence that says how else; no file.
    """
    with opened(server, key) as terminal:
        terminal.wait_for("What waits")
        terminal.press("6")
        terminal.wait_for("Audit")
        terminal.wait_for("Export")
        terminal.press("e")
        terminal.wait_for("Over SSH no file is written at the server")
        terminal.press("y")
        terminal.wait_for("nothing was exported")
        terminal.press("n")
    assert gone(server)
    assert list(server.layout.config.parent.rglob("report.zip")) + list(Path.home().glob("report.zip")) == []


@pytest.mark.parametrize("how", ["sftp", "scp -O", "subsystem"])
def test_no_file_goes_by_sftp_or_scp(how: str, server: Sshd, key: Path, tmp_path: Path) -> None:
    """VULNERABILITY: sshd offers sftp beside every session, and scp is a command.

    ATTACK: fetch the ledger's key, and put a file down. VERIFIES: neither came about.
    """
    secret = server.layout.config.parent / "keys" / "ledger.key"
    assert secret.exists()
    common = server.ssh(key)[1:-1]
    common[common.index("-p")] = "-P"
    place = f"{server.account}@127.0.0.1:"
    put, got = tmp_path / "put", tmp_path / "got"
    put.write_text("x")
    if how == "subsystem":
        done = server.run(key, "sftp", options=["-s"], given=b"\0\0\0\5\1\0\0\0\3")
        assert done.stdout == b""
        assert done.returncode != 0
        return
    for source, target in ((f"{place}{secret}", str(got)), (str(put), f"{place}{tmp_path}/there")):
        if how == "sftp":
            text = f"get {secret} {got}\nput {put} {tmp_path}/there\n"
            command, given = ["sftp", *common, "-b", "-", place.rstrip(":")], text
        else:
            command, given = ["scp", *how.split()[1:], *common, source, target], ""
        failed = subprocess.run(command, input=given, capture_output=True, text=True, timeout=20, check=False)
        assert failed.returncode != 0
    assert not got.exists()
    assert not (tmp_path / "there").exists()


def test_nothing_is_forwarded_from_the_client(server: Sshd, key: Path, tmp_path: Path) -> None:
    """VULNERABILITY: a forwarded port reaches the database or the directory from inside the server's network.

    ATTACK: reach listeners of the server through ssh -L, to a port and to a socket, and -D. VERIFIES: neither ever hears anything.
    """
    local, far = tmp_path / "local", tmp_path / "far"
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as beside:
        beside.bind(str(far))
        beside.listen()
        port, socks, inside = free_port(), free_port(), listener.getsockname()[1]
        options = [f"-L127.0.0.1:{port}:127.0.0.1:{inside}", f"-L{local}:{far}", f"-D127.0.0.1:{socks}", "-N"]
        client = subprocess.Popen(server.ssh(key, options=options), stderr=subprocess.DEVNULL)
        try:
            assert silent(_reaching(port))
            assert silent(_reaching(local))
            proxied = _reaching(socks)
            proxied.sendall(b"\5\1\0")
            assert proxied.recv(2) == b"\5\0"
            proxied.sendall(b"\5\1\0\1\x7f\0\0\1" + inside.to_bytes(2, "big"))
            proxied.recv(10)
            assert silent(proxied)
        finally:
            client.kill()
            client.wait()
        for each in (listener, beside):
            each.settimeout(0.1)
            with pytest.raises(TimeoutError):
                each.accept()


def _reaching(where: int | Path) -> socket.socket:
    """A connection to the client's end, as soon as it listens."""
    deadline = time.monotonic() + 10
    while True:
        made = socket.socket(socket.AF_INET if isinstance(where, int) else socket.AF_UNIX)
        made.settimeout(5)
        try:
            made.connect(("127.0.0.1", where) if isinstance(where, int) else str(where))
        except OSError:
            made.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return made


def test_nothing_is_forwarded_from_the_server(server: Sshd, key: Path) -> None:
    """VULNERABILITY: a port of the server that leads to the client, or a tunnel device. ATTACK: ssh -R and -w. VERIFIES: both fail."""
    port = free_port()
    for option in (f"-R127.0.0.1:{port}:127.0.0.1:1", "-w0:0"):
        failed = server.run(key, *LIST, options=[option, "-oExitOnForwardFailure=yes"])
        assert failed.returncode == 255, option
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_neither_agent_nor_display_is_forwarded(server: Sshd, key: Path, tmp_path: Path) -> None:
    """VULNERABILITY: DisableForwarding leaves X11 and agents open in OpenSSH before 10.0 (CVE-2025-32728), and who has the shared
    account could use every operator's agent.

    ATTACK: ssh -A with an agent, ssh -Y with a display. VERIFIES: the console's process has neither socket nor display.
    """
    agent = subprocess.Popen(
        ["ssh-agent", "-D", "-a", tmp_path / "agent"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        options = ["-tt", "-A", "-Y", f"-oIdentityAgent={tmp_path}/agent"]
        with Terminal(["env", "DISPLAY=:99", *server.ssh(key, options=options)]) as terminal:
            terminal.wait_for("What waits")
            (console,) = server.consoles()
            assert set(variables(console)) & {"SSH_AUTH_SOCK", "DISPLAY", "XAUTHORITY"} == set()
    finally:
        agent.send_signal(signal.SIGTERM)
        agent.wait()
    assert gone(server)


def test_a_connection_with_nothing_in_it_is_ended(server: Sshd, key: Path) -> None:
    """VULNERABILITY: ssh -N holds a connection open without end. ATTACK: it. VERIFIES: the server ends it (here after 2 seconds)."""
    began = time.monotonic()
    ended = server.run(key, options=["-N"])
    assert ended.returncode == 255
    assert 1.5 < time.monotonic() - began < 15


def test_no_rc_file_is_run_and_the_server_says_so(server: Sshd) -> None:
    said = subprocess.run(
        [
            "/usr/sbin/sshd",
            "-T",
            "-f",
            server.folder / "sshd_config",
            "-C",
            f"user={server.account},host=x,addr=127.0.0.1",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "\npermituserrc no\n" in said
    from console.ssh.installing import differences

    assert differences(server.layout, said) == []


def test_without_a_terminal_the_console_refuses(server: Sshd, key: Path) -> None:
    """VULNERABILITY: without a terminal the screens read an end of input for ever, with a whole core, and outlive the connection.

    ATTACK: open the console without one, and break off at once. VERIFIES: one sentence, exit code 2, and no process is left.
    """
    refused = server.run(key, options=["-T"])
    assert (refused.returncode, refused.stdout) == (2, b"")
    assert b"The console needs a terminal; nothing was opened." in refused.stderr
    for words in ((), ("district",)):
        client = subprocess.Popen(
            server.ssh(key, *words, options=["-T"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        time.sleep(0.2)
        client.kill()
        client.communicate()
    assert gone(server)


def test_a_console_ends_with_its_connection_and_follows_the_terminals_size(server: Sshd, key: Path) -> None:
    with opened(server, key) as terminal:
        terminal.wait_for("What waits")
        terminal.resize(120, 40)
        terminal.wait_until(
            lambda rows: max(len(row) for row in rows) > 90 and rows[-1].strip() != "", "the wide screen"
        )
        terminal.resize(70, 20)
        terminal.wait_until(lambda rows: bool(rows[19].strip()), "the small screen")
        assert len(server.consoles()) == 1
        os.kill(terminal.pid, signal.SIGKILL)
        assert gone(server)


@pytest.mark.parametrize("sent", ["", "dumb", "../../x"])
def test_a_terminal_that_is_none_is_refused(sent: str, server: Sshd, key: Path) -> None:
    with Terminal(["env", f"TERM={sent}", *server.ssh(key, options=["-tt"])]) as terminal:
        terminal.wait_for(
            re.compile("cannot show the console; nothing was opened.*Connection to 127.0.0.1 closed", re.DOTALL)
        )
