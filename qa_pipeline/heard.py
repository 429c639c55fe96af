"""What the sound tells about a call where its record does not: who hung up, how often it rang, how clear the agent is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from qa_pipeline.model import Call, Event, EventSource
from qa_pipeline.recordings.decode import Recording
from qa_pipeline.speech.listen import Sketch
from qa_pipeline.speech.loudness import measure_loudness
from qa_pipeline.speech.sounds import measured

if TYPE_CHECKING:
    from collections.abc import Sequence

SILENT = 10 ** (-96 / 10)
"""Power of digital silence, relative to full scale."""


def as_heard(call: Call, recording: Recording, heard: Sketch, agent: int) -> Call:
    """The call with what was measured. `agent`: the agent's channel, where there are two."""
    first_word = min((t.start_ms for t in heard.turns), default=call.duration_ms)
    rings = rings_before(first_word if call.answered_ms is None else call.answered_ms, heard.events)
    call = replace(call, measured=measured(call.n_channels), ring_count=rings if call.ring_count is None else call.ring_count)
    if call.n_channels != 2 or "same_channels" in call.flags:
        return call
    level = _speech_level(heard, agent)
    noise = _noise_level(measure_loudness(recording.samples[agent], recording.rate))
    snr = None if level is None or noise is None else level - noise
    last_word = max((t.end_ms for t in heard.turns), default=0)
    return hung_up_by_tone(replace(call, agent_level_dbfs=level, agent_snr_db=snr), last_word, heard.events, agent)


def hung_up_by_tone(call: Call, last_word: int, events: Sequence[Event], agent: int) -> Call:
    """Who hung up, by the busy tone that the other side is played, where the record does not say."""
    busy = [e for e in events if e.kind == "busy_tone" and e.span.end_ms > last_word and e.channel is not None]
    if call.hangup_by != "unknown" or not busy:
        return call
    by = "customer" if busy[-1].channel != agent else "agent"
    return replace(call, hangup_by=by, hangup_source=EventSource.AUDIO)


def rings_before(answer: int, events: Sequence[Event]) -> int | None:
    """Bursts of ringback before the answer; None where none is heard: it may have rung unheard."""
    bursts = [int(e.value or 0) for e in events if e.kind == "ringback" and e.span.start_ms < answer]
    return max(bursts, default=None)  # both channels may carry the same tone


def _speech_level(heard: Sketch, channel: int) -> float | None:
    """Mean power of the channel's speech in dBFS, each turn by its length."""
    import numpy as np

    turns = [(level, t.end_ms - t.start_ms) for t, level in zip(heard.turns, heard.levels, strict=True) if t.channel == channel]
    if not sum(ms for _, ms in turns):
        return None
    return 10 * float(np.log10(sum(ms * 10 ** (level / 10) for level, ms in turns) / sum(ms for _, ms in turns)))


def _noise_level(loudness: Sequence[float]) -> float | None:
    """dBFS that a tenth of the channel's steps stay below; None where that is digital silence, which tells nothing."""
    import numpy as np

    if not loudness:
        return None
    floor = sorted(loudness)[len(loudness) // 10] / 32768**2
    return 10 * float(np.log10(floor)) if floor > SILENT else None
