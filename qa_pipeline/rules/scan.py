"""Every literal found in a stream of folded texts: sounds, single characters, runs, turn ends, and sounds with one edit.

A first pass looks up what the first codes at each position may lead to, a second walks the tries from there as far as they go,
so the time is linear in the text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from qa_pipeline.kernels import Kernel
from qa_pipeline.rules.near import BODY, FIRST, HEAD, LAST, LASTS, LASTS_END, MASK, SKIP, SKIPS, STRIDE, Near
from qa_pipeline.rules.trie import BITS, ENDS, NEXT, NONE, OWNER, SHIFT, Codes, Ints, Walk

KINDS = 8
REPLACED, THIRD = 4, 8
"""Signs, beside BODY and HEAD: a head may follow that stands behind one character less, or a literal of three codes."""


class Finding(NamedTuple):
    """What to find, by the numbers of the literals; NONE where there is none.

    `letters`, of each code point: the literal that it is by itself, and in the last KINDS bits the kinds of runs that it can be
    part of, a bit each.
    """

    sounds: Walk
    letters: Ints
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


class Outlook(NamedTuple):
    """What begins at each position, as far as one look tells: `node` of the sounds behind its first two codes, and `signs`, a
    bit each, of what may be found beyond that."""

    node: Ints
    signs: Ints


def occurrences(finding: Finding, codes: Codes, normal: Codes, starts: Ints, ends: Ints) -> Occurrences:
    """`codes`, `normal`: sound codes and code points, texts end to end, 0 behind each and four more behind the last; `starts`,
    `ends`: of each text."""
    outlook = Outlook(np.empty(len(codes), np.int32), np.empty(len(codes), np.int8))
    first, room = np.zeros(len(codes) + 1, np.int32), 2 * len(codes) + 1
    while True:
        rows = Occurrences(np.empty(room, np.int32), np.empty(room, np.int32), first)
        n = _scan(len(codes), finding, codes, normal, starts, ends, outlook, rows)
        if n < room - 1:
            return Occurrences(rows.at[:n], rows.literal[:n], first)
        room *= 2


def scan(finding: Finding, codes: Codes, normal: Codes, starts: Ints, ends: Ints, outlook: Outlook, rows: Occurrences) -> int:
    """Fills in `rows`. Their number; if that leaves but one, there was no room for all."""
    look_ahead(finding, codes, outlook)
    n = 0
    for text in range(len(starts)):
        start, end = starts[text], ends[text]
        rows.first[start] = n
        n = put(rows, n, start, finding.edges[0])
        before = 0
        for at in range(start, end):
            letter, signs = finding.letters[normal[at]], outlook.signs[at]
            n = put(rows, n, at, letter >> KINDS)
            kinds = letter & ((1 << KINDS) - 1)
            if kinds & ~before:
                n = runs_at(finding, normal, at, kinds & ~before, rows, n)
            before = kinds
            n = put(rows, n, at, finding.sounds.steps[outlook.node[at], ENDS])
            if signs & THIRD:
                n = sounds_at(finding.sounds, codes, at, outlook.node[at], rows, n)
            if signs & (BODY | HEAD | REPLACED):
                n = near_at(finding, codes, normal, at, end, signs, rows, n)
            rows.first[at + 1] = n
        n = put(rows, n, end, finding.edges[1])
    for at in range(ends[-1] + 1 if len(ends) else 0, len(rows.first)):
        rows.first[at] = n
    return n


def look_ahead(finding: Finding, codes: Codes, outlook: Outlook) -> None:
    """Fills in `outlook`, for all positions before any is walked: looks that wait for no other overlap."""
    walk, begins = finding.sounds, finding.near.begins
    for at in range(len(codes) - 3):
        first, second, third, fourth = codes[at] * walk.size, codes[at + 1], codes[at + 2], codes[at + 3]
        node = walk.pairs[first + second]
        signs = begun_by(begins, first + second, third) | begun_by(begins, first + second, fourth) & BODY
        signs |= REPLACED if begun_by(begins, first + third, fourth) & HEAD else 0
        outlook.node[at], outlook.signs[at] = node, signs | (THIRD if leads_on(walk, node, third) else 0)


def begun_by(begins: Ints, pair: int, code: int) -> int:
    """What `Near.begins` tells of a stretch."""
    number = (pair * STRIDE + code) & MASK
    return int(begins[number >> 2] >> 2 * (number & 3) & 3)


def put(rows: Occurrences, n: int, at: int, literal: int) -> int:
    """One row more, if there is a literal, which is not asked: what is written counts once n is greater. The last row never
    does."""
    rows.at[n], rows.literal[n] = at, literal
    return min(n + (literal != NONE), len(rows.at) - 1)


def leads_on(walk: Walk, node: int, code: int) -> int:
    """0 where the node has no child of that code."""
    return int(walk.steps[node, NEXT] >> (code & BITS) & 1)


def child(walk: Walk, node: int, code: int) -> int:
    """The node's child, NONE where it has none of that code."""
    step = walk.steps[node, SHIFT] + code
    return step if leads_on(walk, node, code) and walk.steps[step, OWNER] == node else NONE


def sounds_at(walk: Walk, codes: Codes, at: int, node: int, rows: Occurrences, n: int) -> int:
    """Those of three and more codes, from the node behind the first two."""
    node, ahead = child(walk, node, codes[at + 2]), at + 3
    while node != NONE:
        n = put(rows, n, at, walk.steps[node, ENDS])
        node, ahead = child(walk, node, codes[ahead]), ahead + 1
    return n


def runs_at(finding: Finding, normal: Codes, at: int, kinds: int, rows: Occurrences, n: int) -> int:
    """Runs of those kinds, a bit each, which begin here; whole ones only."""
    for kind in range(len(finding.runs)):
        bit = 1 << kind
        if kinds & bit:
            length = 1
            while finding.letters[normal[at + length]] & bit:
                length += 1
            n = put(rows, n, at, finding.runs[kind, min(length, finding.runs.shape[1] - 1)])
    return n


def near_at(finding: Finding, codes: Codes, normal: Codes, at: int, end: int, signs: int, rows: Occurrences, n: int) -> int:
    """Literals heard with one edit from here on; most of those that an unedited occurrence makes are left out."""
    known = n
    if signs & BODY:
        n = body_at(finding, codes, normal, at, end, rows, n, known)
    for replaced in range(2):
        if signs & (REPLACED if replaced else HEAD):
            n = heads_at(finding, codes, normal, at, end, replaced, rows, n, known)
    return n


def body_at(finding: Finding, codes: Codes, normal: Codes, at: int, end: int, rows: Occurrences, n: int, known: int) -> int:
    """An edit behind the first two characters."""
    near, walk, slots = finding.near, finding.near.walk, finding.near.skip_slots
    node, here = walk.pairs[codes[at] * walk.size + codes[at + 1]], at + 2
    while node != NONE:
        on, told = child(walk, node, codes[here]), near.nodes[node]
        for replaced in range(2):  # the literal's character is missing, or another stands in its stead
            code = codes[here + replaced]
            slot = told[SKIP] + code
            if told[SKIPS] >> (code & BITS) & 1 and slots[slot, OWNER] == node:
                for i in range(slots[slot, FIRST], slots[slot, LAST]):
                    target, added = near.skips[i], here if replaced else NONE
                    if not replaced or walk.steps[target, OWNER] != on:
                        n = on_to_the_end(
                            finding, codes, normal, at, here + 1 + replaced, end, target, here - at, added, rows, n, known
                        )
        target = child(walk, node, codes[here + 1])
        if target != NONE:  # one is put in
            n = on_to_the_end(finding, codes, normal, at, here + 2, end, target, NONE, here, rows, n, known)
        for i in range(told[LASTS], told[LASTS_END]):  # the last one is missing
            literal = near.lasts[i]
            if on == NONE or walk.steps[on, ENDS] != literal:
                n = edited(finding, normal, at, here, end, literal, here - at, here, rows, n, known)
        node, here = on, here + 1
    return n


def on_to_the_end(
    finding: Finding, codes: Codes, normal: Codes, at: int, last: int, end: int, node: int, dropped: int, added: int,
    rows: Occurrences, n: int, known: int,
) -> int:  # fmt: skip
    """From a node behind the edit, with nothing left to forgive."""
    walk = finding.near.walk
    while node != NONE and last <= end:
        literal = walk.steps[node, ENDS]
        if literal != NONE:
            n = edited(finding, normal, at, last, end, literal, dropped, added, rows, n, known)
        node, last = child(walk, node, codes[last]), last + 1
    return n


def heads_at(
    finding: Finding, codes: Codes, normal: Codes, at: int, end: int, replaced: int, rows: Occurrences, n: int, known: int
) -> int:
    """An edit in the first two characters: the first missing, or the second missing or replaced."""
    near = finding.near
    walk = near.heads
    node, ahead = walk.pairs[codes[at] * walk.size + codes[at + 1 + replaced]], at + 2 + replaced
    while node != NONE and ahead <= end:
        head = walk.steps[node, ENDS]
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
    rows: Occurrences, n: int, known: int,
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
    while place > known and rows.literal[place - 1] >= stands:
        place -= 1
    if place < n and rows.literal[place] == stands:
        return n
    more = put(rows, n, at, stands)
    for row in range(more - 1, place, -1):
        rows.literal[row], rows.literal[row - 1] = rows.literal[row - 1], rows.literal[row]
    return more


_scan = Kernel(
    *(scan, look_ahead, begun_by, put, leads_on, child, sounds_at, runs_at),
    *(near_at, body_at, on_to_the_end, heads_at, edited),
)
