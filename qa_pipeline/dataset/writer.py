"""One writer at a time for a project: who comes second is told, not made to wait."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from qa_pipeline.errors import Place, QaError

LOCK = ".writer.lock"


class BusyError(QaError):
    """Another command is writing in this project."""


@contextmanager
def one_writer(root: Path) -> Iterator[None]:
    """Holds an SQLite file locked: on every system such a lock goes when its process goes, however that ends."""
    with closing(sqlite3.connect(root / LOCK, timeout=0, isolation_level=None)) as lock:
        try:
            lock.execute("begin exclusive")
        except sqlite3.OperationalError as problem:
            raise BusyError("another qa command is writing in this project; try again when it is done", Place(str(root))) from (
                problem
            )
        yield
