"""How loud a channel is, step by step: where it is quietest, where something sounds, how loud its speech, what is clipped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qa_pipeline.speech.activity import Stretch

Loudness = Sequence[float]
STEP_MS = 20
AT_ONCE = 3000  # steps, a minute: long channels are mapped from a file, not in memory
SILENT_DBFS = -96.0
PAUSE_DB = 15.9
"""How far below the speech its pauses lie: ITU-T P.56's margin."""
FULL_SCALE = 32112
"""Of a 16-bit sample, 2 % less than the largest: A-law ends at 32256, µ-law at 32124."""


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


def noise_dbfs(loudness: Loudness) -> float | None:
    """dBFS that a tenth of a channel's steps stay below; None where that is digital silence, which tells nothing."""
    import numpy as np

    floor = sorted(loudness)[len(loudness) // 10] / 32768**2 if loudness else 0.0
    return 10 * float(np.log10(floor)) if floor > 10 ** (SILENT_DBFS / 10) else None


def level_dbfs(samples: NDArray[np.int16], rate: int, stretches: Sequence[Stretch]) -> float:
    """Level of the speech in the stretches of one channel [n], in dBFS; the pauses in them do not count, as in ITU-T P.56."""
    import numpy as np

    power = np.concatenate([[0.0], *(measure_loudness(_cut(samples, rate, s), rate) for s in stretches)])
    if not power.any():
        return SILENT_DBFS
    active = power[power >= power.max() * 1e-6]
    for _ in range(8):  # the level without the pauses, which are told by that level
        speech = active[active >= active.mean() * 10 ** (-PAUSE_DB / 10)]
        if len(speech) == len(active):
            break
        active = speech
    return max(SILENT_DBFS, 10 * float(np.log10(active.mean() / 32768**2)))


def clipped_share(samples: NDArray[np.int16], rate: int, stretches: Sequence[Stretch]) -> float:
    """Share of samples in the stretches that lie at full scale, two or more in a row: what a clipped wave's flat tops are.

    What was clipped before it was attenuated is not seen.
    """
    import numpy as np

    clipped = total = 0
    for s in stretches:
        piece = np.asarray(_cut(samples, rate, s), np.int32)
        full = np.abs(piece) >= FULL_SCALE
        row = full & (np.concatenate([[False], full[:-1]]) | np.concatenate([full[1:], [False]])) if len(full) else full
        clipped, total = clipped + int(row.sum()), total + len(piece)
    return clipped / total if total else 0.0


def _cut(samples: NDArray[np.int16], rate: int, s: Stretch) -> NDArray[np.int16]:
    return samples[max(0, s.start_ms) * rate // 1000 : s.end_ms * rate // 1000]
