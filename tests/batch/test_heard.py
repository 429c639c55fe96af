"""What sound and words tell of a call: roles checked by words, rings, who hung up, and nothing where nothing is certain."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from qa_pipeline.batch.heard import as_heard
from qa_pipeline.model import Call, Event, EventSource, Span, Speaker, Turn
from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.listen import Sketch
from qa_pipeline.speech.roles import RoleCues
from qa_pipeline.speech.windows import Spoken

CUES = RoleCues(("你好.{0,2}丽洁物业",), ("请你稍等", "有什么可以帮你"), ("我要投诉", "我想问"))
TALK = ((0, "您好，丽洁物业，有什么可以帮您"), (1, "我要投诉"), (0, "请您稍等"))


def event(kind: str, channel: int, start: int, end: int, value: float = 1.0) -> Event:
    return Event(Span("c", start, end), kind, EventSource.AUDIO, channel, value)


def heard(
    *events: Event, said: tuple[tuple[int, str], ...] = TALK, agent: int = 0, flags: tuple[str, ...] = (), **call: Any
) -> tuple[Call, tuple[Turn, ...], tuple[Event, ...]]:
    """Turns of 1.5 s from 10 s on, one every 2 s; a call of 60 s."""
    spoken = [Spoken(c, (Stretch(10_000 + 2000 * i, 11_500 + 2000 * i),)) for i, (c, _) in enumerate(said)]
    words = [
        Turn(Span("c", s.start_ms, s.end_ms), i, 1, Speaker.UNKNOWN, text, (s.start_ms,) * len(text))
        for i, (s, (_, text)) in enumerate(zip(spoken, said, strict=True))
    ]
    levels = tuple(-20.0 - 5 * s.channel for s in spoken)
    one = Sketch("c", tuple(spoken), levels, ((),) * len(spoken), (), events, (-60.0, -55.0), flags)
    made = Call("c", datetime(2024, 5, 14, tzinfo=UTC), 60_000, **{"answered_ms": 9000, **call})
    return as_heard(made, one, words, agent, CUES)


def speakers(turns: tuple[Turn, ...]) -> list[str]:
    return [str(t.speaker) for t in turns]


def test_the_agent_is_on_the_channel_that_the_settings_say() -> None:
    call, turns, _ = heard()
    assert (speakers(turns), call.roles_source, call.flags) == (["agent", "customer", "agent"], "settings", ())
    assert call.agent_level_dbfs == pytest.approx(-20) and call.agent_snr_db == pytest.approx(40)


def test_swapped_channels_are_put_right_by_the_words_with_all_that_hangs_on_them() -> None:
    call, turns, events = heard(event("busy_tone", 0, 50_000, 53_000, 5), said=tuple((1 - c, text) for c, text in TALK))
    assert (speakers(turns), call.roles_source, call.flags) == (["agent", "customer", "agent"], "words", ("channels_swapped",))
    assert (call.agent_level_dbfs, call.hangup_by) == (pytest.approx(-25), "customer")
    assert events[0].attrs["side"] == "customer"


def test_doubtful_roles_are_nobodys() -> None:
    call, turns, events = heard(event("busy_tone", 1, 50_000, 53_000), said=((1, "您好，丽洁物业"), (0, "喂"), (0, "请您稍等")))
    assert set(speakers(turns)) == {"unknown"} and (call.roles_source, call.flags) == ("unknown", ("roles_doubtful",))
    assert (call.hangup_by, call.agent_level_dbfs, "side" in events[0].attrs) == ("unknown", None, False)


def test_the_same_sound_on_both_channels_is_one_channel_and_nobodys() -> None:
    call, turns, _ = heard(said=tuple((0, text) for _, text in TALK), flags=("same_channels",))
    assert (call.n_channels, call.flags, set(speakers(turns))) == (1, ("same_channels",), {"unknown"})
    assert call.measured == ("tones:0", "music:0", "speech:0", "levels:0", "knocks:0")


def test_what_ran_is_named_for_each_channel() -> None:
    assert set(heard()[0].measured) == {f"{d}:{c}" for d in ("tones", "music", "speech", "levels", "knocks") for c in (0, 1)}


def test_an_announcement_before_the_answer_is_the_machines_and_says_nothing_about_roles() -> None:
    menu = (0, "您好，丽洁物业，请您稍等，有什么可以帮您")
    turns = heard(said=(menu, (1, "喂")), answered_ms=12_000)[1]
    assert speakers(turns) == ["ivr", "customer"]
    assert heard(said=((1, menu[1]), (0, "喂")), answered_ms=12_000)[0].flags == ()


@pytest.mark.parametrize(("channel", "by"), [(1, "customer"), (0, "agent")])
@pytest.mark.parametrize("kind", ["busy_tone", "congestion_tone", "dial_tone"])
def test_the_line_that_gets_a_tone_after_the_last_word_is_that_of_him_who_hung_up(kind: str, channel: int, by: str) -> None:
    call, _, _ = heard(event(kind, channel, 50_000, 53_000, 5))
    assert (call.hangup_by, call.hangup_source) == (by, EventSource.AUDIO)


def test_the_record_goes_before_the_tone() -> None:
    call, _, _ = heard(event("busy_tone", 1, 50_000, 53_000), hangup_by="agent", hangup_source=EventSource.RECORD)
    assert (call.hangup_by, call.hangup_source) == ("agent", EventSource.RECORD)


def test_tones_on_both_lines_or_before_the_last_word_tell_nothing() -> None:
    both = [event("busy_tone", c, 50_000, 53_000) for c in (0, 1)]
    assert heard(*both)[0].hangup_by == "unknown" == heard(event("busy_tone", 1, 2000, 6000))[0].hangup_by
    assert heard(event("busy_tone", 0, 50_000, 53_000), n_channels=1, said=((0, "喂"),))[0].hangup_by == "unknown"


def test_rings_before_the_answer_are_counted_over_all_that_was_heard_of_them() -> None:
    ringing = [event("ringback", 0, 0, 1000, 1), event("ringback", 0, 5000, 6000, 1), event("ringback", 1, 0, 6000, 2)]
    transfer = event("ringback", 0, 20_000, 26_000, 2)
    assert heard(*ringing, transfer)[0].ring_count == 2
    assert heard(transfer)[0].ring_count is None
    assert heard(event("ringback", 0, 0, 6000, 2), answered_ms=None)[0].ring_count == 2


def test_music_before_the_answer_rings_and_after_it_holds() -> None:
    events = heard(event("hold_music", 0, 0, 8800, -30), event("hold_music", 0, 20_000, 30_000, -30))[2]
    assert [e.kind for e in events] == ["ring_music", "hold_music"]
    assert heard(event("hold_music", 0, 0, 50_000, -30), said=(), answered=False)[2][0].kind == "ring_music"


def test_one_silent_side_leaves_the_other_as_it_is() -> None:
    call, turns, _ = heard(said=((0, "您好，丽洁物业"), (0, "喂")))
    assert speakers(turns) == ["agent", "agent"] and call.agent_snr_db == pytest.approx(40)
    assert replace(call, flags=()).roles_source == "settings"
