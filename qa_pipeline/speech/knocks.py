"""Knocks: a handset put down hard, a desk struck. Short, broadband, out of the quiet, and gone again within 0.3 s."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_pipeline.speech.activity import Stretch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

STEP_MS, BLOCK_S = 2, 60
FAINTEST_DBFS = -20.0  # of the peak
QUIET_MS, NEAR_MS = 200, 12  # what came before, up to where the blow may have begun
ABOVE_QUIET = 10.0  # times its largest sample
GONE = 0.1  # of the peak
LONGEST_MS, APART_MS = 300, 300
FLAT, HIGH_SHARE = 0.08, 0.05  # a knock has all frequencies, a vowel few; share of the power above 1.5 kHz
MANY, MANY_MS = 4, 5000  # so many in so short a time are a rhythm or a rattle
LOUDER_THAN_SPEECH = 4.0  # within a stretch of speech


@dataclass(frozen=True)
class Knock:
    """peak_dbfs: of its largest sample."""

    stretch: Stretch
    peak_dbfs: float


def find_knocks(samples: NDArray[np.int16], rate: int, speech: Sequence[Stretch], tones: Sequence[Stretch] = ()) -> list[Knock]:
    """Knocks in mono int16 audio [n], in order. `speech`: where a sudden sound is a plosive, unless it is far louder."""
    import numpy as np

    found: list[Knock] = []
    for start, end, peak in _blows(samples, rate):
        knock = Knock(Stretch(start, end), 20 * float(np.log10(peak / 32768)))
        if found and start - found[-1].stretch.end_ms < APART_MS:
            continue  # it bounces
        if not any(t.start_ms < end and start < t.end_ms for t in tones) and not _spoken(samples, rate, knock, peak, speech):
            found.append(knock)
    at = [k.stretch.start_ms for k in found]
    beats = {i + j for i in range(len(at) - MANY + 1) if at[i + MANY - 1] - at[i] <= MANY_MS for j in range(MANY)}
    return [k for i, k in enumerate(found) if i not in beats]


def _blows(samples: NDArray[np.int16], rate: int) -> Iterator[tuple[int, int, float]]:
    """(start, end, largest sample) of everything sudden, short and broadband."""
    import numpy as np

    n, least = rate * STEP_MS // 1000, 32768 * 10 ** (FAINTEST_DBFS / 20)
    before, tail, near = QUIET_MS // STEP_MS, LONGEST_MS // STEP_MS, NEAR_MS // STEP_MS
    total, block = len(samples) // n, BLOCK_S * 1000 // STEP_MS
    for first in range(0, total, block):
        low, high = max(0, first - before), min(total, first + block + tail + 1)
        steps = np.ascontiguousarray(samples[low * n : high * n].reshape(-1, n).T)  # a row's maxima take longer than a column's
        peaks = np.maximum(steps.max(0).astype(np.int32), -steps.min(0).astype(np.int32))
        past = 0
        loud = np.flatnonzero(peaks[: first + block - low] >= least)
        loud = loud[loud >= max(first - low, near + before // 2)]
        earlier = np.lib.stride_tricks.sliding_window_view(np.pad(peaks, (before, 0)), before - near)[loud]
        for i in loud[peaks[loud] >= ABOVE_QUIET * earlier.max(1)].tolist():
            if i < past:
                continue
            top = i + int(peaks[i : i + near].argmax())
            gone = np.flatnonzero(peaks[top : top + tail] < GONE * peaks[top])
            past = top + tail
            # what stays gone for 20 ms is over
            over = (g for g in gone.tolist() if peaks[top + g : top + g + 10].max(initial=0) < 2 * GONE * peaks[top])
            end = next(over, None)
            if end is None or peaks[top + end : top + tail].max(initial=0) > 0.5 * peaks[top]:
                continue
            if _broadband(samples, rate, (low + i) * n, (low + top + end) * n):
                yield (low + i) * STEP_MS, (low + top + max(1, end)) * STEP_MS, float(peaks[top])


def _broadband(samples: NDArray[np.int16], rate: int, start: int, end: int) -> bool:
    """By spectral flatness (geometric over arithmetic mean power) of what sounds, and by what it has above 1.5 kHz."""
    import numpy as np

    size = rate * 32 // 1000
    piece = np.asarray(samples[start : max(end, start + size // 4)], np.float32)[:size]
    power = np.abs(np.fft.rfft(piece * np.hanning(2 * len(piece))[len(piece) :], size)) ** 2 + 1.0
    hertz = np.fft.rfftfreq(size, 1 / rate)
    power, hertz = power[(hertz > 300) & (hertz < 3400)], hertz[(hertz > 300) & (hertz < 3400)]
    flat = np.exp(np.log(power).mean()) / power.mean()
    return bool(flat >= FLAT and power[hertz > 1500].sum() >= HIGH_SHARE * power.sum())


def _spoken(samples: NDArray[np.int16], rate: int, knock: Knock, peak: float, speech: Sequence[Stretch]) -> bool:
    """Whether it lies within speech of which it may be a part."""
    import numpy as np

    for s in speech:
        if s.start_ms < knock.stretch.end_ms and knock.stretch.start_ms < s.end_ms:
            said = np.abs(np.asarray(samples[s.start_ms * rate // 1000 : s.end_ms * rate // 1000], np.int32))
            if len(said) and peak < LOUDER_THAN_SPEECH * np.percentile(said, 98):
                return True
    return False
