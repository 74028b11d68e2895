"""Who decided what: batches, the two logs and the notices that follow."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint

from models.schema import Identifier, Moment, few, key, ranged, table, word
from models.words import Log, NoticeState

portal = table(
    "portal",
    key(),
    Column("name", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("verifier_key", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("demo_seed", Integer),
)
"""One row: this portal. `demo_seed` is set only by the demonstration builder, which refuses every other database."""

data_key = table(
    "data_key",
    key(),
    Column("wrapped", LargeBinary, nullable=False),
    Column("made_at", Moment, nullable=False),
)

batch = table(
    "batch",
    Column("id", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("operator_id", Identifier, ForeignKey("operator.id"), nullable=False),
    Column("call_key", Text, nullable=False),
    Column("call_digest", LargeBinary, nullable=False),
    Column("desk", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("undoes", Text, ForeignKey("batch.id")),
    Column("receipt", Text, nullable=False),
    UniqueConstraint("operator_id", "call_key"),
    Index("ix_batch_at", "at"),
)
"""One decision of one operator over one or many cases; what makes a repeated call find its receipt."""

log_head = table(
    "log_head",
    word("log", Log, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
)

record = table(
    "record",
    Column("log", Text, primary_key=True),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("operator_id", Identifier, nullable=False),
    Column("kind", Text, nullable=False),
    Column("desk", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("case_id", Identifier, nullable=False),
    Column("batch", Text, nullable=False),
    Column("from_state", Text),
    Column("to_state", Text),
    Column("body", Text, nullable=False),
    Index("ix_record_batch", "batch"),
    Index("ix_record_desk_case_id", "desk", "case_id", "index"),
    Index("ix_record_operator_id", "operator_id", "index"),
    few("ix_record_kind", ("kind", "index"), "kind <> 'decision'"),
    Index("ix_record_action", "action", "index"),
    ranged("ix_record_at", "at"),
    in_order=True,
)
"""One line of a log. `body` is the canonical JSON that was hashed, byte for byte; the columns repeat what is filtered by, and
verification compares them. No plaintext about a person: ids, words, times, and the SHA-256 of the encrypted detail.

The index by kind leaves out decisions, which most records are, so that a bulk decision does not write it. PostgreSQL's by time is one
of ranges of pages, for records come in the order of time.
"""

record_detail = table(
    "record_detail",
    Column("digest", LargeBinary, primary_key=True),
    Column("batch", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)
"""What a record may not say in the clear (reason, references, messages), encrypted under its batch. `digest` is the SHA-256 of
`sealed` and stands in the record; the records of a bulk decision share one.
"""

log_node = table(
    "log_node",
    Column("log", Text, primary_key=True),
    Column("level", Integer, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    in_order=True,
)
"""Roots of perfect subtrees whose level is a multiple of eight: what makes a proof cheap in a long log."""

notice = table(
    "notice",
    key(),
    Column("batch", Text, nullable=False),
    Column("desk", Text, nullable=False),
    Column("case_id", Identifier, nullable=False),
    Column("template", Text, nullable=False),
    Column("account_id", Identifier, ForeignKey("account.id")),
    Column("address", Text),
    Column("sealed", LargeBinary),
    word("state", NoticeState, NoticeState.HELD),
    Column("made_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("tried_at", Moment),
    Column("last_error", Text),
    Column("message_id", Text, unique=True),
    Column("sent_at", Moment),
    Column("told_at", Moment),
    Index("ix_notice_state_not_before", "state", "not_before"),
    Index("ix_notice_batch", "batch"),
    Index("ix_notice_desk_case_id", "desk", "case_id"),
)
"""A message that follows a decision, to an account's address or to `address`. `sealed` is what the operator wrote.

`tried_at` is when the last attempt began, `told_at` when somebody was told that it failed. `last_error` holds a reply's code and
never an address.
"""
