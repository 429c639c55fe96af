"""What a call knows at its birth: from its record, else from its name, else from its content."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from qa_pipeline.model import EventSource
from qa_pipeline.recordings.birth import Sound, sound_of, to_call, unanswered_call
from qa_pipeline.recordings.decode import Recording
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.recordings.records.record import CallRecord, PhoneSystem, wall_time
from tests.spoken import clip, read

TZ = ZoneInfo("Asia/Shanghai")
PHONES = PhoneSystem(TZ)


@pytest.fixture
def sound(tmp_path: Path) -> Sound:
    made = read(clip(tmp_path / "c9_20240514093000.wav"))
    assert isinstance(made, Recording)
    return sound_of(made, lambda path: f"nas:{path.name}", PHONES)


def test_what_the_record_says_reaches_the_call(sound: Sound) -> None:
    record = CallRecord(
        "c1",
        started_at=wall_time("2024-05-14T09:30:00", TZ),
        agent_id="6001",
        recording_starts="ring",
        ring_ms=5000,
        hangup_by="agent",
        duration_ms=9000,
        holds=((100, 900),),
        transfers=({"at_ms": 5, "target": "工程部"},),
        fields={"skill": "售后"},
    )
    call, events, agent = to_call(record, sound)
    assert (call.call_id, call.recording_starts, call.ring_ms, call.flags, agent) == ("c1", "ring", 5000, (), "6001")
    assert (call.hangup_by, call.hangup_source) == ("agent", EventSource.RECORD)
    assert (call.duration_ms, call.fields["record_duration_ms"]) == (6000, 9000)
    assert call.fields["skill"] == "售后" and call.fields["transfers"] == [{"at_ms": 5, "target": "工程部"}]
    assert [(e.kind, e.span.start_ms, e.source) for e in events] == [("hold", 100, EventSource.RECORD)]
    assert [(r["uri"], r["channel"]) for r in call.recordings] == [
        (f"nas:{sound.name}", 0),
        (f"nas:{sound.name}", 1),
    ]


def test_without_a_record_the_name_tells_and_the_call_is_flagged(sound: Sound) -> None:
    phones = PhoneSystem(TZ, pattern=r"(?P<call_id>[^_]+)_(?P<started_at>\d{14})")
    call, events, _ = to_call(None, sound, named_record(Path(sound.name), phones))
    assert (call.call_id, call.started_at.isoformat()) == ("c9", "2024-05-14T09:30:00+08:00")
    assert (call.flags, events) == (("no_record",), [])


def test_without_record_and_pattern_the_content_names_the_call(sound: Sound) -> None:
    call, _, agent = to_call(None, sound)
    assert call.call_id == sound.sha256[:16] and agent is None
    assert call.flags == ("no_record", "time_from_file")


def test_who_hung_up_is_not_on_record_when_the_record_does_not_know(sound: Sound) -> None:
    call, _, _ = to_call(CallRecord("c1", hangup_by="unknown"), sound)
    assert (call.hangup_by, call.hangup_source) == ("unknown", None)


def at(text: str) -> datetime:
    return wall_time(f"2024-05-14T09:{text}", TZ)


def wall_record(**more: Any) -> CallRecord:
    told = {"offered_at": at("30:00"), "answered_at": at("30:07"), "ended_at": at("30:13"), "answered": True}
    return CallRecord("c1", **{**told, **more})


def test_the_length_of_the_recording_tells_what_it_starts_with(sound: Sound) -> None:
    from_answer, _, _ = to_call(wall_record(holds=((at("30:08"), at("30:10")),)), sound)
    assert (from_answer.recording_starts, from_answer.answered_ms, from_answer.ended_ms) == ("answer", 0, 6000)
    assert from_answer.started_at == at("30:07")
    from_ring, _, _ = to_call(wall_record(answered_at=at("30:07"), ended_at=at("30:06.500")), sound)
    assert (from_ring.recording_starts, from_ring.answered_ms, from_ring.started_at) == ("ring", 7000, at("30:00"))


def test_wall_times_that_fit_no_stretch_on_record_are_left_out_and_flagged(sound: Sound) -> None:
    record = wall_record(
        ended_at=at("39:00"), holds=((at("30:08"), at("30:10")),), transfers=({"at_ms": at("30:09"), "target": "1"},)
    )
    call, events, _ = to_call(record, sound)
    assert call.flags == ("record_times_unplaced",)
    assert (call.answered_ms, call.ended_ms, events, call.answered) == (None, None, [], True)
    assert (call.started_at, call.fields["transfers"]) == (at("30:00"), [{"target": "1"}])


def test_a_recording_that_tells_its_own_start_needs_no_length(sound: Sound) -> None:
    call, events, _ = to_call(wall_record(started_at=at("30:05"), holds=((at("30:04"), at("30:06")),)), sound)
    assert (call.answered_ms, call.ended_ms, call.flags) == (2000, 8000, ())
    assert [(e.span.start_ms, e.span.end_ms) for e in events] == [(0, 1000)]  # what of the hold is on the recording


def test_an_unanswered_call_begins_when_it_rings() -> None:
    record = CallRecord(
        "n1", offered_at=at("30:00"), ended_at=at("30:32"), answered=False, end_reason="abandoned", ring_ms=32000
    )
    call = unanswered_call(record)
    assert (call.started_at, call.duration_ms, call.answered, call.n_channels, call.measured) == (
        at("30:00"),
        32000,
        False,
        0,
        (),
    )
    assert (call.flags, call.end_reason, call.recordings) == (("no_recording",), "abandoned", ())
    with pytest.raises(ValueError, match="n1: its record has no time"):
        unanswered_call(CallRecord("n1", answered=False))


def test_the_name_fills_what_the_record_lacks_but_no_mixture_of_times(sound: Sound) -> None:
    named = CallRecord("n", agent_id="6001", caller_number="138", started_at=at("00:00"), fields={"skill": "x", "queue": "q"})
    call, _, agent = to_call(CallRecord("c1", caller_number="139", offered_at=at("30:00"), fields={"skill": "y"}), sound, named)
    assert (call.call_id, call.caller_number, agent, call.started_at) == ("c1", "139", "6001", at("30:00"))
    assert call.fields == {"skill": "y", "queue": "q"}
    assert to_call(CallRecord("c1"), sound, named)[0].started_at == at("00:00")
