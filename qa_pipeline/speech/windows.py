"""From stretches of speech to turns, and from turns to windows that a recogniser can hear in one piece."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.loudness import Loudness, quietest


@dataclass(frozen=True)
class Spoken:
    """One channel's turn: its stretches of speech, in order. speaker: which of several voices on that channel, if known."""

    channel: int
    stretches: tuple[Stretch, ...]
    speaker: int | None = None

    @property
    def voice(self) -> int:
        """Whose words these are: the channel's, or one of those told apart on it."""
        return self.channel if self.speaker is None else self.speaker

    @property
    def start_ms(self) -> int:
        return self.stretches[0].start_ms

    @property
    def end_ms(self) -> int:
        return self.stretches[-1].end_ms


def group_turns(channels: Sequence[Sequence[Stretch]], pause_ms: int = 900, yield_ms: int = 250) -> list[Spoken]:
    """Turns of all channels in conversation order.

    Stretches of one channel belong together up to a pause of `pause_ms`, or of `yield_ms` when another channel begins to
    speak in that pause and has it to itself.
    """
    turns: list[Spoken] = []
    for channel, stretches in enumerate(channels):
        others = [s for c, found in enumerate(channels) if c != channel for s in found]
        group: list[Stretch] = []
        for stretch in stretches:
            if group and not _one_turn(group[-1], stretch, others, pause_ms, yield_ms):
                turns.append(Spoken(channel, tuple(group)))
                group = []
            group.append(stretch)
        if group:
            turns.append(Spoken(channel, tuple(group)))
    return sorted(turns, key=lambda t: (t.start_ms, t.channel))


def _one_turn(before: Stretch, after: Stretch, others: list[Stretch], pause_ms: int, yield_ms: int) -> bool:
    gap = after.start_ms - before.end_ms
    if gap > pause_ms:
        return False
    answered = any(before.end_ms <= o.start_ms and o.end_ms <= after.start_ms + 100 for o in others)
    return gap <= yield_ms or not answered


def cut_windows(turn: Spoken, longest_ms: int, loudness: Loudness = (), margin_ms: int = 120) -> list[Stretch]:
    """Windows of at most `longest_ms`: split at the turn's longest pauses, and within unbroken speech at its quietest moment.

    `loudness`: power of each STEP_MS of the turn's channel; without it unbroken speech is halved.
    """
    if longest_ms <= 2 * margin_ms:
        raise ValueError(f"windows of {longest_ms} ms leave no room between margins of {margin_ms} ms")
    pieces = _split(list(turn.stretches), longest_ms - 2 * margin_ms, loudness)
    return [
        Stretch(a.start_ms - min(margin_ms, before), b.end_ms + min(margin_ms, after))
        for (a, b), before, after in zip(pieces, *_room(pieces), strict=True)
    ]


def _room(pieces: Sequence[tuple[Stretch, Stretch]]) -> tuple[list[int], list[int]]:
    """Free milliseconds before and after each piece: none where unbroken speech was cut, so that nothing is heard twice."""
    gaps = [b[0].start_ms - a[1].end_ms for a, b in itertools.pairwise(pieces)]
    return [pieces[0][0].start_ms, *gaps], [*gaps, 2**31]


def _split(stretches: list[Stretch], longest_ms: int, loudness: Loudness) -> list[tuple[Stretch, Stretch]]:
    """First and last stretch of each piece."""
    start, end = stretches[0].start_ms, stretches[-1].end_ms
    if end - start <= longest_ms:
        return [(stretches[0], stretches[-1])]
    if len(stretches) == 1:
        at = quietest(start + (end - start) // 3, end - (end - start) // 3, loudness)
        stretches = [Stretch(start, at), Stretch(at, end)]
    middle = (start + end) / 2

    def worth(i: int) -> float:
        """Longer pauses first, near the middle rather than at the rim."""
        gap = stretches[i].start_ms - stretches[i - 1].end_ms
        return gap - 0.1 * abs((stretches[i].start_ms + stretches[i - 1].end_ms) / 2 - middle)

    at = max(range(1, len(stretches)), key=worth)
    return _split(stretches[:at], longest_ms, loudness) + _split(stretches[at:], longest_ms, loudness)
