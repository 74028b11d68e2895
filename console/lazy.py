"""Modules that load at first use, so that help and line mode start without what they do not need.

`sa` is SQLAlchemy and `t` the portal's tables; a desk declares its queries with both, and its declaration is read (for help,
completion, the permission matrix) without either being imported.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType


def lazy(name: str) -> ModuleType:
    """The module `name`, imported when one of its attributes is first read.

    Raises ModuleNotFoundError at once when there is no such module.
    """
    loaded = sys.modules.get(name)
    if loaded is not None:
        return loaded
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    loader = importlib.util.LazyLoader(spec.loader)
    spec.loader = loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def load() -> None:
    """Load both now: two threads that read a first attribute at the same time would race."""
    for module, attribute in ((sa, "select"), (t, "metadata")):
        getattr(module, attribute)


if TYPE_CHECKING:
    import sqlalchemy as sa

    import models.tables as t
else:
    sa = lazy("sqlalchemy")
    t = lazy("models.tables")

__all__ = ["lazy", "load", "sa", "t"]
