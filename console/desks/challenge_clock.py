"""The clock of a challenge in school days: first answer, then decision (PORTAL, *Challenges*), in words and as a filter.

It runs while a case is open or appealed. While it waits for somebody's answer the day on which it comes back is shown instead; a
settled case has no clock.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from console.clock import add_school_days, school_days_between
from console.lazy import sa, t
from console.queue import Tone
from models.words import ChallengeState

if TYPE_CHECKING:
    from datetime import date

    from console.desk import Sight
    from console.filters import Predicate

S = ChallengeState
SOON = 2
"""School days ahead that still count as soon."""


class Due(StrEnum):
    """When the next answer or decision is due."""

    OVER = "over"
    TODAY = "today"
    SOON = "soon"


def due_on() -> sa.ColumnElement[date]:
    """The day by which something has to be done next: the first answer until there was one, then the decision."""
    c = t.challenge.c
    return sa.case((c.answered_at.is_(None), c.answer_due), else_=c.decision_due)


def back(sight: Sight) -> Predicate:
    """Whether it waited and the day has come: it counts as open again."""
    c = t.challenge.c
    return sa.and_(c.state == S.WAITING, sa.func.coalesce(c.waiting_until <= sight.today, sa.true()))


def running(sight: Sight) -> Predicate:
    """Whether the clock runs."""
    return sa.or_(t.challenge.c.state.in_((S.OPEN, S.APPEALED)), back(sight))


def is_due(when: Due, sight: Sight) -> Predicate:
    """Whether a case is due so; `soon` is within two school days from today, which itself is not soon."""
    due, today = due_on(), sight.today
    soon = add_school_days(today, SOON, sight.settings.portal.closed_days)
    found = {Due.OVER: due < today, Due.TODAY: due == today, Due.SOON: sa.and_(due > today, due <= soon)}
    return sa.and_(running(sight), found[when])


def due_words(row: Any, sight: Sight) -> str:
    """The clock of a queue's row: `answer due today`, `2 days over`, `in 3 days`, `until 2026-11-25`; empty when settled."""
    if row.state == S.WAITING:
        return f"until {row.waiting_until.isoformat()}"
    if row.state not in (S.OPEN, S.APPEALED):
        return ""
    unanswered = row.answered_at is None
    words = day_words(row.answer_due if unanswered else row.decision_due, sight)
    return f"answer {words}" if unanswered else words


def day_words(due: date, sight: Sight) -> str:
    """A day as school days from today: `due today`, `in 3 days`, `2 days over`."""
    days = school_days_between(sight.today, due, sight.settings.portal.closed_days)
    if due < sight.today:
        # Between a Friday and its Sunday lies no school day, and yet it is over.
        return "over" if days == 0 else f"{-days} {_days(-days)} over"
    return "due today" if days == 0 else f"in {days} {_days(days)}"


def due_tone(words: str) -> Tone:
    """How the words are coloured."""
    if words.endswith("over"):
        return Tone.BAD
    if words.endswith(("today", "in 1 day")):
        return Tone.WARN
    return Tone.PLAIN


def _days(count: int) -> str:
    return "day" if count == 1 else "days"
