"""The district's directory as it was last read: people who may get a login of the portal."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Text

from models.schema import Folded, Identifier, Moment, flag, key, table, version, word
from models.words import ActivationState

directory_user = table(
    "directory_user",
    key(),
    Column("directory_id", Text, nullable=False, unique=True),
    Column("login", Text, nullable=False),
    Column("login_key", Folded, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("family_name", Text, nullable=False),
    Column("name_key", Folded, nullable=False, server_default=""),
    Column("family_key", Folded, nullable=False, server_default=""),
    Column("email", Text),
    Column("number", Text),
    Column("codes", Text, nullable=False, server_default=""),
    Column("school_id", Identifier, ForeignKey("school.id"), index=True),
    Column("student_id", Identifier, ForeignKey("student.id"), index=True),
    Column("staff_id", Identifier, ForeignKey("staff.id"), index=True),
    Column("account_id", Identifier, ForeignKey("account.id"), index=True),
    flag("several"),
    flag("differs"),
    flag("disabled"),
    flag("gone"),
    word("state", ActivationState, ActivationState.WAITING),
    Column("first_seen", Moment, nullable=False),
    Column("last_seen", Moment, nullable=False),
    Column("told_at", Moment),
    version(),
    Index("ix_directory_user_login_key", "login_key"),
    Index("ix_directory_user_family_key_id", "family_key", "id"),
)
"""`directory_id` is the entryUUID or objectGUID; `number` the district's ID and `codes` the school codes, separated by spaces (PORTAL,
*Directory*). `student_id` and `staff_id` are whom the number means in the roster, `account_id` the login that was activated.
`several`: the number means more than one person; `differs`: that person has another name in the roster. Both are computed at each
sync and roster import. `disabled` and `gone` are what the directory said last; `told_at` is when somebody was alerted of a conflict
that still stands.
"""
