"""Where the portal leaves what it collected: the intake tables, whose contract is docs/PORTAL-CONTRACT.md.

The portal inserts and never updates. The console takes rows over (`taken_at`) or refuses them in words (`refused`). Two of the
tables act at once, untaken: a challenge holds the tie it is about, and a consent given or withdrawn opens or closes a grant.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Index, Text, false, true

from models.schema import Moment, flag, key, table


def _taken() -> tuple[Column[object], Column[object]]:
    return Column("taken_at", Moment), Column("refused", Text)


intake_registration = table(
    "intake_registration",
    key(),
    Column("ref", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("arrived_at", Moment, nullable=False),
    Column("login", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("student_number", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("student_given_name", Text),
    Column("student_family_name", Text),
    Column("relation", Text),
    Column("verification_code", Text),
    Column("organisation", Text),
    Column("school", Text),
    *_taken(),
    Index("ix_intake_registration_taken_at_id", "taken_at", "id"),
)

intake_challenge = table(
    "intake_challenge",
    key(),
    Column("ref", Text, nullable=False, unique=True),
    Column("arrived_at", Moment, nullable=False),
    Column("challenger", Text, nullable=False),
    Column("challenged", Text, nullable=False),
    Column("student_number", Text, nullable=False),
    Column("statement", Text, nullable=False),
    *_taken(),
    Index("ix_intake_challenge_taken_at_id", "taken_at", "id"),
    Index("ix_intake_challenge_student_number", "student_number"),
)

intake_grant = table(
    "intake_grant",
    key(),
    Column("ref", Text, nullable=False, unique=True),
    Column("arrived_at", Moment, nullable=False),
    Column("login", Text, nullable=False),
    Column("student_number", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("begins", Date),
    Column("ends", Date),
    *_taken(),
    Index("ix_intake_grant_taken_at_id", "taken_at", "id"),
)

intake_consent = table(
    "intake_consent",
    key(),
    Column("ref", Text, nullable=False, unique=True),
    Column("at", Moment, nullable=False),
    Column("grant_ref", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("gives", Boolean, nullable=False),
    Index("ix_intake_consent_grant_ref", "grant_ref", "login", "at", "id"),
)
"""Events, never taken: the latest one of a parent for a grant is what that parent wants."""

intake_answer = table(
    "intake_answer",
    key(),
    Column("ref", Text, nullable=False, unique=True),
    Column("at", Moment, nullable=False),
    Column("desk", Text, nullable=False),
    Column("case_ref", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("withdraws", Boolean, nullable=False, server_default=false()),
    *_taken(),
    Index("ix_intake_answer_taken_at_id", "taken_at", "id"),
)

intake_account = table(
    "intake_account",
    key(),
    Column("type", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("email", Text),
    Column("phone", Text),
    Column("person", Text),
    Column("schools", Text),
    Column("organisation", Text),
    flag("agreement_required"),
    Column("agreement_from", Date),
    Column("agreement_until", Date),
    Column("created_at", Date),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("student_number", Text),
    Column("relation", Text),
    Column("level", Text),
    Column("since", Date),
    *_taken(),
    Index("ix_intake_account_taken_at_id", "taken_at", "id"),
)
"""One row an account, or one a tie with the account repeated: how a portal in use is adopted, once."""
