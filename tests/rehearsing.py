"""An office in which everything can be tried and nothing lasts: each unit of work is a savepoint of one transaction.

What a decision does is real – its SQL, its records, its refusals – and is gone when the rehearsal ends, which takes a millisecond
where a new portal would take a second. Nothing is signed, for a signer does not forget.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from console.office import Office
from models.row_scope import SETTING, told

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import sqlalchemy as sa

    from console.authority import Operator
    from models.words import Log


class Rehearsal(Office):
    """The office of `office`'s portal, over one connection; what happens between two calls of `forget` is forgotten."""

    def __init__(self, office: Office) -> None:
        super().__init__(
            office.engine,
            office.settings,
            office.clock,
            office.random,
            office.vault,
            office.signer,
            office.assurance,
        )
        self.connection = office.engine.execution_options(writes=True).connect()
        self._all = self.connection.begin()

    @contextmanager
    def reading(self, operator: Operator | None = None) -> Iterator[sa.Connection]:
        with self._unit(operator) as connection:
            yield connection

    @contextmanager
    def writing(self, operator: Operator | None = None, *, late: bool = False) -> Iterator[sa.Connection]:
        del late
        with self._unit(operator) as connection:
            yield connection

    @contextmanager
    def _unit(self, operator: Operator | None) -> Iterator[sa.Connection]:
        self._keep_to(operator.schools if operator is not None else None)
        try:
            with self.connection.begin_nested():
                if operator is not None:
                    self.assurance.present(self.connection, operator, self.clock.now())
                yield self.connection
        finally:
            self._keep_to(None)

    def _keep_to(self, schools: Collection[int] | None) -> None:
        """What `models.engine` says to PostgreSQL at the beginning of a transaction."""
        if self.connection.dialect.name == "postgresql":
            self.connection.execution_options(schools=schools)
            self.connection.exec_driver_sql(f"SET LOCAL {SETTING} = '{told(schools)}'")

    def seal(self, log: Log | None = None, known: Any = None) -> None:  # type: ignore[override]
        """Nothing lasts, so nothing is signed."""
        del log, known

    @contextmanager
    def forgetting(self) -> Iterator[None]:
        """What happens in the block is taken back at its end."""
        with self.connection.begin_nested() as mark:
            yield
            mark.rollback()

    def written(self) -> int:
        """How many rows SQLite has written on this connection since it was opened, also those taken back since."""
        raw: Any = self.connection.connection.dbapi_connection
        return int(raw.total_changes)

    def close(self) -> None:
        """Forget everything."""
        self._all.rollback()
        self.connection.close()
