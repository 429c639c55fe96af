"""Literals with one edit are found, and nothing that is further off."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from qa_pipeline.rules.near import NearTrie
from qa_pipeline.rules.trie import NONE

CODES = st.integers(1, 3)
LITERALS = st.lists(st.lists(CODES, min_size=4, max_size=7).map(tuple), unique=True, min_size=1, max_size=6)
STREAMS = st.lists(st.integers(0, 3), max_size=40)

Occurrence = tuple[int, int, int, int, int]


def found(literals: list[tuple[int, ...]], stream: list[int]) -> list[Occurrence]:
    """(first, last, literal, dropped, added)"""
    edited = NearTrie(literals, 4).find(np.array([*stream, 0, 0, 0, 0], np.uint16))
    columns = (edited.first, edited.last, edited.literal, edited.dropped, edited.added)
    return list(zip(*(c.tolist() for c in columns), strict=True))


@given(LITERALS, STREAMS)
def test_whatever_is_found_is_one_edit_away(literals: list[tuple[int, ...]], stream: list[int]) -> None:
    for first, last, literal, dropped, added in found(literals, stream):
        assert Levenshtein.distance(stream[first:last], literals[literal]) == 1
        left = [c for i, c in enumerate(literals[literal]) if i != dropped]
        heard = [stream[i] for i in range(first, last) if i != added]
        assert left == heard


@given(LITERALS, STREAMS)
def test_whatever_is_one_edit_away_is_found_there_unless_it_stands_there_whole(
    literals: list[tuple[int, ...]], stream: list[int]
) -> None:
    edited = found(literals, stream)
    for number, literal in enumerate(literals):
        n = len(literal)
        whole = [(i, i + n) for i in range(len(stream)) if tuple(stream[i : i + n]) == literal]
        near = [(first, last) for first, last, which, _, _ in edited if which == number]
        for length in (n - 1, n, n + 1):
            for i in range(len(stream) - length + 1):
                if Levenshtein.distance(stream[i : i + length], literal) == 1:
                    assert any(a < i + length and i < b for a, b in whole + near)


def test_an_unedited_occurrence_is_no_near_one() -> None:
    assert found([(1, 2, 3, 1, 2)], [1, 2, 3, 1, 2]) == []


def test_the_character_beside_a_missing_end_is_named() -> None:
    assert (1, 4, 0, 0, 0) in found([(1, 2, 3, 1)], [3, 2, 3, 1, 0])
    assert (0, 3, 0, 3, 3) in found([(1, 2, 3, 1)], [1, 2, 3, 2])


def test_a_character_put_in_is_named_and_none_dropped() -> None:
    assert found([(1, 2, 3, 1, 2)], [1, 2, 3, 3, 1, 2])[0][:3] == (0, 6, 0)
    assert any(dropped == NONE for *_, dropped, _ in found([(1, 2, 3, 1, 2)], [1, 2, 3, 2, 1, 2]))
