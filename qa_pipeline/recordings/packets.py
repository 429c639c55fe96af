"""Packets become frames at their time. A damaged packet costs only itself, and what it cost is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from qa_pipeline.recordings.amr import is_amr
from qa_pipeline.recordings.holes import Holes

AMR = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}
"""Decoders to use instead of FFmpeg's own, which stop at AMR's silence frames (DTX)."""


@dataclass(frozen=True)
class Placed:
    """A decoded frame and the second at which it begins, None where it follows the one before."""

    frame: Any
    at: float | None


@dataclass(frozen=True)
class Gap:
    """Seconds that are missing between the frame before and the next. untold: how many more it may be, by a guess."""

    lost: float
    untold: float = 0.0


@dataclass(frozen=True)
class Ending:
    """Seconds that the packets after the last frame would have taken, had they been whole; `unheard`: of damage before, for
    which some sound was decoded all the same."""

    lost: float
    unheard: float = 0.0


class Source(Protocol):
    """An opened file. told: the seconds that its header promises, where it is no guess. guessed: whether the length of damage
    passed so far is one, and the time of what follows with it."""

    @property
    def codec(self) -> str: ...
    @property
    def channels(self) -> int: ...
    @property
    def told(self) -> float | None: ...
    @property
    def guessed(self) -> bool: ...
    def placed(self) -> Iterator[Placed | Gap | Ending]: ...


class Packets:
    """The audio stream of a file that FFmpeg opened. `suspect`: packets known to be damaged that nothing else tells."""

    guessed = False

    def __init__(self, container: Any, stream: Any, told: float | None = None, suspect: int = 0) -> None:
        import av

        self._container, self._stream, self._suspect = container, stream, suspect
        self.codec, self.channels, self.told = stream.codec_context.name, stream.codec_context.channels, told
        self._counted = self.codec in ("mp3", "mp3float") and container.format.name in ("mp3", "wav")
        name = AMR.get(self.codec)
        other: Any = av.CodecContext.create(name, "r") if name else None
        self._decode = other.decode if name else None
        late = stream.start_time and self.codec != "flac"  # FLAC has no delay: what begins later has lost its beginning
        self._first = float(stream.start_time * stream.time_base) if late else 0.0
        self._skipped = 0.0  # seconds of bytes that hold no packet
        self._position: int | None = None  # where the last packet ended
        self._size = self._count = 0  # of good packets
        self._holes = Holes(self.codec)

    def placed(self) -> Iterator[Placed | Gap | Ending]:
        """Frames in order, the Ending last.

        An MP3 knows no time but the count of its packets, and leaves out what was passed over: bytes between two good packets
        stand for as many as fit there.
        """
        seconds = usual = tail = 0.0
        base = float(self._stream.time_base)  # as packets and frames have it
        for packet in self._packets():
            if packet.duration:
                seconds = packet.duration * base
                usual = usual or seconds
            frames = self._frames(packet, seconds)
            if self._counted and packet.pos is not None and packet.size:
                self._passed(packet.pos, packet.size, seconds, frames is not None)
            tail = tail + seconds if frames is None else 0.0
            for number, frame in enumerate(frames or ()):
                at = packet.pts if frame.pts is None and not number else frame.pts
                yield Placed(frame, None if at is None else at * base - self._first + self._skipped)
        if self._counted and self._position is not None and self._count and self._container.format.name == "mp3":
            rest = max(0, self._container.size - self._position)
            tail += round(rest * self._count / self._size) * seconds
        yield Ending(tail, self._holes.lost + self._suspect * usual)

    def _frames(self, packet: Any, seconds: float) -> list[Any] | None:
        """None where the packet is damaged."""
        import av

        data = bytes(packet) if packet.size else b""
        if data and seconds:
            if self._holes.broken(data) or (self._decode and not is_amr(data, self.codec == "amrwb")):
                return None
            if (silenced := self._holes.silenced(data, seconds)) is not None:
                packet.update(silenced)
            if packet.pos is not None:
                self._holes.watch(data, packet.pos, seconds)
        try:
            frames = self._decode(packet) if self._decode else packet.decode()
        except (av.error.FFmpegError, ValueError):
            return None
        return list(frames)

    def _passed(self, position: int, size: int, seconds: float, good: bool) -> None:
        """A broken packet counts as one, but its bytes may have been several."""
        hole = max(0, position - (position if self._position is None else self._position)) + (0 if good else size)
        if hole and self._count:
            self._skipped += max(0, round(hole * self._count / self._size) - (not good)) * seconds
        if good:
            self._size, self._count = self._size + size, self._count + 1
        self._position = position + size

    def _packets(self) -> Iterator[Any]:
        """Up to the end, or to where the container itself is broken."""
        import av

        packets = self._container.demux(self._stream)
        while True:
            try:
                yield next(packets)
            except (StopIteration, av.error.FFmpegError):
                return
