"""What is expected at an occasion: every operator of the language that yields true, false or unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.rules import truth as t
from qa_pipeline.rules.case import LOW_CONFIDENCE, NORMALISED, SURE_ENOUGH_TO_ACCUSE, Case
from qa_pipeline.rules.compare import BOUNDS, fits, within
from qa_pipeline.rules.language import Expression, PhraseChoice
from qa_pipeline.rules.measures import MEASURES
from qa_pipeline.rules.occasions import find_spans
from qa_pipeline.rules.recall import echoes, every_value, names, repeats, some_value
from qa_pipeline.rules.spans import LONGEST, Flags, Ints, Spans, expand, key, merge, spans, starts_within
from qa_pipeline.rules.truth import Proof, Truth, Witnesses, truth
from qa_pipeline.rules.windows import KEYS, Window, spans_in, window

WORTH_LEAVING_OUT = 1_000
"""Rows fewer than which are looked at needlessly sooner than they are left out."""


def evaluate(case: Case, condition: Expression, occasion: Spans, anchored: bool = False) -> Truth:
    """The condition at each row of `occasion`. `anchored`: it is a place where two syllables may be known by sound.

    Rules that ask the same of the same spans are told what was found before.
    """
    if not len(occasion):
        return t.nothing()
    asked = (condition.text, anchored)
    if asked not in occasion.told:
        occasion.told[asked] = _OPERATORS[condition.op](case, condition, occasion, anchored)
    return occasion.told[asked]  # type: ignore[no-any-return]


def _named(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    found = evaluate(case, case.pack.conditions[c["condition"]], occasion, anchored)
    return Truth(
        found.value, np.where(found.value == t.FALSE, case.reasons.number(f"not_{c['condition']}"), found.reason), found.proof
    )


def _all(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    return t.all_of(_until(t.FALSE, case, c["all"], occasion, anchored))


def _any(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    return t.any_of(_until(t.TRUE, case, c["any"], occasion, anchored))


def _until(decided: int, case: Case, conditions: Sequence[Expression], occasion: Spans, anchored: bool) -> list[Truth]:
    """Each condition at each row; where many rows are decided, the further ones at the other rows alone."""
    parts: list[Truth] = []
    open_ = np.ones(len(occasion), bool)
    for condition in conditions:
        rows = np.flatnonzero(open_)
        if len(occasion) - len(rows) < WORTH_LEAVING_OUT:
            parts.append(evaluate(case, condition, occasion, anchored))
        else:
            some = evaluate(case, condition, occasion.take(rows), anchored)
            parts.append(t.spread(some, rows, len(occasion), 1 - decided))
        open_ &= parts[-1].value != decided
    return parts


def _not(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    inner: Expression = c["not"]
    reason = f"is:{inner['condition']}" if inner.op == "condition" else "unwanted"
    return t.not_(evaluate(case, inner, occasion, anchored), case.reasons.number(reason))


def _of(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    must = [evaluate(case, one, occasion, anchored) for one in c.get("must", ())]
    rest = [evaluate(case, one, occasion, anchored) for one in c["of"]]
    needed = c.get("at_least", len(must) + len(rest))
    enough = t.at_least(needed, [*must, *rest], case.reasons.number("too_few"))
    return t.all_of([*must, enough]) if must else enough


def _heard(case: Case, name: str, args: Mapping[str, Any], w: Window, anchored: bool) -> tuple[Spans, Ints, Ints, Flags]:
    """The phrase's hits by the speaker, the rows [lo, hi) in each window, and where only a lower rung hears it."""
    good, low = case.said_by(name, anchored, args.get("by", "agent"), args.get("to"))
    lo, hi = w.rows_of(good, case.turns_around(good))
    low_lo, low_hi = w.rows_of(low, case.turns_around(low))
    return good, lo, hi, low_hi > low_lo


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


def _said(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    choice: PhraseChoice = c["said"]
    inner = anchored and not any(k in c.args for k in KEYS)
    w = window(case, occasion, c.args)
    heard = [_heard(case, name, c.args, w, inner) for name in choice.names]
    doubt = _doubt(case, c.args, w)
    roles = case.roles_unknown[occasion.unit] if c.get("by", "agent") != "anyone" else np.zeros(len(occasion), np.int64)
    parts = []
    for name, (good, lo, hi, low) in zip(choice.names, heard, strict=True):
        nearly = np.where(low, case.reasons.number(f"nearly_said:{name}"), doubt)
        found = (hi - lo >= c.get("times", 1)) & (roles == 0)
        weak = found & _all_weak(case, good, lo)
        unknown = np.where(roles != 0, roles, nearly)
        part = truth(found, case.reasons.number(f"not_said:{name}"), t.seen(found, good, lo), unknown)
        parts.append(_unknown_at(weak, case.reasons.number("low_confidence"), part))
    out = t.all_of(parts) if choice.every else t.any_of(parts)
    if len(parts) > 1 and (c.get("same_turn") or c.get("in_order")):
        joint = _in_one_turn if c.get("same_turn") else _in_order
        held = joint(case, heard, len(occasion))
        reason = case.reasons.number("not_in_one_turn" if c.get("same_turn") else "not_in_order")
        out = t.all_of([out, truth(held, reason, t.no_proof, np.where(out.value == t.UNKNOWN, out.reason, 0))])
    return out


def _unknown_at(rows: Flags, reason: Ints | int, told: Truth) -> Truth:
    if not rows.any():
        return told
    value = np.where(rows, np.int8(t.UNKNOWN), told.value).astype(np.int8)
    return Truth(value, np.where(rows, reason, told.reason), told.proof)


def _all_weak(case: Case, good: Spans, lo: Ints) -> Flags:
    """Whether the first hit stands on words that were heard with little confidence."""
    if "weak" not in good.told:
        good.told["weak"] = case.corpus.turns.confidence[case.turn(good)] < LOW_CONFIDENCE
    weak: Flags = good.told["weak"]
    return weak[np.minimum(lo, len(good) - 1)] if weak.any() else np.zeros(len(lo), bool)


def _in_one_turn(case: Case, heard: list[tuple[Spans, Ints, Ints, Flags]], n: int) -> Flags:
    """Rows that have one turn with a hit of every phrase."""
    common: Ints | None = None
    for good, lo, hi, _ in heard:
        row, at = expand(lo, hi)
        pairs = row * LONGEST + case.turn(good)[at]
        pairs = pairs[np.append(pairs[1:] != pairs[:-1], True)[: len(pairs)]]  # hits of one turn stand side by side
        common = pairs if common is None else common[np.isin(common, pairs)]
    held = np.zeros(n, bool)
    held[(common if common is not None else np.zeros(0, np.int64)) // LONGEST] = True
    return held


def _in_order(case: Case, heard: list[tuple[Spans, Ints, Ints, Flags]], n: int) -> Flags:
    """Rows in which each phrase is said after the one before it, the earliest hits taken."""
    at, held = np.zeros(n, np.int64), np.ones(n, bool)
    for good, lo, hi, _ in heard:
        unit_start = key(good.unit[np.minimum(lo, max(0, len(good) - 1))], at) if len(good) else at
        row = np.maximum(lo, np.searchsorted(good.starts, unit_start, "left"))
        held &= row < hi
        at = np.where(held, good.start[np.minimum(row, max(0, len(good) - 1))] if len(good) else 0, at)
    return held


def _never_said(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """An accusation rests on words heard as written, and well."""
    w = window(case, occasion, c.args)
    turns, right = case.corpus.turns, case.speaks(c.get("by", "agent"), c.get("to"))
    parts = []
    for name in c["never_said"].names:
        found = case.heard(name)
        found = found.take((case.items.rung[found.item] <= NORMALISED) & right[case.turn(found)])
        sure = found.take(~(turns.confidence[case.turn(found)] < SURE_ENOUGH_TO_ACCUSE))
        lo, hi = w.rows_of(found, case.turns_around(found))
        sure_lo, sure_hi = w.rows_of(sure, case.turns_around(sure))
        clean, guilty = hi == lo, sure_hi > sure_lo
        reason = case.reasons.number(f"said:{name}")
        doubt = np.where(guilty, 0, case.reasons.number("low_confidence"))
        shown = _either_seen(t.seen(guilty, sure, sure_lo), t.seen(~clean & ~guilty, found, lo))
        parts.append(truth(clean, reason, shown, np.where(clean, 0, doubt)))
    roles = case.roles_unknown[occasion.unit]
    return _unknown_at(roles != 0, roles, t.all_of(parts))


def _either_seen(*proofs: Proof) -> Proof:
    return lambda chosen: t.witnesses([proof(chosen) for proof in proofs])


def _occurs(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    found, unknown = find_spans(case, c["occurs"])
    if c.get("anywhere"):
        found = case.whole_call(found)
    n, first = spans_in(window(case, occasion, c.args), found)
    least, most = c.get("at_least", 0 if "at_most" in c.args else 1), c.get("at_most", 10**9)
    held = (n >= least) & (n <= most)
    reason = np.where(n < least, case.reasons.number("does_not_occur"), case.reasons.number("occurs"))
    more = unknown[occasion.unit]
    proof = t.seen(n > 0, found, np.minimum(first, max(0, len(found) - 1)))
    out = truth(held, reason, proof, np.where(n < least, more, 0))
    return _unknown_at(held & (more != 0), more, out) if most < 10**9 else out


def _order(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    w = window(case, occasion, c.args)
    at, held = w.start, np.ones(len(occasion), bool)
    unknown, proofs = np.zeros(len(occasion), np.int64), []
    for one in c["order"]:
        found, more = find_spans(case, one)
        unknown = np.where(unknown == 0, more[occasion.unit], unknown)
        lo, hi = starts_within(found, occasion.unit, at, w.end)
        held &= hi > lo
        chosen = np.minimum(lo, max(0, len(found) - 1))
        if len(found):
            proofs.append(t.seen(held.copy(), found, chosen))
            at = np.where(held, found.start[chosen] + 1, at)
    return truth(held, case.reasons.number("not_in_order"), _either_seen(*proofs), unknown)


def _longest_gap(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """From the occasion's start, contact to contact, to its end."""
    found, unknown = find_spans(case, c["longest_gap"])
    contacts = merge(found, 0)
    inside_lo, inside_hi = starts_within(contacts, occasion.unit, occasion.start, occasion.end)
    row, at = expand(inside_lo, inside_hi)
    n = len(occasion)
    edges_row = np.r_[np.arange(n), row]
    begins = np.r_[occasion.start, contacts.end[at]]
    order = np.lexsort((begins, edges_row))
    edges_row, begins = edges_row[order], begins[order]
    closes = np.r_[contacts.start[at], occasion.end]
    close_row = np.r_[row, np.arange(n)]
    closing = np.lexsort((closes, close_row))
    gap = closes[closing] - begins
    longest = np.zeros(n, np.int64)
    np.maximum.at(longest, edges_row, gap)
    limit = (c["at_most_s"] + c.get("tolerance_s", 0)) * 1000
    held = longest <= limit
    worst = np.flatnonzero(gap == longest[edges_row])
    first = np.unique(edges_row[worst], return_index=True)[1]
    chosen = worst[first]
    proof = Witnesses(
        edges_row[chosen],
        spans(occasion.unit[edges_row[chosen]], begins[chosen], np.maximum(begins[chosen], closes[closing][chosen])),
    )
    return truth(held, case.reasons.number("gap_too_long"), proof.of, unknown[occasion.unit])


def _measure(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    measure = MEASURES[c["measure"]]
    values = measure.values(case, occasion, c.args)
    for what in measure.needs:
        values = np.where(case.measured(what)[occasion.unit], values, np.nan)
    return _in_bounds(case, c, values, f"out_of_range:{c['measure']}", c["measure"])


def _in_bounds(case: Case, c: Expression, values: NDArray[np.float64], reason: str, name: str) -> Truth:
    """NaN is unknown."""
    held, missing = ~np.isnan(values), np.isnan(values)
    for bound in BOUNDS:
        if bound in c.args:
            with np.errstate(invalid="ignore"):
                held &= within(values, bound, c[bound])  # type: ignore[arg-type]
    unknown = np.where(missing, case.reasons.number(f"unknown:{name}"), 0)
    return truth(held, case.reasons.number(reason), t.no_proof, unknown)


def _field(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    wanted = {k: v for k, v in c.args.items() if k not in ("field", "feed", "in_field")}
    if set(c.args) <= {"field", *BOUNDS} and case.corpus.is_number(c["field"]):
        return _in_bounds(case, c, case.corpus.numbers(c["field"])[occasion.unit], f"field:{c['field']}", c["field"])
    if set(c.args) == {"field", "known"} and case.corpus.is_number(c["field"]):
        known = ~np.isnan(case.corpus.numbers(c["field"])[occasion.unit])
        return truth(known == c["known"], case.reasons.number(f"field:{c['field']}"))
    values, codes = case.factored(c["field"])
    back = codes[occasion.unit]
    asks_presence = set(wanted) <= {"known", "is_not"}
    held = np.array([fits(v, wanted) for v in values], bool)[back]
    missing = np.array([v is None and not asks_presence for v in values], bool)[back]
    if "in_field" in c.args:
        others, other = case.factored(c["in_field"])
        of = other[occasion.unit]
        pairs, pair = np.unique(np.stack([back, of]), axis=1, return_inverse=True)
        among = [others[o] if isinstance(others[o], list) else [others[o]] for o in pairs[1]]
        held &= np.array([fits(values[v], told) for v, told in zip(pairs[0], among, strict=True)], bool)[pair.reshape(-1)]
        missing |= np.array([told is None for told in others], bool)[of]
    reason = case.reasons.number(f"field:{c['field']}")
    unknown = np.where(missing, case.reasons.number(f"unknown:{c['field']}"), 0)
    if "feed" in c.args:
        flags, feed = case.factored(c["feed"])
        off = np.array([flag is not True for flag in flags], bool)[feed[occasion.unit]]
        unknown = np.where(off, case.reasons.number("no_feed"), unknown)
        held &= ~off
    return truth(held, reason, t.no_proof, unknown)


def _attribute(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    wanted = {k: v for k, v in c.args.items() if k != "attribute"}
    values = [(case.attributes(item) or {}).get(c["attribute"]) for item in occasion.item.tolist()]
    held = np.array([fits(v, wanted) for v in values], bool)
    missing = np.array([v is None and not set(wanted) <= {"known", "is_not"} for v in values], bool)
    unknown = np.where(missing, case.reasons.number(f"unknown:{c['attribute']}"), 0)
    return truth(held, case.reasons.number(f"attribute:{c['attribute']}"), t.no_proof, unknown)


def _ended_by(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """By the record or a tone. The last words are no proof: whose voice was heard last is told as a hint, and stays unsure."""
    sides, side = case.hangup_by
    by = side[occasion.unit]
    known = np.array([who != "unknown" for who in sides], bool)[by] & ~case.corpus.later_unit[occasion.unit]
    held = np.array([who == c["ended_by"] for who in sides], bool)[by] & known
    reasons = np.array([case.reasons.number(f"hangup_by_{who}") for who in sides], np.int64)[by]
    hints = ("hangup_unknown", "hangup_unknown_agent_last", "hangup_unknown_customer_last")
    last = np.where(case.corpus.later_unit, 0, case.heard_last)[occasion.unit]
    unknown = np.where(known, 0, np.array([case.reasons.number(name) for name in hints], np.int64)[last])
    end = case.corpus.numbers("ended_ms")[occasion.unit]
    at = np.where(np.isnan(end), case.corpus.leg_end[occasion.unit], end).astype(np.int64)
    proof = Witnesses(np.arange(len(occasion)), spans(occasion.unit, np.maximum(at - 3000, 0), at))
    return truth(held, reasons, proof.of, unknown)


def _clock(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    start, end = c["clock"]
    minute = ((case.corpus.local_ms[occasion.unit] + occasion.start) // 60_000) % 1440
    held = (minute >= start) & (minute < end) if start <= end else (minute >= start) | (minute < end)
    return truth(np.asarray(held, bool), case.reasons.number("clock"))


_OPERATORS: dict[str, Callable[[Case, Expression, Spans, bool], Truth]] = {
    "condition": _named,
    "all": _all,
    "any": _any,
    "not": _not,
    "of": _of,
    "said": _said,
    "never_said": _never_said,
    "occurs": _occurs,
    "order": _order,
    "longest_gap": _longest_gap,
    "measure": _measure,
    "field": _field,
    "attribute": _attribute,
    "names": names,
    "ended_by": _ended_by,
    "clock": _clock,
    "echoes": echoes,
    "repeats": repeats,
    "every_value": every_value,
    "some_value": some_value,
}
