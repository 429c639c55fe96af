"""Literals heard with one edit: a character dropped, put in, or replaced.

A character missing in a literal is a step from a trie's node to its grandchildren. States that have made their edit must match
from there on. Edits of the first two characters, where all positions would have to be tried, are literals of a trie of their
own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from qa_pipeline.rules.trie import NONE, Ints, Lookup, Stream, Trie, spread


@dataclass(frozen=True)
class Edited:
    """Literals heard with one edit, as columns.

    Stream positions [first, last); `literal` (a node while it is under way); `dropped`: place in the literal of the character
    missing or replaced; `added`: position of the one put in or standing in its stead; NONE where there is none.
    """

    first: Ints
    last: Ints
    literal: Ints
    dropped: Ints
    added: Ints

    def take(self, rows: npt.NDArray[np.bool_] | Ints) -> Edited:
        return Edited(*(getattr(self, f.name)[rows] for f in fields(self)))

    @staticmethod
    def together(parts: Sequence[Edited]) -> Edited:
        return Edited(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Edited)))


class NearTrie:
    """Literals of four or more codes, found with one edit exactly. An edit at either end is a character missing there."""

    def __init__(self, literals: Sequence[Sequence[int]], size: int) -> None:
        self.literals = len(literals)
        trie = self.trie = Trie(literals, size)
        nodes = len(trie.parent)
        deep = np.flatnonzero(trie.depth > 2).astype(np.int32)
        self._skips = Lookup(trie.parent[trie.parent[deep]], trie.code[deep], deep, nodes, size)
        ends = np.flatnonzero(trie.terminal != NONE)
        ends = ends[np.argsort(trie.parent[ends], kind="stable")]
        self._lasts = trie.terminal[ends]
        self._last = np.searchsorted(trie.parent[ends], np.arange(nodes + 1)).astype(np.int32)
        self._heads = _Heads(literals, size)

    def find(self, codes: Stream) -> Edited:
        """Every way to find a literal so; most of those that an unedited occurrence makes are left out. `codes` ends in 0s."""
        at, node = self.trie.pairs(codes)
        found, depth = [*self._heads.find(codes)], 2
        started: list[Edited] = []
        while len(at):
            here = at + np.int32(depth)
            on = np.full(len(at), NONE, np.int32)
            row, target = self.trie.children.one(node, codes[here])
            on[row] = target
            started += self._edited(codes, at, node, here, on)
            found.append(self._cut(at, node, here, on))
            at, node, depth = at[row], target, depth + 1
        return Edited.together([*found, *(self._finished(codes, Edited.together(started)) if started else ())])

    def _edited(self, codes: Stream, at: Ints, node: Ints, here: Ints, on: Ints) -> Iterator[Edited]:
        """Edits at the character `here`, behind `node`; `on`: the node without one."""
        trie = self.trie
        row, target = self._skips.all(node, codes[here])
        yield Edited(at[row], here[row] + 1, target, trie.depth[node[row]], np.full_like(target, NONE))
        after = codes[here + 1]
        row, target = self._skips.all(node, after)
        other = trie.parent[target] != on[row]
        row, target = row[other], target[other]
        yield Edited(at[row], here[row] + 2, target, trie.depth[node[row]], here[row])
        row, target = trie.children.one(node, after)
        yield Edited(at[row], here[row] + 2, target, np.full_like(target, NONE), here[row])

    def _cut(self, at: Ints, node: Ints, here: Ints, on: Ints) -> Edited:
        """Literals whose last character is missing."""
        row, end = spread(self._last[node], self._last[node + 1] - self._last[node])
        literal = self._lasts[end]
        other = np.where(on[row] == NONE, NONE, self.trie.terminal[on[row]]) != literal
        row, literal = row[other], literal[other]
        return Edited(at[row], here[row], literal, self.trie.depth[node[row]], here[row])

    def _finished(self, codes: Stream, states: Edited) -> Iterator[Edited]:
        """States that have made their edit, followed to the ends of their literals."""
        while len(states.first):
            said = self.trie.terminal[states.literal]
            ended = np.flatnonzero(said != NONE)
            done = states.take(ended)
            yield Edited(done.first, done.last, said[ended], done.dropped, done.added)
            row, on = self.trie.children.one(states.literal, codes[states.last])
            states = states.take(row)
            states = Edited(states.first, states.last + np.int32(1), on, states.dropped, states.added)


class _Heads:
    """Literals with an edit in their first two characters: the first missing, or the second missing or replaced."""

    def __init__(self, literals: Sequence[Sequence[int]], size: int) -> None:
        made: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        for number, literal in enumerate(literals):
            for dropped in (0, 1):
                made.setdefault((*literal[:dropped], *literal[dropped + 1 :]), []).append((number, dropped))
        self._trie = Trie(list(made), size)
        self._bounds = np.append([0], np.cumsum([len(each) for each in made.values()])).astype(np.int32)
        of = np.array([pair for each in made.values() for pair in each], np.int32).reshape(-1, 2)
        self._literal, self._dropped = of[:, 0].copy(), of[:, 1].copy()
        self._length = np.array([len(each) for each in literals], np.int32)
        self._lost = np.array([literals[number][dropped] for number, dropped in of], np.uint16)

    def find(self, codes: Stream) -> Iterator[Edited]:
        for replaced in (0, 1):
            at, variant = self._trie.find(codes, replaced)
            row, each = spread(self._bounds[variant], self._bounds[variant + 1] - self._bounds[variant])
            at, literal, dropped = at[row], self._literal[each], self._dropped[each]
            # in the stead of a first character that is missing stands the one before; a second one missing has nothing
            added = np.where(dropped == 0, at - 1, at + 1) if replaced else np.where(dropped == 0, at - 1, NONE)
            other = (codes[added] != self._lost[each]) | (added == NONE)
            kept = other & (dropped >= replaced)
            last = at + self._length[literal] - 1 + replaced
            yield Edited(at, last, literal, dropped, added).take(kept)
