"""What one pack is judged on: the corpus, what was heard of the pack's phrases, and what is asked again and again."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qa_pipeline.rules.corpus import AGENT, CUSTOMER, IVR, UNKNOWN, Corpus, event_spans
from qa_pipeline.rules.heard import heard
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.pack import RulePack
from qa_pipeline.rules.spans import Flags, Ints, Spans, in_order, no_spans, spans, together
from qa_pipeline.text.columns import loud_lengths

LOW_CONFIDENCE = 0.5
SURE_ENOUGH_TO_ACCUSE = 0.85
HEARD_LAST_MS = 500
NORMALISED, SOUND, NEAR = 1, 2, 3
RUNG_NAMES = ("exact", "normalised", "sound", "near")
SPEAKER_OF = {"agent": AGENT, "customer": CUSTOMER, "ivr": IVR}


class Reasons:
    """Reason codes as small numbers; 0 is none."""

    def __init__(self) -> None:
        self.names = [""]
        self.numbers = {"": 0}

    def number(self, name: str) -> int:
        if name not in self.numbers:
            self.numbers[name] = len(self.names)
            self.names.append(name)
        return self.numbers[name]


@dataclass(frozen=True)
class Items:
    """What spans are made of: turns first, then hits, events and transfers; the last row stands for nothing in particular.

    turn: row of the corpus's turns, -1 where it is no words; first, last: its characters; rung 0-3 (exact, normalised, sound,
    near), value: row of the captured values, each -1 for none.
    """

    turn: Ints
    first: Ints
    last: Ints
    rung: NDArray[np.int8]
    similarity: NDArray[np.float64]
    value: NDArray[np.int32]


P = ParamSpec("P")
R = TypeVar("R")


def kept(method: Callable[Concatenate[Case, P], R]) -> Callable[Concatenate[Case, P], R]:
    """A method of a case that is asked again and again: it answers from what it answered before."""

    @wraps(method)
    def answer(case: Case, /, *args: P.args, **named: P.kwargs) -> R:
        return case.once((method, args, *named.items()), lambda: method(case, *args, **named))

    return answer


class Case:
    """Caches live as long as the judging of one pack on one corpus."""

    def __init__(self, corpus: Corpus, pack: RulePack, matcher: Matcher) -> None:
        self.corpus, self.pack, self.reasons = corpus, pack, Reasons()
        self.named: dict[Any, tuple[Spans, Ints]] = {}
        self.answers: dict[Any, Any] = {}
        self.heard = heard(corpus.turns, pack, matcher)
        self.values = self.heard.hits.values
        self._events: dict[int, Mapping[str, Any]] = {}

    def __len__(self) -> int:
        return len(self.corpus)

    def once(self, asked: Hashable, make: Callable[[], R]) -> R:
        """What is made, or was made when the same was asked before."""
        if asked not in self.answers:
            self.answers[asked] = make()
        return self.answers[asked]  # type: ignore[no-any-return]

    @cached_property
    def nothing_unknown(self) -> Ints:
        return np.zeros(len(self), np.int64)

    @cached_property
    def legs(self) -> Spans:
        """Each leg as a whole, from the recording's start where it is the first."""
        start = np.minimum(self.corpus.leg_start, 0)
        return spans(np.arange(len(self)), start, np.maximum(self.corpus.leg_end, self.corpus.leg_start))

    @cached_property
    def roles_unknown(self) -> Ints:
        """Per unit the reason `roles_unknown` where some words have no known speaker."""
        found = np.zeros(len(self), np.int64)
        turns = self.corpus.turns
        found[turns.unit[turns.speaker == UNKNOWN]] = self.reasons.number("roles_unknown")
        return found

    @cached_property
    def cut_off(self) -> Ints:
        """Per unit the reason `truncated` where the end of its recording is lost: more may have been said than was heard."""
        kinds, kind = self.corpus.flags
        cut = np.array(["truncated" in told for told in kinds], bool)
        return unknown_where(cut[kind] & ~self.corpus.later_unit, self.reasons.number("truncated"))

    @cached_property
    def agent_speaks(self) -> Flags:
        found = np.zeros(len(self), bool)
        found[self.turns_of("agent").unit] = True
        return found

    @cached_property
    def spoken_length(self) -> Ints:
        """Characters of each turn without punctuation."""
        return loud_lengths(self.corpus.turns.texts)

    def quotes(self, items: Ints) -> pa.Array:
        """What was said at each of the items."""
        told = self.items
        return self.corpus.turns.quotes(told.turn[items], told.first[items], told.last[items])

    @kept
    def speaks(self, by: str, to: str | None = None) -> Flags:
        """Which turns are those of `by`, an agent's to the customer where nothing else is said."""
        turns = self.corpus.turns
        if by == "anyone":
            return np.ones(len(turns), bool)
        right = turns.speaker == SPEAKER_OF[by]
        if by != "agent" or to == "anyone":
            return np.asarray(right, bool)
        return np.asarray(right & (turns.to_colleague if to == "colleague" else ~turns.to_colleague), bool)

    @kept
    def turns_of(self, by: str, to: str | None = None) -> Spans:
        return self.corpus.turns.as_spans(self.speaks(by, to))

    @cached_property
    def everybody(self) -> Spans:
        """All turns."""
        return self.corpus.turns.as_spans(self.speaks("anyone"))

    @cached_property
    def badly_heard(self) -> Flags:
        """Which turns were heard with little confidence."""
        return np.asarray(self.corpus.turns.confidence < LOW_CONFIDENCE, bool)

    @kept
    def weak_turns(self, by: str, to: str | None = None) -> Spans:
        """Turns that were heard without words or with little confidence: what was not found there may have been said."""
        turns = self.corpus.turns
        return turns.as_spans(self.speaks(by, to) & ((turns.length == 0) | self.badly_heard))

    @cached_property
    def items(self) -> Items:
        h, turns = self.heard.hits, self.corpus.turns
        silent = len(self.corpus.events) + len(self._transfers[0]) + 1

        def column(of_turns: NDArray[Any] | int, of_hits: NDArray[Any], nothing: int, kind: Any) -> NDArray[Any]:
            words = np.broadcast_to(np.asarray(of_turns, kind), len(turns))
            return np.concatenate([words, of_hits, np.full(silent, nothing)], dtype=kind, casting="unsafe")

        return Items(
            column(np.arange(len(turns)), h.text, -1, np.int64),
            column(0, h.first, -1, np.int64),
            column(turns.length, h.last, -1, np.int64),
            column(-1, h.rung, -1, np.int8),
            column(1, h.similarity, 1, np.float64),
            column(-1, h.value, -1, np.int32),
        )

    @kept
    def words(self, name: str) -> Spans:
        """Everything heard of a phrase, on any rung, sorted by (unit, time)."""
        return self.heard.of(name)

    @kept
    def said_by(self, name: str, anchored: bool, by: str, to: str | None) -> tuple[Spans, Spans]:
        """As `satisfying`, of one speaker's words."""
        right = self.speaks(by, to)
        good, low = self.satisfying(name, anchored)
        return good.take(right[self.turn(good)]), low.take(right[self.turn(low)])

    @kept
    def satisfying(self, name: str, anchored: bool) -> tuple[Spans, Spans]:
        """Hits of a phrase on the rungs that it allows, and those on lower rungs, which make a miss unsure."""
        found, good = self.words(name), self.heard.grade[self.heard.rows(name)] <= anchored
        return found.take(good), found.take(~good)

    def turn(self, found: Spans) -> Ints:
        """The row of the turn in which each was said, -1 for none."""
        return self.items.turn.take(found.item)

    def turns_around(self, found: Spans) -> Spans:
        """Words with the times of their turns."""
        if "turns" not in found.told:
            turns, turn = self.corpus.turns, self.turn(found)
            found.told["turns"] = found.at(turns.start[turn], turns.end[turn])
        return found.told["turns"]  # type: ignore[no-any-return]

    def attributes(self, item: int) -> Mapping[str, Any] | None:
        """What is told of an event, its own value, source and channel among it, or of a transfer; None of anything else."""
        row = item - len(self.corpus.turns) - len(self.heard)
        if item < 0 or row < 0:
            return None
        if row >= len(self.corpus.events):
            return self._transfers[1][row - len(self.corpus.events)]
        if row not in self._events:
            e = self.corpus.events.slice(row, 1).to_pylist()[0]
            told = {name: e[name] for name in ("kind", "source", "value", "channel")}
            self._events[row] = {**told, **json.loads(e["attrs"])}
        return self._events[row]

    def events(self, kinds: Sequence[str]) -> Spans:
        """The events of these kinds."""
        found = event_spans(self.corpus, kinds)
        return replace(found, item=found.item + len(self.corpus.turns) + len(self.heard))

    @cached_property
    def transfers(self) -> Spans:
        """Transfers on record: a moment each, in the leg that they end."""
        found = self._transfers[0]
        first = len(self.corpus.turns) + len(self.heard) + len(self.corpus.events)
        return in_order(replace(found, item=found.item + first))

    @cached_property
    def _transfers(self) -> tuple[Spans, list[Mapping[str, Any]]]:
        """As they come, and what is told of each."""
        if not any("transfers" in told for told in self.corpus.fields):
            return no_spans(), []
        units, at, attributes = [], [], list[Mapping[str, Any]]()
        per_call: dict[int, list[int]] = {}
        for unit, call in enumerate(self.corpus.call_of.tolist()):
            per_call.setdefault(call, []).append(unit)
        for call, told in enumerate(self.corpus.fields):
            for transfer in told.get("transfers") or ():
                moment = transfer.get("at_ms")
                inside = [u for u in per_call.get(call, ()) if moment is None or self.corpus.leg_start[u] < max(1, moment)]
                if inside:
                    units.append(inside[-1])
                    at.append(int(moment if moment is not None else self.corpus.leg_end[inside[-1]]))
                    attributes.append(transfer)
        time = np.array(at, np.int64)
        return spans(np.array(units, np.int64), time, time, np.arange(len(at))), attributes

    def whole_call(self, found: Spans) -> Spans:
        """Each span also given to the earlier legs of its call."""
        call_of, parts, shift = self.corpus.call_of, [found], found.unit
        while len(shift):
            earlier = (shift > 0) & (call_of[np.maximum(shift - 1, 0)] == call_of[shift])
            shift, found = shift[earlier] - 1, found.take(earlier)
            if len(shift):
                parts.append(replace(found, unit=shift))
        return together(parts)

    @cached_property
    def hangup_by(self) -> tuple[list[str], Ints]:
        """Who ended the call, as distinct sides and the row of each unit's among them: by the record, else the side on whose
        channel a busy tone follows the last word."""
        told, side = self.corpus.factored("hangup_by")
        sides = [by or "unknown" for by in told]
        unknown = np.array([by == "unknown" for by in sides], bool)[side]
        if not unknown.any():
            return sides, side
        tones = event_spans(self.corpus, ["busy_tone"])
        last_word = np.zeros(len(self), np.int64)
        np.maximum.at(last_word, self.corpus.turns.unit, self.corpus.turns.end)
        tones = tones.take((tones.end > last_word[tones.unit]) & unknown[tones.unit])
        side, events = side.copy(), self.corpus.events.take(pa.array(tones.item)).to_pylist()
        for unit, event in zip(tones.unit.tolist(), events, strict=True):
            who = side_of(event)
            if who and sides[side[unit]] == "unknown":
                sides += [who] if who not in sides else []
                side[unit] = sides.index(who)
        return sides, side

    @cached_property
    def heard_last(self) -> Ints:
        """Per unit the side whose words end last, by half a second or more: 1 agent, 2 customer; 0 where neither's do."""
        ends = np.zeros((2, len(self)), np.int64)
        for row, who in zip(ends, ("agent", "customer"), strict=True):
            turns = self.turns_of(who, "anyone")
            np.maximum.at(row, turns.unit, turns.end)
        lead = ends[0] - ends[1]
        return np.where(lead >= HEARD_LAST_MS, 1, np.where(-lead >= HEARD_LAST_MS, 2, 0))

    @kept
    def factored(self, name: str) -> tuple[list[Any], Ints]:
        """The distinct values of a call field, and the row of each unit's among them: a comparison is made once a value."""
        return self.corpus.factored(name)

    @kept
    def measured(self, what: str) -> Flags:
        """Per unit, whether the detector ran: on every channel (`tones:0`, `tones:1`), or by its name or "all" alone."""
        channels = pc.fill_null(self.corpus.calls["n_channels"], 2).to_numpy()[self.corpus.call_of]
        if what == "two_channels":
            return np.asarray(channels == 2, bool)
        kinds, kind = self.corpus.measured
        numbers = np.unique(channels)
        known = np.array([[ran(what, told, int(n)) for n in numbers] for told in kinds], bool).reshape(len(kinds), -1)
        return np.asarray(known[kind, np.searchsorted(numbers, channels)], bool)


def ran(what: str, measured: Sequence[str], channels: int) -> bool:
    """Whether a detector ran, by a call's `measured`: on all its channels, or where nobody says on which."""
    return what in measured or "all" in measured or (channels > 0 and all(f"{what}:{c}" in measured for c in range(channels)))


def side_of(event: Mapping[str, Any]) -> str | None:
    """On whose channel an event was measured: as its attributes say, else agent on channel 0, customer on channel 1."""
    side = json.loads(event["attrs"]).get("side") if isinstance(event.get("attrs"), str) else event.get("side")
    return str(side) if side else {0: "agent", 1: "customer"}.get(event["channel"])


def unknown_where(flags: NDArray[np.bool_], reason: int) -> Ints:
    return np.where(flags, reason, 0).astype(np.int64)


def either_unknown(parts: Sequence[Ints]) -> Ints:
    """The first reason per unit."""
    out = parts[0].copy()
    for part in parts[1:]:
        out = np.where(out == 0, part, out)
    return out
