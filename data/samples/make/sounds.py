"""The sounds around the words: ringback, busy tone, hold music. All float32 at 8 kHz, peak 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from telephone import RATE

Sound = NDArray[np.float32]
NOTES = (0, 4, 7, 12, 7, 4, 5, 9, 12, 9, 5, 2, 7, 11, 14, 11)  # semitones over C4: our own broken chords


def _tone(seconds: float, frequency: float) -> Sound:
    return np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def _cadence(seconds: float, on: float, off: float) -> Sound:
    out = np.zeros(int(seconds * RATE), np.float32)
    for start in np.arange(0, max(seconds - on, 0) + 0.001, on + off):
        burst = _tone(on, 450)
        at = int(start * RATE)
        out[at : at + len(burst)] = burst[: len(out) - at]
    return out


def ringback(seconds: float) -> Sound:
    """450 Hz, 1 s on, 4 s off, as China's exchanges play it; whole rings only."""
    return _cadence(seconds, 1.0, 4.0)


def busy_tone(seconds: float) -> Sound:
    """450 Hz, 0.35 s on and off."""
    return _cadence(seconds, 0.35, 0.35)


def hold_music(seconds: float) -> Sound:
    """A plucked melody in broken chords, two notes a second, each of three partials that die away."""
    out = np.zeros(int(seconds * RATE) + RATE, np.float32)
    t = np.arange(RATE) / RATE
    for i in range(int(seconds * 2)):
        frequency = 261.63 * 2 ** (NOTES[i % len(NOTES)] / 12)
        note = sum(np.sin(2 * np.pi * frequency * k * t) * np.exp(-3 * k * t) / k for k in (1, 2, 3))
        out[i * RATE // 2 : i * RATE // 2 + RATE] += np.asarray(note, np.float32)
    out = out[: int(seconds * RATE)]
    fade = min(len(out), RATE // 5)
    if fade:
        out[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
    return out / max(1e-6, float(np.abs(out).max()))
