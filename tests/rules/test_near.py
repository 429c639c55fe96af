"""Literals with one edit are found, and nothing that is further off."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from qa_pipeline.rules.near import near_tables
from qa_pipeline.rules.scan import KINDS, Finding, occurrences
from qa_pipeline.rules.trie import NONE, Trie

SIZE = 34
CODES = st.sampled_from((1, 2, 33))
"""The first and the last have one bit in `NEXT`."""
LITERALS = st.lists(st.lists(CODES, min_size=4, max_size=7).map(tuple), unique=True, min_size=1, max_size=6)
STREAMS = st.lists(st.one_of(st.just(0), CODES), max_size=40)


def found(literals: list[tuple[int, ...]], stream: list[int]) -> list[tuple[int, int, int]]:
    """(first, last, literal)"""
    number = np.arange(3 * len(literals), dtype=np.int32).reshape(3, -1)
    nothing = np.full(0x80, NONE << KINDS, np.int32)
    finding = Finding(
        *(Trie([], SIZE).walk, nothing, np.zeros((0, 1), np.int32), np.array([NONE, NONE], np.int32)),
        *(near_tables(literals, SIZE, number), np.zeros(0, np.int32)),
    )
    codes = np.array([*stream, 0, 0, 0, 0, 0], np.int32)
    edited = occurrences(finding, codes, codes, np.zeros(1, np.int32), np.array([len(stream)], np.int32))
    longer, literal = np.array([0, 1, -1])[edited.literal // len(literals)], edited.literal % len(literals)
    last = edited.at + longer + np.array([len(each) for each in literals])[literal]
    return list(zip(edited.at.tolist(), last.tolist(), literal.tolist(), strict=True))


@given(LITERALS, STREAMS)
def test_whatever_is_found_is_one_edit_away(literals: list[tuple[int, ...]], stream: list[int]) -> None:
    for first, last, literal in found(literals, stream):
        assert Levenshtein.distance(stream[first:last], literals[literal]) == 1


@given(LITERALS, STREAMS)
def test_whatever_is_one_edit_away_is_found_there_unless_it_stands_there_whole(
    literals: list[tuple[int, ...]], stream: list[int]
) -> None:
    edited = found(literals, stream)
    for number, literal in enumerate(literals):
        n = len(literal)
        whole = [(i, i + n) for i in range(len(stream)) if tuple(stream[i : i + n]) == literal]
        near = [(first, last) for first, last, which in edited if which == number]
        for length in (n - 1, n, n + 1):
            for i in range(len(stream) - length + 1):
                if Levenshtein.distance(stream[i : i + length], literal) == 1:
                    assert any(a < i + length and i < b for a, b in whole + near)


@given(LITERALS, STREAMS)
def test_every_stretch_is_found_once(literals: list[tuple[int, ...]], stream: list[int]) -> None:
    edited = found(literals, stream)
    assert len(edited) == len(set(edited))


def test_an_unedited_occurrence_is_no_near_one() -> None:
    assert found([(1, 2, 3, 1, 2)], [1, 2, 3, 1, 2]) == []


@pytest.mark.parametrize(
    ("stream", "stretch"),
    [([3, 2, 3, 1, 0], (1, 4)), ([1, 2, 3, 2], (0, 3)), ([1, 2, 3, 3, 1], (0, 5)), ([1, 3, 3, 1], (0, 4)), ([1, 2, 1], (0, 3))],
)
def test_an_edit_may_be_anywhere(stream: list[int], stretch: tuple[int, int]) -> None:
    assert (*stretch, 0) in found([(1, 2, 3, 1)], stream)
