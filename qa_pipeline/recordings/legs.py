"""Which part of a call is whose: legs, from the transfers on record and from who speaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qa_pipeline.model import Leg, Span, Speaker, Turn


@dataclass(frozen=True)
class SpokenBy:
    """A turn and, for an agent's, his id; None where only the call's agent is known."""

    turn: Turn
    agent_id: str | None = None


def split_legs(
    call_id: str, said: Sequence[SpokenBy], agent_id: str | None, pack: str, end_ms: int, transfers_ms: Sequence[int] = ()
) -> tuple[tuple[Leg, ...], tuple[Turn, ...]]:
    """Legs in order and the turns, in their order, each with its leg.

    A leg begins with the first words to the customer of another agent than before, or with the transfer on record that led to
    them. What one agent says to another while the customer waits belongs to the leg in which it is said.
    """
    starts: list[tuple[int, str | None]] = [(0, agent_id)]
    for one in sorted(said, key=lambda s: s.turn.span.start_ms):
        turn, who = one.turn, one.agent_id or agent_id
        if turn.speaker is not Speaker.AGENT or turn.addressee == "colleague" or who == starts[-1][1]:
            continue
        led = [t for t in transfers_ms if starts[-1][0] < t <= turn.span.start_ms]
        starts.append((max(led, default=turn.span.start_ms), who))
    if len(starts) > 1 and not _speaks(said, agent_id):
        starts = [(0, starts[1][1]), *starts[2:]]  # the record names another agent than the only one who answers
    ends = [start for start, _ in starts[1:]] + [max(end_ms, starts[-1][0])]
    legs = tuple(
        Leg(Span(call_id, start, end), number, who, pack)
        for number, ((start, who), end) in enumerate(zip(starts, ends, strict=True), 1)
    )
    return legs, tuple(replace(s.turn, leg=_leg_at(legs, s.turn.span.start_ms)) for s in said)


def _speaks(said: Sequence[SpokenBy], agent_id: str | None) -> bool:
    return any(s.turn.speaker is Speaker.AGENT and (s.agent_id or agent_id) == agent_id for s in said)


def _leg_at(legs: Sequence[Leg], time_ms: int) -> int:
    return next((leg.leg for leg in reversed(legs) if leg.span.start_ms <= time_ms), 1)
