"""One channel's samples, brought to the recogniser's rate piece by piece: an hour of call needs no hour of floats in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 16000
AROUND_MS = (
    8  # heard on either side of a piece; the resampler's filter reaches less far, so pieces are as if cut from the whole
)


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
        import numpy as np

        start, end = max(0, start_ms), min(end_ms, -(-len(self.samples) * 1000 // self.rate))
        if self.rate == RATE or end <= start:
            return self.narrow(start, end).astype(np.float32) / np.float32(32768)
        before = min(AROUND_MS, start)
        piece = _resampled(self.narrow(start - before, end + AROUND_MS), self.rate)
        piece = piece[before * RATE // 1000 :][: (end - start) * RATE // 1000]
        return np.multiply(piece, np.float32(1 / 32768), dtype=np.float32)


def _resampled(narrow: NDArray[np.int16], rate: int) -> NDArray[np.int16]:
    import av
    import numpy as np
    from av.audio.resampler import AudioResampler

    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(narrow)[None], format="s16", layout="mono")
    frame.sample_rate = rate
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE)
    parts = [f.to_ndarray()[0] for f in (*resampler.resample(frame), *resampler.resample(None))]
    return np.concatenate(parts)
