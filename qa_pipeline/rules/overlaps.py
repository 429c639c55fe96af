"""Hits that lie on each other: voided by a guard heard at least as well, or part of a greater hit heard at least as well."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

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
    """Hits that no guard of their phrase overlaps which is heard at least as well."""
    voided = np.zeros(len(hits.first), bool)
    for rung in np.unique(guards.rung):
        chosen = guards.take(guards.rung == rung)
        starts, ends = np.sort(chosen.first), np.sort(chosen.last)
        begun = np.searchsorted(starts, hits.last)
        over = np.searchsorted(ends, hits.first, side="right")
        voided |= (begun > over) & (hits.rung >= rung)
    return ~voided


def uncontained(hits: Spans) -> Ints:
    """Indices of the hits that are no part of another hit of their phrase heard at least as well; one of equals is kept."""
    order = np.lexsort((hits.rung, -hits.last, hits.first))
    hits = hits.take(order)
    kept = np.zeros(len(order), bool)
    for rung in np.unique(hits.rung):
        as_good = np.flatnonzero(hits.rung <= rung)
        reach = np.maximum.accumulate(hits.last[as_good])
        free = np.append([True], hits.last[as_good][1:] > reach[:-1]) if len(as_good) else np.empty(0, bool)
        kept[as_good[free & (hits.rung[as_good] == rung)]] = True
    return order[kept]
