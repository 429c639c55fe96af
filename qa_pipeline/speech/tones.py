"""Call-progress tones by frequency and cadence: in China 450 Hz, ringback 1 s on 4 s off, busy 0.35 s on and off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_pipeline.speech.activity import Stretch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_MS = 50


@dataclass(frozen=True)
class Tone:
    """One kind of tone on one channel, from its first burst to the end of its last, with the number of bursts."""

    kind: str
    stretch: Stretch
    bursts: int


@dataclass(frozen=True)
class Cadence:
    """Milliseconds on and off, each within `tolerance` (a share of it)."""

    kind: str
    on_ms: int
    off_ms: int
    least_bursts: int
    tolerance: float = 0.3

    def fits(self, on_ms: int) -> bool:
        return abs(on_ms - self.on_ms) <= max(FRAME_MS * 1.5, self.tolerance * self.on_ms)


CHINA = (Cadence("ringback", 1000, 4000, 1), Cadence("busy_tone", 350, 350, 3))


def find_tones(
    samples: NDArray[np.int16], rate: int, frequency: float = 450.0, cadences: tuple[Cadence, ...] = CHINA
) -> list[Tone]:
    """Tones in mono int16 audio. A frame counts as tone when 85 % of its power lies within 40 Hz of `frequency`."""
    import numpy as np

    n = rate * FRAME_MS // 1000
    if len(samples) < n:
        return []
    frames = samples[: len(samples) // n * n].reshape(-1, n).astype(np.float32) * np.hanning(n).astype(np.float32)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    near = np.abs(np.fft.rfftfreq(n, 1 / rate) - frequency) <= 40
    total = power.sum(1)
    loud = total > (n * 100.0) ** 2 / 16
    on = loud & (power[:, near].sum(1) > 0.85 * total)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    bursts = [Stretch(int(a) * FRAME_MS, int(b) * FRAME_MS) for a, b in edges.reshape(-1, 2)]
    return [tone for cadence in cadences for tone in _series(bursts, cadence)]


def _series(bursts: list[Stretch], cadence: Cadence) -> list[Tone]:
    """Runs of bursts that fit, no further apart than the cadence's pause allows."""
    found: list[list[Stretch]] = []
    for burst in bursts:
        if not cadence.fits(burst.end_ms - burst.start_ms):
            continue
        if found and burst.start_ms - found[-1][-1].end_ms <= cadence.off_ms * (1 + cadence.tolerance) + FRAME_MS:
            found[-1].append(burst)
        else:
            found.append([burst])
    return [
        Tone(cadence.kind, Stretch(run[0].start_ms, run[-1].end_ms), len(run))
        for run in found
        if len(run) >= cadence.least_bursts
    ]
