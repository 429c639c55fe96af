"""Where to look for words, relative to an occasion: a stretch of time for each row, and how a turn or a start must meet it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from qa_pipeline.rules.case import Case
from qa_pipeline.rules.spans import LONGEST, Ints, Spans, Stretches, counts, key, starts_within

KEYS = ("before_s", "after_s", "next_turns", "previous_turns", "look")


@dataclass(frozen=True)
class Window(Stretches):
    """[start, end] of each row. by_start: what begins in it counts; else whatever turn touches it."""

    by_start: bool = False

    @cached_property
    def doubts(self) -> dict[tuple[str, str | None], Ints]:
        """By speaker and addressee, what was found before."""
        return {}

    def rows_of(self, found: Spans, turns: Spans) -> tuple[Ints, Ints]:
        """For each window the rows [lo, hi) of words `found` in it. `turns`: the same with the times of their turns."""
        if self.by_start:
            return starts_within(found, self.unit, self.start, self.end)
        return counts(turns, self.unit, self.start, self.end)


def window(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Window:
    """What the arguments say; the occasion itself where they say nothing."""
    asked = tuple(args.get(name) for name in (*KEYS, "by", "to"))
    if asked not in occasion.told:
        occasion.told[asked] = _window(case, occasion, args)
    return occasion.told[asked]  # type: ignore[no-any-return]


def _window(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Window:
    unit, start, end = occasion.unit, occasion.start, occasion.end
    by, to = args.get("by", "agent"), args.get("to")
    if "next_turns" in args:
        return _turns_after(case, occasion, args["next_turns"], by, to)
    if "previous_turns" in args:
        return _turns_before(case, occasion, args["previous_turns"], by, to)
    if "before_s" in args or "after_s" in args:
        first = start - round(args["before_s"] * 1000) if "before_s" in args else end
        last = end + round(args["after_s"] * 1000) if "after_s" in args else start
        return Window(unit, np.maximum(first, 0), np.maximum(last, 0))
    nothing, everything = np.zeros(len(unit), np.int64), np.full(len(unit), LONGEST - 1, np.int64)
    match args.get("look"):
        case "before":
            return Window(unit, nothing, start - 1, by_start=True)
        case "after":
            return Window(unit, start + 1, everything, by_start=True)
        case "whole":
            return Window(unit, nothing, everything, by_start=True)
    return Window(unit, np.maximum(start, 0), np.maximum(end, 0))


def _turns_after(case: Case, occasion: Spans, n: int, by: str, to: str | None) -> Window:
    """The next n turns of the speaker that begin after the occasion does; the lost end too, where there are fewer."""
    turns = case.turns_of(by, to)
    lo = np.searchsorted(turns.starts, occasion.starts, "right")
    stop = np.searchsorted(turns.starts, key(occasion.unit, np.full(len(occasion), LONGEST - 1)), "right")
    w = _from_turns(occasion, turns, lo, np.minimum(lo + n, stop))
    lost = (lo + n > stop) & (case.cut_off[w.unit] != 0)
    start = np.where(lost & (w.end < w.start), occasion.start + 1, w.start)
    return Window(w.unit, start, np.where(lost, LONGEST - 1, w.end), by_start=True)


def _turns_before(case: Case, occasion: Spans, n: int, by: str, to: str | None) -> Window:
    turns = case.turns_of(by, to)
    hi = np.searchsorted(turns.starts, occasion.starts, "left")
    first = np.searchsorted(turns.starts, key(occasion.unit, np.zeros(len(occasion), np.int64)), "left")
    return _from_turns(occasion, turns, np.maximum(first, hi - n), hi)


def _from_turns(occasion: Spans, turns: Spans, lo: Ints, hi: Ints) -> Window:
    """From the first turn's start to just before the last one's end; rows without turns get an empty window."""
    some = hi > lo
    last = max(0, len(turns) - 1)
    a, b = np.minimum(lo, last), np.clip(hi - 1, 0, last)
    if not len(turns):
        return Window(occasion.unit, np.ones(len(occasion), np.int64), np.zeros(len(occasion), np.int64), by_start=True)
    start = np.where(some, turns.start[a], 1)
    end = np.where(some, np.maximum(turns.end[b] - 1, turns.start[b]), 0)
    return Window(occasion.unit, start, end, by_start=True)


def spans_in(w: Window, found: Spans) -> tuple[Ints, Ints]:
    """How many spans touch (or begin in) each window, and the row of the first of them."""
    lo, hi = w.rows_of(found, found.at(found.start, found.closing))
    return hi - lo, lo
