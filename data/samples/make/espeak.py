"""Speech from espeak-ng, in this process, with the time of every word.

The voice is `cmn-latn-pinyin`: plain `cmn` of espeak-ng reads the pinyin of a character as English letters. The library and
its voices come from the wheel `espeakng-loader`. Switching among many voices has been seen to end the process with a
protection fault; callers that synthesise for hours do so in a child process that may be restarted.
"""

from __future__ import annotations

import ctypes
import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE, PITCH, PITCH_RANGE = 1, 3, 4  # espeak_PARAMETER
WORD_EVENT = 1
SYNCHRONOUS = 2


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@dataclass(frozen=True)
class Voice:
    """One way of speaking: an espeak variant, words a minute, pitch and pitch range (0-100)."""

    variant: str = "f2"
    rate: int = 175
    pitch: int = 50
    pitch_range: int = 50


class _Library:
    def __init__(self) -> None:
        import espeakng_loader

        self.lib = ctypes.CDLL(espeakng_loader.get_library_path())
        self.sample_rate = self.lib.espeak_Initialize(SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
        self.audio: list[NDArray[np.int16]] = []
        self.starts: list[tuple[int, int]] = []
        self.callback = _CALLBACK(self._receive)  # kept: ctypes does not own it
        self.lib.espeak_SetSynthCallback(self.callback)
        self.variant: str | None = None

    def _receive(self, wav, n, events) -> int:  # type: ignore[no-untyped-def]
        if n > 0 and wav:
            self.audio.append(np.ctypeslib.as_array(wav, shape=(n,)).copy())
        i = 0
        while events[i].type:
            if events[i].type == WORD_EVENT:
                self.starts.append((events[i].text_position - 1, events[i].sample))
            i += 1
        return 0

    def speak(self, text: str, voice: Voice) -> tuple[NDArray[np.int16], dict[int, int]]:
        if voice.variant != self.variant:
            name = "cmn-latn-pinyin" + (f"+{voice.variant}" if voice.variant else "")
            if self.lib.espeak_SetVoiceByName(name.encode()):
                raise ValueError(f"espeak-ng has no voice {name!r}")
            self.variant = voice.variant
        for parameter, value in ((RATE, voice.rate), (PITCH, voice.pitch), (PITCH_RANGE, voice.pitch_range)):
            self.lib.espeak_SetParameter(parameter, value, 0)
        self.audio, self.starts = [], []
        data = text.encode()
        self.lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)  # positions in characters, UTF-8
        self.lib.espeak_Synchronize()
        return (np.concatenate(self.audio) if self.audio else np.zeros(0, np.int16)), dict(self.starts)


@functools.lru_cache(1)
def _library() -> _Library:
    return _Library()


@dataclass(frozen=True)
class Utterance:
    """Samples (int16, mono) and, per character of `text`, its start and end in seconds. espeak times words: the characters
    of one word (您好, 服务) share its time evenly; punctuation has no length."""

    text: str
    samples: NDArray[np.int16]
    sample_rate: int
    spans: tuple[tuple[float, float], ...]


def _word_length(text: str, begin: list[float | None], i: int) -> int:
    n = 1
    while i + n < len(text) and begin[i + n] is None and text[i + n].isalnum():
        n += 1
    return n


def _shares(start: float, stop: float, n: int) -> list[tuple[float, float]]:
    return [(start + (stop - start) * k / n, start + (stop - start) * (k + 1) / n) for k in range(n)]


def speak(text: str, voice: Voice, stretch: float = 1.0) -> Utterance:
    """`text` spoken and trimmed to its sound. `stretch` > 1 claims a higher sample rate: faster and higher at once."""
    raw, starts = _library().speak(text, voice)
    rate = int(_library().sample_rate * stretch)
    loud = np.flatnonzero(np.abs(raw.astype(np.int32)) > 150)
    if not len(loud):
        raise ValueError(f"nothing to speak in {text!r}")
    first, last = int(loud[0]), int(loud[-1]) + 1
    length = (last - first) / rate
    begin = [None if (s := starts.get(i)) is None else max(0.0, (s - first) / rate) for i in range(len(text))]
    spans: list[tuple[float, float]] = [(0.0, 0.0)] * len(text)
    end = length
    for i in range(len(text) - 1, -1, -1):
        if (start := begin[i]) is None:
            continue
        stop = max(start, min(end, start + 0.5 * _word_length(text, begin, i)))
        for k, (a, b) in enumerate(_shares(start, stop, _word_length(text, begin, i))):
            spans[i + k] = (a, b)
        end = start
    before = 0.0
    for i, (_, stop) in enumerate(spans):
        if stop == 0.0:  # punctuation: no length, at the end of what came before
            spans[i] = (before, before)
        before = spans[i][1]
    return Utterance(text, np.ascontiguousarray(raw[first:last]), rate, tuple(spans))
