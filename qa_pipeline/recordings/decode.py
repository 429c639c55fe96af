"""A recording's samples. Files are hostile: only formats of the list, only this file; a damaged packet costs only itself.

However long the call, only a block of it is in memory: samples go into a spool file, and are mapped from there.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_pipeline.recordings import promises
from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.formats import CODECS, Format, Headerless, identify
from qa_pipeline.recordings.packets import Ending, Packets
from qa_pipeline.recordings.spool import BLOCK, Spool, mapped

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 8000
RATES = (4_000, 192_000)
MOST_CHANNELS = 8
LONGEST = 12 * 3600  # seconds
FEWEST_BYTES = 10  # a second; AMR's silence frames take 50, FLAC's silence 27
GAP = 0.03  # seconds between frames that are more than rounding
BACK = 10.0  # seconds; what jumps back further begins another recording, appended to the first
CUT = 0.2  # seconds of what was promised that may be missing


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
    truncated: the end is missing; channel_1_missing, channel_1_empty (or another reason): of two files, one gave nothing.
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


def _file(path: Path, target: Path, headerless: Mapping[str, Headerless]) -> Recording | Failure:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return Failure(path, "not_audio", "neither a file nor a folder")
        if not found.st_size:
            return Failure(path, "empty", "the file holds no bytes; fetch it again")
        form = identify(path, headerless)
        return form if isinstance(form, Failure) else _opened(path, form, target)
    except FileNotFoundError:
        return Failure(path, "missing", "it was there and is gone; was it moved during the run?")
    except OSError as problem:
        return Failure(path, "unreadable", str(problem))


def _opened(path: Path, form: Format, target: Path) -> Recording | Failure:
    import av

    if form.demuxer == "mov" and promises.points_elsewhere(path):
        return Failure(path, "not_audio", "a film that takes its sound from other files; only files of sound are read")
    options = {**form.options, "protocol_whitelist": "file", "codec_whitelist": CODECS}
    try:
        address = f"file:{path.resolve()}"  # a path, whatever its name looks like
        with av.open(address, format=form.demuxer, options=options, metadata_errors="replace") as container:
            if not container.streams.audio:
                return Failure(path, "not_audio", f"a {container.format.name} file without an audio stream")
            stream = container.streams.audio[0]
            wrong = _out_of_bounds(path, stream)
            return wrong or _spooled(path, form, container, stream, target)
    except (av.error.FFmpegError, ValueError) as problem:
        return _not_opened(path, form, str(problem))


def _out_of_bounds(path: Path, stream: Any) -> Failure | None:
    """What no phone system writes: a damaged header, or one made to exhaust whoever reads it."""
    context = stream.codec_context
    if context is None or context.name not in CODECS.split(","):
        name = "an unknown codec" if context is None else context.name
        return Failure(path, "unsupported", f"sound in {name}, which is not read here; convert it to WAV")
    if not RATES[0] <= (context.sample_rate or 0) <= RATES[1]:
        said = f"the header tells {context.sample_rate} samples a second, expected {RATES[0]:,} to {RATES[1]:,}"
        return Failure(path, "damaged_header", f"{said}; fetch the file again")
    if not 1 <= context.channels <= MOST_CHANNELS:
        said = f"the header tells {context.channels} channels, expected 1 or 2, at most {MOST_CHANNELS}"
        return Failure(path, "damaged_header", f"{said}; fetch the file again")
    return None


def _not_opened(path: Path, form: Format, said: str) -> Failure:
    """FFmpeg's `invalid data`, as far as the file tells what it means."""
    if form.demuxer == "wav" and promises.wav_stops_before_sound(path):
        return Failure(path, "empty", "a WAV header without sound; fetch the file again")
    if form.demuxer == "mov" and promises.lacks_index(path):
        return Failure(path, "truncated", "an MP4 without its index, which is written last: half a file; fetch it again")
    return Failure(path, "damaged_header", f"a {form.demuxer} file whose header cannot be read ({said}); fetch it again")


class _TooLong(Exception):
    """More sound than any call, or than so few bytes can hold."""


def _spooled(path: Path, form: Format, container: Any, stream: Any, target: Path) -> Recording | Failure:
    channels = min(2, stream.codec_context.channels)
    codec, told = stream.codec_context.name, _promised(path, form, container)
    most = min(LONGEST, 60 + path.stat().st_size // FEWEST_BYTES)
    try:
        with Spool(target, channels) as spool:
            lost = _Placing(spool, most, told).all(Packets(container, stream))
    except _TooLong:
        said = f"more than {most / 3600:.1f} hours in {path.stat().st_size:,} bytes; split it, or fetch it again"
        return Failure(path, "too_long", said)
    if not spool.length:
        return Failure(path, "empty", "a header without sound; fetch the file again")
    seconds = spool.length / RATE
    share = promises.cut_wav(path) if form.demuxer == "wav" else None
    told = seconds / share if share else told
    short = told - seconds if told and told - seconds > CUT and told <= LONGEST else 0.0
    flags = spool.flags
    if short or (form.demuxer == "ogg" and promises.cut_ogg(path)):
        flags = (*flags, "truncated")
    digest = _digest(path)
    return Recording(
        path,
        digest,
        target,
        channels,
        RATE,
        codec,
        spool.length * 1000 // RATE,
        round(1000 * (lost.within + max(short, lost.after))),
        flags,
        tuple(RecordedFile(path, digest, c) for c in range(channels)),
    )


def _promised(path: Path, form: Format, container: Any) -> float | None:
    """The length in seconds that the header tells, where it is no guess."""
    sure = form.demuxer in ("mov", "flac", "aiff", "au", "w64") or (form.demuxer == "mp3" and promises.promises_frames(path))
    return container.duration / 1_000_000 if sure and container.duration else None


@dataclass(frozen=True)
class _Lost:
    """Seconds that are missing between what could be read, and after it."""

    within: float
    after: float


class _Placing:
    """Puts frames where their time says: silence stands for what is missing, and what follows keeps its time."""

    def __init__(self, spool: Spool, most: float, told: float | None) -> None:
        self.spool, self.most, self.told = spool, most, told
        self.clock = self.lost = self.shift = 0.0
        self._resampler: Any = None
        self._shape: tuple[Any, ...] = ()

    def all(self, packets: Packets) -> _Lost:
        after = 0.0
        for one in packets.placed():
            if isinstance(one, Ending):
                after = one.lost
            elif not self._twice(one.at, one.frame.samples / one.frame.sample_rate):
                self._place(one.frame, one.at)
        self._flush()
        return _Lost(self.lost, after)

    def _twice(self, at: float | None, seconds: float) -> bool:
        """Whether its time is past: a page that stands twice in a file, or too late."""
        if at is None or at + self.shift + seconds > self.clock - GAP / 2:
            return False
        if at < GAP or self.clock - at - self.shift > BACK:
            self.shift = self.clock - at
            return False
        return True

    def _place(self, frame: Any, at: float | None) -> None:
        gap = 0.0 if at is None else at + self.shift - self.clock
        if gap > GAP:
            if self.clock + gap > min(self.most, (self.told or self.most) + 1):
                self.shift -= gap  # a damaged time
            else:
                self._flush()
                self.spool.silence(max(0, round((self.clock + gap) * RATE) - self.spool.length))
                self.lost, self.clock = self.lost + gap, self.clock + gap
        self.clock += frame.samples / frame.sample_rate
        if self.clock > self.most:
            raise _TooLong
        self._resample(frame)

    def _resample(self, frame: Any) -> None:
        from av.audio.resampler import AudioResampler

        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            self._flush()
            self._shape, self._resampler = shape, AudioResampler(format="s16p", rate=RATE)
        frame.pts = None  # the resampler is to join, not to place
        self._add(self._resampler.resample(frame))

    def _flush(self) -> None:
        if self._resampler is not None:
            self._add(self._resampler.resample(None))
        self._resampler, self._shape = None, ()

    def _add(self, frames: Sequence[Any]) -> None:
        import numpy as np

        for frame in frames:
            block = frame.to_ndarray()[: self.spool.channels]
            self.spool.add(block if len(block) == self.spool.channels else np.repeat(block[:1], self.spool.channels, 0))
