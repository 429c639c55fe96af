"""Transcripts made elsewhere, one JSON object a line, stored and judged as recorded calls are. Reads no audio."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from qa_pipeline.config import Config
from qa_pipeline.dataset.ledger import Entry, Ledger
from qa_pipeline.dataset.rows import transcript_rows
from qa_pipeline.errors import Place, QaError
from qa_pipeline.import_form import transcript_of
from qa_pipeline.night import seal
from qa_pipeline.rules.pack import RulePack, vocabulary
from qa_pipeline.text.segment import Segmenter


class ImportProblem(QaError):
    """A line that cannot be taken in; the others are."""


@dataclass(frozen=True)
class Imported:
    """imported: new calls; known: same id and content as one kept before; problems: a line's error each."""

    imported: int
    known: int
    problems: tuple[ImportProblem, ...]


def import_file(config: Config, packs: Mapping[str, RulePack], path: Path) -> Imported:
    """Every good line becomes a stored and judged call; every bad one a problem with its line number."""
    ledger, segmenter = Ledger(config.ledger), Segmenter(vocabulary(packs.values()))
    new, known, problems = 0, 0, []
    with path.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            key = f"{path.resolve()}:{number}"
            content = hashlib.sha256(line.strip().encode()).hexdigest()
            if ledger.heard(content):
                known += 1
                continue
            try:
                transcript = transcript_of(json.loads(line), config, packs)
                if ledger.call_date(transcript.call.call_id) is not None:
                    raise ValueError(f"call_id {transcript.call.call_id!r} is kept already with other content")
            except (ValueError, KeyError, TypeError, AttributeError) as problem:
                problems.append(ImportProblem(_said(problem), Place(str(path), number)))
                continue
            entry = Entry(key, "transcribed", content, asr="imported", call_id=transcript.call.call_id)
            rows = transcript_rows(transcript, segmenter.words, segmenter.version)
            ledger.keep(entry, transcript.call.started_at.date(), rows)
            new += 1
    seal(config, ledger, packs)
    return Imported(new, known, tuple(problems))


def _said(problem: Exception) -> str:
    return f"expected a value for {problem}" if isinstance(problem, KeyError) else str(problem)
