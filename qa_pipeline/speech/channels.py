"""How a recording's two channels belong together: the same sound on both, or one leaking into the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qa_pipeline.speech.activity import Stretch

SAME = "same_channels"
PIECE_MS, MOST_PIECES = 1000, 30  # looked at, evenly over the call, where somebody is loud
LAG_MS = 80  # by which one side may come later
LOUD_DBFS, QUIET_LOUD_DB = -50.0, 20.0  # a piece is loud above this level, and within this of the channel's loudest
ALIKE, ALIKE_SHARE = 0.9, 0.9  # correlation of a piece, and the share of pieces, from which both channels hold the same
LEAKED, LEAKED_SHARE, LEAK_DB = 0.3, 0.5, 10.0
LEAST_PIECES = 3


def compare_channels(samples: NDArray[np.int16], rate: int, played: Sequence[Stretch] = ()) -> tuple[str, ...]:
    """Flags of two-channel int16 audio [2, n]: `same_channels`, whatever their levels and delay up to 80 ms; else
    `leak_in_channel_0`, `leak_in_channel_1` where the other side is heard in it.

    By the correlation of pieces of a second in which either side is loud. `played`: tones and music, which an exchange may play
    to both sides of a call.
    """
    import numpy as np

    if len(samples) != 2:
        return ()
    size = rate * PIECE_MS // 1000
    n = samples.shape[1] // size
    level = np.array([[_dbfs(samples[c, i * size : (i + 1) * size]) for i in range(n)] for c in range(2)]).reshape(2, n)
    loud = np.flatnonzero((level >= np.maximum(LOUD_DBFS, level.max(1, initial=-96.0)[:, None] - QUIET_LOUD_DB)).any(0))
    for s in played:
        loud = loud[(loud * PIECE_MS >= s.end_ms) | ((loud + 1) * PIECE_MS <= s.start_ms)]
    pieces = loud[np.linspace(0, len(loud) - 1, min(len(loud), MOST_PIECES)).astype(int)] if len(loud) else loud
    if len(pieces) < LEAST_PIECES:
        return ()
    alike = _alike(samples, rate, pieces)
    if np.mean(alike >= ALIKE) >= ALIKE_SHARE:
        return (SAME,)
    flags = []
    for channel in range(2):
        here, there = level[channel, pieces], level[1 - channel, pieces]
        theirs = (there >= here + LEAK_DB) & (here >= LOUD_DBFS)  # fainter, as codecs of two channels leak, nobody hears it
        if theirs.sum() >= LEAST_PIECES and np.mean(alike[theirs] >= LEAKED) >= LEAKED_SHARE:
            flags.append(f"leak_in_channel_{channel}")
    return tuple(flags)


def _dbfs(piece: NDArray[np.int16]) -> float:
    import numpy as np

    power = float(np.mean(np.asarray(piece, np.float32) ** 2))
    return 10 * float(np.log10(power / 32768**2)) if power else -96.0


def _alike(samples: NDArray[np.int16], rate: int, pieces: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
    """Correlation, of either sign, of both channels in each piece, at the lag of up to LAG_MS at which all pieces have most."""
    import numpy as np

    size, most = rate * PIECE_MS // 1000, rate * LAG_MS // 1000
    length = size + most  # what lies further apart may fold over
    summed = np.zeros(length // 2 + 1, np.complex128)
    for i in pieces:
        a, b = (np.asarray(x, np.float32) for x in samples[:, i * size : (i + 1) * size])
        spectra = [np.fft.rfft(x / max(1.0, float(np.linalg.norm(x))), length) for x in (a, b)]
        summed += np.conj(spectra[0]) * spectra[1]
    both = np.fft.irfft(summed, length)
    lag = int(np.abs(np.concatenate([both[-most:], both[: most + 1]])).argmax()) - most  # of channel 1 behind channel 0
    alike = []
    for i in pieces:
        start, end = max(i * size, -lag), min((i + 1) * size, samples.shape[1] - max(0, lag))
        a, b = (np.asarray(x, np.float32) for x in (samples[0, start:end], samples[1, start + lag : end + lag]))
        scale = float(np.linalg.norm(a) * np.linalg.norm(b))
        alike.append(abs(float(a @ b)) / scale if scale > 1 else 0.0)
    return np.array(alike)
