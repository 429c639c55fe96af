"""Every phrase of every pack found in many texts in one pass, column by column: rungs, guards, word ends, captures.

One search on the coarsest fold, the sound, finds all literals; the rung of each is then read off its characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.kernels import ahead
from qa_pipeline.rules.captures import value_of
from qa_pipeline.rules.growth import (
    CHARS,
    EDITS,
    FIRST,
    LAST,
    RUNG,
    STEP,
    VALUE,
    VALUE_FIRST,
    VALUE_LAST,
    Stream,
    grow,
    make_stream,
)
from qa_pipeline.rules.overlaps import Wanted, hits_of
from qa_pipeline.rules.phrase import RUNGS, SHORTEST_BY_SOUND, SOUND, Phrase
from qa_pipeline.rules.plan import Plan, compile_plan
from qa_pipeline.rules.trie import NONE, Ints, spread
from qa_pipeline.text.columns import Bounds, pause_table, text_column

CHUNK = 32_768
"""Texts folded at a time: handing the tables to a kernel takes as long as some hundred texts."""
HALF = re.compile("[\ud800-\udfff]")
"""Half a character, from a broken file, which Arrow refuses."""
VALUES = ("digits", "mobile", "number", "time", "text")
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Hits:
    """Sorted by (text, first, last). `phrase`: index into the matcher's phrases; `text`: row; [first, last): characters of the
    original text; `rung`: index into RUNGS; `similarity`: 1 but for near ones; `short`: by sound with fewer than three literal
    characters; `value`: index into `values`, or -1."""

    phrase: Ints
    text: Ints
    first: Ints
    last: Ints
    rung: npt.NDArray[np.int8]
    similarity: npt.NDArray[np.float32]
    short: Mask
    value: Ints
    values: list[str]

    def __len__(self) -> int:
        return len(self.phrase)

    def take(self, rows: npt.NDArray[Any]) -> Hits:
        """Some of the hits, by index or mask."""
        columns = {f.name: getattr(self, f.name)[rows] for f in fields(self) if f.name != "values"}
        return Hits(**columns, values=self.values)


class Matcher:
    """Phrases compiled once. Raises WordingError for a wording that cannot be read.

    `ends`: the end offsets of a text's words; without it no phrase minds where words end. `compiled`: their plan, if there
    is one already.
    """

    def __init__(
        self, phrases: Sequence[Phrase], ends: Callable[[str], Sequence[int]] | None = None, compiled: Plan | None = None
    ) -> None:
        self.phrases = tuple(phrases)
        self._plan = compiled or compile_plan(self.phrases)
        self._ends = ends if any(p.word for p in self.phrases) else None
        self._wanted = Wanted(
            *(self._plan.chain_phrase, self._plan.chain_guard, self._plan.chain_links),
            *(self._plan.chain_crosses, self._plan.chain_rims),
            np.array([[rung in p.rungs for rung in RUNGS] for p in phrases], bool).reshape(-1, len(RUNGS)),
            np.array([p.word for p in phrases], bool),
        )
        self._valued = np.array([p.value is not None for p in phrases], bool)
        self._mobile = np.array([p.value == "mobile" for p in phrases], bool)

    def find(self, texts: Sequence[str] | pa.Array) -> Hits:
        """All hits."""
        column = _column(texts).dictionary_encode()
        distinct, code = column.dictionary, column.indices.to_numpy(zero_copy_only=False)
        numbers: dict[str, int] = {}
        starts = range(0, max(1, len(distinct)), CHUNK)
        with ahead(pc.sum(pc.utf8_length(distinct)).as_py() or 0):
            found = [self._chunk(distinct.slice(start, CHUNK), start, numbers) for start in starts]
        names = (f.name for f in fields(Hits) if f.name != "values")
        columns = {name: np.concatenate(parts) for name, *parts in zip(names, *found, strict=True)}
        hits = Hits(**columns, values=list(numbers))
        return hits if np.array_equal(code, np.arange(len(distinct))) else _broadcast(hits, code, len(distinct))

    def _chunk(self, texts: pa.Array, start: int, numbers: dict[str, int]) -> tuple[Any, ...]:
        """Columns of Hits for some of the texts; new values are added to `numbers`."""
        stream, begins = make_stream(texts, self._plan.code)
        rows, bounds = grow(self._plan.finding, self._plan.chains, stream)
        word_ends = np.zeros(0, bool) if self._ends is None else self._word_ends(texts, begins, rows, bounds)
        chosen, text = hits_of(rows, bounds, self._wanted, stream, pause_table(), word_ends)
        found = rows[chosen].T.copy()
        phrase, begin = self._plan.chain_phrase[found[STEP]], begins[text]
        columns = (
            *(phrase, text + np.int32(start)),
            (stream.raw[found[FIRST]] - begin).astype(np.int32),
            (stream.raw[found[LAST] - 1] + 1 - begin).astype(np.int32),
            found[RUNG].astype(np.int8),
            (1 - found[EDITS] / np.maximum(found[CHARS], 1)).astype(np.float32),
            (found[RUNG] >= SOUND) & (found[CHARS] < SHORTEST_BY_SOUND),
            value := self._values(stream, found, phrase, numbers),
        )
        numbered = ~self._mobile[phrase] | (value != NONE)  # eleven digits that are no mobile number are no hit
        return columns if numbered.all() else tuple(column[numbered] for column in columns)

    def _word_ends(self, texts: pa.Array, begins: Bounds, rows: Ints, bounds: Ints) -> Mask:
        """Whether a word ends before each original character, and behind the last, of texts where some phrase asks."""
        assert self._ends is not None
        found = np.zeros(begins[-1] + 1, bool)
        asking = np.flatnonzero(self._wanted.worded[self._plan.chain_phrase[rows[:, STEP]]])
        asked = np.unique(np.searchsorted(bounds, asking, "right") - 1)
        for row, text in zip(asked.tolist(), texts.take(pa.array(asked)).to_pylist(), strict=True):
            begin = begins[row]
            found[begin] = True
            found[begin + np.array(self._ends(text), np.int64)] = True
        return found

    def _values(self, stream: Stream, found: Ints, phrase: Ints, numbers: dict[str, int]) -> Ints:
        """The value of each hit as its number in `numbers`."""
        value = np.full(len(phrase), NONE, np.int32)
        rows = np.flatnonzero(self._valued[phrase])
        words = _words(stream, found[:, rows])
        for row, of, slot, said in zip(rows, phrase[rows], found[VALUE, rows], words, strict=True):
            kind = self.phrases[of].value
            known = kind in VALUES
            captured = value_of(kind, said) if known and kind else self._plan.values[slot] if slot != NONE else None
            if captured is not None:
                value[row] = numbers.setdefault(captured, len(numbers))
        return value


def _column(texts: Sequence[str] | pa.Array) -> pa.Array:
    """As one Arrow array of strings without nulls."""
    if not isinstance(texts, pa.Array | pa.ChunkedArray):
        try:
            texts = pa.array(texts, pa.large_string())
        except UnicodeEncodeError:
            texts = pa.array([HALF.sub("\ufffd", text) for text in texts], pa.large_string())
    column = pc.fill_null(texts.cast(pa.large_string()), "")
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _words(stream: Stream, found: Ints) -> list[str]:
    """The captured stretch of each hit, or else all of it, in the normal form."""
    whole = found[VALUE_FIRST] == NONE
    first = np.where(whole, found[FIRST], found[VALUE_FIRST]).astype(np.int64)
    length = np.where(whole, found[LAST], found[VALUE_LAST]) - first
    _, at = spread(first, length)
    words: list[str] = text_column(stream.normal[at], np.concatenate(([0], np.cumsum(length)))).to_pylist()
    return words


def _broadcast(hits: Hits, code: npt.NDArray[np.int32], distinct: int) -> Hits:
    """Hits of distinct texts, given to every row that holds the text."""
    first = np.searchsorted(hits.text, np.arange(distinct + 1))
    row, hit = spread(first[code], first[code + 1] - first[code])
    given = hits.take(hit)
    return Hits(**{**{f.name: getattr(given, f.name) for f in fields(given)}, "text": row.astype(np.int32)})
