"""Many texts folded at once, as columns: equal to `normalise` and `sound` text by text, without a step per text.

Each code point is folded once in a process and remembered in tables; a column is then one lookup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.text import normal as one_by_one
from qa_pipeline.text.sound import sound

Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int32]
Bounds = npt.NDArray[np.int64]

POINTS = 0x110000
UNKNOWN = -1
DOTS = (ord("."), ord("．"))
DECIMAL_POINT = ord("点")


@dataclass(frozen=True)
class Folded:
    """Texts end to end. Text t is `raw[raw_bounds[t]:raw_bounds[t + 1]]`, its normal form `normal[bounds[t]:bounds[t + 1]]`.

    `raw`, `normal`, `sound`: code points; `offset`: index in its own text of the character each folded one came from;
    `text`: row of the text of each folded one. `normal`, `sound`, `offset` and `text` have the same length.
    """

    raw: Codes
    raw_bounds: Bounds
    normal: Codes
    sound: Codes
    offset: Rows
    text: Rows
    bounds: Bounds


def fold_texts(texts: Sequence[str] | pa.Array) -> Folded:
    """Never fails; a missing text counts as an empty one."""
    raw, raw_bounds = code_points(texts)
    first, length = _TABLES.folds(raw)
    dots = _decimal_points(raw, raw_bounds)
    first[dots], length[dots] = DECIMAL_POINT, 1
    source = _repeated(length)
    normal = first[source]
    _spell_out(normal, raw, source, length)
    total = np.concatenate(([0], np.cumsum(length, dtype=np.int64)))
    row = np.repeat(np.arange(len(raw_bounds) - 1, dtype=np.int32), np.diff(raw_bounds))
    text = row[source]
    offset = (source - raw_bounds[:-1][text]).astype(np.int32)
    return Folded(raw, raw_bounds, normal, _TABLES.sounds(normal), offset, text, total[raw_bounds])


def code_points(texts: Sequence[str] | pa.Array) -> tuple[Codes, Bounds]:
    """All code points end to end, and where each text begins and the last one ends."""
    if isinstance(texts, pa.Array | pa.ChunkedArray):
        column = pc.fill_null(texts.cast(pa.large_string()), "")
        lengths = pc.utf8_length(column).to_numpy(zero_copy_only=False)
        joined = b"".join(_bytes(chunk) for chunk in getattr(column, "chunks", [column])).decode("utf-8")
    else:
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        joined = "".join(texts)
    raw = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.int32)
    return raw, np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))


def text_column(codes: Codes, bounds: Bounds) -> pa.Array:
    """The way back: strings of the code points between bounds."""
    width = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    ends = np.concatenate(([0], np.cumsum(width)))[bounds]
    data = codes.astype("<u4").tobytes().decode("utf-32-le", "replace").encode("utf-8")
    return pa.LargeStringArray.from_buffers(len(bounds) - 1, pa.py_buffer(ends.astype(np.int64).tobytes()), pa.py_buffer(data))


def pauses(raw: Codes) -> npt.NDArray[np.bool_]:
    """Which code points are punctuation, as `normal.has_pause` sees it."""
    return _TABLES.pauses(raw)


def _bytes(column: Any) -> bytes:
    """The bytes of a large-string array without nulls, whatever slice of its buffers it is."""
    _, offsets, data = column.buffers()
    if not len(column) or data is None:
        return b""
    ends = np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1]
    return bytes(memoryview(data)[ends[0] : ends[-1]])


def _repeated(length: npt.NDArray[np.int8]) -> npt.NDArray[np.int64]:
    """Index of the source of each folded character."""
    if len(length) and length.max() > 1:
        return np.repeat(np.arange(len(length)), length)
    return np.flatnonzero(length)


def _spell_out(normal: Codes, raw: Codes, source: npt.NDArray[np.int64], length: npt.NDArray[np.int8]) -> None:
    """Fill in characters that fold to several; `normal` holds the first of them so far. Rare: one pass each distinct one."""
    if not len(length) or length.max() < 2:
        return
    several = np.flatnonzero(length[source] > 1)
    for point in np.unique(raw[source[several]]):
        folded = np.frombuffer(one_by_one.normalise(chr(point)).text.encode("utf-32-le"), np.int32)
        mine = several[raw[source[several]] == point]
        normal[mine] = np.resize(folded, len(mine))


def _decimal_points(raw: Codes, bounds: Bounds) -> npt.NDArray[np.int64]:
    """Dots between two digits of one text."""
    dots = np.flatnonzero((raw == DOTS[0]) | (raw == DOTS[1]))
    text = np.searchsorted(bounds, dots, side="right") - 1
    inside = (dots > bounds[text]) & (dots < bounds[text + 1] - 1)
    dots = dots[inside]
    digit = [chr(a).isdigit() and chr(b).isdigit() for a, b in zip(raw[dots - 1], raw[dots + 1], strict=True)]
    found: npt.NDArray[np.int64] = dots[np.array(digit, bool)]
    return found


class _Tables:
    """What each code point folds to, filled in for the code points met."""

    def __init__(self) -> None:
        self._first = np.zeros(POINTS, np.int32)
        self._length = np.full(POINTS, UNKNOWN, np.int8)
        self._sound = np.full(POINTS, UNKNOWN, np.int32)
        self._pause = np.full(POINTS, UNKNOWN, np.int8)

    def folds(self, raw: Codes) -> tuple[Codes, npt.NDArray[np.int8]]:
        """First code point of each fold, and how many it has."""
        length = self._length[raw]
        for point in _new(raw, length):
            folded = one_by_one.normalise(chr(point)).text
            self._first[point], self._length[point] = ord(folded[0]) if folded else 0, len(folded)
        return self._first[raw], self._length[raw]

    def sounds(self, normal: Codes) -> Codes:
        for point in _new(normal, self._sound[normal]):
            self._sound[point] = ord(sound(chr(point)))
        return self._sound[normal]

    def pauses(self, raw: Codes) -> npt.NDArray[np.bool_]:
        for point in _new(raw, self._pause[raw]):
            self._pause[point] = one_by_one.has_pause(chr(point))
        found: npt.NDArray[np.bool_] = self._pause[raw] == 1
        return found


def _new(points: Codes, found: npt.NDArray[Any]) -> npt.NDArray[np.int32]:
    return np.unique(points[found == UNKNOWN])


_TABLES = _Tables()
