"""Music on hold is found whatever its style; speech, tones, hum and noise are not taken for it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.music import find_music
from tests import played

RATE = 8000
TUNEFUL = [name for name in played.MUSIC if name != "drums"]


def between_quiet(sound: NDArray[np.float64], snr_db: float = 40, peak: float = 5000) -> NDArray[np.int16]:
    """Ten seconds of the line's noise, the sound, ten more."""
    whole = np.concatenate([np.zeros(10 * RATE), sound * peak, np.zeros(10 * RATE)])
    rms = np.sqrt(np.mean((sound * peak) ** 2)) * 10 ** (-snr_db / 20)
    noise = np.random.default_rng(1).standard_normal(len(whole)) * rms
    return np.clip(whole + noise, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize("style", TUNEFUL)
@pytest.mark.parametrize("snr_db", [40, 10])
@pytest.mark.parametrize("peak", [800, 20_000])
def test_music_of_any_style_is_found_at_its_time(style: str, snr_db: float, peak: float) -> None:
    samples = between_quiet(played.MUSIC[style](30, np.random.default_rng(2)), snr_db, peak)
    (found,) = find_music(samples, RATE)
    assert abs(found.stretch.start_ms - 10_000) <= 2000 and abs(found.stretch.end_ms - 40_000) <= 2000


@pytest.mark.parametrize(
    "call_id", ["dd-04-leak-bad", "pm-03-rude-bad", "ht-08-privacy-bad", "cs-02-complaint-good", "dd-02-shirk-bad"]
)
def test_speech_is_no_music(call_id: str, sample: Any) -> None:
    call = sample(call_id)
    tones = [Stretch(e.span.start_ms, e.span.end_ms) for e in call.sketch.events if e.kind in ("ringback", "busy_tone")]
    assert [find_music(channel, call.rate, tones) for channel in call.samples] == [[], []]


@pytest.mark.parametrize("call_id", ["cs-01-order-good", "ht-05-wakeup-hold-good", "pm-01-fee-good"])
def test_the_music_of_a_hold_is_an_event_of_the_agents_channel(call_id: str, sample: Any) -> None:
    call = sample(call_id)
    want = [e for e in call.truth["events"] if e["kind"] == "hold_music"]
    found = [e for e in call.sketch.events if e.kind == "hold_music"]
    assert [e.channel for e in found] == [0] * len(want)
    assert all(abs(f.span.start_ms - w["start_ms"]) <= 2000 for f, w in zip(found, want, strict=True))
    assert all(abs(f.span.end_ms - w["end_ms"]) <= 2000 for f, w in zip(found, want, strict=True))


@pytest.mark.parametrize("tilt", [0.0, 0.7])
def test_noise_is_no_music(tilt: float) -> None:
    assert find_music((played.noise(40, np.random.default_rng(3), tilt) * 9000).astype(np.int16), RATE) == []


def test_mains_hum_through_a_whole_call_is_no_music() -> None:
    t = np.arange(60 * RATE) / RATE
    hum = sum(np.sin(2 * np.pi * 50 * k * t) / k for k in range(1, 20)) * 600
    assert find_music((hum + np.random.default_rng(4).standard_normal(len(t)) * 20).astype(np.int16), RATE) == []


def test_a_tone_that_is_known_for_one_is_no_music() -> None:
    samples = between_quiet(played.beeps(30, 450, 0.35, 0.35))
    assert find_music(samples, RATE, [Stretch(10_000, 40_000)]) == []


def test_drums_alone_are_not_known_for_music() -> None:
    assert find_music(between_quiet(played.drums(30, np.random.default_rng(2))), RATE) == []


def test_a_jingle_of_three_seconds_is_too_short_and_nothing_has_none() -> None:
    assert find_music(between_quiet(played.piano(3, np.random.default_rng(2))), RATE) == []
    assert find_music(np.zeros(0, np.int16), RATE) == [] == find_music(np.zeros(30 * RATE, np.int16), RATE)
