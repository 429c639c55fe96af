"""Packets become frames at their time. A damaged packet costs only itself, and what it cost is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

UNTIMED = ("mp3", "aac", "gsm", "amr")
"""Demuxers that know time only by counting packets."""
BY_NAME = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}
"""Decoders to use instead of FFmpeg's own, which stop at AMR's silence frames (DTX)."""


@dataclass(frozen=True)
class Placed:
    """A decoded frame and the second at which it begins, None where it follows the one before."""

    frame: Any
    at: float | None


@dataclass(frozen=True)
class Ending:
    """Seconds that the packets after the last frame would have taken, had they been whole."""

    lost: float


class Packets:
    """The packets of an opened file's audio stream."""

    def __init__(self, container: Any, stream: Any) -> None:
        import av

        self._container, self._stream = container, stream
        self._untimed = container.format.name in UNTIMED
        name = BY_NAME.get(stream.codec_context.name)
        other: Any = av.CodecContext.create(name, "r") if name else None
        self._decode = other.decode if name else None
        self._first = float(stream.start_time * stream.time_base) if stream.start_time else 0.0
        self._skipped = 0.0  # seconds of bytes that hold no packet
        self._position: int | None = None  # where the last packet ended
        self._size = self._count = 0  # of good packets

    def placed(self) -> Iterator[Placed | Ending]:
        """Frames in order, the Ending last.

        A container that knows no time but the count of its packets leaves out what it passed over: bytes between two good
        packets stand for as many as fit there.
        """
        import av

        seconds = tail = 0.0
        for packet in self._packets():
            try:
                frames = self._decode(packet) if self._decode else packet.decode()
            except (av.error.FFmpegError, ValueError):
                frames = None
            seconds = float(packet.duration * packet.time_base) if packet.duration else seconds
            if self._untimed and packet.pos is not None and packet.size:
                self._passed(packet.pos, packet.size, seconds, frames is not None)
            tail = tail + seconds if frames is None else 0.0
            told = None if packet.pts is None else float(packet.pts * packet.time_base)
            for number, frame in enumerate(frames or ()):
                at = told if frame.time is None and not number else frame.time
                yield Placed(frame, None if at is None else at - self._first + self._skipped)
        if self._untimed and self._position is not None and self._count:
            rest = self._container.size - self._position
            tail += round(max(0, rest) * self._count / self._size) * seconds
        yield Ending(tail)

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
