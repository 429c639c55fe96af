"""Which part of a call is whose: legs, from the transfers on record and from who speaks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from qa_pipeline.model import Call, Leg, Span, Speaker, Turn

REFUSED = ("no_answer", "noanswer", "busy", "failed", "timeout", "rejected", "refused", "unreachable", "cancelled", "wrong_ext")
"""Results of transfers after which nobody took over."""


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
    return legs, tuple(replace(s.turn, leg=leg_at(legs, s.turn.span.start_ms)) for s in said)


def _speaks(said: Sequence[SpokenBy], agent_id: str | None) -> bool:
    return any(s.turn.speaker is Speaker.AGENT and (s.agent_id or agent_id) == agent_id for s in said)


def leg_at(legs: Sequence[Leg], time_ms: int) -> int:
    """The number of the leg in which a moment lies."""
    return next((leg.leg for leg in reversed(legs) if leg.span.start_ms <= time_ms), 1)


def legs_on_record(call: Call, agent_id: str | None, pack_of: Callable[[str | None, str | None], str]) -> tuple[Leg, ...]:
    """Legs of a recorded call: one more begins with each transfer on record to an agent whom the record names.

    Who took over is not guessed: a transfer that names no agent, or that was not answered, opens none. `pack_of`: from called
    number and department. A later leg's are those of the transfer's target where it has them, else the call's.
    """
    first = pack_of(call.called_number, call.department)
    transfers = [t for t in call.fields.get("transfers") or () if isinstance(t, Mapping)]
    starts: list[tuple[int, str | None, str]] = [(0, agent_id, first)]
    for told in sorted((t for t in transfers if isinstance(t.get("at_ms"), int)), key=lambda t: int(t["at_ms"])):
        at, who = told["at_ms"], told.get("agent_id")
        taken = who is not None and str(who) != starts[-1][1] and told.get("result") not in REFUSED
        if taken and starts[-1][0] < at < call.duration_ms:
            starts.append((at, str(who), _pack_of_target(told, pack_of, call)))
    ends = [start for start, _, _ in starts[1:]] + [max(call.duration_ms, starts[-1][0])]
    legs = [
        Leg(Span(call.call_id, start, end), number, who, pack)
        for number, ((start, who, pack), end) in enumerate(zip(starts, ends, strict=True), 1)
    ]
    return with_transfers(legs, transfers)


def _pack_of_target(told: Mapping[str, Any], pack_of: Callable[[str | None, str | None], str], call: Call) -> str:
    target, kind = told.get("target"), told.get("target_type")
    department = told.get("department") or (target if kind == "department" else None)
    number = told.get("number") or (target if kind != "department" else None)
    if department is None and number is None:
        return pack_of(call.called_number, call.department)
    default = pack_of(None, None)
    mapped = pack_of(*(str(t) if t is not None else None for t in (number, department)))
    return mapped if mapped != default else pack_of(call.called_number, call.department)


def with_transfers(legs: Sequence[Leg], transfers: Sequence[Mapping[str, Any]]) -> tuple[Leg, ...]:
    """Each leg with the last transfer that was tried in it: at its end, where the next leg begins with that."""
    told: dict[int, Mapping[str, Any]] = {}
    for one in transfers:
        at = one.get("at_ms")
        inside = [leg.leg for leg in legs if not isinstance(at, int) or leg.span.start_ms < max(1, at)]
        told[inside[-1] if inside else 1] = one
    return tuple(
        replace(leg, transfer_target=_text(t.get("target")), transfer_result=_text(t.get("result")))
        if (t := told.get(leg.leg))
        else leg
        for leg in legs
    )


def in_legs(turns: Sequence[Turn], legs: Sequence[Leg]) -> tuple[Turn, ...]:
    """The turns, each with the leg of its time."""
    return tuple(replace(turn, leg=leg_at(legs, turn.span.start_ms)) for turn in turns)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
