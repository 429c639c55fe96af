"""The nouns: frozen values, integer milliseconds from the start of the recording."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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

    def __post_init__(self) -> None:
        if len(self.char_ms) != len(self.text):
            raise ValueError(
                f"call {self.span.call_id} turn {self.turn}: {len(self.text)} characters, {len(self.char_ms)} times"
            )
