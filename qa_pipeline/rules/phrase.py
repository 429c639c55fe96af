"""A phrase: wordings that mean the same, what voids them, and how far from the letter they may be heard."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from qa_pipeline.rules.wording import MOST_FORMS, Part, parse, pattern, spelled
from qa_pipeline.text.normal import normalise
from qa_pipeline.text.sound import sound

RUNGS = ("exact", "normalised", "sound")
SHORTEST_BY_SOUND = 3  # shorter forms sound like too much else


@dataclass(frozen=True)
class Hit:
    """Characters [first, last) of a text, and the rung on which they match."""

    first: int
    last: int
    rung: str


@dataclass(frozen=True)
class Phrase:
    """`say`: wordings; `unless`: guards, wordings that void a hit they overlap; `rungs`: a part of RUNGS."""

    name: str
    say: tuple[str, ...]
    unless: tuple[str, ...] = ()
    rungs: tuple[str, ...] = RUNGS
    slots: Mapping[str, Sequence[str]] = ()  # type: ignore[assignment]

    @cached_property
    def _said(self) -> tuple[tuple[Part, ...], ...]:
        return tuple(parse(wording, dict(self.slots)) for wording in self.say)

    @cached_property
    def _patterns(self) -> dict[str, re.Pattern[str]]:
        loud = [p for p in self._said if min(len(form) for form in self._forms(p)) >= SHORTEST_BY_SOUND]
        made = {
            "exact": "|".join(pattern(p, str) for p in self._said),
            "normalised": "|".join(pattern(p, _normal) for p in self._said),
            "sound": "|".join(pattern(p, lambda c: sound(_normal(c))) for p in loud),
        }
        return {rung: re.compile(made[rung]) for rung in self.rungs if made[rung]}

    @cached_property
    def _guards(self) -> re.Pattern[str] | None:
        made = "|".join(pattern(parse(wording, dict(self.slots)), _normal) for wording in self.unless)
        return re.compile(made) if made else None

    @staticmethod
    def _forms(parts: tuple[Part, ...]) -> list[str]:
        return list(itertools.islice(spelled(parts), MOST_FORMS))

    def hits(self, text: str) -> Iterator[Hit]:
        """In order along `text`, on the first rung that has any; those a guard overlaps are left out."""
        normal = normalise(text)
        heard = {"exact": text, "normalised": normal.text, "sound": sound(normal.text)}
        voided = [normal.source(*m.span()) for m in self._guards.finditer(normal.text)] if self._guards else []
        for rung, compiled in self._patterns.items():
            found = [m.span() for m in compiled.finditer(heard[rung]) if m.end() > m.start()]
            spans = found if rung == "exact" else [normal.source(*span) for span in found]
            kept = [s for s in spans if not any(s[0] < b and a < s[1] for a, b in voided)]
            if kept:
                yield from (Hit(a, b, rung) for a, b in kept)
                return

    def nearest(self, text: str) -> tuple[float, str]:
        """How near `text` comes by sound, 0-1, and the words that do; for forms of three characters or more."""
        from rapidfuzz import fuzz

        normal = normalise(text)
        spoken, best = sound(normal.text), (0.0, "")
        for form in {f for p in self._said for f in self._forms(p)}:
            wanted = sound(_normal(form))
            if len(wanted) < SHORTEST_BY_SOUND or not spoken:
                continue
            found = fuzz.partial_ratio_alignment(wanted, spoken) if len(wanted) <= len(spoken) else None
            if found and found.score / 100 > best[0] and found.dest_end > found.dest_start:
                a, b = normal.source(found.dest_start, found.dest_end)
                best = (found.score / 100, text[a:b])
        return best


def _normal(characters: str) -> str:
    return normalise(characters).text
