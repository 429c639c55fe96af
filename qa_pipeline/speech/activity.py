"""Where somebody speaks: Silero's detector over one channel, tuned to keep the short answers (嗯, 对, 好的) of a call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_pipeline.speech.loudness import measure_loudness, sounds

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 16000
LEAD_MS = 80  # heard before a sound
LONG_SOUND_MS, SPOKEN_SHARE, SPECK_MS = 2000, 0.25, 500


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
    """Stretches of speech in mono float32 audio [samples] at 16 kHz, in order and disjoint.

    After long quiet or a tone, the detector's memory makes it miss the first second of what follows (a whole 嗯, the 您好 of
    a greeting). So it starts afresh at whatever sounds after quiet; all of the audio is heard, silence included.
    """
    settings = settings or ActivitySettings()
    heard = [(0, 0), *sounds(measure_loudness(audio, RATE))]
    starts = [max(0, start - LEAD_MS) for start, _ in heard]
    found: list[Stretch] = []
    for (begin, end), start, stop in zip(heard, starts, [*starts[1:], len(audio) * 1000 // RATE], strict=True):
        for s in _spoken(_detect(audio, start, stop, settings), end - begin):
            joined = found and s.start_ms <= found[-1].end_ms
            found.append(Stretch(found.pop().start_ms, s.end_ms) if joined else s)
    return found


def _detect(audio: NDArray[np.float32], start_ms: int, stop_ms: int, settings: ActivitySettings) -> list[Stretch]:
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    if stop_ms - start_ms < 50:
        return []
    options = VadOptions(
        threshold=settings.threshold,
        min_speech_duration_ms=settings.min_speech_ms,
        min_silence_duration_ms=settings.min_silence_ms,
        speech_pad_ms=settings.pad_ms,
    )
    found = get_speech_timestamps(audio[start_ms * RATE // 1000 : stop_ms * RATE // 1000], options)
    return [Stretch(start_ms + s["start"] * 1000 // RATE, start_ms + s["end"] * 1000 // RATE) for s in found]


def _spoken(found: list[Stretch], sounding_ms: int) -> list[Stretch]:
    """Without specks of speech in a long sound that is none: the plucked notes of hold music each begin like a word."""
    said = sum(s.end_ms - s.start_ms for s in found)
    if sounding_ms < LONG_SOUND_MS or said > SPOKEN_SHARE * sounding_ms:
        return found
    return [s for s in found if s.end_ms - s.start_ms >= SPECK_MS]


def without(stretches: list[Stretch], taken: list[Stretch], share: float = 0.5) -> list[Stretch]:
    """Those of `stretches` of which less than `share` lies in `taken`: a tone is not speech, whatever the detector heard."""

    def covered(s: Stretch) -> int:
        return sum(max(0, min(s.end_ms, t.end_ms) - max(s.start_ms, t.start_ms)) for t in taken)

    return [s for s in stretches if covered(s) < share * (s.end_ms - s.start_ms)]
