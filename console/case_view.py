"""What a case shows beside itself so that a person can judge: groups of facts, its thread, and what can be decided of it.

Values are masked and printable when they come here; a screen and the line mode draw them as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.queue import Tone

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from console.text import SafeText


@dataclass(frozen=True, slots=True)
class Fact:
    """One line beside a case: what it is, what it says, how it should look."""

    label: str
    text: SafeText
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Part:
    """A titled group of facts."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a case's thread."""

    at: datetime
    author: SafeText
    text: tuple[SafeText, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    """A case with everything beside it that a person judges by. `decisions` says for each why it cannot be taken, or None."""

    desk: str
    id: int
    state: str
    title: SafeText
    parts: tuple[Part, ...]
    thread: tuple[Entry, ...] = ()
    decisions: Mapping[str, str | None] = field(default_factory=dict)
