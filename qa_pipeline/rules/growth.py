"""Chains of literals found in a stream of folded texts: seeded at their anchors and grown link by link."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa_pipeline.kernels import Kernel
from qa_pipeline.rules.phrase import EXACT, NEAR, NORMALISED, SOUND
from qa_pipeline.rules.scan import Finding, Occurrences, occurrences
from qa_pipeline.rules.trie import NONE, Codes, Ints, Slots
from qa_pipeline.text.columns import Folded

NO_CAPTURE, CAPTURE_GAP, CAPTURE_LINK = 0, 1, 2
STEP, FIRST, LAST, RUNG, EDITS, CHARS, VALUE, VALUE_FIRST, VALUE_LAST = range(9)
COLUMNS = 9
"""Columns of a state, and of what is found, where the chain stands in place of the step.

Stretch [first, last) of the stream, worst rung, edits, literal characters, slot value, and the captured stretch
[value_first, value_last); value_first is NONE where there is none.
"""
BITS = 61
AHEAD = 4
"""Codes of nothing behind the last text, for looking ahead."""


class Stream(NamedTuple):
    """Folded texts end to end with a 0 behind each. Positions are stream positions.

    `codes`: sound codes of the trie; `normal`: code points; `starts`, `ends`: of each text; `raw`: index into `written`, the
    original code points.
    """

    codes: Codes
    normal: Codes
    starts: Ints
    ends: Ints
    raw: Ints
    written: Codes


class Chains(NamedTuple):
    """What to look for, compiled; see `plan` for how.

    *Forms* are sorted by literal: those of literal l are `form_first[l]:form_first[l + 1]`. By form: `form_chars`, spoken
    literal characters in it; `form_near`, 1 where it has an edit; `form_compared`: whether `form_normal` and `form_written`
    (rows of code points, 0 behind the last) decide the rung. A form anchors the chains
    `use_*[use_first[form]:use_first[form + 1]]`.

    *Steps* link the next literal to a chain: `side` +1 behind what is found so far, -1 before it; `least` to `most`
    characters away; `shortest`, `longest` of its members; `done`: the chain is complete. `members`: by step and `joined`
    literal, the forms (and slot values) that may stand there.
    """

    literal_length: Ints
    joined: Ints
    joined_bit: npt.NDArray[np.int64]
    form_first: Ints
    form_chars: Ints
    form_near: Ints
    form_compared: npt.NDArray[np.bool_]
    form_normal: Ints
    form_written: Ints
    form_written_length: Ints
    use_first: Ints
    use_step: Ints
    use_value: Ints
    use_capture: npt.NDArray[np.bool_]
    step_chain: Ints
    step_done: npt.NDArray[np.bool_]
    step_side: Ints
    step_least: Ints
    step_most: Ints
    step_capture: Ints
    step_shortest: Ints
    step_longest: Ints
    step_glance: npt.NDArray[np.int64]
    """The bits of the step's joined literals; one of BITS by `joined_bit`, so that most others are seen to be none at once."""
    members: Slots
    member_form: Ints
    member_value: Ints
    chain_worst: Ints
    chain_margin: Ints
    """[chain, (before least, before most, after least, after most)]"""
    chain_capture_margin: npt.NDArray[np.bool_]


class Joined(NamedTuple):
    """Of each occurrence the number of its literal among those that some step looks for, else NONE, and its bit, else 0."""

    number: Ints
    bit: npt.NDArray[np.int64]


def make_stream(folded: Folded, code: Ints) -> Stream:
    """`code`: sound code of each code point."""
    texts = len(folded.bounds) - 1
    size = len(folded.normal) + texts + AHEAD
    at = np.arange(len(folded.normal), dtype=np.int32) + folded.text
    codes, normal, raw = (np.zeros(size, np.int32) for _ in range(3))
    codes[at] = code[folded.sound]
    normal[at] = folded.normal
    raw[at] = folded.offset + folded.raw_bounds[:-1][folded.text]
    starts, ends = ((bounds + np.arange(texts)).astype(np.int32) for bounds in (folded.bounds[:-1], folded.bounds[1:]))
    return Stream(codes, normal, starts, ends, raw, folded.raw)


def grow(finding: Finding, chains: Chains, stream: Stream) -> tuple[Ints, Ints]:
    """Rows of all chains found, whole, text by text, and where each text's rows begin; one may be found in several ways."""
    found = occurrences(finding, stream.codes, stream.normal, stream.starts, stream.ends)
    joined = Joined(chains.joined[found.literal], chains.joined_bit[found.literal])
    bounds, room = np.zeros(len(stream.starts) + 1, np.int64), len(stream.codes)
    while True:
        rows, states = (np.empty((room, COLUMNS), np.int32) for _ in range(2))
        n = _grow(len(stream.codes), found, joined, chains, stream, states, rows, bounds)
        if n < room:
            return rows[:n], bounds
        room *= 2


def grown(found: Occurrences, joined: Joined, chains: Chains, stream: Stream, states: Ints, rows: Ints, bounds: Ints) -> int:
    """Fills in `rows` of what is found and `bounds` of each text's. The number of rows; if that is all there are, `rows` or
    `states`, which hold what is under way, were too few."""
    n = 0
    for text in range(len(stream.starts)):
        start, end = stream.starts[text], stream.ends[text]
        for seed in range(found.first[start], found.first[end + 1]):
            waiting = seeded(found, joined, chains, stream, seed, start, end, states)
            looked_at = 0
            while looked_at < waiting:
                state = states[looked_at]
                looked_at += 1
                if not chains.step_done[state[STEP]]:
                    waiting = extended(found, joined, chains, stream, state, start, end, states, waiting)
                elif n < len(rows) and widened(chains, state, start, end, rows[n]):
                    n += 1
            if waiting == len(states) or n == len(rows):
                return len(rows)
        bounds[text + 1] = n
    return n


def seeded(
    found: Occurrences, joined: Joined, chains: Chains, stream: Stream, seed: int, start: int, end: int, states: Ints
) -> int:
    """A state for every chain whose anchor the occurrence is, if there is something to go on with."""
    literal, at, n = found.literal[seed], found.at[seed], 0
    last = at + chains.literal_length[literal]
    for form in range(chains.form_first[literal], chains.form_first[literal + 1]):
        rung = NONE
        for use in range(chains.use_first[form], chains.use_first[form + 1]):
            step = chains.use_step[use]
            if not chains.step_done[step] and next_link(found, joined, chains, step, at, last, start, end, NONE) == NONE:
                continue
            if rung == NONE:
                rung = rung_of(chains, stream, form, at)
            if rung > chains.chain_worst[chains.step_chain[step]] or n == len(states):
                continue
            state = states[n]
            state[STEP], state[FIRST], state[LAST], state[RUNG] = step, at, last, rung
            state[EDITS], state[CHARS], state[VALUE] = chains.form_near[form], chains.form_chars[form], chains.use_value[use]
            state[VALUE_FIRST], state[VALUE_LAST] = NONE, NONE
            if chains.use_capture[use]:
                state[VALUE_FIRST], state[VALUE_LAST] = at, last
            n += 1
    return n


def next_link(
    found: Occurrences, joined: Joined, chains: Chains, step: int, first: int, last: int, start: int, end: int, after: int
) -> int:
    """The next occurrence behind number `after` that may be the step's link to [first, last), or NONE."""
    right, least, most = chains.step_side[step] > 0, chains.step_least[step], chains.step_most[step]
    lowest = last + least if right else first - most - chains.step_longest[step]
    highest = last + most if right else first - least - chains.step_shortest[step]
    if lowest > end or highest < start:
        return NONE
    members, shift, glance = chains.members, chains.members.shift[step], chains.step_glance[step]
    for i in range(max(found.first[max(lowest, start)], after + 1), found.first[min(highest, end) + 1]):
        if glance & joined.bit[i] and members.owner[shift + joined.number[i]] == step:
            gap = first - found.at[i] - chains.literal_length[found.literal[i]]
            if right or least <= gap <= most:
                return i
    return NONE


def rung_of(chains: Chains, stream: Stream, form: int, at: int) -> int:
    """On which rung the form stands here, where it is known to sound."""
    if chains.form_near[form]:
        return NEAR
    if not chains.form_compared[form]:
        return EXACT
    chars = chains.form_chars[form]
    for i in range(chars):
        if chains.form_normal[form, i] != stream.normal[at + i]:
            return SOUND
    begin = stream.raw[at]
    length = stream.raw[at + chars - 1] + 1 - begin
    if length != chains.form_written_length[form]:
        return NORMALISED
    for i in range(length):
        if chains.form_written[form, i] != stream.written[begin + i]:
            return NORMALISED
    return EXACT


def extended(
    found: Occurrences, joined: Joined, chains: Chains, stream: Stream, state: Ints, start: int, end: int, states: Ints, n: int
) -> int:
    """The states that the next link makes of this one, in every way to say it."""
    step, members = state[STEP], chains.members
    worst = chains.chain_worst[chains.step_chain[step]]
    i = next_link(found, joined, chains, step, state[FIRST], state[LAST], start, end, NONE)
    while i != NONE:
        at, slot = found.at[i], members.shift[step] + joined.number[i]
        last = at + chains.literal_length[found.literal[i]]
        for each in range(members.first[slot], members.last[slot]):
            member = members.values[each]
            form = chains.member_form[member]
            rung = max(state[RUNG], rung_of(chains, stream, form, at))
            if rung > worst or (state[EDITS] and chains.form_near[form]) or n == len(states):
                continue
            linked(chains, state, step, form, chains.member_value[member], at, last, rung, states[n])
            n += 1
        i = next_link(found, joined, chains, step, state[FIRST], state[LAST], start, end, i)
    return n


def linked(chains: Chains, state: Ints, step: int, form: int, value: int, at: int, last: int, rung: int, grown: Ints) -> None:
    """Fills in the state `grown`, with the link at [at, last)."""
    right = chains.step_side[step] > 0
    for i in range(COLUMNS):
        grown[i] = state[i]
    grown[STEP], grown[RUNG] = step + 1, rung
    if right:
        grown[LAST] = last
    else:
        grown[FIRST] = at
    grown[EDITS] += chains.form_near[form]
    grown[CHARS] += chains.form_chars[form]
    if value != NONE:
        grown[VALUE] = value
    if chains.step_capture[step] == CAPTURE_GAP:
        grown[VALUE_FIRST] = state[LAST] if right else last
        grown[VALUE_LAST] = at if right else state[FIRST]
    elif chains.step_capture[step] == CAPTURE_LINK:
        grown[VALUE_FIRST], grown[VALUE_LAST] = at, last


def widened(chains: Chains, state: Ints, start: int, end: int, row: Ints) -> bool:
    """Fills in the row of a chain found whole, with the characters that a gap at the rim of its wording must hold, as many as
    there are; whether there are enough, and any at all."""
    chain = chains.step_chain[state[STEP]]
    margin, first, last = chains.chain_margin[chain], state[FIRST], state[LAST]
    for i in range(COLUMNS):
        row[i] = state[i]
    row[STEP], row[FIRST], row[LAST] = chain, max(first - margin[1], start), min(last + margin[3], end)
    if chains.chain_capture_margin[chain]:
        before = margin[1] > 0
        row[VALUE_FIRST] = row[FIRST] if before else last
        row[VALUE_LAST] = first if before else row[LAST]
    enough = first - row[FIRST] >= margin[0] and row[LAST] - last >= margin[2]
    return bool(enough and row[LAST] > row[FIRST])


_grow = Kernel(grown, seeded, next_link, rung_of, extended, linked, widened)
