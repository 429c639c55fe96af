"""What a verdict was made from: a version of each stored transcript that changes with anything a rule can look at."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

SEEN = {
    "legs": ("leg", "agent_id", "start_ms", "end_ms", "pack"),
    "turns": ("turn", "leg", "speaker", "addressee", "start_ms", "end_ms", "text", "confidence"),
    "events": ("kind", "channel", "start_ms", "end_ms", "source", "value", "attrs"),
}
UNSEEN_OF_CALL = ("recordings", "revision", "asr", "text_version", "masked", "conversation_id", "source")


def transcript_versions(tables: Mapping[str, pa.Table]) -> pa.Array:
    """One version (16 hex digits) for each call, in the order of `calls` sorted by id. Order of rows does not matter."""
    calls = tables["calls"].sort_by("call_id")
    total = _row_hashes(calls, [c for c in calls.column_names if c not in UNSEEN_OF_CALL])
    ids = calls["call_id"].combine_chunks()
    for salt, (name, columns) in enumerate(SEEN.items(), 1):
        table = tables[name]
        call = pc.index_in(table["call_id"], value_set=ids).to_numpy(zero_copy_only=False)
        rows = _mixed(_row_hashes(table, columns) + np.uint64(salt))
        known = ~np.isnan(call.astype(float))
        np.add.at(total, call[known].astype(np.int64), rows[known])
    return pa.array([f"{value:016x}" for value in _mixed(total).tolist()], pa.string())


def _row_hashes(table: pa.Table, columns: list[str] | tuple[str, ...]) -> NDArray[np.uint64]:
    out = np.zeros(len(table), np.uint64)
    for number, name in enumerate(columns, 1):
        out = _mixed(out * np.uint64(31) + _column(table[name]) + np.uint64(number))
    return out


def _column(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """A stable hash of each value: of distinct values once."""
    if pa.types.is_nested(column.type):
        column = pa.chunked_array([pa.array([repr(v) for v in column.to_pylist()], pa.string())])
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    hashed = np.array([_value(v) for v in encoded.dictionary.to_pylist()], np.uint64)
    return hashed[encoded.indices.to_numpy(zero_copy_only=False)] if len(hashed) else np.zeros(len(column), np.uint64)


def _value(value: object) -> int:
    return int.from_bytes(hashlib.blake2b(repr(value).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64, so that sums of hashes do not cancel."""
    with np.errstate(over="ignore"):
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(value ^ (value >> np.uint64(31)), np.uint64)
