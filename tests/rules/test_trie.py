"""The trie's tables hold what they were made of, and walking them finds what looking at every position would."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.rules.near import near_tables
from qa_pipeline.rules.scan import KINDS, Finding, Occurrences, occurrences
from qa_pipeline.rules.trie import NONE, Slots, Trie, slots, spread

SIZE = 34
CODES = st.sampled_from((1, 2, 33))
"""The first and the last have one bit in `NEXT`."""
LITERALS = st.lists(st.lists(CODES, min_size=2, max_size=6).map(tuple), unique=True, max_size=12)


def scanned(literals: list[tuple[int, ...]], stream: list[int]) -> Occurrences:
    nothing = np.full(0x80, NONE << KINDS, np.int32)
    finding = Finding(
        *(Trie(literals, SIZE).walk, nothing, np.zeros((0, 1), np.int32), np.array([NONE, NONE], np.int32)),
        *(near_tables([], SIZE), np.zeros(0, np.int32)),
    )
    codes = np.array([*stream, 0, 0, 0, 0, 0], np.int32)
    return occurrences(finding, codes, codes, np.zeros(1, np.int32), np.array([len(stream)], np.int32))


def values(table: Slots, row: int, code: int) -> list[int]:
    slot = table.shift[row] + code
    return table.values[table.first[slot] : table.last[slot]].tolist() if table.owner[slot] == row else []


@given(LITERALS, st.lists(st.one_of(st.just(0), CODES), max_size=60))
def test_every_occurrence_is_found_once_where_it_stands(literals: list[tuple[int, ...]], stream: list[int]) -> None:
    found = scanned(literals, stream)
    wanted = {(i, n) for n, each in enumerate(literals) for i in range(len(stream)) if tuple(stream[i : i + len(each)]) == each}
    assert sorted(zip(found.at.tolist(), found.literal.tolist(), strict=True)) == sorted(wanted)
    for at in range(len(stream) + 5):
        assert (found.at[found.first[at] : found.first[at + 1]] == at).all()


def test_keys_lead_to_all_their_values() -> None:
    table = slots(np.array([5, 3, 5, 3]), np.array([1, 2, 1, 1]), np.array([50, 30, 51, 31]), 6, 4)
    assert [values(table, *key) for key in ((5, 1), (4, 1), (3, 2), (5, 3), (3, 1))] == [[50, 51], [], [30], [], [31]]


@given(st.dictionaries(st.tuples(st.integers(0, 20), st.integers(0, 9)), st.integers(0, 99)))
def test_every_key_keeps_its_value_however_the_table_is_packed(known: dict[tuple[int, int], int]) -> None:
    keys = np.array(list(known), np.int32).reshape(-1, 2)
    table = slots(keys[:, 0], keys[:, 1], np.array(list(known.values()), np.int32), 21, 10)
    found = {(row, code): values(table, row, code) for row in range(21) for code in range(10)}
    assert {key: each[0] for key, each in found.items() if each} == known


def test_rows_that_fit_nowhere_together_get_room_of_their_own() -> None:
    ruler = np.array([0, 4, 20, 30, 57, 59, 62, 76, 100, 111, 123, 136, 144, 145, 151])  # no two of its distances are alike
    rows, codes = np.repeat(np.arange(60), len(ruler)), np.tile(ruler, 60)
    table = slots(rows, codes, np.arange(len(rows)), 60, 152)
    assert all(values(table, row, code) == [n] for n, (row, code) in enumerate(zip(rows, codes, strict=True)))


def test_ranges_are_laid_end_to_end() -> None:
    row, at = spread(np.array([7, 0, 3]), np.array([2, 0, 1]))
    assert (row.tolist(), at.tolist()) == ([0, 0, 2], [7, 8, 3])
