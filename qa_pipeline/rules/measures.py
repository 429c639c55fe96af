"""What can be measured at an occasion, by name: one number a row, NaN where it is not known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.rules.talking_at_once import BACK_CHANNEL, COMPLETION, INTERRUPTION, talking_at_once

if TYPE_CHECKING:
    from qa_pipeline.rules.case import Case
    from qa_pipeline.rules.spans import Spans

Values = NDArray[np.float64]
PAUSE_MS = 300


@dataclass(frozen=True)
class Measure:
    """unit: of the number. needs: what must have been measured, else the value is not known."""

    help: str
    unit: str
    values: Callable[[Case, Spans, Mapping[str, Any]], Values]
    needs: tuple[str, ...] = ()


def _of_call(name: str) -> Callable[[Case, Spans, Mapping[str, Any]], Values]:
    return lambda case, occasion, args: case.corpus.numbers(name)[occasion.unit]


def _length(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    return (occasion.end - occasion.start).astype(np.float64)


def _leg_length(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    from qa_pipeline.rules.occasions import BUILT_IN

    answer, end = BUILT_IN["answer"](case), BUILT_IN["end"](case)
    return (end.start - answer.start).astype(np.float64)[occasion.unit]


def _since_answer(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    from qa_pipeline.rules.occasions import BUILT_IN

    answered = BUILT_IN["answer"](case).start[occasion.unit]
    known = ~np.isnan(case.corpus.numbers("answered_ms"))[occasion.unit]
    return np.where(known, occasion.start - answered, np.nan)


def _until_end(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    from qa_pipeline.rules.occasions import BUILT_IN

    return (BUILT_IN["end"](case).start[occasion.unit] - occasion.end).astype(np.float64)


def _response(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    """From the occasion's end to the next turn of the speaker; 0 where he speaks by then, but not what the occasion is."""
    turns = case.turns_of(args.get("by", "agent"))
    at = np.searchsorted(turns.starts, occasion.ends, "left")
    inside = np.minimum(at, max(0, len(turns) - 1))
    if not len(turns):
        return np.full(len(occasion), np.nan)
    has = (at < len(turns)) & (turns.unit[inside] == occasion.unit)
    before = np.maximum(at - 1, 0)
    speaks = (at > 0) & (turns.unit[before] == occasion.unit) & (turns.end[before] > occasion.end)
    speaks &= turns.item[before] != case.turn(occasion)
    return np.where(speaks, 0.0, np.where(has, turns.start[inside] - occasion.end, np.nan))


def _quiet_before_end(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    """From the speaker's last word to the release; the whole leg where he says none."""
    from qa_pipeline.rules.occasions import BUILT_IN
    from qa_pipeline.rules.spans import nth

    last = nth(case.turns_of(args.get("by", "customer"), "anyone"), "last")
    spoke = case.corpus.leg_start.copy()
    spoke[last.unit] = last.end
    return np.asarray(np.maximum(0, BUILT_IN["end"](case).start - spoke)[occasion.unit], np.float64)


def _talk_share(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    def talk(by: str) -> Values:
        turns = case.turns_of(by, "anyone")
        return np.bincount(turns.unit, turns.end - turns.start, len(case)).astype(np.float64)

    mine, all_of_it = talk(args.get("by", "agent")), talk("agent") + talk("customer")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(mine / all_of_it, np.float64)[occasion.unit]


def _rate(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    """Characters a minute of speech, the median over the speaker's turns of 8 characters or more; below 30 in all, unknown."""
    turns = case.turns_of(args.get("by", "agent"))
    length = case.spoken_length[turns.item]
    long = (length >= 8) & (turns.end > turns.start)
    unit, n, took = turns.unit[long], length[long], (turns.end - turns.start)[long]
    rate = n * 60_000 / np.maximum(took, 1)
    order = np.lexsort((rate, unit))
    unit, rate = unit[order], rate[order]
    count = np.bincount(unit, minlength=len(case))
    first = np.cumsum(count) - count
    out = np.full(len(case), np.nan)
    has = (count > 0) & (np.bincount(turns.unit, length, len(case)) >= 30)
    low, high = first + np.maximum(count - 1, 0) // 2, first + count // 2
    out[has] = (rate[low[has]] + rate[np.minimum(high, len(rate) - 1)[has]]) / 2 if has.any() else []
    return out[occasion.unit]


def _turn_count(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    turns = case.turns_of(args.get("by", "agent"))
    return np.bincount(turns.unit, minlength=len(case)).astype(np.float64)[occasion.unit]


def _confidence(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    turns = case.turns_of(args.get("by", "agent"))
    known = case.corpus.turns.confidence[turns.item]
    has = ~np.isnan(known)
    count = np.bincount(turns.unit[has], minlength=len(case))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.bincount(turns.unit[has], known[has], len(case)) / count, np.float64)[occasion.unit]


def _speech(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    turns = case.turns_of(args.get("by", "agent"))
    return np.bincount(turns.unit, turns.end - turns.start, len(case)).astype(np.float64)[occasion.unit]


def _at_once(kind: int) -> Callable[[Case, Spans, Mapping[str, Any]], Values]:
    """How many of the speaker's turns begin in the occasion and within the other's turn, of one kind."""

    def values(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
        from qa_pipeline.rules.spans import starts_within

        found, kinds = talking_at_once(case, args.get("by", "agent"))
        lo, hi = starts_within(found.take(kinds == kind), occasion.unit, occasion.start, occasion.end)
        return np.where(case.roles_unknown[occasion.unit] > 0, np.nan, hi - lo)

    return values


def _longest_silence(case: Case, occasion: Spans, args: Mapping[str, Any]) -> Values:
    """The longest time within the occasion in which nobody speaks, clipped to the occasion."""
    from qa_pipeline.rules.spans import counts, expand, merge

    speech = merge(case.everybody, 0)
    lo, hi = counts(speech, occasion.unit, occasion.start, occasion.end)
    row, at = expand(lo, hi)
    out = np.where(hi > lo, 0, occasion.end - occasion.start).astype(np.float64)
    before = np.where(np.r_[True, row[1:] != row[:-1]] if len(row) else [], occasion.start[row], np.r_[0, speech.end[at][:-1]])
    np.maximum.at(out, row, speech.start[at] - np.maximum(before, occasion.start[row]))
    last = np.r_[row[1:] != row[:-1], True] if len(row) else np.zeros(0, bool)
    np.maximum.at(out, row[last], occasion.end[row[last]] - speech.end[at][last])
    return np.maximum(out, 0)


MEASURES: dict[str, Measure] = {
    "ring_ms": Measure("how long the agent's phone rang", "ms", _of_call("ring_ms")),
    "ring_count": Measure("rings heard before the answer", "rings", _of_call("ring_count")),
    "agent_level_dbfs": Measure("the agent's speech level", "dBFS", _of_call("agent_level_dbfs"), ("two_channels",)),
    "agent_snr_db": Measure("the agent's speech over the noise", "dB", _of_call("agent_snr_db")),
    "confidence": Measure("mean recognition confidence of the speaker's turns", "0-1", _confidence),
    "length_ms": Measure("how long the occasion lasts", "ms", _length),
    "leg_ms": Measure("from the answer to the leg's end", "ms", _leg_length),
    "since_answer_ms": Measure("from the answer to the occasion's start", "ms", _since_answer),
    "until_end_ms": Measure("from the occasion's end to the leg's end", "ms", _until_end),
    "response_ms": Measure("from the occasion's end to the speaker's next turn", "ms", _response),
    "quiet_before_end_ms": Measure("from the speaker's last word to the release", "ms", _quiet_before_end),
    "talk_share": Measure("the speaker's share of all speech", "0-1", _talk_share),
    "characters_per_minute": Measure("the speaker's median speech rate", "characters/min", _rate),
    "turns": Measure("how many turns the speaker has", "turns", _turn_count),
    "speech_ms": Measure("how long the speaker speaks in all", "ms", _speech),
    "interruptions": Measure("how often the speaker interrupts the other", "times", _at_once(INTERRUPTION), ("two_channels",)),
    "completions": Measure(
        "how often the speaker begins just before the other ends", "times", _at_once(COMPLETION), ("two_channels",)
    ),
    "back_channels": Measure(
        "how often the speaker shows that he listens while the other speaks", "times", _at_once(BACK_CHANNEL), ("two_channels",)
    ),
    "longest_silence_ms": Measure("the longest time in the occasion in which nobody speaks", "ms", _longest_silence),
}
