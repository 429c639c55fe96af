"""One Parquet file a partition, replaced in one step, so a reader sees the old part or the new."""

from __future__ import annotations

import bisect
import functools
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qa_pipeline.dataset.encodings import as_written
from qa_pipeline.dataset.migrate import at_this_version, version_of
from qa_pipeline.dataset.names import numbered
from qa_pipeline.dataset.schemas import KEYS, ORDER_OF_ROWS, SCHEMAS, VERSION
from qa_pipeline.dataset.store import Store, Where, store_of
from qa_pipeline.errors import DatasetError, Place

STREAMED = 32_768
"""Rows of a part that are read at a time where it is not read as a whole."""
GROUP, BATCH = 1 << 14, 1 << 12
"""Rows of a row group, which is what a writer holds; and rows that are read at once of a part that is merged."""


def part_path(table: str, call_date: date | None) -> str:
    """Relative to the dataset. No date: a table that is not split by date, as agents are."""
    return f"{table}/call_date={call_date.isoformat()}/part-0.parquet" if call_date else f"{table}/part-0.parquet"


def call_dates(dataset: Where, table: str) -> list[date]:
    names = store_of(dataset).folders(table)
    return [date.fromisoformat(name.partition("=")[2]) for name in names if name.startswith("call_date=")]


def read_part(
    dataset: Where,
    table: str,
    call_date: date | None,
    columns: Collection[str] | None = None,
    calls: Collection[str] | None = None,
) -> pa.Table:
    """The part's rows as this version's schema has them, none where there is no part.

    `columns`: only these, in the schema's order; `calls`: only rows of these. Raises DatasetError for a part of a newer
    version, and for one that is no Parquet.
    """
    return read_as(chosen(SCHEMAS[table], columns), dataset, table, call_date, calls)


def read_as(
    schema: pa.Schema, dataset: Where, table: str, call_date: date | None, calls: Collection[str] | None = None
) -> pa.Table:
    """As `read_part`, in columns of the table's schema, or of the same `coded`."""
    if not store_of(dataset).exists(part_path(table, call_date)):
        return schema.empty_table()
    with _opened(dataset, table, call_date, schema) as (part, place):
        there = [name for name in schema.names if name in part.schema_arrow.names]
        found = part.read_row_groups(_groups(part, calls), there, use_threads=_many_cores())
    if calls is not None:
        found = found.filter(pc.is_in(found["call_id"], value_set=pa.array(list(calls), pa.string())))
    return at_this_version(table, found, schema, place)


def stream_part(dataset: Where, table: str, call_date: date, schema: pa.Schema, rows: int = STREAMED) -> Iterator[pa.Table]:
    """As `read_as`, at most so many rows at a time in their order: no more of the part is in memory."""
    if not store_of(dataset).exists(part_path(table, call_date)):
        return
    with _opened(dataset, table, call_date, schema) as (part, place):
        there = [name for name in schema.names if name in part.schema_arrow.names]
        for batch in part.iter_batches(rows, columns=there, use_threads=_many_cores()):
            yield at_this_version(table, pa.Table.from_batches([batch]), schema, place)


def chosen(schema: pa.Schema, columns: Collection[str] | None) -> pa.Schema:
    """Only these columns, in the schema's order; None: all."""
    return pa.schema([field for field in schema if columns is None or field.name in columns], metadata=schema.metadata)


def in_order(dataset: Where, table: str, call_date: date) -> bool:
    """Whether the part's rows are known to be in the table's order; one of an older version may have another."""
    if not store_of(dataset).exists(part_path(table, call_date)):
        return True
    with _opened(dataset, table, call_date) as (part, _):
        return version_of(part.schema_arrow) == VERSION


def _many_cores() -> bool:
    """Whether this process has more than one. With one, to hand each column to another thread only costs."""
    return bool(pa.cpu_count() > 1)


@contextmanager
def _opened(
    dataset: Where, table: str, call_date: date | None, schema: pa.Schema | None = None
) -> Iterator[tuple[pq.ParquetFile, Place]]:
    """To be read in columns of a schema."""
    codes = [field.name for field in schema or () if pa.types.is_dictionary(field.type)]
    store, path = store_of(dataset), part_path(table, call_date)
    place = Place(file=f"{store}/{path}")
    try:
        with store.fs.open_input_file(store.at(path)) as file, pq.ParquetFile(file, read_dictionary=codes) as part:
            yield part, place
    except pa.ArrowInvalid as problem:
        said = f"not a whole Parquet file ({problem}); mend it with: qa dataset check --repair"
        raise DatasetError(said, place) from problem


def _groups(part: pq.ParquetFile, calls: Collection[str] | None) -> list[int]:
    """The row groups that may hold these calls, by their statistics; all of them where there are none to look for."""
    if not calls:
        return list(range(part.num_row_groups))
    at, first, last = part.schema_arrow.get_field_index("call_id"), min(calls), max(calls)
    found = []
    for number in range(part.num_row_groups):
        seen = part.metadata.row_group(number).column(at).statistics
        if seen is None or not seen.has_min_max or (seen.min <= last and first <= seen.max):
            found.append(number)
    return found


def write_part(dataset: Where, table: str, call_date: date | None, rows: Sequence[Mapping[str, Any]] | pa.Table) -> None:
    """Replace a partition by `rows`, whose names may be coded, in the table's order of rows.

    Raises DatasetError, with the old part left in place, on a key given twice or missing, on a column the table does not
    have, and on values that do not fit the schema.
    """
    store, path = store_of(dataset), part_path(table, call_date)
    place = Place(file=f"{store}/{path}")
    _write(store, path, table, [_in_order(table, _fit(table, rows, place))], place)


def merge_part(dataset: Where, table: str, call_date: date, rows: pa.Table, instead_of: Collection[str]) -> None:
    """`rows` in place of all that these calls have in the part; other calls' rows stay.

    As much is in memory as the new rows and a row group take, however much the part holds. Raises as `write_part` and
    `read_part` do, with the old part left in place.
    """
    store, path = store_of(dataset), part_path(table, call_date)
    place = Place(file=f"{store}/{path}")
    new = _in_order(table, _fit(table, rows, place))
    if not store.exists(path):
        return _write(store, path, table, [new], place)
    if in_order(dataset, table, call_date):
        return _write(store, path, table, _merged(table, _kept(dataset, table, call_date, instead_of), new), place)
    old = read_part(store, table, call_date)
    mine = pc.is_in(old["call_id"], value_set=pa.array(list(instead_of), pa.string()))
    write_part(store, table, call_date, pa.concat_tables([old.filter(pc.invert(mine)), new]))


def _in_order(table: str, content: pa.Table) -> pa.Table:
    """Sorted, as long as names are coded, if they are; then as it is written."""
    number = numbered(content.select(ORDER_OF_ROWS[table]))
    if (number[1:] < number[:-1]).any():
        content = content.take(pa.array(np.argsort(number, kind="stable")))
    schema = SCHEMAS[table]
    return pa.table([content[field.name].cast(field.type) for field in schema], schema=schema)


def _kept(dataset: Where, table: str, call_date: date, but: Collection[str]) -> Iterator[pa.Table]:
    """A part's rows but those of some calls, piece by piece, in order."""
    mine = pa.array(list(but), pa.string())
    for piece in stream_part(dataset, table, call_date, SCHEMAS[table], BATCH):
        rows = piece.filter(pc.invert(pc.is_in(piece["call_id"], value_set=mine)))
        if len(rows):
            yield rows


def _merged(table: str, old: Iterable[pa.Table], new: pa.Table) -> Iterator[pa.Table]:
    """Two sorted tables, one of them in pieces, as pieces of one."""

    def key(rows: pa.Table, at: int) -> list[tuple[bool, Any]]:
        values = [rows[name][at].as_py() for name in ORDER_OF_ROWS[table]]
        return [(value is None, value) for value in values]  # as Arrow sorts them

    at = 0
    for piece in old:
        last = key(piece, len(piece) - 1)
        upto = bisect.bisect_left(range(len(new)), True, at, key=lambda i: key(new, i) > last)
        yield _in_order(table, pa.concat_tables([piece, new.slice(at, upto - at)])) if upto > at else piece
        at = upto
    yield new.slice(at)


def _write(store: Store, path: str, table: str, pieces: Iterable[pa.Table], place: Place) -> None:
    """Sorted pieces as one part, in row groups of GROUP rows however they were cut; keys are looked at from piece to piece."""
    last, held = SCHEMAS[table].empty_table().select(KEYS[table]), SCHEMAS[table].empty_table()
    with store.written(path) as file, pq.ParquetWriter(file, SCHEMAS[table], **as_written(SCHEMAS[table])) as out:
        for piece in pieces:
            keys = pa.concat_tables([last, piece.select(KEYS[table])])
            if bad := _broken_keys(keys):
                raise DatasetError(f"{table} wants one row for each {', '.join(KEYS[table])}: {'; '.join(bad)}", place)
            last, held = keys.slice(max(0, len(keys) - 1)), pa.concat_tables([held, piece])
            while len(held) > GROUP:
                out.write_table(held.slice(0, GROUP).combine_chunks(), GROUP)
                held = held.slice(GROUP)
        out.write_table(held.combine_chunks(), GROUP)


def clear_staging(dataset: Where) -> None:
    """What a killed writer left behind. Only for who holds the project as its one writer."""
    store_of(dataset).clear_staging()


def _broken_keys(sorted_keys: pa.Table) -> list[str]:
    """What is wrong with keys that should be whole and, in their order, each there once."""
    lacking = functools.reduce(pc.or_, [pc.is_null(column) for column in sorted_keys.columns])
    after, before = sorted_keys.slice(1), sorted_keys.slice(0, max(0, len(sorted_keys) - 1))
    same = functools.reduce(pc.and_, [pc.equal(a, b) for a, b in zip(after.columns, before.columns, strict=True)])
    bad = [f"{tuple(row.values())} lacks a value" for row in sorted_keys.filter(lacking).to_pylist()]
    return bad + [f"{tuple(row.values())} is given twice" for row in after.filter(same).to_pylist()]


def _fit(table: str, rows: Sequence[Mapping[str, Any]] | pa.Table, place: Place) -> pa.Table:
    schema = SCHEMAS[table]
    names = set(rows.column_names) if isinstance(rows, pa.Table) else {name for row in rows for name in row}
    if unknown := sorted(names - set(schema.names)):  # Arrow would drop them silently
        raise DatasetError(f"{table} has no column {', '.join(unknown)}; it has {', '.join(schema.names)}", place)
    try:
        if isinstance(rows, pa.Table):
            coded = {field.name: field.type for field in rows.schema if pa.types.is_dictionary(field.type)}
            kept = pa.schema([field.with_type(coded.get(field.name, field.type)) for field in schema], metadata=schema.metadata)
            return rows.select(schema.names).cast(kept)
        return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    except (pa.ArrowInvalid, pa.ArrowTypeError, KeyError, ValueError) as problem:
        raise DatasetError(f"{table} rows do not fit its schema: {problem}", place) from problem
