"""The tables by which chains are grown, made of what a plan's builder has listed: steps, their starts, what fills their places.

For their columns see `growth.Chains`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qa_pipeline.rules.trie import NONE, Ints

WORDS = 8
"""Words of 64 bits that a processor handles at once, or some more: a number of them has no remainder to be looked at singly."""
FAR = np.iinfo(np.int32).max
"""More characters than any text has."""


class Grouped(NamedTuple):
    """Literals that the same places take make a group. `number`, `rank`: of each literal's group, the last one being nobody's,
    and of the literal in it; `first`: where the `groups` of each place begin; `groups`, `takers`, `held`: as in `Chains`;
    `order`: the members' there."""

    number: Ints
    rank: Ints
    first: Ints
    groups: Ints
    takers: npt.NDArray[np.int64]
    held: Ints
    order: Ints


def group_members(literal: Ints, place: Ints, literals: int, places: int) -> Grouped:
    """`literal`, `place`: of each member."""
    wanting: dict[int, list[int]] = {}
    for each, by in zip(literal.tolist(), place.tolist(), strict=True):
        wanting.setdefault(each, []).append(by)
    sets: dict[tuple[int, ...], int] = {}
    of = {each: sets.setdefault(tuple(dict.fromkeys(by)), len(sets)) for each, by in wanting.items()}
    number, rank = np.full(literals, len(sets), np.int32), np.empty(literals, np.int32)
    number[list(of)] = list(of.values())
    by_group = np.argsort(number, kind="stable")
    rank[by_group] = np.arange(literals) - bounds(number[by_group], len(sets) + 1)[number[by_group]]
    keys = np.stack([place, number[literal], rank[literal]], 1)
    order = np.lexsort(keys.T[::-1])
    by_literal = _begin(keys[order])
    held = keys[order][by_literal]
    by_place = _begin(held[:, :2])
    taking, taken = held[by_place, 0], held[by_place, 1]
    takes = np.zeros((len(sets) + 1, WORDS * 64 * (places // (WORDS * 64) + 1)), bool)
    takes[taken, taking] = True
    takes[-1, :places] = ~takes[:, :places].any(0)
    takers = np.packbits(takes, 1, "little").view(np.int64)
    first = bounds(taking, places)
    return Grouped(number, rank, first, table(taken, by_place), takers, np.append(by_literal, len(order)), order)


def _begin(sorted_rows: Ints) -> Ints:
    """Where rows that are not like the row before them stand."""
    return np.flatnonzero(np.append([True], (np.diff(sorted_rows, axis=0) != 0).any(1))[: len(sorted_rows)]).astype(np.int32)


class Anchored(NamedTuple):
    """What literals anchor. `of_literal`: first use, first and last start of each; `starts`: as in `Chains`; `forms`, `value`:
    of each use."""

    of_literal: tuple[Ints, Ints, Ints]
    starts: Ints
    forms: list[tuple[int, ...]]
    value: Ints


def anchored(anchors: Sequence[tuple[int, ...]], needs: Ints, literals: int) -> Anchored:
    """`anchors`, by form: literal, form, first step, slot value, whether it is captured, and what parts forms that do not mean
    the same; `needs`: of each step, as `step_tables` tells."""
    uses: dict[tuple[int, ...], list[int]] = {}
    for literal, form, *use in anchors:
        uses.setdefault((literal, *use), []).append(form)
    of, to, value, captures, _ = columns(list(uses), 5)
    by_literal, begun = bounds(of, literals), table(to, captures)
    known: dict[bytes, int] = {}
    shared, listed, first = [begun[:0]], 0, np.zeros(literals, np.int32)
    for each in np.flatnonzero(np.diff(by_literal)).tolist():
        mine = begun[by_literal[each] : by_literal[each + 1]]
        first[each] = at = known.setdefault(mine.tobytes(), listed)
        if at == listed:
            shared.append(mine)
            listed += len(mine)
    step, captured = np.concatenate(shared).T
    starts = table(*needs[step, :4].T, step, captured, *needs[step, 4:].T)
    last = first + np.diff(by_literal)
    return Anchored((by_literal[:-1], first, last), starts, [tuple(dict.fromkeys(each)) for each in uses.values()], value)


def lengths_at(place: Ints, length: Ints, places: int) -> tuple[Ints, Ints]:
    """The least and the greatest length of what each place takes. `place`, `length`: of each member, place by place."""
    first = np.flatnonzero(np.diff(place, prepend=NONE))
    shortest, longest = (np.zeros(places, np.int32) for _ in range(2))
    if len(first):
        shortest[place[first]], longest[place[first]] = np.minimum.reduceat(length, first), np.maximum.reduceat(length, first)
    return shortest, longest


def step_tables(
    listed: list[tuple[int, ...]], worst: Ints, margin: Ints, lengths: tuple[Ints, Ints], first: Ints
) -> tuple[Ints, Ints]:
    """The table of steps; and what each needs: its room, its place and the next one's. `worst`, `margin`: of each chain;
    `lengths`, `first`: of each place, where its groups begin."""
    chain, place, side, least, most, capture, at_rim = columns(listed, 7)
    shortest, longest = (each[place] for each in lengths)
    low, high = np.where(side > 0, least, -most - longest), np.where(side > 0, most, -least - shortest)
    ends, room = np.flatnonzero(side == 0)[chain], []
    for direction, asked in (-1, margin[:, 0]), (1, margin[:, 2]):
        to_come = np.stack([least + shortest, most + longest, at_rim], 1) * (side == direction)[:, None]
        so_far = np.cumsum(to_come[::-1], 0)[::-1]
        enough, most_of_all, bounded = (so_far - so_far[ends]).T  # of this step and those behind it in its chain
        room += [enough + asked[chain], np.where(bounded, most_of_all, FAR)]
    steps = table(chain, worst[chain], side, least, most, capture, low, high, first[place], first[place + 1])
    return steps, table(*room, place, np.where(side == 0, place, np.roll(place, -1)))


def table(*columns: Any) -> Ints:
    """A table of these columns, row by row in memory."""
    return np.stack([np.asarray(column, np.int32) for column in columns], 1)


def columns(rows: Sequence[tuple[int, ...]], width: int) -> Ints:
    return np.array(rows, np.int32).reshape(-1, width).T.copy()


def bounds(sorted_keys: Ints, count: int) -> Ints:
    """Where each key 0..count-1 begins."""
    return np.searchsorted(sorted_keys, np.arange(count + 1)).astype(np.int32)
