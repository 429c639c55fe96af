"""Columns of names looked at, be they texts or coded: where they are coded, each name is looked up once, not in each row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def among(names: pa.ChunkedArray, known: pa.Array) -> pa.Array | pa.ChunkedArray:
    """Whether each name is one of the known ones; null is none."""
    if not pa.types.is_dictionary(names.type):
        return pc.is_in(names, value_set=known)
    codes = names.combine_chunks()
    return pc.is_in(codes.dictionary, value_set=known).take(codes.indices).fill_null(False)


def places(names: pa.Array | pa.ChunkedArray, known: pa.Array) -> NDArray[np.int64]:
    """The row of each name among the known ones; -1 where it is not there."""
    if not pa.types.is_dictionary(names.type):
        return np.asarray(pc.fill_null(pc.index_in(names, value_set=known), -1).to_numpy(zero_copy_only=False), np.int64)
    codes = names.combine_chunks() if isinstance(names, pa.ChunkedArray) else names
    rows = np.append(places(codes.dictionary, known), -1)
    return np.asarray(rows[pc.fill_null(codes.indices, -1).to_numpy()], np.int64)


def encoded(column: pa.ChunkedArray) -> pa.DictionaryArray:
    """Its distinct values, each once, and where each row finds its own among them."""
    whole = column.combine_chunks()
    return whole if pa.types.is_dictionary(column.type) else whole.dictionary_encode()


def numbered(keys: pa.Table) -> NDArray[np.int64]:
    """A number for each row that orders as its keys do, one after the other; null comes last."""
    number = np.zeros(len(keys), np.int64)
    for column in keys.columns:
        codes = encoded(column)
        rank = np.append(pc.rank(codes.dictionary, tiebreaker="dense").to_numpy().astype(np.int64), len(codes.dictionary) + 1)
        number = number * (len(rank) + 1) + rank[pc.fill_null(codes.indices, -1).to_numpy()]
    return number
