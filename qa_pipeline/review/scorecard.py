"""An agent's scorecard: points over what applied, rule by rule, and the words and seconds that a trainer can listen to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from qa_pipeline.model import Verdict
from qa_pipeline.review.words import reason_words
from qa_pipeline.rules.verdict_tables import LEAST_POSSIBLE

UNKNOWN_AGENT = "未知"
TELLING = 0.7
"""Nearest words less similar than this tell a trainer nothing about a miss."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RuleTitle:
    """What a rule is called, what a trainer says about a miss, and what its pack calls what the rule names."""

    title: str
    coach: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Proof:
    """One occasion: where to listen and what was said there. `nearest`: words that come closest to what was not said."""

    verdict: Verdict
    start_ms: int
    end_ms: int
    quote: str
    nearest: str


@dataclass(frozen=True)
class Judged:
    """One rule on one leg. No proofs: there was nothing to listen to; `reason` says why, and `why` says it in Chinese."""

    call_id: str
    leg: int
    verdict: Verdict
    reason: str | None
    why: str
    needs_person: bool
    proofs: tuple[Proof, ...]


@dataclass(frozen=True)
class RuleLine:
    """How often one rule was met. `na` legs gave it no occasion; `unsure` ones could not be judged, and are no misses."""

    pack: str
    rule_id: str
    title: str
    coach: str
    passed: int
    failed: int
    unsure: int
    na: int
    lost: float
    findings: tuple[Judged, ...]


@dataclass(frozen=True)
class CallLine:
    """One leg of a call. percent None: too little applied (样本不足)."""

    call_id: str
    leg: int
    pack: str
    percent: float | None
    failed: int
    unsure: int


@dataclass(frozen=True)
class Scorecard:
    """An agent over a period. percent = Σ points / Σ possible; None (样本不足) where too little applied.

    reviewed: the same with people's verdicts in place of the machine's, where any stand; pending: fatal fails that wait for a
    person; since, until: the first and last call, UTC dates.
    """

    agent_id: str
    percent: float | None
    n_calls: int
    passed: int
    failed: int
    unsure: int
    na: int
    calls: tuple[CallLine, ...]
    rules: tuple[RuleLine, ...]
    name: str | None = None
    reviewed: float | None = None
    pending: int = 0
    since: date | None = None
    until: date | None = None

    @property
    def who(self) -> str:
        """Name and number as people say them; the number alone where no name is known."""
        return f"{self.name} {self.agent_id}" if self.name else self.agent_id

    @property
    def to_coach(self) -> list[RuleLine]:
        """Rules missed, the dearest first."""
        return sorted((rule for rule in self.rules if rule.failed), key=lambda rule: -rule.lost)


def make_scorecards(
    scores: Iterable[Row],
    findings: Iterable[Row],
    titles: Mapping[tuple[str, str], RuleTitle],
    names: Mapping[str, str] | None = None,
) -> list[Scorecard]:
    """One card for each agent in rows of `scores` and `findings`, lowest percent first; calls without an agent come last.

    `titles` by (pack, rule id) also gives the order of the rules; `names` are agents' by their ids."""
    scores_of, findings_of = _by_agent(scores), _by_agent(findings)
    cards = [_card(agent, rows, findings_of.get(agent, []), titles) for agent, rows in scores_of.items()]
    cards = [replace(card, name=(names or {}).get(card.agent_id)) for card in cards]
    return sorted(cards, key=lambda c: (c.agent_id == UNKNOWN_AGENT, c.percent is None, c.percent or 0, c.agent_id))


def _by_agent(rows: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["agent_id"] or UNKNOWN_AGENT, []).append(row)
    return grouped


def _card(agent: str, scores: Sequence[Row], findings: Sequence[Row], titles: Mapping[tuple[str, str], RuleTitle]) -> Scorecard:
    possible = sum(s["possible"] for s in scores)
    percent = 100 * max(0.0, sum(s["points"] for s in scores)) / possible if possible >= LEAST_POSSIBLE else None
    by_rule: dict[tuple[str, str], list[Row]] = {key: [] for key in titles}
    for f in findings:
        by_rule.setdefault((f["pack"], f["rule_id"]), []).append(f)
    rules = tuple(_line(key, rows, titles.get(key, RuleTitle(key[1]))) for key, rows in by_rule.items() if rows)
    counted = (len({s["call_id"] for s in scores}), *_counts(findings))
    days = sorted(s["started_at"].date() for s in scores if s.get("started_at"))
    return Scorecard(
        *(agent, percent, *counted, _calls(scores, findings), rules),
        reviewed=None if percent is None else _reviewed(scores, percent),
        pending=sum(s.get("fatal_state") == "pending" for s in scores),
        since=days[0] if days else None,
        until=days[-1] if days else None,
    )


def _reviewed(scores: Sequence[Row], percent: float) -> float | None:
    """The percent, moved by what people's verdicts move each leg's, by the points that applied to it."""
    moved = [
        (s["effective_percent"] - s["percent"]) * s["possible"]
        for s in scores
        if s["percent"] is not None and s.get("effective_percent") not in (None, s["percent"])
    ]
    return percent + sum(moved) / sum(s["possible"] for s in scores) if moved else None


def _counts(findings: Iterable[Row]) -> tuple[int, int, int, int]:
    n = Counter(f["verdict"] for f in findings)
    return n[Verdict.PASS], n[Verdict.FAIL], n[Verdict.UNSURE], n[Verdict.NA]


def _calls(scores: Iterable[Row], findings: Iterable[Row]) -> tuple[CallLine, ...]:
    """Lowest percent first; those without one last."""
    n = Counter((f["call_id"], f["leg"], f["pack"], f["verdict"]) for f in findings)
    lines = []
    for s in scores:
        key = (s["call_id"], s["leg"], s["pack"])
        lines.append(CallLine(*key, s["percent"], n[(*key, Verdict.FAIL)], n[(*key, Verdict.UNSURE)]))
    return tuple(sorted(lines, key=lambda c: (c.percent is None, c.percent or 0, c.call_id, c.leg)))


def _line(key: tuple[str, str], findings: Sequence[Row], named: RuleTitle) -> RuleLine:
    lost = sum(f["possible"] - f["points"] for f in findings)
    return RuleLine(*key, named.title, named.coach, *_counts(findings), lost, tuple(_judged(f, named.names) for f in findings))


def _judged(f: Row, names: Mapping[str, str]) -> Judged:
    verdict = Verdict(f["verdict"])
    proofs = tuple(
        Proof(occasion_verdict(verdict, e), e["start_ms"], e["end_ms"], *quote_and_nearest(e)) for e in f["evidence"]
    )
    return Judged(
        f["call_id"], f["leg"], verdict, f["reason"], reason_words(f["reason"], names), bool(f["needs_person"]), proofs
    )


def occasion_verdict(of_finding: Verdict, evidence: Row) -> Verdict:
    """Only a failed finding has failed occasions: what can't be judged is never dressed up as a fail."""
    own = Verdict(evidence["verdict"])
    return of_finding if own is Verdict.FAIL else own


def quote_and_nearest(evidence: Row) -> tuple[str, str]:
    """Words that were said and count, or else the nearest to what was not said. One of the two, or both, are empty."""
    words, similarity = evidence["quote"] or "", evidence["similarity"]
    miss = evidence["rung"] is None and evidence["verdict"] != Verdict.PASS and similarity is not None
    if not miss:
        return words, ""
    return "", words if similarity >= TELLING else ""
