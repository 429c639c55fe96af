"""What was heard of a pack's phrases: every hit in one table, phrase by phrase, in order of unit and time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.rules.corpus import Turns
from qa_pipeline.rules.hits import Hits, Matcher
from qa_pipeline.rules.pack import RulePack
from qa_pipeline.rules.phrase import RUNGS
from qa_pipeline.rules.spans import Ints, Spans

ANYWHERE, ANCHORED, NOWHERE = range(3)
"""Where a hit satisfies, a grade: at an anchored place alone where two syllables are known by their sound alone."""


@dataclass(frozen=True)
class Heard:
    """edges: of each phrase the rows [first, last) of the others, by its number in `numbers`.

    words: when each was said; items count on from the turns. grade: where it satisfies.
    """

    numbers: dict[str, int]
    edges: Ints
    hits: Hits
    words: Spans
    grade: NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.grade)

    def rows(self, name: str) -> slice:
        """Of one phrase."""
        return slice(*self.edges[self.numbers[name]].tolist())

    def of(self, name: str) -> Spans:
        """The words of one phrase."""
        rows, of = self.rows(name), self.words
        return Spans(of.unit[rows], of.start[rows], of.end[rows], of.item[rows])


def heard(turns: Turns, pack: RulePack, matcher: Matcher) -> Heard:
    """The pack's phrases, as they are, may allow fewer rungs than the matcher listens on."""
    found = matcher.find(turns.texts)
    narrow = np.uint16 if len(matcher.phrases) <= 0x10000 else np.int32  # numpy sorts two bytes by counting
    hits = found.take(np.argsort(found.phrase.astype(narrow), kind="stable"))
    words, in_order = turns.words(hits.phrase, hits.text, hits.first, hits.last)
    if not in_order:  # as few are: turns that begin at once, characters whose times go back
        order = np.lexsort((hits.first, words.start, turns.start[hits.text], words.unit, hits.phrase))
        hits, words = hits.take(order), replace(words.take(order), item=words.item)
    words = replace(words, item=words.item + len(turns))
    bounds = np.searchsorted(hits.phrase, np.arange(len(matcher.phrases) + 1))
    edges = np.stack([bounds[:-1], bounds[1:]], 1).astype(np.int64)
    allowed = np.array([[rung in pack.phrases[p.name].rungs for rung in RUNGS] for p in matcher.phrases], bool)
    satisfying = allowed.reshape(-1, len(RUNGS))[hits.phrase, hits.rung]
    grade = np.where(satisfying, hits.short, NOWHERE).astype(np.int8)
    return Heard({phrase.name: i for i, phrase in enumerate(matcher.phrases)}, edges, hits, words, grade)
