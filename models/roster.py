"""What the student information system says: schools, people, who belongs where. The console never edits it; imports do."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint, true

from models.schema import Folded, Identifier, Moment, few, flag, key, table, version, word
from models.words import ConsentPolicy, HoldPolicy, InitialRights, Mask, RosterStatus

school = table(
    "school",
    key(),
    Column("source_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("parent_source_id", Text),
    word("status", RosterStatus, RosterStatus.ACTIVE),
    word("initial_rights", InitialRights, InitialRights.APPROVE_FOR_GRADES),
    word("hold_policy", HoldPolicy, HoldPolicy.NONE),
    flag("in_person_check"),
    flag("asp"),
    flag("asp_advanced"),
    word("asp_consent", ConsentPolicy, ConsentPolicy.ANY),
    flag("close_at_18"),
    Column("row_hash", LargeBinary),
    version(),
)

academic_session = table(
    "academic_session",
    key(),
    Column("source_id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("begins", Date, nullable=False),
    Column("ends", Date, nullable=False),
    Column("parent_source_id", Text),
    Column("school_year", Integer),
    word("status", RosterStatus, RosterStatus.ACTIVE),
    Column("row_hash", LargeBinary),
)

course = table(
    "course",
    key(),
    Column("source_id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("code", Text),
    Column("school_source_id", Text),
    word("status", RosterStatus, RosterStatus.ACTIVE),
    Column("row_hash", LargeBinary),
)

section = table(
    "section",
    key(),
    Column("source_id", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("code", Text),
    Column("type", Text),
    Column("course_source_id", Text),
    Column("school_source_id", Text, nullable=False),
    word("status", RosterStatus, RosterStatus.ACTIVE),
    Column("row_hash", LargeBinary),
)

student = table(
    "student",
    key(),
    Column("source_id", Text, nullable=False, unique=True),
    Column("number", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("middle_name", Text),
    Column("family_name", Text, nullable=False),
    Column("name_key", Folded, nullable=False, server_default=""),
    Column("family_key", Folded, nullable=False, server_default=""),
    Column("family_initial", Text, nullable=False, server_default=""),
    Column("birth_date", Date),
    Column("adult_on", Date),
    Column("grade", Text),
    Column("email", Text),
    Column("email_key", Folded, nullable=False, server_default=""),
    Column("school_id", Identifier, ForeignKey("school.id"), index=True),
    Column("code_hash", LargeBinary),
    word("status", RosterStatus, RosterStatus.ACTIVE),
    word("mask", Mask, Mask.NONE),
    Column("mask_review", Date),
    Column("pseudonym", Text, unique=True),
    flag("parents_blocked"),
    Column("block_review", Date),
    flag("verify_parents"),
    Column("verify_review", Date),
    Column("directory_opt_out", Text, nullable=False, server_default=""),
    Column("opt_out_review", Date),
    Column("sealed_name_mac", LargeBinary),
    Column("row_hash", LargeBinary),
    Column("changed_at", Moment),
    version(),
    Index("ix_student_number", "number"),
    Index("ix_student_family_key_id", "family_key", "id"),
    Index("ix_student_name_key", "name_key"),
    Index("ix_student_sealed_name_mac", "sealed_name_mac"),
    Index("ix_student_email_key", "email_key"),
    few("ix_student_mask", "mask", "mask <> 'none'"),
    few("ix_student_parents_blocked", "id", "parents_blocked"),
    few("ix_student_mask_review", "mask_review", "mask_review IS NOT NULL"),
    few("ix_student_block_review", "block_review", "block_review IS NOT NULL"),
    few("ix_student_verify_review", "verify_review", "verify_review IS NOT NULL"),
    few("ix_student_opt_out_review", "opt_out_review", "opt_out_review IS NOT NULL"),
)
"""`school_id` is the home school, whose switches apply. `directory_opt_out` lists categories, sorted, comma-separated.

While the mask is `pseudonym` the name columns are empty and the name lies encrypted in `sealed_name`.
"""

sealed_name = table(
    "sealed_name",
    Column("student_id", Identifier, ForeignKey("student.id"), primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
)

contact = table(
    "contact",
    key(),
    Column("source_id", Text, nullable=False, unique=True),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("name_key", Folded, nullable=False, server_default=""),
    Column("family_key", Folded, nullable=False, server_default=""),
    Column("skeleton", Folded, nullable=False, server_default=""),
    Column("email", Text),
    Column("email_key", Folded, nullable=False, server_default=""),
    Column("phone", Text),
    Column("phone_key", Folded, nullable=False, server_default=""),
    Column("sms_key", Folded, nullable=False, server_default=""),
    word("status", RosterStatus, RosterStatus.ACTIVE),
    Column("row_hash", LargeBinary),
    Index("ix_contact_family_key_id", "family_key", "id"),
    Index("ix_contact_name_key", "name_key"),
    Index("ix_contact_email_key", "email_key"),
)
"""A guardian as the roster knows them: evidence, never a login."""

contact_tie = table(
    "contact_tie",
    key(),
    Column("contact_id", Identifier, ForeignKey("contact.id"), nullable=False),
    Column("student_id", Identifier, ForeignKey("student.id"), nullable=False, index=True),
    Column("relation", Text, nullable=False, server_default=""),
    flag("restricted"),
    Column("restriction_reference", Text),
    Column("active", Boolean, nullable=False, server_default=true()),
    UniqueConstraint("contact_id", "student_id"),
)
"""`restricted` is a custody or protection order the district recorded in its roster: a fact against, never a match."""

staff = table(
    "staff",
    key(),
    Column("source_id", Text, nullable=False, unique=True),
    Column("number", Text),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("email", Text),
    Column("type", Text, nullable=False),
    word("status", RosterStatus, RosterStatus.ACTIVE),
    Column("row_hash", LargeBinary),
)

enrollment = table(
    "enrollment",
    key(),
    Column("student_id", Identifier, ForeignKey("student.id"), nullable=False, index=True),
    Column("school_id", Identifier, ForeignKey("school.id"), nullable=False),
    Column("begins", Date),
    Column("ends", Date),
    Column("active", Boolean, nullable=False, server_default=true()),
    UniqueConstraint("student_id", "school_id"),
    Index("ix_enrollment_school_id_student_id", "school_id", "student_id"),
)
"""A student at a school. `begins` is inclusive, `ends` exclusive, None is open."""

post = table(
    "post",
    key(),
    Column("staff_id", Identifier, ForeignKey("staff.id"), nullable=False),
    Column("school_id", Identifier, ForeignKey("school.id"), nullable=False),
    Column("begins", Date),
    Column("ends", Date),
    Column("active", Boolean, nullable=False, server_default=true()),
    UniqueConstraint("staff_id", "school_id"),
    Index("ix_post_school_id_staff_id", "school_id", "staff_id"),
)
"""A staff member at a school; the same calendar as `enrollment`."""

section_member = table(
    "section_member",
    key(),
    Column("source_id", Text, nullable=False, unique=True),
    Column("section_source_id", Text, nullable=False),
    Column("person_source_id", Text, nullable=False, index=True),
    Column("role", Text, nullable=False),
    Column("begins", Date),
    Column("ends", Date),
    word("status", RosterStatus, RosterStatus.ACTIVE),
    Column("row_hash", LargeBinary),
)

roster_import = table(
    "roster_import",
    key(),
    Column("at", Moment, nullable=False),
    Column("operator_id", Identifier, ForeignKey("operator.id"), nullable=False),
    Column("batch", Text, nullable=False),
    Column("source_hash", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("added", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("withdrawn", Integer, nullable=False),
)

roster_change = table(
    "roster_change",
    key(),
    Column("import_id", Identifier, ForeignKey("roster_import.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("before", LargeBinary),
    Index("ix_roster_change_kind_source_id", "kind", "source_id"),
)
"""What an import changed. `before` is the row as it was, encrypted: history is kept, names are not spread."""
