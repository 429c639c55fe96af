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

Masks = npt.NDArray[np.int64]
NO_CAPTURE, CAPTURE_GAP, CAPTURE_LINK = 0, 1, 2
STEP, FIRST, LAST, RUNG, EDITS, CHARS, VALUE, VALUE_FIRST, VALUE_LAST = range(9)
ONE = np.int64(1)
STRETCHES = 62
"""Stretches of a text that a mask tells apart."""
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


LENGTH, GROUP, RANK, USE, START_FIRST, START_LAST = range(6)
USE_FORM, USE_FORMS, USE_VALUE = range(3)
BEFORE_LEAST, BEFORE_MOST, BEHIND_LEAST, BEHIND_MOST = range(4)
START_STEP, START_CAPTURE, PLACE, NEXT_PLACE = range(4, 8)
CHAIN, WORST, SIDE, LEAST, MOST, CAPTURE, LOW, HIGH, GROUP_FIRST, GROUP_LAST = range(10)
GROUP_NUMBER, HELD = range(2)
FORM_CHARS, FORM_NEAR, WRITTEN, NORMAL_AT, FORM_LETTERS = range(5)


class Chains(NamedTuple):
    """What to look for, compiled; see `plan` for how. Tables of a row each, whose columns are named above: a look at one
    thing is one look into memory.

    literals: its length; its GROUP, which the same steps look for, and its RANK in that; the chains that it anchors,
    `starts[START_FIRST:START_LAST]`, the first of them by `uses[USE]` and so on. starts, which literals share: the first step
    of a chain, whether it captures the anchor, and the places of that step and the next one. uses: any of the USE_FORMS
    forms from USE_FORM on, which mean the same there, and a slot value.

    steps link the next literal to a chain: SIDE +1 behind what is found so far, -1 before it, 0 where the chain is complete;
    LEAST to MOST characters away, so that it begins at LOW to HIGH from where that ends, or begins; WORST rung of its chain.
    `groups[GROUP_FIRST:GROUP_LAST]` are those of the literals that may stand there: the one of rank r stands for
    `members[held[HELD + r]:held[HELD + r + 1]]`. members: a form, a slot value. Starts begin with the room that the chain has
    with all that is to come: BEFORE_LEAST to BEFORE_MOST characters of the text stand before its anchor, and BEHIND_LEAST to
    BEHIND_MOST behind it.

    forms: end to end, each by where it begins: FORM_CHARS, spoken literal characters in it; FORM_NEAR, 1 where it has an edit;
    then what the rung is told from: WRITTEN letters from FORM_LETTERS on as they are written, 0 where all are alike, and
    FORM_CHARS from NORMAL_AT on in the normal form, where those are others.
    """

    literals: Ints
    starts: Ints
    uses: Ints
    steps: Ints
    takers: Masks
    """[group, word]: a bit for each place that takes its literals; the last row, nobody's: for each that nothing need fill."""
    groups: Ints
    held: Ints
    members: Ints
    forms: Ints
    margin: Ints
    """[chain, (before least, before most, behind least, behind most)]: characters of any kind that belong to it."""
    capture_margin: npt.NDArray[np.bool_]


class Sight(NamedTuple):
    """What the text that is looked at may hold, told without a look at the occurrences.

    `taken`: a bit for each place that something in it may fill, or that nothing need fill: most chains end here. `masks`: where
    some literal of each group begins, the last group being nobody's: a bit for each position, or for 2, 4, … positions, the
    2 ** `grain[0]` that make STRETCHES of them enough. `groups`: of each of its occurrences; `seeds`: those of them that
    anchor a chain.
    """

    taken: Masks
    masks: Masks
    grain: Masks
    groups: Ints
    seeds: Ints


def make_stream(texts: pa.Array, code: Codes) -> tuple[Stream, Bounds]:
    """Folded, with where each text begins in `written` and the last one ends. `code`: sound code of each code point."""
    told = fold_texts(texts, 1, AHEAD, code)
    return Stream(told.sound, told.normal, told.starts, told.ends, told.source, told.raw), told.raw_bounds


def grow(finding: Finding, chains: Chains, stream: Stream) -> tuple[Ints, Ints]:
    """Rows of all chains found, whole, text by text, and where each text's rows begin; one may be found in several ways."""
    found = occurrences(finding, stream.codes, stream.normal, stream.starts, stream.ends)
    groups, words = chains.takers.shape
    of_each = (np.empty(len(found.at), np.int32) for _ in range(2))
    sight = Sight(np.zeros(words, np.int64), np.zeros(groups, np.int64), np.zeros(1, np.int64), *of_each)
    bounds, room = np.zeros(len(stream.starts) + 1, np.int64), len(stream.codes)
    while True:
        rows, states = (np.empty((room, COLUMNS), np.int32) for _ in range(2))
        n = _grow(len(stream.codes), found, sight, chains, stream, states, rows, bounds)
        if n < room:
            return rows[:n], bounds
        room *= 2


def grown(found: Occurrences, sight: Sight, chains: Chains, stream: Stream, states: Ints, rows: Ints, bounds: Ints) -> int:
    """Fills in `rows` of what is found and `bounds` of each text's. The number of rows; if that is all there are, `rows` or
    `states`, which hold what is under way, were too few."""
    n = 0
    for text in range(len(stream.starts)):
        start, end = stream.starts[text], stream.ends[text]
        for i in range(look_over(found, sight, chains, start, end)):
            seed = sight.seeds[i]
            literal = chains.literals[found.literal[seed]]
            waiting = seeded(found, sight, chains, stream, literal, found.at[seed], start, end, states)
            looked_at = 0
            while looked_at < waiting:
                state = states[looked_at]
                looked_at += 1
                if chains.steps[state[STEP], SIDE]:
                    waiting = extended(found, sight, chains, stream, state, start, end, states, waiting)
                elif n < len(rows) and widened(chains, state, start, end, rows[n]):
                    n += 1
            if waiting == len(states) or n == len(rows):
                look_away(found, sight, chains, start, end)
                return len(rows)
        look_away(found, sight, chains, start, end)
        bounds[text + 1] = n
    return n


def look_over(found: Occurrences, sight: Sight, chains: Chains, start: int, end: int) -> int:
    """Fills in `sight` for the text at [start, end). The number of its seeds.

    What a group has told already is told again: that is sooner done than asked.
    """
    sight.grain[0] = 0
    while (end - start) >> sight.grain[0] >= STRETCHES:
        sight.grain[0] += 1
    nobody = len(sight.masks) - 1
    for word in range(len(sight.taken)):
        sight.taken[word] = chains.takers[nobody, word]
    seeds, begin = 0, found.first[start]
    for i in range(begin, found.first[end + 1]):
        literal = chains.literals[found.literal[i]]
        group = literal[GROUP]
        sight.groups[i - begin] = group
        sight.seeds[seeds] = i
        seeds += literal[START_FIRST] < literal[START_LAST]
        for word in range(len(sight.taken)):
            sight.taken[word] |= chains.takers[group, word]
        sight.masks[group] |= ONE << ((found.at[i] - start) >> sight.grain[0])
    return seeds


def look_away(found: Occurrences, sight: Sight, chains: Chains, start: int, end: int) -> None:
    """Clears the masks of the text at [start, end)."""
    for i in range(found.first[end + 1] - found.first[start]):
        sight.masks[sight.groups[i]] = 0


def is_taken(sight: Sight, place: int) -> int:
    """1 if something in the text may fill that place, or nothing need fill it."""
    return int(sight.taken[place >> 6] >> (place & 63) & 1)


def has_room(needed: Ints, before: int, behind: int) -> bool:
    """Whether so many characters before and behind what is found so far leave the chain a chance."""
    enough = needed[BEFORE_LEAST] <= before and needed[BEHIND_LEAST] <= behind
    return bool(enough and before <= needed[BEFORE_MOST] and behind <= needed[BEHIND_MOST])


def places(sight: Sight, chains: Chains, step: Ints, low: int, high: int) -> int:
    """The mask of where, from position `low` to `high` of the text, a link of the step begins; its last bits may be wrong."""
    seen = sight.masks[chains.groups[step[GROUP_FIRST], GROUP_NUMBER]]
    for i in range(step[GROUP_FIRST] + 1, step[GROUP_LAST]):
        seen |= sight.masks[chains.groups[i, GROUP_NUMBER]]
    return int(seen & ((ONE << ((high >> sight.grain[0]) + 1)) - (ONE << (low >> sight.grain[0]))))


def seeded(
    found: Occurrences, sight: Sight, chains: Chains, stream: Stream, literal: Ints, at: int, start: int, end: int, states: Ints
) -> int:
    """A state for every chain whose anchor stands at `at`, if there is something to go on with."""
    n, last, form, rung = 0, at + literal[LENGTH], NONE, NONE
    for number in range(literal[START_FIRST], literal[START_LAST]):
        begun = chains.starts[number]
        if not is_taken(sight, begun[PLACE]) & is_taken(sight, begun[NEXT_PLACE]):
            continue
        if not has_room(begun, at - start, end - last):
            continue
        step = chains.steps[begun[START_STEP]]
        if step[SIDE]:
            base = last if step[SIDE] > 0 else at
            if not places(sight, chains, step, max(base + step[LOW], start) - start, min(base + step[HIGH], end) - start):
                continue
        use = chains.uses[literal[USE] + number - literal[START_FIRST]]
        if use[USE_FORM] != form:
            form = use[USE_FORM]
            rung = best_rung(chains, stream, form, use[USE_FORMS], at)
        if rung > step[WORST] or n == len(states):
            continue
        state = states[n]
        state[STEP], state[FIRST], state[LAST], state[RUNG] = begun[START_STEP], at, last, rung
        state[EDITS], state[CHARS] = chains.forms[form + FORM_NEAR], chains.forms[form + FORM_CHARS]
        state[VALUE], state[VALUE_FIRST], state[VALUE_LAST] = use[USE_VALUE], NONE, NONE
        if begun[START_CAPTURE]:
            state[VALUE_FIRST], state[VALUE_LAST] = at, last
        n += 1
    return n


def best_rung(chains: Chains, stream: Stream, form: int, count: int, at: int) -> int:
    """The best rung on which any of the forms from this one on stands here, where they are known to sound."""
    rung = rung_of(chains, stream, form, at)
    while rung > EXACT and count > 1:
        form, count = form + chains.forms[form + NORMAL_AT] + chains.forms[form + FORM_CHARS], count - 1
        rung = min(rung, rung_of(chains, stream, form, at))
    return rung


def rung_of(chains: Chains, stream: Stream, form: int, at: int) -> int:
    """On which rung the form stands here, where it is known to sound."""
    chars, written = chains.forms[form + FORM_CHARS], chains.forms[form + WRITTEN]
    if chains.forms[form + FORM_NEAR]:
        return NEAR
    if not written:
        return EXACT
    first, last = stream.raw[at], stream.raw[at + chars - 1] + 1
    if last - first == written and same(chains.forms, form + FORM_LETTERS, stream.written, first, written):
        return EXACT
    normal = form + chains.forms[form + NORMAL_AT]
    return NORMALISED if same(chains.forms, normal, stream.normal, at, chars) else SOUND


def same(letters: Ints, first: int, others: Codes, at: int, count: int) -> bool:
    i = 0
    while i < count and letters[first + i] == others[at + i]:
        i += 1
    return i == count


def extended(
    found: Occurrences, sight: Sight, chains: Chains, stream: Stream, state: Ints, start: int, end: int, states: Ints, n: int
) -> int:
    """The states that the next link makes of this one, in every way to say it."""
    first, last = state[FIRST], state[LAST]
    step = chains.steps[state[STEP]]
    base = last if step[SIDE] > 0 else first
    low, high = max(base + step[LOW], start), min(base + step[HIGH], end)
    seen = places(sight, chains, step, low - start, high - start)
    if not seen:
        return n
    for at in range(low, high + 1):
        if not seen >> ((at - start) >> sight.grain[0]) & 1:
            continue
        for i in range(found.first[at], found.first[at + 1]):
            literal = chains.literals[found.literal[i]]
            stop = at + literal[LENGTH]
            if step[SIDE] > 0 or step[LEAST] <= first - stop <= step[MOST]:
                for group in range(step[GROUP_FIRST], step[GROUP_LAST]):
                    if chains.groups[group, GROUP_NUMBER] == literal[GROUP]:
                        held = chains.groups[group, HELD] + literal[RANK]
                        n = linked_by(chains, stream, state, held, at, stop, states, n)
    return n


def linked_by(chains: Chains, stream: Stream, state: Ints, held: int, at: int, stop: int, states: Ints, n: int) -> int:
    """The states that what a literal stands for makes of this one, where that stands at [at, stop)."""
    for each in range(chains.held[held], chains.held[held + 1]):
        form = chains.members[each, 0]
        rung = max(state[RUNG], rung_of(chains, stream, form, at))
        if rung > chains.steps[state[STEP], WORST] or (state[EDITS] and chains.forms[form + FORM_NEAR]) or n == len(states):
            continue
        linked(chains, state, form, chains.members[each, 1], at, stop, rung, states[n])
        n += 1
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
    grown[EDITS] += chains.forms[form + FORM_NEAR]
    grown[CHARS] += chains.forms[form + FORM_CHARS]
    if value != NONE:
        grown[VALUE] = value
    if step[CAPTURE] == CAPTURE_GAP:
        grown[VALUE_FIRST] = state[LAST] if right else last
        grown[VALUE_LAST] = at if right else state[FIRST]
    elif step[CAPTURE] == CAPTURE_LINK:
        grown[VALUE_FIRST], grown[VALUE_LAST] = at, last


def widened(chains: Chains, state: Ints, start: int, end: int, row: Ints) -> bool:
    """Fills in the row of a chain found whole, with the characters that a gap at the rim of its wording must hold, as many as
    there are; whether those are enough, and there are any at all."""
    chain = chains.steps[state[STEP], CHAIN]
    margin, first, last = chains.margin[chain], state[FIRST], state[LAST]
    for i in range(COLUMNS):
        row[i] = state[i]
    row[STEP], row[FIRST], row[LAST] = chain, max(first - margin[1], start), min(last + margin[3], end)
    if chains.capture_margin[chain]:
        before = margin[1] > 0
        row[VALUE_FIRST] = row[FIRST] if before else last
        row[VALUE_LAST] = first if before else row[LAST]
    return bool(margin[0] <= first - start and margin[2] <= end - last and row[LAST] > row[FIRST])


_grow = Kernel(
    *(grown, look_over, look_away, has_room, is_taken, places, seeded),
    *(best_rung, rung_of, same, extended, linked_by, linked, widened),
)
