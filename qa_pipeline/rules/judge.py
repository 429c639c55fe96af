"""Verdicts of a pack on transcripts. Pure: the same transcript and pack always give the same findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from qa_pipeline.model import Evidence, Finding, Leg, Speaker, Transcript, Turn, Verdict
from qa_pipeline.rules.occasions import Occasion, agent_turns, find_occasions
from qa_pipeline.rules.pack import Rule, RulePack
from qa_pipeline.rules.phrase import Hit, Phrase

LOW_CONFIDENCE = 0.5
NEAR = 0.8
"""A miss whose nearest wording is this similar by sound is `unsure`: the recogniser may have erred."""
WORST_FIRST = (Verdict.FAIL, Verdict.UNSURE, Verdict.PASS, Verdict.NA)


@dataclass(frozen=True)
class Outcome:
    """One occasion's verdict; a reason for `na`, `unsure` and `fail`."""

    verdict: Verdict
    reason: str | None
    evidence: tuple[Evidence, ...] = ()


def judge(transcripts: Iterable[Transcript], pack: RulePack) -> list[Finding]:
    """One finding for each leg and rule, in that order; over several occasions fail > unsure > pass > na."""
    return [_finding(rule, pack, t, leg) for t in transcripts for leg in t.legs for rule in pack.rules]


def _finding(rule: Rule, pack: RulePack, transcript: Transcript, leg: Leg) -> Finding:
    outcomes = list(_outcomes(rule, pack, transcript, leg))
    worst = min(outcomes, key=lambda o: WORST_FIRST.index(o.verdict))
    counted = worst.verdict in (Verdict.PASS, Verdict.FAIL)
    prohibits = bool(rule.expect.never_said)
    points = (-rule.weight if worst.verdict is Verdict.FAIL else 0) if prohibits else rule.weight
    return Finding(
        *(transcript.call.call_id, leg.leg, leg.agent_id, leg.pack, rule.id, worst.verdict),
        points=float(points if prohibits or worst.verdict is Verdict.PASS else 0),
        possible=float(rule.weight if counted and not prohibits else 0),
        reason=worst.reason,
        evidence=tuple(e for o in outcomes for e in o.evidence),
        rule_version=rule.version,
        needs_person=worst.verdict is Verdict.UNSURE,
    )


def _outcomes(rule: Rule, pack: RulePack, transcript: Transcript, leg: Leg) -> Iterator[Outcome]:
    """At least one."""
    if excuse := _excuse(rule, transcript, leg):
        yield excuse
    elif rule.expect.hung_up_by:
        yield _hang_up(rule, transcript, leg)
    elif any(t.speaker is Speaker.UNKNOWN for t in transcript.turns if t.leg == leg.leg):
        yield Outcome(Verdict.UNSURE, "roles_unknown")
    elif occasions := find_occasions(rule, pack, transcript, leg):
        for occasion in occasions:
            yield _said(rule, pack, occasion) if rule.expect.said else _never_said(rule, pack, occasion)
    else:
        yield Outcome(Verdict.NA, f"no_{rule.when}")


def _excuse(rule: Rule, transcript: Transcript, leg: Leg) -> Outcome | None:
    call = transcript.call
    for name, wanted in rule.applies.items():
        value = getattr(call, name, call.fields.get(name))
        if value is None:
            continue  # not known: the common case is judged
        if value != wanted:
            return Outcome(Verdict.NA, f"not_{name}_{wanted}")
    transferred = call.end_reason == "transferred" or leg.leg < max(other.leg for other in transcript.legs)
    speakers = {t.speaker for t in transcript.turns if t.leg == leg.leg}
    holds = {
        "transferred": transferred,
        "network_cut": call.end_reason == "network_cut",
        "unanswered": call.answered is False,
        "silent_customer": bool(agent_turns(transcript, leg)) and not speakers & {Speaker.CUSTOMER, Speaker.UNKNOWN},
    }
    return next((Outcome(Verdict.NA, name) for name in rule.unless if holds[name]), None)


def _hang_up(rule: Rule, transcript: Transcript, leg: Leg) -> Outcome:
    call = transcript.call
    last = max((t.span.end_ms for t in transcript.turns), default=0)
    at = call.ended_ms or last
    shown = f"{call.hangup_by} ({call.hangup_source})" if call.hangup_source else call.hangup_by
    if call.hangup_by in ("system", "both"):
        return Outcome(Verdict.NA, f"hangup_by_{call.hangup_by}")
    if call.hangup_by == "unknown":
        return Outcome(Verdict.UNSURE, "hangup_unknown", (Evidence(Verdict.UNSURE, None, last, max(last, at), ""),))
    right = call.hangup_by == rule.expect.hung_up_by
    verdict = Verdict.PASS if right else Verdict.FAIL
    proof = Evidence(verdict, None, min(last, at), max(last, at), "")
    return Outcome(verdict, f"hangup_by {shown}", (proof,))


def _said(rule: Rule, pack: RulePack, occasion: Occasion) -> Outcome:
    """Every phrase must be said; the first of each is the proof."""
    found = {name: _first(pack.phrases[name], occasion.turns) for name in rule.expect.said}
    missing = [name for name, hit in found.items() if hit is None]
    if not missing:
        return Outcome(Verdict.PASS, None, tuple(_proof(Verdict.PASS, *hit) for hit in found.values() if hit))
    if any(t.confidence is not None and t.confidence < LOW_CONFIDENCE for t in occasion.turns):
        return Outcome(Verdict.UNSURE, "low_confidence", (_miss(Verdict.UNSURE, occasion, 0.0, ""),))
    if any(not t.text for t in occasion.turns):
        return Outcome(Verdict.UNSURE, "speech_without_words", (_miss(Verdict.UNSURE, occasion, 0.0, ""),))
    near = {name: max((pack.phrases[name].nearest(t.text) for t in occasion.turns), default=(0.0, "")) for name in missing}
    least, words = min(near.values())
    verdict = Verdict.UNSURE if least >= NEAR else Verdict.FAIL
    reason = f"{'nearly' if verdict is Verdict.UNSURE else 'not'}_said: {', '.join(missing)}"
    return Outcome(verdict, reason, (_miss(verdict, occasion, least, words),))


def _never_said(rule: Rule, pack: RulePack, occasion: Occasion) -> Outcome:
    """An accusation must not rest on a sound-alike or on words half heard."""
    for name in rule.expect.never_said:
        for turn in occasion.turns:
            for hit in pack.phrases[name].hits(turn.text):
                if hit.rung == "sound":
                    continue
                sure = turn.confidence is None or turn.confidence >= LOW_CONFIDENCE
                verdict = Verdict.FAIL if sure else Verdict.UNSURE
                return Outcome(verdict, f"said: {name}" if sure else "low_confidence", (_proof(verdict, turn, hit),))
    return Outcome(Verdict.PASS, None)


def _first(phrase: Phrase, turns: Sequence[Turn]) -> tuple[Turn, Hit] | None:
    return next(((turn, hit) for turn in turns for hit in phrase.hits(turn.text)), None)


def _proof(verdict: Verdict, turn: Turn, hit: Hit) -> Evidence:
    end = turn.char_ms[hit.last] if hit.last < len(turn.text) else turn.span.end_ms
    start = turn.char_ms[hit.first]
    return Evidence(verdict, turn.turn, start, max(start, end), turn.text[hit.first : hit.last], hit.rung, 1.0)


def _miss(verdict: Verdict, occasion: Occasion, similarity: float, words: str) -> Evidence:
    turn = next((t.turn for t in occasion.turns if words and words in t.text), None)
    return Evidence(verdict, turn, occasion.start_ms, occasion.end_ms, words, None, round(similarity, 3))
