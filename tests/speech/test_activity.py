"""Short answers are heard as speech; silence, noise, tones and music are not."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.speech.activity import Stretch, _spoken, find_speech
from qa_pipeline.speech.channel import Channel
from qa_pipeline.speech.listen import sketch

RATE = 8000


def line(seconds: float, db: float = -55.0) -> Any:
    """White noise of a quiet line, float in int16's scale."""
    return np.random.default_rng(1).standard_normal(int(seconds * RATE)) * 32768 * 10 ** (db / 20)


def heard(samples: Any) -> list[tuple[int, int]]:
    clipped = np.clip(samples, -32768, 32767).astype(np.int16)[None]
    return [(t.start_ms, t.end_ms) for t in sketch("c", clipped, RATE, 8000).turns]


@pytest.mark.parametrize("call_id", ["cs-02-complaint-good", "pm-03-rude-bad", "dd-02-shirk-bad", "ht-02-night-room-bad"])
def test_every_turn_of_a_call_is_heard_short_answers_and_openings_too(call_id: str, sample: Any) -> None:
    call = sample(call_id)
    for turn in call.truth["turns"]:
        stretches = [s for t in call.sketch.turns if t.channel == turn["channel"] for s in t.stretches]
        length = turn["end_ms"] - turn["start_ms"]
        covered = sum(max(0, min(s.end_ms, turn["end_ms"]) - max(s.start_ms, turn["start_ms"])) for s in stretches)
        assert covered > 0.5 * length, turn["text"]


@pytest.mark.parametrize("call_id", ["cs-02-complaint-good", "pm-03-rude-bad", "pm-01-fee-good", "cs-01-order-good"])
def test_nothing_is_heard_where_nobody_speaks_hold_music_included(call_id: str, sample: Any) -> None:
    call = sample(call_id)
    for spoken in call.sketch.turns:
        said = [t for t in call.truth["turns"] if t["channel"] == spoken.channel]
        for s in spoken.stretches:
            assert any(t["start_ms"] < s.end_ms and s.start_ms < t["end_ms"] for t in said), (spoken.channel, s)


@pytest.mark.parametrize("db", [-90.0, -55.0, -30.0, -15.0])
def test_noise_of_any_level_is_no_speech(db: float) -> None:
    assert heard(line(10, db)) == []


def test_digital_silence_and_nothing_at_all_are_no_speech() -> None:
    assert heard(np.zeros(5 * RATE)) == [] == heard(np.zeros(0)) == find_speech(Channel(np.zeros(50, np.int16), RATE))


def test_knocks_and_bursts_of_noise_are_no_speech() -> None:
    samples = line(12)
    for second in range(1, 11, 2):
        samples[second * RATE : second * RATE + RATE // 3] += line(1 / 3, -18)[: RATE // 3]
    assert heard(samples) == []


@pytest.mark.parametrize("kind", ["hold_music", "ringback", "busy_tone"])
@pytest.mark.parametrize("db", [-20.0, -10.0])
def test_music_and_tones_are_no_speech(kind: str, db: float, sounds: Any) -> None:
    samples = line(16)
    sound = getattr(sounds, kind)(12) * 32768 * 10 ** (db / 20)
    samples[2 * RATE : 2 * RATE + len(sound)] += sound
    assert heard(samples) == []


def test_keys_pressed_are_no_speech() -> None:
    samples, t = line(8), np.arange(RATE // 5) / RATE
    for second, (low, high) in enumerate([(697, 1209), (770, 1336), (852, 1477), (941, 1336)], 1):
        samples[second * RATE : second * RATE + len(t)] += 4000 * (np.sin(2 * np.pi * low * t) + np.sin(2 * np.pi * high * t))
    assert heard(samples) == []


def test_specks_in_a_long_sound_go_and_a_short_answer_stays() -> None:
    specks = [Stretch(100, 300), Stretch(900, 1100)]
    assert _spoken(specks, 10_000) == []
    assert _spoken(specks, 1100) == specks
    assert _spoken([*specks, Stretch(3000, 4000)], 10_000) == [Stretch(3000, 4000)]


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(100, 900)), max_size=6), st.integers(0, 2**16))
def test_stretches_are_disjoint_in_order_and_inside_whatever_sounds(bursts: list[tuple[int, int]], seed: int) -> None:
    audio = np.random.default_rng(seed).normal(0, 32, 10 * RATE).astype(np.int16)
    for second, ms in bursts:
        audio[second * RATE : second * RATE + ms * 8] *= 200
    found = find_speech(Channel(audio, RATE))
    edges = [edge for s in found for edge in (s.start_ms, s.end_ms)]
    assert edges == sorted(edges) and all(0 <= e <= 10_000 for e in edges)
