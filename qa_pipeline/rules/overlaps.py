"""Hits that lie on each other: voided by a guard heard at least as well, or part of a greater hit heard at least as well."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from qa_pipeline.rules.phrase import NORMALISED, RUNGS
from qa_pipeline.rules.trie import Ints

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Spans:
    """Stretches of a stream of `size` positions: `first` and `last` are shifted by phrase, so that phrases never meet."""

    first: Ints
    last: Ints
    rung: Ints

    @staticmethod
    def of(phrase: Ints, first: Ints, last: Ints, rung: Ints, size: int) -> Spans:
        shift = phrase.astype(np.int64) * size
        return Spans(shift + first, shift + last, rung)

    def take(self, rows: npt.NDArray[Any]) -> Spans:
        return Spans(*(getattr(self, f.name)[rows] for f in fields(self)))


def unvoided(hits: Spans, guards: Spans) -> Mask:
    """Hits that no guard of their phrase overlaps which is heard at least as well; 你 for a guard's 您 is as good as exact."""
    voided = np.zeros(len(hits.first), bool)
    for rung in range(len(RUNGS) if len(guards.rung) else 0):
        chosen = guards.take(guards.rung == rung)
        starts, ends = np.sort(chosen.first), np.sort(chosen.last)
        begun = np.searchsorted(starts, hits.last)
        over = np.searchsorted(ends, hits.first, side="right")
        voided |= (begun > over) & (hits.rung >= rung if rung > NORMALISED else True)
    return ~voided


def uncontained(hits: Spans) -> Ints:
    """Indices of the hits that are no part of another hit of their phrase heard at least as well; one of equals is kept."""
    order = in_order(hits.first, hits.first - hits.last, hits.rung)
    hits = hits.take(order)
    kept = np.zeros(len(order), bool)
    for rung in range(len(RUNGS)):
        as_good = np.flatnonzero(hits.rung <= rung)
        last = hits.last[as_good]
        reach = np.maximum.accumulate(np.append([-1], last))[:-1]
        kept[as_good[(last > reach) & (hits.rung[as_good] == rung)]] = True
    return order[kept]


def in_order(first: Ints, second: Ints, third: Ints) -> Ints:
    """Indices that sort by three columns, packed into one number: `first` of 0 to 2**35, `second` within 2**19, `third` below
    256."""
    packed = (first.astype(np.int64) << 28) + ((second.astype(np.int64) + (1 << 19)) << 8) + third
    return np.argsort(packed, kind="stable")
