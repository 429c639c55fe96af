"""Transcripts made elsewhere, one JSON object a line, stored and judged as recorded calls are. Reads no audio."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from qa_pipeline.config import Config
from qa_pipeline.dataset.ledger import Entry, Ledger
from qa_pipeline.dataset.parts import clear_staging
from qa_pipeline.dataset.rows import transcript_rows
from qa_pipeline.dataset.tables import transcript_tables
from qa_pipeline.dataset.writer import one_writer
from qa_pipeline.errors import Place, QaError
from qa_pipeline.import_form import transcript_of
from qa_pipeline.judging import seal
from qa_pipeline.model import Transcript
from qa_pipeline.rules.pack import RulePack, vocabulary
from qa_pipeline.text.segment import Segmenter


class ImportProblem(QaError):
    """A line that cannot be taken in, or a call taken in that cannot be judged; the others are."""


@dataclass(frozen=True)
class Imported:
    """imported: new calls; known: same id and content as one kept before; problems: a line's or call's error each."""

    imported: int
    known: int
    problems: tuple[ImportProblem, ...]


def import_file(config: Config, packs: Mapping[str, RulePack], path: Path) -> Imported:
    """Every good line becomes a stored and judged call; every bad one a problem with its line number.

    Raises BusyError while another command writes in the project.
    """
    new, known, problems = 0, 0, list[ImportProblem]()
    segmenter = Segmenter(vocabulary(packs.values()))
    with one_writer(config.root), closing(Ledger(config.ledger)) as ledger, path.open("rb") as lines:
        clear_staging(config.dataset)
        for number, raw in enumerate(lines, 1):
            line = raw.removeprefix(b"\xef\xbb\xbf").strip()
            if not line:
                continue
            content = hashlib.sha256(line).hexdigest()
            if ledger.heard(content):
                known += 1
                continue
            try:
                transcript = transcript_of(json.loads(line.decode("utf-8")), config, packs)
                _keep(ledger, transcript, content, segmenter, config)
                new += 1
            except (ValueError, KeyError, TypeError, AttributeError) as problem:
                problems.append(ImportProblem(_said(problem), Place(str(path), number)))
        failed = seal(config.dataset, ledger, packs)
    problems += [ImportProblem(f"not judged: {said}", Place(call_id=call_id)) for call_id, said in failed.items()]
    return Imported(new, known, tuple(problems))


def _keep(ledger: Ledger, transcript: Transcript, content: str, segmenter: Segmenter, config: Config) -> None:
    """Raises ValueError for an id that is taken, and what Arrow raises for values that do not fit the tables."""
    call_id = transcript.call.call_id
    if holder := ledger.holder(call_id):
        kept = "with other content" if holder.path.startswith("import:") else f"from {holder.path}"
        raise ValueError(f"call_id {call_id!r} is kept already {kept}; give this call its own id")
    started = transcript.call.started_at.astimezone(config.tz)  # the call's date is the local one
    transcript = replace(transcript, call=replace(transcript.call, started_at=started))
    rows = transcript_rows(transcript, segmenter.words, segmenter.version)
    transcript_tables(rows)
    ledger.keep(Entry(f"import:{call_id}", "transcribed", content, asr="imported", call_id=call_id), started.date(), rows)


def _said(problem: Exception) -> str:
    return f"expected a value for {problem}" if isinstance(problem, KeyError) else str(problem)
