"""Which cases a decision is about, as said on a screen or a command line: never a list of a hundred thousand numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """Either `ids`, or everything that matches `where` except `but`.

    `watermark` is the ledger's size when the operator's screen was filled: a case takes part only if nothing changed it since.
    None means now (the command line, which plans and decides in one breath). `request` means the stored cases of that request
    instead, each as it was when it was asked for.
    """

    ids: tuple[int, ...] | None = None
    where: str = ""
    but: tuple[int, ...] = ()
    watermark: int | None = None
    request: int | None = None

    @property
    def single(self) -> bool:
        """Whether exactly one case was named."""
        return self.ids is not None and len(self.ids) == 1


@dataclass(frozen=True, slots=True)
class Skip:
    """A case that did not take part, and why, in words."""

    id: int
    why: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a decision did. `batch` is what `undo` takes; None for a preview or when nothing was done."""

    decision: str
    batch: str | None
    done: int
    skipped: tuple[Skip, ...]
    notices: int
    skipped_count: int = 0
    again: bool = False
    request: int | None = None
    """Where it waits for a second person: the request's number. Nothing was done yet then."""
    until: str = ""
    """Until when that waits, in ISO form, UTC."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a decision would do: counts, who is left out and why, whose access opens or closes, what it requires."""

    desk: str
    decision: str
    count: int
    skipped: tuple[Skip, ...]
    skipped_count: int
    notices: int
    opens: int
    closes: int
    reason_needed: bool
    typed_count: bool
    first: tuple[int, ...] = ()
    step_up: bool = False
    second_person: bool = False
    digest: bytes = b""
    """Of the call: what a code is given for."""
