"""What was said against what was said before, or against what the record holds: numbers, names, places.

These operators look at few rows (a number given, a wake-up booked) and so go row by row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from qa_pipeline.rules.case import NORMALISED, Case
from qa_pipeline.rules.language import Expression
from qa_pipeline.rules.occasions import find_spans
from qa_pipeline.rules.spans import LONGEST, Spans, counts, starts_within
from qa_pipeline.rules.truth import Proof, Truth, Witnesses, truth, witnesses
from qa_pipeline.rules.windows import Window, window
from qa_pipeline.text.normal import normalise
from qa_pipeline.text.numbers import read_numbers
from qa_pipeline.text.sound import sound


def _turns_in(case: Case, w: Window, by: str, to: str | None) -> list[list[int]]:
    """The rows of the speaker's turns in each window, in order."""
    turns = case.turns_of(by, to)
    lo, hi = starts_within(turns, w.unit, w.start, w.end) if w.by_start else counts(turns, w.unit, w.start, w.end)
    return [turns.item[a:b].tolist() for a, b in zip(lo.tolist(), hi.tolist(), strict=True)]


def shares(one: str, other: str, n: int) -> bool:
    """Whether `other` holds n characters in a row of `one`, or all of it where it is shorter."""
    n = min(n, len(one))
    return n > 0 and any(one[i : i + n] in other for i in range(len(one) - n + 1))


def names(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """One of the words that the occasion's attributes hold is said in the window, by its letters or its sound."""
    by, to = c.get("by", "agent"), c.get("to")
    turns = _turns_in(case, window(case, occasion, c.args), by, to)
    held, missing, rows, at = np.zeros(len(occasion), bool), np.zeros(len(occasion), bool), [], []
    for row, (item, inside) in enumerate(zip(occasion.item.tolist(), turns, strict=True)):
        told = case.attributes(item) or {}
        words = [w for key in c["names"] for w in _words(told.get(key))]
        missing[row] = not words
        said = next((t for t in inside if any(_heard_in(w, case.corpus.turns.texts[t].as_py()) for w in words)), None)
        if said is not None:
            held[row] = True
            rows.append(row)
            at.append(said)
    unknown = np.where(missing, case.reasons.number(f"unknown:{c['names'][0]}"), 0)
    roles = case.roles_unknown[occasion.unit]
    return truth(held, case.reasons.number("not_named"), _turn_proof(case, rows, at), np.where(roles != 0, roles, unknown))


def _words(value: Any) -> Iterable[str]:
    if isinstance(value, list | tuple):
        return [str(v) for v in value]
    return [] if value is None else [str(value)]


def _heard_in(word: str, text: str) -> bool:
    plain, spoken = normalise(word).text, normalise(text).text
    return bool(plain) and (plain in spoken or (len(plain) > 1 and sound(plain) in sound(spoken)))


def _turn_proof(case: Case, rows: list[int], turns: list[int]) -> Proof:
    return Witnesses(np.array(rows, np.int64), case.everybody.take(np.array(turns, np.int64))).of


def echoes(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """The speaker says n characters in a row that the other one said earlier in the leg."""
    other, n = c["echoes"], c.get("characters", 6)
    by = c.get("by", "agent" if other != "agent" else "customer")
    mine = _turns_in(case, window(case, occasion, {**c.args, "by": by}), by, None)
    units = np.unique(occasion.unit)
    everything = Window(units, np.zeros(len(units), np.int64), np.full(len(units), LONGEST - 1), by_start=True)
    first_said = {
        unit: _first_said(case, theirs, n)
        for unit, theirs in zip(units.tolist(), _turns_in(case, everything, other, "anyone"), strict=True)
    }
    starts, held, rows, at = case.corpus.turns.start, np.zeros(len(occasion), bool), [], []
    for row, (said, unit) in enumerate(zip(mine, occasion.unit.tolist(), strict=True)):
        for turn in said:
            plain, known, start = case.plain(turn), first_said[unit], starts[turn]
            if any(known.get(plain[i : i + n], start) < start for i in range(len(plain) - n + 1)):
                held[row] = True
                rows.append(row)
                at.append(turn)
                break
    return truth(held, case.reasons.number("not_repeated"), _turn_proof(case, rows, at), case.roles_unknown[occasion.unit])


def _first_said(case: Case, turns: list[int], n: int) -> dict[str, int]:
    """When each n characters in a row were first said in these turns, which come in order."""
    known: dict[str, int] = {}
    for turn in turns:
        plain, start = case.plain(turn), int(case.corpus.turns.start[turn])
        for i in range(len(plain) - n + 1):
            known.setdefault(plain[i : i + n], start)
    return known


def repeats(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """What was said at the occasion is said again within the speaker's next turns."""
    by, n = c.get("by", "agent"), c["repeats"]
    w = window(case, occasion, {"next_turns": c.get("next_turns", 2), "by": by})
    held, rows, at = np.zeros(len(occasion), bool), [], []
    for row, inside in enumerate(_turns_in(case, w, by, None)):
        wanted = case.words(int(occasion.item[row]))
        said = next((turn for turn in inside if shares(wanted, case.plain(turn), n)), None)
        if said is not None:
            held[row] = True
            rows.append(row)
            at.append(said)
    return truth(held, case.reasons.number("not_repeated"), _turn_proof(case, rows, at), case.roles_unknown[occasion.unit])


def every_value(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """No value is said that none of the sources holds: an accusation, so exact and normalised words only."""
    held, right, wrong = _values(case, c, occasion, "every_value")
    found, _ = find_spans(case, c["every_value"])
    return truth(
        held["every"],
        case.reasons.number("value_from_nowhere"),
        witnesses([Witnesses(np.array(r, np.int64), found.take(np.array(s, np.int64))) for r, s in (wrong, right) if r]).of,
        case.roles_unknown[occasion.unit],
    )


def some_value(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """One captured value equals one of the sources."""
    held, right, _ = _values(case, c, occasion, "some_value")
    found, _unknown = find_spans(case, c["some_value"])
    proof = Witnesses(np.array(right[0], np.int64), found.take(np.array(right[1], np.int64)))
    return truth(held["some"], case.reasons.number("no_such_value"), proof.of, case.roles_unknown[occasion.unit])


Rows = tuple[list[int], list[int]]


def _values(case: Case, c: Expression, occasion: Spans, op: str) -> tuple[Mapping[str, Any], Rows, Rows]:
    """Per row whether every and whether some value has a source; (row, span) pairs of those that have one and have none."""
    found, _ = find_spans(case, c[op])
    lo, hi = starts_within(found, occasion.unit, np.maximum(occasion.start, 0), occasion.end)
    every, some = np.ones(len(occasion), bool), np.zeros(len(occasion), bool)
    right: Rows = ([], [])
    wrong: Rows = ([], [])
    for row in np.flatnonzero(hi > lo).tolist():
        for at in range(int(lo[row]), int(hi[row])):
            if op == "every_value" and case.items.rung[found.item[at]] > NORMALISED:
                continue
            known = _sources(case, c, int(occasion.unit[row]), int(found.start[at]))
            fits = _equal(_value(case, found, at), known, bool(c.get("by_sound")))
            some[row] |= fits
            every[row] &= fits
            pairs = right if fits else wrong
            pairs[0].append(row)
            pairs[1].append(at)
    return {"every": every, "some": some}, right, wrong


def _value(case: Case, found: Spans, at: int) -> str:
    value = int(case.items.value[found.item[at]])
    return read_numbers(case.values[value]) if value >= 0 else case.words(int(found.item[at]))


def _sources(case: Case, c: Expression, unit: int, before: int) -> list[str]:
    known: list[str] = []
    for kind, source in c["from"]:
        if kind == "field":
            known += _words(case.column(source)[unit])
        elif kind == "slot":
            known += case.pack.slots.get(source, ())
        else:
            spans, _ = find_spans(case, source)
            time = np.array([before - 1]), np.array([unit])
            lo, hi = starts_within(spans, time[1], np.zeros(1, np.int64), time[0])
            known += [_value(case, spans, i) for i in range(int(lo[0]), int(hi[0]))]
    return [read_numbers(normalise(k).text) for k in known]


def _equal(value: str, known: list[str], by_sound: bool) -> bool:
    plain = read_numbers(normalise(value).text)
    return plain in known or (by_sound and sound(plain) in [sound(k) for k in known])
