"""Samples on their way to a file: however long a call is, a block of it is in memory."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 8000
BLOCK = 1 << 16  # samples of each channel
SILENT = 33  # -60 dBFS


class Spool:
    """A file of int16 frames (a sample of each channel in turn), readable by its owner alone. Silence takes no room on disk.

    Remembers what would need another pass: each channel's peak, and whether both are the same.
    """

    def __init__(self, path: Path, channels: int) -> None:
        self.path, self.channels = path, channels
        self.length = 0
        self.peaks = [0] * channels
        self.same = channels == 2
        self._held: list[NDArray[np.int16]] = []
        self._waiting = 0  # samples held
        self._file = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._write()
        self._file.truncate(self.length * self.channels * 2)  # silence at the end
        self._file.close()

    def add(self, block: NDArray[np.int16]) -> None:
        """int16 [channels, n]."""
        self._held.append(block)
        self._waiting += block.shape[1]
        self.length += block.shape[1]
        if self._waiting >= BLOCK:
            self._write()

    def silence(self, samples: int) -> None:
        self._write()
        self._file.seek(samples * self.channels * 2, os.SEEK_CUR)
        self.length += samples

    def _write(self) -> None:
        import numpy as np

        if not self._held:
            return
        block = np.concatenate(self._held, 1)
        self._held.clear()
        self._waiting = 0
        if not block.shape[1]:
            return
        tops = [max(int(row.max()), -int(row.min())) for row in block]  # together, two interleaved rows take ten times as long
        self.peaks = list(map(max, self.peaks, tops))
        self.same = self.same and np.array_equal(block[0], block[-1])
        self._file.write(np.ascontiguousarray(block.T, "<i2").tobytes())

    @property
    def flags(self) -> tuple[str, ...]:
        if self.channels == 1:
            return ("mono",)
        if self.same:
            return ("same_channels",)
        return tuple(f"silent_channel_{c}" for c, peak in enumerate(self.peaks) if peak < SILENT)


def mapped(path: Path, channels: int) -> NDArray[np.int16]:
    """[channels, n], a view of the file: only what is touched is read."""
    import numpy as np

    if not path.stat().st_size:
        return np.zeros((channels, 0), np.int16)
    frames: Any = np.memmap(path, "<i2", "r").reshape(-1, channels)
    return frames.T  # type: ignore[no-any-return]
