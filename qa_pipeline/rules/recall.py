"""What was said against what was said before, or against what the record holds: numbers, names, places."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from qa_pipeline.rules.case import NORMALISED, Case
from qa_pipeline.rules.language import Expression
from qa_pipeline.rules.occasions import find_spans
from qa_pipeline.rules.repetition import repeating, shared
from qa_pipeline.rules.spans import Flags, Ints, Spans, counts, expand, starts_within
from qa_pipeline.rules.truth import Truth, Witnesses, truth, witnesses
from qa_pipeline.rules.windows import Window, window
from qa_pipeline.text.columns import fold_texts
from qa_pipeline.text.normal import normalise
from qa_pipeline.text.numbers import read_numbers
from qa_pipeline.text.plain import plain_texts, strings
from qa_pipeline.text.sound import sound


def _turns_in(w: Window, turns: Spans) -> tuple[Ints, Ints]:
    """The pairs (window, row of `turns`) of the turns in each window, in order."""
    lo, hi = starts_within(turns, w.unit, w.start, w.end) if w.by_start else counts(turns, w.unit, w.start, w.end)
    return expand(lo, hi)


def _where_said(case: Case, occasion: Spans, row: Ints, said: Spans, reason: str, unknown: Ints | int = 0) -> Truth:
    """True at the rows that have a turn; the first is shown. `row`: of each turn in `said`, ascending."""
    rows, first = np.unique(row, return_index=True)
    held = np.zeros(len(occasion), bool)
    held[rows] = True
    roles = case.roles_unknown[occasion.unit]
    doubt = np.where(roles != 0, roles, unknown)
    return truth(held, case.reasons.number(reason), Witnesses(rows, said.take(first)).of, doubt)


def names(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """One of the words that the occasion's attributes hold is said in the window, by its letters or its sound."""
    turns = case.turns_of(c.get("by", "agent"), c.get("to"))
    row, at = _turns_in(window(case, occasion, c.args), turns)
    told = [case.attributes(item) or {} for item in occasion.item.tolist()]
    wanted = [[word for key in c["names"] for word in _words(of.get(key))] for of in told]
    plain = [[normalise(word).text for word in of] for of in wanted]
    folded = fold_texts(case.corpus.turns.texts.take(pa.array(turns.item[at])))
    texts, sounds = (strings(codes, folded.starts, folded.ends) for codes in (folded.normal, folded.sound))
    of_pair = zip(row.tolist(), texts, sounds, strict=True)
    said = np.array([any(_is_in(word, text, heard) for word in plain[r]) for r, text, heard in of_pair], bool)
    missing = np.array([not of for of in wanted], bool)
    unknown = np.where(missing, case.reasons.number(f"unknown:{c['names'][0]}"), 0)
    return _where_said(case, occasion, row[said], turns.take(at[said]), "not_named", unknown)


def _words(value: Any) -> Sequence[str]:
    if isinstance(value, list | tuple):
        return [str(v) for v in value]
    return [] if value is None else [str(value)]


def _is_in(word: str, text: str, heard: str) -> bool:
    """By the letters of the normal form, or longer words by their sound."""
    return bool(word) and (word in text or (len(word) > 1 and sound(word) in heard))


def echoes(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """The speaker says n characters in a row that the other one said earlier in the leg."""
    other = c["echoes"]
    by = c.get("by", "agent" if other != "agent" else "customer")
    mine, theirs = case.speaks(by), case.speaks(other, "anyone")
    asked = np.zeros(len(case), bool)
    asked[occasion.unit] = True
    turns = case.corpus.turns
    of = np.flatnonzero(asked[turns.unit] & (mine | theirs))
    plain = plain_texts(turns.texts.take(pa.array(of)))
    echoing = np.zeros(len(turns), bool)
    echoing[of] = repeating(plain, turns.unit[of], turns.start[of], mine[of], theirs[of], c.get("characters", 6))
    own = case.turns_of(by)
    row, at = _turns_in(window(case, occasion, {**c.args, "by": by}), own)
    held = echoing[own.item[at]]
    return _where_said(case, occasion, row[held], own.take(at[held]), "not_repeated")


def repeats(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """What was said at the occasion is said again within the speaker's next turns."""
    by, n = c.get("by", "agent"), c["repeats"]
    turns = case.turns_of(by)
    row, at = _turns_in(window(case, occasion, {"next_turns": c.get("next_turns", 2), "by": by}), turns)
    said = case.quotes(occasion.item)
    plain = plain_texts(pa.concat_arrays([said, case.corpus.turns.texts.take(pa.array(turns.item[at])).cast(said.type)]))
    held = shared(plain, row, len(said) + np.arange(len(at)), n)
    return _where_said(case, occasion, row[held], turns.take(at[held]), "not_repeated")


def every_value(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """No value is said that none of the sources holds: an accusation, so exact and normalised words only."""
    found, _ = find_spans(case, c["every_value"])
    found = found.take(case.items.rung[found.item] <= NORMALISED)
    row, at = _begun_in(found, occasion)
    known = _known(case, c, found)[at]
    held = np.ones(len(occasion), bool)
    held[row[~known]] = False
    shown = witnesses([Witnesses(row[some], found.take(at[some])) for some in (~known, known)])
    return truth(held, case.reasons.number("value_from_nowhere"), shown.of, case.roles_unknown[occasion.unit])


def some_value(case: Case, c: Expression, occasion: Spans, anchored: bool) -> Truth:
    """One captured value equals one of the sources."""
    found, _ = find_spans(case, c["some_value"])
    row, at = _begun_in(found, occasion)
    known = _known(case, c, found)[at]
    held = np.zeros(len(occasion), bool)
    held[row[known]] = True
    shown = Witnesses(row[known], found.take(at[known]))
    return truth(held, case.reasons.number("no_such_value"), shown.of, case.roles_unknown[occasion.unit])


def _begun_in(found: Spans, occasion: Spans) -> tuple[Ints, Ints]:
    """The pairs (row, span of `found`) of the spans that begin in each row."""
    return expand(*starts_within(found, occasion.unit, np.maximum(occasion.start, 0), occasion.end))


def _known(case: Case, c: Expression, found: Spans) -> Flags:
    """Which of the spans have a value that one of the sources holds, or has held before."""
    values = _Values(case, bool(c.get("by_sound")))
    mine, known = values.of_spans(found), np.zeros(len(found), bool)
    for kind, source in c["from"]:
        if kind == "field":
            held, codes = case.factored(source)
            pairs = [code << 32 | n for code, value in enumerate(held) for n in values.of_words(_words(value))]
            known |= np.isin(codes[found.unit] << 32 | mine, np.array(pairs, np.int64))
        elif kind == "slot":
            known |= np.isin(mine, values.of_words(case.pack.slots.get(source, ())))
        else:
            told, _ = find_spans(case, source)
            known |= _told_before(found, mine, told, values.of_spans(told))
    return known


def _told_before(found: Spans, mine: Ints, told: Spans, theirs: Ints) -> Flags:
    """Which of the spans have the value of one of those told earlier in their unit."""
    if not len(told):
        return np.zeros(len(found), bool)
    place, first = np.unique(told.unit << 32 | theirs, return_index=True)
    wanted = found.unit << 32 | mine
    at = np.minimum(np.searchsorted(place, wanted), len(place) - 1)
    earlier = np.maximum(told.start[first[at]], 0) <= np.maximum(found.start - 1, 0)
    return np.asarray(earlier & (place[at] == wanted), bool)


class _Values:
    """Numbers for captured values, the same for those that are said, or sound, the same."""

    def __init__(self, case: Case, by_sound: bool) -> None:
        self.case, self.by_sound = case, by_sound
        self.numbers: dict[str, int] = {}

    def of_words(self, said: Iterable[str]) -> list[int]:
        plain = (read_numbers(normalise(one).text) for one in said)
        return [self.numbers.setdefault(sound(one) if self.by_sound else one, len(self.numbers)) for one in plain]

    def of_spans(self, found: Spans) -> Ints:
        """Of what a hit captured, else of its words."""
        captured, row = np.unique(self.case.items.value[found.item], return_inverse=True)
        numbers = self.of_words(self.case.values[value] if value >= 0 else "" for value in captured.tolist())
        out = np.array(numbers, np.int64)[row]
        bare = np.flatnonzero(captured[row] < 0)
        out[bare] = self.of_words(self.case.quotes(found.item[bare]).to_pylist())
        return out
