"""The nouns: frozen values, integer milliseconds from the start of the recording."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    NA = "na"
    UNSURE = "unsure"


class Speaker(StrEnum):
    AGENT = "agent"
    CUSTOMER = "customer"
    IVR = "ivr"
    UNKNOWN = "unknown"


class EventSource(StrEnum):
    RECORD = "record"
    AUDIO = "audio"
    WORDS = "words"


@dataclass(frozen=True, order=True)
class Span:
    """A stretch of one call, end exclusive."""

    call_id: str
    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if self.end_ms < self.start_ms:
            raise ValueError(f"call {self.call_id}: a span ends before it starts ({self.start_ms} > {self.end_ms} ms)")

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.start_ms

    def overlap_ms(self, other: Span) -> int:
        """Milliseconds shared with `other`; 0 across calls."""
        if self.call_id != other.call_id:
            return 0
        return max(0, min(self.end_ms, other.end_ms) - max(self.start_ms, other.start_ms))


@dataclass(frozen=True)
class Turn:
    """One speaker's stretch of speech. Empty text: speech was heard, no words. `char_ms`: start of each character of `text`."""

    span: Span
    turn: int
    leg: int
    speaker: Speaker
    text: str
    char_ms: tuple[int, ...]
    confidence: float | None = None
    level_dbfs: float | None = None
    addressee: str = "customer"

    def __post_init__(self) -> None:
        if len(self.char_ms) != len(self.text):
            raise ValueError(
                f"call {self.span.call_id} turn {self.turn}: {len(self.text)} characters, {len(self.char_ms)} times"
            )


@dataclass(frozen=True)
class EventKind:
    """unit: of an event's `value`, None where it has none. detector: what hears it, None where only a record tells of it.

    attrs: what else it may carry, with its type; every measured event also has `side` (agent, customer) where that is known.
    """

    unit: str | None = None
    detector: str | None = None
    attrs: Mapping[str, type] = field(default_factory=dict)


_TONE = {"level_dbfs": float}
EVENT_KINDS: Mapping[str, EventKind] = {
    "ring": EventKind("rings", "tones"),
    "ringback": EventKind("rings", "tones", _TONE),
    "busy_tone": EventKind("bursts", "tones", _TONE),
    "congestion_tone": EventKind("bursts", "tones", _TONE),
    "info_tone": EventKind("bursts", "tones", _TONE),
    "dial_tone": EventKind("bursts", "tones", _TONE),
    "fax_tone": EventKind("bursts", "tones", _TONE),
    "dtmf": EventKind("keys", "tones", _TONE),
    "ring_music": EventKind("dBFS", "music"),
    "hold_music": EventKind("dBFS", "music"),
    "noise": EventKind("dBFS", "knocks", {"label": str, "peak_dbfs": float}),
    "clipping": EventKind("share of samples", "levels"),
    "hold": EventKind(),
    "transfer": EventKind(),
}
"""What is measured in a recording or told by its record. A transcript made elsewhere may bring kinds of its own."""


@dataclass(frozen=True)
class Event:
    """Something measured that is not words; EVENT_KINDS says of which unit its `value` is, and what `attrs` holds."""

    span: Span
    kind: str
    source: EventSource
    channel: int | None = None
    value: float | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Leg:
    """One agent's part of a call, from answer to transfer or release; the unit of judgement."""

    span: Span
    leg: int
    agent_id: str | None
    pack: str
    transfer_target: str | None = None
    transfer_result: str | None = None


@dataclass(frozen=True)
class Call:
    """One conversation with what its record says. None: not known. `started_at`: wall time of millisecond 0, with its zone."""

    call_id: str
    started_at: datetime
    duration_ms: int
    source: str = "recorded"
    conversation_id: str | None = None
    direction: str | None = None
    caller_number: str | None = None
    called_number: str | None = None
    department: str | None = None
    team: str | None = None
    answered: bool | None = None
    answered_ms: int | None = None
    recording_starts: str | None = None
    ended_ms: int | None = None
    ring_count: int | None = None
    ring_ms: int | None = None
    hangup_by: str = "unknown"
    hangup_source: EventSource | None = None
    end_reason: str | None = None
    n_channels: int = 2
    roles_source: str = "settings"
    lost_ms: int = 0
    agent_level_dbfs: float | None = None
    agent_snr_db: float | None = None
    flags: tuple[str, ...] = ()
    measured: tuple[str, ...] = ()
    recordings: tuple[Mapping[str, Any], ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Transcript:
    """The waist of the hourglass: a call, its legs, turns in conversation order, events, and what made them."""

    call: Call
    legs: tuple[Leg, ...]
    turns: tuple[Turn, ...]
    events: tuple[Event, ...]
    asr: str


@dataclass(frozen=True)
class Evidence:
    """Why one occasion got its verdict: the words (or the stretch searched) that a trainer can listen to."""

    verdict: Verdict
    turn: int | None
    start_ms: int
    end_ms: int
    quote: str
    rung: str | None = None
    similarity: float | None = None


@dataclass(frozen=True)
class Finding:
    """One rule's verdict on one leg. `reason` is a code, given for every `na` and `unsure`."""

    call_id: str
    leg: int
    agent_id: str | None
    pack: str
    rule_id: str
    verdict: Verdict
    points: float
    possible: float
    reason: str | None
    evidence: tuple[Evidence, ...]
    rule_version: str
    fatal_state: str = "none"
    needs_person: bool = False


@dataclass(frozen=True)
class Score:
    """One leg under one pack. `percent` is None (样本不足) below 25 points of applicable weight."""

    call_id: str
    leg: int
    agent_id: str | None
    team: str | None
    pack: str
    points: float
    possible: float
    percent: float | None
    n_unsure: int
    rules_version: str
    fatal_state: str = "none"
