"""Turns the texts of thousands of rows into values a column at a time; a row with anything odd is read by itself.

A column is parsed once for each text that occurs in it, or looked at as a whole where the text is its own value. Which rows are odd
comes out of that; they go through the `RowReader`, which says what is wrong with them in words. So there is one rule for each field,
and a clean file costs a few steps a row.
"""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any

from console.intake.fields import FieldError, Need, RowReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from console.intake.fields import Field
    from console.intake.findings import Findings

_WRONG = object()


class PartReader:
    """Reads parts of one file, given as columns in the fields' order."""

    def __init__(self, fields: Sequence[Field], file: str, findings: Findings) -> None:
        self._fields = tuple(fields)
        self._rows = RowReader(fields, file, findings)

    def read(
        self, lines: Sequence[int], columns: Sequence[Sequence[str]], withdrawn: set[int], identity: str
    ) -> tuple[list[int], list[Sequence[Any]]]:
        """The places of the rows that stand, and their values as columns.

        Of the rows at the places `withdrawn` only the field `identity` counts.
        """
        values: list[Sequence[Any]] = []
        odd = set(withdrawn)
        for field, texts in zip(self._fields, columns, strict=True):
            read = _column(field, texts, odd)
            values.append(read)
        if not odd:
            return list(range(len(lines))), values
        rows: list[Sequence[Any] | None] = list(zip(*values, strict=True))
        for place in sorted(odd):
            texts = [column[place] for column in columns]
            rows[place] = self._rows.read(lines[place], texts, identity=identity if place in withdrawn else None)
        kept = [place for place, row in enumerate(rows) if row is not None]
        left = [row for row in rows if row is not None]
        return kept, list(zip(*left, strict=True)) if left else [() for _ in self._fields]


def _column(field: Field, texts: Sequence[str], odd: set[int]) -> Sequence[Any]:
    """The values of a column; the places of texts that need words are added to `odd`."""
    blanks = "" in texts
    if blanks and field.need is Need.MUST:
        odd.update(place for place, text in enumerate(texts) if not text)
    if not any(texts):
        return (field.blank,) * len(texts)
    whole = getattr(field.parse, "whole", None)
    if whole is not None and whole(texts):
        return [text or field.blank for text in texts] if blanks and field.blank != "" else texts
    known: dict[str, Any] = {"": field.blank}
    parse = field.parse
    wrong = False
    for text in set(texts):
        if text:
            try:
                known[text] = parse(text)
            except FieldError:
                known[text], wrong = _WRONG, True
    values = list(map(known.__getitem__, texts))
    if wrong:
        odd.update(compress(range(len(texts)), [value is _WRONG for value in values]))
    return values
