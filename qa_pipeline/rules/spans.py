"""Stretches of many legs at once, as columns, and the small algebra over them.

A *unit* is the row of a leg in the corpus. Spans are sorted by (unit, start); times are milliseconds. All operations cost
n log n over the spans, never a loop over calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
LONGEST = np.int64(1) << 40  # ms: more than any call, so that unit * LONGEST + time orders by both


@dataclass(frozen=True)
class Spans:
    """Columns of equal length. turn: row of the corpus's turns, -1 where it is no words; first, last: its characters.

    rung 0-3 (exact, normalised, sound, near); value: row of the captured values, attrs: row of the attributes, -1 none.
    """

    unit: Ints
    start: Ints
    end: Ints
    turn: Ints
    first: Ints
    last: Ints
    rung: Ints
    similarity: NDArray[np.float64]
    value: Ints
    attrs: Ints

    def __len__(self) -> int:
        return len(self.unit)

    def take(self, rows: Ints | Flags) -> Spans:
        if rows.dtype == bool:
            if rows.all():
                return self
            rows = np.flatnonzero(rows)
        return Spans(*(column.take(rows) for column in self.__dict__.values()))

    def at(self, start: Ints, end: Ints) -> Spans:
        """The same spans with other times."""
        return replace(self, start=start, end=end)


def spans(unit: Ints, start: Ints, end: Ints, **columns: NDArray[np.generic]) -> Spans:
    """Spans with -1 in the columns not given."""
    n = len(unit)
    filled = {f.name: np.full(n, -1, np.int64) for f in fields(Spans) if f.name not in ("unit", "start", "end", "similarity")}
    told = {**filled, "similarity": np.ones(n), **columns}
    return Spans(np.asarray(unit, np.int64), np.asarray(start, np.int64), np.asarray(end, np.int64), **told)  # type: ignore[arg-type]


def no_spans() -> Spans:
    nothing = np.zeros(0, np.int64)
    return spans(nothing, nothing, nothing)


def key(unit: Ints, time: Ints) -> Ints:
    """One number that orders by unit, then time. Times are clipped to the call's possible range."""
    return np.asarray(unit * LONGEST + np.clip(time, 0, LONGEST - 1), np.int64)


def in_order(found: Spans) -> Spans:
    place = found.unit * LONGEST + found.start
    if (place[1:] > place[:-1]).all():  # as most are that were made leg by leg
        return found
    return found.take(np.lexsort((found.end, found.start, found.unit)))


def together(parts: Sequence[Spans]) -> Spans:
    """All of them, in order."""
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return no_spans()
    return in_order(Spans(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Spans)}))


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


def counts(found: Spans, unit: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """For each window [start, end] the rows [lo, hi) of `found` that touch it; `found` must not overlap itself in a unit."""
    lo = np.searchsorted(key(found.unit, found.end), key(unit, start), "left")
    hi = np.searchsorted(key(found.unit, found.start), key(unit, end), "right")
    return lo, np.maximum(lo, hi)


def starts_within(found: Spans, unit: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints]:
    """For each window the rows [lo, hi) of `found` that begin in [start, end]."""
    starts = key(found.unit, found.start)
    lo, hi = np.searchsorted(starts, key(unit, start), "left"), np.searchsorted(starts, key(unit, end), "right")
    return lo, np.maximum(lo, hi)


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
