"""How columns lie in Parquet files, so that what is read at every rescore is decoded fast. Any reader reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

COMPRESSION = "lz4"
"""Read faster than Arrow's usual snappy, and smaller; zstd is smaller yet, and a tenth slower to read."""
DISTINCT = ("text",)
"""Columns of which hardly two values are the same: looking for those that are costs the writer, and the reader, too."""


def as_written(schema: pa.Schema) -> dict[str, Any]:
    """What a ParquetWriter is told of a table: times, which grow by little, as differences; other values by their number among
    those that there are. Only of whole columns is it known which values a row group holds: nobody asks for parts of lists.
    """
    leaves = [(field.name, path) for field in schema for path in _leaves(field.name, field.type)]
    times = {path for name, path in leaves if path.removesuffix(".list.element").endswith("_ms")}
    return {
        "compression": COMPRESSION,
        "column_encoding": dict.fromkeys(times, "DELTA_BINARY_PACKED"),
        "use_dictionary": [path for name, path in leaves if path not in times and path not in DISTINCT],
        "write_statistics": [path for name, path in leaves if name == path],
    }


def _leaves(path: str, kind: pa.DataType) -> Iterator[str]:
    """The columns of a file that hold a column of a table, as Parquet names them."""
    if pa.types.is_list(kind):
        yield from _leaves(f"{path}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{path}.{field.name}", field.type)
    else:
        yield path
