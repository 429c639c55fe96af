"""Many literals found in one stream of codes at once: a trie walked by all positions together.

The first two levels are one look-up in a dense table; the few positions that survive it go on through a packed one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.integer[Any]]
Stream = npt.NDArray[np.uint16]

NONE = -1


class Trie:
    """Literals of two or more codes in 1..size-1, all different; code 0 stands for whatever no literal holds.

    Node 0 is the root. By node: `terminal`, the literal that ends there; `parent`; `depth`; `code`, that leads to it; `inner`,
    whether it has children.
    """

    def __init__(self, literals: Sequence[Sequence[int]], size: int) -> None:
        """`literals` are numbered in order; `size`: number of codes, 0 included."""
        self.size = size
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
        self.parent, self.depth, self.code = np.array(parent, np.int32), np.array(depth, np.int32), np.array(led, np.uint16)
        self.terminal = np.full(len(parent), NONE, np.int32)
        self.terminal[list(ends)] = list(ends.values())
        below = np.flatnonzero(self.depth > 0).astype(np.int32)
        self.children = Lookup(self.parent[below], self.code[below], below, len(parent), size)
        self.inner = np.isin(np.arange(len(parent)), self.parent)
        second = np.flatnonzero(self.depth == 2).astype(np.int32)
        self._pairs = np.zeros(size * size, np.int32)
        self._pairs[self.code[self.parent[second]].astype(np.int32) * size + self.code[second]] = second

    def pairs(self, codes: Stream, skipped: int = 0) -> tuple[Ints, Ints]:
        """Positions where two codes, with so many skipped between them, begin some literal, and the nodes behind them."""
        if len(codes) < 2 + skipped:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        nodes = self._pairs[codes[: -1 - skipped].astype(np.int32) * np.int32(self.size) + codes[1 + skipped :]]
        at = np.flatnonzero(nodes).astype(np.int32)
        return at, nodes[at]

    def find(self, codes: Stream, skipped: int = 0) -> tuple[Ints, Ints]:
        """(position, literal) of every occurrence, with so many codes skipped behind its first; for one literal in order of
        position. `codes` ends in 1 + skipped 0s."""
        at, node = self.pairs(codes, skipped)
        places, literals, ahead = [], [], 2 + skipped
        while len(at):
            said = self.terminal[node]
            ended = np.flatnonzero(said != NONE)
            places.append(at[ended])
            literals.append(said[ended])
            row, node = self.children.one(node, codes[at + ahead])
            at, ahead = at[row], ahead + 1
        return _together(places), _together(literals)


class Lookup:
    """Values by (row, code), for many at once; a pair may have several.

    The rows of a sparse matrix are laid over each other so that no two values meet: value (row, code) stands in slot
    `shift[row] + code`, and the slot knows its row.
    """

    def __init__(self, rows: Ints, codes: Ints, values: Ints, n_rows: int, size: int) -> None:
        """`codes` are below `size`, `rows` below `n_rows`."""
        order = np.lexsort((codes, rows))
        rows, codes, self._values = rows[order].astype(np.int64), codes[order].astype(np.int64), values[order]
        new = np.append([True], np.diff(rows * size + codes) != 0)[: len(rows)]
        first = np.flatnonzero(new)
        rows, codes, count = rows[first], codes[first], np.diff(np.append(first, len(order)))
        self._shift = _packed(rows, codes, n_rows)
        slot = self._shift[rows] + codes
        slots = int(self._shift.max(initial=0)) + size
        self._owner = np.full(slots, NONE, np.int32)
        self._first, self._count = np.zeros(slots, np.int32), np.zeros(slots, np.int32)
        self._owner[slot], self._first[slot], self._count[slot] = rows, first, count

    def one(self, rows: Ints, codes: npt.NDArray[np.integer[Any]]) -> tuple[Ints, Ints]:
        """(index, value) of the pairs that have a value, the first one."""
        slot = self._shift[rows] + codes
        known = np.flatnonzero(self._owner[slot] == rows)
        return known, self._values[self._first[slot[known]]]

    def all(self, rows: Ints, codes: npt.NDArray[np.integer[Any]]) -> tuple[Ints, Ints]:
        """(index, value) of every value of every pair."""
        slot = self._shift[rows] + codes
        known = np.flatnonzero(self._owner[slot] == rows)
        slot = slot[known]
        row, at = spread(self._first[slot], self._count[slot])
        return known[row], self._values[at]


WIDE = 16
"""Codes of a row that gets a stretch of slots to itself; narrower ones are strewn into the holes."""
ROOM = 3
"""Slots for each value, so that a hole is soon found."""


def _packed(rows: Ints, codes: Ints, n_rows: int) -> npt.NDArray[np.int32]:
    """The shift of each row. Rows fall at random, and those that meet another fall again: the larger ones first."""
    bounds = np.searchsorted(rows, np.arange(n_rows + 1))
    count = np.diff(bounds)
    has = np.flatnonzero(count)
    lowest, span = np.zeros(n_rows, np.int64), np.zeros(n_rows, np.int64)
    lowest[has] = codes[bounds[has]]
    span[has] = codes[bounds[has + 1] - 1] - lowest[has] + 1
    wide = np.flatnonzero(count >= WIDE)
    begin = np.zeros(n_rows, np.int64)
    begin[wide] = np.append([0], np.cumsum(span[wide]))[:-1]
    owner = np.full(int(span[wide].sum()) + ROOM * len(rows) + int(span.max(initial=0)), NONE, np.int32)
    row, at = spread(bounds[wide], count[wide])
    owner[begin[wide][row] + codes[at] - lowest[wide][row]] = wide[row]
    random = np.random.default_rng(0)
    for least, most in ((4, WIDE), (2, 4), (1, 2)):
        left = np.flatnonzero((count >= least) & (count < most))
        while len(left):
            begin[left] = random.integers(0, len(owner) - span[left] + 1)
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
    # slots count from the lowest code of the row that lies furthest left
    margin = max(0, int((lowest - begin)[has].max(initial=0)))
    return (begin - lowest + margin).astype(np.int32)


def spread(first: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Ranges laid end to end: for each member the row of its range, and first, first + 1, … within it."""
    row = np.repeat(np.arange(len(count), dtype=np.int32), count)
    ends = np.cumsum(count, dtype=np.int64)
    return row, np.arange(len(row)) + (first - ends + count)[row]


def _together(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, np.int32)
