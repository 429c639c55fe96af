"""Where somebody speaks: Silero's detector over one channel, tuned to keep the short answers (嗯, 对, 好的) of a call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from qa_pipeline import shipped
from qa_pipeline.speech.channel import RATE, Channel
from qa_pipeline.speech.loudness import measure_loudness, sounds

LEAD_MS = 80  # heard before a sound
TAIL_MS = 1000  # and after it, before quiet is passed over
QUIET_DB = 8.0  # over the line's floor; what stays below is quiet
CLEAR_DB = 15.0  # how far over that limit the loudest hundredth lies where quiet holds no words that anybody could hear
LONG_SOUND_MS, SPOKEN_SHARE, SPECK_MS = 2000, 0.25, 500
FRAME, CONTEXT = 512, 64  # samples that Silero's detector takes at once, and those that it takes again from before
FRAME_MS = FRAME * 1000 // RATE
AT_ONCE = 512  # frames, 16 s: few enough to stay in the processor's cache
HYSTERESIS = 0.15  # speech goes on until the probability is that far below the threshold; Silero's own


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


def find_speech(channel: Channel, settings: ActivitySettings | None = None) -> list[Stretch]:
    """Stretches of speech, in order and disjoint.

    After long quiet or a tone, the detector's memory makes it miss the first second of what follows (a whole 嗯, the 您好 of
    a greeting). So it starts afresh at whatever sounds after quiet. Quiet itself, half of a call's two channels, is heard too
    unless the line is so clear that speech could not lie in it.
    """
    settings = settings or ActivitySettings()
    loudness = measure_loudness(channel.samples, channel.rate)
    heard = [(0, 0), *sounds(loudness, above_db=QUIET_DB)]
    starts = [max(0, start - LEAD_MS) for start, _ in heard]
    stops = [*starts[1:], channel.length_ms]
    if _clear(loudness):
        stops = [min(stop, end + TAIL_MS) for stop, (_, end) in zip(stops, heard, strict=True)]
    found: list[Stretch] = []
    for (begin, end), start, stop in zip(heard, starts, stops, strict=True):
        for s in _spoken(_detect(channel, start, stop, settings), end - begin):
            joined = found and s.start_ms <= found[-1].end_ms
            found.append(Stretch(found.pop().start_ms, s.end_ms) if joined else s)
    return found


def _clear(loudness: Sequence[float]) -> bool:
    """Whether the loudest hundredth of a channel stands far above its quiet."""
    ordered = sorted(loudness)
    return bool(ordered) and ordered[-1 - len(ordered) // 100] > ordered[len(ordered) // 10] * 10 ** (
        (QUIET_DB + CLEAR_DB) / 10
    )


def _detect(channel: Channel, start_ms: int, stop_ms: int, settings: ActivitySettings) -> list[Stretch]:
    if stop_ms - start_ms < 50:
        return []
    spoken = _above(_probabilities(channel, start_ms, stop_ms), settings)
    ends = [(start_ms + a * FRAME_MS, min(stop_ms, start_ms + b * FRAME_MS)) for a, b in spoken]
    kept = [(a, b) for a, b in ends if b - a > settings.min_speech_ms]
    found = []
    for i, (a, b) in enumerate(kept):
        before = a - (kept[i - 1][1] if i else start_ms)
        after = (kept[i + 1][0] if i + 1 < len(kept) else stop_ms) - b
        lead, tail = before if i == 0 else before // 2, after if i + 1 == len(kept) else after // 2
        found.append(Stretch(a - min(settings.pad_ms, lead), b + min(settings.pad_ms, tail)))
    return found


def _above(probabilities: list[float], settings: ActivitySettings) -> list[tuple[int, int]]:
    """Runs of frames (start, end exclusive) above the threshold, across dips shorter than `min_silence_ms`."""
    low = max(settings.threshold - HYSTERESIS, 0.01)
    found: list[tuple[int, int]] = []
    start, dip = -1, -1
    for i, p in enumerate(probabilities):
        if p >= settings.threshold:
            start, dip = (i if start < 0 else start), -1
        elif p < low and start >= 0:
            dip = i if dip < 0 else dip
            if (i - dip) * FRAME_MS >= settings.min_silence_ms:
                found.append((start, dip))
                start, dip = -1, -1
    return [*found, (start, len(probabilities))] if start >= 0 else found


def _probabilities(channel: Channel, start_ms: int, stop_ms: int) -> list[float]:
    """Of speech in each frame from `start_ms`, the last one filled up with silence. Chunks make no difference."""
    import numpy as np

    memory = {name: np.zeros((1, 1, 128), np.float32) for name in ("h", "c")}
    context, found = np.zeros(CONTEXT, np.float32), list[float]()
    for at in range(start_ms, stop_ms, AT_ONCE * FRAME_MS):
        audio = channel.nearly_wide(at, min(stop_ms, at + AT_ONCE * FRAME_MS))
        frames = np.pad(audio, (0, -len(audio) % FRAME)).reshape(-1, FRAME)
        before = np.concatenate([context[None], frames[:-1, -CONTEXT:]])
        out, memory["h"], memory["c"] = _detector().run(None, {"input": np.concatenate([before, frames], 1), **memory})
        context = frames[-1, -CONTEXT:]
        found += out.ravel().tolist()
    return found


@lru_cache
def _detector() -> Any:
    """Silero's model on one thread. See data/detector."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(shipped.detector()), options, providers=["CPUExecutionProvider"])


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
