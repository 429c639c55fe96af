"""Everything on a channel that is measured and is not words: tones, music, knocks, clipping, as events with their source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from qa_pipeline.model import Event, EventSource, Span
from qa_pipeline.speech.activity import Stretch, without
from qa_pipeline.speech.knocks import find_knocks
from qa_pipeline.speech.loudness import clipped_share, level_dbfs
from qa_pipeline.speech.music import Music, find_music
from qa_pipeline.speech.tones import CHINA, Tone, TonePlan, find_tones

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DETECTORS = ("tones", "music", "speech", "levels", "knocks")
LEAK_DB = 15.0
"""How much fainter the same tone or music is on a channel that it only leaks into."""
OVER_MUSIC_DB, LONG_MS, BREATH_MS = 7.0, 500, 700
LEAST_ALONE, NEAR_MS = 3, 15_000
SURE_MS = 2500
"""So long without a pause notes are rarely taken for a voice; where they are, the music is pure."""
CLIPPED = 0.001
"""Share of a turn's samples from which its clipping is an event: a thousandth is heard as a crackle."""


@dataclass(frozen=True)
class Sounds:
    """What one channel carries besides speech. levels: dBFS of each tone."""

    tones: tuple[Tone, ...]
    levels: tuple[float, ...]
    music: tuple[Music, ...]

    @property
    def played(self) -> list[Stretch]:
        """Where the exchange plays something."""
        return [*(t.stretch for t in self.tones), *(m.stretch for m in self.music)]

    def spoken(self, found: list[Stretch], samples: NDArray[np.int16], rate: int) -> list[Stretch]:
        """What a speech detector found, without tones, and without music unless somebody speaks louder over it, or goes on
        speaking from where there was none."""
        spoken = without(found, [t.stretch for t in self.tones])
        for music in self.music:
            sure = [s for s in without(spoken, list(music.pure)) if s.end_ms - s.start_ms >= SURE_MS]
            level = _Levels(music, sure, samples, rate)
            gaps, beside = without(spoken, list(music.cores)), without(spoken, [music.stretch])
            clear = [*(s for s in gaps if _long(s)), *sure]
            spoken = [
                s
                for s in spoken
                if s in clear
                or s in beside
                or level_dbfs(samples, rate, (s,)) >= level.alone_near(s) + OVER_MUSIC_DB
                or ((_long(s) or s in gaps) and any(_follow(s, c) for c in clear))
            ]
        return spoken


class _Levels:
    """dBFS of a stretch of music, second by second, where nobody surely speaks."""

    def __init__(self, music: Music, sure: list[Stretch], samples: NDArray[np.int16], rate: int) -> None:
        seconds = [Stretch(at, at + 1000) for at in range(music.stretch.start_ms, music.stretch.end_ms - 999, 1000)]
        alone = without(seconds, sure, 0.01)
        told = alone if len(alone) >= LEAST_ALONE else seconds
        self._levels = [(s.start_ms, level_dbfs(samples, rate, (s,))) for s in told]

    def alone_near(self, s: Stretch) -> float:
        """Median of the seconds up to NEAR_MS away, as music grows and fades; of all where there are few."""
        near = [level for at, level in self._levels if s.start_ms - NEAR_MS - 1000 <= at <= s.end_ms + NEAR_MS]
        return median(near if len(near) >= LEAST_ALONE else [level for _, level in self._levels])


def _long(s: Stretch) -> bool:
    return s.end_ms - s.start_ms >= LONG_MS


def _follow(a: Stretch, b: Stretch) -> bool:
    return max(a.start_ms, b.start_ms) - min(a.end_ms, b.end_ms) <= BREATH_MS


def find_sounds(samples: NDArray[np.int16], rate: int, plan: TonePlan = CHINA) -> Sounds:
    """Tones and music of one channel [n], int16, memory-mapped or not."""
    tones = find_tones(samples, rate, plan)
    music = find_music(samples, rate, [t.stretch for t in tones])
    tones = [t for t in tones if not _is_note(t, music)]
    levels = tuple(level_dbfs(samples, rate, (t.stretch,)) for t in tones)
    return Sounds(tuple(tones), levels, tuple(music))


def _is_note(tone: Tone, music: Sequence[Music]) -> bool:
    """Two notes of a chord that lie as a key's frequencies do, once; who presses keys over music presses more than one."""
    lone = tone.kind == "dtmf" and tone.bursts == 1
    return lone and any(m.stretch.start_ms <= tone.stretch.start_ms and tone.stretch.end_ms <= m.stretch.end_ms for m in music)


def sound_events(call_id: str, channels: Sequence[Sounds]) -> list[Event]:
    """Tones and music of all channels, each where it is played and not where it leaks in."""
    found: list[tuple[Event, float]] = []
    for channel, heard in enumerate(channels):
        for tone, level in zip(heard.tones, heard.levels, strict=True):
            found.append((_event(call_id, tone.kind, channel, tone.stretch, tone.bursts, level_dbfs=level), level))
        for music in heard.music:
            found.append((_event(call_id, "hold_music", channel, music.stretch, music.level_dbfs), music.level_dbfs))
    return [
        event
        for event, level in found
        if not any(
            o.kind == event.kind and o.channel != event.channel and loud > level + LEAK_DB and o.span.overlap_ms(event.span)
            for o, loud in found
        )
    ]


def channel_events(
    call_id: str, channel: int, samples: NDArray[np.int16], rate: int, turns: Sequence[Sequence[Stretch]], heard: Sounds
) -> list[Event]:
    """Knocks on one channel, and the clipping of its turns; `turns`: each turn's stretches of speech."""
    speech = [s for turn in turns for s in turn]
    events = [
        _event(call_id, "noise", channel, k.stretch, k.peak_dbfs, label="impact", peak_dbfs=round(k.peak_dbfs, 1))
        for k in find_knocks(samples, rate, speech, heard.played)
    ]
    for turn in turns:
        share = clipped_share(samples, rate, turn)
        if share >= CLIPPED:
            events.append(_event(call_id, "clipping", channel, Stretch(turn[0].start_ms, turn[-1].end_ms), share))
    return events


def _event(call_id: str, kind: str, channel: int, at: Stretch, value: float, **attrs: str | float) -> Event:
    attrs = {name: round(told, 1) if isinstance(told, float) else told for name, told in attrs.items()}
    return Event(Span(call_id, at.start_ms, at.end_ms), kind, EventSource.AUDIO, channel, round(float(value), 4), attrs)


def measured(channels: int) -> tuple[str, ...]:
    """Which detectors ran on which channel: `tones:0`, …"""
    return tuple(f"{detector}:{channel}" for channel in range(channels) for detector in DETECTORS)
