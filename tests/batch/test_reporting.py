"""What a run leaves for programs: one JSON, gauges, and a log of ids."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families as metrics

from qa_pipeline.batch.reporting import LOG, Duplicate, Kept, Summary, log_outcome, logged, write_json, write_prometheus
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.records.record import RecordError

WRONG = tuple(Failure(Path(f"/r/{i}.wav"), reason, "…") for i, reason in enumerate(["empty", "empty", "timed_out"]))
TOLD = Summary(
    found=9,
    new=2,
    known=1,
    passed_over=4,
    record_files=1,
    no_record=("c1",),
    missing=("c7", "c8"),
    duplicates=(Duplicate(Path("/r/b.wav"), "/r/a.wav", "c1"),),
    failures=WRONG,
    problems=(RecordError("expected a number"),),
    changing=(Path("/r/now.wav"),),
    left=1,
    stopped="until",
    seconds=12.5,
    heard_s=600.0,
)


def values(file: Path) -> dict[str, float]:
    """Samples by name and label."""
    found = (sample for family in metrics(file.read_text()) for sample in family.samples)
    return {":".join([s.name, *s.labels.values()]): s.value for s in found}


def test_every_recording_found_has_one_outcome() -> None:
    assert sum(TOLD.outcomes.values()) == TOLD.found


def test_the_json_says_all_that_the_summary_says(tmp_path: Path) -> None:
    write_json(TOLD, tmp_path / "s.json")
    told = json.loads((tmp_path / "s.json").read_text("utf-8"))
    assert (told["outcomes"], told["missing"], told["stopped"]) == (TOLD.outcomes, ["c7", "c8"], "until")
    assert told["failures"][2] == {"path": "/r/2.wav", "reason": "timed_out", "detail": "…"}
    assert told["problems"] == ["expected a number"]
    assert [p.name for p in tmp_path.iterdir()] == ["s.json"]


def test_the_gauges_count_outcomes_and_reasons_and_tell_when_all_was_well(tmp_path: Path) -> None:
    file = tmp_path / "qa.prom"
    write_prometheus(TOLD, file, datetime(2024, 5, 14, tzinfo=UTC))
    told = values(file)
    assert {name: told[f"qa_run_recordings:{name}"] for name in TOLD.outcomes} == TOLD.outcomes
    assert (told["qa_run_failures:empty"], told["qa_run_failures:timed_out"]) == (2, 1)
    assert (told["qa_run_seconds"], told["qa_run_heard_seconds"], told["qa_run_missing_recordings"]) == (12.5, 600, 2)
    assert told["qa_run_last_success_timestamp_seconds"] == datetime(2024, 5, 14, tzinfo=UTC).timestamp()
    write_prometheus(replace(TOLD, failures=()), file, None)
    assert values(file)["qa_run_last_success_timestamp_seconds"] == 0
    assert not [name for name in values(file) if name.startswith("qa_run_failures:")]


def test_the_log_has_ids_and_reasons_and_neither_names_of_files_nor_what_was_said_of_a_failure(tmp_path: Path) -> None:
    file = tmp_path / "night.jsonl"
    for _ in range(2):
        with logged(file):
            log_outcome(Kept(Path("/r/13800138000-1.wav"), "c1", no_record=False), "c1", "0123456789abcdef0123")
            log_outcome(Failure(Path("/r/13800138000-2.wav"), "recognition_failed", "在“您好”处出错"), "c2", None)
    LOG.info("after")
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert [(line["event"], line["call_id"], line["reason"], line["content"]) for line in lines] == [
        ("kept", "c1", None, "0123456789abcdef"),
        ("failure", "c2", "recognition_failed", None),
    ] * 2
    assert all(datetime.fromisoformat(line["timestamp"]).tzinfo for line in lines)
    assert not any(said in file.read_text("utf-8") for said in ("您好", "13800138000"))


def test_without_a_file_nothing_is_logged(capfd: pytest.CaptureFixture[str]) -> None:
    with logged(None):
        log_outcome(WRONG[0], None, None)
        LOG.error("broken off")
    assert capfd.readouterr() == ("", "")
