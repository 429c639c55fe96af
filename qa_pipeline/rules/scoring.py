"""From findings to scores, with people's verdicts in place of the machine's where they stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qa_pipeline.dataset.names import among, places
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.rules.pack import Rule, RulePack
from qa_pipeline.rules.verdict_tables import LEAST_POSSIBLE

NOTHING, PENDING, CONFIRMED, REJECTED = "none", "pending", "confirmed", "rejected"
ROUNDING = 6
"""Decimals of summed points: the order of adding up must not show."""
Key = tuple[str, int, str, str]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Units:
    """The legs that one pack scores, sorted by call and leg: call_id, leg, agent_id, team, started_at, transcript_version."""

    legs: pa.Table

    def __len__(self) -> int:
        return len(self.legs)

    def rows_of(self, findings: pa.Table) -> NDArray[np.int64]:
        """Each finding's leg among these; -1 where it is not here."""
        calls = self.legs["call_id"].combine_chunks().unique()
        mine = _numbers(self.legs, calls)
        wanted = _numbers(findings, calls)
        at = np.minimum(np.searchsorted(mine, wanted), max(0, len(mine) - 1))
        return np.where((wanted >= 0) & (mine[at] == wanted), at, -1) if len(mine) else np.full(len(wanted), -1)


def _numbers(rows: pa.Table, calls: pa.Array) -> NDArray[np.int64]:
    """One number for call and leg, -1 for a call not among `calls`."""
    call = places(rows["call_id"], calls)
    return np.asarray(np.where(call < 0, -1, call * 4096 + rows["leg"].to_numpy()), np.int64)


def score_findings(
    findings: pa.Table, units: Units, pack: RulePack, scored_at: datetime, marked: Mapping[Key, str] | None = None
) -> pa.Table:
    """One row per leg, whatever the order of findings. `marked`: people's verdicts by finding.

    percent is the machine's; effective_percent goes by people's verdicts, and a fatal fail zeroes it once a person confirms.
    """
    n, row = len(units), units.rows_of(findings)
    if (row < 0).any():
        findings, row = findings.filter(pa.array(row >= 0)), row[row >= 0]
    live = among(findings["rule_id"], pa.array([r.id for r in pack.rules if r.status == "live"], pa.string()))
    total, possible = (_summed(row, findings[name], n) for name in ("points", "possible"))
    unsure = _summed(row, pc.and_(among(findings["verdict"], pa.array(["unsure"])), live), n)
    states = findings["fatal_state"]
    fatal = np.full(n, NOTHING, object)
    for state in (REJECTED, CONFIRMED, PENDING):  # the last word is the one that needs a person
        fatal[row[pc.and_(among(states, pa.array([state])), live).to_numpy(zero_copy_only=False)]] = state
    percent, enough = _percent(total, possible)
    effective = _effective(findings, row, pack, marked or {}, np.where(enough, percent, np.nan))
    columns = {name: units.legs[name] for name in ("call_id", "leg", "agent_id", "team", "started_at", "transcript_version")}
    columns |= {
        "pack": pa.array([pack.id] * n, pa.string()),
        "points": pa.array(total),
        "possible": pa.array(possible),
        "percent": pa.array(percent, mask=~enough),
        "effective_percent": pa.array(effective, from_pandas=True),
        "fatal_state": pa.array(fatal.tolist(), pa.string()),
        "n_unsure": pa.array(unsure.astype(np.int32)),
        "rules_version": pa.array([pack.version] * n, pa.string()),
        "scored_at": pa.array([scored_at] * n, SCHEMAS["scores"].field("scored_at").type),
    }
    schema = SCHEMAS["scores"]
    return pa.table([columns[f.name].cast(f.type) for f in schema], schema=schema)


def _summed(row: NDArray[np.int64], column: pa.ChunkedArray, n: int) -> NDArray[np.float64]:
    """By leg; null counts as nothing."""
    value = pc.fill_null(column.cast(pa.float64()), 0).to_numpy()
    return np.asarray(np.round(np.bincount(row, value, n), ROUNDING), np.float64)


def _percent(total: NDArray[np.float64], possible: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """And where enough applied for one to be told."""
    enough = possible >= LEAST_POSSIBLE
    return np.minimum(100.0, 100 * np.maximum(0, total) / np.where(enough, possible, 1)), enough


def _effective(
    findings: pa.Table, row: NDArray[np.int64], pack: RulePack, marked: Mapping[Key, str], percent: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Percent by leg; those that a person had a word on are added up anew, and there are few of them."""
    out = percent.copy()
    touched = {(call_id, leg) for call_id, leg, name, _ in marked if name == pack.id}
    if not touched:
        return out
    near = np.flatnonzero(pc.is_in(findings["call_id"], value_set=pa.array([c for c, _ in touched], pa.string())).to_numpy())
    by_leg: dict[int, list[Row]] = {}
    for at, told in zip(row[near].tolist(), findings.take(pa.array(near)).to_pylist(), strict=True):
        if (told["call_id"], told["leg"]) in touched:
            by_leg.setdefault(at, []).append(told)
    rules = {rule.id: rule for rule in pack.rules}
    for at, rows in by_leg.items():
        out[at] = _by_people(rows, rules, marked)
    return out


def _by_people(rows: Sequence[Row], rules: Mapping[str, Rule], marked: Mapping[Key, str]) -> float:
    points, possible, confirmed = dict[str, float](), 0.0, set[str]()
    for told in rows:
        rule = rules.get(told["rule_id"])
        said = marked.get((told["call_id"], told["leg"], told["pack"], told["rule_id"]))
        if rule is None:
            continue
        earned, most = points_for(rule, said) if said else (told["points"] or 0.0, told["possible"] or 0.0)
        points[rule.section] = points.get(rule.section, 0.0) + earned
        possible += most
        if rule.fatal and rule.status == "live" and told["fatal_state"] == CONFIRMED:
            confirmed.add("" if rule.fatal == "card" else rule.section)
    if possible < LEAST_POSSIBLE:
        return float("nan")
    kept = sum(p for section, p in points.items() if section not in confirmed)
    return 0.0 if "" in confirmed else min(100.0, 100 * max(0.0, round(kept, ROUNDING)) / possible)


def points_for(rule: Rule, verdict: str) -> tuple[float, float]:
    """Points and possible points of a whole verdict, as a person gives it."""
    if rule.status == "trial" or verdict == "na":
        return 0.0, 0.0
    if rule.kind == "prohibition":
        return (-rule.weight if verdict == "fail" else 0.0), 0.0
    earned = rule.weight if verdict == "pass" else 0.0
    return earned, (0.0 if rule.kind == "bonus" else rule.weight)


def with_people(findings: pa.Table, marked: Mapping[Key, str]) -> pa.Table:
    """A fatal fail that a person marked is confirmed or rejected; everything else stays the machine's."""
    if not marked:
        return findings
    near = pc.is_in(findings["call_id"], value_set=pa.array(sorted({key[0] for key in marked}), pa.string()))
    fatal = pc.fill_null(pc.not_equal(findings["fatal_state"], NOTHING), False)
    rows = np.flatnonzero(pc.and_(near, fatal).to_numpy())
    states = findings["fatal_state"].to_pylist() if len(rows) else []
    for at, told in zip(rows.tolist(), findings.take(pa.array(rows)).to_pylist(), strict=True):
        said = marked.get((told["call_id"], told["leg"], told["pack"], told["rule_id"]))
        states[at] = PENDING if said is None else CONFIRMED if said == "fail" else REJECTED
    if not len(rows):
        return findings
    field = findings.schema.get_field_index("fatal_state")
    return findings.set_column(field, findings.schema.field(field), pa.array(states, pa.string()))
