"""What a verdict was made from: a version of each stored transcript that changes with anything a rule can look at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qa_pipeline.dataset.names import places
from qa_pipeline.kernels import WORTH_COMPILING_ONE, Kernel

SEEN = {
    "legs": ("leg", "agent_id", "start_ms", "end_ms", "pack"),
    "turns": ("turn", "leg", "speaker", "addressee", "start_ms", "end_ms", "text", "confidence"),
    "events": ("kind", "channel", "start_ms", "end_ms", "source", "value", "attrs"),
}
KNOWN_TO_LEDGER = ("content_key", "content_sha256", "record_mark")
NAME_BYTES = 16
"""Of a column of texts: fewer on average, and most are the same few names."""
MISSING = np.uint64(0x9E3779B97F4A7C15)
UNSEEN_OF_CALL = ("recordings", "revision", "asr", "text_version", "masked", "conversation_id", "source", *KNOWN_TO_LEDGER)


def transcript_versions(tables: Mapping[str, pa.Table]) -> pa.Array:
    """One version (16 hex digits) for each call, in the order of `calls` sorted by id. Order of rows does not matter."""
    calls = tables["calls"].sort_by("call_id")
    total = _row_hashes(calls, [c for c in calls.column_names if c not in UNSEEN_OF_CALL])
    ids = calls["call_id"].combine_chunks()
    for salt, (name, columns) in enumerate(SEEN.items(), 1):
        table = tables[name]
        call = places(table["call_id"], ids)
        rows = _mixed(_row_hashes(table, columns) + np.uint64(salt))
        known = call >= 0
        np.add.at(total, call[known], rows[known])
    return pa.array([f"{value:016x}" for value in _mixed(total).tolist()], pa.string())


def _row_hashes(table: pa.Table, columns: list[str] | tuple[str, ...]) -> NDArray[np.uint64]:
    out = np.zeros(len(table), np.uint64)
    for number, name in enumerate(columns, 1):
        out *= np.uint64(31)
        out += _column(table[name])
        out += np.uint64(number)
        out = _mixed(out)
    return out


def _column(column: pa.ChunkedArray) -> NDArray[np.uint64]:
    """A hash of each value that stays the same between runs and machines; missing ones have their own."""
    flat = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if flat.null_count == len(flat):
        return np.full(len(flat), MISSING)
    if pa.types.is_dictionary(flat.type):
        told = _column(flat.dictionary)[pc.fill_null(flat.indices, 0).to_numpy(zero_copy_only=False)]
        return np.where(flat.is_null().to_numpy(zero_copy_only=False), MISSING, told) if flat.null_count else told
    if pa.types.is_nested(flat.type):
        flat = _lists_told(flat)
    hashed = _texts(flat) if pa.types.is_string(flat.type) or pa.types.is_large_string(flat.type) else _numbers(flat)
    if not flat.null_count:
        return hashed
    return np.where(flat.is_null().to_numpy(zero_copy_only=False), MISSING, hashed)


def _lists_told(column: pa.ListArray) -> pa.Array:
    """Lists of names as texts. Most calls have the same few lists: each is told once, where no name is missing."""
    whole = pa.types.is_string(column.type.value_type) and not column.values.null_count
    if not whole or column.null_count:
        return pa.array([repr(names) for names in column.to_pylist()], pa.string())
    lengths = pc.list_value_length(column).cast(pa.string())  # for [] and [""] are joined alike
    encoded = pc.binary_join_element_wise(lengths, pc.binary_join(column, "\0"), "\0").dictionary_encode()
    _, first = np.unique(encoded.indices.to_numpy(), return_index=True)
    told = pa.array([repr(names) for names in column.take(pa.array(first)).to_pylist()], pa.string())
    return told.take(encoded.indices)


def _texts(column: pa.Array) -> NDArray[np.uint64]:
    """Short texts, which are names that come again and again, are hashed once each."""
    told = pc.fill_null(column.cast(pa.large_string()), "")
    if (pc.sum(pc.binary_length(told)).as_py() or 0) >= NAME_BYTES * len(told):
        return _hashed(told)
    encoded = told.dictionary_encode()
    return np.asarray(_hashed(encoded.dictionary)[encoded.indices.to_numpy(zero_copy_only=False)], np.uint64)


def _hashed(texts: pa.Array) -> NDArray[np.uint64]:
    """Of each text's UTF-8 bytes, eight at a time with their place, added up."""
    if not len(texts):
        return np.zeros(0, np.uint64)
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    hashed = np.zeros(len(texts), np.uint64)
    with np.errstate(over="ignore"):
        _hash_texts(int(ends[-1] - ends[0]) // 8, np.frombuffer(data or b"", np.uint8), ends, hashed)
    return hashed


def hash_texts(data: NDArray[np.uint8], ends: NDArray[np.int64], hashed: NDArray[np.uint64]) -> None:
    """Fills in the hash of each text `data[ends[i]:ends[i + 1]]`."""
    for text in range(len(hashed)):
        begin, end, place, total = ends[text], ends[text + 1], np.uint64(1), np.uint64(0)
        whole = begin + (end - begin) // 8 * 8
        for at in range(begin, whole, 8):
            total += mix(word(data, at) ^ mix(place))
            place += np.uint64(1)
        if whole < end:
            bits = np.uint64(0)
            for at in range(whole, end):
                bits |= np.uint64(data[at]) << np.uint64(8 * (at - whole))
            total += mix(bits ^ mix(place))
        hashed[text] = mix(total + np.uint64(end - begin))


def word(data: NDArray[np.uint8], at: int) -> np.uint64:
    """Eight bytes, the first one the lowest; written out, for a compiler takes that for one load."""
    i = np.uint64(at)
    low = np.uint64(data[i]) | np.uint64(data[i + np.uint64(1)]) << np.uint64(8)
    low |= np.uint64(data[i + np.uint64(2)]) << np.uint64(16) | np.uint64(data[i + np.uint64(3)]) << np.uint64(24)
    low |= np.uint64(data[i + np.uint64(4)]) << np.uint64(32) | np.uint64(data[i + np.uint64(5)]) << np.uint64(40)
    return low | np.uint64(data[i + np.uint64(6)]) << np.uint64(48) | np.uint64(data[i + np.uint64(7)]) << np.uint64(56)


def mix(value: np.uint64) -> np.uint64:
    """As `_mixed`, one at a time."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


_hash_texts = Kernel(hash_texts, mix, word, worth=WORTH_COMPILING_ONE)


def _numbers(column: pa.Array) -> NDArray[np.uint64]:
    """Of the value's 64 bits."""
    if pa.types.is_timestamp(column.type) or pa.types.is_boolean(column.type):
        column = column.cast(pa.int64())
    wide = column.cast(pa.float64() if pa.types.is_floating(column.type) else pa.int64())
    return _mixed(pc.fill_null(wide, 0).to_numpy(zero_copy_only=False).view(np.uint64) + np.uint64(1))


def _mixed(value: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64, so that sums of hashes do not cancel."""
    with np.errstate(over="ignore"):
        value = value ^ (value >> np.uint64(30))
        value *= np.uint64(0xBF58476D1CE4E5B9)
        value ^= value >> np.uint64(27)
        value *= np.uint64(0x94D049BB133111EB)
        value ^= value >> np.uint64(31)
        return value
