"""What is told of a window is what a look at every hit, one after the other, finds there."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.rules import looks
from qa_pipeline.rules.looks import NEARLY, NOT_SAID, SAID, WEAKLY, Look, Places, SaidHits, SaidTurns, first_said, tell

TIME, FLAG, UNIT = st.integers(-1, 6), st.booleans(), st.integers(0, 2)
TURN = st.tuples(TIME, TIME, FLAG, FLAG)
"""Start, end, by the right speaker, badly heard."""
HIT = st.tuples(UNIT, TIME, st.integers(0, 3), st.integers(0, 2))
"""Unit, start, turn, grade."""
WINDOW = st.tuples(UNIT, st.integers(0, 6), st.integers(0, 6))
"""Unit, start, end."""
TURNS = st.lists(TURN, min_size=4, max_size=4)
HITS = st.lists(HIT, max_size=8)
WINDOWS = st.lists(WINDOW, max_size=8).map(lambda rows: sorted(rows, key=lambda row: row[0]))
Rows = list[tuple[int, ...]]
HOW = np.array([[NOT_SAID, NEARLY, WEAKLY, SAID]])
"""In place of reasons: how it was heard."""


def columns(rows: Rows, n: int) -> list[np.ndarray]:
    return list(np.array(rows, np.int64).reshape(-1, n).T.copy())


def look_for(
    windows: Rows, by_start: bool, phrases: list[Rows], turns: Rows, asked: tuple[int, int] = (0, 1)
) -> tuple[Look, np.ndarray]:
    """With where each phrase's hits begin and end, now in the order in which they are said."""
    for hits in phrases:
        hits.sort(key=lambda hit: (hit[0], turns[hit[2]][0], hit[1]))
    unit, start, turn, grade = columns([hit for hits in phrases for hit in hits], 4)
    begun, ended, right, weak = columns(turns, 4)
    of_turns = SaidTurns(begun, ended, right.astype(bool), weak.astype(bool))
    at = Look(Places(*columns(windows, 3), by_start), SaidHits(unit, start, turn, grade.astype(np.int8)), of_turns, *asked)
    ends = np.cumsum([0, *map(len, phrases)])
    return at, np.stack([ends[:-1], ends[1:]], 1)


def no_reason(n: int) -> np.ndarray:
    return np.zeros(n, np.int64)


@settings(deadline=None)
@given(WINDOWS, FLAG, HITS, TURNS, st.integers(0, 1), st.integers(1, 2))
def test_each_window_holds_the_hits_that_lie_in_it(
    windows: Rows, by_start: bool, hits: Rows, turns: Rows, worst: int, times: int
) -> None:
    at, edges = look_for(windows, by_start, [hits], turns, (worst, times))
    how = tell(at, edges, True, no_reason(len(windows)), no_reason(3), HOW).reason.tolist()
    for (unit, begin, end), told, first in zip(windows, how, first_said(at, edges[0]), strict=True):
        inside = []
        for number, (of, start, turn, grade) in enumerate(hits):
            opens, closes = (start, start) if by_start else turns[turn][:2]
            if of == unit and turns[turn][2] and max(opens, 0) <= end and max(closes, 0) >= begin:
                inside.append((number, turn, grade))
        good = [(number, turn) for number, turn, grade in inside if grade <= worst]
        if len(good) >= times:
            number, turn = good[0]
            assert (told, first) == (WEAKLY if turns[turn][3] else SAID, number)
        else:
            assert (told, first) == (NEARLY if len(inside) > len(good) else NOT_SAID, -1)


@settings(deadline=None)
@given(WINDOWS, FLAG, st.lists(HITS, min_size=1, max_size=3), TURNS, FLAG, st.lists(FLAG, min_size=8, max_size=8), UNIT)
def test_of_several_phrases_the_first_decides_that_was_heard_best_or_worst(
    windows: Rows, by_start: bool, phrases: list[Rows], turns: Rows, every: bool, doubts: list[bool], nobodys: int
) -> None:
    at, edges = look_for(windows, by_start, phrases, turns)
    doubt, roles = np.array(doubts[: len(windows)], np.int64) * 77, no_reason(3)
    roles[nobodys] = 99
    alone = [tell(at, edge[None], True, no_reason(len(windows)), no_reason(3), HOW).reason for edge in edges]
    told = tell(at, edges, every, doubt, roles, np.arange(4 * len(phrases)).reshape(-1, 4))
    for row, (unit, _, _) in enumerate(windows):
        ranks = [max((0, 1, 1, 2)[how[row]], int(doubt[row] > 0)) for how in alone]
        decides = ranks.index(min(ranks) if every else max(ranks))
        unheard = alone[decides][row] == NOT_SAID and doubt[row]
        assert told.phrase[row] == decides
        assert told.value[row] == (-1 if unit == nobodys else (0, -1, 1)[ranks[decides]])
        assert told.reason[row] == (99 if unit == nobodys else 77 if unheard else 4 * decides + alone[decides][row])


@pytest.mark.parametrize("by_start", [True, False])
@pytest.mark.parametrize("every", [True, False])
def test_compiled_it_tells_the_same(by_start: bool, every: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    windows = sorted((unit, start, start + 3) for unit, start in rng.integers(0, (9, 9), (300, 2)).tolist())
    phrases = [list(tuple(hit) for hit in rng.integers(0, (9, 12, 50, 3), (n, 4)).tolist()) for n in (30, 40)]
    turns = [tuple(row) for row in rng.integers(0, (9, 12, 2, 2), (50, 4)).tolist()]
    at, edges = look_for(windows, by_start, phrases, turns)
    doubt = np.where(rng.random(300) < 0.1, 77, 0)

    def found() -> list[list[int]]:
        told = tell(at, edges, every, doubt, no_reason(9), np.arange(8).reshape(2, 4))
        return [column.tolist() for column in (*told, *(first_said(at, edge) for edge in edges))]

    plainly = found()
    assert set(plainly[1]) == {NOT_SAID, NEARLY, WEAKLY, SAID}
    tell_compiled, find_compiled = looks._look_at_all.compiled, looks._look_up.compiled
    monkeypatch.setattr(looks, "_look_at_all", lambda steps, *args: tell_compiled(*args))
    monkeypatch.setattr(looks, "_look_up", lambda steps, *args: find_compiled(*args))
    assert found() == plainly
