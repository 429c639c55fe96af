"""Partitions read, and calls replaced in them, each table's part in one step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from qa_pipeline.dataset.parts import part_path, write_part
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, Row, Rows
from qa_pipeline.dataset.schemas import SCHEMAS


def call_dates(dataset: Path, table: str) -> list[date]:
    return sorted(date.fromisoformat(p.name.partition("=")[2]) for p in (dataset / table).glob("call_date=*"))


def read_part(dataset: Path, table: str, call_date: date) -> pa.Table:
    """The part's rows, none where there is no part."""
    path = part_path(dataset, table, call_date)
    return pq.ParquetFile(path).read() if path.exists() else SCHEMAS[table].empty_table()


def read_table(dataset: Path, table: str) -> pa.Table:
    """Every partition's rows, oldest date first."""
    parts = [read_part(dataset, table, day) for day in call_dates(dataset, table)]
    return pa.concat_tables([SCHEMAS[table].empty_table(), *parts])


def read_rows(dataset: Path, table: str, call_date: date) -> list[Row]:
    return read_part(dataset, table, call_date).to_pylist()  # type: ignore[no-any-return]


def read_transcript_rows(dataset: Path, call_date: date) -> Rows:
    return {table: read_rows(dataset, table, call_date) for table in TRANSCRIPT_TABLES}


def replace_calls(dataset: Path, call_date: date, rows: Rows, order: Sequence[str]) -> None:
    """Write `rows` of the tables in `order`, in place of what those calls had; other calls' rows stay."""
    for table in order:
        new = [_typed(row) for row in rows[table]]
        ids = {row["call_id"] for row in rows.get("calls") or new}
        kept = [row for row in read_rows(dataset, table, call_date) if row["call_id"] not in ids]
        write_part(dataset, table, call_date, kept + new)


def _typed(row: Row) -> Row:
    """Wall times from the ledger's JSON are text until here."""
    if isinstance(row.get("started_at"), str):
        return {**row, "started_at": datetime.fromisoformat(row["started_at"])}
    return row
