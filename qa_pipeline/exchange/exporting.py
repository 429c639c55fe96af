"""Kept transcripts into a file of the import form, to be judged elsewhere. Reads no audio."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from qa_pipeline.config import Config
from qa_pipeline.dataset.ledger import Ledger
from qa_pipeline.dataset.parts import read_part
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, Row
from qa_pipeline.dataset.tables import of_calls, transcript_tables
from qa_pipeline.forms.write import in_import_form, lines
from qa_pipeline.recordings.find import find_recordings


def export_calls(config: Config, paths: Sequence[Path], out: Path) -> int:
    """The finished calls of all recordings under `paths`, sealed or waiting, a line each; how many. All of it or nothing.

    Raises OSError where `out` cannot be written.
    """
    found = find_recordings(paths, config.recordings.formats, config.recordings.pair)
    written = 0
    partial = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        with closing(Ledger(config.ledger)) as ledger, partial.open("w", encoding="utf-8") as file:
            entries = (ledger.entry(one.key) for one in found.recordings)
            ids = dict.fromkeys(e.call_id for e in entries if e and e.call_id and e.state != "failed")
            for line in lines(in_import_form(rows) for rows in _kept(config, ledger, list(ids))):
                file.write(line)
                written += 1
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return written


def _kept(config: Config, ledger: Ledger, call_ids: Sequence[str]) -> Iterator[Mapping[str, Sequence[Row]]]:
    for call_id in call_ids:
        rows = ledger.pending_rows(call_id)
        day = ledger.call_date(call_id)
        if rows is not None:  # through the tables' schemas: what waits is written as what is sealed
            yield {name: table.to_pylist() for name, table in transcript_tables(rows).items()}
        elif day is not None:
            tables = {name: of_calls(read_part(config.dataset, name, day), [call_id]) for name in TRANSCRIPT_TABLES}
            yield {name: table.to_pylist() for name, table in tables.items()}
