"""Room on the project's disk: asked for before a run, and known for what it is when it runs out."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

from qa_pipeline.errors import Place, QaError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
KEPT = "what was finished is kept; free some and give the same command again"


class DiskFullError(QaError):
    """Nothing more can be written. It is nobody's recording that is to blame."""


def check_room(root: Path, min_free_gb: float) -> None:
    """Raises DiskFullError where less is free than the settings ask for."""
    free = shutil.disk_usage(root).free / 1e9
    if free < min_free_gb:
        said = f"{free:.1f} GB of disk are free, night.min_free_gb asks for {min_free_gb:g}; free some (qa prune), or lower it"
        raise DiskFullError(said, Place(str(root)))


def is_full(problem: BaseException) -> bool:
    """Whether a system's or SQLite's error says that the disk, or the user's share of it, is full."""
    if isinstance(problem, sqlite3.OperationalError):
        return "full" in str(problem)
    return isinstance(problem, OSError) and problem.errno in FULL


def disk_full(problem: BaseException) -> DiskFullError:
    place = Place(str(problem.filename)) if isinstance(problem, OSError) and problem.filename else None
    return DiskFullError(f"the disk is full ({problem}); {KEPT}", place)
