"""One call as it was said, with what each rule made of it beside the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_pipeline.model import Verdict
from qa_pipeline.review.scorecard import RuleTitle, occasion_verdict, quote_and_nearest
from qa_pipeline.review.words import reason_words

Row = Mapping[str, Any]


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
class RuleVerdict:
    """start_ms: where to listen first; None where there is nothing to listen to."""

    leg: int
    rule_id: str
    title: str
    verdict: Verdict
    reason: str | None
    why: str
    start_ms: int | None


@dataclass(frozen=True)
class AnnotatedCall:
    call_id: str
    turns: tuple[AnnotatedTurn, ...]
    verdicts: tuple[RuleVerdict, ...]


def annotate(
    call_id: str, turns: Sequence[Row], findings: Sequence[Row], *, titles: Mapping[tuple[str, str], RuleTitle] | None = None
) -> AnnotatedCall:
    """From the call's rows of `turns` and `findings`; verdicts by leg, in the order of `titles` where they are given."""
    by_turn, marks = {t["turn"]: t for t in turns}, dict[int, list[Highlight]]()
    for f in findings:
        for e in f["evidence"]:
            turn = by_turn.get(e["turn"])
            if turn is not None and (found := _highlight(turn, f, e)):
                marks.setdefault(turn["turn"], []).append(found)
    said = tuple(
        AnnotatedTurn(
            t["start_ms"],
            t["speaker"],
            t["text"],
            tuple(sorted(marks.get(t["turn"], []), key=lambda h: (h.first, h.last, h.rule_id))),
        )
        for t in sorted(turns, key=lambda t: t["turn"])
    )
    return AnnotatedCall(call_id, said, _verdicts(findings, titles or {}))


def _verdicts(findings: Sequence[Row], titles: Mapping[tuple[str, str], RuleTitle]) -> tuple[RuleVerdict, ...]:
    place = {key: n for n, key in enumerate(titles)}
    verdicts = []
    for f in sorted(findings, key=lambda f: (f["leg"], place.get((f["pack"], f["rule_id"]), len(place)))):
        verdict = Verdict(f["verdict"])
        telling = [e["start_ms"] for e in f["evidence"] if occasion_verdict(verdict, e) is verdict]
        named = titles.get((f["pack"], f["rule_id"]), RuleTitle(""))
        verdicts.append(
            RuleVerdict(
                f["leg"],
                f["rule_id"],
                named.title,
                verdict,
                f["reason"],
                reason_words(f["reason"], named.names),
                min(telling, default=None),
            )
        )
    return tuple(verdicts)


def _highlight(turn: Row, finding: Row, evidence: Row) -> Highlight | None:
    words = "".join(quote_and_nearest(evidence))
    at = _place(turn, words, evidence["start_ms"]) if words else None
    if at is None:
        return None
    return Highlight(at, at + len(words), finding["rule_id"], occasion_verdict(Verdict(finding["verdict"]), evidence))


def _place(turn: Row, words: str, start_ms: int) -> int | None:
    """Where the words stand in the turn; of several places, the one nearest in time."""
    text = turn["text"]
    spots = [i for i in range(len(text)) if text.startswith(words, i)]
    return min(spots, key=lambda i: abs(turn["char_ms"][i] - start_ms), default=None)
