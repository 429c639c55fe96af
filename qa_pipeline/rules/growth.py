"""Chains of literals found in a stream of folded texts: seeded at their anchors and grown link by link."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from qa_pipeline.kernels import Kernel
from qa_pipeline.rules.phrase import EXACT, NEAR, NORMALISED, SOUND
from qa_pipeline.rules.scan import Finding, Occurrences, occurrences
from qa_pipeline.rules.trie import NONE, Codes, Ints
from qa_pipeline.text.columns import Bounds, fold_texts

Glances = npt.NDArray[np.int64]
NO_CAPTURE, CAPTURE_GAP, CAPTURE_LINK = 0, 1, 2
STEP, FIRST, LAST, RUNG, EDITS, CHARS, VALUE, VALUE_FIRST, VALUE_LAST = range(9)
ONE = np.int64(1)
COLUMNS = 9
"""Columns of a state, and of what is found, where the chain stands in place of the step.

Stretch [first, last) of the stream, worst rung, edits, literal characters, slot value, and the captured stretch
[value_first, value_last); value_first is NONE where there is none.
"""
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


LENGTH, JOINED, USE_FIRST, USE_LAST = range(4)
USE_STEP, USE_FORM, USE_LOW, USE_HIGH, USE_DONE, USE_WORST, USE_VALUE, USE_CAPTURE = range(8)
CHAIN, WORST, DONE, SIDE, LEAST, MOST, CAPTURE, SHORTEST, LONGEST, SHIFT = range(10)
OWNER, MEMBER_FIRST, MEMBER_LAST = range(3)
FORM_CHARS, FORM_NEAR, COMPARED, WRITTEN, LETTERS = range(5)


class Chains(NamedTuple):
    """What to look for, compiled; see `plan` for how. Tables of a row each, whose columns are named above: a look at one
    thing is one look into memory.

    literals: its length; its number among those that some step looks for, else NONE; the uses USE_FIRST to USE_LAST that it
    anchors. uses: of a form as the anchor of a chain; from where its literal begins, a link of its step begins at USE_LOW to
    USE_HIGH.

    steps link the next literal to a chain: SIDE +1 behind what is found so far, -1 before it; LEAST to MOST characters away;
    SHORTEST, LONGEST of its members; DONE: the chain is complete; WORST rung of its chain. `slots[SHIFT + joined]`, if
    its OWNER is the step, are the members MEMBER_FIRST to MEMBER_LAST that may stand there. members: a form, a slot value.

    forms: FORM_CHARS, spoken literal characters in it; FORM_NEAR, 1 where it has an edit; COMPARED: whether `letters` from
    LETTERS on, FORM_CHARS of the normal form and WRITTEN as they are written, decide the rung.
    """

    literals: Ints
    uses: Ints
    use_glance: Glances
    """[use]: that of its step."""
    steps: Ints
    glance: Glances
    """[step, 0 or 1]: the bits of its joined literals, two each (`look_over`): a stretch without them holds none of these."""
    slots: Ints
    members: Ints
    forms: Ints
    letters: Ints
    margin: Ints
    """[chain, (before least, before most, after least, after most)]"""
    capture_margin: npt.NDArray[np.bool_]


class Sight(NamedTuple):
    """Room for the text that is looked at. `number`: of each of its occurrences the number of its literal among those that some
    step looks for, else NONE. `bits[b, k, at - start]`: the bits of those that begin at one of 2 ** k positions from `at` on;
    `seen`: of those anywhere in the text; `level`: see `levels`."""

    number: Ints
    bits: Glances
    level: Ints
    seen: Glances


def make_stream(texts: pa.Array, code: Codes) -> tuple[Stream, Bounds]:
    """Folded, with where each text begins in `written` and the last one ends. `code`: sound code of each code point."""
    told = fold_texts(texts, 1, AHEAD)
    return Stream(code[told.sound], told.normal, told.starts, told.ends, told.source, told.raw), told.raw_bounds


def grow(finding: Finding, chains: Chains, stream: Stream) -> tuple[Ints, Ints]:
    """Rows of all chains found, whole, text by text, and where each text's rows begin; one may be found in several ways."""
    found = occurrences(finding, stream.codes, stream.normal, stream.starts, stream.ends)
    longest = int((stream.ends - stream.starts).max(initial=0)) + 1
    sight = Sight(
        np.empty(len(found.literal), np.int32),
        np.empty((2, longest.bit_length(), longest), np.int64),
        levels(longest),
        np.zeros(2, np.int64),
    )
    bounds, room = np.zeros(len(stream.starts) + 1, np.int64), len(stream.codes)
    while True:
        rows, states = (np.empty((room, COLUMNS), np.int32) for _ in range(2))
        n = _grow(len(stream.codes), found, sight, chains, stream, states, rows, bounds)
        if n < room:
            return rows[:n], bounds
        room *= 2


def levels(longest: int) -> Ints:
    """For a stretch of so many positions, the level of `bits` of which two cover it."""
    return np.array([max(0, n.bit_length() - 1) for n in range(longest + 1)], np.int64)


def grown(found: Occurrences, sight: Sight, chains: Chains, stream: Stream, states: Ints, rows: Ints, bounds: Ints) -> int:
    """Fills in `rows` of what is found and `bounds` of each text's. The number of rows; if that is all there are, `rows` or
    `states`, which hold what is under way, were too few."""
    n = 0
    for text in range(len(stream.starts)):
        start, end = stream.starts[text], stream.ends[text]
        look_over(found, sight, chains, start, end)
        for seed in range(found.first[start], found.first[end + 1]):
            literal = chains.literals[found.literal[seed]]
            if literal[USE_FIRST] == literal[USE_LAST]:
                continue
            waiting = seeded(found, sight, chains, stream, literal, found.at[seed], start, end, states)
            looked_at = 0
            while looked_at < waiting:
                state = states[looked_at]
                looked_at += 1
                if not chains.steps[state[STEP], DONE]:
                    waiting = extended(found, sight, chains, stream, state, start, end, states, waiting)
                elif n < len(rows) and widened(chains, state, start, end, rows[n]):
                    n += 1
            if waiting == len(states) or n == len(rows):
                return len(rows)
        bounds[text + 1] = n
    return n


def look_over(found: Occurrences, sight: Sight, chains: Chains, start: int, end: int) -> None:
    """Fills in `sight` for the text at [start, end)."""
    one, other = sight.bits[0], sight.bits[1]
    sight.seen[:] = 0
    for at in range(start, end + 1):
        one[0, at - start] = other[0, at - start] = 0
        for i in range(found.first[at], found.first[at + 1]):
            number = chains.literals[found.literal[i], JOINED]
            sight.number[i] = number
            if number != NONE:
                one[0, at - start] |= ONE << (number & 63)
                other[0, at - start] |= ONE << (number >> 6 & 63)
        sight.seen[0] |= one[0, at - start]
        sight.seen[1] |= other[0, at - start]
    level, width = 1, 1
    while 2 * width <= end + 1 - start:
        for at in range(end + 2 - start - 2 * width):
            one[level, at] = one[level - 1, at] | one[level - 1, at + width]
            other[level, at] = other[level - 1, at] | other[level - 1, at + width]
        level, width = level + 1, 2 * width


def holds_none(sight: Sight, glance: Glances, low: int, high: int) -> bool:
    """Whether at a glance no position from `low` to `high` of the text is one where a literal of these bits begins."""
    level = sight.level[high + 1 - low]
    back = high + 1 - (1 << level)
    one = sight.bits[0, level, low] | sight.bits[0, level, back]
    other = sight.bits[1, level, low] | sight.bits[1, level, back]
    return bool(glance[0] & one == 0 or glance[1] & other == 0)


def seeded(
    found: Occurrences, sight: Sight, chains: Chains, stream: Stream, literal: Ints, at: int, start: int, end: int, states: Ints
) -> int:
    """A state for every chain whose anchor stands at `at`, if there may be something to go on with."""
    n, last, known, rung = 0, at + literal[LENGTH], NONE, NONE
    glance, one, other = chains.use_glance, sight.seen[0], sight.seen[1]
    for number in range(literal[USE_FIRST], literal[USE_LAST]):
        use = chains.uses[number]
        if not use[USE_DONE]:
            if not (glance[number, 0] & one and glance[number, 1] & other):
                continue
            low, high = max(at + use[USE_LOW], start), min(at + use[USE_HIGH], end)
            if low > high or holds_none(sight, glance[number], low - start, high - start):
                continue
        form = use[USE_FORM]
        if form != known:
            known, rung = form, rung_of(chains, stream, form, at)
        if rung > use[USE_WORST] or n == len(states):
            continue
        state = states[n]
        state[STEP], state[FIRST], state[LAST], state[RUNG] = use[USE_STEP], at, last, rung
        state[EDITS], state[CHARS] = chains.forms[form, FORM_NEAR], chains.forms[form, FORM_CHARS]
        state[VALUE], state[VALUE_FIRST], state[VALUE_LAST] = use[USE_VALUE], NONE, NONE
        if use[USE_CAPTURE]:
            state[VALUE_FIRST], state[VALUE_LAST] = at, last
        n += 1
    return n


def next_link(
    found: Occurrences, sight: Sight, chains: Chains, number: int, first: int, low: int, high: int, after: int
) -> int:
    """The next occurrence behind number `after`, at one of `low` to `high`, that may be the link of the step of that number to
    what begins at `first`, or NONE."""
    step, one, other = chains.steps[number], chains.glance[number, 0], chains.glance[number, 1]
    for i in range(max(found.first[low], after + 1), found.first[high + 1]):
        joined = sight.number[i]
        glanced = one >> (joined & 63) & other >> (joined >> 6 & 63) & 1
        if glanced and joined != NONE and chains.slots[step[SHIFT] + joined, OWNER] == number:
            if step[SIDE] > 0:
                return i
            gap = first - found.at[i] - chains.literals[found.literal[i], LENGTH]
            if step[LEAST] <= gap <= step[MOST]:
                return i
    return NONE


def rung_of(chains: Chains, stream: Stream, form: int, at: int) -> int:
    """On which rung the form stands here, where it is known to sound."""
    told = chains.forms[form]
    if told[FORM_NEAR]:
        return NEAR
    if not told[COMPARED]:
        return EXACT
    chars, letter = told[FORM_CHARS], told[LETTERS]
    for i in range(chars):
        if chains.letters[letter + i] != stream.normal[at + i]:
            return SOUND
    begin, letter = stream.raw[at], letter + chars
    length = stream.raw[at + chars - 1] + 1 - begin
    if length != told[WRITTEN]:
        return NORMALISED
    for i in range(length):
        if chains.letters[letter + i] != stream.written[begin + i]:
            return NORMALISED
    return EXACT


def extended(
    found: Occurrences, sight: Sight, chains: Chains, stream: Stream, state: Ints, start: int, end: int, states: Ints, n: int
) -> int:
    """The states that the next link makes of this one, in every way to say it."""
    number, first, last = state[STEP], state[FIRST], state[LAST]
    step = chains.steps[number]
    if step[SIDE] > 0:
        low, high = last + step[LEAST], last + step[MOST]
    else:
        low, high = first - step[MOST] - step[LONGEST], first - step[LEAST] - step[SHORTEST]
    low, high = max(low, start), min(high, end)
    if low > high or holds_none(sight, chains.glance[number], low - start, high - start):
        return n
    i = next_link(found, sight, chains, number, first, low, high, NONE)
    while i != NONE:
        at, slot = found.at[i], chains.slots[step[SHIFT] + sight.number[i]]
        stop = at + chains.literals[found.literal[i], LENGTH]
        for each in range(slot[MEMBER_FIRST], slot[MEMBER_LAST]):
            form = chains.members[each, 0]
            rung = max(state[RUNG], rung_of(chains, stream, form, at))
            if rung > step[WORST] or (state[EDITS] and chains.forms[form, FORM_NEAR]) or n == len(states):
                continue
            linked(chains, state, form, chains.members[each, 1], at, stop, rung, states[n])
            n += 1
        i = next_link(found, sight, chains, number, first, low, high, i)
    return n


def linked(chains: Chains, state: Ints, form: int, value: int, at: int, last: int, rung: int, grown: Ints) -> None:
    """Fills in the state `grown`, with the link at [at, last)."""
    step = chains.steps[state[STEP]]
    right = step[SIDE] > 0
    for i in range(COLUMNS):
        grown[i] = state[i]
    grown[STEP], grown[RUNG] = state[STEP] + 1, rung
    if right:
        grown[LAST] = last
    else:
        grown[FIRST] = at
    grown[EDITS] += chains.forms[form, FORM_NEAR]
    grown[CHARS] += chains.forms[form, FORM_CHARS]
    if value != NONE:
        grown[VALUE] = value
    if step[CAPTURE] == CAPTURE_GAP:
        grown[VALUE_FIRST] = state[LAST] if right else last
        grown[VALUE_LAST] = at if right else state[FIRST]
    elif step[CAPTURE] == CAPTURE_LINK:
        grown[VALUE_FIRST], grown[VALUE_LAST] = at, last


def widened(chains: Chains, state: Ints, start: int, end: int, row: Ints) -> bool:
    """Fills in the row of a chain found whole, with the characters that a gap at the rim of its wording must hold, as many as
    there are; whether there are enough, and any at all."""
    chain = chains.steps[state[STEP], CHAIN]
    margin, first, last = chains.margin[chain], state[FIRST], state[LAST]
    for i in range(COLUMNS):
        row[i] = state[i]
    row[STEP], row[FIRST], row[LAST] = chain, max(first - margin[1], start), min(last + margin[3], end)
    if chains.capture_margin[chain]:
        before = margin[1] > 0
        row[VALUE_FIRST] = row[FIRST] if before else last
        row[VALUE_LAST] = first if before else row[LAST]
    enough = first - row[FIRST] >= margin[0] and row[LAST] - last >= margin[2]
    return bool(enough and row[LAST] > row[FIRST])


_grow = Kernel(grown, look_over, holds_none, seeded, next_link, rung_of, extended, linked, widened)
