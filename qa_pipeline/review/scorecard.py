"""An agent's scorecard: points over what applied, rule by rule, and the words and seconds that a trainer can listen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_pipeline.model import Verdict

UNKNOWN_AGENT = "未知"


@dataclass(frozen=True)
class RuleTitle:
    """What a rule is called, and what a trainer says about a miss."""

    title: str
    coach: str = ""


@dataclass(frozen=True)
class Proof:
    """One occasion of one call. `quote` is empty where the proof is that nothing was said from start to end."""

    call_id: str
    rule_id: str
    verdict: Verdict
    start_ms: int
    end_ms: int
    quote: str
    reason: str | None


@dataclass(frozen=True)
class RuleLine:
    """How often one rule was met. `na` calls gave it no occasion; `unsure` ones could not be judged."""

    pack: str
    rule_id: str
    title: str
    coach: str
    passed: int
    failed: int
    na: int
    unsure: int
    proofs: tuple[Proof, ...]


@dataclass(frozen=True)
class CallLine:
    """One call's leg. percent None: too little applied (样本不足)."""

    call_id: str
    pack: str
    percent: float | None
    n_unsure: int


@dataclass(frozen=True)
class Scorecard:
    """An agent over a period. percent = Σ points / Σ possible over the calls that have a percent; None where none has."""

    agent_id: str
    percent: float | None
    calls: tuple[CallLine, ...]
    rules: tuple[RuleLine, ...]


def make_scorecards(
    scores: Sequence[Mapping[str, Any]], findings: Sequence[Mapping[str, Any]], titles: Mapping[tuple[str, str], RuleTitle]
) -> list[Scorecard]:
    """One card for each agent in rows of `scores` and `findings`, lowest percent first; calls without an agent come last."""
    agents = {row["agent_id"] or UNKNOWN_AGENT for row in scores}
    cards = [
        _card(
            agent,
            [s for s in scores if (s["agent_id"] or UNKNOWN_AGENT) == agent],
            [f for f in findings if (f["agent_id"] or UNKNOWN_AGENT) == agent],
            titles,
        )
        for agent in agents
    ]
    return sorted(cards, key=lambda c: (c.agent_id == UNKNOWN_AGENT, c.percent is None, c.percent or 0, c.agent_id))


def _card(
    agent: str,
    scores: Sequence[Mapping[str, Any]],
    findings: Sequence[Mapping[str, Any]],
    titles: Mapping[tuple[str, str], RuleTitle],
) -> Scorecard:
    counted = [s for s in scores if s["percent"] is not None]
    possible = sum(s["possible"] for s in counted)
    percent = 100 * max(0.0, sum(s["points"] for s in counted)) / possible if possible else None
    calls = tuple(CallLine(s["call_id"], s["pack"], s["percent"], s["n_unsure"]) for s in scores)
    rules = dict.fromkeys((f["pack"], f["rule_id"]) for f in findings)
    lines = (
        _line(pack, rule, [f for f in findings if (f["pack"], f["rule_id"]) == (pack, rule)], titles) for pack, rule in rules
    )
    return Scorecard(agent, percent, calls, tuple(lines))


def _line(pack: str, rule: str, findings: Sequence[Mapping[str, Any]], titles: Mapping[tuple[str, str], RuleTitle]) -> RuleLine:
    named = titles.get((pack, rule), RuleTitle(rule))
    count = {v: sum(f["verdict"] == v for f in findings) for v in Verdict}
    proofs = tuple(
        Proof(f["call_id"], rule, Verdict(e["verdict"]), e["start_ms"], e["end_ms"], e["quote"] or "", f["reason"])
        for f in findings
        for e in f["evidence"]
    )
    counts = (count[Verdict.PASS], count[Verdict.FAIL], count[Verdict.NA], count[Verdict.UNSURE])
    return RuleLine(pack, rule, named.title, named.coach, *counts, proofs)
