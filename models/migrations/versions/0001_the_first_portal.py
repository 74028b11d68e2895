"""The first portal: roster, accounts, cases, the trail of decisions, the intake tables, who signs in."""

import sqlalchemy as sa
from alembic import op

from models.schema import Folded, Identifier, Moment

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "academic_session",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("begins", sa.Date(), nullable=False),
        sa.Column("ends", sa.Date(), nullable=False),
        sa.Column("parent_source_id", sa.Text(), nullable=True),
        sa.Column("school_year", sa.Integer(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("status IN ('active', 'withdrawn')", name=op.f("ck_academic_session_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_academic_session")),
        sa.UniqueConstraint("source_id", name=op.f("uq_academic_session_source_id")),
    )
    op.create_table(
        "contact",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("name_key", Folded, server_default="", nullable=False),
        sa.Column("family_key", Folded, server_default="", nullable=False),
        sa.Column("skeleton", Folded, server_default="", nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", Folded, server_default="", nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_key", Folded, server_default="", nullable=False),
        sa.Column("sms_key", Folded, server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("status IN ('active', 'withdrawn')", name=op.f("ck_contact_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("source_id", name=op.f("uq_contact_source_id")),
    )
    op.create_index("ix_contact_email_key", "contact", ["email_key"], unique=False)
    op.create_index("ix_contact_family_key_id", "contact", ["family_key", "id"], unique=False)
    op.create_index("ix_contact_name_key", "contact", ["name_key"], unique=False)
    op.create_table(
        "course",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("school_source_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("status IN ('active', 'withdrawn')", name=op.f("ck_course_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_course")),
        sa.UniqueConstraint("source_id", name=op.f("uq_course_source_id")),
    )
    op.create_table(
        "data_key",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_key")),
    )
    op.create_table(
        "deadline",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("case_id", Identifier, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due", sa.Date(), nullable=False),
        sa.Column("met_at", Moment(), nullable=True),
        sa.Column("reminded_at", Moment(), nullable=True),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline")),
    )
    op.create_index("ix_deadline_desk_case_id", "deadline", ["desk", "case_id"], unique=False)
    op.create_index("ix_deadline_due", "deadline", ["due"], unique=False)
    op.create_table(
        "intake_account",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("person", sa.Text(), nullable=True),
        sa.Column("schools", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("agreement_required", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("agreement_from", sa.Date(), nullable=True),
        sa.Column("agreement_until", sa.Date(), nullable=True),
        sa.Column("created_at", sa.Date(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("student_number", sa.Text(), nullable=True),
        sa.Column("relation", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=True),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("taken_at", Moment(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_account")),
    )
    op.create_index("ix_intake_account_taken_at_id", "intake_account", ["taken_at", "id"], unique=False)
    op.create_table(
        "intake_answer",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("withdraws", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("taken_at", Moment(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_answer")),
        sa.UniqueConstraint("ref", name=op.f("uq_intake_answer_ref")),
    )
    op.create_index("ix_intake_answer_taken_at_id", "intake_answer", ["taken_at", "id"], unique=False)
    op.create_table(
        "intake_challenge",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("arrived_at", Moment(), nullable=False),
        sa.Column("challenger", sa.Text(), nullable=False),
        sa.Column("challenged", sa.Text(), nullable=False),
        sa.Column("student_number", sa.Text(), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("taken_at", Moment(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_challenge")),
        sa.UniqueConstraint("ref", name=op.f("uq_intake_challenge_ref")),
    )
    op.create_index("ix_intake_challenge_student_number", "intake_challenge", ["student_number"], unique=False)
    op.create_index("ix_intake_challenge_taken_at_id", "intake_challenge", ["taken_at", "id"], unique=False)
    op.create_table(
        "intake_consent",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("grant_ref", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("gives", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_consent")),
        sa.UniqueConstraint("ref", name=op.f("uq_intake_consent_ref")),
    )
    op.create_index("ix_intake_consent_grant_ref", "intake_consent", ["grant_ref", "login", "at", "id"], unique=False)
    op.create_table(
        "intake_grant",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("arrived_at", Moment(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("student_number", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("begins", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("taken_at", Moment(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_grant")),
        sa.UniqueConstraint("ref", name=op.f("uq_intake_grant_ref")),
    )
    op.create_index("ix_intake_grant_taken_at_id", "intake_grant", ["taken_at", "id"], unique=False)
    op.create_table(
        "intake_registration",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("arrived_at", Moment(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("student_number", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("student_given_name", sa.Text(), nullable=True),
        sa.Column("student_family_name", sa.Text(), nullable=True),
        sa.Column("relation", sa.Text(), nullable=True),
        sa.Column("verification_code", sa.Text(), nullable=True),
        sa.Column("organisation", sa.Text(), nullable=True),
        sa.Column("school", sa.Text(), nullable=True),
        sa.Column("taken_at", Moment(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_intake_registration")),
        sa.UniqueConstraint("ref", name=op.f("uq_intake_registration_ref")),
    )
    op.create_index("ix_intake_registration_taken_at_id", "intake_registration", ["taken_at", "id"], unique=False)
    op.create_table(
        "log_head",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("log IN ('ledger', 'accesses')", name=op.f("ck_log_head_log_word")),
        sa.PrimaryKeyConstraint("log", name=op.f("pk_log_head")),
    )
    op.create_table(
        "log_node",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "level", "index", name=op.f("pk_log_node")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "organisation",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", Folded, nullable=False),
        sa.Column("agreement_required", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("agreement_from", sa.Date(), nullable=True),
        sa.Column("agreement_until", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
        sa.UniqueConstraint("name_key", name=op.f("uq_organisation_name_key")),
    )
    op.create_table(
        "portal",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("verifier_key", sa.Text(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("demo_seed", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal")),
    )
    op.create_table(
        "record",
        sa.Column("log", sa.Text(), nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("case_id", Identifier, nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("from_state", sa.Text(), nullable=True),
        sa.Column("to_state", sa.Text(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("log", "index", name=op.f("pk_record")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_record_action", "record", ["action", "index"], unique=False)
    op.create_index(
        "ix_record_at", "record", ["at"], unique=False, postgresql_using="brin", postgresql_with={"autosummarize": "on"}
    )
    op.create_index("ix_record_batch", "record", ["batch"], unique=False)
    op.create_index("ix_record_desk_case_id", "record", ["desk", "case_id", "index"], unique=False)
    op.create_index(
        "ix_record_kind",
        "record",
        ["kind", "index"],
        unique=False,
        sqlite_where=sa.text("kind <> 'decision'"),
        postgresql_where=sa.text("kind <> 'decision'"),
    )
    op.create_index("ix_record_operator_id", "record", ["operator_id", "index"], unique=False)
    op.create_table(
        "record_detail",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_record_detail")),
    )
    op.create_table(
        "school",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("parent_source_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("initial_rights", sa.Text(), server_default="approve_for_grades", nullable=False),
        sa.Column("hold_policy", sa.Text(), server_default="none", nullable=False),
        sa.Column("in_person_check", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("asp", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("asp_advanced", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("asp_consent", sa.Text(), server_default="any", nullable=False),
        sa.Column("close_at_18", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("asp_consent IN ('any', 'all')", name=op.f("ck_school_asp_consent_word")),
        sa.CheckConstraint("hold_policy IN ('none', 'limited', 'full')", name=op.f("ck_school_hold_policy_word")),
        sa.CheckConstraint(
            "initial_rights IN ('approve_for_grades', 'approve_for_any')", name=op.f("ck_school_initial_rights_word")
        ),
        sa.CheckConstraint("status IN ('active', 'withdrawn')", name=op.f("ck_school_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_school")),
        sa.UniqueConstraint("source_id", name=op.f("uq_school_source_id")),
    )
    op.create_table(
        "section",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("course_source_id", sa.Text(), nullable=True),
        sa.Column("school_source_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("status IN ('active', 'withdrawn')", name=op.f("ck_section_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_section")),
        sa.UniqueConstraint("source_id", name=op.f("uq_section_source_id")),
    )
    op.create_table(
        "section_member",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("section_source_id", sa.Text(), nullable=False),
        sa.Column("person_source_id", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("begins", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("status IN ('active', 'withdrawn')", name=op.f("ck_section_member_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_section_member")),
        sa.UniqueConstraint("source_id", name=op.f("uq_section_member_source_id")),
    )
    op.create_index(op.f("ix_section_member_person_source_id"), "section_member", ["person_source_id"], unique=False)
    op.create_table(
        "signin_delay",
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", Moment(), nullable=False),
        sa.Column("not_before", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_signin_delay")),
    )
    op.create_table(
        "staff",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("row_hash", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("status IN ('active', 'withdrawn')", name=op.f("ck_staff_status_word")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("source_id", name=op.f("uq_staff_source_id")),
    )
    op.create_table(
        "thread_entry",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("case_id", Identifier, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_id", Identifier, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread_entry")),
    )
    op.create_index("ix_thread_entry_desk_case_id", "thread_entry", ["desk", "case_id", "id"], unique=False)
    op.create_table(
        "post",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("staff_id", Identifier, nullable=False),
        sa.Column("school_id", Identifier, nullable=False),
        sa.Column("begins", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_post_school_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_post_staff_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
        sa.UniqueConstraint("staff_id", "school_id", name=op.f("uq_post_staff_id_school_id")),
    )
    op.create_index("ix_post_school_id_staff_id", "post", ["school_id", "staff_id"], unique=False)
    op.create_table(
        "student",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("middle_name", sa.Text(), nullable=True),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("name_key", Folded, server_default="", nullable=False),
        sa.Column("family_key", Folded, server_default="", nullable=False),
        sa.Column("family_initial", sa.Text(), server_default="", nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("adult_on", sa.Date(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", Folded, server_default="", nullable=False),
        sa.Column("school_id", Identifier, nullable=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("mask", sa.Text(), server_default="none", nullable=False),
        sa.Column("mask_review", sa.Date(), nullable=True),
        sa.Column("pseudonym", sa.Text(), nullable=True),
        sa.Column("parents_blocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("block_review", sa.Date(), nullable=True),
        sa.Column("verify_parents", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("verify_review", sa.Date(), nullable=True),
        sa.Column("directory_opt_out", sa.Text(), server_default="", nullable=False),
        sa.Column("opt_out_review", sa.Date(), nullable=True),
        sa.Column("sealed_name_mac", sa.LargeBinary(), nullable=True),
        sa.Column("row_hash", sa.LargeBinary(), nullable=True),
        sa.Column("changed_at", Moment(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("mask IN ('none', 'initial', 'pseudonym')", name=op.f("ck_student_mask_word")),
        sa.CheckConstraint("status IN ('active', 'withdrawn')", name=op.f("ck_student_status_word")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_student_school_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_student")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_student_pseudonym")),
        sa.UniqueConstraint("source_id", name=op.f("uq_student_source_id")),
    )
    op.create_index(
        "ix_student_block_review",
        "student",
        ["block_review"],
        unique=False,
        sqlite_where=sa.text("block_review IS NOT NULL"),
        postgresql_where=sa.text("block_review IS NOT NULL"),
    )
    op.create_index("ix_student_email_key", "student", ["email_key"], unique=False)
    op.create_index("ix_student_family_key_id", "student", ["family_key", "id"], unique=False)
    op.create_index(
        "ix_student_mask",
        "student",
        ["mask"],
        unique=False,
        sqlite_where=sa.text("mask <> 'none'"),
        postgresql_where=sa.text("mask <> 'none'"),
    )
    op.create_index(
        "ix_student_mask_review",
        "student",
        ["mask_review"],
        unique=False,
        sqlite_where=sa.text("mask_review IS NOT NULL"),
        postgresql_where=sa.text("mask_review IS NOT NULL"),
    )
    op.create_index("ix_student_name_key", "student", ["name_key"], unique=False)
    op.create_index("ix_student_number", "student", ["number"], unique=False)
    op.create_index(
        "ix_student_opt_out_review",
        "student",
        ["opt_out_review"],
        unique=False,
        sqlite_where=sa.text("opt_out_review IS NOT NULL"),
        postgresql_where=sa.text("opt_out_review IS NOT NULL"),
    )
    op.create_index(
        "ix_student_parents_blocked",
        "student",
        ["id"],
        unique=False,
        sqlite_where=sa.text("parents_blocked"),
        postgresql_where=sa.text("parents_blocked"),
    )
    op.create_index(op.f("ix_student_school_id"), "student", ["school_id"], unique=False)
    op.create_index("ix_student_sealed_name_mac", "student", ["sealed_name_mac"], unique=False)
    op.create_index(
        "ix_student_verify_review",
        "student",
        ["verify_review"],
        unique=False,
        sqlite_where=sa.text("verify_review IS NOT NULL"),
        postgresql_where=sa.text("verify_review IS NOT NULL"),
    )
    op.create_table(
        "account",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("login_key", Folded, nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("name_key", Folded, server_default="", nullable=False),
        sa.Column("family_key", Folded, server_default="", nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", Folded, server_default="", nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_key", Folded, server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("origin", sa.Text(), server_default="self", nullable=False),
        sa.Column("student_id", Identifier, nullable=True),
        sa.Column("staff_id", Identifier, nullable=True),
        sa.Column("organisation_id", Identifier, nullable=True),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("suspended_until", sa.Date(), nullable=True),
        sa.Column("deleted_at", Moment(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("origin IN ('self', 'sis', 'adopted')", name=op.f("ck_account_origin_word")),
        sa.CheckConstraint(
            "status IN ('pending', 'active', 'suspended', 'deleted')", name=op.f("ck_account_status_word")
        ),
        sa.CheckConstraint(
            "type IN ('district_administrator', 'school_administrator', 'certificated', 'classified', 'associate', 'asp', 'parent', 'student', 'other')",
            name=op.f("ck_account_type_word"),
        ),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisation.id"], name=op.f("fk_account_organisation_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_account_staff_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_account_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("login_key", name=op.f("uq_account_login_key")),
    )
    op.create_index("ix_account_email_key", "account", ["email_key"], unique=False)
    op.create_index("ix_account_family_key_id", "account", ["family_key", "id"], unique=False)
    op.create_index("ix_account_name_key", "account", ["name_key"], unique=False)
    op.create_index(op.f("ix_account_staff_id"), "account", ["staff_id"], unique=False)
    op.create_index(op.f("ix_account_student_id"), "account", ["student_id"], unique=False)
    op.create_table(
        "contact_tie",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("contact_id", Identifier, nullable=False),
        sa.Column("student_id", Identifier, nullable=False),
        sa.Column("relation", sa.Text(), server_default="", nullable=False),
        sa.Column("restricted", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("restriction_reference", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_contact_tie_contact_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_contact_tie_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_tie")),
        sa.UniqueConstraint("contact_id", "student_id", name=op.f("uq_contact_tie_contact_id_student_id")),
    )
    op.create_index(op.f("ix_contact_tie_student_id"), "contact_tie", ["student_id"], unique=False)
    op.create_table(
        "enrollment",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("student_id", Identifier, nullable=False),
        sa.Column("school_id", Identifier, nullable=False),
        sa.Column("begins", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_enrollment_school_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_enrollment_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrollment")),
        sa.UniqueConstraint("student_id", "school_id", name=op.f("uq_enrollment_student_id_school_id")),
    )
    op.create_index("ix_enrollment_school_id_student_id", "enrollment", ["school_id", "student_id"], unique=False)
    op.create_index(op.f("ix_enrollment_student_id"), "enrollment", ["student_id"], unique=False)
    op.create_table(
        "sealed_name",
        sa.Column("student_id", Identifier, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_sealed_name_student_id")),
        sa.PrimaryKeyConstraint("student_id", name=op.f("pk_sealed_name")),
    )
    op.create_table(
        "account_school",
        sa.Column("account_id", Identifier, nullable=False),
        sa.Column("school_id", Identifier, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_account_school_account_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_account_school_school_id")),
        sa.PrimaryKeyConstraint("account_id", "school_id", name=op.f("pk_account_school")),
    )
    op.create_index("ix_account_school_school_id", "account_school", ["school_id"], unique=False)
    op.create_table(
        "directory_user",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("directory_id", sa.Text(), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("login_key", Folded, nullable=False),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("name_key", Folded, server_default="", nullable=False),
        sa.Column("family_key", Folded, server_default="", nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("codes", sa.Text(), server_default="", nullable=False),
        sa.Column("school_id", Identifier, nullable=True),
        sa.Column("student_id", Identifier, nullable=True),
        sa.Column("staff_id", Identifier, nullable=True),
        sa.Column("account_id", Identifier, nullable=True),
        sa.Column("several", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("differs", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("gone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("first_seen", Moment(), nullable=False),
        sa.Column("last_seen", Moment(), nullable=False),
        sa.Column("told_at", Moment(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'activated', 'dismissed')", name=op.f("ck_directory_user_state_word")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_directory_user_account_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_directory_user_school_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_directory_user_staff_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_directory_user_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_directory_user")),
        sa.UniqueConstraint("directory_id", name=op.f("uq_directory_user_directory_id")),
    )
    op.create_index(op.f("ix_directory_user_account_id"), "directory_user", ["account_id"], unique=False)
    op.create_index("ix_directory_user_family_key_id", "directory_user", ["family_key", "id"], unique=False)
    op.create_index("ix_directory_user_login_key", "directory_user", ["login_key"], unique=False)
    op.create_index(op.f("ix_directory_user_school_id"), "directory_user", ["school_id"], unique=False)
    op.create_index(op.f("ix_directory_user_staff_id"), "directory_user", ["staff_id"], unique=False)
    op.create_index(op.f("ix_directory_user_student_id"), "directory_user", ["student_id"], unique=False)
    op.create_table(
        "membership",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("account_id", Identifier, nullable=False),
        sa.Column("student_id", Identifier, nullable=False),
        sa.Column("relation", sa.Text(), server_default="", nullable=False),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("arrival_status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("origin", sa.Text(), server_default="self", nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("verified_at", Moment(), nullable=True),
        sa.Column("resumes_as", sa.Text(), nullable=True),
        sa.Column("suspended_until", sa.Date(), nullable=True),
        sa.Column("blocked", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("block_review", sa.Date(), nullable=True),
        sa.Column("rebased", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "arrival_status IN ('pending', 'limited', 'approved', 'suspended', 'removed')",
            name=op.f("ck_membership_arrival_status_word"),
        ),
        sa.CheckConstraint("origin IN ('self', 'sis', 'adopted')", name=op.f("ck_membership_origin_word")),
        sa.CheckConstraint(
            "resumes_as IN ('pending', 'limited', 'approved', 'suspended', 'removed')",
            name=op.f("ck_membership_resumes_as_word"),
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'limited', 'approved', 'suspended', 'removed')",
            name=op.f("ck_membership_status_word"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_membership_account_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_membership_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint("account_id", "student_id", name=op.f("uq_membership_account_id_student_id")),
    )
    op.create_index(
        "ix_membership_blocked",
        "membership",
        ["student_id"],
        unique=False,
        sqlite_where=sa.text("blocked"),
        postgresql_where=sa.text("blocked"),
    )
    op.create_index(op.f("ix_membership_student_id"), "membership", ["student_id"], unique=False)
    op.create_table(
        "notice",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("case_id", Identifier, nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("account_id", Identifier, nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default="held", nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("not_before", Moment(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tried_at", Moment(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.Column("told_at", Moment(), nullable=True),
        sa.CheckConstraint(
            "state IN ('held', 'sending', 'sent', 'withdrawn', 'failed', 'unknown')", name=op.f("ck_notice_state_word")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_notice_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice")),
        sa.UniqueConstraint("message_id", name=op.f("uq_notice_message_id")),
    )
    op.create_index("ix_notice_batch", "notice", ["batch"], unique=False)
    op.create_index("ix_notice_desk_case_id", "notice", ["desk", "case_id"], unique=False)
    op.create_index("ix_notice_state_not_before", "notice", ["state", "not_before"], unique=False)
    op.create_table(
        "operator",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), server_default="local", nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("unattended", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("break_glass", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("directory_id", sa.Text(), nullable=True),
        sa.Column("account_id", Identifier, nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("added_by", Identifier, nullable=True),
        sa.Column("added_at", Moment(), nullable=True),
        sa.Column("checked_at", Moment(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("origin IN ('local', 'directory', 'program')", name=op.f("ck_operator_origin_word")),
        sa.CheckConstraint("status IN ('proposed', 'active', 'disabled')", name=op.f("ck_operator_status_word")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_operator_account_id")),
        sa.ForeignKeyConstraint(["added_by"], ["operator.id"], name=op.f("fk_operator_added_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator")),
        sa.UniqueConstraint("directory_id", name=op.f("uq_operator_directory_id")),
        sa.UniqueConstraint("name", name=op.f("uq_operator_name")),
    )
    op.create_table(
        "access_grant",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="requested", nullable=False),
        sa.Column("arrived_at", Moment(), nullable=False),
        sa.Column("account_id", Identifier, nullable=False),
        sa.Column("student_id", Identifier, nullable=False),
        sa.Column("school_id", Identifier, nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("begins", sa.Date(), nullable=True),
        sa.Column("ends", sa.Date(), nullable=True),
        sa.Column("permission_reference", sa.Text(), nullable=True),
        sa.Column("permission_digest", sa.Text(), nullable=True),
        sa.Column("permission_witness", Identifier, nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("decided_by", Identifier, nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'approved', 'rejected', 'revoked')", name=op.f("ck_access_grant_state_word")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_access_grant_account_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["operator.id"], name=op.f("fk_access_grant_decided_by")),
        sa.ForeignKeyConstraint(
            ["permission_witness"], ["operator.id"], name=op.f("fk_access_grant_permission_witness")
        ),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_access_grant_school_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_access_grant_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_grant")),
        sa.UniqueConstraint("ref", name=op.f("uq_access_grant_ref")),
    )
    op.create_index(op.f("ix_access_grant_account_id"), "access_grant", ["account_id"], unique=False)
    op.create_index("ix_access_grant_state_arrived_at_id", "access_grant", ["state", "arrived_at", "id"], unique=False)
    op.create_index(op.f("ix_access_grant_student_id"), "access_grant", ["student_id"], unique=False)
    op.create_table(
        "batch",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("call_key", sa.Text(), nullable=False),
        sa.Column("call_digest", sa.LargeBinary(), nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("undoes", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_batch_operator_id")),
        sa.ForeignKeyConstraint(["undoes"], ["batch.id"], name=op.f("fk_batch_undoes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sa.UniqueConstraint("operator_id", "call_key", name=op.f("uq_batch_operator_id_call_key")),
    )
    op.create_index("ix_batch_at", "batch", ["at"], unique=False)
    op.create_table(
        "challenge",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("arrived_at", Moment(), nullable=False),
        sa.Column("membership_id", Identifier, nullable=False),
        sa.Column("account_id", Identifier, nullable=False),
        sa.Column("student_id", Identifier, nullable=False),
        sa.Column("school_id", Identifier, nullable=True),
        sa.Column("challenger_id", Identifier, nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("answer_due", sa.Date(), nullable=False),
        sa.Column("decision_due", sa.Date(), nullable=False),
        sa.Column("waiting_until", sa.Date(), nullable=True),
        sa.Column("answered_at", Moment(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("decided_by", Identifier, nullable=True),
        sa.Column("owner_id", Identifier, nullable=True),
        sa.Column("owned_until", Moment(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "basis IN ('court_order', 'statute', 'binding_document', 'fraud', 'duplicate', 'own_request', 'not_verified')",
            name=op.f("ck_challenge_basis_word"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'waiting', 'decided', 'appealed', 'closed')", name=op.f("ck_challenge_state_word")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_challenge_account_id")),
        sa.ForeignKeyConstraint(["challenger_id"], ["account.id"], name=op.f("fk_challenge_challenger_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["operator.id"], name=op.f("fk_challenge_decided_by")),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name=op.f("fk_challenge_membership_id")),
        sa.ForeignKeyConstraint(["owner_id"], ["operator.id"], name=op.f("fk_challenge_owner_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_challenge_school_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_challenge_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_challenge")),
        sa.UniqueConstraint("ref", name=op.f("uq_challenge_ref")),
    )
    op.create_index(op.f("ix_challenge_membership_id"), "challenge", ["membership_id"], unique=False)
    op.create_index("ix_challenge_state_arrived_at_id", "challenge", ["state", "arrived_at", "id"], unique=False)
    op.create_index(op.f("ix_challenge_student_id"), "challenge", ["student_id"], unique=False)
    op.create_table(
        "invitation",
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("made_by", Identifier, nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["operator.id"], name=op.f("fk_invitation_made_by")),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_invitation_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_invitation")),
    )
    op.create_table(
        "operator_factor",
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("enrolled_at", Moment(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), server_default="-1", nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_operator_factor_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operator_factor")),
    )
    op.create_table(
        "operator_key",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("added_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_operator_key_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_key")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_operator_key_fingerprint")),
    )
    op.create_index(op.f("ix_operator_key_operator_id"), "operator_key", ["operator_id"], unique=False)
    op.create_table(
        "operator_password",
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("encoded", sa.Text(), nullable=False),
        sa.Column("set_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_operator_password_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operator_password")),
    )
    op.create_table(
        "operator_school",
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("school_id", Identifier, nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_operator_school_operator_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_operator_school_school_id")),
        sa.PrimaryKeyConstraint("operator_id", "school_id", name=op.f("pk_operator_school")),
    )
    op.create_table(
        "recovery_code",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_recovery_code_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("operator_id", "digest", name=op.f("uq_recovery_code_operator_id_digest")),
    )
    op.create_table(
        "registration",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="submitted", nullable=False),
        sa.Column("arrived_at", Moment(), nullable=False),
        sa.Column("account_id", Identifier, nullable=False),
        sa.Column("student_id", Identifier, nullable=True),
        sa.Column("membership_id", Identifier, nullable=True),
        sa.Column("school_id", Identifier, nullable=True),
        sa.Column("given_name", sa.Text(), nullable=False),
        sa.Column("family_name", sa.Text(), nullable=False),
        sa.Column("name_key", Folded, server_default="", nullable=False),
        sa.Column("family_key", Folded, server_default="", nullable=False),
        sa.Column("skeleton", Folded, server_default="", nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_key", Folded, server_default="", nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("phone_key", Folded, server_default="", nullable=False),
        sa.Column("relation", sa.Text(), server_default="", nullable=False),
        sa.Column("student_number", sa.Text(), nullable=False),
        sa.Column("student_given_name", sa.Text(), nullable=True),
        sa.Column("student_family_name", sa.Text(), nullable=True),
        sa.Column("student_family_key", Folded, server_default="", nullable=False),
        sa.Column("organisation_name", sa.Text(), nullable=True),
        sa.Column("code_hash", sa.LargeBinary(), nullable=True),
        sa.Column("facts", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("match", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("own_flags", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("flags", sa.SmallInteger(), server_default="0", nullable=False),
        sa.Column("asked_at", Moment(), nullable=True),
        sa.Column("deferred_until", sa.Date(), nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("decided_by", Identifier, nullable=True),
        sa.Column("checked_by", sa.Text(), nullable=True),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("check_proof", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint("kind IN ('parent', 'student', 'asp')", name=op.f("ck_registration_kind_word")),
        sa.CheckConstraint(
            "state IN ('submitted', 'needs_info', 'deferred', 'approved', 'limited', 'rejected', 'withdrawn', 'expired')",
            name=op.f("ck_registration_state_word"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_registration_account_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["operator.id"], name=op.f("fk_registration_decided_by")),
        sa.ForeignKeyConstraint(["membership_id"], ["membership.id"], name=op.f("fk_registration_membership_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_registration_school_id")),
        sa.ForeignKeyConstraint(["student_id"], ["student.id"], name=op.f("fk_registration_student_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint("ref", name=op.f("uq_registration_ref")),
    )
    op.create_index(op.f("ix_registration_account_id"), "registration", ["account_id"], unique=False)
    op.create_index("ix_registration_arrived_at_id", "registration", ["arrived_at", "id"], unique=False)
    op.create_index("ix_registration_email_key", "registration", ["email_key"], unique=False)
    op.create_index("ix_registration_family_key_id", "registration", ["family_key", "id"], unique=False)
    op.create_index(op.f("ix_registration_membership_id"), "registration", ["membership_id"], unique=False)
    op.create_index("ix_registration_name_key", "registration", ["name_key"], unique=False)
    op.create_index(
        "ix_registration_school_id_state_arrived_at_id",
        "registration",
        ["school_id", "state", "arrived_at", "id"],
        unique=False,
    )
    op.create_index("ix_registration_state_arrived_at_id", "registration", ["state", "arrived_at", "id"], unique=False)
    op.create_index("ix_registration_state_match_id", "registration", ["state", "match", "id"], unique=False)
    op.create_index(op.f("ix_registration_student_id"), "registration", ["student_id"], unique=False)
    op.create_table(
        "request",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("desk", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("call", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("unplaced", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("maker_id", Identifier, nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("confirmer_id", Identifier, nullable=True),
        sa.Column("decided_at", Moment(), nullable=True),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'confirmed', 'refused', 'withdrawn')", name=op.f("ck_request_state_word")
        ),
        sa.CheckConstraint("confirmer_id IS NULL OR confirmer_id <> maker_id", name=op.f("ck_request_second_person")),
        sa.ForeignKeyConstraint(["confirmer_id"], ["operator.id"], name=op.f("fk_request_confirmer_id")),
        sa.ForeignKeyConstraint(["maker_id"], ["operator.id"], name=op.f("fk_request_maker_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
    )
    op.create_index("ix_request_state_until", "request", ["state", "until"], unique=False)
    op.create_table(
        "roster_import",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("batch", sa.Text(), nullable=False),
        sa.Column("source_hash", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("withdrawn", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_roster_import_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_import")),
    )
    op.create_table(
        "session",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("operator_id", Identifier, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column("began_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.CheckConstraint("kind IN ('screen', 'line')", name=op.f("ck_session_kind_word")),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_session_operator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_session")),
    )
    op.create_index(op.f("ix_session_operator_id"), "session", ["operator_id"], unique=False)
    op.create_table(
        "request_case",
        sa.Column("request_id", Identifier, nullable=False),
        sa.Column("case_id", Identifier, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_case_request_id")),
        sa.PrimaryKeyConstraint("request_id", "case_id", name=op.f("pk_request_case")),
    )
    op.create_table(
        "request_school",
        sa.Column("request_id", Identifier, nullable=False),
        sa.Column("school_id", Identifier, nullable=False),
        sa.ForeignKeyConstraint(["request_id"], ["request.id"], name=op.f("fk_request_school_request_id")),
        sa.ForeignKeyConstraint(["school_id"], ["school.id"], name=op.f("fk_request_school_school_id")),
        sa.PrimaryKeyConstraint("request_id", "school_id", name=op.f("pk_request_school")),
    )
    op.create_table(
        "roster_change",
        sa.Column("id", Identifier, autoincrement=True, nullable=False),
        sa.Column("import_id", Identifier, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("before", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["import_id"], ["roster_import.id"], name=op.f("fk_roster_change_import_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_change")),
    )
    op.create_index("ix_roster_change_kind_source_id", "roster_change", ["kind", "source_id"], unique=False)
    op.create_table(
        "step_up",
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"], name=op.f("fk_step_up_session_id")),
        sa.PrimaryKeyConstraint("session_id", "digest", name=op.f("pk_step_up")),
    )
    op.create_index("ix_step_up_at", "step_up", ["at"], unique=False)
