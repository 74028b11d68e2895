"""A code for one action: given by whoever is signed in, found right, and kept for that action until it is spent or five minutes old.

Promises: a code counts once, whatever it is given for; a wrong one makes the next wait, and is on record; the directory is asked
again about who it vouched for before any code is compared (SECURITY, *Signing in*, *Authority*). What the code is for is named by
the digest of exactly that action, so it opens nothing else (`Assurance.spend`).
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from console.errors import CodeNeeded, Refused

if TYPE_CHECKING:
    from console.authority import Operator
    from console.office import Office
    from console.signin.factor import Used


def step_up(office: Office, operator: Operator, digest: bytes, code: str) -> Used | None:
    """Give a code of the second factor for the action of this digest; None where nobody is asked for one.

    Raises Refused for a code that does not count, or that comes too soon after a wrong one; CodeNeeded for a program, which has none;
    SignedOut and Paused as `rechecking.recheck` does.
    """
    from console.signin import delays, factor
    from console.signin.rechecking import recheck
    from console.signin.recording import record, sign

    if not office.assurance.asks:
        return None
    if operator.unattended:
        raise CodeNeeded(
            "This asks for a code, and a program has none; nothing was done. A person has to do it.", digest
        )
    now = office.clock.now()
    recheck(office, office.directory, operator, now)
    name = f"step-up\0{operator.id}"  # no name that is typed to sign in holds a NUL: nobody outside makes it wait
    with office.writing(operator) as connection:
        wait = delays.attempt(connection, office.vault, name, now)
    if wait:
        seconds = ceil(wait.total_seconds())
        raise Refused(f"The last code was wrong; nothing was done. Wait {seconds} seconds and give another.")
    with office.writing(operator) as connection:
        used = factor.use(connection, office.vault, operator.id, code, now)
        if used is None:
            record(connection, "refuse", operator.id, now, by=operator.id, params={"why": "step-up code"})
        else:
            delays.passed(connection, office.vault, name)
            office.assurance.give(connection, operator, digest, now)
    if used is None:
        sign(office)
        raise Refused(
            "That code does not count; nothing was done. Take the next one that your authenticator shows, or a recovery code."
        )
    return used
