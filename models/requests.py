"""What waits for a second person: a decision as it was asked for, and the exact rows that it is about."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Text

from models.schema import Identifier, Moment, flag, key, table, version, word
from models.words import RequestState

request = table(
    "request",
    key(),
    Column("desk", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("call", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("count", Integer, nullable=False),
    flag("unplaced"),
    word("state", RequestState, RequestState.WAITING),
    Column("maker_id", Identifier, ForeignKey("operator.id"), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("confirmer_id", Identifier, ForeignKey("operator.id")),
    Column("decided_at", Moment),
    Column("batch", Text),
    version(),
    CheckConstraint("confirmer_id IS NULL OR confirmer_id <> maker_id", name="second_person"),
    Index("ix_request_state_until", "state", "until"),
)
"""`call` is the parameters, sealed; `digest` covers action, parameters and rows with their versions: what is confirmed is what was
asked for. `until` is exclusive: until then it waits, and a confirmed export may be made. `batch` is what its confirmation did.
`unplaced` says that some of its cases are of no school: it exists for operators of all schools only.
"""

request_case = table(
    "request_case",
    Column("request_id", Identifier, ForeignKey("request.id"), primary_key=True),
    Column("case_id", Identifier, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)

request_school = table(
    "request_school",
    Column("request_id", Identifier, ForeignKey("request.id"), primary_key=True),
    Column("school_id", Identifier, ForeignKey("school.id"), primary_key=True),
)
"""The schools of a request's cases: it exists for who sees them all."""
