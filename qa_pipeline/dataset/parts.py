"""One Parquet file a partition, written aside and put in place in one step, so a reader sees the old part or the new."""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qa_pipeline.dataset.schemas import KEYS, SCHEMAS
from qa_pipeline.errors import DatasetError, Place

STAGING = ".staging"
"""Outside every table: a file beside the part would double rows in plain reads."""


def part_path(dataset: Path, table: str, call_date: date) -> Path:
    return dataset / table / f"call_date={call_date.isoformat()}" / "part-0.parquet"


def write_part(dataset: Path, table: str, call_date: date, rows: Sequence[Mapping[str, Any]] | pa.Table) -> Path:
    """Replace a partition by `rows`, sorted by the table's key.

    Raises DatasetError, with the old part left in place, on a key given twice or missing, on a column the table does not
    have, and on values that do not fit the schema.
    """
    keys = KEYS[table]
    path = part_path(dataset, table, call_date)
    content = _fit(table, rows, path).sort_by([(key, "ascending") for key in keys])
    if bad := _broken_keys(content.select(keys)):
        raise DatasetError(f"{table} wants one row for each {', '.join(keys)}: {'; '.join(bad)}", Place(file=str(path)))
    staging = dataset / STAGING
    staging.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    staged = staging / f"{uuid.uuid4().hex}.parquet"
    try:
        with staged.open("xb") as file:
            pq.write_table(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    _settle(path.parent)
    return path


def clear_staging(dataset: Path) -> None:
    """What a killed writer left behind. Only for who holds the project as its one writer."""
    for left in (dataset / STAGING).glob("*.parquet"):
        left.unlink()


def _settle(folder: Path) -> None:
    """The new name on disk, too, before the ledger forgets what it stands for."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _broken_keys(sorted_keys: pa.Table) -> list[str]:
    """What is wrong with keys that should be whole and, in their order, each there once."""
    lacking = functools.reduce(pc.or_, [pc.is_null(column) for column in sorted_keys.columns])
    after, before = sorted_keys.slice(1), sorted_keys.slice(0, max(0, len(sorted_keys) - 1))
    same = functools.reduce(pc.and_, [pc.equal(a, b) for a, b in zip(after.columns, before.columns, strict=True)])
    bad = [f"{tuple(row.values())} lacks a value" for row in sorted_keys.filter(lacking).to_pylist()]
    return bad + [f"{tuple(row.values())} is given twice" for row in after.filter(same).to_pylist()]


def _fit(table: str, rows: Sequence[Mapping[str, Any]] | pa.Table, path: Path) -> pa.Table:
    schema = SCHEMAS[table]
    names = set(rows.column_names) if isinstance(rows, pa.Table) else {name for row in rows for name in row}
    if unknown := sorted(names - set(schema.names)):  # Arrow would drop them silently
        raise DatasetError(
            f"{table} has no column {', '.join(unknown)}; it has {', '.join(schema.names)}", Place(file=str(path))
        )
    try:
        if isinstance(rows, pa.Table):
            return rows.select(schema.names).cast(schema)
        return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, KeyError, ValueError) as problem:
        raise DatasetError(f"{table} rows do not fit its schema: {problem}", Place(file=str(path))) from problem
