"""Literals as a trie, in flat tables that a loop can walk: one look-up for the first two codes, then one for each further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer[Any]]
Codes = npt.NDArray[np.int32]

NONE = -1


class Slots(NamedTuple):
    """Values by (row, code); a pair may have several. See `slots`.

    The pair's slot is `shift[row] + code`, if `owner` of it is the row; its values are `values[first[slot]:last[slot]]`.
    """

    shift: Ints
    owner: Ints
    first: Ints
    last: Ints
    values: Ints


OWNER, SHIFT, ENDS, NEXT = range(4)
BITS = 31


class Walk(NamedTuple):
    """A trie to walk. A node is known by its row in `steps`, whose columns are named above: a step is one look into memory.

    `pairs[a * size + b]`: the node behind two codes, 0 where no literal begins so, a node like others where nothing is. Its
    child of some code is SHIFT + code, if OWNER of that is the node; NEXT has a bit for each code of a child, `code & BITS`,
    and most walks end by that. ENDS: the literal that ends there, else NONE.
    """

    size: int
    pairs: Ints
    steps: Ints


class Trie:
    """Literals of two or more codes in 1..size-1, all different; code 0 stands for whatever no literal holds.

    Node 0 is the root. By node: `terminal`, the literal that ends there; `parent`; `depth`; `code`, that leads to it; `row`,
    by which `walk` knows it, 0 for those less deep than two.
    """

    def __init__(self, literals: Sequence[Sequence[int]], size: int) -> None:
        """`literals` are numbered in order; `size`: number of codes, 0 included."""
        children: dict[tuple[int, int], int] = {}
        parent, depth, led, ends = [NONE], [0], [0], {}
        for number, literal in enumerate(literals):
            node = 0
            for code in literal:
                found = children.setdefault((node, code), len(parent))
                if found == len(parent):
                    parent.append(node)
                    depth.append(depth[node] + 1)
                    led.append(code)
                node = found
            ends[node] = number
        self.parent, self.depth, self.code = (np.array(column, np.int32) for column in (parent, depth, led))
        self.terminal = np.full(len(parent), NONE, np.int32)
        self.terminal[list(ends)] = list(ends.values())
        self.row = np.zeros(len(parent), np.int32)
        self.walk = self._walk(size)

    def _walk(self, size: int) -> Walk:
        """Row 0 is nowhere; then come the nodes behind two codes, in the order of these."""
        second = np.flatnonzero(self.depth == 2)
        pair = self.code[self.parent[second]] * size + self.code[second]
        self.row[second[np.argsort(pair)]] = np.arange(1, len(second) + 1)
        pairs = np.zeros(size * size, np.int32)
        pairs[pair] = self.row[second]
        deep = np.flatnonzero(self.depth > 2)
        deep = deep[np.lexsort((self.code[deep], self.parent[deep]))]
        shift = len(second) + 1 + _packed(self.parent[deep], self.code[deep], len(self.parent))
        self.row[deep] = shift[self.parent[deep]] + self.code[deep]
        steps = np.tile(np.array([NONE, 0, NONE, 0], np.int32), (int(shift.max()) + size, 1))
        steps[self.row[deep], OWNER] = self.row[self.parent[deep]]
        known = np.flatnonzero(self.depth > 1)
        steps[self.row[known], SHIFT], steps[self.row[known], ENDS] = shift[known], self.terminal[known]
        steps[:, NEXT] = bits_of(self.row[self.parent[deep]], self.code[deep], len(steps))
        return Walk(size, pairs, steps)


def bits_of(rows: Ints, codes: Ints, n_rows: int) -> Codes:
    """For each row a bit, `code & BITS`, for each of its codes."""
    bits = np.zeros(n_rows, np.int32)
    np.bitwise_or.at(bits, rows, np.left_shift(1, codes & BITS, dtype=np.int64).astype(np.int32))
    return bits


def slots(rows: Ints, codes: Ints, values: Ints, n_rows: int, size: int) -> Slots:
    """`codes` are below `size`, `rows` below `n_rows`.

    The rows of a sparse matrix are laid over each other so that no two values meet, and each slot knows its row.
    """
    order = np.lexsort((codes, rows))
    rows, codes, values = rows[order].astype(np.int64), codes[order].astype(np.int64), values[order].astype(np.int32)
    first = np.flatnonzero(np.append([True], np.diff(rows * size + codes) != 0)[: len(rows)])
    rows, codes, last = rows[first], codes[first], np.append(first[1:], len(order))[: len(first)]
    shift = _packed(rows, codes, n_rows)
    slot = shift[rows] + codes
    count = int(shift.max(initial=0)) + size
    owner, begin, end = np.full(count, NONE, np.int32), np.zeros(count, np.int32), np.zeros(count, np.int32)
    owner[slot], begin[slot], end[slot] = rows, first, last
    return Slots(shift, owner, begin, end, values)


WIDE = 16
"""Codes of a row that gets a stretch of slots to itself; narrower ones are strewn into the holes."""
ROOM = 2
"""Slots for each value, so that a hole is soon found."""


def _packed(rows: Ints, codes: Ints, n_rows: int) -> npt.NDArray[np.int32]:
    """The shift of each row. Rows fall at random, and those that meet another fall again: the larger ones first. What is alone
    in its row fills the holes in their order, so that what one literal holds behind all others lies together."""
    bounds = np.searchsorted(rows, np.arange(n_rows + 1))
    count = np.diff(bounds)
    has = np.flatnonzero(count)
    lowest, span = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64)
    lowest[has] = codes[bounds[has]]
    span[has] = codes[bounds[has + 1] - 1] - lowest[has] + 1
    wide = np.flatnonzero(count >= WIDE)
    begin = np.zeros(n_rows, np.int64)
    begin[wide] = np.append([0], np.cumsum(span[wide]))[:-1]
    strewn = (count > 1) & (count < WIDE)
    room = int(span[wide].sum()) + ROOM * int(count[strewn].sum()) + int(span.max(initial=0))
    owner = np.full(room + int((count == 1).sum()), NONE, np.int32)
    row, at = spread(bounds[wide], count[wide])
    owner[begin[wide][row] + codes[at] - lowest[wide][row]] = wide[row]
    random = np.random.default_rng(0)
    for least, most in ((4, WIDE), (2, 4)):
        left = np.flatnonzero((count >= least) & (count < most))
        while len(left):
            begin[left] = random.integers(0, room - span[left] + 1)
            row, at = spread(bounds[left], count[left])
            slot = begin[left][row] + codes[at] - lowest[left][row]
            claim = np.where(owner[slot] == NONE, left[row], NONE)
            free = claim != NONE
            held = owner.copy()
            held[slot[free]] = claim[free]
            met = np.zeros(len(left), bool)
            np.logical_or.at(met, row, held[slot] != left[row])
            kept = ~met[row]
            owner[slot[kept]] = left[row[kept]]
            left = left[met]
            if met.all():  # the holes are too narrow for them all: without more room they would fall for ever
                more = int(span[left].max())
                room, owner = room + more, np.append(owner, np.full(more, NONE, np.int32))
    lone = np.flatnonzero(count == 1)
    begin[lone] = np.flatnonzero(owner == NONE)[: len(lone)]
    # slots count from the lowest code of the row that lies furthest left
    margin = max(0, int((lowest - begin)[has].max(initial=0)))
    return (begin - lowest + margin).astype(np.int32)


def spread(first: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Ranges laid end to end: for each member the row of its range, and first, first + 1, … within it."""
    row = np.repeat(np.arange(len(count), dtype=np.int32), count)
    ends = np.cumsum(count, dtype=np.int64)
    return row, np.arange(len(row)) + (first - ends + count)[row]
