"""When a rule's question arises: every operator of the language that yields spans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from qa_pipeline.model import EVENT_KINDS
from qa_pipeline.rules.case import Case, either_unknown, side_of, unknown_where
from qa_pipeline.rules.compare import fits
from qa_pipeline.rules.corpus import UNKNOWN
from qa_pipeline.rules.language import Expression
from qa_pipeline.rules.spans import (
    LONGEST,
    Ints,
    Spans,
    firsts_of,
    in_order,
    merge,
    no_spans,
    nth,
    spans,
    starts_within,
    together,
    touching,
)
from qa_pipeline.rules.talking_at_once import INTERRUPTION, talking_at_once

UTTERANCE_PAUSE_MS = 1_500
ENDING_MS, ENDING_TURNS = 15_000, 2
BACK_CHANNEL = 4
"""Characters: what is no longer than this and spoken into the other's turn is a sign of listening, not a turn of its own."""
ANCHORED = ("first_utterance", "ending")

Found = tuple[Spans, Ints]
"""Spans, and per unit the reason why there may be more of them than these (0: none)."""


def find_spans(case: Case, expression: Expression) -> Found:
    """The spans of an expression in every unit of the case."""
    cached = case.named.get(expression.text)
    if cached is None:
        found, unknown = _GENERATORS[expression.op](case, expression)
        cached = case.named[expression.text] = _pick(case, expression, found, unknown)
    return cached


def anchored(expression: Expression) -> bool:
    """Whether it is a place where even two syllables may be known by their sound alone."""
    return expression.op == "named" and expression["named"] in ANCHORED


def _pick(case: Case, e: Expression, found: Spans, unknown: Ints) -> Found:
    if "merge_s" in e.args:
        found = merge(found, e["merge_s"] * 1000)
    if "longer_s" in e.args or "shorter_s" in e.args:
        length = found.end - found.start
        found = found.take((length > e.get("longer_s", -1) * 1000) & (length < e.get("shorter_s", 1e9) * 1000))
    for name, sign in (("before", 1), ("after", -1)):
        if name in e.args:
            others, more = find_spans(case, e[name])
            border = firsts_of(others, len(case), missing=int(LONGEST))
            found = found.take(sign * found.start < sign * border[found.unit])
            unknown = either_unknown([unknown, more])
    for name in ("during", "outside"):
        if name in e.args:
            others, more = find_spans(case, e[name])
            found = found.take(touching(found, others) == (name == "during"))
            unknown = either_unknown([unknown, more])
    if "if" in e.args:
        found, unknown = _only_where(case, e["if"], found, unknown)
    if "nth" in e.args:
        found = nth(found, e["nth"])
    if "edge" in e.args:
        at = found.start if e["edge"] == "start" else found.end
        found = in_order(found.at(at, at))
    return found, unknown


def _only_where(case: Case, condition: Expression, found: Spans, unknown: Ints) -> Found:
    from qa_pipeline.rules.conditions import evaluate

    truth = evaluate(case, condition, found)
    maybe = np.zeros(len(case), np.int64)
    undecided = truth.value < 0
    maybe[found.unit[undecided]] = truth.reason[undecided]
    return found.take(truth.value == 1), either_unknown([unknown, maybe])


def _named(case: Case, e: Expression) -> Found:
    built_in = BUILT_IN.get(e["named"])
    if built_in and e["named"] not in case.pack.occasions:
        return built_in(case), case.roles_unknown if e["named"] in ANCHORED else case.nothing_unknown
    return find_spans(case, case.pack.occasions[e["named"]])


def _legs(case: Case, start: Ints, end: Ints) -> Spans:
    return spans(np.arange(len(case)), start, end)


def _answer(case: Case) -> Spans:
    answered = case.corpus.numbers("answered_ms")
    at = np.where(np.isnan(answered), case.corpus.leg_start, answered).astype(np.int64)
    at = np.maximum(at, case.corpus.leg_start)
    return _legs(case, at, at)


def _end(case: Case) -> Spans:
    """The release by the record; for a leg that another follows, the leg's end."""
    ended = case.corpus.numbers("ended_ms")
    at = np.where(np.isnan(ended) | case.corpus.later_unit, case.corpus.leg_end, ended).astype(np.int64)
    return _legs(case, at, at)


def _first_utterance(case: Case) -> Spans:
    """From the agent's first turn over his next ones, while they follow within 1.5 s and nobody answers."""
    agent, customer = case.turns_of("agent"), case.turns_of("customer")
    if not len(agent):
        return no_spans()
    begins = np.r_[True, agent.unit[1:] != agent.unit[:-1]]
    answered_from, answered_to = starts_within(customer, agent.unit[1:], agent.start[:-1] + 1, agent.start[1:])
    breaks = np.r_[True, (answered_to > answered_from) | (agent.start[1:] - agent.end[:-1] > UTTERANCE_PAUSE_MS)] | begins
    group = np.cumsum(breaks) - 1
    end = np.zeros(group[-1] + 1, np.int64)
    np.maximum.at(end, group, agent.end)
    whole = agent.take(breaks)
    return nth(whole.at(whole.start, end), "first")


def _ending(case: Case) -> Spans:
    agent = case.turns_of("agent")
    if not len(agent):
        return no_spans()
    last = nth(agent, "last")
    count = np.bincount(agent.unit, minlength=len(case))[last.unit]
    before_last = np.cumsum(np.bincount(agent.unit, minlength=len(case)))[last.unit] - np.minimum(count, ENDING_TURNS)
    start = np.minimum(agent.start[before_last], last.end - ENDING_MS)
    return last.at(np.maximum(start, 0), np.maximum(last.end, case.corpus.leg_end[last.unit]))


def _phrase(case: Case, e: Expression) -> Found:
    by, to = e.get("by", "agent"), e.get("to")
    parts = [case.said_by(name, False, by, to)[0] for name in e["phrase"]]
    return together(parts), case.nothing_unknown if by == "anyone" else case.roles_unknown


def _turns(case: Case, e: Expression) -> Found:
    found = case.turns_of(e["turns"], e.get("to"))
    if "characters" in e.args:
        found = found.take(case.spoken_length[found.item] >= e["characters"])
    return found, case.roles_unknown


def _event(case: Case, e: Expression) -> Found:
    found = case.events(e["event"])
    if "side" in e.args:
        told = [case.attributes(item) or {} for item in found.item.tolist()]
        found = found.take(np.array([side_of(t) == e["side"] for t in told], bool))
    found = _with_attributes(case, found, e.get("where", ()))
    kinds = (EVENT_KINDS[kind] for kind in e["event"] if kind in EVENT_KINDS)
    detectors = {kind.detector for kind in kinds if kind.detector}
    reason = case.reasons.number("not_measured")
    return found, either_unknown([case.nothing_unknown, *(unknown_where(~case.measured(d), reason) for d in sorted(detectors))])


def _with_attributes(case: Case, found: Spans, wanted: Any) -> Spans:
    if not wanted:
        return found
    told = [case.attributes(item) or {} for item in found.item.tolist()]
    return found.take(np.array([all(fits(t.get(k), v) for k, v in wanted) for t in told], bool))


def _transfer(case: Case, e: Expression) -> Found:
    return _with_attributes(case, case.transfers, e["transfer"]), case.nothing_unknown


def _holds(case: Case, e: Expression) -> Found:
    """On record, as music, or announced and then no word of the agent's nor a real turn of the customer's for `quiet_s`."""
    announced_by, quiet_s = e["holds"]
    parts, unknown = [case.events(("hold", "hold_music"))], case.nothing_unknown
    if announced_by:
        good, _ = case.satisfying(announced_by, anchored=False)
        by_somebody = np.zeros(len(case), bool)
        by_somebody[good.unit[case.corpus.turns.speaker[case.turn(good)] == UNKNOWN]] = True
        unknown = np.where(by_somebody, case.roles_unknown, 0)
        agent, good = case.turns_of("agent"), good.take(case.speaks("agent")[case.turn(good)])
        said = in_order(case.turns_around(good))
        after = np.searchsorted(agent.starts, said.ends, "left")
        has = (
            (after < len(agent)) & (agent.unit[np.minimum(after, max(0, len(agent) - 1))] == said.unit)
            if len(agent)
            else after < 0
        )
        resumed = np.where(has, agent.start[np.minimum(after, max(0, len(agent) - 1))], said.end) if len(agent) else said.end
        customer = case.turns_of("customer")
        customer = customer.take(case.spoken_length[customer.item] > BACK_CHANNEL)
        lo, hi = starts_within(customer, said.unit, said.end, resumed)
        quiet = (resumed - said.end >= quiet_s * 1000) & (hi == lo)
        parts.append(said.at(said.end, np.maximum(resumed, said.end)).take(quiet))
    return merge(together(parts), 500), unknown


def _silence(case: Case, e: Expression) -> Found:
    """Time in which nobody speaks: from the answer on, between anybody's turns, and from the last of them to the release.

    Of what is quiet before the answer nobody in the house is to blame.
    """
    if "gaps" not in case.everybody.told:
        answer, end = _answer(case), _end(case).start
        speech = merge(together([case.everybody, answer]), 0)
        last = np.r_[speech.unit[1:] != speech.unit[:-1], True]
        begins = np.maximum(speech.end, answer.start[speech.unit])
        ends = np.where(last, end[speech.unit], np.r_[speech.start[1:], 0])
        case.everybody.told["gaps"] = spans(speech.unit, begins, np.maximum(ends, begins))
    gaps = case.everybody.told["gaps"]
    return gaps.take(gaps.end - gaps.start > e["silence"] * 1000), case.nothing_unknown


def _monologue(case: Case, e: Expression) -> Found:
    mine = case.turns_of(e["monologue"], "anyone")
    other = case.turns_of("customer" if e["monologue"] == "agent" else "agent", "anyone")
    real = other.take(case.spoken_length[other.item] > BACK_CHANNEL)
    if len(mine) < 2:
        return mine, case.roles_unknown
    lo, hi = starts_within(real, mine.unit[1:], mine.start[:-1], mine.start[1:])
    gap = mine.start[1:] - mine.end[:-1]
    breaks = np.r_[True, (hi > lo) | (gap > 2 * UTTERANCE_PAUSE_MS) | (mine.unit[1:] != mine.unit[:-1])]
    group = np.cumsum(breaks) - 1
    end = np.zeros(group[-1] + 1, np.int64)
    np.maximum.at(end, group, mine.end)
    whole = mine.take(breaks)
    return whole.at(whole.start, end), case.roles_unknown


def _interruption(case: Case, e: Expression) -> Found:
    reason = unknown_where(~case.measured("two_channels"), case.reasons.number("one_channel"))
    found, kind = talking_at_once(case, e["interruption"])
    return found.take(kind == INTERRUPTION), either_unknown([reason, case.roles_unknown])


def _either(case: Case, e: Expression) -> Found:
    found = [find_spans(case, one) for one in e["either"]]
    return together([f for f, _ in found]), either_unknown([case.nothing_unknown, *(u for _, u in found)])


BUILT_IN: dict[str, Callable[[Case], Spans]] = {
    "call": lambda case: case.legs,
    "answer": _answer,
    "end": _end,
    "first_utterance": _first_utterance,
    "ending": _ending,
}
_GENERATORS: dict[str, Callable[[Case, Expression], Found]] = {
    "named": _named,
    "phrase": _phrase,
    "turns": _turns,
    "event": _event,
    "transfer": _transfer,
    "holds": _holds,
    "silence": _silence,
    "monologue": _monologue,
    "interruption": _interruption,
    "either": _either,
}
