"""Frames go where their time says: silence stands for what is missing, and what follows keeps its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qa_pipeline.recordings.packets import Ending, Gap, Source
from qa_pipeline.recordings.spool import RATE, Spool

GAP = 0.03  # seconds between frames that are more than rounding
TOGETHER = 1 << 14  # samples
BACK = 10.0  # seconds; what jumps back further begins another recording, appended to the first


class TooLong(Exception):
    """More sound than any call, or than so few bytes can hold."""


@dataclass(frozen=True)
class Lost:
    """Seconds that are missing between what could be read, and after it."""

    within: float
    after: float


class Placing:
    """Of one source, into one spool: at most `most` seconds. `told`: the length that is promised."""

    def __init__(self, spool: Spool, most: float, told: float | None) -> None:
        self.spool, self.most, self.told = spool, most, told
        self.clock = self.lost = self.shift = 0.0
        self._fifo: Any = None  # frames of one shape
        self._resampler: Any = None
        self._shape: tuple[Any, ...] = ()

    def all(self, source: Source) -> Lost:
        for one in source.placed():
            if isinstance(one, Ending):
                self._flush()
                return Lost(self.lost + one.unheard, one.lost)
            if isinstance(one, Gap):
                self._silence(one.lost)
                self.lost += one.untold
            elif not self._past(one.at, one.frame.samples / one.frame.sample_rate):
                self._place(one.frame, one.at)
        raise AssertionError("a source tells its ending")

    def _past(self, at: float | None, seconds: float) -> bool:
        """Whether its time is past: a page that stands twice in a file, or too late."""
        if at is None or at + self.shift > self.clock - max(GAP / 2, seconds / 2):
            return False
        if at < GAP or self.clock - at - self.shift > BACK:
            self.shift = self.clock - at
            return False
        return True

    def _place(self, frame: Any, at: float | None) -> None:
        gap = 0.0 if at is None else at + self.shift - self.clock
        if gap > GAP and self.clock + gap > min(self.most, (self.told or self.most) + 1):
            self.shift -= gap  # a damaged time
        elif gap > GAP:
            self._silence(gap)
        self.clock += frame.samples / frame.sample_rate
        if self.clock > self.most:
            raise TooLong
        self._gather(frame)

    def _silence(self, seconds: float) -> None:
        if self.clock + seconds > self.most:
            raise TooLong
        self._flush()
        self.spool.silence(max(0, round((self.clock + seconds) * RATE) - self.spool.length))
        self.lost, self.clock = self.lost + seconds, self.clock + seconds

    def _gather(self, frame: Any) -> None:
        """Frames of 20 ms cost more to hand on than to convert: some hundred are taken together."""
        from av.audio.fifo import AudioFifo

        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if shape != self._shape:
            self._flush()
            self._shape, self._fifo = shape, AudioFifo()
        frame.pts = None  # they are to be joined, not to be placed
        self._fifo.write(frame)
        if self._fifo.samples >= TOGETHER:
            self._convert()

    def _convert(self) -> None:
        from av.audio.resampler import AudioResampler

        frame = self._fifo.read()
        if frame is None:
            return
        if frame.format.name == "s16" and frame.sample_rate == RATE:  # as it is wanted
            return self._add([frame])
        self._resampler = self._resampler or AudioResampler(format="s16", rate=RATE)
        self._add(self._resampler.resample(frame))

    def _flush(self) -> None:
        if self._fifo is not None:
            self._convert()
        if self._resampler is not None:
            self._add(self._resampler.resample(None))
        self._resampler, self._fifo, self._shape = None, None, ()

    def _add(self, frames: Sequence[Any]) -> None:
        import numpy as np

        for frame in frames:
            block = frame.to_ndarray().reshape(-1, frame.layout.nb_channels).T[: self.spool.channels]
            self.spool.add(block if len(block) == self.spool.channels else np.repeat(block[:1], self.spool.channels, 0))
