"""The SSH set-up is told before it is done, done once, never over what is there, and held against what sshd itself says."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from console.errors import Usage
from console.ssh.drop_in import directives
from console.ssh.installing import differences
from console.ssh.layout import Layout
from tests.portals import open_portal

DISTRICT = [sys.executable, "-m", "console.cli.main"]
DROP_IN = "etc/ssh/sshd_config.d/20-district.conf"
ALL = [
    "account district",
    "folder /var/lib/district-ssh root:root 0755",
    "folder /var/lib/district-ssh/.local/state/district district:district 0700",
    "folder /etc/ssh/district root:root 0755",
    "file /etc/ssh/district/keys root:district 0640",
    "file /etc/ssh/district/user_ca root:root 0400",
    "file /etc/ssh/district/user_ca.pub root:root 0644",
    "file /etc/ssh/district/principals root:district 0640",
    "file /etc/ssh/sshd_config.d/20-district.conf root:root 0644",
]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The root of a server's image."""
    (tmp_path / "image" / "etc").mkdir(parents=True)
    return tmp_path / "image"


def install(root: Path, *words: object, config: Path | None = None) -> subprocess.CompletedProcess[str]:
    before = ["--config", config] if config else []
    command = [*DISTRICT, *before, "ssh", "install", "--root", root, *words]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def tree(root: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path.relative_to(root)): (
            stat.S_IMODE(path.stat().st_mode),
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(root.rglob("*"))
    }


def test_a_dry_run_says_everything_with_its_reason_and_does_nothing(root: Path) -> None:
    told = install(root, "--dry-run", "--make-user-ca")
    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert [line.removesuffix(": to do") for line in lines if not line.startswith(" ")] == ALL
    for n, line in enumerate(lines):
        if not line.startswith(" "):
            assert re.match(r"    [A-Z].*\.$", lines[n + 1]), line
    assert "    | Match User district" in lines
    assert any(line.startswith("    | useradd --prefix") and "--password '*' district" in line for line in lines)
    assert [path.name for path in root.rglob("*")] == ["etc"]


def test_writing_does_what_was_told_with_owners_and_modes_and_again_does_nothing(root: Path) -> None:
    done = install(root, "--write", "--make-user-ca")
    assert (done.returncode, done.stdout.splitlines()) == (0, ALL), done.stderr
    uid, gid = (root / "etc/passwd").read_text().split(":")[2:4]
    for line in ALL[1:]:
        _, path, owner, mode = line.split()
        status = (root / path[1:]).stat()
        wanted = {"root:root": (0, 0), "root:district": (0, int(gid)), "district:district": (int(uid), int(gid))}
        assert (f"{stat.S_IMODE(status.st_mode):04o}", status.st_uid, status.st_gid) == (mode, *wanted[owner]), line
    assert (root / "etc/passwd").read_text().endswith(":/var/lib/district-ssh:/bin/sh\n")
    before = tree(root)
    again = install(root, "--write", "--make-user-ca")
    assert (again.returncode, again.stdout) == (0, "")
    assert "0 of 9 steps" in again.stderr
    assert tree(root) == before


def test_what_differs_is_shown_and_nothing_at_all_is_done(root: Path) -> None:
    (root / DROP_IN).parent.mkdir(parents=True)
    (root / DROP_IN).write_text("Match User district\n    PasswordAuthentication yes\n")
    (root / DROP_IN).chmod(0o644)
    before = tree(root)
    refused = install(root, "--write")
    assert refused.returncode == 1
    assert "-    PasswordAuthentication yes" in refused.stderr
    assert "+    PasswordAuthentication no" in refused.stderr
    assert "What is there differs; nothing was done" in refused.stderr
    assert tree(root) == before


@pytest.mark.parametrize("what", ["writable", "link", "another's", "folder for all"])
def test_a_file_that_others_could_write_is_not_taken_for_ours(what: str, root: Path) -> None:
    assert install(root, "--write").returncode == 0
    keys = root / "etc/ssh/district/keys"
    if what == "writable":
        keys.chmod(0o660)
    elif what == "link":
        keys.rename(keys.with_name("other"))
        keys.symlink_to("other")
    elif what == "another's":
        import os

        os.chown(keys, 65534, 65534)
    else:
        keys.parent.chmod(0o777)
    refused = install(root, "--write")
    assert refused.returncode == 1
    assert "wanted is 0:" in refused.stderr


def test_keys_that_were_listed_stay(root: Path) -> None:
    assert install(root, "--write").returncode == 0
    keys = root / "etc/ssh/district/keys"
    keys.write_text("restrict,pty ssh-ed25519 AAAA ann\n")
    assert install(root, "--write").returncode == 0
    assert keys.read_text() == "restrict,pty ssh-ed25519 AAAA ann\n"


def test_the_portals_keys_and_database_become_the_accounts_own(root: Path, tmp_path: Path) -> None:
    from tests.line_mode import write_settings

    folder = root / "srv"
    folder.mkdir()
    portal = open_portal(f"sqlite:///{folder / 'portal.db'}", folder)
    config = write_settings(portal, folder)
    portal.office.engine.dispose()
    image = Path("/", config.relative_to(root))
    done = install(root, "--write", config=image)
    assert done.returncode == 0, done.stderr
    uid = int((root / "etc/passwd").read_text().split(":")[2])
    for name, mode in (("keys", 0o700), ("keys/ledger.key", 0o400), ("keys/data.key", 0o400), ("portal.db", 0o600)):
        status = (folder / name).stat()
        assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (uid, mode), name
    assert config.stat().st_uid == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Match all\n  AcceptEnv LD_*", "AcceptEnv is"),
        ("PermitUserEnvironment yes", "PermitUserEnvironment is not no"),
        ("Match User district\n  ForceCommand /bin/sh", "ForceCommand is '/bin/sh'"),
        ("Match all\n  DisableForwarding no", "DisableForwarding is 'no'"),
        ("SetEnv LD_PRELOAD=/tmp/x.so", "SetEnv is set"),
    ],
)
def test_what_another_file_of_the_server_outweighs_is_found(line: str, said: str, tmp_path: Path) -> None:
    """VULNERABILITY: the first value counts in sshd_config, and AcceptEnv adds up, so that a file read earlier opens what ours closes.

    ATTACK: such a line before the drop-in. VERIFIES: the check names it; without the line it finds nothing.
    """
    layout = Layout("district", Path("/etc/district/district.toml"), Path(sys.executable), trusts_ca=True)
    from console.ssh.drop_in import text

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "host"], check=True)
    (tmp_path / "drop-in").write_text(text(layout))

    def in_force(before: str) -> list[str]:
        main = tmp_path / "sshd_config"
        (tmp_path / "before").write_text(before + "\n")
        main.write_text(
            f"HostKey {tmp_path}/host\nInclude {tmp_path}/before\nInclude {tmp_path}/drop-in\nAcceptEnv LANG LC_*\n"
        )
        who = "user=district,host=localhost,addr=127.0.0.1"
        said = subprocess.run(
            ["/usr/sbin/sshd", "-T", "-f", main, "-C", who], capture_output=True, text=True, check=True
        ).stdout
        return differences(layout, said)

    assert in_force("") == []
    assert any(each.startswith(said) for each in in_force(line))


def test_every_directive_of_the_drop_in_is_held_against_sshd(tmp_path: Path) -> None:
    layout = replace(Layout("district", Path("/c"), Path("/p"), trusts_ca=True), security_keys=True)
    wrong = differences(layout, "permituserenvironment no\n")
    assert [each.split()[0] for each in wrong] == [keyword for keyword, _, _ in directives(layout)]


def test_security_keys_alone_are_taken_where_asked_for(root: Path) -> None:
    assert install(root, "--write", "--security-keys").returncode == 0
    text = (root / DROP_IN).read_text()
    assert "    PubkeyAuthOptions verify-required\n" in text
    assert "PubkeyAcceptedAlgorithms sk-ssh-ed25519@openssh.com" in text


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--dry-run", "--account", "root"],
        ["--dry-run", "--account", "a b"],
        ["--dry-run", "--account", "x\nMatch all"],
        ["--dry-run", "--folder", "/etc/ssh/%u"],
        ["--dry-run", "--folder", "/etc/../tmp"],
        ["--dry-run", "--folder", "relative"],
        ["--dry-run", "--user-ca", "/etc/hostname"],
        ["--dry-run", "--user-ca", "/etc/hostname", "--make-user-ca"],
    ],
    ids=["nothing", "root", "space", "newline", "token", "dots", "relative", "no key", "two"],
)
def test_what_sshd_could_take_otherwise_is_refused(words: list[str], root: Path) -> None:
    refused = install(root, *words)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "nothing was done" in refused.stderr
    assert list((root / "etc").iterdir()) == []


def keygen(*words: object) -> str:
    return subprocess.run(["ssh-keygen", *map(str, words)], capture_output=True, text=True, check=True).stdout


def sign(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DISTRICT, "ssh", "sign", *map(str, words)], capture_output=True, text=True, check=False)


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ca")
    return tmp_path / "ca"


def test_a_certificate_names_one_operator_for_so_many_days_and_gives_a_terminal_only(
    authority: Path, tmp_path: Path
) -> None:
    keygen("-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "ann")
    made = sign(tmp_path / "ann.pub", "--operator", "ann.vale", "--days", 30, "--ca", authority)
    assert made.returncode == 0, made.stderr
    assert made.stdout == f"{tmp_path}/ann-cert.pub\n"
    shown = keygen("-L", "-f", tmp_path / "ann-cert.pub")
    assert 'Key ID: "ann.vale"' in shown
    assert re.search(r"Principals: \n +ann\.vale\n +Critical Options: \(none\)\n +Extensions: \n +permit-pty\n$", shown)
    begin, end = re.findall(r"(\d{4}-\d\d-\d\d)T", shown)
    from datetime import date

    assert (date.fromisoformat(end) - date.fromisoformat(begin)).days in (30, 31)
    again = sign(tmp_path / "ann.pub", "--operator", "bob", "--ca", authority)
    assert (again.returncode, again.stdout) == (1, "")


@pytest.mark.parametrize("what", ["private", "weak", "text", "gone", "name", "option", "days", "open authority"])
def test_what_should_not_be_signed_is_not(what: str, authority: Path, tmp_path: Path) -> None:
    key = tmp_path / "ann"
    keygen("-q", *(["-t", "rsa", "-b", "2048"] if what == "weak" else ["-t", "ed25519"]), "-N", "", "-f", key)
    given: Path = key if what == "private" else tmp_path / "ann.pub"
    if what == "text":
        given.write_text("hello\n")
    elif what == "gone":
        given.unlink()
    elif what == "open authority":
        authority.chmod(0o644)
    name = {"name": "ann,bob", "option": "-O"}.get(what, "ann")
    days = 3650 if what == "days" else 30
    refused = sign(given, "--operator", name, "--days", days, "--ca", authority)
    assert refused.returncode in (1, 2, 5)
    assert re.search(r"nothing was|was not used", refused.stderr)
    assert not (tmp_path / "ann-cert.pub").exists()


def test_the_layout_takes_no_path_that_sshd_would_split_or_expand() -> None:
    for path in ("/a b", "/a%h", '/a"b', "/a\nb", "a"):
        with pytest.raises(Usage):
            Layout.of(
                account="district",
                config=Path(path),
                python=Path("/p"),
                folder=Path("/f"),
                root=Path("/"),
                security_keys=False,
                trusts_ca=False,
            )
