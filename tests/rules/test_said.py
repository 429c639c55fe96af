"""What is said in a window is what a look at every hit, one after the other, finds there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.rules import said
from qa_pipeline.rules.said import NEARLY, NOT_SAID, SAID, WEAKLY, look

TIME, FLAG = st.integers(-1, 6), st.booleans()
TURN = st.tuples(TIME, TIME, FLAG, FLAG)
"""Start, end, by the right speaker, badly heard."""
HIT = st.tuples(st.integers(0, 2), TIME, st.integers(0, 3), st.integers(0, 2))
"""Unit, start, turn, grade."""
WINDOW = st.tuples(st.integers(0, 2), st.integers(0, 6), st.integers(0, 6))
"""Unit, start, end."""
TURNS = st.lists(TURN, min_size=4, max_size=4)
HITS, WINDOWS = (st.lists(each, max_size=8).map(sorted) for each in (HIT, WINDOW))
Rows = list[tuple[int, ...]]


def columns(rows: Rows, n: int) -> list[np.ndarray]:
    return list(np.array(rows, np.int64).reshape(-1, n).T.copy())


def looked(windows: Rows, by_start: bool, hits: Rows, turns: Rows, worst: int, times: int) -> tuple[list[int], list[int]]:
    unit, start, turn, grade = columns(hits, 4)
    begun, ended, right, weak = columns(turns, 4)
    how, first = np.zeros(len(windows), np.int8), np.zeros(len(windows), np.int64)
    of_turns = (begun, ended, right.astype(bool), weak.astype(bool))
    look(*columns(windows, 3), by_start, unit, start, turn, grade.astype(np.int8), *of_turns, worst, times, how, first)
    return how.tolist(), first.tolist()


@settings(deadline=None)
@given(WINDOWS, FLAG, HITS, TURNS, st.integers(0, 1), st.integers(1, 2))
def test_each_window_holds_the_hits_that_lie_in_it(
    windows: Rows, by_start: bool, hits: Rows, turns: Rows, worst: int, times: int
) -> None:
    how, first = looked(windows, by_start, hits, turns, worst, times)
    for (unit, begin, end), told, at in zip(windows, how, first, strict=True):
        inside = []
        for number, (of, start, turn, grade) in enumerate(hits):
            opens, closes = (start, start) if by_start else turns[turn][:2]
            if of == unit and turns[turn][2] and max(opens, 0) <= end and max(closes, 0) >= begin:
                inside.append((number, turn, grade))
        good = [(number, turn) for number, turn, grade in inside if grade <= worst]
        if len(good) >= times:
            number, turn = good[0]
            assert (told, at) == (WEAKLY if turns[turn][3] else SAID, number)
        else:
            assert told == (NEARLY if len(inside) > len(good) else NOT_SAID)


@pytest.mark.parametrize("by_start", [True, False])
def test_compiled_it_finds_the_same(by_start: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    windows, hits = ([tuple(row) for row in np.sort(rng.integers(0, 9, (300, n)), 0)] for n in (3, 4))
    hits = [(*row[:2], rng.integers(50), rng.integers(3)) for row in hits]
    turns = [tuple(row) for row in rng.integers(0, (9, 12, 2, 2), (50, 4))]
    plainly = looked(windows, by_start, hits, turns, 0, 2)
    assert {NOT_SAID, WEAKLY, SAID} <= set(plainly[0])
    monkeypatch.setitem(globals(), "look", said._look.compiled)
    assert looked(windows, by_start, hits, turns, 0, 2) == plainly
