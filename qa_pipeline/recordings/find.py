"""Which files are recordings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".wav", ".mp3", ".opus", ".ogg", ".gsm", ".m4a", ".aac", ".amr", ".flac", ".spx"})


@dataclass(frozen=True)
class Failure:
    """A recording that could not be read. reason: missing, empty, not_audio, truncated, unreadable, call_id_taken."""

    path: Path
    reason: str
    detail: str


@dataclass(frozen=True)
class Found:
    """Recordings in order, paths that were named and are not there, and how many other files were passed over."""

    paths: tuple[Path, ...]
    failures: tuple[Failure, ...]
    passed_over: int


def find_recordings(paths: Sequence[Path]) -> Found:
    """Files by their suffix, in folders at any depth; hidden ones are left alone. Each file once."""
    failures = [Failure(p, "missing", "no such file or folder") for p in paths if not p.exists()]
    files = {f.resolve(): f for p in paths if p.exists() for f in _files(p)}
    found = sorted((f for f in files.values() if f.suffix.lower() in SUFFIXES), key=lambda f: f.as_posix())
    return Found(tuple(found), tuple(failures), len(files) - len(found))


def _files(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    inside = (f for f in path.rglob("*") if not any(part.startswith(".") for part in f.relative_to(path).parts))
    return (f for f in inside if f.is_file())
