"""Kleene's three values for many rows at once, each with its reason and its witnesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.rules.spans import Flags, Ints, Spans, no_spans

TRUE, FALSE, UNKNOWN = 1, 0, -1


@dataclass(frozen=True)
class Witnesses:
    """Spans that a trainer can listen to, each for one row."""

    row: Ints
    spans: Spans

    def of(self, chosen: Flags) -> Witnesses:
        """Those of the chosen rows."""
        keep = chosen[self.row]
        return Witnesses(self.row[keep], self.spans.take(keep))


def no_witnesses() -> Witnesses:
    return Witnesses(np.zeros(0, np.int64), no_spans())


def witnesses(parts: Sequence[Witnesses]) -> Witnesses:
    parts = [p for p in parts if len(p.row)]
    if not parts:
        return no_witnesses()
    columns = {f.name: np.concatenate([getattr(p.spans, f.name) for p in parts]) for f in fields(Spans)}
    return Witnesses(np.concatenate([p.row for p in parts]), Spans(**columns))


@dataclass(frozen=True)
class Truth:
    """value: 1, 0 or -1 (unknown); reason: why it is not true, 0 where nothing is to be said."""

    value: NDArray[np.int8]
    reason: Ints
    proof: Witnesses


def truth(holds: Flags, reason: Ints | int, proof: Witnesses | None = None, unknown: Ints | None = None) -> Truth:
    """From flags; where `unknown` names a reason, a row that does not hold is unknown."""
    n = len(holds)
    reasons = np.where(holds, 0, np.broadcast_to(np.asarray(reason, np.int64), n))
    value = holds.astype(np.int8)
    if unknown is not None:
        open_ = ~holds & (unknown != 0)
        value, reasons = np.where(open_, np.int8(UNKNOWN), value), np.where(open_, unknown, reasons)
    return Truth(value.astype(np.int8), reasons, proof or no_witnesses())


def _ranked(value: NDArray[np.int8]) -> NDArray[np.int8]:
    """False 0, unknown 1, true 2."""
    return np.where(value == UNKNOWN, np.int8(1), value * 2).astype(np.int8)


def _back(rank: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.where(rank == 1, np.int8(UNKNOWN), rank // 2).astype(np.int8)


def all_of(parts: Sequence[Truth]) -> Truth:
    """True where all are; its witnesses are all of theirs. Otherwise the reason and witnesses of the first worst."""
    ranks = np.stack([_ranked(p.value) for p in parts])
    worst = ranks.min(0)
    return _chosen(parts, ranks, worst, everyone=worst == 2)


def any_of(parts: Sequence[Truth]) -> Truth:
    """True where one is, with its witnesses; where none is, those of all."""
    ranks = np.stack([_ranked(p.value) for p in parts])
    best = ranks.max(0)
    return _chosen(parts, ranks, best, everyone=best == 0)


def _chosen(parts: Sequence[Truth], ranks: NDArray[np.int8], rank: NDArray[np.int8], everyone: Flags) -> Truth:
    """The truth of that rank: witnesses of the first part that has it, or of all parts where `everyone` says so."""
    first = (ranks == rank).argmax(0)
    reason = (
        np.choose(first, [p.reason for p in parts])
        if len(parts) < 32
        else np.stack([p.reason for p in parts])[first, range(len(first))]
    )
    proof = witnesses([p.proof.of(everyone | (first == i)) for i, p in enumerate(parts)])
    return Truth(_back(rank), np.where(rank == 2, 0, reason), proof)


def not_(part: Truth, reason: int) -> Truth:
    value = np.where(part.value == UNKNOWN, part.value, 1 - part.value).astype(np.int8)
    return Truth(value, np.where(value == FALSE, reason, np.where(value == TRUE, 0, part.reason)), part.proof)


def at_least(n: int, parts: Sequence[Truth], reason: int) -> Truth:
    """True where n parts are; false where not even the unknown ones would do."""
    values = np.stack([p.value for p in parts])
    sure, maybe = (values == TRUE).sum(0), (values != FALSE).sum(0)
    value = np.where(sure >= n, TRUE, np.where(maybe >= n, UNKNOWN, FALSE)).astype(np.int8)
    proof = witnesses([p.proof.of(np.where(value == TRUE, p.value == TRUE, p.value != TRUE)) for p in parts])
    unknown = np.stack([np.where(p.value == UNKNOWN, p.reason, 0) for p in parts]).max(0)
    return Truth(value, np.where(value == TRUE, 0, np.where(value == UNKNOWN, unknown, reason)), proof)
