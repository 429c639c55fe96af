"""How loud a channel is, step by step: where it is quietest, and where something sounds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Loudness = Sequence[float]
STEP_MS = 20
AT_ONCE = 3000  # steps, a minute: long channels are mapped from a file, not in memory


def measure_loudness(samples: NDArray[np.generic], rate: int) -> list[float]:
    """Mean power of each STEP_MS of mono samples [n]; what is left over at the end is not counted."""
    import numpy as np

    n = rate * STEP_MS // 1000
    found: list[float] = []
    for at in range(0, len(samples) // n * n, n * AT_ONCE):
        minute = samples[at : at + n * AT_ONCE].astype(np.float32)
        steps = minute[: len(minute) // n * n].reshape(-1, n)
        found += np.mean(steps**2, 1).tolist()
    return found


def quietest(start_ms: int, end_ms: int, loudness: Loudness) -> int:
    """The middle of the quietest 60 ms between two times; half-way where nothing is known of the loudness."""
    steps = range(start_ms // STEP_MS + 1, min(end_ms // STEP_MS, len(loudness)) - 1)
    if not steps:
        return (start_ms + end_ms) // 2
    return min(steps, key=lambda i: sum(loudness[i - 1 : i + 2])) * STEP_MS + STEP_MS // 2


def sounds(loudness: Loudness, quiet_ms: int = 300, above_db: float = 8.0) -> list[tuple[int, int]]:
    """(start, end) in milliseconds of everything that rises `above_db` over the channel's floor, apart by `quiet_ms` or more.

    The floor is the level that a tenth of all steps stay below.
    """
    if not loudness:
        return []
    limit = sorted(loudness)[len(loudness) // 10] * 10 ** (above_db / 10)
    found: list[tuple[int, int]] = []
    for i, power in enumerate(loudness):
        if power > limit:
            start, end = i * STEP_MS, (i + 1) * STEP_MS
            if found and start - found[-1][1] < quiet_ms:
                start = found.pop()[0]
            found.append((start, end))
    return found
