"""Music on a line, told from speech by what stays in place: notes stand still in frequency, voices glide.

The measure is the continuous frequency activation of Seyerlehner, Pohle, Schedl and Widmer (Automatic music detection in
television productions, DAFx 2007), over 1.5 s at the telephone's 8 kHz. What it does not know: percussion alone is no music
to it, and of a song it takes the voice for part of the music where instruments are as loud, else for speech.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qa_pipeline.speech.activity import Stretch

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_MS, STEP_MS = 128, 48
SPAN, STRIDE = 31, 21  # frames that one value is measured over, and from one value to the next: 1.5 s and 1 s
CHUNK = 60 * STRIDE  # frames worked on at once: a minute
LOWEST, HIGHEST = 200.0, 3400.0
ABOVE_NEIGHBOURS_DB, ABOVE_NOISE_DB, NEIGHBOURS = 6.0, 6.0, 21
PEAKS, REACH = 5, 4  # the strongest peaks count; bins on either side that a peak stands out from
MUSICAL, CERTAIN = 0.47, 0.55  # activation, the mean of five: in the samples speech reaches 0.51, music has 0.55 to 1
CORE = 0.44
PURE = 0.62  # median of three; a voice as loud as the music keeps it below 0.6
EDGE = 0.8  # of a stretch's usual activation, below which its rims are not part of it: some codecs make speech more musical
DROWNED_DB, LOUD_NOISE_DBFS, LESS = 10.0, -50.0, 0.05  # so near to loud noise lines drown, of speech as of music
ALONE_PERCENTILE = 10  # of a stretch's levels: the music's own, whoever speaks over most of it
FAINTEST_DBFS = -60.0
SMOOTH = 5  # values
LEAST_MS, GAP_MS = 5000, 3000


@dataclass(frozen=True)
class Music:
    """cores: where the sound itself is musical; between them somebody may speak. pure: where it is so musical that nobody is
    heard along with it."""

    stretch: Stretch
    level_dbfs: float
    cores: tuple[Stretch, ...]
    pure: tuple[Stretch, ...] = ()


def find_music(samples: NDArray[np.int16], rate: int, tones: Sequence[Stretch] = ()) -> list[Music]:
    """Stretches of music of 5 s or more in mono int16 audio [n]. `tones`: what is known for tones of the exchange."""
    import numpy as np

    values = list(_activation(samples, rate))
    if not values:
        return []
    activation, level, faintest = (np.array(column) for column in zip(*values, strict=True))
    noise = float(np.percentile(faintest, 25))
    step, span = STRIDE * STEP_MS, SPAN * STEP_MS
    for i in range(len(activation)):
        inside = sum(max(0, min(t.end_ms, i * step + span) - max(t.start_ms, i * step)) for t in tones)
        if inside > 0.2 * span:
            activation[i] = 0.0
    activation[level < FAINTEST_DBFS] = 0.0
    padded = np.pad(activation, SMOOTH // 2, mode="edge")
    smooth = np.convolve(padded, np.full(SMOOTH, 1 / SMOOTH), "valid")
    middle = span // 2 - step // 2  # a value speaks for the second in its middle
    less = np.where((level < noise + DROWNED_DB) & (noise >= LOUD_NOISE_DBFS), LESS, 0.0)
    runs = _joined(_runs(smooth >= MUSICAL - less))
    found = []
    for first, last in runs:
        usual = first + np.flatnonzero(smooth[first:last] >= EDGE * np.median(smooth[first:last]))
        sure = [i for i in range(usual[0], usual[-1] + 1) if activation[i] >= CORE]
        certain = (smooth[first:last] >= CERTAIN - less[first:last]).any()
        if not sure or not certain or (sure[-1] + 1 - sure[0]) * step < LEAST_MS:
            continue
        cores, pure = (
            tuple(Stretch((sure[0] + a) * step + middle, (sure[0] + b) * step + middle) for a, b in _runs(on))
            for on in (activation[sure[0] : sure[-1] + 1] >= CORE, _median_of_three(activation[sure[0] : sure[-1] + 1]) >= PURE)
        )
        whole = Stretch(sure[0] * step + (0 if sure[0] == 0 else middle), (sure[-1] + 1) * step + middle)
        found.append(Music(whole, float(np.percentile(level[sure], ALONE_PERCENTILE)), cores, pure))
    return found


def _median_of_three(values: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    padded = np.pad(values, 1, mode="edge")
    return np.asarray(np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0))


def _activation(samples: NDArray[np.int16], rate: int) -> Iterator[tuple[float, float, float]]:
    """For each second the activation of the 1.5 s from there, their level, and that of their faintest frame, in dBFS."""
    import numpy as np

    size, hop = rate * FRAME_MS // 1000, rate * STEP_MS // 1000
    hertz = np.fft.rfftfreq(size, 1 / rate)
    low, high = np.searchsorted(hertz, (LOWEST, HIGHEST))
    window = np.hanning(size).astype(np.float32)
    total = (len(samples) - size) // hop + 1
    for first in range(0, total - SPAN + 1, CHUNK):
        until = min(total, first + CHUNK + SPAN - STRIDE)
        piece = np.asarray(samples[first * hop : (until - 1) * hop + size], np.float32)
        frames = np.lib.stride_tricks.sliding_window_view(piece, size)[::hop]
        spectrum = np.fft.rfft(frames * window, axis=1)[:, low:high]
        marked = _marked(spectrum.real**2 + spectrum.imag**2)
        power = np.einsum("ij,ij->i", frames, frames) / size
        starts = range(0, until - first - SPAN + 1, STRIDE)
        share = np.array([np.count_nonzero(marked[at : at + SPAN], 0) for at in starts]) / SPAN
        for start, activation in zip(starts, _peaks(share).tolist(), strict=True):
            one = slice(start, start + SPAN)
            yield activation, _dbfs(power[one].mean()), _dbfs(power[one].min())


def _dbfs(power: float) -> float:
    import numpy as np

    return 10 * float(np.log10(power / 32768**2 + 1e-12))


def _marked(power: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Where a frame [frames, bins] has a line: above its neighbours, and above what hums in that bin all the time."""
    import numpy as np

    db = np.float32(10 / np.log(10)) * np.log(power + np.float32(100))
    db = np.ascontiguousarray(db.T)  # bin by bin: sums over frames side by side run in parallel
    padded = np.pad(db, ((NEIGHBOURS // 2 + 1, NEIGHBOURS // 2), (0, 0)), mode="edge")
    sums = np.empty_like(padded)
    sums[0] = padded[0]
    for i in range(1, len(padded)):  # row by row: NumPy's own sum down the columns takes five times as long
        np.add(sums[i - 1], padded[i], out=sums[i])
    around = (sums[NEIGHBOURS:] - sums[:-NEIGHBOURS]) / NEIGHBOURS
    place = db.shape[1] // 10
    noise = np.partition(db, place, axis=1)[:, place, None]
    return np.asarray((db > around + ABOVE_NEIGHBOURS_DB) & (db > noise + ABOVE_NOISE_DB)).T


def _peaks(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far the PEAKS most constant lines stand out [n]; `share` [n, bins]: of the frames in which each bin has a line."""
    import numpy as np

    padded = np.pad(share, ((0, 0), (REACH, REACH)), mode="edge")
    around = np.array([padded[:, at : at + share.shape[1]] for at in range(2 * REACH + 1)])
    heights = np.where(share == around.max(0), share - around.min(0), 0)
    return np.asarray(np.sort(heights, 1)[:, -PEAKS:].mean(1))


def _runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _joined(runs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for first, last in runs:
        if joined and (first - joined[-1][1]) * STRIDE * STEP_MS <= GAP_MS:
            first = joined.pop()[0]
        joined.append((first, last))
    return joined
