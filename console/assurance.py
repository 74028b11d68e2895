"""What vouches for an operator beyond their name: that they are still signed in, and that they gave a code for this very action.

A seam of the office. A real portal is opened with `console.signin.sessions.Sessions`; the demonstration, whose people are invented and
which has no passwords, with `Demonstration`. Every transaction that is for an operator asks `present` first, so that who was disabled
or signed out does and sees nothing more, whatever screen or command they are in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime

    import sqlalchemy as sa

    from console.authority import Operator


class Assurance(Protocol):
    """What vouches for operators.

    `asks` says whether they sign in, `second_person` whether a decision that needs another operator waits for one.
    """

    asks: bool
    second_person: bool

    def present(self, connection: sa.Connection, operator: Operator, now: datetime) -> None:
        """Return when the operator is who they say and still here. Raises SignedOut."""

    def spend(self, connection: sa.Connection, operator: Operator, digest: bytes, now: datetime) -> None:
        """Use up the code that was given for the action of this digest. Raises CodeNeeded when there is none."""

    def give(self, connection: sa.Connection, operator: Operator, digest: bytes, now: datetime) -> None:
        """A code was given, and found right, for the action of this digest."""


class Demonstration:
    """Asks nobody for anything but the second person, which can be tried there with another operator's name."""

    asks = False
    second_person = True

    def present(self, connection: sa.Connection, operator: Operator, now: datetime) -> None:
        """Everybody is."""

    def spend(self, connection: sa.Connection, operator: Operator, digest: bytes, now: datetime) -> None:
        """Nothing to use up."""

    def give(self, connection: sa.Connection, operator: Operator, digest: bytes, now: datetime) -> None:
        """Nothing to keep."""
