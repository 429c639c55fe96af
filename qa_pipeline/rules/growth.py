"""Chains of literals found in a stream of folded texts: seeded at their anchors and grown link by link, all together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from qa_pipeline.rules.phrase import NORMALISED, SOUND
from qa_pipeline.rules.plan import CAPTURE_GAP, CAPTURE_LINK, NEGATIONS, Forms, Literals, Plan
from qa_pipeline.rules.trie import NONE, Ints, spread
from qa_pipeline.text.columns import Folded

PAD = 4
"""Codes of nothing behind the last text, for looking ahead."""


class Stream:
    """Folded texts end to end with a 0 behind each. Positions are stream positions; `source` leads back.

    `codes`: sound codes of the trie; `normal`: code points; `text`: row of the text; `raw`: index into `folded.raw`.
    """

    def __init__(self, folded: Folded, literals: Literals) -> None:
        self.folded = folded
        texts = len(folded.bounds) - 1
        self.size = len(folded.normal) + texts + PAD
        at = np.arange(len(folded.normal), dtype=np.int32) + folded.text
        self.codes, self.normal = np.zeros(self.size, np.uint16), np.zeros(self.size, np.int32)
        self.codes[at] = literals.code[folded.sound]
        self.normal[at] = folded.normal
        self.starts = (folded.bounds[:-1] + np.arange(texts)).astype(np.int32)
        self.ends = (folded.bounds[1:] + np.arange(texts)).astype(np.int32)
        self.text = np.append(np.repeat(np.arange(texts, dtype=np.int32), self.ends - self.starts + 1), [texts] * PAD)
        self.raw = np.zeros(self.size, np.int32)
        self.raw[at] = folded.offset + folded.raw_bounds[:-1][folded.text]

    def source(self, first: Ints, last: Ints) -> tuple[Ints, Ints]:
        """Character offsets in the original texts of non-empty stretches."""
        begin = self.folded.raw_bounds[:-1][self.text[first]]
        return (self.raw[first] - begin).astype(np.int32), (self.raw[last - 1] + 1 - begin).astype(np.int32)


@dataclass(frozen=True)
class Found:
    """Chains found so far, as columns.

    `step` to go on with, stretch [first, last) of the stream, worst `rung`, `edits`, literal `chars`, slot `value`, and the
    captured stretch [value_first, value_last); value_first is NONE where there is none.
    """

    step: Ints
    first: Ints
    last: Ints
    rung: Ints
    edits: Ints
    chars: Ints
    value: Ints
    value_first: Ints
    value_last: Ints

    def take(self, rows: npt.NDArray[Any]) -> Found:
        return Found(*(getattr(self, f.name)[rows] for f in fields(self)))

    @staticmethod
    def together(parts: list[Found]) -> Found:
        return Found(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Found)))


def grow(plan: Plan, stream: Stream) -> Found:
    """Every chain found, whole; a chain may be found in several ways."""
    at, literal = _occurrences(plan.literals, stream)
    states, finished = _seeded(plan, stream, at, literal), []
    table = _Table(plan, stream, at, literal)
    while True:
        done = plan.steps.done[states.step]
        finished.append(states.take(done))
        if done.all():
            return _with_margins(plan, stream, Found.together(finished))
        states = table.extended(states.take(~done))


def _occurrences(literals: Literals, stream: Stream) -> tuple[Ints, Ints]:
    """(position, literal) of every literal; those of one literal in order of position."""
    parts = [literals.trie.find(stream.codes), _singles(literals, stream), *_runs(literals, stream)]
    if literals.near.literals:
        parts.append(_near(literals, stream))
    for literal, at in zip(literals.edges, (stream.starts, stream.ends), strict=True):
        if literal != NONE:
            parts.append((at, np.full(len(at), literal, np.int32)))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def _singles(literals: Literals, stream: Stream) -> tuple[Ints, Ints]:
    found = literals.single[stream.normal]
    at = np.flatnonzero(found != NONE).astype(np.int32)
    return at, found[at]


def _runs(literals: Literals, stream: Stream) -> Iterator[tuple[Ints, Ints]]:
    for letters, of_length in literals.runs.items():
        within = np.isin(stream.normal, [ord(c) for c in letters])
        flips = np.diff(within.astype(np.int8), prepend=0)
        starts, ends = np.flatnonzero(flips == 1), np.flatnonzero(flips == -1)
        found = of_length[np.minimum(ends - starts, len(of_length) - 1)]
        right = found != NONE
        yield starts[right].astype(np.int32), found[right]


def _near(literals: Literals, stream: Stream) -> tuple[Ints, Ints]:
    """Literals heard with one edit, but for edits that put in, take out or stand beside a negation."""
    found = literals.near.find(stream.codes)
    found = found.take(stream.text[found.first] == stream.text[found.last - 1])
    turned = (found.dropped != NONE) & literals.negated[found.literal, found.dropped]
    turned |= (found.added != NONE) & np.isin(stream.normal[found.added], [ord(c) for c in NEGATIONS])
    found = found.take(~turned)
    length = literals.length[literals.near_literal[0][found.literal]]
    literal = literals.near_literal[found.last - found.first - length, found.literal]
    once = np.unique(literal.astype(np.int64) * stream.size + found.first)
    return (once % stream.size).astype(np.int32), (once // stream.size).astype(np.int32)


def _seeded(plan: Plan, stream: Stream, at: Ints, literal: Ints) -> Found:
    """A state for every chain whose anchor stands somewhere."""
    forms = plan.forms
    row, form = spread(forms.first[literal], forms.first[literal + 1] - forms.first[literal])
    used = plan.use_first[form + 1] > plan.use_first[form]
    row, form = row[used], form[used]
    rung = _rungs(forms, stream, at[row], form)
    each, use = spread(plan.use_first[form], plan.use_first[form + 1] - plan.use_first[form])
    row, form, rung = row[each], form[each], rung[each]
    step = plan.use_step[use]
    kept = rung <= plan.chain_worst[plan.steps.chain[step]]
    row, form, rung, step, use = row[kept], form[kept], rung[kept], step[kept], use[kept]
    first = at[row]
    last = first + plan.literals.length[literal[row]]
    captured = plan.use_capture[use]
    return Found(
        *(step, first, last, rung, forms.near[form].astype(np.int32), forms.chars[form], plan.use_value[use]),
        np.where(captured, first, np.int32(NONE)),
        np.where(captured, last, np.int32(NONE)),
    )


def _rungs(forms: Forms, stream: Stream, at: Ints, form: Ints) -> Ints:
    """On which rung each form stands at its place, known to sound there."""
    rung = np.where(forms.near[form], np.int32(SOUND + 1), np.int32(0))
    compared = np.flatnonzero(forms.compared[form])
    same = compared[_equal(forms.normal, form[compared], stream.normal, at[compared])]
    rung[compared] = SOUND
    rung[same] = NORMALISED
    begin, end = stream.raw[at[same]], stream.raw[at[same] + forms.chars[form[same]] - 1] + 1
    as_long = end - begin == forms.written_length[form[same]]
    same, begin = same[as_long], begin[as_long]
    rung[same[_equal(forms.written, form[same], stream.folded.raw, begin)]] = 0
    return rung


def _equal(matrix: Ints, column: Ints, codes: Ints, at: Ints) -> Ints:
    """Rows whose column of the matrix, up to its first 0, stands in `codes` at its place."""
    alive = np.arange(len(column))
    ended = []
    for place in range(len(matrix)):
        wanted = matrix[place, column[alive]]
        ended.append(alive[wanted == 0])
        alive, wanted = alive[wanted != 0], wanted[wanted != 0]
        alive = alive[codes[at[alive] + place] == wanted]
    return np.concatenate([*ended, alive])


class _Table:
    """Occurrences of the literals that steps look for, by position."""

    def __init__(self, plan: Plan, stream: Stream, at: Ints, literal: Ints) -> None:
        self.plan, self.stream = plan, stream
        joined = plan.literals.joined[literal]
        wanted = np.flatnonzero(joined != NONE)
        packed = np.sort((at[wanted].astype(np.int64) << 32) + joined[wanted])
        self.at, self.joined = (packed >> 32).astype(np.int32), (packed & 0xFFFFFFFF).astype(np.int32)
        self.index = np.append([0], np.cumsum(np.bincount(self.at, minlength=stream.size)))

    def extended(self, states: Found) -> Found:
        """Every state with every way to say its next link."""
        plan, steps, forms = self.plan, self.plan.steps, self.plan.forms
        row, place = self._candidates(states)
        each, member = steps.members.all(states.step[row], self.joined[place])
        row, at = row[each], self.at[place[each]]
        form = plan.member_form[member]
        rung = np.maximum(states.rung[row], _rungs(forms, self.stream, at, form))
        edits = states.edits[row] + forms.near[form]
        kept = (rung <= plan.chain_worst[steps.chain[states.step[row]]]) & (edits <= 1) & self._in_reach(states, row, at, form)
        row, form, member, at = row[kept], form[kept], member[kept], at[kept]
        return self._grown(states.take(row), form, member, at, rung[kept], edits[kept])

    def _candidates(self, states: Found) -> tuple[Ints, Ints]:
        """(state, occurrence) for all that start where the next link may."""
        steps, step, text = self.plan.steps, states.step, self.stream.text[states.first]
        right, least, most = steps.side[step] > 0, steps.least[step], steps.most[step]
        first = np.where(right, states.last + least, states.first - most - steps.longest[step])
        last = np.where(right, states.last + most, states.first - least - steps.shortest[step])
        begin = self.index[np.maximum(first, self.stream.starts[text])]
        end = self.index[np.clip(last + 1, 0, self.stream.ends[text] + 1)]
        return spread(begin, np.maximum(end - begin, 0))

    def _in_reach(self, states: Found, row: Ints, at: Ints, form: Ints) -> npt.NDArray[np.bool_]:
        """Whether a link found on the left ends where it may."""
        steps, step = self.plan.steps, states.step[row]
        gap = states.first[row] - at - self.plan.literals.length[self.plan.forms.literal[form]]
        found: npt.NDArray[np.bool_] = (steps.side[step] > 0) | ((gap >= steps.least[step]) & (gap <= steps.most[step]))
        return found

    def _grown(self, states: Found, form: Ints, member: Ints, at: Ints, rung: Ints, edits: Ints) -> Found:
        plan = self.plan
        end = at + plan.literals.length[plan.forms.literal[form]]
        right, capture = plan.steps.side[states.step] > 0, plan.steps.capture[states.step]
        gap_first, gap_last = np.where(right, states.last, end), np.where(right, at, states.first)
        value = plan.member_value[member]
        takes = [capture == CAPTURE_GAP, capture == CAPTURE_LINK]
        return Found(
            states.step + np.int32(1),
            *(np.where(right, states.first, at), np.where(right, end, states.last)),
            *(rung, edits, states.chars + plan.forms.chars[form], np.where(value == NONE, states.value, value)),
            np.select(takes, [gap_first, at], states.value_first),
            np.select(takes, [gap_last, end], states.value_last),
        )


def _with_margins(plan: Plan, stream: Stream, found: Found) -> Found:
    """Hits widened by the characters that a gap at the rim of their wording must hold, as many as there are."""
    if not plan.chain_margin.any():
        return found
    chain = plan.steps.chain[found.step]
    margin, text = plan.chain_margin[chain], stream.text[found.first]
    first = np.maximum(found.first - margin[:, 1], stream.starts[text])
    last = np.minimum(found.last + margin[:, 3], stream.ends[text])
    enough = (found.first - first >= margin[:, 0]) & (last - found.last >= margin[:, 2]) & (last > first)
    takes = plan.chain_capture_margin[chain]
    before = takes & (margin[:, 1] > 0)
    value_first = np.select([before, takes], [first, found.last], found.value_first)
    value_last = np.select([before, takes], [found.first, last], found.value_last)
    columns = (found.step, first, last, found.rung, found.edits, found.chars, found.value, value_first, value_last)
    return Found(*(column[enough].astype(np.int32) for column in columns))
