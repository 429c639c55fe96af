"""What is expected at an occasion: every operator of the language that yields true, false or unknown."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.rules import truth as t
from qa_pipeline.rules.case import Case
from qa_pipeline.rules.compare import BOUNDS, fits, within
from qa_pipeline.rules.language import Expression
from qa_pipeline.rules.measures import MEASURES
from qa_pipeline.rules.occasions import find_spans
from qa_pipeline.rules.pack import RulePack
from qa_pipeline.rules.recall import echoes, every_value, names, repeats, some_value
from qa_pipeline.rules.said import never_said, said
from qa_pipeline.rules.spans import Spans, expand, merge, spans, starts_within
from qa_pipeline.rules.truth import Truth, Witnesses, either_seen, truth, unknown_at
from qa_pipeline.rules.windows import KEYS as WINDOW
from qa_pipeline.rules.windows import spans_in, window

LOOKING = ("said", "never_said", "occurs", "order")
"""What is asked of a window."""
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
        if occasion is not case.legs and _is_of_leg(case.pack, condition):
            occasion.told[asked] = t.given(evaluate(case, condition, case.legs), occasion.unit, len(case))
        else:
            occasion.told[asked] = _OPERATORS[condition.op](case, condition, occasion, anchored)
    return occasion.told[asked]  # type: ignore[no-any-return]


def _is_of_leg(pack: RulePack, c: Expression) -> bool:
    """Whether it is the same wherever in a leg one asks: of the call, or of all that was said in the leg."""
    if c.text not in pack.of_leg:
        if c.op in ("all", "any", "not", "of", "condition"):
            inner = [pack.conditions[c["condition"]]] if c.op == "condition" else [*c.get("must", ()), *_parts(c[c.op])]
            pack.of_leg[c.text] = all(_is_of_leg(pack, one) for one in inner)
        else:
            whole = c.op in LOOKING and [key for key in WINDOW if key in c.args] == ["look"] and c["look"] == "whole"
            pack.of_leg[c.text] = whole or c.op in ("field", "ended_by")
    return pack.of_leg[c.text]


def _parts(told: Expression | Sequence[Expression]) -> Sequence[Expression]:
    return [told] if isinstance(told, Expression) else told


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
    if len(occasion) < WORTH_LEAVING_OUT:
        return [evaluate(case, condition, occasion, anchored) for condition in conditions]
    parts: list[Truth] = []
    open_ = np.ones(len(occasion), bool)
    for condition in conditions:
        if len(occasion) - np.count_nonzero(open_) < WORTH_LEAVING_OUT:
            parts.append(evaluate(case, condition, occasion, anchored))
        else:
            rows = np.flatnonzero(open_)
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
    return unknown_at(held & (more != 0), more, out) if most < 10**9 else out


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
    return truth(held, case.reasons.number("not_in_order"), either_seen(*proofs), unknown)


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
    "said": said,
    "never_said": never_said,
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
