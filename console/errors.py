"""What can go wrong for an operator, each with its exit code, so that screens and commands say the same sentence.

Every message is one plain sentence: what happened, what was not done, what to do. No personal data: details go to the log.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes of the line mode."""

    DONE = 0
    REFUSED = 1
    USAGE = 2
    PARTLY = 3
    UNVERIFIED = 4
    UNAVAILABLE = 5
    OUR_FAULT = 70


class ConsoleError(Exception):
    """A sentence for the operator."""

    exit: Exit = Exit.OUR_FAULT


class Refused(ConsoleError):
    """The rules or the operator's rights do not allow it, or there is nothing to do."""

    exit = Exit.REFUSED


class SignedOut(Refused):
    """The session is over: sign in again. Nothing was done."""


class Rested(SignedOut):
    """Nothing was done in the session for too long. At a screen the password opens it again."""


class Expired(SignedOut):
    """The session has reached its absolute limit, or the clock cannot be relied on: sign in with everything."""


class Paused(SignedOut):
    """The directory was not heard for too long. The session goes on when it answers."""

    exit = Exit.UNAVAILABLE


class CodeNeeded(Refused):
    """A step-up is missing: a code of the second factor, for the action of this digest, at most five minutes old."""

    def __init__(self, sentence: str, digest: bytes) -> None:
        super().__init__(sentence)
        self.digest = digest


class Usage(ConsoleError):
    """What was typed is not of the command's form."""

    exit = Exit.USAGE


class Unverified(ConsoleError):
    """A record, proof or signature does not hold."""

    exit = Exit.UNVERIFIED


class Unavailable(ConsoleError):
    """Something needed (database, file, key, mail server) is not there now."""

    exit = Exit.UNAVAILABLE
