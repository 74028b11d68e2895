"""The portal's logins and their ties to students."""

from __future__ import annotations

from sqlalchemy import Column, Date, ForeignKey, Index, Text, UniqueConstraint

from models.schema import Folded, Identifier, Moment, few, flag, key, table, version, word
from models.words import AccountStatus, AccountType, MembershipStatus, Origin

organisation = table(
    "organisation",
    key(),
    Column("name", Text, nullable=False),
    Column("name_key", Folded, nullable=False, unique=True),
    flag("agreement_required"),
    Column("agreement_from", Date),
    Column("agreement_until", Date),
)
"""An after-school professional's employer. `agreement_until` is exclusive; None is open."""

account = table(
    "account",
    key(),
    word("type", AccountType),
    Column("login", Text, nullable=False),
    Column("login_key", Folded, nullable=False, unique=True),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("name_key", Folded, nullable=False, server_default=""),
    Column("family_key", Folded, nullable=False, server_default=""),
    Column("email", Text),
    Column("email_key", Folded, nullable=False, server_default=""),
    Column("phone", Text),
    Column("phone_key", Folded, nullable=False, server_default=""),
    word("status", AccountStatus, AccountStatus.PENDING),
    word("origin", Origin, Origin.SELF),
    Column("student_id", Identifier, ForeignKey("student.id"), index=True),
    Column("staff_id", Identifier, ForeignKey("staff.id"), index=True),
    Column("organisation_id", Identifier, ForeignKey("organisation.id")),
    Column("since", Date, nullable=False),
    Column("suspended_until", Date),
    Column("deleted_at", Moment),
    version(),
    Index("ix_account_family_key_id", "family_key", "id"),
    Index("ix_account_name_key", "name_key"),
    Index("ix_account_email_key", "email_key"),
)
"""`student_id` and `staff_id` say whose login it is. `suspended_until` is exclusive: on that day the login works again.
`since` is a day of the district's calendar; the exact moment stands in the ledger."""

account_school = table(
    "account_school",
    Column("account_id", Identifier, ForeignKey("account.id"), primary_key=True),
    Column("school_id", Identifier, ForeignKey("school.id"), primary_key=True),
    Index("ix_account_school_school_id", "school_id"),
)
"""Schools of a staff login that the roster does not know."""

membership = table(
    "membership",
    key(),
    Column("account_id", Identifier, ForeignKey("account.id"), nullable=False),
    Column("student_id", Identifier, ForeignKey("student.id"), nullable=False, index=True),
    Column("relation", Text, nullable=False, server_default=""),
    word("status", MembershipStatus, MembershipStatus.PENDING),
    word("arrival_status", MembershipStatus, MembershipStatus.PENDING),
    word("origin", Origin, Origin.SELF),
    Column("since", Date, nullable=False),
    Column("verified_at", Moment),
    word("resumes_as", MembershipStatus, nullable=True),
    Column("suspended_until", Date),
    flag("blocked"),
    Column("block_review", Date),
    Column("rebased", Text),
    version(),
    UniqueConstraint("account_id", "student_id"),
    few("ix_membership_blocked", "student_id", "blocked"),
)
"""A parent's tie to one student.

`since` is when the status began; `arrival_status` what `unapprove` returns to; `resumes_as` and `suspended_until` (exclusive)
what a suspension ends in, by itself, on that day; `rebased` on what ground it goes on after the student's 18th birthday.
"""
