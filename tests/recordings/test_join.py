"""Which recording belongs to which record, and which to none."""

import json
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from qa_pipeline.recordings.files import RecordingFiles, one_file
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.read import find_records, read_records
from qa_pipeline.recordings.records.record import CallRecord, PhoneSystem, wall_time

TZ = ZoneInfo("Asia/Shanghai")
NAME = r"(?P<caller_number>\d+)-(?P<agent_id>\d+)-(?P<started_at>\d{14})"
PHONES = PhoneSystem(TZ, pattern=NAME)


def told(call_id: str, recording: str | None = None, at: str | None = None, number: str | None = None) -> CallRecord:
    offered = wall_time(at, TZ) if at else None
    return CallRecord(call_id, recording, offered_at=offered, caller_number=number)


def joined(path: str, *records: CallRecord, phones: PhoneSystem = PHONES) -> list[str]:
    return [r.call_id for r in Records(records, phones=phones).candidates(Path(path))]


@pytest.mark.parametrize(
    "name",
    [
        "1715650200.26.wav",
        "external-220-13800001111-20240514-093000-1715650200.26.wav",
        "q_1715650200.26_6001.mp3",
        "2024-05-14 1715650200.26.wav",
    ],
)
def test_the_id_stands_in_the_file_name(name: str) -> None:
    assert joined(f"/rec/{name}", told("1715650200.26"), told("1715650200.2"), told("20240514")) == ["1715650200.26"]


def test_an_id_is_not_found_within_other_digits_nor_when_it_is_short() -> None:
    assert joined("/rec/x-91715650200.26.wav", told("1715650200.26")) == []
    assert joined("/rec/in-0514-9.wav", told("0514")) == []
    assert joined("/rec/0514.wav", told("0514")) == ["0514"]


def test_a_path_of_the_phone_systems_own_machine_is_known_by_its_end() -> None:
    there = [told(f"d{day}", f"/var/spool/asterisk/monitor/2024/05/{day}/x.wav") for day in (14, 15)]
    assert joined("/nas/rec/2024/05/15/x.wav", *there) == ["d15"]
    assert joined("/nas/other/x.wav", *there) == []  # two have the name: neither is sure
    assert joined("/nas/other/x.wav", told("d14", r"D:\rec\2024\x.wav")) == ["d14"]


FILE = "/rec/13800001111-6001-20240514093000.wav"


@pytest.mark.parametrize(
    ("at", "number", "found"),
    [
        ("2024-05-14T09:30:00", "13800001111", True),
        ("2024-05-14T09:29:57", "+86 138 0000 1111", True),
        ("2024-05-14T09:30:03", "013800001111", True),
        ("2024-05-14T09:30:04", "13800001111", False),
        ("2024-05-14T09:30:00", "13900002222", False),
        ("2024-05-14T01:30:00Z", "13800001111", True),
    ],
)
def test_number_and_time_belong_together_within_the_seconds_allowed(at: str, number: str, found: bool) -> None:
    assert joined(FILE, told("r1", at=at, number=number)) == (["r1"] if found else [])


def test_two_that_fit_are_both_candidates_and_neither_is_taken() -> None:
    records = Records((told("r1", at="2024-05-14T09:30:00", number="13800001111"),) * 1, phones=PHONES)
    twice = Records((*records.records, told("r2", at="2024-05-14T09:30:02", number="13800001111")), phones=PHONES)
    assert records.of(Path(FILE)) is not None and twice.of(Path(FILE)) is None
    (problem,) = twice.ambiguous([one_file(Path(FILE))])
    assert str(problem) == (f"{FILE}: expected one call record for this recording, found 2 (r1, r2); it is judged without one")


def test_a_minute_is_no_border() -> None:
    assert joined("/rec/138-6001-20240514093059.wav", told("r1", at="2024-05-14T09:31:01", number="138")) == ["r1"]
    wide = PhoneSystem(TZ, pattern=NAME, within=timedelta(minutes=3))
    assert joined("/rec/138-6001-20240514093000.wav", told("r1", at="2024-05-14T09:32:30", number="138"), phones=wide) == ["r1"]


def test_both_sides_of_a_call_in_two_files_have_its_record() -> None:
    pair = RecordingFiles((Path("/r/c7-in.wav"), Path("/r/c7-out.wav")), "/r/c7-*.wav", (0, 1), (0, 0), Path("/r/c7.wav"))
    records = Records((told("c7"),))
    assert records.of(*pair.named) == told("c7")


def sidecar(folder: Path, name: str, text: str) -> Records:
    (folder / "call.wav").touch()
    (folder / name).write_text(text, "utf-8")
    return read_records(find_records([folder]), PHONES)


@pytest.mark.parametrize("name", ["call.json", "call.wav.json"])
def test_a_json_beside_a_recording_is_its_record(tmp_path: Path, name: str) -> None:
    text = json.dumps({"call_id": 17, "agent_id": "6001", "answered": True, "ticket": {"type": "complaint"}, "vip": False})
    records = sidecar(tmp_path, name, text)
    found = records.of(tmp_path / "call.wav")
    assert found and (found.call_id, found.agent_id, found.answered) == ("17", "6001", True)
    assert found.fields == {"ticket": {"type": "complaint"}, "vip": False}
    assert records.of(tmp_path / "other.wav") is None


def test_a_sidecar_without_an_id_is_called_as_its_recording(tmp_path: Path) -> None:
    assert [r.call_id for r in sidecar(tmp_path, "call.json", '{"agent_id": 6001}').records] == ["call"]


def test_a_transcript_beside_a_recording_is_no_record(tmp_path: Path) -> None:
    records = sidecar(tmp_path, "call.json", '{"segments": [], "language": "zh"}')
    assert (records.records, records.problems) == ((), ())


def test_other_json_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text('{"call_id": "x"}')
    (tmp_path / "call.wav").touch()
    assert find_records([tmp_path]) == []
    assert find_records([tmp_path / "notes.json"]) == [tmp_path / "notes.json"]
    (tmp_path / "call.json").write_text("{}")
    assert find_records([tmp_path / "call.wav"]) == [tmp_path / "call.json"]
