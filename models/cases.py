"""What waits for a decision, and what belongs to any case: its thread and its deadlines."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, LargeBinary, SmallInteger, Text

from models.schema import Folded, Identifier, Moment, flag, key, table, version, word
from models.words import Basis, ChallengeState, GrantState, RegistrationKind, RegistrationState

registration = table(
    "registration",
    key(),
    Column("ref", Text, nullable=False, unique=True),
    word("kind", RegistrationKind),
    word("state", RegistrationState, RegistrationState.SUBMITTED),
    Column("arrived_at", Moment, nullable=False),
    Column("account_id", Identifier, ForeignKey("account.id"), nullable=False, index=True),
    Column("student_id", Identifier, ForeignKey("student.id"), index=True),
    Column("membership_id", Identifier, ForeignKey("membership.id"), index=True),
    Column("school_id", Identifier, ForeignKey("school.id")),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("name_key", Folded, nullable=False, server_default=""),
    Column("family_key", Folded, nullable=False, server_default=""),
    Column("skeleton", Folded, nullable=False, server_default=""),
    Column("email", Text),
    Column("email_key", Folded, nullable=False, server_default=""),
    Column("phone", Text),
    Column("phone_key", Folded, nullable=False, server_default=""),
    Column("relation", Text, nullable=False, server_default=""),
    Column("student_number", Text, nullable=False),
    Column("student_given_name", Text),
    Column("student_family_name", Text),
    Column("student_family_key", Folded, nullable=False, server_default=""),
    Column("organisation_name", Text),
    Column("code_hash", LargeBinary),
    Column("facts", SmallInteger, nullable=False, server_default="0"),
    Column("match", SmallInteger, nullable=False, server_default="0"),
    Column("own_flags", SmallInteger, nullable=False, server_default="0"),
    Column("flags", SmallInteger, nullable=False, server_default="0"),
    Column("asked_at", Moment),
    Column("deferred_until", Date),
    Column("decided_at", Moment),
    Column("decided_by", Identifier, ForeignKey("operator.id")),
    Column("checked_by", Text),
    Column("checked_on", Date),
    Column("check_proof", Text),
    version(),
    Index("ix_registration_state_arrived_at_id", "state", "arrived_at", "id"),
    Index("ix_registration_state_match_id", "state", "match", "id"),
    Index("ix_registration_family_key_id", "family_key", "id"),
    Index("ix_registration_name_key", "name_key"),
    Index("ix_registration_school_id_state_arrived_at_id", "school_id", "state", "arrived_at", "id"),
    Index("ix_registration_arrived_at_id", "arrived_at", "id"),
    Index("ix_registration_email_key", "email_key"),
)
"""One person's application for one student.

`facts` is a bit set of the facts for (`match` counts them), `flags` of those against; `own_flags` are the ones that the
applicant's own words raise. What was typed is kept as typed: it is evidence.
"""

challenge = table(
    "challenge",
    key(),
    Column("ref", Text, nullable=False, unique=True),
    word("state", ChallengeState, ChallengeState.OPEN),
    Column("arrived_at", Moment, nullable=False),
    Column("membership_id", Identifier, ForeignKey("membership.id"), nullable=False, index=True),
    Column("account_id", Identifier, ForeignKey("account.id"), nullable=False),
    Column("student_id", Identifier, ForeignKey("student.id"), nullable=False, index=True),
    Column("school_id", Identifier, ForeignKey("school.id")),
    Column("challenger_id", Identifier, ForeignKey("account.id"), nullable=False),
    Column("statement", Text, nullable=False),
    Column("answer_due", Date, nullable=False),
    Column("decision_due", Date, nullable=False),
    Column("waiting_until", Date),
    Column("answered_at", Moment),
    Column("outcome", Text),
    word("basis", Basis, nullable=True),
    Column("decided_at", Moment),
    Column("decided_by", Identifier, ForeignKey("operator.id")),
    Column("owner_id", Identifier, ForeignKey("operator.id")),
    Column("owned_until", Moment),
    version(),
    Index("ix_challenge_state_arrived_at_id", "state", "arrived_at", "id"),
)
"""A written challenge to a membership. `waiting` counts as open again from `waiting_until`; a claim is an owner until a moment."""

access_grant = table(
    "access_grant",
    key(),
    Column("ref", Text, nullable=False, unique=True),
    word("state", GrantState, GrantState.REQUESTED),
    Column("arrived_at", Moment, nullable=False),
    Column("account_id", Identifier, ForeignKey("account.id"), nullable=False, index=True),
    Column("student_id", Identifier, ForeignKey("student.id"), nullable=False, index=True),
    Column("school_id", Identifier, ForeignKey("school.id")),
    Column("purpose", Text, nullable=False),
    Column("begins", Date),
    Column("ends", Date),
    Column("permission_reference", Text),
    Column("permission_digest", Text),
    Column("permission_witness", Identifier, ForeignKey("operator.id")),
    Column("decided_at", Moment),
    Column("decided_by", Identifier, ForeignKey("operator.id")),
    version(),
    Index("ix_access_grant_state_arrived_at_id", "state", "arrived_at", "id"),
)
"""An after-school professional's tie to one student. `ends` is exclusive and never open once approved."""

thread_entry = table(
    "thread_entry",
    key(),
    Column("desk", Text, nullable=False),
    Column("case_id", Identifier, nullable=False),
    Column("at", Moment, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_id", Identifier),
    Column("body", LargeBinary, nullable=False),
    Column("batch", Text),
    flag("withdrawn"),
    Index("ix_thread_entry_desk_case_id", "desk", "case_id", "id"),
)
"""What was written about a case. `author` is operator, account or system; `body` is encrypted."""

deadline = table(
    "deadline",
    key(),
    Column("desk", Text, nullable=False),
    Column("case_id", Identifier, nullable=False),
    Column("name", Text, nullable=False),
    Column("due", Date, nullable=False),
    Column("met_at", Moment),
    Column("reminded_at", Moment),
    Column("batch", Text),
    flag("withdrawn"),
    Index("ix_deadline_desk_case_id", "desk", "case_id"),
    Index("ix_deadline_due", "due"),
)
