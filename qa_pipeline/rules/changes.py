"""A dry run in figures: per rule the flips with samples, per agent and team the points, and who crosses the pass mark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.dataset.names import numbered

SAMPLES = 3
"""Sample calls kept for each kind of flip of a rule, and for each way over the pass mark."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Points:
    """Summed over legs, before and after; percent over those whose rules applied at all."""

    legs: int = 0
    points_before: float = 0.0
    possible_before: float = 0.0
    points_after: float = 0.0
    possible_after: float = 0.0

    def __add__(self, other: Points) -> Points:
        return Points(*(getattr(self, name) + getattr(other, name) for name in Points.__dataclass_fields__))

    @property
    def percent_before(self) -> float | None:
        return 100 * max(0.0, self.points_before) / self.possible_before if self.possible_before else None

    @property
    def percent_after(self) -> float | None:
        return 100 * max(0.0, self.points_after) / self.possible_after if self.possible_after else None


@dataclass(frozen=True)
class Flip:
    """One rule's findings that change in one way: "fail→pass" and the like. samples: rows of FINDING_CHANGES."""

    count: int
    samples: tuple[Row, ...]


@dataclass(frozen=True)
class Crossing:
    """Legs that come over the pass mark, or fall under it. samples: rows of SCORE_CHANGES."""

    count: int = 0
    samples: tuple[Row, ...] = ()

    def __add__(self, other: Crossing) -> Crossing:
        return Crossing(self.count + other.count, (self.samples + other.samples)[:SAMPLES])


@dataclass(frozen=True)
class Changes:
    """calls: looked at; flips by (pack, rule, change); agents and teams by their id, teams under their name."""

    calls: int = 0
    flips: Mapping[tuple[str, str, str], Flip] = field(default_factory=dict)
    agents: Mapping[str | None, Points] = field(default_factory=dict)
    teams: Mapping[str | None, Points] = field(default_factory=dict)
    over: Crossing = Crossing()
    under: Crossing = Crossing()

    @property
    def flipped(self) -> int:
        """Findings whose verdict changes."""
        return sum(flip.count for (_, _, change), flip in self.flips.items() if change != "evidence")


@dataclass(frozen=True)
class SideBySide:
    """Some calls: rows of FINDING_CHANGES and SCORE_CHANGES, and all their scores before and after."""

    findings: pa.Table
    scores: pa.Table
    before: pa.Table
    after: pa.Table


def count_changes(told: SideBySide, pass_mark: float) -> Changes:
    over, under = (_crossing(told.scores, pass_mark, up) for up in (True, False))
    agents, teams = (_points(told.before, told.after, by) for by in ("agent_id", "team"))
    return Changes(len(told.after["call_id"].unique()), _flips(told.findings), agents, teams, over, under)


def _flips(findings: pa.Table) -> dict[tuple[str, str, str], Flip]:
    """In the order of packs, rules and changes. The samples of each kind are its first rows."""
    number = numbered(findings.select(["pack", "rule_id", "change"]))
    order = np.argsort(number, kind="stable")
    _, starts, counts = np.unique(number[order], return_index=True, return_counts=True)
    shown = np.minimum(counts, SAMPLES)
    rows = np.concatenate([order[:0], *(order[start : start + n] for start, n in zip(starts, shown, strict=True))])
    samples = iter(findings.take(pa.array(rows)).to_pylist())
    found = {}
    for count, n in zip(counts.tolist(), shown.tolist(), strict=True):
        first, *_ = its = tuple(islice(samples, n))
        found[first["pack"], first["rule_id"], first["change"]] = Flip(count, its)
    return found


def _points(before: pa.Table, after: pa.Table, by: str) -> dict[str | None, Points]:
    found: dict[str | None, Points] = defaultdict(Points)
    for table, side in ((before, "before"), (after, "after")):
        summed = (
            table.group_by(by, use_threads=False)
            .aggregate([("points", "sum"), ("possible", "sum"), ([], "count_all")])
            .to_pylist()
        )
        for row in summed:
            told = {f"points_{side}": row["points_sum"] or 0.0, f"possible_{side}": row["possible_sum"] or 0.0}
            found[row[by]] += Points(row["count_all"] if side == "after" else 0, **told)
    return dict(found)


def _crossing(scores: pa.Table, pass_mark: float, up: bool) -> Crossing:
    old, new = (pc.greater_equal(scores[f"percent_{side}"], pass_mark) for side in ("before", "after"))
    crossed = pc.and_(new, pc.invert(old)) if up else pc.and_(old, pc.invert(new))
    rows = scores.filter(pc.fill_null(crossed, False))
    return Crossing(len(rows), tuple(rows.slice(0, SAMPLES).to_pylist()))


def add_up(parts: Iterable[Changes]) -> Changes:
    """Of several dates, in their order."""
    calls, over, under = 0, Crossing(), Crossing()
    flips: dict[tuple[str, str, str], Flip] = {}
    agents: dict[str | None, Points] = defaultdict(Points)
    teams: dict[str | None, Points] = defaultdict(Points)
    for part in parts:
        calls, over, under = calls + part.calls, over + part.over, under + part.under
        for key, flip in part.flips.items():
            had = flips.get(key, Flip(0, ()))
            flips[key] = Flip(had.count + flip.count, (had.samples + flip.samples)[:SAMPLES])
        for mine, theirs in ((agents, part.agents), (teams, part.teams)):
            for name, points in theirs.items():
                mine[name] += points
    return Changes(calls, flips, dict(agents), dict(teams), over, under)
