"""Several consoles at the same moment, each with connections of its own: how tests race."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa

from models.engine import open_engine, reading, writing

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")


def at_once(url: str, consoles: int, work: Callable[[sa.Connection], Made]) -> list[Made]:
    """What `work` gives in a writing transaction on so many consoles that begin it at the same time."""
    engines = [open_engine(url) for _ in range(consoles)]
    for engine in engines:
        with reading(engine) as connection:
            connection.execute(sa.select(1))
    start = threading.Barrier(consoles)
    made: list[Made] = []

    def run(engine: sa.Engine) -> None:
        start.wait()
        with writing(engine) as connection:
            given = work(connection)
        made.append(given)

    threads = [threading.Thread(target=run, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for engine in engines:
        engine.dispose()
    assert len(made) == consoles
    return made
