"""What a recording is read from: one file, or two that hold a side of the call each (`123-in.wav`, `123-out.wav`)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

PAIR = r"^(?P<call>.+)[-_](?:(?P<first>in|rx)|(?P<second>out|tx))$"
"""Asterisk's Monitor and most recorders of each leg; over the name without its suffix."""
GROUPS = ("call", "first", "second", "start")


@dataclass(frozen=True)
class RecordingFiles:
    """`key` names the recording in the ledger: a file's resolved path, or for sides `/dir/123-*.wav`, the same whether or not
    both are there. `channels`: the call's channel of each file; empty for a file that brings its own. `offsets_ms`: when each
    file begins within the recording. `joint`: what a call record may call the two together."""

    paths: tuple[Path, ...]
    key: str
    channels: tuple[int, ...] = ()
    offsets_ms: tuple[int, ...] = (0,)
    joint: Path | None = None

    @property
    def named(self) -> tuple[Path, ...]:
        """The paths by which a call record may name it."""
        return (*self.paths, self.joint) if self.joint else self.paths

    @property
    def state(self) -> tuple[int, int]:
        """Size and latest change of all files together. Raises OSError."""
        stats = [path.stat() for path in self.paths]
        return sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats)


def one_file(path: Path) -> RecordingFiles:
    return RecordingFiles((path,), str(path.resolve()))


@dataclass(frozen=True)
class _Side:
    path: Path
    channel: int
    start: str | None


def pair_up(paths: Iterable[Path], pattern: str | None = PAIR) -> tuple[list[RecordingFiles], list[tuple[Path, ...]]]:
    """Recordings in the order of their files, and files that claim one side of one call together.

    Two files of one folder and suffix are sides of one call where `pattern` finds the same `call` in both, and `first` in the
    one, `second` in the other; `start` (14 digits, or seconds or milliseconds since 1970) tells when each begins.
    """
    found: dict[str, list[_Side]] = {}
    joints: dict[str, Path] = {}
    made: list[RecordingFiles] = []
    for path in paths:
        match = re.search(pattern, path.stem) if pattern else None
        if match is None:
            made.append(one_file(path))
            continue
        key = str(path.resolve().parent / (_without_side(match) + path.suffix))
        groups = match.groupdict()
        joints[key] = path.parent / (groups["call"] + path.suffix)
        found.setdefault(key, []).append(_Side(path, 0 if groups["first"] else 1, groups.get("start")))
    unclear: list[tuple[Path, ...]] = []
    for key, sides in found.items():
        sides.sort(key=lambda side: side.channel)
        files, channels = tuple(side.path for side in sides), tuple(side.channel for side in sides)
        if len(set(channels)) < len(channels):
            unclear.append(files)
        else:
            made.append(RecordingFiles(files, key, channels, _offsets([side.start for side in sides]), joints[key]))
    return sorted(made, key=lambda one: one.paths[0].as_posix()), unclear


def _without_side(match: re.Match[str]) -> str:
    """The name with a star for what differs between the sides."""
    name = match.string
    spans = [match.span(g) for g in ("first", "second", "start") if g in match.re.groupindex and match[g] is not None]
    for start, end in sorted(spans, reverse=True):
        name = f"{name[:start]}*{name[end:]}"
    return name


def _offsets(starts: Sequence[str | None]) -> tuple[int, ...]:
    times = [_milliseconds(start) for start in starts]
    known = [t for t in times if t is not None]
    return tuple(0 if t is None or len(known) < len(times) else t - min(known) for t in times)


def _milliseconds(start: str | None) -> int | None:
    digits = re.sub(r"\D", "", start or "")
    if len(digits) == 14:
        try:
            return int(datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp() * 1000)
        except ValueError:
            return None
    return {10: 1000, 13: 1}[len(digits)] * int(digits) if len(digits) in (10, 13) else None


def wrong_pair(pattern: str) -> str | None:
    """What is wrong with a pattern from the settings."""
    try:
        groups = re.compile(pattern).groupindex
    except re.error as wrong:
        return f"not a regular expression: {wrong}"
    lacking = [g for g in GROUPS[:3] if g not in groups]
    unknown = [g for g in groups if g not in GROUPS]
    if lacking or unknown:
        told = f"expected the named groups {', '.join(GROUPS[:3])} and, if need be, start"
        return f"{told}; missing {', '.join(lacking) or 'none'}, unknown {', '.join(unknown) or 'none'}"
    return None
