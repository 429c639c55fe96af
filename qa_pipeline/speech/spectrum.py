"""What a channel's short stretches are made of: power by frequency, block by block, and the noise that lies under all of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEP_MS, FRAME_MS = 20, 32
BLOCK_FRAMES = 3000  # a minute: memory is that of one block, however long the call
LOWEST, HIGHEST = 200.0, 3600.0  # Hz that a telephone line carries
QUIETEST = 96.0  # power in a bin when the samples toggle by one step; what lies below is no sound
QUIET_SHARE = 0.15  # of frames that are taken for noise alone
NEIGHBOURS = 17  # bins over which the noise is smooth: a tone that never stops is not taken for noise


@dataclass(frozen=True)
class Block:
    """power: [frames, bins] of 32 ms Hann frames, one each 20 ms. noise: [bins], their mean where nothing sounds."""

    first: int
    power: NDArray[np.floating[Any]]
    noise: NDArray[np.floating[Any]]
    hertz: NDArray[np.floating[Any]]

    @property
    def excess(self) -> NDArray[np.float32]:
        """Power that noise does not explain: what exceeds three times its mean, which one bin of noise in twenty does."""
        import numpy as np

        heard = (self.hertz >= LOWEST) & (self.hertz <= HIGHEST)
        return np.where(heard, np.maximum(self.power - 3 * self.noise, 0), 0).astype(np.float32)


def blocks(samples: NDArray[np.int16], rate: int) -> Iterator[Block]:
    """Blocks of one channel [n], in order; the last is as long as what is left. Works on memory-mapped samples."""
    import numpy as np

    size, hop = rate * FRAME_MS // 1000, rate * STEP_MS // 1000
    window = np.hanning(size).astype(np.float32)
    hertz = np.fft.rfftfreq(size, 1 / rate)
    total = max(0, (len(samples) - size) // hop + 1)
    if not total:
        return
    starts = [0, *range(BLOCK_FRAMES, total - BLOCK_FRAMES // 2, BLOCK_FRAMES)]
    for first, until in zip(starts, [*starts[1:], total], strict=True):
        piece = np.asarray(samples[first * hop : (until - 1) * hop + size], np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(piece, size)[::hop] * window
        spectrum = np.fft.rfft(frames, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        yield Block(first, power, _noise(power), hertz)


def _noise(power: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Mean noise power per bin, from the quiet frames; the powers of noise are exponentially distributed."""
    import numpy as np

    place = int(QUIET_SHARE * (len(power) - 1))
    quiet = np.partition(power, place, axis=0)[place] / -np.log1p(-QUIET_SHARE)
    padded = np.pad(quiet, NEIGHBOURS // 2, mode="reflect")
    smooth = np.median(np.lib.stride_tricks.sliding_window_view(padded, NEIGHBOURS), axis=1)
    return np.asarray(np.maximum(smooth, QUIETEST), np.float32)
