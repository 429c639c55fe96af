"""Turns in conversation order, and windows that lose no speech."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.speech.activity import Stretch, without
from qa_pipeline.speech.loudness import measure_loudness
from qa_pipeline.speech.windows import Spoken, cut_windows, group_turns


def channel(*spans: tuple[int, int]) -> list[Stretch]:
    return [Stretch(a, b) for a, b in spans]


stretches = st.lists(st.tuples(st.integers(100, 3000), st.integers(100, 6000)), max_size=12).map(
    lambda pairs: [Stretch(start, start + length) for (_, length), start in zip(pairs, _starts(pairs), strict=True)]
)


def _starts(pairs: list[tuple[int, int]]) -> list[int]:
    at, starts = 0, []
    for gap, length in pairs:
        at += gap
        starts.append(at)
        at += length
    return starts


def test_a_short_pause_keeps_a_turn_together() -> None:
    assert len(group_turns([channel((0, 1000), (1500, 2000)), []])) == 1


def test_a_long_pause_begins_a_new_turn() -> None:
    assert len(group_turns([channel((0, 1000), (3000, 4000)), []])) == 2


def test_an_answer_in_the_pause_begins_a_new_turn_and_stands_between() -> None:
    turns = group_turns([channel((0, 1000), (1800, 3000)), channel((1150, 1600))])
    assert [t.channel for t in turns] == [0, 1, 0]


def test_speech_over_the_other_does_not_cut_the_turn() -> None:
    turns = group_turns([channel((0, 1000), (1100, 3000)), channel((800, 1400))])
    assert [t.channel for t in turns] == [0, 1]


@given(stretches, stretches)
def test_every_stretch_is_in_exactly_one_turn(left: list[Stretch], right: list[Stretch]) -> None:
    turns = group_turns([left, right])
    for number, given_ in enumerate((left, right)):
        assert sorted(s for t in turns if t.channel == number for s in t.stretches) == given_
    assert [t.start_ms for t in turns] == sorted(t.start_ms for t in turns)


@given(stretches.filter(bool), st.integers(2000, 30000), st.lists(st.floats(0, 1e8), max_size=2000))
def test_windows_cover_all_speech_and_are_never_too_long(found: list[Stretch], longest: int, loudness: list[float]) -> None:
    cuts = cut_windows(Spoken(0, tuple(found)), longest, loudness)
    assert all(0 <= c.start_ms < c.end_ms and c.end_ms - c.start_ms <= longest for c in cuts)
    assert all(
        sum(max(0, min(c.end_ms, s.end_ms) - max(c.start_ms, s.start_ms)) for c in cuts) >= s.end_ms - s.start_ms for s in found
    )


@given(stretches.filter(bool), st.integers(2000, 30000), st.lists(st.floats(0, 1e8), max_size=2000))
def test_no_speech_is_heard_twice(found: list[Stretch], longest: int, loudness: list[float]) -> None:
    cuts = cut_windows(Spoken(0, tuple(found)), longest, loudness)
    for before, after in itertools.pairwise(cuts):
        assert not any(
            max(before.start_ms, after.start_ms, s.start_ms) < min(before.end_ms, after.end_ms, s.end_ms) for s in found
        )


def test_a_long_turn_is_cut_at_its_pause() -> None:
    cuts = cut_windows(Spoken(0, tuple(channel((0, 5000), (5600, 9000)))), 8000, margin_ms=100)
    assert [(c.start_ms, c.end_ms) for c in cuts] == [(0, 5100), (5500, 9100)]


def test_unbroken_speech_is_cut_at_its_quietest_moment() -> None:
    samples = np.full(10 * 8000, 3000, np.int16)
    samples[3_900 * 8 : 4_000 * 8] = 40
    first, second = cut_windows(Spoken(0, (Stretch(0, 10_000),)), 8000, measure_loudness(samples, 8000))
    assert first.end_ms == second.start_ms and 3_900 <= first.end_ms <= 4_000


def test_unbroken_speech_of_unknown_loudness_is_halved() -> None:
    first, second = cut_windows(Spoken(0, (Stretch(1000, 11_000),)), 8000)
    assert (first.end_ms, second.start_ms) == (6000, 6000)


def test_windows_shorter_than_their_margins_are_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        cut_windows(Spoken(0, (Stretch(0, 1000),)), 200)


def test_what_lies_in_a_tone_is_not_speech() -> None:
    assert without(channel((0, 1000), (2000, 3000)), channel((1900, 3100))) == channel((0, 1000))
