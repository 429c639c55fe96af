"""What one pack is judged on: the corpus, what was heard of the pack's phrases, and what is asked again and again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qa_pipeline.rules.corpus import AGENT, CUSTOMER, IVR, UNKNOWN, Corpus, event_spans
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.pack import RulePack
from qa_pipeline.rules.spans import Flags, Ints, Spans, in_order, no_spans, spans, together
from qa_pipeline.text.columns import code_points, fold_texts, pauses, text_column
from qa_pipeline.text.numbers import read_numbers

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


class Case:
    """Caches live as long as the judging of one pack on one corpus."""

    def __init__(self, corpus: Corpus, pack: RulePack, matcher: Matcher) -> None:
        self.corpus, self.pack, self.reasons = corpus, pack, Reasons()
        self.attributes: list[Mapping[str, Any]] = []
        self.named: dict[Any, tuple[Spans, Ints]] = {}
        self.columns: dict[str, list[Any]] = {}
        self._factored: dict[str, tuple[list[Any], Ints]] = {}
        self._hits = matcher.find(corpus.turns.texts)
        self._order = np.argsort(self._hits.phrase, kind="stable")
        self._edges = np.searchsorted(self._hits.phrase[self._order], np.arange(len(matcher.phrases) + 1))
        self._row = {phrase.name: i for i, phrase in enumerate(matcher.phrases)}
        self.values = self._hits.values
        self._plain: dict[int, str] = {}
        self._said: dict[tuple[str, bool, str, str | None], tuple[Spans, Spans]] = {}
        self._phrases: dict[str, tuple[Spans, Flags]] = {}

    def __len__(self) -> int:
        return len(self.corpus)

    @cached_property
    def nothing_unknown(self) -> Ints:
        return np.zeros(len(self), np.int64)

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
        cut = np.array(["truncated" in (told or ()) for told in self.corpus.calls["flags"].to_pylist()], bool)
        return unknown_where(cut[self.corpus.call_of] & ~self.corpus.later_unit, self.reasons.number("truncated"))

    @cached_property
    def agent_speaks(self) -> Flags:
        found = np.zeros(len(self), bool)
        found[self.turns_of("agent").unit] = True
        return found

    @cached_property
    def code_points(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """All turns' characters end to end, and where each turn begins."""
        return code_points(self.corpus.turns.texts)

    @cached_property
    def spoken_length(self) -> Ints:
        """Characters of each turn without punctuation."""
        raw, bounds = self.code_points
        loud = np.concatenate(([0], np.cumsum(~pauses(raw))))
        return np.asarray(loud[bounds[1:]] - loud[bounds[:-1]], np.int64)

    @cached_property
    def _normal(self) -> list[str]:
        folded = fold_texts(self.corpus.turns.texts)
        return text_column(folded.normal, folded.bounds).to_pylist()  # type: ignore[no-any-return]

    def plain(self, turn: int) -> str:
        """A turn's words in normal form, numbers read."""
        if turn not in self._plain:
            self._plain[turn] = read_numbers(self._normal[turn])
        return self._plain[turn]

    def speaks(self, by: str, to: str | None = None) -> Flags:
        """Which turns are those of `by`, an agent's to the customer where nothing else is said."""
        turns = self.corpus.turns
        if by == "anyone":
            return np.ones(len(turns), bool)
        right = turns.speaker == SPEAKER_OF[by]
        if by != "agent" or to == "anyone":
            return np.asarray(right, bool)
        return np.asarray(right & (turns.to_colleague if to == "colleague" else ~turns.to_colleague), bool)

    def turns_of(self, by: str, to: str | None = None) -> Spans:
        cached = self.named.get(("turns", by, to))
        if cached is None:
            cached = self.named["turns", by, to] = (self.corpus.turns.as_spans(self.speaks(by, to)), self.nothing_unknown)
        return cached[0]

    def weak_turns(self, by: str, to: str | None = None) -> Spans:
        """Turns that were heard without words or with little confidence: what was not found there may have been said."""
        cached = self.named.get(("weak", by, to))
        if cached is None:
            turns = self.corpus.turns
            weak = (turns.length == 0) | (turns.confidence < LOW_CONFIDENCE)
            cached = (turns.as_spans(self.speaks(by, to) & weak), self.nothing_unknown)
            self.named["weak", by, to] = cached
        return cached[0]

    def heard(self, name: str) -> tuple[Spans, Flags]:
        """Everything heard of a phrase, on any rung, sorted by (unit, time); and which hits are too short to trust by sound."""
        if name not in self._phrases:
            row = self._row[name]
            rows = self._order[self._edges[row] : self._edges[row + 1]]
            h, turns = self._hits, self.corpus.turns
            turn, first, last = (column.take(rows).astype(np.int64) for column in (h.text, h.first, h.last))
            found = spans(
                turns.unit[turn],
                turns.time_of(turn, first),
                turns.time_of(turn, last),
                turn=turn,
                first=first,
                last=last,
                rung=h.rung.take(rows).astype(np.int64),
                similarity=h.similarity.take(rows).astype(np.float64),
                value=h.value.take(rows).astype(np.int64),
            )
            short = h.short.take(rows)
            if not _is_in_order(found, turns.start.take(turn)):
                order = np.lexsort((found.first, found.start, turns.start[turn], found.unit))
                found, short = found.take(order), short[order]
            self._phrases[name] = found, short
        return self._phrases[name]

    def said_by(self, name: str, anchored: bool, by: str, to: str | None) -> tuple[Spans, Spans]:
        """As `satisfying`, of one speaker's words."""
        key = (name, anchored, by, to)
        if key not in self._said:
            right = self.speaks(by, to)
            good, low = self.satisfying(name, anchored)
            self._said[key] = good.take(right[good.turn]), low.take(right[low.turn])
        return self._said[key]

    def satisfying(self, name: str, anchored: bool) -> tuple[Spans, Spans]:
        """Hits of a phrase on the rungs that it allows, and those on lower rungs, which make a miss unsure."""
        found, short = self.heard(name)
        allowed = np.array([r in self.pack.phrases[name].rungs for r in RUNG_NAMES])
        good = allowed[found.rung] & (anchored | ~short)
        return found.take(good), found.take(~good)

    def add_attributes(self, told: Mapping[str, Any]) -> int:
        self.attributes.append(told)
        return len(self.attributes) - 1

    def event_attributes(self, rows: Ints) -> Ints:
        """Attribute rows of events, with the event's own value, source and channel among them."""
        table = self.corpus.events.take(pa.array(rows)).to_pylist()
        told = [
            {"kind": e["kind"], "source": e["source"], "value": e["value"], "channel": e["channel"], **json.loads(e["attrs"])}
            for e in table
        ]
        return np.array([self.add_attributes(t) for t in told], np.int64)

    @cached_property
    def transfers(self) -> Spans:
        """Transfers on record: a moment each, in the leg that they end."""
        if not any("transfers" in told for told in self.corpus.fields):
            return no_spans()
        units, at, attrs = [], [], []
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
                    attrs.append(self.add_attributes(transfer))
        time = np.array(at, np.int64)
        return in_order(spans(np.array(units, np.int64), time, time, attrs=np.array(attrs, np.int64)))

    def whole_call(self, found: Spans) -> Spans:
        """Each span also given to the earlier legs of its call."""
        call_of, parts, shift = self.corpus.call_of, [found], found.unit
        while len(shift):
            earlier = (shift > 0) & (call_of[np.maximum(shift - 1, 0)] == call_of[shift])
            shift, found = shift[earlier] - 1, found.take(earlier)
            if len(shift):
                parts.append(Spans(**{**found.__dict__, "unit": shift}))
        return together(parts)

    @cached_property
    def hangup_by(self) -> NDArray[np.object_]:
        """Per unit who ended the call: by the record, else the side on whose channel a busy tone follows the last word."""
        told = np.array([by or "unknown" for by in self.corpus.column("hangup_by")], object)
        if not (told == "unknown").any():
            return told
        tones = event_spans(self.corpus, ["busy_tone"])
        last_word = np.zeros(len(self), np.int64)
        np.maximum.at(last_word, self.corpus.turns.unit, self.corpus.turns.end)
        tones = tones.take(tones.end > last_word[tones.unit])
        events = self.corpus.events.take(pa.array(tones.attrs)).to_pylist()
        for unit, event in zip(tones.unit.tolist(), events, strict=True):
            side = side_of(event)
            if told[unit] == "unknown" and side:
                told[unit] = side
        return told

    @cached_property
    def heard_last(self) -> NDArray[np.object_]:
        """Per unit the side whose words end last, by half a second or more; "" where neither's do."""
        ends = np.zeros((2, len(self)), np.int64)
        for row, who in zip(ends, ("agent", "customer"), strict=True):
            turns = self.turns_of(who, "anyone")
            np.maximum.at(row, turns.unit, turns.end)
        lead = ends[0] - ends[1]
        return np.where(lead >= HEARD_LAST_MS, "agent", np.where(-lead >= HEARD_LAST_MS, "customer", "")).astype(object)

    def factored(self, name: str) -> tuple[list[Any], Ints]:
        """The distinct values of a call field, and the row of each unit's among them: a comparison is made once a value."""
        if name not in self._factored:
            self._factored[name] = self.corpus.factored(name)
        return self._factored[name]

    def column(self, name: str) -> list[Any]:
        if name not in self.columns:
            self.columns[name] = self.corpus.column(name)
        return self.columns[name]

    def measured(self, what: str) -> Flags:
        """Per unit, whether the detector ran: on every channel (`tones:0`, `tones:1`), or by its name or "all" alone."""
        calls = self.corpus.calls
        channels = pc.fill_null(calls["n_channels"], 2).to_numpy(zero_copy_only=False)
        if what == "two_channels":
            per_call = channels == 2
        else:
            told = [tuple(names or ()) for names in calls["measured"].to_pylist()]
            pairs = list(zip(told, channels.tolist(), strict=True))
            known = {pair: ran(what, *pair) for pair in set(pairs)}
            per_call = np.array([known[pair] for pair in pairs], bool)
        return np.asarray(per_call[self.corpus.call_of], bool)


def _is_in_order(found: Spans, turn_start: Ints) -> bool:
    """Whether hits are sorted by unit, start of the turn, start and first character, as they are but for turns that begin at
    once and characters whose times go back."""
    same = found.turn[1:] == found.turn[:-1]
    later = (found.unit[1:] > found.unit[:-1]) | (turn_start[1:] > turn_start[:-1])
    within = (found.start[1:] >= found.start[:-1]) & (found.first[1:] > found.first[:-1])
    return bool(np.where(same, within, later & (found.unit[1:] >= found.unit[:-1])).all())


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
