"""Many texts as words to compare: in normal form, spoken numbers as digits, so that 两十 and 20 are the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from qa_pipeline.text.columns import Bounds, Codes, Rows, code_points, fold_texts, text_column
from qa_pipeline.text.numbers import UNITS, read_numbers


@dataclass(frozen=True)
class Plain:
    """Text t is the code points `codes[first[t]:last[t]]`; they stand there in no particular order."""

    codes: Codes
    first: Bounds
    last: Bounds

    def strings(self) -> list[str]:
        return strings(self.codes, self.first, self.last)


def plain_texts(texts: Sequence[str] | pa.Array) -> Plain:
    """Equal to `read_numbers(normalise(text).text)` text by text; only those that hold a spoken number are read one by one."""
    folded = fold_texts(texts)
    first, last = folded.starts.astype(np.int64), folded.ends.astype(np.int64)
    at = np.flatnonzero(np.logical_or.reduce([folded.normal == ord(unit) for unit in UNITS]))
    spoken = np.unique(np.searchsorted(last, at, "right"))
    read, bounds = code_points([read_numbers(text) for text in strings(folded.normal, first[spoken], last[spoken])])
    first[spoken], last[spoken] = len(folded.normal) + bounds[:-1], len(folded.normal) + bounds[1:]
    return Plain(np.concatenate([folded.normal, read]), first, last)


def strings(codes: Codes, first: Bounds | Rows, last: Bounds | Rows) -> list[str]:
    """The stretches [first, last) as strings."""
    bounds = np.concatenate(([0], np.cumsum(last - first)))
    at = np.arange(bounds[-1]) + np.repeat(first - bounds[:-1], last - first)
    told: list[str] = text_column(codes[at], bounds).to_pylist()
    return told
