"""From stretches of speech to turns, and from turns to windows that a recogniser can hear in one piece."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from qa_pipeline.speech.activity import Stretch


@dataclass(frozen=True)
class Spoken:
    """One channel's turn: its stretches of speech, in order."""

    channel: int
    stretches: tuple[Stretch, ...]

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


def cut_windows(turn: Spoken, longest_ms: int, margin_ms: int = 120) -> list[Stretch]:
    """Windows of at most `longest_ms`, split at the turn's longest pauses, or evenly where it has none."""
    return _cut(list(turn.stretches), longest_ms - 2 * margin_ms, margin_ms)


def _cut(stretches: list[Stretch], longest_ms: int, margin_ms: int) -> list[Stretch]:
    start, end = stretches[0].start_ms, stretches[-1].end_ms
    if end - start <= longest_ms:
        return [Stretch(max(0, start - margin_ms), end + margin_ms)]
    if len(stretches) == 1:
        n = -(-(end - start) // longest_ms)
        edges = [start + (end - start) * i // n for i in range(n + 1)]
        return [Stretch(a, b) for a, b in itertools.pairwise(edges)]
    middle = (start + end) / 2

    def worth(i: int) -> float:
        """Longer pauses first, near the middle rather than at the rim."""
        gap = stretches[i].start_ms - stretches[i - 1].end_ms
        return gap - 0.1 * abs((stretches[i].start_ms + stretches[i - 1].end_ms) / 2 - middle)

    at = max(range(1, len(stretches)), key=worth)
    return _cut(stretches[:at], longest_ms, margin_ms) + _cut(stretches[at:], longest_ms, margin_ms)
