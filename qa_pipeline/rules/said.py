"""Whether phrases were said in a window: all or any of them, several times, in one turn, in their order, or never."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qa_pipeline.rules import truth as t
from qa_pipeline.rules.case import NORMALISED, SURE_ENOUGH_TO_ACCUSE, Case
from qa_pipeline.rules.heard import ANCHORED, ANYWHERE
from qa_pipeline.rules.language import Expression
from qa_pipeline.rules.looks import Look, Places, SaidHits, SaidTurns, first_said, tell
from qa_pipeline.rules.spans import LONGEST, Flags, Ints, Spans, expand, key
from qa_pipeline.rules.truth import Truth, Witnesses, either_seen, truth, unknown_at
from qa_pipeline.rules.windows import KEYS, Window, window


def said(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """True on a rung that the phrase allows; what was nearly said, or badly heard, is unknown."""
    w = window(case, occasion, c.args)
    anchored = anchored and not any(k in c.args for k in KEYS)
    out = _told(case, c, w, ANCHORED if anchored else ANYWHERE)
    names = c["said"].names
    if len(names) == 1 or not (c.get("same_turn") or c.get("in_order")):
        return out
    ranges = [_rows_of(case, w, case.said_by(name, anchored, c.get("by", "agent"), c.get("to"))[0]) for name in names]
    held = _in_one_turn(case, ranges, len(w)) if c.get("same_turn") else _in_order(ranges, len(w))
    reason = case.reasons.number("not_in_one_turn" if c.get("same_turn") else "not_in_order")
    return t.all_of([out, truth(held, reason, t.no_proof, np.where(out.value == t.UNKNOWN, out.reason, 0))])


def _told(case: Case, c: Expression, w: Window, worst: int) -> Truth:
    """Of all or any of the phrases."""
    by, (names, every) = c.get("by", "agent"), (c["said"].names, c["said"].every)
    number, weakly = case.reasons.number, case.reasons.number("low_confidence")
    reasons = np.array([[number(f"not_said:{name}"), number(f"nearly_said:{name}"), weakly, 0] for name in names])
    roles = case.roles_unknown if by != "anyone" else case.nothing_unknown
    heard, turns = case.heard, case.corpus.turns
    hits = SaidHits(heard.words.unit, heard.words.start, heard.hits.text, heard.grade)
    of_turns = SaidTurns(turns.start, turns.end, case.speaks(by, c.get("to")), case.badly_heard)
    at = Look(Places(w.unit, w.start, w.end, w.by_start), hits, of_turns, worst, c.get("times", 1))
    edges = heard.edges[[heard.numbers[name] for name in names]]
    told = tell(at, edges, every, _doubt(case, c.args, w), roles, reasons)

    def proof(chosen: Flags) -> Witnesses:
        rows, parts = np.flatnonzero(chosen), []
        rows = rows[roles[w.unit[rows]] == 0]
        for phrase, edge in enumerate(edges):
            of = rows[(told.phrase[rows] == phrase) | (every & (told.value[rows] == t.TRUE))]
            first = first_said(at._replace(places=Places(w.unit[of], w.start[of], w.end[of], w.by_start)), edge)
            parts.append(Witnesses(of[first >= 0], heard.words.take(first[first >= 0])))
        return t.witnesses(parts)

    return Truth(told.value, told.reason, proof)


def _doubt(case: Case, args: Mapping[str, Any], w: Window) -> Ints:
    """Why words that were not found may have been said all the same, per row; 0: no doubt."""
    by, to = args.get("by", "agent"), args.get("to")
    if (by, to) not in w.doubts:
        w.doubts[by, to] = _doubts(case, by, to, w)
    return w.doubts[by, to]


def _doubts(case: Case, by: str, to: str | None, w: Window) -> Ints:
    weak, turns, reason = case.weak_turns(by, to), case.corpus.turns, np.zeros(len(w), np.int64)
    if len(weak):
        lo, hi = w.rows_of(weak, weak)
        wordless = turns.length[weak.item[np.minimum(lo, len(weak) - 1)]] == 0
        low, silent = case.reasons.number("low_confidence"), case.reasons.number("speech_without_words")
        reason = np.where(hi > lo, np.where(wordless, silent, low), 0)
    if case.cut_off.any():
        beyond = np.where(w.end >= case.corpus.leg_end[w.unit], case.cut_off[w.unit], 0)
        reason = np.where(reason != 0, reason, beyond)
    return reason


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
        found = case.words(name)
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
