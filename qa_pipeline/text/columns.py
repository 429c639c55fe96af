"""Many texts folded at once, as columns: equal to `normalise` and `sound` text by text, without a step per text.

Each code point is folded once in a process and remembered in tables; a column is then one lookup.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
DOTS = ".．"
DECIMAL_POINT = ord("点")
LETTER, SAID, COUNT, KIND = range(4)
NEW, OTHER, DIGIT, DOT = range(4)
_AS_IT_IS = np.zeros(0, np.int32)


class Folded(NamedTuple):
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


def fold_texts(texts: Sequence[str] | pa.Array, apart: int = 0, behind: int = 0, code: Codes = _AS_IT_IS) -> Folded:
    """A missing text counts as an empty one. Raises as `code_points` does.

    `apart`: room behind each text; `behind`: more behind the last; `code`: what to tell in the stead of each sound.
    """
    begins, data = _utf8(texts)
    count, size = len(begins) - 1, int(begins[-1] - begins[0])
    room, rims = size, apart * count + behind + 1
    while True:
        told = Folded(
            *(np.empty(size, np.int32), np.empty(count + 1, np.int64)),
            *(np.empty(room + rims, np.int32) for _ in range(3)),
            *(np.empty(count, np.int32) for _ in range(2)),
        )
        n = _fold(size // 3, data, begins, _TABLES.folded, _TABLES.spelled, code, apart, behind, told)
        if n != UNKNOWN:
            return told._replace(
                raw=told.raw[: told.raw_bounds[-1]], normal=told.normal[:n], sound=told.sound[:n], source=told.source[:n]
            )
        if not _TABLES.learn(code_points(texts)[0]):
            room *= 2


def fold(
    data: npt.NDArray[np.uint8], begins: Bounds, folded: Codes, spelled: Codes, code: Codes,
    apart: int, behind: int, told: Folded,
) -> int:  # fmt: skip
    """Fills in `told`, reading texts off their UTF-8. The length of the normal forms; UNKNOWN where there is not room for all,
    or a character is met of which `folded` knows nothing. `folded`, `spelled`: as in `_Tables`."""
    read, n = 0, 0
    for text in range(len(told.starts)):
        at, end, kind = begins[text], begins[text + 1], NEW
        told.raw_bounds[text], told.starts[text] = read, n
        while at < end:
            before = kind
            point, width = point_at(data, at)
            count, kind, at = folded[point, COUNT], folded[point, KIND], at + width
            if kind == NEW or n + count + apart + behind >= len(told.normal):
                return UNKNOWN
            told.raw[read] = point
            if count > 1:
                if folded[point, LETTER] + count > len(spelled):  # learnt by another thread just now
                    return UNKNOWN
                for i in range(folded[point, LETTER], folded[point, LETTER] + count):
                    put(told, n, spelled[i, LETTER], spelled[i, SAID], code, read)
                    n += 1
            elif kind == DOT and before == DIGIT and at < end and folded[point_at(data, at)[0], KIND] == DIGIT:
                put(told, n, folded[DECIMAL_POINT, LETTER], folded[DECIMAL_POINT, SAID], code, read)
                n += 1
            else:  # what folds to nothing is written over by what comes next
                put(told, n, folded[point, LETTER], folded[point, SAID], code, read)
                n += count
            read += 1
        told.ends[text] = n
        n = cleared(told, n, apart)
    told.raw_bounds[len(told.starts)] = read
    return cleared(told, n, behind)


def put(told: Folded, n: int, letter: int, said: int, code: Codes, read: int) -> None:
    """Fills in one folded character, that of the raw one numbered `read`."""
    told.normal[n], told.source[n] = letter, read
    told.sound[n] = code[said] if len(code) else said


def cleared(told: Folded, n: int, count: int) -> int:
    """Fills in so many zeros. Where they end."""
    for i in range(n, n + count):
        told.normal[i], told.sound[i], told.source[i] = 0, 0, 0
    return n + count


def code_points(texts: Sequence[str] | pa.Array) -> tuple[Codes, Bounds]:
    """All code points end to end, and where each text begins and the last one ends. Raises ArrowInvalid for bytes that are no
    UTF-8."""
    begins, data = _utf8(texts)
    raw, bounds = np.empty(begins[-1] - begins[0], np.int32), np.empty(len(begins), np.int64)
    n = _read_points(len(raw) // 3 // STEPS_A_POINT, data, begins, raw, bounds)
    return raw[:n], bounds


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


_fold = Kernel(fold, point_at, put, cleared, worth=WORTH_COMPILING_ONE)
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
    ends, data = _bytes(_column(texts))
    found, points = np.empty(len(texts), np.int64), len(data) // 3
    if not _count_loud(points // STEPS_A_POINT, data, ends, _TABLES.pause, found):
        _TABLES.learn(code_points(texts)[0])
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


def _utf8(texts: Sequence[str] | pa.Array) -> tuple[Bounds, npt.NDArray[np.uint8]]:
    """Where each text begins and the last one ends in bytes that a kernel can trust, and the bytes, neither to be written."""
    if isinstance(texts, pa.Array | pa.ChunkedArray):
        column = _column(texts)
        column.validate(full=True)
        return _bytes(column)
    told = [text.encode("utf-8", "surrogatepass") for text in texts]
    ends = np.cumsum([0, *map(len, told)], dtype=np.int64)
    return np.frombuffer(ends.tobytes(), np.int64), np.frombuffer(b"".join(told) or NOTHING, np.uint8)


NOTHING = b"\0"
"""In the stead of no bytes: an empty array may be written to, which is another type to a kernel, compiled apart."""


def _column(texts: pa.Array) -> pa.LargeStringArray:
    """Without nulls and in one piece."""
    column = pc.fill_null(texts.cast(pa.large_string()), "")
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _bytes(column: pa.LargeStringArray) -> tuple[Bounds, npt.NDArray[np.uint8]]:
    """As they lie in memory."""
    _, offsets, data = column.buffers()
    if not len(column) or data is None or not data.size:
        return np.frombuffer(bytes(8 * (len(column) + 1)), np.int64), np.frombuffer(NOTHING, np.uint8)
    return np.frombuffer(offsets, np.int64)[column.offset : column.offset + len(column) + 1], np.frombuffer(data, np.uint8)


class _Tables:
    """What each code point folds to, filled in for the code points met.

    `folded`: COUNT, how many it folds to: none, a LETTER with the sound SAID, or several, then LETTER is the place in `spelled`
    where these are; its KIND. A decimal point is another thing than a DOT, which folds to none. `pause`: 1 for punctuation, 0
    for what is none.
    """

    def __init__(self) -> None:
        self.folded = np.zeros((POINTS, 4), np.int32)
        self.pause = np.full(POINTS, UNKNOWN, np.int8)
        self.spelled = np.zeros((0, 2), np.int32)

    def learn(self, points: Codes) -> bool:
        """All are known from then on. Whether any was new."""
        new = np.unique(points[self.folded[points, KIND] == NEW]).tolist()
        for point in [*new, DECIMAL_POINT]:
            self._learn(point)
        return bool(new)

    def _learn(self, point: int) -> None:
        character = chr(point)
        letters = one_by_one.normalise(character).text
        told = np.array([(ord(letter), ord(sound(letter))) for letter in letters], np.int32).reshape(-1, 2)
        kind = DOT if character in DOTS else DIGIT if character.isdigit() else OTHER
        self.folded[point] = *(told[0] if len(letters) == 1 else (len(self.spelled), 0)), len(letters), kind
        if len(letters) > 1:
            self.spelled = np.append(self.spelled, told, 0)
        self.pause[point] = one_by_one.has_pause(character)


_TABLES = _Tables()
