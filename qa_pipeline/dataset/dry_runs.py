"""Dry runs, kept under `diffs/<id>/`: what would change, on what, and by which rules. Deleting one loses nothing."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qa_pipeline.dataset.encodings import as_written
from qa_pipeline.dataset.store import Store, Where, store_of
from qa_pipeline.errors import DatasetError, Place

FOLDER = "diffs"
COVERED = ("call_id", "leg", "pack", "transcript_version")


@dataclass(frozen=True)
class DryRun:
    """rules: hash of the draft; published: hash of what was in force then. choice: which calls and rules, as JSON tells it."""

    id: str
    at: str
    rules: str
    published: str | None
    choice: Mapping[str, Any]


def new_run(rules: str, published: str | None, choice: Mapping[str, Any]) -> DryRun:
    """Ids sort by time: the second, and the start of the rules' hash."""
    now = datetime.now(UTC)
    return DryRun(f"{now:%Y%m%dT%H%M%S}-{rules[:6]}", now.isoformat(timespec="seconds"), rules, published, choice)


def keep_table(dataset: Where, run_id: str, name: str, day: date, rows: pa.Table) -> None:
    """A date's rows of `findings`, `scores` or `covered`, whose names may be coded; nothing where there are none."""
    if len(rows):
        columns = [_written(column) for column in rows.columns]
        schema = pa.schema([field.with_type(column.type) for field, column in zip(rows.schema, columns, strict=True)])
        _put(store_of(dataset), _path(run_id, name, day), pa.table(columns, schema=schema))


def _put(store: Store, path: str, rows: pa.Table) -> None:
    out = pa.BufferOutputStream()
    pq.write_table(rows, out, store_schema=False, **as_written(rows.schema))  # else coded names would be read coded, too
    store.replace(path, out.getvalue())


def _written(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Codes are written fast, but with every name that they could stand for."""
    coded = pa.types.is_dictionary(column.type)
    few = coded and len(column) < sum(len(chunk.dictionary) for chunk in column.chunks)
    return column.cast(pa.string()) if few else column


def read_kept(dataset: Where, run_id: str, name: str, day: date, schema: pa.Schema) -> pa.Table:
    store, path = store_of(dataset), _path(run_id, name, day)
    if not store.exists(path):
        return schema.empty_table()
    with store.fs.open_input_file(store.at(path)) as file:
        return pq.read_table(file).select(schema.names).cast(schema)


def kept_dates(dataset: Where, run_id: str, name: str) -> list[date]:
    names = store_of(dataset).folders(f"{FOLDER}/{run_id}/{name}")
    return [date.fromisoformat(one.partition("=")[2]) for one in names]


def _path(run_id: str, name: str, day: date) -> str:
    return f"{FOLDER}/{run_id}/{name}/call_date={day.isoformat()}/part-0.parquet"


def finish(dataset: Where, run: DryRun, reports: Mapping[str, str]) -> None:
    """Its reports by file name, and then what makes it one that can be applied."""
    store = store_of(dataset)
    for name, text in reports.items():
        store.replace(f"{FOLDER}/{run.id}/{name}", text.encode())
    store.replace(f"{FOLDER}/{run.id}/dry-run.json", json.dumps(asdict(run), ensure_ascii=False, indent=1).encode())


def dry_runs(dataset: Where) -> list[DryRun]:
    """Those that were finished, oldest first."""
    store = store_of(dataset)
    whole = [name for name in store.folders(FOLDER) if store.exists(f"{FOLDER}/{name}/dry-run.json")]
    return [DryRun(**json.loads(store.read(f"{FOLDER}/{name}/dry-run.json"))) for name in whole]


def dry_run(dataset: Where, run_id: str) -> DryRun:
    """Raises DatasetError, with those that there are."""
    known = {run.id: run for run in dry_runs(dataset)}
    if run_id not in known:
        there = f"there are {', '.join(known)}" if known else "make one with: qa rescore --dry-run"
        raise DatasetError(f"no dry run {run_id!r}; {there}", Place(file=f"{store_of(dataset)}/{FOLDER}"))
    return known[run_id]


def forget_in_dry_runs(dataset: Where, day: date, calls: Collection[str]) -> None:
    """These calls' rows in every dry run. Their reports quote calls, so those of a dry run that had one are deleted."""
    store, these = store_of(dataset), pa.array(list(calls), pa.string())
    for run_id in store.folders(FOLDER):
        touched = False
        for name in ("findings", "scores", "covered"):
            path = _path(run_id, name, day)
            if not store.exists(path):
                continue
            with store.fs.open_input_file(store.at(path)) as file:
                rows = pq.read_table(file)
            kept = rows.filter(pc.invert(pc.is_in(rows["call_id"], value_set=these)))
            if len(kept) < len(rows):
                touched = True
                _put(store, path, kept)
        for name in store.files(f"{FOLDER}/{run_id}") if touched else ():
            if name.startswith("report"):
                store.remove(f"{FOLDER}/{run_id}/{name}")
