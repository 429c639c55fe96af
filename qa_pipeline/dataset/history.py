"""Findings and scores that were superseded, by date and by the run that took their place. Nothing here is the current truth."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.dataset.store import Where, store_of

FOLDER = "history"
SUPERSEDED = (pa.field("superseded_at", pa.timestamp("us", tz="UTC")), pa.field("superseded_by", pa.string()))
"""What history knows more than the table: when, and by which run (an id of a dry run, or of a night)."""


def history_schema(table: str) -> pa.Schema:
    return pa.schema([*SCHEMAS[table], *SUPERSEDED], metadata=SCHEMAS[table].metadata)


def _path(table: str, day: date, run: str) -> str:
    return f"{FOLDER}/{table}/call_date={day.isoformat()}/{run}.parquet"


def keep_superseded(dataset: Where, table: str, day: date, run: str, rows: pa.Table) -> None:
    """Before the new rows are put in their place. The same run twice, as after a crash, keeps them once."""
    if not len(rows):
        return
    store, path = store_of(dataset), _path(table, day, run)
    if store.exists(path):  # an interrupted run goes on: what it kept already is no longer in the part
        with store.fs.open_input_file(store.at(path)) as file:
            rows = _together(pq.read_table(file).select(SCHEMAS[table].names), rows, table)
    stamped = rows.select(SCHEMAS[table].names)
    stamped = stamped.append_column(SUPERSEDED[0], pa.array([datetime.now(UTC)] * len(rows), SUPERSEDED[0].type))
    stamped = stamped.append_column(SUPERSEDED[1], pa.array([run] * len(rows), pa.string()))
    out = pa.BufferOutputStream()
    pq.write_table(stamped.cast(history_schema(table)), out, compression="zstd")
    store.replace(path, out.getvalue())


def _together(kept: pa.Table, rows: pa.Table, table: str) -> pa.Table:
    """Rows of calls that are not among the kept ones are added."""
    new = rows.filter(pc.invert(pc.is_in(rows["call_id"], value_set=kept["call_id"].combine_chunks().unique())))
    return pa.concat_tables([kept, new.select(SCHEMAS[table].names)])


def read_history(dataset: Where, table: str, day: date, calls: Collection[str] | None = None) -> pa.Table:
    """What was superseded under a date, oldest first."""
    store, folder = store_of(dataset), f"{FOLDER}/{table}/call_date={day.isoformat()}"
    parts = [history_schema(table).empty_table()]
    for name in store.files(folder):
        with store.fs.open_input_file(store.at(f"{folder}/{name}")) as file:
            parts.append(pq.read_table(file).select(history_schema(table).names).cast(history_schema(table)))
    found = pa.concat_tables(parts)
    if calls is not None:
        found = found.filter(pc.is_in(found["call_id"], value_set=pa.array(list(calls), pa.string())))
    return found.sort_by("superseded_at")


def forget_history(dataset: Where, day: date, calls: Collection[str]) -> None:
    """Every superseded row of these calls."""
    store = store_of(dataset)
    for table in ("findings", "scores"):
        folder = f"{FOLDER}/{table}/call_date={day.isoformat()}"
        for name in store.files(folder):
            with store.fs.open_input_file(store.at(f"{folder}/{name}")) as file:
                rows = pq.read_table(file)
            kept = rows.filter(pc.invert(pc.is_in(rows["call_id"], value_set=pa.array(list(calls), pa.string()))))
            if len(kept) < len(rows):
                out = pa.BufferOutputStream()
                pq.write_table(kept, out, compression="zstd")
                store.replace(f"{folder}/{name}", out.getvalue())
