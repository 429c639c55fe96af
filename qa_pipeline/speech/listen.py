"""One pass over a recording: tones, speech, turns, windows; and over many, words for the windows of all of them at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qa_pipeline.model import Event, Span, Speaker, Turn
from qa_pipeline.speech.activity import ActivitySettings, Stretch, find_speech, without
from qa_pipeline.speech.backend import Ear, Heard, Recogniser, Window, failed
from qa_pipeline.speech.channel import Channel
from qa_pipeline.speech.channels import SAME, compare_channels
from qa_pipeline.speech.diarisation import Diarisation, part_speakers
from qa_pipeline.speech.loudness import level_dbfs, measure_loudness, noise_dbfs
from qa_pipeline.speech.sounds import channel_events, find_sounds, sound_events
from qa_pipeline.speech.tones import CHINA, TonePlan
from qa_pipeline.speech.windows import Spoken, cut_windows, group_turns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NOBODY_KNOWN = Diarisation()
LEAK_DB = 22.0  # how much louder the other side must be for a stretch to count as its leakage
MIXED_PAUSE_MS = 350  # two people on one channel: a short pause may be a change of speaker


class Cuttings(Sequence["NDArray[np.float32]"]):
    """The audio of windows (mono float32 [samples], 16 kHz), each cut from its channel when it is asked for."""

    def __init__(self, places: Sequence[tuple[Channel, Stretch]]) -> None:
        self._places = tuple(places)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, which: Any) -> Any:
        if isinstance(which, slice):
            return Cuttings(self._places[which])
        channel, place = self._places[which]
        return channel.wide(place.start_ms, place.end_ms)


@dataclass(frozen=True)
class Sketch:
    """All of a recording but its words: turns without text, their windows with the audio, the measured events.

    noise_dbfs: of each channel. flags: same_channels (of which one is listened to), leak_in_channel_0, leak_in_channel_1.
    """

    call_id: str
    turns: tuple[Spoken, ...]
    levels: tuple[float, ...]
    cuts: tuple[tuple[Stretch, ...], ...]
    windows: Sequence[NDArray[np.float32]]
    events: tuple[Event, ...]
    noise_dbfs: tuple[float | None, ...] = ()
    flags: tuple[str, ...] = ()


def sketch(
    call_id: str,
    samples: NDArray[np.int16],
    rate: int,
    longest_ms: int,
    quiet: Sequence[tuple[int, Stretch]] = (),
    activity: ActivitySettings | None = None,
    plan: TonePlan = CHINA,
    diarisation: Diarisation = NOBODY_KNOWN,
) -> Sketch:
    """From int16 samples [channels, n]. `quiet`: (channel, stretch) known to hold no conversation, such as hold music."""
    heard = [find_sounds(narrow, rate, plan) for narrow in samples]
    flags = compare_channels(samples, rate, [s for one in heard for s in one.played])
    if SAME in flags:
        samples, heard = samples[:1], heard[:1]
    speech: list[list[Stretch]] = []
    channels = [Channel(narrow, rate) for narrow in samples]
    for number, channel in enumerate(channels):
        found = without(find_speech(channel, activity), [s for c, s in quiet if c == number])
        speech.append(heard[number].spoken(found, samples[number], rate))
    speech = [_own(c, found, samples, rate) for c, found in enumerate(speech)]
    if len(samples) != 1:
        turns = group_turns(speech)
    elif diarisation.wanted:
        turns = [Spoken(0, t.stretches, t.channel) for t in group_turns(part_speakers(channels[0], speech[0], diarisation))]
    else:
        turns = group_turns(speech, MIXED_PAUSE_MS)
    loudness = [measure_loudness(channel, rate) for channel in samples]
    cuts = tuple(tuple(cut_windows(t, longest_ms, loudness[t.channel])) for t in turns)
    windows = Cuttings([(channels[t.channel], s) for t, spans in zip(turns, cuts, strict=True) for s in spans])
    levels = tuple(level_dbfs(samples[t.channel], rate, t.stretches) for t in turns)
    events = sound_events(call_id, heard)
    for number, one in enumerate(heard):
        said = [t.stretches for t in turns if t.channel == number]
        events += channel_events(call_id, number, samples[number], rate, said, one)
    noise = tuple(map(noise_dbfs, loudness))
    return Sketch(call_id, tuple(turns), levels, cuts, windows, tuple(events), noise, flags)


def _own(channel: int, stretches: list[Stretch], samples: NDArray[np.int16], rate: int) -> list[Stretch]:
    """Without what leaks in from another channel that is far louder at that time."""
    others = [c for c in range(len(samples)) if c != channel]

    def leaked(s: Stretch) -> bool:
        here = level_dbfs(samples[channel], rate, (s,))
        return any(level_dbfs(samples[c], rate, (s,)) > here + LEAK_DB for c in others)

    return [s for s in stretches if not leaked(s)]


def hear(one: Sketch, ear: Ear) -> list[Window | Heard]:
    """Each window as a recogniser takes it; what the ear refuses is answered here, and is that window's failure alone."""
    heard: list[Window | Heard] = []
    places = ((t, cut) for t, cuts in zip(one.turns, one.cuts, strict=True) for cut in cuts)
    for (turn, cut), audio in zip(places, one.windows, strict=True):
        speech = sum(max(0, min(s.end_ms, cut.end_ms) - max(s.start_ms, cut.start_ms)) for s in turn.stretches)
        try:
            heard.append(Window(ear.hear(audio), one.call_id, speech))
        except Exception as problem:
            heard.append(failed(problem))
    return heard


def recognise(calls: Sequence[Sequence[Window | Heard]], recogniser: Recogniser) -> list[list[Heard]]:
    """One answer for each window of each call; the windows of all calls are given to the recogniser at once."""
    answers = iter(recogniser.recognise([w for call in calls for w in call if isinstance(w, Window)]))
    return [[next(answers) if isinstance(w, Window) else w for w in call] for call in calls]


def with_words(one: Sketch, answers: Sequence[Heard]) -> list[Turn]:
    """The turns with what their windows say, by nobody yet."""
    said = iter(answers)
    turns = []
    for number, (spoken, cuts, level) in enumerate(zip(one.turns, one.cuts, one.levels, strict=True)):
        turn = _turn(one.call_id, number, spoken, cuts, [next(said) for _ in cuts])
        turns.append(replace(turn, level_dbfs=level))
    return turns


def fill_in(sketches: Sequence[Sketch], recogniser: Recogniser, roles: Sequence[Sequence[Speaker]]) -> list[list[Turn]]:
    """The turns of every sketch with their words, all in this process; `roles[i]` for the channels of `sketches[i]`."""
    answers = recognise([hear(one, recogniser.ear) for one in sketches], recogniser)
    return [
        [replace(t, speaker=who[s.channel]) for t, s in zip(with_words(one, said), one.turns, strict=True)]
        for one, said, who in zip(sketches, answers, roles, strict=True)
    ]


def _turn(call_id: str, number: int, spoken: Spoken, cuts: Sequence[Stretch], heard: Sequence[Heard]) -> Turn:
    text, times = "", list[int]()
    for cut, said in zip(cuts, heard, strict=True):
        text += said.text
        times += [min(max(cut.start_ms + t, spoken.start_ms), spoken.end_ms) for t in said.char_ms]
    weights = [(h.confidence, max(1, len(h.text))) for h in heard if h.confidence is not None]
    confidence = sum(c * n for c, n in weights) / sum(n for _, n in weights) if weights else None
    span = Span(call_id, spoken.start_ms, max(spoken.start_ms, spoken.end_ms))
    return Turn(span, number, 1, Speaker.UNKNOWN, text, tuple(times), confidence)
