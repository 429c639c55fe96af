"""Every literal found in a stream of folded texts: sounds, single characters, runs, turn ends, and sounds with one edit.

One pass over the positions; at each the tries are walked as far as they go, so the time is linear in the text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qa_pipeline.kernels import Kernel
from qa_pipeline.rules.near import BODY, DEPTH, FIRST, HEAD, LAST, LASTS, LASTS_END, MASK, PARENT, SKIP, STRIDE, Near
from qa_pipeline.rules.trie import CHILD, ENDS, NONE, OWNER, SHIFT, Codes, Ints, Walk


class Finding(NamedTuple):
    """What to find, by the numbers of the literals; NONE where there is none.

    `single`: of each code point that is one by itself.
    """

    sounds: Walk
    single: Ints
    run_letters: Ints
    """For each code point the kinds of runs that it can be part of, a bit each."""
    runs: Ints
    """[kind, length]: the literal for a run of that length; longer runs are none, as the last length is."""
    edges: Ints
    """Those of the start and the end of a turn."""
    near: Near
    negations: Ints
    """Code points that an edit never puts in, takes out or stands beside."""


class Occurrences(NamedTuple):
    """`literal[i]` begins at stream position `at[i]`; those of position p are numbered `first[p]` to `first[p + 1]`."""

    at: Ints
    literal: Ints
    first: Ints


def occurrences(finding: Finding, codes: Codes, normal: Codes, starts: Ints, ends: Ints) -> Occurrences:
    """`codes`, `normal`: sound codes and code points, texts end to end, 0 behind each and four more behind the last; `starts`,
    `ends`: of each text."""
    first, room = np.zeros(len(codes) + 1, np.int32), 2 * len(codes)
    while True:
        rows = np.empty((room, 2), np.int32)
        n = _scan(len(codes), finding, codes, normal, starts, ends, rows, first)
        if n < room:
            break
        room *= 2
    rows = rows[:n]
    return Occurrences(rows[:, 0].copy(), rows[:, 1].copy(), first)


def scan(finding: Finding, codes: Codes, normal: Codes, starts: Ints, ends: Ints, rows: Ints, first: Ints) -> int:
    """Fills in `rows` of (position, literal) and `first`. The number of rows; if that is all there are, they were too few."""
    n = 0
    near = len(finding.near.length) > 0
    for text in range(len(starts)):
        start, end = starts[text], ends[text]
        first[start] = n
        if finding.edges[0] != NONE:
            n = put(rows, n, start, finding.edges[0])
        for at in range(start, end):
            if finding.single[normal[at]] != NONE:
                n = put(rows, n, at, finding.single[normal[at]])
            if finding.run_letters[normal[at]]:
                n = runs_at(finding, normal, at, start, rows, n)
            n = sounds_at(finding.sounds, codes, at, rows, n)
            if near:
                n = near_at(finding, codes, normal, at, end, rows, n)
            first[at + 1] = n
        if finding.edges[1] != NONE:
            n = put(rows, n, end, finding.edges[1])
    for at in range(ends[-1] + 1 if len(ends) else 0, len(first)):
        first[at] = n
    return n


def put(rows: Ints, n: int, at: int, literal: int) -> int:
    """One row more, while there is room."""
    if n == len(rows):
        return n
    rows[n, 0], rows[n, 1] = at, literal
    return n + 1


def child(walk: Walk, node: int, code: int) -> int:
    """The node's child, NONE where it has none of that code."""
    slot = walk.nodes[node, SHIFT] + code
    return walk.slots[slot, CHILD] if walk.slots[slot, OWNER] == node else NONE


def sounds_at(walk: Walk, codes: Codes, at: int, rows: Ints, n: int) -> int:
    node, ahead = walk.pairs[codes[at] * walk.size + codes[at + 1]], at + 2
    if node == 0:
        return n
    while node != NONE:
        literal = walk.nodes[node, ENDS]
        if literal != NONE:
            n = put(rows, n, at, literal)
        node, ahead = child(walk, node, codes[ahead]), ahead + 1
    return n


def runs_at(finding: Finding, normal: Codes, at: int, start: int, rows: Ints, n: int) -> int:
    """Runs that begin here, whole ones only."""
    for kind in range(len(finding.runs)):
        bit = 1 << kind
        begins = finding.run_letters[normal[at]] & bit
        if begins and (at == start or not finding.run_letters[normal[at - 1]] & bit):
            length = 1
            while finding.run_letters[normal[at + length]] & bit:
                length += 1
            literal = finding.runs[kind, min(length, finding.runs.shape[1] - 1)]
            if literal != NONE:
                n = put(rows, n, at, literal)
    return n


def near_at(finding: Finding, codes: Codes, normal: Codes, at: int, end: int, rows: Ints, n: int) -> int:
    """Literals heard with one edit from here on; most of those that an unedited occurrence makes are left out."""
    near, known = finding.near, n
    code, third, fourth = codes[at] * near.walk.size, codes[at + 2], codes[at + 3]
    begins = near.begins[(code + codes[at + 1]) * STRIDE + third & MASK]
    if (begins | near.begins[(code + codes[at + 1]) * STRIDE + fourth & MASK]) & BODY:
        n = body_at(finding, codes, normal, at, end, rows, n, known)
    if begins & HEAD:
        n = heads_at(finding, codes, normal, at, end, 0, rows, n, known)
    if near.begins[(code + third) * STRIDE + fourth & MASK] & HEAD:
        n = heads_at(finding, codes, normal, at, end, 1, rows, n, known)
    return n


def body_at(finding: Finding, codes: Codes, normal: Codes, at: int, end: int, rows: Ints, n: int, known: int) -> int:
    """An edit behind the first two characters."""
    near = finding.near
    walk, skips, slots = near.walk, near.skips, near.skip_slots
    node, here = walk.pairs[codes[at] * walk.size + codes[at + 1]], at + 2
    if node == 0:
        return n
    while node != NONE:
        on, told = child(walk, node, codes[here]), near.nodes[node]
        slot = told[SKIP] + codes[here]
        if slots[slot, OWNER] == node:  # the literal's character is missing
            for i in range(slots[slot, FIRST], slots[slot, LAST]):
                n = on_to_the_end(finding, codes, normal, at, here + 1, end, skips[i], told[DEPTH], NONE, rows, n, known)
        slot = told[SKIP] + codes[here + 1]
        if slots[slot, OWNER] == node:  # another stands in its stead
            for i in range(slots[slot, FIRST], slots[slot, LAST]):
                target = skips[i]
                if near.nodes[target, PARENT] != on:
                    n = on_to_the_end(finding, codes, normal, at, here + 2, end, target, told[DEPTH], here, rows, n, known)
        target = child(walk, node, codes[here + 1])
        if target != NONE:  # one is put in
            n = on_to_the_end(finding, codes, normal, at, here + 2, end, target, NONE, here, rows, n, known)
        for i in range(told[LASTS], told[LASTS_END]):  # the last one is missing
            literal = near.lasts[i]
            if on == NONE or walk.nodes[on, ENDS] != literal:
                n = edited(finding, normal, at, here, end, literal, told[DEPTH], here, rows, n, known)
        node, here = on, here + 1
    return n


def on_to_the_end(
    finding: Finding, codes: Codes, normal: Codes, at: int, last: int, end: int, node: int, dropped: int, added: int,
    rows: Ints, n: int, known: int,
) -> int:  # fmt: skip
    """From a node behind the edit, with nothing left to forgive."""
    walk = finding.near.walk
    while node != NONE and last <= end:
        literal = walk.nodes[node, ENDS]
        if literal != NONE:
            n = edited(finding, normal, at, last, end, literal, dropped, added, rows, n, known)
        node, last = child(walk, node, codes[last]), last + 1
    return n


def heads_at(
    finding: Finding, codes: Codes, normal: Codes, at: int, end: int, replaced: int, rows: Ints, n: int, known: int
) -> int:
    """An edit in the first two characters: the first missing, or the second missing or replaced."""
    near = finding.near
    walk = near.heads
    node, ahead = walk.pairs[codes[at] * walk.size + codes[at + 1 + replaced]], at + 2 + replaced
    if node == 0:
        return n
    while node != NONE and ahead <= end:
        head = walk.nodes[node, ENDS]
        if head != NONE:
            for i in range(near.bounds[head], near.bounds[head + 1]):
                dropped = near.dropped[i]
                # in the stead of a first character that is missing stands the one before; a second one missing has nothing
                added = at - 1 if dropped == 0 else (at + 1 if replaced else NONE)
                if dropped >= replaced and (added == NONE or codes[added] != near.lost[i]):
                    n = edited(finding, normal, at, ahead, end, near.literal[i], dropped, added, rows, n, known)
        node, ahead = child(walk, node, codes[ahead]), ahead + 1
    return n


def edited(
    finding: Finding, normal: Codes, at: int, last: int, end: int, literal: int, dropped: int, added: int,
    rows: Ints, n: int, known: int,
) -> int:  # fmt: skip
    """One row more for the stretch [at, last), unless it leaves the text or turns the sense; from row `known` on each literal
    is there once, in order of their numbers."""
    near = finding.near
    if last > end or (dropped != NONE and near.negated[literal, dropped]):
        return n
    if added != NONE:
        for negation in finding.negations:
            if normal[added] == negation:
                return n
    stands = near.stands[last - at - near.length[literal], literal]
    place = n
    while place > known and rows[place - 1, 1] >= stands:
        place -= 1
    if place < n and rows[place, 1] == stands:
        return n
    more = put(rows, n, at, stands)
    for row in range(more - 1, place, -1):
        rows[row, 1], rows[row - 1, 1] = rows[row - 1, 1], rows[row, 1]
    return more


_scan = Kernel(scan, put, child, sounds_at, runs_at, near_at, body_at, on_to_the_end, heads_at, edited)
