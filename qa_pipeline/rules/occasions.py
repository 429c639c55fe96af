"""When a rule's question arises in a leg: stretches of time and the turns to listen to in them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from qa_pipeline.model import Leg, Speaker, Transcript, Turn
from qa_pipeline.rules.pack import Rule, RulePack

FIRST_UTTERANCE_MS = 6_000
ANNOUNCED_HOLD_MS = 10_000
ONE_HOLD_MS = 5_000


@dataclass(frozen=True)
class Occasion:
    """The stretch searched, and the agent's turns in it."""

    start_ms: int
    end_ms: int
    turns: tuple[Turn, ...]


def agent_turns(transcript: Transcript, leg: Leg) -> list[Turn]:
    """What the leg's agent says to the customer."""
    return [t for t in transcript.turns if t.leg == leg.leg and t.speaker is Speaker.AGENT and t.addressee == "customer"]


def find_occasions(rule: Rule, pack: RulePack, transcript: Transcript, leg: Leg) -> list[Occasion]:
    said = agent_turns(transcript, leg)
    if rule.when == "hold":
        return [_around(hold, said, rule) for hold in holds(transcript, leg, pack, rule.announced_by)]
    if not said:
        return []
    if rule.when == "first_utterance":
        end = said[0].span.start_ms + FIRST_UTTERANCE_MS
        chosen = [t for t in said if t is said[0] or t.span.start_ms < end]
    elif rule.when == "ending":
        chosen = said[-rule.last_turns :]
    else:
        chosen = said
    return [Occasion(chosen[0].span.start_ms, chosen[-1].span.end_ms, tuple(chosen))]


def _around(hold: tuple[int, int], said: Sequence[Turn], rule: Rule) -> Occasion:
    start, end = hold[0] - round(rule.before_s * 1000), hold[1] + round(rule.after_s * 1000)
    turns = tuple(t for t in said if t.span.start_ms < end and t.span.end_ms > start)
    return Occasion(max(0, start), end, turns)


def holds(transcript: Transcript, leg: Leg, pack: RulePack, announced_by: str | None) -> list[tuple[int, int]]:
    """Hold episodes [start, end) in the leg: recorded, heard as music, or announced and then ten seconds of no agent."""
    found = [
        (e.span.start_ms, e.span.end_ms)
        for e in transcript.events
        if e.kind in ("hold", "hold_music") and leg.span.start_ms <= e.span.start_ms < leg.span.end_ms
    ]
    if announced_by:
        said = agent_turns(transcript, leg)
        for before, after in itertools.pairwise(said):
            gap = after.span.start_ms - before.span.end_ms
            if gap >= ANNOUNCED_HOLD_MS and any(pack.phrases[announced_by].hits(before.text)):
                found.append((before.span.end_ms, after.span.start_ms))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start <= merged[-1][1] + ONE_HOLD_MS:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
