"""A phrase: wordings that mean the same, what voids them, and how far from the letter they may be heard."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from qa_pipeline.rules.wording import MOST_FORMS, Part, parse, spelled
from qa_pipeline.text.normal import normalise
from qa_pipeline.text.sound import sound

RUNGS = ("exact", "normalised", "sound", "near")
EXACT, NORMALISED, SOUND, NEAR = range(4)
SHORTEST_BY_SOUND = 3
"""Literal characters; shorter forms sound like too much else."""


@dataclass(frozen=True)
class Phrase:
    """`say`: wordings; `unless`: guards, wordings that void a hit they overlap; `rungs`: a part of RUNGS.

    `word`: both ends must be ends of words; `value`: what a hit captures, `digits`, `number`, `time`, `text`, or the word of
    a slot.
    """

    name: str
    say: tuple[str, ...]
    unless: tuple[str, ...] = ()
    rungs: tuple[str, ...] = RUNGS[:NEAR]
    slots: Mapping[str, Sequence[str]] = field(default_factory=dict)
    word: bool = False
    value: str | None = None

    @cached_property
    def said(self) -> tuple[tuple[Part, ...], ...]:
        """The wordings read into parts."""
        return tuple(parse(wording, self.slots) for wording in self.say)

    @staticmethod
    def _forms(parts: tuple[Part, ...]) -> list[str]:
        return list(itertools.islice(spelled(parts), MOST_FORMS))

    def nearest(self, text: str) -> tuple[float, str]:
        """How near `text` comes by sound, 0-1, and the words that do."""
        similarity, first, last = nearest(self, text)
        return similarity, text[first:last]


def nearest(phrase: Phrase, text: str) -> tuple[float, int, int]:
    """How near `text` comes to a wording of three characters or more by sound, 0-1, and the characters [first, last) that do.

    For showing why something was missed, one text at a time; gaps are passed over.
    """
    from rapidfuzz import fuzz

    normal = normalise(text)
    spoken, best = sound(normal.text), (0.0, 0, 0)
    for wanted in dict.fromkeys(sound(_normal(form)) for parts in phrase.said for form in phrase._forms(parts)):
        if len(wanted) < SHORTEST_BY_SOUND or not spoken:
            continue
        if len(wanted) > len(spoken):
            similarity, span = fuzz.ratio(wanted, spoken) / 100, (0, len(spoken))
        else:
            found = fuzz.partial_ratio_alignment(wanted, spoken)
            similarity, span = (found.score / 100, (found.dest_start, found.dest_end)) if found else (0.0, (0, 0))
        if similarity > best[0] and span[1] > span[0]:
            best = (similarity, *normal.source(*span))
    return best


def _normal(characters: str) -> str:
    return normalise(characters).text
