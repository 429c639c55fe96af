"""Stored transcripts as columns: what the judge looks at, for one call or a million, without a Python object per turn."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qa_pipeline.dataset.names import places
from qa_pipeline.kernels import WORTH_COMPILING_ONE, Kernel
from qa_pipeline.rules.spans import Ints, Spans, expand, in_order, spans
from qa_pipeline.text.columns import code_points, text_column

AGENT, CUSTOMER, IVR, UNKNOWN = range(4)
OF_LEGS = ("agent_id", "leg", "pack", "leg_followed")
WORDS_A_STEP = 5
"""Words timed in the time of a kernel's step."""
QUARTER_MS, DAY_MS = 900_000, 86_400_000
Rows = NDArray[np.integer[Any]]
SPEAKER_CODES = {"agent": AGENT, "customer": CUSTOMER, "ivr": IVR, "unknown": UNKNOWN}


@dataclass(frozen=True)
class Turns:
    """One row a turn, sorted by (unit, start). text: row of `texts`; characters: [begin, stop) into `char_ms`."""

    unit: Ints
    number: Ints
    speaker: Ints
    to_colleague: NDArray[np.bool_]
    start: Ints
    end: Ints
    texts: pa.StringArray
    length: Ints
    confidence: NDArray[np.float64]
    begin: Ints
    char_ms: Rows

    def __len__(self) -> int:
        return len(self.unit)

    def words(self, kind: Rows, turn: Rows, first: Rows, last: Rows) -> tuple[Spans, bool]:
        """The characters [first, last) of each turn, numbered as they come; whether in order of kind, unit, turn and time."""
        unit, start, end = (np.empty(len(turn), np.int64) for _ in range(3))
        of_turns = (self.unit, self.start, self.end, self.begin, self.length, self.char_ms)
        in_order = _time_words(len(turn) // WORDS_A_STEP, kind, turn, first, last, *of_turns, unit, start, end)
        return Spans(unit, start, end, np.arange(len(turn))), bool(in_order)

    def quotes(self, turn: Ints, first: Ints, last: Ints) -> pa.Array:
        """Characters [first, last) of each turn; empty where the turn is -1."""
        worded = np.flatnonzero(turn >= 0)
        raw, bounds = code_points(self.texts.take(pa.array(turn[worded])))
        begin, length = np.zeros(len(turn), np.int64), np.where(turn >= 0, np.maximum(last - first, 0), 0)
        begin[worded] = bounds[:-1] + np.maximum(first[worded], 0)
        _, at = expand(begin, begin + length)
        return text_column(raw[at], np.concatenate(([0], np.cumsum(length))))

    def as_spans(self, chosen: NDArray[np.bool_]) -> Spans:
        rows = np.flatnonzero(chosen)
        return Spans(self.unit[rows], self.start[rows], self.end[rows], rows)


def time_words(
    kind: Rows, turn: Rows, first: Rows, last: Rows,
    turn_unit: Ints, turn_start: Ints, turn_end: Ints, begin: Ints, length: Ints, char_ms: Rows,
    unit: Ints, start: Ints, end: Ints,
) -> bool:  # fmt: skip
    """Fills in the last three columns; whether kind, unit, turn's start, start and first character ascend."""
    in_order = True
    for i in range(len(turn)):
        of = turn[i]
        unit[i] = turn_unit[of]
        start[i] = time_of(first[i], begin[of], length[of], char_ms, turn_end[of])
        end[i] = time_of(last[i], begin[of], length[of], char_ms, turn_end[of])
        if i > 0:
            before = turn[i - 1]
            place = (int(kind[i]), unit[i], turn_start[of], start[i], int(first[i]))
            in_order &= (int(kind[i - 1]), unit[i - 1], turn_start[before], start[i - 1], int(first[i - 1])) <= place
    return in_order


def time_of(character: int, begin: int, length: int, char_ms: Rows, turn_end: int) -> int:
    """When a character begins; behind the last one, the turn's end."""
    return int(char_ms[begin + character]) if character < length else turn_end


_time_words = Kernel(time_words, time_of, worth=WORTH_COMPILING_ONE)


@dataclass(frozen=True)
class Corpus:
    """Legs (the units), their calls, turns and events. `call_of[unit]` is the row of `calls`."""

    calls: pa.Table
    legs: pa.Table
    call_of: Ints
    leg_start: Ints
    leg_end: Ints
    turns: Turns
    events: pa.Table
    event_unit: Ints

    def __len__(self) -> int:
        return len(self.call_of)

    @cached_property
    def fields(self) -> list[dict[str, Any]]:
        """The further record values of each call."""
        told, codes = self._told
        return [told[code] for code in codes.tolist()]

    @cached_property
    def _told(self) -> tuple[list[dict[str, Any]], Ints]:
        """The distinct further record values, and the row of each call's among them."""
        texts, codes = _encoded(self.calls["fields"])
        return [json.loads(text) if text else {} for text in texts], codes

    @cached_property
    def measured(self) -> tuple[list[tuple[str, ...]], Ints]:
        """What was measured of each call, as distinct lists and the row of each unit's among them."""
        return self._lists("measured")

    @cached_property
    def flags(self) -> tuple[list[tuple[str, ...]], Ints]:
        """As `measured`, each call's flags."""
        return self._lists("flags")

    def _lists(self, name: str) -> tuple[list[tuple[str, ...]], Ints]:
        joined, codes = _encoded(pc.binary_join(self.calls[name], "\0"))
        return [tuple(told.split("\0")) if told else () for told in joined], codes[self.call_of]

    @cached_property
    def later_unit(self) -> NDArray[np.bool_]:
        """Whether another leg of the same call follows."""
        later = np.zeros(len(self), bool)
        later[:-1] = self.call_of[:-1] == self.call_of[1:]
        return later

    def factored(self, name: str) -> tuple[list[Any], Ints]:
        """As `column`, as distinct values and the row of each unit's value among them."""
        if name == "leg_followed":
            return [False, True], self.later_unit.astype(np.int64)
        if name in OF_LEGS:
            return _encoded(self.legs[name])
        if name in self.calls.column_names and name != "fields" and not pa.types.is_nested(self.calls.schema.field(name).type):
            values, codes = _encoded(self.calls[name])
            return values, codes[self.call_of] if len(codes) else codes
        if name not in self.calls.column_names:
            told, codes = self._told
            return [_inside(each, name.split(".")) for each in told], codes[self.call_of] if len(codes) else codes
        values = []
        rows: dict[str, int] = {}
        codes = np.empty(len(self), np.int64)
        for unit, value in enumerate(self.column(name)):
            key = repr(value)
            if key not in rows:
                rows[key] = len(values)
                values.append(value)
            codes[unit] = rows[key]
        return values, codes

    def column(self, name: str) -> list[Any]:
        """A column of calls or legs, or a path into the calls' fields, one value a unit."""
        if name == "leg_followed":
            return self.later_unit.tolist()  # type: ignore[no-any-return]
        if name in OF_LEGS:
            return self.legs[name].to_pylist()  # type: ignore[no-any-return]
        if name in self.calls.column_names and name != "fields":
            values = self.calls[name].to_pylist()
        else:
            values = [_inside(told, name.split(".")) for told in self.fields]
        return [values[call] for call in self.call_of.tolist()]

    def is_number(self, name: str) -> bool:
        """Whether it is a numeric column of calls."""
        at = self.calls.schema.get_field_index(name)
        kind = self.calls.schema.field(at).type if at >= 0 else pa.null()
        return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A numeric column of calls, NaN where it is not known, one value a unit."""
        values = self.calls[name].cast(pa.float64()).to_numpy(zero_copy_only=False)
        return np.asarray(values, np.float64)[self.call_of]

    @cached_property
    def local_starts(self) -> Ints:
        """The local wall time of millisecond 0 of each call, in ms since 1970.

        Clocks are put forward and back at full quarters of an hour: those in which calls began are looked up, not each call.
        """
        began = self.calls["started_at"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
        zones, zone = _encoded(self.calls["tz"])
        asked, of = np.unique(np.stack([zone, began // QUARTER_MS]), axis=1, return_inverse=True)
        offsets = [_offset_ms(zones[number], quarter) for number, quarter in asked.T.tolist()]
        return np.asarray(began + np.array(offsets, np.int64)[of.reshape(-1)], np.int64)

    @cached_property
    def local_ms(self) -> Ints:
        """The local time of day, in ms, at millisecond 0 of each unit's call."""
        return (self.local_starts % DAY_MS)[self.call_of]


def _offset_ms(zone: str, quarter: int) -> int:
    """How far local time is ahead of UTC in a quarter of an hour since 1970."""
    at = datetime.fromtimestamp(quarter * QUARTER_MS // 1000, UTC)
    return (at.astimezone(_zone(zone)).utcoffset() or timedelta()) // timedelta(milliseconds=1)


def _zone(name: str) -> tzinfo:
    """A zone by its name, or an offset written as Python writes it, such as UTC+08:00."""
    if name.startswith("UTC") and len(name) > 3:
        return datetime.strptime(name[3:], "%z").tzinfo or UTC
    return ZoneInfo(name)


def _inside(value: Any, path: Sequence[str]) -> Any:
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def make_corpus(tables: Mapping[str, pa.Table], pack: str | None = None) -> Corpus:
    """From tables calls, legs, turns, events (of one partition or many); with `pack`, only the legs that it judges."""
    calls = tables["calls"].sort_by("call_id").combine_chunks()
    legs = tables["legs"].sort_by([("call_id", "ascending"), ("leg", "ascending")]).combine_chunks()
    call_row = _lookup(calls["call_id"], legs["call_id"])
    keep = (
        np.ones(len(legs), bool)
        if pack is None
        else np.asarray(pc.equal(legs["pack"], pack).to_numpy(zero_copy_only=False), bool)
    )
    kept = legs.filter(pa.array(keep))
    call_of = call_row[keep]
    start, end = (_ints(kept[name]) for name in ("start_ms", "end_ms"))
    units = _Units(kept, call_of, start)
    turns = _turns(tables["turns"], calls, units)
    events = tables["events"].sort_by([("call_id", "ascending"), ("start_ms", "ascending")]).combine_chunks()
    event_unit = units.at(_lookup(calls["call_id"], events["call_id"]), _ints(events["start_ms"]))
    return Corpus(calls, kept, call_of, start, end, turns, events, event_unit)


class _Units:
    """Finds the unit of a call's leg, or of a moment of a call."""

    def __init__(self, legs: pa.Table, call_of: Ints, start: Ints) -> None:
        self.leg_keys = call_of * 1000 + _ints(legs["leg"])
        self.call_of, self.time_keys = call_of, call_of * (np.int64(1) << 40) + start
        self.first = np.r_[True, call_of[1:] != call_of[:-1]] if len(call_of) else np.zeros(0, bool)

    def of(self, call: Ints, leg: Ints) -> Ints:
        """-1 where the pack does not judge the leg."""
        wanted = call * 1000 + leg
        at = np.minimum(np.searchsorted(self.leg_keys, wanted), max(0, len(self.leg_keys) - 1))
        return np.where(self.leg_keys[at] == wanted, at, -1) if len(self.leg_keys) else np.full(len(call), -1, np.int64)

    def at(self, call: Ints, time: Ints) -> Ints:
        """The unit in which a moment lies; before the first leg's start it is the first's."""
        if not len(self.call_of):
            return np.full(len(call), -1, np.int64)
        at = np.searchsorted(self.time_keys, call * (np.int64(1) << 40) + np.maximum(time, 0), "right") - 1
        before = (at < 0) | (self.call_of[np.maximum(at, 0)] != call)
        at = np.where(before, at + 1, at)
        inside = (at < len(self.call_of)) & (self.call_of[np.minimum(at, len(self.call_of) - 1)] == call)
        return np.where(inside, at, -1)


def _turns(table: pa.Table, calls: pa.Table, units: _Units) -> Turns:
    unit = units.of(_lookup(calls["call_id"], table["call_id"]), _ints(table["leg"]))
    columns = (unit, _ints(table["start_ms"]), _ints(table["turn"]))
    if not _ascend(columns) or (len(unit) and unit[0] < 0):  # as most are stored
        order = np.lexsort(columns[::-1])
        order = order[unit[order] >= 0]
        table, unit = table.take(pa.array(order)), unit[order]
    table = table.combine_chunks()
    speaker = _lookup(pa.array(list(SPEAKER_CODES)), table["speaker"])
    times = _chunk(table["char_ms"])
    offsets = times.offsets.to_numpy() if len(table) else np.zeros(1, np.int64)
    char_ms = times.values.to_numpy(zero_copy_only=False)  # a slice's are all those of its table: left as they are
    return Turns(
        unit,
        _ints(table["turn"]),
        speaker,
        _lookup(pa.array(["colleague"]), table["addressee"]) == 0,
        _ints(table["start_ms"]),
        _ints(table["end_ms"]),
        _chunk(table["text"]),
        np.diff(offsets).astype(np.int64),
        np.asarray(table["confidence"].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64),
        offsets[:-1].astype(np.int64),
        char_ms,
    )


def _ascend(columns: Sequence[Ints]) -> bool:
    """Whether rows are sorted by the first column, where that is equal by the next, and so on."""
    equal = np.ones(max(0, len(columns[0]) - 1), bool)
    for column in columns:
        before, after = column[:-1], column[1:]
        if (equal & (after < before)).any():
            return False
        equal &= after == before
    return True


def _chunk(column: pa.ChunkedArray) -> Any:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _encoded(column: pa.ChunkedArray) -> tuple[list[Any], Ints]:
    """Distinct values, and the row of each value among them."""
    encoded = _chunk(column).dictionary_encode(null_encoding="encode")
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def _ints(column: Any) -> Ints:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), 0).to_numpy(zero_copy_only=False), np.int64)


def _lookup(known: Any, wanted: Any) -> Ints:
    """Row of `known` for each of `wanted`; -1 where it is not there."""
    return places(wanted, _chunk(known) if isinstance(known, pa.ChunkedArray) else known)


def event_spans(corpus: Corpus, kinds: Sequence[str]) -> Spans:
    """Spans of the events of these kinds; their items are rows of `corpus.events`."""
    chosen = np.asarray(pc.is_in(corpus.events["kind"], pa.array(list(kinds))).to_numpy(zero_copy_only=False), bool)
    rows = np.flatnonzero(chosen & (corpus.event_unit >= 0))
    start, end = (_ints(corpus.events[name])[rows] for name in ("start_ms", "end_ms"))
    return in_order(spans(corpus.event_unit[rows], start, end, rows))
