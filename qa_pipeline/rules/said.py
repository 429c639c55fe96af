"""Whether phrases were said in a window: all or any of them, several times, in one turn, in their order, or never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.kernels import WORTH_COMPILING_ONE, Kernel
from qa_pipeline.rules import truth as t
from qa_pipeline.rules.case import NORMALISED, SURE_ENOUGH_TO_ACCUSE, Case
from qa_pipeline.rules.language import Expression
from qa_pipeline.rules.spans import LONGEST, Flags, Ints, Spans, expand, key
from qa_pipeline.rules.truth import Truth, Witnesses, either_seen, truth, unknown_at
from qa_pipeline.rules.windows import KEYS, Window, window

NOT_SAID, NEARLY, WEAKLY, SAID = range(4)
"""Nearly: only a lower rung than satisfies hears it. Weakly: the first hit stands on words heard with little confidence."""
RANKS = np.array([0, 1, 1, 2], np.int8)
"""By these: false, unknown, unknown, true."""
LOOKS_A_STEP = 10
"""Looks at a window or a hit in the time of a kernel's step."""


@dataclass(frozen=True)
class Heard:
    """Of each phrase its hits; as [phrase, window] how it was heard there, and the first hit that satisfies."""

    words: Sequence[Spans]
    how: NDArray[np.int8]
    first: Ints


def said(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """True on a rung that the phrase allows; what was nearly said, or badly heard, is unknown."""
    w = window(case, occasion, c.args)
    anchored = anchored and not any(k in c.args for k in KEYS)
    names, every = c["said"].names, c["said"].every
    roles = case.roles_unknown[w.unit] if c.get("by", "agent") != "anyone" else np.zeros(len(w), np.int64)
    out = _told(case, names, every, _heard(case, names, c.args, w, anchored), roles, _doubt(case, c.args, w))
    if len(names) == 1 or not (c.get("same_turn") or c.get("in_order")):
        return out
    ranges = [_rows_of(case, w, case.said_by(name, anchored, c.get("by", "agent"), c.get("to"))[0]) for name in names]
    held = _in_one_turn(case, ranges, len(w)) if c.get("same_turn") else _in_order(ranges, len(w))
    reason = case.reasons.number("not_in_one_turn" if c.get("same_turn") else "not_in_order")
    return t.all_of([out, truth(held, reason, t.no_proof, np.where(out.value == t.UNKNOWN, out.reason, 0))])


def _heard(case: Case, names: Sequence[str], args: Mapping[str, Any], w: Window, anchored: bool) -> Heard:
    turns, right = case.corpus.turns, case.speaks(args.get("by", "agent"), args.get("to"))
    how, first = np.empty((len(names), len(w)), np.int8), np.empty((len(names), len(w)), np.int64)
    windows = (w.unit, np.maximum(w.start, 0), np.maximum(w.end, 0), w.by_start)
    for number, name in enumerate(names):
        hits = (case.heard(name).unit, case.heard(name).start, *case.graded(name))
        looks = len(w) + len(w) * len(hits[0]) // max(1, len(case))  # as many hits in a window's leg as in others
        asked = (int(anchored), args.get("times", 1), how[number], first[number])
        _look(looks // LOOKS_A_STEP, *windows, *hits, turns.start, turns.end, right, case.badly_heard, *asked)
    return Heard([case.heard(name) for name in names], how, first)


def look(
    unit: Ints, begin: Ints, end: Ints, by_start: bool,
    hit_unit: Ints, hit_start: Ints, hit_turn: Ints, grade: NDArray[np.int8],
    turn_start: Ints, turn_end: Ints, right: Flags, weak: Flags,
    worst: int, times: int, how: NDArray[np.int8], first: Ints,
) -> None:  # fmt: skip
    """Fills in `how` and `first` for each window, sorted by unit as the hits are. What begins in it, or is said in a turn that
    touches it, counts, if it is a `right` turn; it satisfies by a grade no worse than `worst`."""
    of_unit = 0
    for row in range(len(unit)):
        while of_unit < len(hit_unit) and hit_unit[of_unit] < unit[row]:
            of_unit += 1
        n, lower, hit = 0, False, of_unit
        first[row] = 0
        while hit < len(hit_unit) and hit_unit[hit] == unit[row]:
            turn = hit_turn[hit]
            opens = hit_start[hit] if by_start else turn_start[turn]
            closes = hit_start[hit] if by_start else turn_end[turn]
            if right[turn] and max(opens, 0) <= end[row] and max(closes, 0) >= begin[row]:
                if grade[hit] > worst:
                    lower = True
                else:
                    if n == 0:
                        first[row] = hit
                    n += 1
            hit += 1
        if n < times:
            how[row] = NEARLY if lower else NOT_SAID
        else:
            how[row] = WEAKLY if weak[hit_turn[first[row]]] else SAID


_look = Kernel(look, worth=WORTH_COMPILING_ONE)


def _told(case: Case, names: Sequence[str], every: bool, heard: Heard, roles: Ints, doubt: Ints) -> Truth:
    """Of all or any of the phrases. The first of them that was heard worst, or best, decides.

    `roles`, `doubt`: why, whatever was heard, or what was not heard, is unknown; 0 for no such reason.
    """
    rank = np.maximum(RANKS[heard.how], doubt != 0)
    deciding = rank.argmin(0) if every else rank.argmax(0)
    rows = np.arange(len(doubt))
    how, value = heard.how[deciding, rows], t.VALUES[rank[deciding, rows]]
    number, weakly = case.reasons.number, case.reasons.number("low_confidence")
    reasons = np.array([[number(f"not_said:{name}"), number(f"nearly_said:{name}"), weakly, 0] for name in names])
    reason = np.where((how == NOT_SAID) & (doubt != 0), doubt, reasons[deciding, how])

    def proof(chosen: Flags) -> Witnesses:
        shown, parts = np.flatnonzero(chosen & (roles == 0)), []
        for number, words in enumerate(heard.words):
            decides = (deciding[shown] == number) | (every & (value[shown] == t.TRUE))
            of = shown[decides & (heard.how[number, shown] >= WEAKLY)]
            parts.append(Witnesses(of, words.take(heard.first[number, of])))
        return t.witnesses(parts)

    return unknown_at(roles != 0, roles, Truth(value, reason, proof))


def _doubt(case: Case, args: Mapping[str, Any], w: Window) -> Ints:
    """Why words that were not found may have been said all the same, per row; 0: no doubt."""
    by, to = args.get("by", "agent"), args.get("to")
    if (by, to) not in w.doubts:
        w.doubts[by, to] = _doubts(case, by, to, w)
    return w.doubts[by, to]


def _doubts(case: Case, by: str, to: str | None, w: Window) -> Ints:
    weak, turns = case.weak_turns(by, to), case.corpus.turns
    lo, hi = w.rows_of(weak, weak)
    wordless = turns.length[weak.item[np.minimum(lo, max(0, len(weak) - 1))]] == 0 if len(weak) else np.zeros(len(lo), bool)
    low, silent = case.reasons.number("low_confidence"), case.reasons.number("speech_without_words")
    reason = np.where(hi > lo, np.where(wordless, silent, low), 0)
    beyond = np.where(w.end >= case.corpus.leg_end[w.unit], case.cut_off[w.unit], 0)
    reason = np.where(reason != 0, reason, beyond)
    return np.where(case.roles_unknown[w.unit] != 0, case.roles_unknown[w.unit], reason) if by != "anyone" else reason


Ranges = tuple[Spans, Ints, Ints]
"""Hits, and those [lo, hi) of them in each window."""


def _rows_of(case: Case, w: Window, found: Spans) -> Ranges:
    return found, *w.rows_of(found, case.turns_around(found))


def _in_one_turn(case: Case, heard: Sequence[Ranges], n: int) -> Flags:
    """Rows that have one turn with a hit of every phrase."""
    common: Ints | None = None
    for found, lo, hi in heard:
        row, at = expand(lo, hi)
        pairs = row * LONGEST + case.turn(found)[at]
        pairs = pairs[np.append(pairs[1:] != pairs[:-1], True)[: len(pairs)]]  # hits of one turn stand side by side
        common = pairs if common is None else common[np.isin(common, pairs)]
    held = np.zeros(n, bool)
    held[(common if common is not None else np.zeros(0, np.int64)) // LONGEST] = True
    return held


def _in_order(heard: Sequence[Ranges], n: int) -> Flags:
    """Rows in which each phrase is said after the one before it, the earliest hits taken."""
    at, held = np.zeros(n, np.int64), np.ones(n, bool)
    for found, lo, hi in heard:
        unit_start = key(found.unit[np.minimum(lo, max(0, len(found) - 1))], at) if len(found) else at
        row = np.maximum(lo, np.searchsorted(found.starts, unit_start, "left"))
        held &= row < hi
        at = np.where(held, found.start[np.minimum(row, max(0, len(found) - 1))] if len(found) else 0, at)
    return held


def never_said(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """An accusation rests on words heard as written, and well."""
    w = window(case, occasion, c.args)
    turns, right = case.corpus.turns, case.speaks(c.get("by", "agent"), c.get("to"))
    parts = []
    for name in c["never_said"].names:
        found = case.heard(name)
        found = found.take((case.items.rung[found.item] <= NORMALISED) & right[case.turn(found)])
        sure = found.take(~(turns.confidence[case.turn(found)] < SURE_ENOUGH_TO_ACCUSE))
        _, lo, hi = _rows_of(case, w, found)
        _, sure_lo, sure_hi = _rows_of(case, w, sure)
        clean, guilty = hi == lo, sure_hi > sure_lo
        doubt = np.where(guilty, 0, case.reasons.number("low_confidence"))
        shown = either_seen(t.seen(guilty, sure, sure_lo), t.seen(~clean & ~guilty, found, lo))
        parts.append(truth(clean, case.reasons.number(f"said:{name}"), shown, np.where(clean, 0, doubt)))
    roles = case.roles_unknown[occasion.unit]
    return unknown_at(roles != 0, roles, t.all_of(parts))
