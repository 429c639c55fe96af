"""A blow on the handset is found with its peak; words, tones, music and rattling are not."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.knocks import find_knocks
from tests import played

RATE = 8000


def line(seconds: float, db: float = -50) -> NDArray[np.float64]:
    return np.asarray(np.random.default_rng(1).standard_normal(int(seconds * RATE)) * 32768 * 10 ** (db / 20))


def blow(ms: float, peak_dbfs: float, seed: int = 0) -> NDArray[np.float64]:
    """Noise and a resonance that die away to a tenth in `ms`."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(ms * 24)) / RATE
    sound = (rng.standard_normal(len(t)) * 0.6 + np.sin(2 * np.pi * rng.uniform(250, 900) * t)) * np.exp(-t * 2300 / ms)
    return np.asarray(sound / np.abs(sound).max() * 32767 * 10 ** (peak_dbfs / 20))


def with_blows(*at_ms: int, ms: float = 40, peak_dbfs: float = -3, seconds: float = 10) -> NDArray[np.int16]:
    samples = line(seconds)
    for i, start in enumerate(at_ms):
        sound = blow(ms, peak_dbfs, i)
        samples[start * 8 : start * 8 + len(sound)] += sound
    return np.clip(samples, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("ms", [5, 20, 60, 120])
@pytest.mark.parametrize("peak_dbfs", [-1, -6, -14])
def test_a_blow_is_found_with_its_time_and_peak(ms: float, peak_dbfs: float) -> None:
    (found,) = find_knocks(with_blows(4000, ms=ms, peak_dbfs=peak_dbfs), RATE, [])
    assert abs(found.stretch.start_ms - 4000) <= 6 and 4 <= found.stretch.end_ms - found.stretch.start_ms <= 300
    assert abs(found.peak_dbfs - peak_dbfs) < 1


def test_two_blows_are_two_and_one_that_bounces_is_one() -> None:
    assert len(find_knocks(with_blows(2000, 6000), RATE, [])) == 2
    assert len(find_knocks(with_blows(2000, 2330), RATE, [])) == 1


def test_a_blow_on_the_border_of_two_blocks_is_found_once() -> None:
    assert [k.stretch.start_ms for k in find_knocks(with_blows(59_998, seconds=70), RATE, [])] == [59_998]


def test_a_faint_tap_and_a_rattle_are_none() -> None:
    assert find_knocks(with_blows(4000, peak_dbfs=-26), RATE, []) == []
    assert find_knocks(with_blows(*range(1000, 9000, 700)), RATE, []) == []


def test_a_sudden_sound_within_speech_is_a_plosive_unless_it_is_far_louder() -> None:
    samples = with_blows(4000, peak_dbfs=-8)
    samples[3500 * 8 : 3780 * 8] = samples[4300 * 8 : 4800 * 8][: 280 * 8] = (
        9000 * np.sin(2 * np.pi * 200 * np.arange(280 * 8) / RATE)
    ).astype(np.int16)
    speech = [Stretch(3400, 4900)]
    assert len(find_knocks(samples, RATE, [])) >= 1
    assert [k for k in find_knocks(samples, RATE, speech) if k.stretch.start_ms > 3900] == []


@pytest.mark.parametrize("call_id", ["cs-02-complaint-good", "pm-03-rude-bad", "dd-02-shirk-bad", "pm-02-late-transfer"])
def test_calls_in_which_nobody_knocks_have_no_knocks(call_id: str, sample: Any) -> None:
    assert [e for e in sample(call_id).sketch.events if e.kind == "noise"] == []


@pytest.mark.parametrize("style", played.MUSIC)
def test_music_knocks_not(style: str) -> None:
    assert find_knocks((played.MUSIC[style](30, np.random.default_rng(5)) * 16_000).astype(np.int16), RATE, []) == []


def test_tones_and_keys_knock_not() -> None:
    samples = (played.beeps(20, 450, 0.35, 0.35) * 12_000 + line(20)).astype(np.int16)
    assert find_knocks(samples, RATE, []) == []


def test_silence_and_nothing_have_no_knocks() -> None:
    assert find_knocks(np.zeros(0, np.int16), RATE, []) == [] == find_knocks(np.zeros(RATE, np.int16), RATE, [])
