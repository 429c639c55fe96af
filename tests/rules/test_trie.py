"""The trie finds what looking at every position would."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.rules.trie import Lookup, Trie, spread

CODES = st.integers(1, 3)
LITERALS = st.lists(st.lists(CODES, min_size=2, max_size=6).map(tuple), unique=True, max_size=12)


@given(LITERALS, st.lists(st.integers(0, 3), max_size=60))
def test_every_occurrence_is_found_once(literals: list[tuple[int, ...]], stream: list[int]) -> None:
    at, literal = Trie(literals, 4).find(np.array([*stream, 0], np.uint16))
    wanted = {(i, n) for n, each in enumerate(literals) for i in range(len(stream)) if tuple(stream[i : i + len(each)]) == each}
    assert len(at) == len(wanted)
    assert set(zip(at.tolist(), literal.tolist(), strict=True)) == wanted


@given(LITERALS, st.lists(st.integers(0, 3), max_size=60))
def test_occurrences_of_one_literal_come_in_order(literals: list[tuple[int, ...]], stream: list[int]) -> None:
    at, literal = Trie(literals, 4).find(np.array([*stream, 0], np.uint16))
    for number in range(len(literals)):
        assert (np.diff(at[literal == number]) > 0).all()


def test_an_empty_trie_finds_nothing() -> None:
    assert not len(Trie([], 1).find(np.zeros(5, np.uint16))[0])


def test_a_stream_of_nothing_holds_nothing() -> None:
    assert not len(Trie([(1, 2)], 3).find(np.zeros(1, np.uint16))[0])


def test_keys_lead_to_all_their_values() -> None:
    table = Lookup(np.array([5, 3, 5, 3]), np.array([1, 2, 1, 1]), np.array([50, 30, 51, 31]), 6, 4)
    row, value = table.all(np.array([5, 4, 3, 5, 3]), np.array([1, 1, 2, 3, 1]))
    assert list(zip(row.tolist(), value.tolist(), strict=True)) == [(0, 50), (0, 51), (2, 30), (4, 31)]
    row, value = table.one(np.array([0, 5]), np.array([1, 1]))
    assert (row.tolist(), value.tolist()) == ([1], [50])


@given(st.dictionaries(st.tuples(st.integers(0, 20), st.integers(0, 9)), st.integers(0, 99)))
def test_every_key_keeps_its_value_however_the_table_is_packed(known: dict[tuple[int, int], int]) -> None:
    keys = np.array(list(known), np.int32).reshape(-1, 2)
    table = Lookup(keys[:, 0], keys[:, 1], np.array(list(known.values()), np.int32), 21, 10)
    every = np.array([(row, code) for row in range(21) for code in range(10)], np.int32)
    at, value = table.one(every[:, 0], every[:, 1])
    assert {(int(r), int(c)): int(v) for (r, c), v in zip(every[at], value, strict=True)} == known


def test_ranges_are_laid_end_to_end() -> None:
    row, at = spread(np.array([7, 0, 3]), np.array([2, 0, 1]))
    assert (row.tolist(), at.tolist()) == ([0, 0, 2], [7, 8, 3])
