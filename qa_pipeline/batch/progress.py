"""How far a run is, and an honest guess of how long it still takes: by seconds of call, not by files."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """done, total: recordings. prepared_s, heard_s: seconds of call decoded, and recognised, of whole_s.

    whole_s is guessed from the bytes of what is not decoded yet; None before anything is. left_s: seconds of clock time, None
    before there is anything to go by.
    """

    done: int
    total: int
    prepared_s: float = 0.0
    heard_s: float = 0.0
    whole_s: float | None = None
    left_s: float | None = None

    def __str__(self) -> str:
        told = f"{self.done} of {self.total} recordings"
        if self.whole_s is not None and self.done < self.total:
            told += f"; {clock(self.heard_s)} of about {clock(self.whole_s)} of calls recognised"
        return told + (f"; about {clock(self.left_s)} left" if self.left_s is not None and self.done < self.total else "")


class Pace:
    """Counts what is done. sizes: the bytes of each recording to come, by any key."""

    def __init__(self, sizes: Mapping[Hashable, int], now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._started = now, now()
        self._sizes, self._total = dict(sizes), len(sizes)
        self._lengths: dict[Hashable, int] = {}
        self._bytes_to_come = sum(sizes.values())
        self._prepared_bytes = self._prepared_ms = self._heard_ms = self._done = 0

    def prepared(self, key: Hashable, length_ms: int) -> None:
        """Decoded; its length is known."""
        self._lengths[key] = length_ms
        self._prepared_ms += length_ms
        self._prepared_bytes += self._decoded(key)

    def done(self, key: Hashable) -> None:
        """Recognised and kept, or failed."""
        self._done += 1
        self._heard_ms += self._lengths.pop(key, 0)
        self._decoded(key)

    def _decoded(self, key: Hashable) -> int:
        size = self._sizes.pop(key, 0)
        self._bytes_to_come -= size
        return size

    def now(self) -> Progress:
        if not self._prepared_ms:
            return Progress(self._done, self._total)
        a_byte = self._prepared_ms / max(1, self._prepared_bytes)
        whole_ms = self._prepared_ms + a_byte * self._bytes_to_come
        spent = self._now() - self._started
        left = spent * (whole_ms - self._heard_ms) / self._heard_ms if self._heard_ms else None
        return Progress(self._done, self._total, self._prepared_ms / 1000, self._heard_ms / 1000, whole_ms / 1000, left)


def clock(seconds: float) -> str:
    """61 → 1:01, 3600 → 1:00:00."""
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
