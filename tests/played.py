"""What a line carries that is no speech, synthesised: music in several styles, beeps, noise. Floats at 8 kHz, peak 1."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

RATE = 8000
Sound = NDArray[np.float64]
A4_450 = 450.0
"""Music tuned so that its A sounds at the frequency of China's tones."""


def note(hertz: float, seconds: float, partials: Sequence[float], decay: float, vibrato: float = 0.0) -> Sound:
    """A tone of weighted partials with a short attack; decay: per second, faster for high partials. Vibrato: Hz at 5.5 Hz."""
    t = np.arange(int(seconds * RATE)) / RATE
    sway = vibrato / 5.5 * np.sin(2 * np.pi * 5.5 * t)
    out = sum(
        w * np.sin(2 * np.pi * k * (hertz * t + sway)) * np.exp(-decay * k**0.5 * t)
        for k, w in enumerate(partials, 1)
        if hertz * k < 3600
    )
    attack = np.minimum(1, t / 0.008) * np.minimum(1, (seconds - t) / 0.02)
    return np.asarray(out * attack)


def _placed(seconds: float, notes: Sequence[tuple[float, Sound]]) -> Sound:
    out = np.zeros(int(seconds * RATE))
    for at, sound in notes:
        i = int(at * RATE)
        piece = sound[: max(0, len(out) - i)]
        out[i : i + len(piece)] += piece
    return out / max(1e-9, np.abs(out).max())


def _scale(steps: int) -> float:
    return A4_450 * 2 ** (steps / 12)


def piano(seconds: float, rng: np.random.Generator) -> Sound:
    """Arpeggios, four notes a second, many of them 450 Hz."""
    shape = [-12, -5, 0, 4, 7, 4, 0, -5]
    step = 0.25
    notes = [
        (i * step, rng.uniform(0.5, 1) * note(_scale(shape[i % 8] + (0, -4, -7, -2)[i // 16 % 4]), 1.2, (1, 0.5, 0.3, 0.15), 3))
        for i in range(int(seconds / step))
    ]
    return _placed(seconds, notes)


def strings(seconds: float, rng: np.random.Generator) -> Sound:
    """Slow chords of bowed partials with vibrato, swelling."""
    chords = [(-12, -5, 0, 4), (-16, -9, -4, 0), (-14, -7, -2, 3), (-17, -5, -1, 2)]
    notes = []
    for i in range(int(seconds / 2.5) + 1):
        for step in chords[i % 4]:
            sound = note(_scale(step), 2.7, [1 / k for k in range(1, 8)], 0.1, vibrato=3)
            notes.append((i * 2.5, sound * np.sin(np.linspace(0.3, np.pi - 0.2, len(sound))) * rng.uniform(0.6, 1)))
    return _placed(seconds, notes)


def drums(seconds: float, rng: np.random.Generator) -> Sound:
    """Kick, snare and hat at 110 beats a minute."""
    beat, notes = 60 / 110, []
    t = np.arange(int(0.25 * RATE)) / RATE
    kick = np.sin(2 * np.pi * (60 * t + 20 * (1 - np.exp(-30 * t)))) * np.exp(-14 * t) * 1.5
    for i in range(int(seconds / beat * 2)):
        hat = np.diff(rng.standard_normal(len(t) + 1)) * np.exp(-60 * t) * 0.3
        notes.append((i * beat / 2, hat))
        if i % 4 == 0:
            notes.append((i * beat / 2, kick))
        if i % 4 == 2:
            notes.append((i * beat / 2, rng.standard_normal(len(t)) * np.exp(-18 * t) * 0.6))
    return _placed(seconds, notes)


def lift(seconds: float, rng: np.random.Generator) -> Sound:
    """A soft band: held chords, a melody of long and short notes, a bass and a brushed hat."""
    beat, notes = 60 / 96, []
    chords = [(-12, -8, -5, -1), (-10, -7, -3, 0), (-7, -3, 0, 4), (-5, -1, 2, 5)]
    for bar in range(int(seconds / (4 * beat)) + 1):
        chord, start = chords[bar % 4], bar * 4 * beat
        notes += [(start, 0.25 * note(_scale(s), 4 * beat, (1, 0.4, 0.2), 0.4)) for s in chord]
        notes += [(start + b * beat, 0.5 * note(_scale(chord[0] - 12), beat, (1, 0.6, 0.3), 2)) for b in (0, 2)]
        at = start
        while at < start + 4 * beat - 0.1:
            length = beat * float(rng.choice([0.5, 0.5, 1, 1.5]))
            notes.append((at, 0.6 * note(_scale(int(rng.choice(chord)) + 12), length, (1, 0.3, 0.1), 1.2, vibrato=2)))
            at += length
        notes += [
            (start + b * beat / 2, 0.05 * np.diff(rng.standard_normal(801)) * np.exp(-np.arange(800) / 160)) for b in range(8)
        ]
    return _placed(seconds, notes)


def plucked(seconds: float, rng: np.random.Generator) -> Sound:
    """A guzheng-like pentatonic line with slides and tremolo."""
    steps, notes, at, place = (-12, -10, -7, -5, -3, 0, 2, 5, 7, 9, 12), [], 0.0, 5
    while at < seconds:
        place = int(np.clip(place + rng.integers(-2, 3), 0, len(steps) - 1))
        length = float(rng.choice([0.2, 0.4, 0.4, 0.8]))
        notes.append((at, note(_scale(steps[place]), 1.5, (1, 0.7, 0.5, 0.35, 0.2, 0.1), 2.2, vibrato=1.5)))
        at += length
    return _placed(seconds, notes)


def rock(seconds: float, rng: np.random.Generator) -> Sound:
    """Distorted chords over drums."""
    beat = 60 / 120
    notes = [
        (
            i * beat / 2,
            note(_scale((-17, -17, -12, -14)[i // 8 % 4]), beat / 2 * rng.uniform(0.8, 1.0), [1 / k for k in range(1, 9)], 1),
        )
        for i in range(int(seconds / beat * 2))
    ]
    guitar = np.tanh(6 * _placed(seconds, notes))
    both = guitar + 0.8 * drums(seconds, rng)
    return np.asarray(both / np.abs(both).max())


MUSIC: dict[str, Callable[[float, np.random.Generator], Sound]] = {
    "piano": piano,
    "strings": strings,
    "drums": drums,
    "lift": lift,
    "plucked": plucked,
    "rock": rock,
}


def beeps(seconds: float, hertz: float, on: float = 1.0, off: float = 4.0) -> Sound:
    t = np.arange(int(seconds * RATE)) / RATE
    return np.asarray(np.sin(2 * np.pi * hertz * t) * (t % (on + off) < on))


def chord_beeps(seconds: float, on: float, off: float) -> Sound:
    """Notes at 450 Hz in a tone's rhythm, between other notes: music, no tone."""
    t = np.arange(int(seconds * RATE)) / RATE
    other = np.sin(2 * np.pi * 675 * t) * (t % (on + off) >= on)
    return np.asarray(beeps(seconds, 450, on, off) + other)


def noise(seconds: float, rng: np.random.Generator, tilt: float = 0.5) -> Sound:
    """tilt 0: white; towards 1: as if from a room, low frequencies stronger."""
    x = rng.standard_normal(int(seconds * RATE))
    if tilt:
        spectrum = np.fft.rfft(x)
        spectrum /= np.maximum(1, np.fft.rfftfreq(len(x), 1 / RATE) / 200) ** tilt
        x = np.fft.irfft(spectrum, len(x))
    return np.asarray(x / np.abs(x).max())
