"""What sound and words tell about a call where its record does not: whose voice is whose, who hung up, how often it rang,
how clear the agent is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from qa_pipeline.model import Call, Event, EventSource, Speaker, Turn
from qa_pipeline.speech.channels import SAME
from qa_pipeline.speech.listen import Sketch
from qa_pipeline.speech.roles import RoleCues, Roles, settle_roles
from qa_pipeline.speech.sounds import measured

RELEASE_TONES = ("busy_tone", "congestion_tone", "dial_tone")
"""What an exchange plays to the side that is left."""
RING_MUSIC_MS = 1500
"""How long after the answer its measured end may lie: music is known by the second."""
Complete = tuple[Call, tuple[Turn, ...], tuple[Event, ...]]


def as_heard(call: Call, heard: Sketch, words: Sequence[Turn], agent: int, cues: RoleCues) -> Complete:
    """The call with what was measured, its turns with their speakers, and its measured events with their sides.

    `words`: the turns of `heard`, in its order. `agent`: the agent's channel by the settings, where there are two.
    """
    flags = tuple(dict.fromkeys((*call.flags, *heard.flags)))
    channels = 1 if SAME in flags else call.n_channels
    roles = _roles(call, heard, words, agent if channels == 2 else None, cues)
    sides = _sides(roles) if channels == 2 else {}
    events = music_named(_sided(heard.events, sides), call)
    first_word = min((t.start_ms for t in heard.turns), default=call.duration_ms)
    rings = rings_before(first_word if call.answered_ms is None else call.answered_ms, events)
    call = replace(
        call,
        n_channels=channels,
        measured=measured(channels),
        flags=(*flags, *roles.flags),
        roles_source=roles.source,
        ring_count=rings if call.ring_count is None else call.ring_count,
    )
    mine = next((channel for channel, side in sides.items() if side is Speaker.AGENT), None)
    if mine is not None:
        level, noise = _speech_level(heard, mine), heard.noise_dbfs[mine]
        call = replace(call, agent_level_dbfs=level, agent_snr_db=None if level is None or noise is None else level - noise)
    last_word = max((t.end_ms for t in heard.turns), default=0)
    return hung_up_by_tone(call, last_word, events), _spoken(words, heard, roles, call), events


def _roles(call: Call, heard: Sketch, words: Sequence[Turn], agent: int | None, cues: RoleCues) -> Roles:
    """What sounds before the answer is an announcement, and says nothing about anybody's role."""
    answered = call.answered_ms or 0
    said = [(s.voice, t.text) for s, t in zip(heard.turns, words, strict=True) if t.span.end_ms > answered]
    return settle_roles(said, agent, cues)


def _sides(roles: Roles) -> Mapping[int, Speaker]:
    return {voice: speaker for voice, speaker in roles.speakers.items() if speaker is not Speaker.UNKNOWN}


def _spoken(words: Sequence[Turn], heard: Sketch, roles: Roles, call: Call) -> tuple[Turn, ...]:
    """Turns with their speakers. What sounds on the agent's channel before the agent answers is an announcement."""
    answered, found = call.answered_ms or 0, []
    for spoken, turn in zip(heard.turns, words, strict=True):
        speaker = roles.speakers.get(spoken.voice, Speaker.UNKNOWN)
        announced = speaker is Speaker.AGENT and turn.span.end_ms <= answered
        found.append(replace(turn, speaker=Speaker.IVR if announced else speaker))
    return tuple(found)


def music_named(events: Iterable[Event], call: Call) -> tuple[Event, ...]:
    """Music before the answer is what a caller hears instead of ringing (彩铃), and nobody is on hold."""
    answered = call.duration_ms if call.answered is False else call.answered_ms or 0

    def kind(e: Event) -> str:
        return "ring_music" if e.span.end_ms <= answered + RING_MUSIC_MS else "hold_music"

    return tuple(replace(e, kind=kind(e)) if e.kind in ("ring_music", "hold_music") else e for e in events)


def _sided(events: Iterable[Event], sides: Mapping[int, Speaker]) -> Iterator[Event]:
    """Events with the side whose channel they were heard on, where it is known whose it is."""
    for e in events:
        side = None if e.channel is None else sides.get(e.channel)
        yield e if side is None else replace(e, attrs={**e.attrs, "side": str(side)})


def hung_up_by_tone(call: Call, last_word: int, events: Iterable[Event]) -> Call:
    """Who hung up where the record does not say: whose line carries a tone after the last word; unknown where both do."""
    sides = {e.attrs.get("side") for e in events if e.kind in RELEASE_TONES and e.span.end_ms > last_word}
    if call.hangup_by != "unknown" or len(sides) != 1 or None in sides:
        return call
    return replace(call, hangup_by=str(sides.pop()), hangup_source=EventSource.AUDIO)


def rings_before(answer: int, events: Iterable[Event]) -> int | None:
    """Bursts of ringback before the answer; None where none is heard: it may have rung unheard.

    A transfer's ringing comes after it. Both channels may carry the same tone.
    """
    counted: dict[int | None, int] = {}
    for e in events:
        if e.kind == "ringback" and e.span.start_ms < answer:
            counted[e.channel] = counted.get(e.channel, 0) + int(e.value or 0)
    return max(counted.values(), default=None)


def _speech_level(heard: Sketch, channel: int) -> float | None:
    """Mean power of the channel's speech in dBFS, each turn by its length."""
    import numpy as np

    turns = [(level, t.end_ms - t.start_ms) for t, level in zip(heard.turns, heard.levels, strict=True) if t.channel == channel]
    if not sum(ms for _, ms in turns):
        return None
    return 10 * float(np.log10(sum(ms * 10 ** (level / 10) for level, ms in turns) / sum(ms for _, ms in turns)))
