"""A channel is widened piece by piece, and the pieces are as if cut from the whole."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.speech.channel import Channel, _doubled, _resampled

NOISE = np.random.default_rng(0).normal(0, 3000, 8 * 4001).astype(np.int16)
WIDE = {"wide": Channel.wide, "nearly_wide": Channel.nearly_wide}
WHOLE = {name: widen(Channel(NOISE, 8000), 0, 4001) for name, widen in WIDE.items()}


@pytest.mark.parametrize("how", WIDE)
@settings(max_examples=60)
@given(st.integers(0, 4001), st.integers(0, 4001))
def test_pieces_are_as_if_cut_from_the_whole(how: str, start: int, end: int) -> None:
    piece = WIDE[how](Channel(NOISE, 8000), start, end)
    assert np.array_equal(piece, WHOLE[how][16 * start : 16 * end])


@pytest.mark.parametrize("how", WIDE)
def test_what_lies_outside_is_not_there(how: str) -> None:
    channel, widen = Channel(NOISE, 8000), WIDE[how]
    assert len(WHOLE[how]) == 16 * 4001 and channel.length_ms == 4001
    assert np.array_equal(widen(channel, -50, 5000), WHOLE[how])
    assert len(widen(channel, 4001, 6000)) == len(widen(channel, -20, 0)) == 0


@pytest.mark.parametrize("how", WIDE)
def test_at_the_recognisers_rate_samples_are_only_scaled(how: str) -> None:
    assert np.array_equal(WIDE[how](Channel(NOISE, 16000), 10, 20), NOISE[160:320].astype(np.float32) / 32768)


@pytest.mark.parametrize("amplitude", [30, 3000, 60_000])
@pytest.mark.parametrize("n", [40, 20_000, 50_001])
def test_samples_in_between_are_ffmpegs_but_for_rounding_at_the_edges_too(n: int, amplitude: int) -> None:
    samples = np.clip(np.random.default_rng(n).normal(0, amplitude, n), -32768, 32767).astype(np.int16)
    apart = np.abs(_doubled(samples, 8000).astype(int) - _resampled(samples, 8000))
    assert apart.max() <= 1 and apart.mean() < 0.001


@settings(max_examples=30)
@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=80))
def test_of_any_few_samples_each_stays_where_it_is(few: list[int]) -> None:
    doubled = _doubled(np.array(few, np.int16), 8000)
    assert len(doubled) == 2 * len(few) and doubled[::2].tolist() == few
