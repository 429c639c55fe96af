"""Tables for hearing literals with one edit: a character dropped, put in, or replaced.

A character missing in a literal is a step from a trie's node to its grandchildren. States that have made their edit must match
from there on. Edits of the first two characters, where all positions would have to be tried, are literals of a trie of their
own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qa_pipeline.rules.trie import NONE, Ints, Trie, Walk, bits_of, slots

BODY, HEAD = 1, 2
STRIDE, MASK = 769, 0xFFFFF
SKIP, SKIPS, LASTS, LASTS_END = range(4)
FIRST, LAST = 1, 2
"""Columns of `skip_slots`, behind OWNER."""


class Near(NamedTuple):
    """Literals of four or more codes, to be found with one edit exactly. An edit at either end is a character missing there.

    `begins`, two bits for each stretch, numbered `(a * size + b) * STRIDE + c & MASK`, says of most that nothing begins so: it
    has BODY where a literal begins with a and b and goes on, at once or one character further, with c, and HEAD where one
    without its head begins so.
    `nodes`, of each node of `walk`: its grandchildren of some code are `skips[FIRST:LAST]` of the slot SKIP + code in
    `skip_slots`, if that has the node for OWNER; SKIPS has a bit for each code of these, as NEXT has for those of children;
    literals that end one character further are `lasts[LASTS:LASTS_END]`. Literals without one of their first two characters
    are in `heads`; the one numbered h there stands for `literal[i]` without character `dropped[i]`, which is `lost[i]`, for i
    in `bounds[h]:bounds[h + 1]`.
    """

    begins: npt.NDArray[np.uint8]
    walk: Walk
    nodes: Ints
    skip_slots: Ints
    skips: Ints
    lasts: Ints
    heads: Walk
    bounds: Ints
    literal: Ints
    dropped: Ints
    lost: Ints
    length: Ints
    stands: Ints
    """[how much longer than its literal the stretch is: 0, 1, -1; literal]: its number among all that are found."""
    negated: npt.NDArray[np.bool_]
    """[literal, place]: whether an edit there would turn the sense."""


def near_tables(
    literals: Sequence[Sequence[int]], size: int, stands: Ints | None = None, negated: npt.NDArray[np.bool_] | None = None
) -> Near:
    """`size`: number of codes, 0 included. Without `stands` a literal is its own number, without `negated` any edit will do."""
    trie = Trie(literals, size)
    deep = np.flatnonzero(trie.depth > 3)
    rows = len(trie.walk.steps)
    above = trie.row[trie.parent[trie.parent[deep]]]
    skips = slots(above, trie.code[deep], trie.row[deep], rows, size)
    ends = np.flatnonzero(trie.terminal != NONE)
    ends = ends[np.argsort(trie.row[trie.parent[ends]], kind="stable")]
    last = np.searchsorted(trie.row[trie.parent[ends]], np.arange(rows + 1)).astype(np.int32)
    made: dict[tuple[int, ...], list[tuple[int, int]]] = {}
    for number, literal in enumerate(literals):
        for dropped in (0, 1):
            made.setdefault((*literal[:dropped], *literal[dropped + 1 :]), []).append((number, dropped))
    of = np.array([pair for each in made.values() for pair in each], np.int32).reshape(-1, 2)
    length = np.array([len(each) for each in literals], np.int32)
    heads = Trie(list(made), size)
    begins = np.zeros(MASK // 4 + 1, np.uint8)
    for walked, depth, bit in ((trie, 3, BODY), (trie, 4, BODY), (heads, 3, HEAD)):
        stretch = _begins(walked, depth, size)
        np.bitwise_or.at(begins, stretch >> 2, (bit << 2 * (stretch & 3)).astype(np.uint8))
    return Near(
        begins,
        trie.walk,
        np.stack([skips.shift, bits_of(above, trie.code[deep], rows), last[:-1], last[1:]], 1),
        np.stack([skips.owner, skips.first, skips.last], 1),
        skips.values,
        trie.terminal[ends],
        heads.walk,
        np.append([0], np.cumsum([len(each) for each in made.values()])).astype(np.int32),
        *(of[:, 0].copy(), of[:, 1].copy()),
        np.array([literals[number][dropped] for number, dropped in of], np.int32),
        length,
        np.tile(np.arange(len(literals), dtype=np.int32), (3, 1)) if stands is None else stands,
        np.zeros((len(literals), int(length.max(initial=0))), bool) if negated is None else negated,
    )


def _begins(trie: Trie, depth: int, size: int) -> npt.NDArray[np.int64]:
    """The number in `Near.begins` of the first two codes that lead to each node of this depth, with its own."""
    node: Ints = np.flatnonzero(trie.depth == depth)
    second = node
    for _ in range(2, depth):
        second = trie.parent[second]
    pair = trie.code[trie.parent[second]].astype(np.int64) * size + trie.code[second]
    found: npt.NDArray[np.int64] = pair * STRIDE + trie.code[node] & MASK
    return found
