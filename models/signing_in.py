"""How operators prove who they are: passwords, second factors, keys, sessions, and what a code was given for.

Nothing in here opens anything by itself: a password is kept as its Argon2id hash, a seed sealed under the portal's data key, a code
and a session's token as a digest.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint

from models.schema import Identifier, Moment, flag, key, table, version, word
from models.words import OperatorOrigin, OperatorStatus, SessionKind

operator = table(
    "operator",
    key(),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, nullable=False),
    word("origin", OperatorOrigin, OperatorOrigin.LOCAL),
    word("status", OperatorStatus, OperatorStatus.ACTIVE),
    flag("unattended"),
    flag("break_glass"),
    Column("directory_id", Text, unique=True),
    Column("account_id", Identifier, ForeignKey("account.id")),
    Column("email", Text),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("added_by", Identifier, ForeignKey("operator.id")),
    Column("added_at", Moment),
    Column("checked_at", Moment),
    version(),
)
"""`directory_id` is the entryUUID or objectGUID of a directory operator, whose name may change. A higher `epoch` ends every session.
`checked_at` is when the directory last said that the account is in use; `unattended` is a program, which signs in with a key only.
"""

operator_school = table(
    "operator_school",
    Column("operator_id", Identifier, ForeignKey("operator.id"), primary_key=True),
    Column("school_id", Identifier, ForeignKey("school.id"), primary_key=True),
)
"""The schools an operator sees; none means all."""

operator_password = table(
    "operator_password",
    Column("operator_id", Identifier, ForeignKey("operator.id"), primary_key=True),
    Column("encoded", Text, nullable=False),
    Column("set_at", Moment, nullable=False),
)
"""A local operator's password as an Argon2id hash in PHC form."""

operator_factor = table(
    "operator_factor",
    Column("operator_id", Identifier, ForeignKey("operator.id"), primary_key=True),
    Column("seed", LargeBinary, nullable=False),
    Column("enrolled_at", Moment, nullable=False),
    Column("last_step", BigInteger, nullable=False, server_default="-1"),
)
"""A second factor: the TOTP seed (RFC 6238), sealed, and the last time step that was used: no code counts twice."""

recovery_code = table(
    "recovery_code",
    key(),
    Column("operator_id", Identifier, ForeignKey("operator.id"), nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("used_at", Moment),
    UniqueConstraint("operator_id", "digest"),
)

invitation = table(
    "invitation",
    Column("operator_id", Identifier, ForeignKey("operator.id"), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("made_by", Identifier, ForeignKey("operator.id")),
)
"""A one-time word with which an operator sets a password and enrols a second factor, at their first sign-in or after a reset."""

operator_key = table(
    "operator_key",
    key(),
    Column("operator_id", Identifier, ForeignKey("operator.id"), nullable=False, index=True),
    Column("fingerprint", Text, nullable=False, unique=True),
    Column("added_at", Moment, nullable=False),
)
"""A public key that is one operator's: an SSH key, or the key of a program. `fingerprint` as ssh-keygen writes it, `SHA256:…`."""

signin_delay = table(
    "signin_delay",
    Column("name", LargeBinary, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
)
"""Failed attempts under a typed name, known or not; `name` is its MAC, for a password is easily typed in its place."""

session = table(
    "session",
    Column("id", Text, primary_key=True),
    Column("operator_id", Identifier, ForeignKey("operator.id"), nullable=False, index=True),
    word("kind", SessionKind),
    Column("digest", LargeBinary, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("fingerprint", Text),
    Column("began_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("ended_at", Moment),
)
"""One sign-in. `digest` is the SHA-256 of its token; `fingerprint` the SSH key it came with; `until` the absolute limit, exclusive."""

step_up = table(
    "step_up",
    Column("session_id", Text, ForeignKey("session.id"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("at", Moment, nullable=False),
    Index("ix_step_up_at", "at"),
)
"""A code that was given for one action, named by its digest; spent with it."""
