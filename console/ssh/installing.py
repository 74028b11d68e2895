"""Installing: the steps in their order, told or carried out, and sshd itself asked whether what is in force is what was meant.

Promises: everything is looked at before anything is done; a drop-in that sshd does not take, or that another file of the server
outweighs, is taken away again, so that a reload never leaves the server without its door or the console without its fence.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from console.errors import Refused, Unavailable
from console.ssh.drop_in import directives, text
from console.ssh.portal_files import portal_files
from console.ssh.steps import Account, File, Folder, Owner, Standing, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.ssh.layout import Layout

MAIN = Path("/etc/ssh/sshd_config")
SSHD = ("/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd")
KEYS_TEXT = b"""# One public key a line, of those who may open the console; whose key it is, the console learns at their first sign-in.
# restrict,pty ssh-ed25519 AAAA... ann@lincoln
"""
PRINCIPALS_TEXT = b"""# One operator a line whose certificates are taken; take a line away to let somebody's certificates in no more.
"""


def planned(layout: Layout, authority: bytes | None = None, made: tuple[bytes, bytes] | None = None) -> list[Step]:
    """The steps of this layout: with another's authority (its public line), one that was `made` here (private, public), or none.

    Raises Usage for settings that cannot be read.
    """
    root, shared = Owner(layout, "root", "root"), Owner(layout, "root", layout.account)
    own = Owner(layout, layout.account, layout.account)
    steps: list[Step] = [
        Account(layout),
        Folder(
            layout,
            layout.home,
            root,
            0o755,
            "The account's home is root's, so that no profile, key or rc can be put there.",
        ),
        Folder(layout, layout.sessions, own, 0o700, "Sessions of the line mode, a file for each key."),
        Folder(layout, layout.folder, root, 0o755, "What sshd reads; the account can change none of it."),
        File(
            layout, layout.keys, shared, 0o640, lambda: KEYS_TEXT, "Who may come, by key. Yours to write.", theirs=True
        ),
        *_authority(layout, authority, made),
        *portal_files(layout),
        File(
            layout,
            layout.drop_in,
            root,
            0o644,
            lambda: text(layout).encode(),
            "What the account may do over SSH. Last, for it opens the door.",
            text(layout),
        ),
    ]
    return steps


def _authority(layout: Layout, authority: bytes | None, made: tuple[bytes, bytes] | None) -> list[Step]:
    if not layout.trusts_ca:
        return []
    root, shared = Owner(layout, "root", "root"), Owner(layout, "root", layout.account)
    steps: list[Step] = []
    if made is not None:
        if layout.at(layout.user_ca).exists() and not layout.at(layout.user_ca_public).exists():
            raise Refused(
                f"{layout.user_ca} is there without its .pub; nothing was done. Make it: ssh-keygen -y -f {layout.user_ca}"
            )
        why = "Signs operators' keys. Whoever has it lets anybody in: keep a copy offline, or only there."
        steps.append(
            File(layout, layout.user_ca, root, 0o400, lambda: made[0], why, "(a new Ed25519 key)", theirs=True)
        )
    line = made[1] if made is not None else authority or b""
    why = "The authority whose certificates are taken."
    shown = "(its public key)" if made is not None else line.decode("ascii", "replace")
    steps += [
        File(layout, layout.user_ca_public, root, 0o644, lambda: line, why, shown, theirs=made is not None),
        File(
            layout,
            layout.principals,
            shared,
            0o640,
            lambda: PRINCIPALS_TEXT,
            "Operators with certificates.",
            theirs=True,
        ),
    ]
    return steps


def told(steps: Sequence[Step]) -> list[str]:
    """What would be done, for a person: each step with how it stands, its reason, and what it would write."""
    lines = []
    for step in steps:
        stands = step.standing()
        lines += [f"{step.says}: {stands.value}", f"    {step.why}"]
        shown = step.difference() if stands is Standing.DIFFERS else step.shows if stands is Standing.MISSING else ""
        lines += [f"    | {line}" for line in shown.splitlines()]
    return lines


def carry_out(layout: Layout, steps: Sequence[Step]) -> list[str]:
    """Do what is to do; returns what was done. Raises Refused without root, where something differs, or when sshd does not agree."""
    if os.geteuid() != 0:
        raise Refused("This needs root; nothing was done. --dry-run shows what it would do.")
    differing = [step for step in steps if step.standing() is Standing.DIFFERS]
    if differing:
        said = "\n".join(f"{step.says}:\n{step.difference()}" for step in differing)
        raise Refused(
            f"{said}\nWhat is there differs; nothing was done. Move it away, or bring it in line, and try again."
        )
    done = []
    for step in steps:
        if step.standing() is Standing.MISSING:
            step.do()
            done.append(step.says)
    try:
        agree(layout)
        if layout.root == Path("/"):
            try_out(layout)
    except (Refused, Unavailable):
        if steps[-1].says in done:
            layout.at(layout.drop_in).unlink(missing_ok=True)
        raise
    return done


def agree(layout: Layout) -> None:
    """Ask sshd what would be in force for the account. Raises Refused with what is wrong, Unavailable where there is no sshd."""
    program = next((each for each in SSHD if Path(each).exists()), None)
    if program is None:
        raise Unavailable("There is no sshd here; the drop-in was not left there. Install the package openssh-server.")
    with TemporaryDirectory() as folder:
        # Below another root only the drop-in can be asked about: sshd would read this machine's own files.
        main = [] if layout.root == Path("/") else ["-f", str(_main_for(layout, Path(folder)))]
        _sshd([program, "-t", *main])
        who = f"user={layout.account},host=localhost,addr=127.0.0.1"
        said = _sshd([program, "-T", *main, "-C", who])
    wrong = differences(layout, said)
    if wrong:
        raise Refused(
            "sshd would not do what the drop-in says, which was not left there: "
            + "; ".join(wrong)
            + f". Look for these words in {MAIN} and {layout.drop_in.parent}, and for the line that includes that folder."
        )


def differences(layout: Layout, said: str) -> list[str]:
    """Where what sshd says is in force (`sshd -T`) is not what the drop-in says."""
    force: dict[str, list[str]] = {}
    for line in said.splitlines():
        keyword, _, value = line.partition(" ")
        force.setdefault(keyword.lower(), []).append(value)
    wanted = [(keyword, value) for keyword, value, _ in directives(layout)]
    wrong = [
        f"{keyword} is {' '.join(force.get(keyword.lower(), ['unknown']))!r}"
        for keyword, value in wanted
        if force.get(keyword.lower()) != [value]
    ]
    if force.get("permituserenvironment") != ["no"]:
        wrong.append("PermitUserEnvironment is not no")
    if "setenv" in force:
        wrong.append("SetEnv is set")
    return wrong


def _main_for(layout: Layout, folder: Path) -> Path:
    """A sshd_config that includes the image's drop-in, with a host key of its own, for sshd wants one."""
    from console.ids import SystemRandom
    from console.ssh.user_ca import new_authority

    key, main = folder / "host", folder / "sshd_config"
    key.touch(0o600)
    key.write_bytes(new_authority(SystemRandom())[0])
    main.write_text(f"HostKey {key}\nInclude {layout.at(layout.drop_in)}\n")
    return main


def _sshd(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - fixed words and checked names
    if done.returncode:
        raise Refused(f"sshd does not take the drop-in, which was not left there: {done.stderr.strip()}")
    return done.stdout


def try_out(layout: Layout) -> None:
    """Start the console as the account would. Raises Refused when it cannot, as from an interpreter below somebody's home."""
    words = [str(layout.python), "-I", "-m", "console.cli.main", "--version"]
    try:
        done = subprocess.run(  # noqa: S603 - the interpreter that runs this
            words, capture_output=True, check=False, user=layout.account, group=layout.account, extra_groups=(), cwd="/"
        )
    except OSError:
        done = None
    if done is None or done.returncode:
        raise Refused(
            f"The account {layout.account} cannot run {layout.python}; the drop-in was not left there. "
            "Install the console where every account may read it, as /opt/district."
        )
