"""From stored transcripts to stored verdicts: what the night and a rescore share. Touches no audio."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from qa_pipeline.dataset.rows import VERDICT_TABLES, Rows, finding_rows, read_transcripts, score_rows
from qa_pipeline.dataset.tables import replace_calls
from qa_pipeline.model import Finding, Transcript
from qa_pipeline.rules.judge import judge
from qa_pipeline.rules.pack import RulePack
from qa_pipeline.rules.score import score


def verdict_rows(transcripts: Iterable[Transcript], packs: Mapping[str, RulePack], now: datetime | None = None) -> Rows:
    """Rows of findings and scores. A leg is judged by the pack it names."""
    scored_at, rows = now or datetime.now(UTC), Rows(findings=[], scores=[])
    for transcript in transcripts:
        version = transcript_version(transcript)
        for leg in transcript.legs:
            pack = packs[leg.pack]
            found: list[Finding] = [f for f in judge([transcript], pack) if f.leg == leg.leg]
            rows["findings"] += finding_rows(found)
            rows["scores"] += score_rows([score(found, pack, transcript.call, leg)], version, scored_at)
    return rows


def transcript_version(transcript: Transcript) -> str:
    """Changes with anything a rule can look at."""
    return hashlib.sha256(repr(transcript).encode()).hexdigest()[:16]


def write_verdicts(dataset: Path, call_date: date, transcript_rows: Rows, packs: Mapping[str, RulePack]) -> Rows:
    """Judge the calls of `transcript_rows` and put their findings and scores in place."""
    rows = verdict_rows(read_transcripts(transcript_rows), packs)
    for table in VERDICT_TABLES:
        replace_calls(dataset, call_date, {**rows, "calls": transcript_rows["calls"]}, [table])
    return rows
