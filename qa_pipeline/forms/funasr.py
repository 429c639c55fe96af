"""FunASR: a list of results with `sentence_info` (times in ms, `timestamp` a pair for each spoken token, `spk` a number)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from qa_pipeline.forms.call import LONGEST_MS
from qa_pipeline.forms.check import FormError, Schema, Wrong, check, shown
from qa_pipeline.forms.turns import Bit, Timed, spread

_MS = {"type": "number", "minimum": 0, "maximum": LONGEST_MS, "title": "milliseconds, 0 or more"}
_STAMPS = {"type": ["array", "null"], "items": {"type": "array", "items": _MS, "minItems": 2, "title": "a pair [start, end]"}}
_TEXT = {"type": ["string", "null"]}
SENTENCE = {
    "type": "object",
    "properties": {
        **{"text": _TEXT, "sentence": _TEXT, "start": _MS, "end": _MS, "timestamp": _STAMPS},
        "spk": {"type": ["integer", "string", "null"], "title": "a speaker's number"},
    },
    "required": ["start", "end"],
}
FORM: Schema = {
    "type": "object",
    "properties": {"sentence_info": {"type": ["array", "null"], "items": SENTENCE}, "text": _TEXT, "timestamp": _STAMPS},
}
TAGS = re.compile(r"<\|[^|>]*\|>")
"""What SenseVoice says about language, mood and noises, between the words."""
TOKENS = (re.compile(r"[A-Za-z']+|\w"), re.compile(r"[A-Za-z0-9']+|\w"))
"""What a time is given for: a Chinese character, an English word; digits one by one or together."""


def read_bits(told: Any) -> list[Bit]:
    """Its sentences in order of time. Without sentences, the text's own times. Raises FormError."""
    sentences = _sentences(told)
    return [bit for one in sorted(sentences, key=lambda one: float(one["start"])) for bit in _bits(one)]


def _sentences(told: Any) -> list[Mapping[str, Any]]:
    problems = check(told, FORM)
    told = told if isinstance(told, dict) else {}
    stamps, sentences = told.get("timestamp"), told.get("sentence_info")
    if not problems and sentences is None and not (stamps and told.get("text")):
        problems = [Wrong("sentence_info", "a list of sentences, or text and timestamp", shown(sentences))]
    if problems:
        raise FormError(problems)
    if sentences is None:
        return [{"text": told["text"], "start": stamps[0][0], "end": stamps[-1][-1], "timestamp": stamps}]
    return list(sentences)


def _bits(sentence: Mapping[str, Any]) -> Iterator[Bit]:
    text = TAGS.sub("", sentence.get("text") or sentence.get("sentence") or "")
    start, end = round(sentence["start"]), round(sentence["end"])
    label = None if sentence.get("spk") is None else str(sentence["spk"])
    stretches = _stretches(text, sentence.get("timestamp") or ())
    for i, (stretch, begins, ends, measured) in enumerate(spread(stretches, start, max(start, end))):
        yield Bit(stretch, begins, ends, label, measured, i == 0)


def _stretches(text: str, stamps: Any) -> list[Timed]:
    """Token by token where there are as many times as tokens; else the text as one stretch without times."""
    for tokens in TOKENS:
        found = list(tokens.finditer(text))
        if len(found) == len(stamps):
            break
    else:
        return [(text, None, None)] if text else []
    out: list[Timed] = []
    at = 0
    for token, (start, end, *_) in zip(found, stamps, strict=True):
        if token.start() > at:
            out.append((text[at : token.start()], None, None))
        out.append((token[0], round(start), round(end)))
        at = token.end()
    return out + ([(text[at:], None, None)] if at < len(text) else [])
