"""From stored transcripts to stored verdicts: what the night and a rescore share. Touches no audio."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa

from qa_pipeline.dataset.lineage import transcript_versions
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, VERDICT_TABLES, Rows
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.dataset.tables import replace_calls
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.judge import judge_tables, make_matcher
from qa_pipeline.rules.pack import RulePack
from qa_pipeline.rules.verdict_tables import findings_table, scores_table


def verdict_tables(
    tables: Mapping[str, pa.Table],
    packs: Mapping[str, RulePack],
    matchers: Mapping[str, Matcher] | None = None,
    now: datetime | None = None,
) -> dict[str, pa.Table]:
    """Findings and scores of the calls in tables calls, legs, turns and events. A leg is judged by the pack that it names."""
    scored_at, versions = now or datetime.now(UTC), transcript_versions(tables)
    findings, scores = [SCHEMAS["findings"].empty_table()], [SCHEMAS["scores"].empty_table()]
    for name in sorted(set(tables["legs"]["pack"].to_pylist())):
        matcher = matchers[name] if matchers else make_matcher(packs[name])
        case, verdicts = judge_tables(tables, packs[name], matcher)
        findings.append(findings_table(case, verdicts))
        scores.append(scores_table(case, verdicts, versions.take(pa.array(case.corpus.call_of)), scored_at))
    return {"findings": pa.concat_tables(findings), "scores": pa.concat_tables(scores)}


def transcript_tables(rows: Rows) -> dict[str, pa.Table]:
    """Rows of the four transcript tables as Arrow tables."""
    timed = {**rows, "calls": [_typed(row) for row in rows["calls"]]}
    return {name: pa.Table.from_pylist(timed[name], schema=SCHEMAS[name]) for name in TRANSCRIPT_TABLES}


def _typed(row: Mapping[str, object]) -> dict[str, object]:
    """Wall times from the ledger's JSON are text until here."""
    start = row["started_at"]
    return {**row, "started_at": datetime.fromisoformat(start) if isinstance(start, str) else start}


def write_verdicts(dataset: Path, call_date: date, transcript_rows: Rows, packs: Mapping[str, RulePack]) -> Rows:
    """Judge the calls of `transcript_rows` and put their findings and scores in place."""
    found = verdict_tables(transcript_tables(transcript_rows), packs)
    rows = {name: table.to_pylist() for name, table in found.items()}
    for table in VERDICT_TABLES:
        replace_calls(dataset, call_date, {**rows, "calls": transcript_rows["calls"]}, [table])
    return rows
