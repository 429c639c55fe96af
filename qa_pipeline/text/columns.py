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

from qa_pipeline.kernels import WORTH_COMPILING_ONE, Kernel
from qa_pipeline.text import normal as one_by_one
from qa_pipeline.text.sound import sound

Codes = npt.NDArray[np.int32]
Rows = npt.NDArray[np.int32]
Bounds = npt.NDArray[np.int64]

POINTS = 0x110000
UNKNOWN = -1
DOTS = (ord("."), ord("．"))
DECIMAL_POINT = ord("点")
LETTER, SAID = range(2)


@dataclass(frozen=True)
class Folded:
    """Texts end to end. Text t is `raw[raw_bounds[t]:raw_bounds[t + 1]]`, its normal form `normal[starts[t]:ends[t]]`.

    `raw`, `normal`, `sound`: code points; `source`: index in `raw` of the character each folded one came from. `normal`,
    `sound` and `source` have the same length, and zeros between and behind the texts where room was asked for.
    """

    raw: Codes
    raw_bounds: Bounds
    normal: Codes
    sound: Codes
    source: Rows
    starts: Rows
    ends: Rows


def fold_texts(texts: Sequence[str] | pa.Array, apart: int = 0, behind: int = 0) -> Folded:
    """A missing text counts as an empty one. Raises as `code_points` does.

    `apart`: room behind each text; `behind`: more behind the last.
    """
    raw, raw_bounds = code_points(texts)
    length = _TABLES.lengths(raw)
    dots = _decimal_points(raw, raw_bounds)
    size = int(length.sum(dtype=np.int64)) + len(dots) + apart * (len(raw_bounds) - 1) + behind
    normal, spoken, source = (np.zeros(size, np.int32) for _ in range(3))
    starts, ends = (np.empty(len(raw_bounds) - 1, np.int32) for _ in range(2))
    tables = (length, np.append(dots, -1), _TABLES.folded, _TABLES.spelled)
    _fold(len(raw), raw, raw_bounds, *tables, apart, normal, spoken, source, starts, ends)
    return Folded(raw, raw_bounds, normal, spoken, source, starts, ends)


def fold(
    raw: Codes, bounds: Bounds, length: npt.NDArray[np.int8], dots: Bounds, folded: Codes, spelled: Codes,
    apart: int, normal: Codes, spoken: Codes, source: Rows, starts: Rows, ends: Rows,
) -> None:  # fmt: skip
    """Fills in the last five columns. `dots`: where a decimal point stands, -1 behind the last; `folded`, `spelled`: as in
    `_Tables`."""
    n, dot = 0, 0
    for text in range(len(starts)):
        starts[text] = n
        for at in range(bounds[text], bounds[text + 1]):
            if at == dots[dot]:
                normal[n], spoken[n], source[n] = DECIMAL_POINT, folded[DECIMAL_POINT, SAID], at
                n, dot = n + 1, dot + 1
            elif length[at] == 1:
                normal[n], spoken[n], source[n] = folded[raw[at], LETTER], folded[raw[at], SAID], at
                n += 1
            elif length[at] > 1:
                for i in range(folded[raw[at], LETTER], folded[raw[at], LETTER] + length[at]):
                    normal[n], spoken[n], source[n] = spelled[i, LETTER], spelled[i, SAID], at
                    n += 1
        ends[text] = n
        n += apart


_fold = Kernel(fold, worth=WORTH_COMPILING_ONE)


def code_points(texts: Sequence[str] | pa.Array) -> tuple[Codes, Bounds]:
    """All code points end to end, and where each text begins and the last one ends. Raises ArrowInvalid for bytes that are no
    UTF-8."""
    if isinstance(texts, pa.Array | pa.ChunkedArray):
        column = pc.fill_null(texts.cast(pa.large_string()), "")
        column.validate(full=True)  # the kernel trusts the bytes
        ends, data = _utf8(column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
        raw, bounds = np.empty(ends[-1] - ends[0], np.int32), np.empty(len(ends), np.int64)
        n = _read_points(len(raw) // 3 // STEPS_A_POINT, data, ends, raw, bounds)
        return raw[:n], bounds
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    raw = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), np.int32)
    return raw, np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))


def read_points(data: npt.NDArray[np.uint8], ends: Bounds, raw: Codes, bounds: Bounds) -> int:
    """Fills in the code points of texts in UTF-8, and where each text begins and the last one ends. Their number."""
    n = bounds[0] = 0
    for text in range(len(ends) - 1):
        at = ends[text]
        while at < ends[text + 1]:
            raw[n], width = point_at(data, at)
            n, at = n + 1, at + width
        bounds[text + 1] = n
    return n


def point_at(data: npt.NDArray[np.uint8], at: int) -> tuple[int, int]:
    """The code point that begins here, and how many bytes it is wide."""
    lead = int(data[at])
    if lead < 0x80:
        return lead, 1
    second = int(data[at + 1]) & 0x3F
    if lead < 0xE0:
        return (lead & 0x1F) << 6 | second, 2
    third = int(data[at + 2]) & 0x3F
    if lead < 0xF0:
        return (lead & 0x0F) << 12 | second << 6 | third, 3
    return (lead & 0x07) << 18 | second << 12 | third << 6 | int(data[at + 3]) & 0x3F, 4


_read_points = Kernel(read_points, point_at, worth=WORTH_COMPILING_ONE)
STEPS_A_POINT = 20
"""Code points looked at in the time of a kernel's step."""


def text_column(codes: Codes, bounds: Bounds) -> pa.Array:
    """The way back: strings of the code points between bounds."""
    width = 1 + (codes >= 0x80).astype(np.int64) + (codes >= 0x800) + (codes >= 0x10000)
    ends = np.concatenate(([0], np.cumsum(width)))[bounds]
    data = codes.astype("<u4").tobytes().decode("utf-32-le", "replace").encode("utf-8")
    return pa.LargeStringArray.from_buffers(len(bounds) - 1, pa.py_buffer(ends.astype(np.int64).tobytes()), pa.py_buffer(data))


def loud_lengths(texts: pa.Array) -> Bounds:
    """How many characters of each text are no punctuation, as `normal.has_pause` sees it. A missing text has none."""
    column = pc.fill_null(texts.cast(pa.large_string()), "")
    ends, data = _utf8(column)
    found, points = np.empty(len(column), np.int64), len(data) // 3
    if not _count_loud(points // STEPS_A_POINT, data, ends, _TABLES.pause, found):
        _TABLES.lengths(code_points(column)[0])
        _count_loud(points // STEPS_A_POINT, data, ends, _TABLES.pause, found)
    return found


def count_loud(data: npt.NDArray[np.uint8], ends: Bounds, pause: npt.NDArray[np.int8], found: Bounds) -> bool:
    """Fills in `found`, reading the code points off their UTF-8; false where one is met of which `pause` knows nothing."""
    known = True
    for text in range(len(found)):
        n, at = 0, ends[text]
        while at < ends[text + 1]:
            point, width = point_at(data, at)
            known &= pause[point] != UNKNOWN
            n += pause[point] == 0
            at += width
        found[text] = n
    return known


_count_loud = Kernel(count_loud, point_at, worth=WORTH_COMPILING_ONE)


def pause_table() -> npt.NDArray[np.int8]:
    """1 for each code point that is punctuation, of those in texts folded so far."""
    return _TABLES.pause


def _utf8(column: Any) -> tuple[Bounds, npt.NDArray[np.uint8]]:
    """Where each text begins and the last one ends in the bytes of a large-string array without nulls, and the bytes."""
    _, offsets, data = column.buffers()
    if not len(column) or data is None:
        return np.zeros(len(column) + 1, np.int64), np.zeros(0, np.uint8)
    return np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1], np.frombuffer(data, np.uint8)


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
    """What each code point folds to, filled in for the code points met.

    `folded`: LETTER, the code point it folds to, and SAID, the sound of that; or, where `length` says that they are several,
    LETTER is the place in `spelled` where these are; `pause`: 1 for punctuation, 0 for what is none.
    """

    def __init__(self) -> None:
        self.folded = np.zeros((POINTS, 2), np.int32)
        self.length = np.full(POINTS, UNKNOWN, np.int8)
        self.pause = np.full(POINTS, UNKNOWN, np.int8)
        self.spelled = np.zeros((0, 2), np.int32)

    def lengths(self, raw: Codes) -> npt.NDArray[np.int8]:
        """How many code points each folds to; decimal points as if they were none. All are known from then on."""
        length = self.length[raw]
        if len(length) and length.min() == UNKNOWN:
            for point in np.unique(raw[length == UNKNOWN]).tolist():
                self._learn(point)
            length = self.length[raw]
        return length

    def _learn(self, point: int) -> None:
        letters = one_by_one.normalise(chr(point)).text
        told = np.array([(ord(letter), ord(sound(letter))) for letter in letters], np.int32).reshape(-1, 2)
        if len(letters) > 1:
            self.folded[point, LETTER] = len(self.spelled)
            self.spelled = np.append(self.spelled, told, 0)
        elif letters:
            self.folded[point] = told[0]
        self.folded[DECIMAL_POINT] = DECIMAL_POINT, ord(sound(chr(DECIMAL_POINT)))
        self.length[point], self.pause[point] = len(letters), one_by_one.has_pause(chr(point))


_TABLES = _Tables()
