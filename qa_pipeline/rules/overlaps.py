"""Which of the chains found are hits: not voided by a guard heard at least as well, no part of a greater hit heard at least as
well."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa_pipeline.kernels import Kernel
from qa_pipeline.rules.growth import CHARS, FIRST, LAST, RUNG, STEP, Stream
from qa_pipeline.rules.phrase import NORMALISED, RUNGS, SHORTEST_BY_SOUND, SOUND
from qa_pipeline.rules.trie import Ints

Mask = npt.NDArray[np.bool_]
GAPS = (1, 4, 10, 23, 57, 132, 301, 701)
"""Of a shell sort, by Ciura: a turn has a few hits, seldom many."""


NOT = (ord("不"), ord("没"))
BEFORE_LEAST, BEFORE_MOST, AFTER_LEAST, AFTER_MOST = range(4)


class Wanted(NamedTuple):
    """`phrase`, `guard`, `links` (how many), `crosses` (a guard that punctuation does not break), `rims` (of a guard: how many
    characters before and after it are its own): of each chain; `allowed`: [phrase, rung]; `worded`: whether both ends of a
    phrase must end words."""

    phrase: Ints
    guard: Mask
    links: Ints
    crosses: Mask
    rims: Ints
    allowed: Mask
    worded: Mask


def hits_of(rows: Ints, bounds: Ints, wanted: Wanted, stream: Stream, pause: Ints, word_ends: Mask) -> tuple[Ints, Ints]:
    """Numbers of the rows that are hits, sorted by text, first, last and phrase; and the text of each.

    `rows`, `bounds`: chains found, as `growth.grow` gives them; `pause`: 1 for each code point that is punctuation;
    `word_ends`: whether a word ends before it (one more behind the last); empty where no phrase minds.
    """
    chosen, text, order = np.empty(len(rows), np.int64), np.empty(len(rows), np.int32), np.empty(len(rows), np.int64)
    reach = np.empty(len(RUNGS), np.int64)
    n = _choose(len(stream.codes), rows, bounds, wanted, stream, pause, word_ends, order, reach, chosen, text)
    return chosen[:n], text[:n]


def choose(
    rows: Ints, bounds: Ints, wanted: Wanted, stream: Stream, pause: Ints, word_ends: Mask,
    order: Ints, reach: Ints, chosen: Ints, of_text: Ints,
) -> int:  # fmt: skip
    """Fills in `chosen` and `of_text`; their number. `order` and `reach` are room to work in."""
    n = 0
    for text in range(len(bounds) - 1):
        m = 0
        for row in range(bounds[text], bounds[text + 1]):
            if counts(rows[row], wanted, stream, pause, word_ends, stream.starts[text], stream.ends[text]):
                order[m] = row
                m += 1
        in_order(order, m, rows, wanted, True)
        first, begun = 0, n
        while first < m:
            phrase, last = wanted.phrase[rows[order[first], STEP]], first + 1
            while last < m and wanted.phrase[rows[order[last], STEP]] == phrase:
                last += 1
            n = best_of(order[first:last], rows, wanted.guard, reach, chosen, n)
            first = last
        in_order(chosen[begun:], n - begun, rows, wanted, False)
        for i in range(begun, n):
            of_text[i] = text
    return n


def counts(row: Ints, wanted: Wanted, stream: Stream, pause: Ints, word_ends: Mask, start: int, end: int) -> bool:
    """Whether it can be a hit by its rung and its word ends, or a guard: unbroken, and not both short and known by sound. A
    guard is widened by its rims. The text is at [start, end)."""
    phrase, first, last = wanted.phrase[row[STEP]], row[FIRST], row[LAST]
    if not wanted.guard[row[STEP]]:
        ends = not len(word_ends) or not wanted.worded[phrase]
        whole = ends or (word_ends[stream.raw[first]] and word_ends[stream.raw[last - 1] + 1])
        return wanted.allowed[phrase, row[RUNG]] and whole
    if (row[RUNG] >= SOUND and row[CHARS] < SHORTEST_BY_SOUND) or asks(stream, pause, first, start, end):
        return False
    if not wanted.crosses[row[STEP]]:
        for at in range(first + 1, last):
            if parted(stream, pause, at):
                return False
    rims = wanted.rims[row[STEP]]
    while row[FIRST] > start and first - row[FIRST] < rims[BEFORE_MOST] and not parted(stream, pause, row[FIRST]):
        row[FIRST] -= 1
    while row[LAST] < end and row[LAST] - last < rims[AFTER_MOST] and not parted(stream, pause, row[LAST]):
        row[LAST] += 1
    return bool(first - row[FIRST] >= rims[BEFORE_LEAST] and row[LAST] - last >= rims[AFTER_LEAST])


def asks(stream: Stream, pause: Ints, at: int, start: int, end: int) -> bool:
    """Whether the 不 or 没 that begins here asks and denies nothing, as in 能不能 and 有没有."""
    inside = start < at < end - 1 and stream.normal[at] in NOT
    return bool(inside and stream.normal[at - 1] == stream.normal[at + 1] and not parted(stream, pause, at))


def parted(stream: Stream, pause: Ints, at: int) -> bool:
    """Whether punctuation stands between a character and the one before it, both of one text."""
    found = False
    for raw in range(stream.raw[at - 1] + 1, stream.raw[at]):
        found |= pause[stream.written[raw]] == 1
    return found


def in_order(order: Ints, n: int, rows: Ints, wanted: Wanted, by_phrase: bool) -> None:
    """Sorts the first n row numbers: by phrase, first, the longer, the better heard; or by first, last, phrase."""
    for gap in GAPS[::-1]:
        for i in range(gap, n):
            row, at = order[i], i
            while at >= gap and stands_before(rows, wanted, row, order[at - gap], by_phrase):
                order[at] = order[at - gap]
                at -= gap
            order[at] = row


def stands_before(rows: Ints, wanted: Wanted, a: int, b: int, by_phrase: bool) -> bool:
    one, other = rows[a], rows[b]
    mine, its = wanted.phrase[one[STEP]], wanted.phrase[other[STEP]]
    if by_phrase and mine != its:
        return bool(mine < its)
    if one[FIRST] != other[FIRST]:
        return bool(one[FIRST] < other[FIRST])
    if one[LAST] != other[LAST]:
        return bool((one[LAST] > other[LAST]) == by_phrase)
    if not by_phrase:
        return bool(mine < its)
    if one[RUNG] != other[RUNG]:
        return bool(one[RUNG] < other[RUNG])
    if wanted.links[one[STEP]] != wanted.links[other[STEP]]:
        return bool(wanted.links[one[STEP]] < wanted.links[other[STEP]])
    return a < b


def best_of(order: Ints, rows: Ints, guard: Mask, reach: Ints, chosen: Ints, n: int) -> int:
    """Adds those of one phrase's rows that are hits to `chosen`, which holds n. Rows come by first, the longer, the better.

    A guard's 你 for 您 is as good as exact.
    """
    for rung in range(len(reach)):
        reach[rung] = -1  # on each rung, how far the hits before reach
    passed = 0
    for i in range(len(order)):
        row = rows[order[i]]
        if guard[row[STEP]]:
            continue
        while rows[order[passed], LAST] <= row[FIRST]:
            passed += 1
        voided = False
        for k in range(passed, len(order)):
            other = rows[order[k]]
            if other[FIRST] >= row[LAST]:
                break
            if guard[other[STEP]] and other[LAST] > row[FIRST] and (other[RUNG] <= NORMALISED or row[RUNG] >= other[RUNG]):
                voided = True
        if voided:
            continue
        covered = False
        for rung in range(row[RUNG] + 1):
            covered |= reach[rung] >= row[LAST]
        if not covered:
            chosen[n] = order[i]
            n += 1
        reach[row[RUNG]] = max(reach[row[RUNG]], row[LAST])
    return n


_choose = Kernel(choose, counts, asks, parted, in_order, stands_before, best_of)
