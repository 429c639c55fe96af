"""Many literals found in one stream of codes at once: a trie walked by all positions together.

The first two levels are one look-up in a dense table; the few positions that survive it go on through sorted keys.
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

    Node 0 is the root. `terminal[node]`: the literal that ends there; `parent[node]`.
    """

    def __init__(self, literals: Sequence[Sequence[int]], size: int) -> None:
        """`literals` are numbered in order; `size`: number of codes, 0 included."""
        self.size = size
        children: dict[tuple[int, int], int] = {}
        parent, depth, ends = [NONE], [0], {}
        for number, literal in enumerate(literals):
            node = 0
            for code in literal:
                found = children.setdefault((node, code), len(parent))
                if found == len(parent):
                    parent.append(node)
                    depth.append(depth[node] + 1)
                node = found
            ends[node] = number
        self.parent, self.depth = np.array(parent, np.int32), np.array(depth, np.int32)
        self.terminal = np.full(len(parent), NONE, np.int32)
        self.terminal[list(ends)] = list(ends.values())
        self.children = Lookup(
            np.array([n * size + c for n, c in children], np.int64), np.array(list(children.values()), np.int32)
        )
        self.inner = np.isin(np.arange(len(parent)), self.parent)
        self._pairs = self._pair_table(children)

    def _pair_table(self, children: dict[tuple[int, int], int]) -> Ints:
        """The node behind two codes, 0 for none."""
        table = np.zeros(self.size * self.size, np.int32)
        first = {node: code for (parent, code), node in children.items() if parent == 0}
        for (parent, code), node in children.items():
            if parent in first:
                table[first[parent] * self.size + code] = node
        return table

    def pairs(self, codes: Stream) -> tuple[Ints, Ints]:
        """Positions where two codes begin some literal, and the nodes behind them."""
        if len(codes) < 2:
            return np.empty(0, np.int32), np.empty(0, np.int32)
        nodes = self._pairs[codes[:-1].astype(np.int32) * self.size + codes[1:]]
        at = np.flatnonzero(nodes).astype(np.int32)
        return at, nodes[at]

    def find(self, codes: Stream) -> tuple[Ints, Ints]:
        """(position, literal) of every occurrence; for one literal in order of position. `codes` ends in a 0."""
        at, node = self.pairs(codes)
        places, literals, depth = [], [], 2
        while len(at):
            said = self.terminal[node]
            ended = np.flatnonzero(said != NONE)
            places.append(at[ended])
            literals.append(said[ended])
            open_ = self.inner[node]
            at, node = at[open_], node[open_]
            found = self.children.one(node.astype(np.int64) * self.size + codes[at + depth])
            alive = found != NONE
            at, node, depth = at[alive], found[alive], depth + 1
        return _together(places), _together(literals)


class Lookup:
    """Values by key, for many keys at once."""

    def __init__(self, keys: Ints, values: Ints) -> None:
        order = np.argsort(keys, kind="stable")
        self._keys, self._values = keys[order], values[order]

    def one(self, keys: Ints) -> Ints:
        """The value of each key, NONE where there is none; keys are unique."""
        if not len(self._keys):
            return np.full(len(keys), NONE, np.int32)
        at = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[at] == keys, self._values[at], np.int32(NONE))

    def all(self, keys: Ints) -> tuple[Ints, Ints]:
        """Every value of every key: (index of the key, value)."""
        first, last = np.searchsorted(self._keys, keys), np.searchsorted(self._keys, keys, side="right")
        row, at = spread(first, last - first)
        return row, self._values[at]


def spread(first: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Ranges laid end to end: for each member the row of its range, and first, first + 1, … within it."""
    row = np.repeat(np.arange(len(count)), count)
    ends = np.cumsum(count)
    return row, np.arange(len(row)) + (first - ends + count)[row]


def _together(parts: Sequence[Ints]) -> Ints:
    return np.concatenate(parts) if parts else np.empty(0, np.int32)
