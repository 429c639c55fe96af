"""Where a channel is quiet and where something sounds."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.loudness import STEP_MS, clipped_share, level_dbfs, measure_loudness, quietest, sounds

powers = st.lists(st.floats(0, 1e9), max_size=300)


def test_loudness_is_the_power_of_each_step() -> None:
    samples = np.concatenate([np.full(160, 2, np.int16), np.full(160, -300, np.int16), np.zeros(100, np.int16)])
    assert measure_loudness(samples, 8000) == [4.0, 90_000.0]
    assert measure_loudness(samples[:100], 8000) == []


@given(powers, st.integers(0, 5000), st.integers(60, 5000))
def test_the_quietest_moment_lies_between(loudness: list[float], start: int, length: int) -> None:
    assert start <= quietest(start, start + length, loudness) <= start + length


def test_what_sounds_after_quiet_is_found_with_its_times() -> None:
    floor, loud = [1.0] * 50, [1000.0] * 20
    assert sounds([*floor, *loud, *floor, *loud, *floor]) == [(1000, 1400), (2400, 2800)]


def test_a_short_pause_does_not_end_a_sound() -> None:
    floor, loud = [1.0] * 50, [1000.0] * 20
    assert sounds([*floor, *loud, *[1.0] * 14, *loud, *floor]) == [(1000, 2080)]


def test_an_even_channel_has_no_sounds() -> None:
    assert sounds([5.0] * 100) == sounds([0.0] * 100) == sounds([]) == []


@given(powers)
def test_sounds_are_apart_in_order_and_inside(loudness: list[float]) -> None:
    found = sounds(loudness)
    assert all(0 <= a < b <= len(loudness) * STEP_MS for a, b in found)
    assert all(after[0] - before[1] >= 300 for before, after in itertools.pairwise(found))


def test_the_level_of_speech_leaves_its_pauses_out() -> None:
    t = np.arange(8000) / 8000
    said = (8000 * np.sin(2 * np.pi * 300 * t)).astype(np.int16)
    pauses = np.concatenate([said, np.zeros(8000, np.int16), said])
    whole = level_dbfs(said, 8000, (Stretch(0, 1000),))
    assert abs(whole - 20 * np.log10(8000 / 2**0.5 / 32768)) < 0.1
    assert abs(level_dbfs(pauses, 8000, (Stretch(0, 3000),)) - whole) < 0.1
    assert level_dbfs(pauses, 8000, ()) == level_dbfs(pauses, 8000, (Stretch(1000, 2000),)) == -96.0


def test_a_wave_cut_off_at_full_scale_is_clipped_and_a_loud_one_is_not() -> None:
    wave = np.sin(2 * np.pi * 300 * np.arange(8000) / 8000)
    whole = (Stretch(0, 1000),)
    assert clipped_share((wave * 32_000).astype(np.int16), 8000, whole) == 0
    clipped = np.clip(wave * 60_000, -32_768, 32_767).astype(np.int16)
    assert 0.4 < clipped_share(clipped, 8000, whole) < 0.7
    assert clipped_share(np.array([0, 32_767, 0, 5], np.int16), 8000, whole) == 0, "a single peak is no flat top"
    assert clipped_share(clipped[:0], 8000, ()) == 0
