"""The same sound on both channels is known whatever its level and delay; two people on two channels are not taken for it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.channels import compare_channels

RATE = 8000


def both(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.int16]:
    noise = np.random.default_rng(1).standard_normal((2, len(a))) * 10
    return np.clip(np.stack([a, b]) + noise, -32768, 32767).astype(np.int16)


def delayed(x: NDArray[Any], ms: int) -> NDArray[Any]:
    return np.concatenate([np.zeros(ms * 8), x])[: len(x)] if ms else x


@pytest.mark.parametrize("gain", [1.0, 0.2, -0.7])
@pytest.mark.parametrize("delay_ms", [0, 1, 20, 70])
def test_the_same_call_on_both_channels_is_the_same_at_any_level_and_small_delay(
    gain: float, delay_ms: int, sample: Any
) -> None:
    x = sample("dd-04-leak-bad").samples.astype(float).sum(0)
    assert compare_channels(both(x, delayed(x, delay_ms) * gain), RATE) == ("same_channels",)


@pytest.mark.parametrize("call_id", ["dd-04-leak-bad", "pm-03-rude-bad", "cs-02-complaint-good", "ht-08-privacy-bad"])
def test_two_people_on_two_channels_are_not_the_same_and_do_not_leak(call_id: str, sample: Any) -> None:
    assert compare_channels(sample(call_id).samples, RATE) == ()


@pytest.mark.parametrize("db", [-14, -26])
def test_one_side_that_is_heard_in_the_other_leaks(db: float, sample: Any) -> None:
    x = sample("dd-04-leak-bad").samples.astype(float)
    leaking = both(x[0], x[1] + delayed(x[0], 12) * 10 ** (db / 20))
    assert compare_channels(leaking, RATE) == ("leak_in_channel_1",)
    assert compare_channels(leaking[::-1], RATE) == ("leak_in_channel_0",)


def test_silence_one_silent_side_one_channel_and_nothing_have_no_flag(sample: Any) -> None:
    x = sample("dd-04-leak-bad").samples
    silent = np.stack([x[0], np.zeros_like(x[0])])
    assert compare_channels(silent, RATE) == () == compare_channels(np.zeros((2, 80_000), np.int16), RATE)
    assert compare_channels(x[:1], RATE) == () == compare_channels(x[:, :0], RATE)


def test_noise_on_both_sides_is_not_the_same() -> None:
    noise = np.random.default_rng(2).standard_normal((2, 20 * RATE)) * 2000
    assert compare_channels(noise.astype(np.int16), RATE) == ()


def test_what_the_exchange_plays_to_both_sides_makes_them_not_the_same(sample: Any) -> None:
    call = sample("dd-04-leak-bad")
    ringing = np.tile((6000 * np.sin(2 * np.pi * 450 * np.arange(60 * RATE) / RATE)).astype(np.int16), (2, 1))
    both_ring = np.concatenate([ringing, call.samples], 1)
    assert compare_channels(both_ring, RATE, [Stretch(0, 60_000)]) == ()
    assert compare_channels(ringing, RATE, [Stretch(0, 60_000)]) == ()
