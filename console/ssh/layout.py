"""Where everything of the console's SSH set-up lies, and for which account: said once, for the drop-in, the steps and the checks."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from console.errors import Usage

_ACCOUNT = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_PLAIN = re.compile(r"/[A-Za-z0-9_./-]{1,200}")
"""Paths that sshd_config takes as they are: it splits at spaces and expands what follows a per cent sign."""
DROP_IN = Path("/etc/ssh/sshd_config.d/20-district.conf")
HOME = Path("/var/lib/district-ssh")


@dataclass(frozen=True, slots=True)
class Layout:
    """`account` serves all operators; `python` runs the console with `config`; `folder` holds what sshd reads of ours.

    Paths are those of the running server; `at` gives them below `root`, where an image of it is being made.
    `unused_seconds` is how long a connection may be open with nothing in it (`ssh -N`).
    """

    account: str
    config: Path
    python: Path
    folder: Path = Path("/etc/ssh/district")
    root: Path = Path("/")
    drop_in: Path = DROP_IN
    home: Path = HOME
    security_keys: bool = False
    trusts_ca: bool = False
    unused_seconds: int = 60

    @classmethod
    def of(
        cls, *, account: str, config: Path, python: Path, folder: Path, root: Path, security_keys: bool, trusts_ca: bool
    ) -> Self:
        """A layout as an administrator asked for it. Raises Usage for names and paths that sshd_config cannot hold."""
        if not _ACCOUNT.fullmatch(account) or account == "root":
            raise Usage("The account is a name of small letters, digits, _ and -, and not root; nothing was done.")
        for path in (config, python, folder):
            if not _PLAIN.fullmatch(str(path)) or ".." in path.parts:
                raise Usage(f"{str(path)!r} is no absolute path of plain letters, which sshd needs; nothing was done.")
        return cls(account, config, python, folder, root, security_keys=security_keys, trusts_ca=trusts_ca)

    @property
    def keys(self) -> Path:
        """The list of public keys, one a line."""
        return self.folder / "keys"

    @property
    def principals(self) -> Path:
        """The operators whose certificates are taken, one a line."""
        return self.folder / "principals"

    @property
    def user_ca(self) -> Path:
        """The authority's private key; its public key lies beside it, as .pub."""
        return self.folder / "user_ca"

    @property
    def user_ca_public(self) -> Path:
        return self.folder / "user_ca.pub"

    @property
    def sessions(self) -> Path:
        """Where the line mode keeps its sessions when the settings name no other folder, for the account alone."""
        return self.home / ".local" / "state" / "district"

    @property
    def command(self) -> str:
        """What sshd runs. -I: the interpreter heeds no PYTHON* variable, no folder it stands in, no site of the account's own."""
        words = (self.python, "-I", "-m", "console.cli.main", "--config", self.config, "ssh", "command")
        return f"exec {shlex.join(map(str, words))}"

    def at(self, path: Path) -> Path:
        """A path of the server, below the root that is being set up."""
        return self.root / path.relative_to("/")
