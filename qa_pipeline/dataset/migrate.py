"""Parts of an older schema version, as this version has them. Each step says what changed; a reader runs those it needs."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from qa_pipeline.dataset.schemas import VERSION
from qa_pipeline.errors import DatasetError, Place

MARK = b"qa_schema_version"


def version_of(table: pa.Table | pa.Schema) -> int:
    """The version that a part was written in; 1 where it does not say."""
    metadata = (table if isinstance(table, pa.Schema) else table.schema).metadata or {}
    return int(metadata.get(MARK, b"1"))


def at_this_version(name: str, table: pa.Table, schema: pa.Schema, place: Place) -> pa.Table:
    """The rows in the columns of `schema`, some of today's (those that the part lacks are null), whatever version wrote them.

    Raises DatasetError for a part of a newer version, or one whose columns do not fit.
    """
    written = version_of(table)
    if written > VERSION:
        said = f"written by schema version {written}, this qa knows {VERSION}: use the newer qa, or keep two projects"
        raise DatasetError(said, place)
    for version in range(written + 1, VERSION + 1):
        table = STEPS.get((version, name), _unchanged)(table)
    try:
        columns = [
            table[field.name].cast(field.type) if field.name in table.column_names else pa.nulls(len(table), field.type)
            for field in schema
        ]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as problem:
        raise DatasetError(f"does not fit the {name} table: {problem}", place) from problem
    return pa.table(columns, schema=schema)


def _unchanged(table: pa.Table) -> pa.Table:
    return table


STEPS: dict[tuple[int, str], Callable[[pa.Table], pa.Table]] = {}
"""(version, table): how its rows of the version before become its own, beyond columns that are new and empty.

2: `scores.started_at` is new (filled in by `qa dataset check --repair`, from calls), and so are what the ledger knew of a call
(`calls.content_key`, `content_sha256`, `record_mark`) and the table `agents`; findings and scores are sorted by agent.
"""
