"""Kleene's three values for many rows at once, each with its reason and its witnesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.kernels import WORTH_COMPILING_ONE, Kernel
from qa_pipeline.rules.spans import Flags, Ints, Spans, end_to_end, expand, no_spans

TRUE, FALSE, UNKNOWN = 1, 0, -1


@dataclass(frozen=True)
class Witnesses:
    """Spans that a trainer can listen to, each for one row."""

    row: Ints
    spans: Spans

    def of(self, chosen: Flags) -> Witnesses:
        """Those of the chosen rows."""
        keep = chosen[self.row]
        return self if keep.all() else Witnesses(self.row[keep], self.spans.take(keep))


Proof = Callable[[Flags], Witnesses]
"""The witnesses of the rows chosen. They are looked up at the end, for those alone that a verdict rests on."""


def no_proof(chosen: Flags) -> Witnesses:
    return Witnesses(np.zeros(0, np.int64), no_spans())


def seen(holds: Flags, found: Spans, at: Ints) -> Proof:
    """For each row that holds, the span of `found` at the row's index."""

    def proof(chosen: Flags) -> Witnesses:
        rows = np.flatnonzero(holds & chosen)
        return Witnesses(rows, found.take(at[rows]))

    return proof


def witnesses(parts: Sequence[Witnesses]) -> Witnesses:
    parts = [p for p in parts if len(p.row)]
    if not parts:
        return Witnesses(np.zeros(0, np.int64), no_spans())
    if len(parts) == 1:
        return parts[0]
    return Witnesses(np.concatenate([p.row for p in parts]), end_to_end([p.spans for p in parts]))


def either_seen(*proofs: Proof) -> Proof:
    return lambda chosen: witnesses([proof(chosen) for proof in proofs])


@dataclass(frozen=True)
class Truth:
    """value: 1, 0 or -1 (unknown); reason: why it is not true, 0 where nothing is to be said."""

    value: NDArray[np.int8]
    reason: Ints
    proof: Proof


def nothing() -> Truth:
    """Of no rows."""
    return Truth(np.zeros(0, np.int8), np.zeros(0, np.int64), no_proof)


def spread(told: Truth, rows: Ints, n: int, elsewhere: int) -> Truth:
    """What is told of some of n rows, as of all; the others have the value `elsewhere` and no witnesses."""
    value, reason = np.full(n, elsewhere, np.int8), np.zeros(n, np.int64)
    value[rows], reason[rows] = told.value, told.reason

    def proof(chosen: Flags) -> Witnesses:
        found = told.proof(chosen[rows])
        return Witnesses(rows[found.row], found.spans)

    return Truth(value, reason, proof)


def given(told: Truth, unit: Ints, n_units: int) -> Truth:
    """What is told of each unit, as of rows in them, of which each has its unit's witnesses. unit: of each row, ascending."""

    def proof(chosen: Flags) -> Witnesses:
        rows, asked = np.flatnonzero(chosen), np.zeros(n_units, bool)
        asked[unit[rows]] = True
        found = told.proof(asked)
        of = unit[rows]
        which, at = expand(np.searchsorted(of, found.row, "left"), np.searchsorted(of, found.row, "right"))
        return Witnesses(rows[at], found.spans.take(which))

    return Truth(told.value[unit], told.reason[unit], proof)


def truth(holds: Flags, reason: Ints | int, proof: Proof = no_proof, unknown: Ints | None = None) -> Truth:
    """From flags; where `unknown` names a reason, a row that does not hold is unknown."""
    reasons = np.where(holds, 0, reason)
    value = holds.astype(np.int8)
    if unknown is not None:
        open_ = (unknown != 0) & ~holds
        if open_.any():
            value[open_] = UNKNOWN
            reasons = np.where(open_, unknown, reasons)
    return Truth(value, reasons, proof)


def unknown_at(rows: Flags, reason: Ints | int, told: Truth) -> Truth:
    """The same, but for rows that are unknown whatever is told."""
    if not rows.any():
        return told
    value = np.where(rows, np.int8(UNKNOWN), told.value).astype(np.int8)
    return Truth(value, np.where(rows, reason, told.reason), told.proof)


OPPOSITE = np.array([TRUE, FALSE, UNKNOWN], np.int8)
"""By value: false, true, unknown (the last one)."""
ROWS_A_STEP = 30
"""Rows weighed in the time of a kernel's step."""


def all_of(parts: Sequence[Truth]) -> Truth:
    """True where all are; its witnesses are all of theirs. Otherwise the reason and witnesses of the first worst."""
    return _chosen(parts, FALSE, TRUE)


def any_of(parts: Sequence[Truth]) -> Truth:
    """True where one is, with its witnesses; where none is, those of all."""
    return _chosen(parts, TRUE, FALSE)


def _chosen(parts: Sequence[Truth], strong: int, weak: int) -> Truth:
    """The truth of the first part that none is stronger than; where all are weak, with the witnesses of all."""
    if len(parts) == 1:
        return parts[0]
    value = parts[0].value.copy()
    reason, first = np.where(value == TRUE, 0, parts[0].reason), np.zeros(len(value), np.int16)
    for number, part in enumerate(parts[1:], 1):
        _outweigh(len(value) // ROWS_A_STEP, part.value, part.reason, number, strong, weak, value, reason, first)

    def proof(chosen: Flags) -> Witnesses:
        everyone = value == weak
        shown = [chosen & (everyone | (first == number)) for number in range(len(parts))]
        return witnesses([part.proof(rows) for part, rows in zip(parts, shown, strict=True)])

    return Truth(value, reason, proof)


def outweigh(
    mine: NDArray[np.int8], why: Ints, number: int, strong: int, weak: int,
    value: NDArray[np.int8], reason: Ints, first: NDArray[np.int16],
) -> None:  # fmt: skip
    """Rows at which one more part is stronger than those before it take its value, its reason and its number."""
    for row in range(len(value)):
        if mine[row] != value[row] and (mine[row] == strong or value[row] == weak):
            value[row], first[row] = mine[row], number
            reason[row] = 0 if mine[row] == TRUE else why[row]


_outweigh = Kernel(outweigh, worth=WORTH_COMPILING_ONE)


def not_(part: Truth, reason: int) -> Truth:
    value = OPPOSITE[part.value]
    return Truth(value, np.where(value == FALSE, reason, np.where(value == TRUE, 0, part.reason)), part.proof)


def at_least(n: int, parts: Sequence[Truth], reason: int) -> Truth:
    """True where n parts are; false where not even the unknown ones would do."""
    values = np.stack([p.value for p in parts])
    sure, maybe = (values == TRUE).sum(0), (values != FALSE).sum(0)
    value = np.where(sure >= n, TRUE, np.where(maybe >= n, UNKNOWN, FALSE)).astype(np.int8)

    def proof(chosen: Flags) -> Witnesses:
        held = value == TRUE
        return witnesses([p.proof(chosen & np.where(held, p.value == TRUE, p.value != TRUE)) for p in parts])

    unknown = np.zeros(len(value), np.int64)
    for part in reversed(parts):
        unknown = np.where(part.value == UNKNOWN, part.reason, unknown)
    return Truth(value, np.where(value == TRUE, 0, np.where(value == UNKNOWN, unknown, reason)), proof)
