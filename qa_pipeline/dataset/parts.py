"""One Parquet file a partition, written aside and put in place in one step, so a reader sees the old part or the new."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from qa_pipeline.dataset.schemas import KEYS, SCHEMAS
from qa_pipeline.errors import DatasetError, Place


def part_path(dataset: Path, table: str, call_date: date) -> Path:
    return dataset / table / f"call_date={call_date.isoformat()}" / "part-0.parquet"


def write_part(dataset: Path, table: str, call_date: date, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Replace a partition by `rows`, sorted by the table's key.

    Raises DatasetError, naming every offending key, on a key given twice or missing, and on values that do not fit the schema.
    """
    keys = KEYS[table]
    path = part_path(dataset, table, call_date)
    ordered = sorted(rows, key=lambda row: tuple((row.get(k) is not None, row.get(k)) for k in keys))
    found = [tuple(row.get(k) for k in keys) for row in ordered]
    bad = [f"{k} lacks a value" for k in found if None in k]
    bad += [f"{a} is given twice" for a, b in itertools.pairwise(found) if a == b]
    if bad:
        raise DatasetError(f"{table} wants one row for each {', '.join(keys)}: {'; '.join(bad)}", Place(file=str(path)))
    try:
        content = pa.Table.from_pylist([dict(row) for row in ordered], schema=SCHEMAS[table])
    except (pa.ArrowInvalid, pa.ArrowTypeError) as problem:
        raise DatasetError(f"{table} rows do not fit its schema: {problem}", Place(file=str(path))) from problem
    staging = dataset / ".staging"  # outside every table: a file beside the part would double rows in plain reads
    staging.mkdir(parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=staging, suffix=".parquet")
    try:
        with os.fdopen(handle, "wb") as file:
            pq.write_table(content, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return path
