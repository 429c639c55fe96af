"""A channel is widened piece by piece, and the pieces are as if cut from the whole."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.speech.channel import Channel

NOISE = np.random.default_rng(0).normal(0, 3000, 8 * 4001).astype(np.int16)
WHOLE = Channel(NOISE, 8000).wide(0, 4001)


@settings(max_examples=60)
@given(st.integers(0, 4001), st.integers(0, 4001))
def test_pieces_are_as_if_cut_from_the_whole(start: int, end: int) -> None:
    piece = Channel(NOISE, 8000).wide(start, end)
    assert np.array_equal(piece, WHOLE[16 * start : 16 * end])


def test_what_lies_outside_is_not_there() -> None:
    channel = Channel(NOISE, 8000)
    assert len(WHOLE) == 16 * 4001 and channel.length_ms == 4001
    assert np.array_equal(channel.wide(-50, 5000), WHOLE)
    assert len(channel.wide(4001, 6000)) == len(channel.wide(-20, 0)) == 0


def test_at_the_recognisers_rate_samples_are_only_scaled() -> None:
    assert np.array_equal(Channel(NOISE, 16000).wide(10, 20), NOISE[160:320].astype(np.float32) / 32768)
