"""Where somebody speaks: Silero's detector over one channel, tuned to keep the short answers (嗯, 对, 好的) of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 16000


@dataclass(frozen=True, order=True)
class Stretch:
    """Speech on one channel, milliseconds, end exclusive."""

    start_ms: int
    end_ms: int


@dataclass(frozen=True)
class ActivitySettings:
    """threshold: speech probability; the others in milliseconds."""

    threshold: float = 0.35
    min_speech_ms: int = 90
    min_silence_ms: int = 180
    pad_ms: int = 40


def find_speech(audio: NDArray[np.float32], settings: ActivitySettings | None = None) -> list[Stretch]:
    """Stretches of speech in mono float32 audio [samples] at 16 kHz, in order and disjoint."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    settings = settings or ActivitySettings()
    if len(audio) < RATE // 20:
        return []
    options = VadOptions(
        threshold=settings.threshold,
        min_speech_duration_ms=settings.min_speech_ms,
        min_silence_duration_ms=settings.min_silence_ms,
        speech_pad_ms=settings.pad_ms,
    )
    found = get_speech_timestamps(audio, options)
    return [Stretch(s["start"] * 1000 // RATE, s["end"] * 1000 // RATE) for s in found]


def without(stretches: list[Stretch], taken: list[Stretch], share: float = 0.5) -> list[Stretch]:
    """Those of `stretches` of which less than `share` lies in `taken`: a tone is not speech, whatever the detector heard."""

    def covered(s: Stretch) -> int:
        return sum(max(0, min(s.end_ms, t.end_ms) - max(s.start_ms, t.start_ms)) for t in taken)

    return [s for s in stretches if covered(s) < share * (s.end_ms - s.start_ms)]
