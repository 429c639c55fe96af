"""Formats that are frames and nothing else (raw GSM, AMR, AAC): where each frame begins, found again after damage."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_pipeline.recordings.amr import NARROW, WIDE, amr_length
from qa_pipeline.recordings.mpeg import adts_length
from qa_pipeline.recordings.packets import Ending, Gap, Placed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECENT = 32  # frames whose length tells how many would fit into a hole
FARTHEST = 1 << 20  # bytes; damage that goes on longer is not searched to its end


@dataclass(frozen=True)
class Framing:
    """length: bytes of the frame that begins at a place, None where none does. chain: how many must follow each other before
    they are believed. seconds: of one frame, None where its decoder tells."""

    decoder: str
    signature: int
    chain: int
    length: Callable[[Any, int], int | None]
    seconds: float | None = 0.02


def _gsm(raw: Any, at: int) -> int | None:
    return 33 if raw[at] >> 4 == 0xD else None


def _adts(raw: Any, at: int) -> int | None:
    return adts_length(raw[at : at + 6])


def framing_of(path: Path, demuxer: str) -> Framing | None:
    """For FFmpeg's name of a format; None where a container gives the frames, or AMR has several channels."""
    if demuxer == "gsm":
        return Framing("gsm", 0, 4, _gsm)
    if demuxer == "aac":
        return Framing("aac", 0, 3, _adts, None)
    with path.open("rb") as file:
        head = file.read(9)
    if demuxer == "amr" and head[:6] == b"#!AMR\n":
        return Framing("libopencore_amrnb", 6, 8, amr_length(NARROW))
    if demuxer == "amr" and head == b"#!AMR-WB\n":
        return Framing("libopencore_amrwb", 9, 8, amr_length(WIDE))
    return None


@dataclass(frozen=True)
class Hole:
    """Bytes that are no frame, and how many frames they are taken for."""

    size: int
    frames: int


class Framed:
    """The frames of a file. Raises FFmpegError where the first cannot be decoded, ValueError where there is none."""

    told: float | None = None

    def __init__(self, path: Path, framing: Framing) -> None:
        self._path, self._framing, self.guessed = path, framing, False
        self.codec = framing.decoder
        self._known = dict[int, int]()
        first = next((one for one in self.placed() if isinstance(one, Placed)), None)
        if first is None:
            raise ValueError("no frame can be decoded")
        self.channels, self.rate = first.frame.layout.nb_channels, first.frame.sample_rate

    def placed(self) -> Iterator[Placed | Gap | Ending]:
        """Frames in order; for what is damaged, as much time as frames of the length before it would take, and where that is a
        guess, as much untold as the stillest stretch of the file would take more."""
        import av

        decoder: Any = av.CodecContext.create(self._framing.decoder, "r")
        if self._framing.decoder == "gsm":
            decoder.sample_rate, decoder.layout = 8000, "mono"
        seconds, missed, untold = self._framing.seconds or 0.0, 0, 0
        for data in self._frames():
            try:
                frames = [] if isinstance(data, Hole) else decoder.decode(av.Packet(data))
            except (av.error.FFmpegError, ValueError):
                frames = []
            if not frames:
                missed += data.frames if isinstance(data, Hole) else 1
                untold += self._untold(data) if isinstance(data, Hole) else 0
                continue
            if missed:
                seconds = seconds or frames[0].samples / frames[0].sample_rate
                yield Gap(missed * seconds, untold * seconds)
                missed = untold = 0
            if not self._framing.seconds:
                seconds = frames[0].samples / frames[0].sample_rate
            yield Placed(frames[0], None)
        yield Ending((missed + untold) * seconds)

    def _untold(self, hole: Hole) -> int:
        """How many more frames than it is taken for it may have held, where frames differ in length."""
        if hole.frames < 2 or not self._differ:
            return 0
        self.guessed = True
        return max(0, self._most(hole.size) - hole.frames)

    @cached_property
    def _differ(self) -> bool:
        import numpy as np

        return len(np.unique(np.concatenate([np.diff(ends) for ends in self._runs]))) > 1

    @cached_property
    def _runs(self) -> list[NDArray[np.int64]]:
        """Of each stretch that is whole, where its frames end, in bytes from where it begins."""
        import numpy as np

        runs = list[list[int]]([[0]])
        for one in self._frames():
            if isinstance(one, Hole):
                runs.append([0])
            else:
                runs[-1].append(len(one))
        return [np.cumsum(run) for run in runs]

    def _most(self, size: int) -> int:
        """Of frames, in any so many bytes that are whole; 0 where no stretch has as many."""
        import numpy as np

        if size not in self._known:
            runs = [ends for ends in self._runs if ends[-1] >= size]
            held = [np.searchsorted(ends, ends + size, "right") - np.arange(len(ends)) for ends in runs]
            self._known[size] = max((int(frames.max()) - 1 for frames in held), default=0)
        return self._known[size]

    def _frames(self) -> Iterator[bytes | Hole]:
        """The bytes of each frame, or what is there instead."""
        length, recent, all_bytes, count = self._framing.length, list[int](), 0, 0
        with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
            at, size = self._framing.signature, len(raw)
            while at < size:
                own = length(raw, at)
                after = at + (own or 0)
                if own and after <= size and (after == size or length(raw, after)):
                    recent, all_bytes, count = [*recent[1 - RECENT :], own], all_bytes + own, count + 1
                    yield raw[at:after]
                    at = after
                    continue
                found = self._next(raw, at + 1)
                end = size if found is None else found
                near = sum(recent) / len(recent) if recent else own or 33.0
                usual = near if end - at < RECENT * near else all_bytes / max(1, count) or near
                fit = max(1, round((end - at) / usual)) if found or own else round((end - at) / usual)
                if own and after <= end and fit > 1:
                    yield raw[at:after]  # it is what follows that is damaged
                    fit -= 1
                if fit:
                    yield Hole(end - at, fit)
                at = end

    def _next(self, raw: Any, at: int) -> int | None:
        """Where frames follow each other again, as many as the framing asks for."""
        for start in range(at, min(len(raw), at + FARTHEST)):
            place = start
            for number in range(self._framing.chain):
                if place >= len(raw):
                    if number > 1 and place == len(raw):
                        return start
                    break
                own = self._framing.length(raw, place)
                if own is None:
                    break
                place += own
            else:
                return start
        return None
