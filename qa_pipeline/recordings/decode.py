"""A recording's samples. Files are hostile: only formats of the list, only this file; a damaged packet costs only itself.

However long the call, only a block of it is in memory: samples go into a spool file, and are mapped from there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.formats import Headerless
from qa_pipeline.recordings.opening import LONGEST, open_file
from qa_pipeline.recordings.spool import BLOCK, RATE, Spool, mapped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class RecordedFile:
    """A file and the call's channel that it holds; a file of two channels is listed for each."""

    path: Path
    sha256: str
    channel: int
    offset_ms: int = 0


@dataclass(frozen=True)
class Recording:
    """`spool`: int16 frames of `channels` at `rate`, in a folder of the caller's: they are there until he deletes it.

    lost_ms: what damage cost; silence stands for it, but at the end. flags: mono, same_channels, silent_channel_0 (or 1);
    truncated: the end is missing; loss_guessed: frames of different lengths were damaged, so lost_ms is what the stillest
    stretch of the file would have lost, and what follows in time is rough; channel_1_missing, channel_1_empty (or another
    reason): of two files, one gave nothing.
    """

    path: Path
    sha256: str
    spool: Path
    channels: int
    rate: int
    codec: str
    duration_ms: int
    lost_ms: int
    flags: tuple[str, ...]
    files: tuple[RecordedFile, ...]

    @property
    def samples(self) -> NDArray[np.int16]:
        """int16 [channels, n], mapped: reading a stretch brings that stretch into memory."""
        return mapped(self.spool, self.channels)


def content_hash(paths: Sequence[Path]) -> str:
    """Of one file its SHA-256; of several, that of theirs in order. Raises OSError."""
    return _joint([_digest(path) for path in paths])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _joint(digests: Sequence[str]) -> str:
    return digests[0] if len(digests) == 1 else hashlib.sha256(" ".join(digests).encode()).hexdigest()


def decode(files: RecordingFiles, spool: Path, headerless: Mapping[str, Headerless] | None = None) -> Recording | Failure:
    """The whole recording at 8 kHz, or why not. Two channels stay two; of more, the first two are taken.

    `spool`: an empty folder that only its owner may read. `headerless`: formats declared by suffix. All values may cross to
    another process and back.
    """
    made = [_file(path, spool / f"{number}.s16", headerless or {}) for number, path in enumerate(files.paths)]
    read = [one for one in made if isinstance(one, Recording)]
    if not files.channels or not read:
        return made[0]
    if len(made) == 1 and read[0].channels == 2:
        return read[0]  # it is only named like a side
    if wrong := next((one for one in read if one.channels > 1), None):
        said = f"a side of a call ({wrong.path.name}) with two channels of its own; is recordings.pair in qa.toml right?"
        return Failure(wrong.path, "not_a_side", said)
    lacking = {channel: one.reason for channel, one in zip(files.channels, made, strict=True) if isinstance(one, Failure)}
    lacking |= {channel: "missing" for channel in (0, 1) if channel not in files.channels}
    if lacking:
        return _lone(read[0], files, lacking)
    return _joined(read, files, spool / "both.s16")


def _file(path: Path, target: Path, headerless: Mapping[str, Headerless]) -> Recording | Failure:
    made = open_file(path, target, headerless)
    if isinstance(made, Failure):
        return made
    digest = _digest(path)
    listed = tuple(RecordedFile(path, digest, c) for c in range(made.channels))
    ms = made.length * 1000 // RATE
    return Recording(path, digest, made.spool, made.channels, RATE, made.codec, ms, made.lost_ms, made.flags, listed)


def _lone(side: Recording, files: RecordingFiles, lacking: Mapping[int, str]) -> Recording:
    """One side, whose other gave nothing."""
    channel = files.channels[files.paths.index(side.path)]
    flags = (*side.flags, *(f"channel_{c}_{reason}" for c, reason in lacking.items()))
    return replace(side, flags=flags, files=(replace(side.files[0], channel=channel),))


def _joined(sides: Sequence[Recording], files: RecordingFiles, target: Path) -> Recording:
    """Two sides as two channels, each from where it begins; the shorter ends in silence."""
    import numpy as np

    offsets = [ms * RATE // 1000 for ms in files.offsets_ms]
    length = max(s.samples.shape[1] + offset for s, offset in zip(sides, offsets, strict=True))
    if length > LONGEST * RATE:
        return replace(sides[0], flags=(*sides[0].flags, "channel_1_elsewhen"))
    with Spool(target, 2) as spool:
        for start in range(0, length, BLOCK):
            block = np.zeros((2, min(BLOCK, length - start)), np.int16)
            for row, side, offset in zip(block, sides, offsets, strict=True):
                piece = side.samples[0, max(0, start - offset) : max(0, start - offset + len(row))]
                at = max(0, offset - start)
                row[at : at + len(piece)] = piece[: max(0, len(row) - at)]
            spool.add(block)
    for side in sides:
        side.spool.unlink()
    told = zip(sides, files.channels, files.offsets_ms, strict=True)
    return replace(
        sides[0],
        sha256=_joint([s.sha256 for s in sides]),
        spool=target,
        channels=2,
        duration_ms=length * 1000 // RATE,
        lost_ms=sum(s.lost_ms for s in sides),
        flags=tuple(dict.fromkeys([*spool.flags, *(f for s in sides for f in s.flags if f != "mono")])),
        files=tuple(RecordedFile(s.path, s.sha256, channel, offset) for s, channel, offset in told),
    )
