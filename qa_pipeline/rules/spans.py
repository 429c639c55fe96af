"""Stretches of many legs at once, as columns, and the small algebra over them.

A *unit* is the row of a leg in the corpus. Spans are sorted by (unit, start); times are milliseconds. All operations cost
n log n over the spans, never a loop over calls.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.kernels import WORTH_COMPILING_ONE, Kernel

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
LONGEST = np.int64(1) << 40  # ms: more than any call, so that unit * LONGEST + time orders by both


@dataclass(frozen=True)
class Stretches:
    """Columns of equal length."""

    unit: Ints
    start: Ints
    end: Ints

    def __len__(self) -> int:
        return len(self.unit)

    @cached_property
    def starts(self) -> Ints:
        """Unit and start as one number."""
        return key(self.unit, self.start)

    @cached_property
    def ends(self) -> Ints:
        """Unit and end as one number."""
        return key(self.unit, self.end)

    @cached_property
    def closing(self) -> Ints:
        """The ends, those of a unit in order of time."""
        ends = self.ends
        return self.end if (ends[1:] >= ends[:-1]).all() else np.sort(ends) - self.unit * LONGEST


@dataclass(frozen=True)
class Spans(Stretches):
    """Sorted by `starts`. item: what the span was made of, a row of the case's `Items`; -1 nothing in particular."""

    item: Ints

    @cached_property
    def told(self) -> dict[Hashable, Any]:
        """What was asked at these spans before, for rules that ask the same."""
        return {}

    def take(self, rows: Ints | Flags) -> Spans:
        if rows.dtype == bool:
            if rows.all():
                return self
            rows = np.flatnonzero(rows)
        return Spans(self.unit.take(rows), self.start.take(rows), self.end.take(rows), self.item.take(rows))

    def at(self, start: Ints, end: Ints) -> Spans:
        """The same spans with other times."""
        return Spans(self.unit, start, end, self.item)


def spans(unit: Ints, start: Ints, end: Ints, item: Ints | None = None) -> Spans:
    """Of nothing in particular where no items are given."""
    of = np.full(len(unit), -1, np.int64) if item is None else np.asarray(item, np.int64)
    return Spans(np.asarray(unit, np.int64), np.asarray(start, np.int64), np.asarray(end, np.int64), of)


def no_spans() -> Spans:
    nothing = np.zeros(0, np.int64)
    return spans(nothing, nothing, nothing)


def key(unit: Ints, time: Ints) -> Ints:
    """One number that orders by unit, then time. Times are clipped to the call's possible range."""
    clipped = np.maximum(time, 0)
    np.minimum(clipped, LONGEST - 1, out=clipped)
    clipped += unit * LONGEST
    return clipped


def in_order(found: Spans) -> Spans:
    place = found.unit * LONGEST + found.start
    if (place[1:] > place[:-1]).all():  # as most are that were made leg by leg
        return found
    order = np.argsort(place, kind="stable")
    place, end = place[order], found.end[order]
    ties = np.flatnonzero((place[1:] == place[:-1]) & (end[1:] < end[:-1]))
    if len(ties):
        tied = np.flatnonzero(np.isin(place, place[ties]))
        order[tied] = order[tied][np.lexsort((end[tied], place[tied]))]
    return found.take(order)


def together(parts: Sequence[Spans]) -> Spans:
    """All of them, in order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_spans()
    parts = [p for p in parts if len(p)] or parts[:1]
    return parts[0] if len(parts) == 1 else in_order(end_to_end(parts))


def end_to_end(parts: Sequence[Spans]) -> Spans:
    """All of them, in the order in which they are given."""
    names = ("unit", "start", "end", "item")
    return Spans(*(np.concatenate([getattr(p, name) for p in parts]) for name in names))


def merge(found: Spans, gap_ms: float) -> Spans:
    """Spans of one unit at most `gap_ms` apart become one, with the columns of the first."""
    if not len(found):
        return found
    reach = np.maximum.accumulate(found.unit * LONGEST + found.end)  # units ascend, so a later unit's reach is larger
    begins = np.ones(len(found), bool)
    begins[1:] = (found.unit[1:] * LONGEST + found.start[1:] > reach[:-1] + gap_ms) | (found.unit[1:] != found.unit[:-1])
    group = np.cumsum(begins) - 1
    end = np.zeros(group[-1] + 1, np.int64)
    np.maximum.at(end, group, found.end)
    firsts = found.take(begins)
    return firsts.at(firsts.start, end)


def nth(found: Spans, which: str | int) -> Spans:
    """The first, last or n-th (from 1) of each unit; "every" leaves them."""
    if which == "every" or not len(found):
        return found
    begins = np.flatnonzero(np.r_[True, found.unit[1:] != found.unit[:-1]])
    ends = np.r_[begins[1:], len(found)]
    if which == "last":
        return found.take(ends - 1)
    place = begins + (0 if which == "first" else int(which) - 1)
    return found.take(place[place < ends])


def firsts_of(found: Spans, n_units: int, missing: int) -> Ints:
    """The start of each unit's first span; `missing` where it has none."""
    out = np.full(n_units, missing, np.int64)
    first = nth(found, "first")
    out[first.unit] = first.start
    return out


def counts(found: Stretches, unit: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """For each window [start, end] the rows [lo, hi) of `found` that touch it; `found` must not overlap itself in a unit."""
    return _rows(unit, start, end, found, found.start, found.end)


def starts_within(found: Stretches, unit: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """For each window the rows [lo, hi) of `found` that begin in [start, end]."""
    return _rows(unit, start, end, found, found.start, found.start)


def _rows(unit: Ints, start: Ints, end: Ints, found: Stretches, opens: Ints, closes: Ints) -> tuple[Ints, Ints]:
    lo, hi = np.empty(len(unit), np.int64), np.empty(len(unit), np.int64)
    _walk((len(unit) + len(found)) // ROWS_A_STEP, unit, start, end, found.unit, opens, closes, lo, hi)
    return lo, hi


def walk(unit: Ints, start: Ints, end: Ints, of_unit: Ints, opens: Ints, closes: Ints, lo: Ints, hi: Ints) -> None:
    """Fills in for each window the rows [lo, hi) that close at its start or later and open by its end, side by side with them:
    most windows of a unit come in the order of time, as the rows do."""
    n, first, over, begun = len(of_unit), 0, 0, 0
    for row in range(len(unit)):
        if row == 0 or unit[row] != unit[row - 1]:
            first = max(over, begun)
            while first < n and of_unit[first] < unit[row]:
                first += 1
            over = begun = first
        since, until = max(start[row], 0), max(end[row], 0)
        while over < n and of_unit[over] == unit[row] and max(closes[over], 0) < since:
            over += 1
        while over > first and max(closes[over - 1], 0) >= since:
            over -= 1
        while begun < n and of_unit[begun] == unit[row] and opens[begun] <= until:
            begun += 1
        while begun > first and max(opens[begun - 1], 0) > until:
            begun -= 1
        lo[row], hi[row] = over, max(over, begun)


ROWS_A_STEP = 20
"""Rows walked past in the time of a kernel's step."""
_walk = Kernel(walk, worth=WORTH_COMPILING_ONE)


def touching(found: Spans, others: Spans) -> Flags:
    """Which of `found` touch one of `others`."""
    if not len(others):
        return np.zeros(len(found), bool)
    lo, hi = counts(merge(others, 0), found.unit, found.start, found.end)
    return hi > lo


def expand(lo: Ints, hi: Ints) -> tuple[Ints, Ints]:
    """The pairs (window, row) of ranges [lo, hi)."""
    n = hi - lo
    window = np.repeat(np.arange(len(lo)), n)
    offset = np.arange(int(n.sum())) - np.repeat(np.cumsum(n) - n, n)
    return window, np.repeat(lo, n) + offset
