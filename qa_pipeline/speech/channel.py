"""One channel's samples, brought to the recogniser's rate piece by piece: an hour of call needs no hour of floats in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Widen = Callable[[NDArray[np.int16], int], NDArray[np.int16]]

RATE = 16000
AROUND_MS = 8  # heard on either side of a piece: more than the filter's reach, so pieces are as if cut from the whole
TAPS = 32  # of the filter that doubles a rate: samples that tell what lies half-way between the two in their middle
ROW = 32  # samples that a row of the product makes
SMALL = 2**18  # multiplications in a product of matrices: for more, OpenBLAS wakes its threads


@dataclass(frozen=True, eq=False)
class Channel:
    """samples: int16 [n], mapped from a file or in memory; `rate` is a multiple of 1000."""

    samples: NDArray[np.int16]
    rate: int

    @property
    def length_ms(self) -> int:
        return len(self.samples) * 1000 // self.rate

    def narrow(self, start_ms: int, end_ms: int) -> NDArray[np.int16]:
        """The samples between two times, as they are."""
        return self.samples[max(0, start_ms) * self.rate // 1000 : max(0, end_ms) * self.rate // 1000]

    def wide(self, start_ms: int, end_ms: int) -> NDArray[np.float32]:
        """The samples between two times as float32 at 16 kHz, by the resampler that faster-whisper's `decode_audio` uses."""
        return self._widened(start_ms, end_ms, _resampled)

    def nearly_wide(self, start_ms: int, end_ms: int) -> NDArray[np.float32]:
        """As `wide`, but for rounding, at a quarter of its time: for who asks where somebody speaks, and not what is said."""
        return self._widened(start_ms, end_ms, _doubled if 2 * self.rate == RATE else _resampled)

    def _widened(self, start_ms: int, end_ms: int, widen: Widen) -> NDArray[np.float32]:
        import numpy as np

        start, end = max(0, start_ms), min(end_ms, -(-len(self.samples) * 1000 // self.rate))
        if self.rate == RATE or end <= start:
            return self.narrow(start, end).astype(np.float32) / np.float32(32768)
        before = min(AROUND_MS, start)
        piece = widen(self.narrow(start - before, end + AROUND_MS), self.rate)
        piece = piece[before * RATE // 1000 :][: (end - start) * RATE // 1000]
        return np.multiply(piece, np.float32(1 / 32768), dtype=np.float32)


def _doubled(narrow: NDArray[np.int16], _: int) -> NDArray[np.int16]:
    """int16 [2n]: the samples themselves, and between them what FFmpeg's resampler puts there, by a product of matrices.

    In a few of ten thousand samples it differs by one step of 16 bits, as sums of floats in another order do.
    """
    import numpy as np

    filtering, rows = _half_way(), -(-len(narrow) // ROW)
    around = np.zeros(rows * ROW + TAPS - 1, np.int16)
    mirrored = np.pad(np.pad(narrow, (TAPS // 2 - 1, 0), "reflect"), (0, TAPS // 2), "symmetric")
    around[: len(mirrored)] = mirrored
    seen = np.lib.stride_tricks.sliding_window_view(around, ROW + TAPS - 1)[::ROW]
    doubled = np.empty((rows * ROW, 2), np.int16)
    doubled[: len(narrow), 0] = narrow
    step = SMALL // filtering.size
    for at in range(0, rows, step):
        between = seen[at : at + step].astype(np.float64) @ filtering
        doubled[at * ROW : (at + step) * ROW, 1] = np.rint(between, out=between).clip(-32768, 32767, out=between).ravel()
    return doubled[: len(narrow)].ravel()


@lru_cache
def _half_way() -> NDArray[np.float64]:
    """[ROW + TAPS - 1, ROW]: what FFmpeg's resampler answers to one sample alone, once for each sample of a row.

    In steps of 2**-30, so that sums of 16-bit samples are exact in any order.
    """
    import numpy as np

    alone = np.zeros(4 * TAPS, np.float32)
    alone[2 * TAPS] = 1
    answer = _resampled(alone, RATE // 2)[1::2].astype(np.float64)
    taps = np.rint(answer[2 * TAPS + TAPS // 2 - 1 :: -1][:TAPS] * 2**30) / 2**30
    made = np.zeros((ROW + TAPS - 1, ROW))
    for column in range(ROW):
        made[column : column + TAPS, column] = taps
    return made


def _resampled(narrow: NDArray[Any], rate: int) -> NDArray[Any]:
    """int16 or float32 [n], as given, at 16 kHz."""
    import av
    import numpy as np
    from av.audio.resampler import AudioResampler

    kind = "s16" if narrow.dtype == np.int16 else "flt"
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(narrow)[None], format=kind, layout="mono")
    frame.sample_rate = rate
    resampler = AudioResampler(format=kind, layout="mono", rate=RATE)
    parts = [f.to_ndarray()[0] for f in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts)
