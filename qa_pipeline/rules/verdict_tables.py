"""Verdicts as the tables findings and scores, in columns from the judge to Parquet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qa_pipeline.dataset.names import encoded
from qa_pipeline.dataset.schemas import SCHEMAS, coded
from qa_pipeline.rules.case import RUNG_NAMES, Case
from qa_pipeline.rules.judge import FAIL, PASS, PERSON_CAN_TELL, UNSURE, VERDICT_NAMES, Verdicts

LEAST_POSSIBLE = 25
"""Below these points of applicable weight a percentage would mislead (样本不足)."""
Floats = NDArray[np.float64]


def points_of(v: Verdicts) -> tuple[Floats, Floats]:
    """Points and possible points per unit: requirements earn, prohibitions only deduct, bonuses only add, trials do neither."""
    rule, n = v.rule, len(v.verdict)
    nothing = np.zeros(n)
    if rule.status == "trial":
        return nothing, nothing
    failed, passed = v.verdict == FAIL, v.verdict == PASS
    if rule.kind == "prohibition":
        return np.where(failed, -rule.weight, 0.0), nothing
    if rule.kind == "bonus":
        return np.where(passed, rule.weight, 0.0), nothing
    possible = np.where(failed | passed, rule.weight, 0.0)
    if rule.credit == "per_occasion":
        share = v.passed / np.maximum(v.passed + v.failed, 1)
        return np.where(failed | passed, rule.weight * share, 0.0), possible
    return np.where(passed, rule.weight, 0.0), possible


def findings_table(case: Case, verdicts: Sequence[Verdicts]) -> pa.Table:
    """One row per leg × rule, sorted by call, leg and rule, its names coded."""
    order = sorted(range(len(verdicts)), key=lambda i: verdicts[i].rule.id)
    ranked = [verdicts[i] for i in order]
    n, rules = len(case), len(ranked)
    unit, rule = np.repeat(np.arange(n), rules), np.tile(np.arange(rules), n)

    def spread(columns: list[NDArray[np.generic]], kind: object) -> NDArray[np.generic]:
        return np.stack(columns, 1).ravel() if columns else np.zeros(0, kind)  # type: ignore[call-overload]

    verdict = spread([v.verdict for v in ranked], np.int8).astype(np.int64)
    reason = spread([v.reason for v in ranked], np.int64)
    points = [points_of(v) for v in ranked]
    fatal = spread([v.fatal & (v.verdict == FAIL) for v in ranked], bool).astype(np.int64)
    legs = case.corpus.legs
    columns = {
        "call_id": encoded(legs["call_id"]).take(pa.array(unit)),
        "leg": legs["leg"].take(pa.array(unit)),
        "agent_id": encoded(legs["agent_id"]).take(pa.array(unit)),
        "pack": _named([case.pack.id], np.zeros(len(unit), np.int64)),
        "rule_id": _named([v.rule.id for v in ranked], rule),
        "verdict": _named(VERDICT_NAMES, verdict),
        "points": pa.array(spread([p for p, _ in points], float)),
        "possible": pa.array(spread([p for _, p in points], float)),
        "fatal_state": _named(("none", "pending"), fatal),
        "needs_person": pa.array(_needs_person(case, ranked, verdict, reason, rule)),
        "reason": _named([None, *case.reasons.names[1:]], reason),
        "evidence": _evidence(case, ranked),
        "rule_version": _named([v.rule.version for v in ranked], rule),
    }
    schema = coded(SCHEMAS["findings"])
    return pa.table({name: _cast(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)


def _cast(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    return column if column.type == kind else column.cast(kind)


def _named(names: Sequence[str | None], rows: NDArray[np.generic]) -> pa.Array:
    """Coded; a name that is None stands for null."""
    codes = rows.astype(np.int32)
    lacking = np.array([name is None for name in names], bool)[codes] if None in names else None
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=lacking), pa.array([name or "" for name in names], pa.string()))


def _needs_person(
    case: Case, ranked: Sequence[Verdicts], verdict: NDArray[np.int64], reason: NDArray[np.generic], rule: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """What a listener can settle: an unsure for want of words or roles, and a fail that a person has to confirm."""
    listen = np.array([name.startswith(PERSON_CAN_TELL) for name in case.reasons.names], bool)
    confirm = np.array([v.rule.confirm for v in ranked], bool) if ranked else np.zeros(0, bool)
    return np.asarray(((verdict == UNSURE) & listen[reason]) | ((verdict == FAIL) & confirm[rule]), bool)


def _evidence(case: Case, ranked: Sequence[Verdicts]) -> pa.ListArray:
    n, rules = len(case), len(ranked)
    parts = [(v.evidence.unit * rules + i, v.evidence, v.evidence_verdict) for i, v in enumerate(ranked)]
    if not parts:
        return pa.array([], SCHEMAS["findings"].field("evidence").type)
    finding = np.concatenate([p[0] for p in parts])
    order = np.argsort(finding, kind="stable")
    counted = np.bincount(finding, minlength=n * rules)
    offsets = np.concatenate(([0], np.cumsum(counted)))

    def column(name: str) -> NDArray[np.generic]:
        return np.concatenate([getattr(p[1], name) for p in parts])[order]

    items, item, turns = case.items, column("item"), case.corpus.turns
    turn, first, last = items.turn[item], items.first[item], items.last[item]
    witnessed = np.concatenate([v.witnessed for v in ranked])[order]
    rung = np.where(witnessed, items.rung[item], -1).astype(np.int64)
    # the words of an occasion are no hit of what was looked for: how like they are is not known, and 0 where there are none
    similarity = np.where(witnessed, items.similarity[item], np.where(turn >= 0, np.nan, 0.0))
    number = np.where(turn >= 0, turns.number[np.maximum(turn, 0)] if len(turns) else 0, 0)
    kind = SCHEMAS["findings"].field("evidence").type.value_type
    struct = {
        "verdict": _named(VERDICT_NAMES, np.concatenate([p[2] for p in parts])[order].astype(np.int64)),
        "turn": pa.array(number, mask=turn < 0),
        "start_ms": pa.array(column("start")),
        "end_ms": pa.array(column("end")),
        "quote": turns.quotes(turn, first, last),
        "rung": _named([None, *RUNG_NAMES], rung + 1),
        "similarity": pa.array(similarity, from_pandas=True),
    }
    values = pa.StructArray.from_arrays([_cast(struct[f.name], f.type) for f in kind], fields=list(kind))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def scores_table(case: Case, verdicts: Sequence[Verdicts], versions: pa.Array, scored_at: datetime) -> pa.Table:
    """One row per leg. `versions`: the transcript version of each unit's call."""
    n = len(case)
    total, possible, unsure, pending = np.zeros(n), np.zeros(n), np.zeros(n, np.int64), np.zeros(n, bool)
    for v in verdicts:
        points, most = points_of(v)
        total, possible = total + points, possible + most
        unsure += (v.verdict == UNSURE) & (v.rule.status == "live")
        pending |= v.fatal & (v.verdict == FAIL) & (v.rule.status == "live")
    enough = possible >= LEAST_POSSIBLE
    percent = 100 * np.maximum(0, total) / np.where(enough, possible, 1)
    legs, schema = case.corpus.legs, SCHEMAS["scores"]
    team, started_at = (case.corpus.calls[name].take(pa.array(case.corpus.call_of)) for name in ("team", "started_at"))
    shown = pa.array(np.minimum(percent, 100), mask=~enough)
    columns = {
        "call_id": legs["call_id"],
        "leg": legs["leg"],
        "agent_id": legs["agent_id"],
        "team": team,
        "pack": _named([case.pack.id], np.zeros(n, np.int64)),
        "started_at": started_at,
        "points": pa.array(total),
        "possible": pa.array(possible),
        "percent": shown,
        "effective_percent": shown,
        "fatal_state": _named(("none", "pending"), pending.astype(np.int64)),
        "n_unsure": pa.array(unsure),
        "rules_version": _named([case.pack.version], np.zeros(n, np.int64)),
        "transcript_version": versions,
        "scored_at": pa.array([scored_at], schema.field("scored_at").type).take(pa.array(np.zeros(n, np.int64))),
    }
    return pa.table({name: _cast(columns[name], schema.field(name).type) for name in schema.names}, schema=schema)
