"""Turns out of what recognisers write: stretches of text with times and speaker labels, cut where the speaker changes or
pauses, joined where he goes on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from typing import Any

PAUSE_MS = 1000
"""A longer silence parts two turns of one speaker."""


@dataclass(frozen=True)
class Bit:
    """A stretch of text, in conversation order. speaker: a label, None where it is not told. timed: its start was measured.
    opens: a sentence begins with it."""

    text: str
    start_ms: int
    end_ms: int
    speaker: str | None
    timed: bool = True
    opens: bool = False
    confidence: float | None = None


Timed = tuple[str, int | None, int | None]
"""A stretch of text with its start and end in ms, where they were measured."""


def spread(told: Sequence[Timed], start_ms: int, end_ms: int) -> list[tuple[str, int, int, bool]]:
    """The stretches of one sentence with times for all, and whether each one's start was measured.

    Those without are spread by their length between their neighbours, or between the sentence's bounds. Punctuation and
    blanks stand where the word before them ends: nobody measures them.
    """
    out: list[tuple[str, int, int, bool]] = []
    at = start_ms
    for measured, run in groupby(told, key=lambda one: one[1] is not None):
        stretches = list(run)
        if measured:
            for text, start, end in stretches:
                at = max(at, start or 0)
                out.append((text, at, max(at, end or 0), True))
                at = out[-1][2]
            continue
        behind = next((start for _, start, _ in told[len(out) + len(stretches) :]), end_ms)
        spoken = any(c.isalnum() for text, _, _ in stretches for c in text)
        bound = max(at, behind or 0) if spoken else at
        total, done, first = max(1, sum(len(text) for text, _, _ in stretches)), 0, at
        for text, _, _ in stretches:
            done += len(text)
            out.append((text, at, first + (bound - first) * done // total, not any(c.isalnum() for c in text)))
            at = out[-1][2]
    return out


def to_turns(bits: Iterable[Bit]) -> list[dict[str, Any]]:
    """Turns of the import form, `speaker` still the label. Words of nobody in particular are never joined over a pause."""
    turns: list[list[Bit]] = []
    for bit in bits:
        last = turns[-1][-1] if turns else None
        if last and last.speaker == bit.speaker and bit.start_ms - max(b.end_ms for b in turns[-1]) <= PAUSE_MS:
            turns[-1].append(replace(bit, text=" " + bit.text) if bit.opens and _part_words(last.text, bit.text) else bit)
        else:
            turns.append([bit])
    return [_turn(turn) for turn in turns if any(bit.text.strip() for bit in turn)]


def _part_words(before: str, after: str) -> bool:
    ends, begins = before[-1:], after[:1]
    return ends.isascii() and ends.isalnum() and begins.isascii() and begins.isalnum()


def _turn(bits: Sequence[Bit]) -> dict[str, Any]:
    text, times = "", list[int | None]()
    rising = accumulate((bit.start_ms for bit in bits), max)  # sentences may overlap
    for bit, start in zip(bits, rising, strict=True):
        first = next((i for i, c in enumerate(bit.text) if c.isalnum()), 0)
        text += bit.text
        times += [start if bit.timed and (i <= first or not c.isalnum()) else None for i, c in enumerate(bit.text)]
    begin, end = len(text) - len(text.lstrip()), len(text.rstrip())
    told: dict[str, Any] = {
        **{"speaker": bits[0].speaker, "start_ms": bits[0].start_ms, "end_ms": max(b.end_ms for b in bits)},
        **{"text": text[begin:end], "char_ms": times[begin:end]},
    }
    if weights := [(b.confidence, len(b.text)) for b in bits if b.confidence is not None]:
        told["confidence"] = sum(c * n for c, n in weights) / sum(n for _, n in weights)
    return told
