"""Whisper's ear: the log-mel picture of a window, as OpenAI's and faster-whisper's extractors make it, for any process to make.

Our own, since theirs takes a second to import in each process of the front end, and its one large product sets as many threads
spinning as there are cores: on two of them that is ten times the work.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from qa_pipeline.speech.backend import RATE, usable
from qa_pipeline.speech.channel import SMALL

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_MS = 10
FULL_FRAMES = 3000
SHORT_MS = 12_000  # a longer window costs more than its halves: attention grows with the square
PREPROCESSOR = "preprocessor_config.json"
FFT, HOP = 400, FRAME_MS * RATE // 1000  # samples
FLOOR, RANGE = 1e-10, 8.0  # of power; powers of ten below the loudest that are told apart
LINEAR_HZ, BEND_HZ, BEND_MEL, STEP = 200 / 3, 1000.0, 15.0, math.log(6.4) / 27  # Slaney's scale: linear, then logarithmic


@dataclass(frozen=True)
class WhisperEar:
    """mels: 80, or 128 from large-v3 on. longest_ms: what the checkpoint hears at once."""

    mels: int = 80
    longest_ms: int = FULL_FRAMES * FRAME_MS

    def hear(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [mels, frames of 10 ms], not padded. Raises UnusableAudio."""
        return log_mel(usable(audio), self.mels)[:, :FULL_FRAMES]


def log_mel(audio: NDArray[np.float32], mels: int) -> NDArray[np.float32]:
    """float32 [mels, frames of 10 ms]: (lg power + 4) / 4, no more than 8 powers of ten below the window's own loudest.

    Whole rows of products, as OpenBLAS likes them: with 80 mels the very bits of faster-whisper's.
    """
    import numpy as np

    around = np.pad(np.pad(audio.astype(np.float32, copy=False), (0, HOP)), FFT // 2, mode="reflect")
    framed = np.lib.stride_tricks.sliding_window_view(around, FFT)[::HOP][:-1]
    window, bands = np.hanning(FFT + 1)[:-1].astype(np.float32), filters(mels).T
    rows = SMALL // bands.size
    power = np.zeros((-(-len(framed) // rows) * rows, mels), np.float32)
    for at in range(0, len(framed), rows):
        some = np.zeros((rows, len(bands)), np.float32)
        spectrum = np.fft.rfft(framed[at : at + rows] * window)
        some[: len(spectrum)] = np.abs(spectrum) ** 2
        np.matmul(some, bands, out=power[at : at + rows])
    log = np.log10(np.maximum(power[: len(framed)], np.float32(FLOOR)))
    log = (np.maximum(log, log.max() - np.float32(RANGE)) + np.float32(4)) / np.float32(4)
    return np.ascontiguousarray(log[:-1].T)


@lru_cache
def filters(mels: int) -> NDArray[np.float32]:
    """float32 [mels, bins of the spectrum]: triangles on Slaney's scale up to 8 kHz, each of the same area, as librosa's."""
    import numpy as np

    top = BEND_MEL + math.log(RATE / 2 / BEND_HZ) / STEP
    at = np.linspace(0, top, mels + 2)
    hz = np.where(at < BEND_MEL, LINEAR_HZ * at, BEND_HZ * np.exp(STEP * (at - BEND_MEL)))
    bins = np.fft.rfftfreq(FFT, 1 / RATE)
    rising = (bins - hz[:-2, None]) / np.diff(hz)[:-1, None]
    falling = (hz[2:, None] - bins) / np.diff(hz)[1:, None]
    made = np.maximum(0, np.minimum(rising, falling)) * 2 / (hz[2:] - hz[:-2])[:, None]
    return np.ascontiguousarray(made, np.float32)


def ear_of(folder: Path, window: str) -> WhisperEar:
    """As the checkpoint's preprocessor_config.json says; OpenAI's own values where there is none."""
    path = folder / PREPROCESSOR
    told = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    longest = FULL_FRAMES * FRAME_MS if window == "full" else min(SHORT_MS, int(told.get("chunk_length", 30)) * 1000)
    return WhisperEar(int(told.get("feature_size", 80)), longest)
