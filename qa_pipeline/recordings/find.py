"""Which files are recordings."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from qa_pipeline.recordings.files import PAIR, RecordingFiles, pair_up

SUFFIXES = frozenset(
    {
        *(".wav", ".mp3", ".opus", ".ogg", ".oga", ".gsm", ".m4a", ".mp4", ".3gp", ".aac", ".amr", ".awb", ".flac", ".spx"),
        *(".aif", ".aiff", ".au", ".w64", ".wma", ".vox"),
        *(".ul", ".ulaw", ".mulaw", ".pcmu", ".pcm", ".al", ".alaw", ".pcma", ".sln", ".sln16", ".g722"),
    }
)
"""What phone systems write; the last two lines hold what can only be read when converted, or when its format is declared."""


@dataclass(frozen=True)
class Failure:
    """A recording that gave no score, and why. `detail` says what is wrong and what to do.

    reason: missing, empty, not_audio, unsupported, damaged_header, truncated, too_long, unreadable, pair_unclear, not_a_side,
    call_id_taken, changing, timed_out, decoding_died; or the stage that raised: decoding_failed, listening_failed,
    recognition_failed, judging_failed.
    """

    path: Path
    reason: str
    detail: str


@dataclass(frozen=True)
class Found:
    """Recordings in order, what was named and cannot be read, and the other files."""

    recordings: tuple[RecordingFiles, ...]
    failures: tuple[Failure, ...]
    passed_over: tuple[Path, ...]


def find_recordings(paths: Sequence[Path], more: Collection[str] = (), pair: str | None = PAIR) -> Found:
    """Files by their suffix, one of SUFFIXES or of `more`, in folders at any depth; hidden ones are left alone. Each file once,
    whatever its names; sides of one call together by the pattern `pair`."""
    suffixes = SUFFIXES | set(more)
    failures: dict[Path, Failure] = {}
    recordings: dict[str, Path] = {}
    others: dict[str, Path] = {}
    for path in paths:
        for found in _look(path, suffixes):
            if isinstance(found, Failure):
                failures.setdefault(found.path, found)
            else:
                audio = found.suffix.lower() in suffixes
                (recordings if audio else others).setdefault(os.path.realpath(found), found)
    made, unclear = pair_up(sorted(recordings.values(), key=lambda f: f.as_posix()), pair)
    for sides in unclear:
        names = ", ".join(path.name for path in sides)
        said = f"more than one file for a side of one call ({names}); correct recordings.pair in qa.toml"
        failures |= {path: Failure(path, "pair_unclear", said) for path in sides}
    return Found(tuple(made), tuple(failures.values()), tuple(others.values()))


def files_inside(folder: Path) -> Iterator[Path | Failure]:
    """Everything not hidden at any depth, in order, links followed but never in circles; a Failure for a closed folder."""
    closed: list[OSError] = []
    seen: set[str] = set()
    for here, folders, names in os.walk(folder, onerror=closed.append, followlinks=True):
        real = os.path.realpath(here)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(here, name) for name in sorted(names) if not name.startswith("."))
    yield from (Failure(Path(p.filename or folder), "unreadable", f"{p.strerror}; give read access") for p in closed)


def _look(path: Path, suffixes: Collection[str]) -> Iterator[Path | Failure]:
    if not os.path.isdir(path):
        yield _file(path)
        return
    for found in files_inside(path):
        audio = isinstance(found, Path) and found.suffix.lower() in suffixes
        yield _file(found) if isinstance(found, Path) and audio else found


def _file(path: Path) -> Path | Failure:
    if os.path.isfile(path):
        return path
    if os.path.islink(path):
        return Failure(path, "missing", f"a link to {os.readlink(path)}, which is not there")
    if os.path.lexists(path):
        return Failure(path, "not_audio", "neither a file nor a folder")
    return Failure(path, "missing", "no such file or folder; check the path")
