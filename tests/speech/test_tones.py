"""Ringback and busy tone are known by their cadence; speech, music and other tones are not."""

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.speech.tones import find_tones

RATE = 8000


def tone(seconds: float, frequency: float = 450) -> NDArray[np.int16]:
    return (6000 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * RATE)) / RATE)).astype(np.int16)


def silence(seconds: float) -> NDArray[np.int16]:
    return np.random.default_rng(1).integers(-20, 20, int(seconds * RATE)).astype(np.int16)


def test_two_rings_are_one_ringback_of_two_bursts() -> None:
    (found,) = find_tones(np.concatenate([tone(1), silence(4), tone(1), silence(2)]), RATE)
    assert (found.kind, found.bursts) == ("ringback", 2)
    assert abs(found.stretch.end_ms - 6000) <= 100


def test_a_busy_tone_is_found_after_speechless_time() -> None:
    (found,) = find_tones(np.concatenate([silence(3), *[tone(0.35), silence(0.35)] * 5]), RATE)
    assert (found.kind, found.bursts) == ("busy_tone", 5)
    assert abs(found.stretch.start_ms - 3000) <= 100


def test_another_frequency_is_no_call_tone() -> None:
    assert find_tones(np.concatenate([tone(1, 800), silence(4), tone(1, 800)]), RATE) == []


def test_a_held_450_hz_tone_is_no_cadence() -> None:
    assert find_tones(tone(3), RATE) == []


def test_two_short_beeps_are_no_busy_tone() -> None:
    assert find_tones(np.concatenate([tone(0.35), silence(0.35), tone(0.35), silence(2)]), RATE) == []


def test_silence_and_noise_hold_no_tone() -> None:
    loud = np.random.default_rng(2).integers(-8000, 8000, 5 * RATE).astype(np.int16)
    assert find_tones(silence(5), RATE) == [] == find_tones(loud, RATE)
    assert find_tones(silence(0.01), RATE) == []
