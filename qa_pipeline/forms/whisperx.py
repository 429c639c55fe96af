"""WhisperX: `segments` with `words`, times in seconds, speakers as the diarisation labels them (SPEAKER_00, …)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qa_pipeline.forms.call import LONGEST_MS
from qa_pipeline.forms.check import FormError, Schema, check
from qa_pipeline.forms.turns import Bit, Timed, spread

_SECONDS = {"type": ["number", "null"], "minimum": 0, "maximum": LONGEST_MS / 1000, "title": "seconds, 0 or more"}
_NEEDED = {**_SECONDS, "type": "number"}
_LABEL = {"type": ["string", "null"]}
_WORD = {
    "type": "object",
    "properties": {"word": {"type": "string"}, "start": _SECONDS, "end": _SECONDS, "speaker": _LABEL},
    "required": ["word"],
}
SEGMENT = {
    "type": "object",
    "properties": {
        **{"start": _NEEDED, "end": _NEEDED, "text": {"type": "string"}, "speaker": _LABEL},
        "words": {"type": ["array", "null"], "items": _WORD},
        "avg_logprob": {"type": ["number", "null"]},
    },
    "required": ["start", "end", "text"],
}
FORM: Schema = {
    "type": "object",
    "properties": {"segments": {"type": "array", "items": SEGMENT}},
    "required": ["segments"],
}


def read_bits(told: Any) -> list[Bit]:
    """Its words in order of time. A word without a speaker belongs to who spoke before it in its segment.

    `score` says how well a word was aligned, not how well it was heard, and is left alone. Raises FormError.
    """
    if problems := check(told, FORM):
        raise FormError(problems)
    segments = sorted(told["segments"], key=lambda segment: float(segment["start"]))
    return [bit for segment in segments for bit in _bits(segment)]


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1000)


def _bits(segment: Mapping[str, Any]) -> Iterator[Bit]:
    start, end = round(segment["start"] * 1000), round(segment["end"] * 1000)
    stretches = list(_stretches(segment["text"], segment.get("words") or ()))
    heard = segment.get("avg_logprob")
    confidence = None if heard is None else min(1.0, math.exp(min(0.0, heard)))
    labels: list[str | None] = []
    for _, label in stretches:
        labels.append(label or (labels[-1] if labels else None))
    first = next((label for label in labels if label), segment.get("speaker"))
    timed = spread([stretch for stretch, _ in stretches], start, max(start, end))
    for i, ((text, begins, ends, measured), label) in enumerate(zip(timed, labels, strict=True)):
        yield Bit(text, begins, ends, label or first, measured, i == 0, confidence)


def _stretches(text: str, words: Sequence[Mapping[str, Any]]) -> Iterator[tuple[Timed, str | None]]:
    """The whole of `text`, word by word, with what lies between words; each with its word's label."""
    at = 0
    for word in words:
        found = text.find(word["word"].strip(), at)
        if found < 0 or not word["word"].strip():
            continue
        if found > at:
            yield (text[at:found], None, None), None
        at = found + len(word["word"].strip())
        yield (text[found:at], _ms(word.get("start")), _ms(word.get("end"))), word.get("speaker")
    if at < len(text):
        yield (text[at:], None, None), None
