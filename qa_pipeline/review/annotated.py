"""One call as it was said, with what each rule made of it beside the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_pipeline.model import Verdict


@dataclass(frozen=True)
class Highlight:
    """Characters of a turn that are evidence: [first, last)."""

    first: int
    last: int
    rule_id: str
    verdict: Verdict


@dataclass(frozen=True)
class AnnotatedTurn:
    start_ms: int
    speaker: str
    text: str
    highlights: tuple[Highlight, ...]


@dataclass(frozen=True)
class AnnotatedCall:
    """`verdicts`: (rule id, verdict, reason, first second of its evidence or None) in the order of the findings."""

    call_id: str
    turns: tuple[AnnotatedTurn, ...]
    verdicts: tuple[tuple[str, Verdict, str | None, int | None], ...]


def annotate(call_id: str, turns: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]]) -> AnnotatedCall:
    """From the call's rows of `turns` and `findings`."""
    marks: dict[int, list[Highlight]] = {}
    for f in findings:
        for e in f["evidence"]:
            turn = next((t for t in turns if t["turn"] == e["turn"]), None)
            at = _place(turn, e) if turn and e["quote"] and e["verdict"] in (Verdict.PASS, f["verdict"]) else None
            if turn and at is not None:
                found = Highlight(at, at + len(e["quote"]), f["rule_id"], Verdict(e["verdict"]))
                marks.setdefault(turn["turn"], []).append(found)
    said = tuple(
        AnnotatedTurn(t["start_ms"], t["speaker"], t["text"], tuple(sorted(marks.get(t["turn"], []), key=lambda h: h.first)))
        for t in sorted(turns, key=lambda t: t["turn"])
    )
    verdicts = tuple(
        (f["rule_id"], Verdict(f["verdict"]), f["reason"], f["evidence"][0]["start_ms"] if f["evidence"] else None)
        for f in findings
    )
    return AnnotatedCall(call_id, said, verdicts)


def _place(turn: Mapping[str, Any], evidence: Mapping[str, Any]) -> int | None:
    """Where the quote stands in the turn; of several, the one nearest the evidence's time."""
    text, quote = turn["text"], evidence["quote"]
    spots = [i for i in range(len(text)) if text.startswith(quote, i)]
    return min(spots, key=lambda i: abs(turn["char_ms"][i] - evidence["start_ms"]), default=None)
