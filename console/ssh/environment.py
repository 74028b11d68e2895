"""The environment of a console that was opened over SSH: a few names whose values are checked, and nothing else.

Promises: no variable of the client, of a login profile or of PAM decides which modules, settings, files or proxies the console
uses (TEXTUAL_*, PYTHON*, DISTRICT_*, LD_*, SSL_*, TMPDIR …). The interpreter itself is started with -I by the drop-in, for it reads
PYTHON* before any line of ours runs; what the dynamic loader reads is kept out by the drop-in's AcceptEnv.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+@:-]{0,63}")
_PATH = re.compile(r"/[A-Za-z0-9_./-]{1,200}")
_ADDRESSES = re.compile(r"[0-9A-Fa-f.:%A-Za-z ]{1,200}")
KEPT = {
    "TERM": _WORD,
    "COLORTERM": _WORD,
    "NO_COLOR": _WORD,
    "LANG": _WORD,
    "SSH_USER_AUTH": _PATH,
    "SSH_TTY": _PATH,
    "SSH_CONNECTION": _ADDRESSES,
}
"""What is kept, and what its value may be; besides LC_* with the form of LANG."""
SEARCHED = "/usr/local/bin:/usr/bin:/bin"


def cleaned(environment: Mapping[str, str], home: str) -> dict[str, str]:
    """What of an environment the console is opened with; `home` is the account's, as the system's list of accounts has it."""
    kept = {
        name: value
        for name, value in environment.items()
        if (form := _WORD if re.fullmatch(r"LC_[A-Z]{1,20}", name) else KEPT.get(name)) and form.fullmatch(value)
    }
    return kept | {"HOME": home, "PATH": SEARCHED}


def clean(environment: MutableMapping[str, str]) -> None:
    """Leave in this process's environment what `cleaned` leaves."""
    import pwd

    kept = cleaned(environment, pwd.getpwuid(os.getuid()).pw_dir)
    for name in list(environment):
        if name not in kept:
            del environment[name]
    environment.update(kept)
