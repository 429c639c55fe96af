"""What a call knows at its birth: from its record, else from its name, else from its content."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from qa_pipeline.model import EventSource
from qa_pipeline.recordings.birth import Sound, sound_of, to_call
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
