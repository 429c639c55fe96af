"""The algebra on columns says what a loop over calls would say."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.rules import spans as spans_module
from qa_pipeline.rules.spans import (
    Spans,
    counts,
    expand,
    firsts_of,
    in_order,
    merge,
    nth,
    spans,
    starts_within,
    together,
    touching,
)

UNITS = 3
triples = st.lists(
    st.tuples(st.integers(0, UNITS - 1), st.integers(0, 60), st.integers(0, 15)).map(lambda t: (t[0], t[1], t[1] + t[2])),
    max_size=15,
)


def made(rows: list[tuple[int, int, int]]) -> Spans:
    columns = np.array(rows, np.int64).reshape(-1, 3)
    return in_order(spans(columns[:, 0], columns[:, 1], columns[:, 2]))


def told(found: Spans) -> list[tuple[int, int, int]]:
    return list(zip(found.unit.tolist(), found.start.tolist(), found.end.tolist(), strict=True))


@given(triples, st.integers(0, 10))
def test_merged_spans_cover_the_same_time_and_stand_further_apart_than_the_gap(
    rows: list[tuple[int, int, int]], gap: int
) -> None:
    merged = told(merge(made(rows), gap))
    for unit, start, end in rows:
        assert any(u == unit and a <= start and end <= b for u, a, b in merged)
    for (u, _, b), (v, c, _) in itertools.pairwise(merged):
        assert u != v or c > b + gap
    assert {(u, a) for u, a, _ in merged} <= {(u, a) for u, a, _ in rows}


@given(triples)
def test_first_and_last_are_one_a_unit(rows: list[tuple[int, int, int]]) -> None:
    found = made(rows)
    ordered = told(found)
    for which, pick in (("first", 0), ("last", -1)):
        wanted = [[s for s in ordered if s[0] == unit][pick] for unit in range(UNITS) if any(s[0] == unit for s in ordered)]
        assert told(nth(found, which)) == wanted
    assert told(nth(found, 2)) == [mine[1] for unit in range(UNITS) if len(mine := [s for s in ordered if s[0] == unit]) > 1]
    assert firsts_of(found, UNITS, -1).tolist() == [
        min((a for u, a, _ in rows if u == unit), default=-1) for unit in range(UNITS)
    ]


@given(triples, triples)
def test_what_touches_and_what_begins_in_a_window_is_found(
    rows: list[tuple[int, int, int]], windows: list[tuple[int, int, int]]
) -> None:
    apart, asked = merge(made(rows), 0), made(windows)
    lo, hi = counts(apart, asked.unit, asked.start, asked.end)
    begun_lo, begun_hi = starts_within(apart, asked.unit, asked.start, asked.end)
    for i, (unit, start, end) in enumerate(told(asked)):
        assert hi[i] - lo[i] == sum(u == unit and a <= end and b >= start for u, a, b in told(apart))
        assert begun_hi[i] - begun_lo[i] == sum(u == unit and start <= a <= end for u, a, _ in told(apart))
    assert touching(asked, apart).tolist() == [bool(n) for n in (hi - lo)]


@given(triples, triples)
def test_windows_of_a_unit_may_come_in_any_order(rows: list[tuple[int, int, int]], windows: list[tuple[int, int, int]]) -> None:
    found, by_unit = made(rows), sorted(windows, key=lambda window: window[0])
    unit, start, end = np.array(by_unit, np.int64).reshape(-1, 3).T.copy()
    lo, hi = counts(found.at(found.start, found.closing), unit, start, end)
    assert (hi - lo).tolist() == [
        sum(u == unit and a <= end and b >= start for u, a, b in rows) for unit, start, end in by_unit
    ]
    begun_lo, begun_hi = starts_within(found, unit, start, end)
    for (of, since, until), first, last in zip(by_unit, begun_lo, begun_hi, strict=True):
        assert told(found)[first:last] == [s for s in told(found) if s[0] == of and since <= s[1] <= until]


def test_compiled_the_same_rows_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    rows, windows = (sorted((u, a, a + b) for u, a, b in rng.integers(0, (9, 99, 20), (300, 3)).tolist()) for _ in range(2))
    found, asked = merge(made(rows), 0), made(windows)
    plainly = [column.tolist() for column in counts(found, asked.unit, asked.start, asked.end)]
    compiled = spans_module._walk.compiled
    monkeypatch.setattr(spans_module, "_walk", lambda steps, *args: compiled(*args))
    assert [column.tolist() for column in counts(found, asked.unit, asked.start, asked.end)] == plainly


@given(triples, triples)
def test_together_is_all_of_them_in_order(one: list[tuple[int, int, int]], other: list[tuple[int, int, int]]) -> None:
    assert told(together([made(one), made(other)])) == sorted(told(made(one)) + told(made(other)))


def test_ranges_are_spelled_out_as_pairs() -> None:
    window, row = expand(np.array([2, 5, 5]), np.array([4, 5, 6]))
    assert (window.tolist(), row.tolist()) == ([0, 0, 2], [2, 3, 5])
