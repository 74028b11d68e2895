"""Threads and deadlines: two things any case can have, written by decisions inside their transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.lazy import sa, t

if TYPE_CHECKING:
    from datetime import date

    from console.desk import Work


def write_entry(work: Work, desk: str, text: str) -> None:
    """Put what the operator wrote into the thread of every chosen case, encrypted for that case alone."""
    from models.bulk import insert_rows

    if not text.strip():
        return
    cases = work.connection.execute(sa.select(work.chosen.c.id).order_by(work.chosen.c.number)).scalars().all()
    bodies = work.vault.seal_many("thread_entry", "body", [(f"{desk}:{case}", text.encode()) for case in cases])
    insert_rows(
        work.connection,
        t.thread_entry,
        ("desk", "case_id", "at", "author", "author_id", "body", "batch", "withdrawn"),
        [
            (desk, case, work.sight.now, "operator", work.sight.operator.id, body, work.batch, False)
            for case, body in zip(cases, bodies, strict=True)
        ],
    )


def add_deadline(work: Work, desk: str, name: str, due: date) -> None:
    """Give every chosen case a deadline: `due` is a day of the district's calendar."""
    columns = ["desk", "case_id", "name", "due", "batch"]
    picked = sa.select(
        sa.literal(desk), work.chosen.c.id, sa.literal(name), sa.literal(due, sa.Date()), sa.literal(work.batch)
    )
    work.connection.execute(t.deadline.insert().from_select(columns, picked))


def meet_deadlines(work: Work, desk: str, name: str) -> None:
    """Mark the open deadlines of that name as met."""
    d = t.deadline.c
    work.connection.execute(
        t.deadline.update()
        .where(
            d.desk == desk,
            d.name == name,
            d.met_at.is_(None),
            d.withdrawn.is_(sa.false()),
            d.case_id.in_(sa.select(work.chosen.c.id)),
        )
        .values(met_at=work.sight.now)
    )
