"""The shipped samples are whole: every script with its recording, call record and truth, in the formats promised."""

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest
import yaml

from qa_pipeline.recordings.decode import Recording
from tests import spoken

SAMPLES = Path(__file__).parents[2] / "data/samples"
SCRIPTS = sorted((SAMPLES / "scripts").glob("*.yaml"))
MEGABYTE = 2**20


def load(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
    return read


def recording_of(call_id: str) -> Path:
    (path,) = (SAMPLES / "calls").glob(call_id + ".*")
    return path


@pytest.fixture
def sentences() -> Iterator[Any]:
    sys.path.insert(0, str(SAMPLES / "make"))
    try:
        import sentences  # type: ignore[import-not-found]

        yield sentences
    finally:
        sys.path.remove(str(SAMPLES / "make"))


def records() -> dict[str, dict[str, str]]:
    with (SAMPLES / "calls/cdr.csv").open(encoding="utf-8", newline="") as file:
        return {row["call_id"]: row for row in csv.DictReader(file)}


def test_there_are_at_least_24_calls_over_the_five_policies() -> None:
    assert len(SCRIPTS) >= 24
    assert {p.name[:2] for p in SCRIPTS} == {"bs", "cs", "dd", "ht", "pm"}


def test_every_script_has_one_recording_one_record_and_one_truth_and_nothing_is_left_over() -> None:
    ids = {p.stem for p in SCRIPTS}
    assert {load(p)["id"] for p in SCRIPTS} == ids
    assert {p.stem for p in (SAMPLES / "truth").iterdir()} == ids == records().keys()
    assert sorted(p.name for p in (SAMPLES / "calls").iterdir()) == sorted(
        ["cdr.csv", *(row["recording"] for row in records().values())]
    )


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_the_truth_says_what_the_script_says_in_spoken_form_at_its_times(script: Path, sentences: Any) -> None:
    told, truth = load(script), load(SAMPLES / "truth" / script.name)
    turns = sorted(told["turns"], key=lambda t: t["start"])
    assert [t["text"] for t in truth["turns"]] == [sentences.spoken(t["text"]) for t in turns]
    for turn, heard in zip(turns, truth["turns"], strict=True):
        assert abs(turn["start"] * 1000 - heard["start_ms"]) <= 1
        assert not any(c.isascii() and c.isalnum() for c in heard["text"])
        assert len(heard["char_ms"]) == len(heard["text"])
        assert heard["char_ms"] == sorted(heard["char_ms"])
        assert heard["start_ms"] <= heard["char_ms"][0] and heard["char_ms"][-1] <= heard["end_ms"] + 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_every_recording_is_as_long_as_its_record_says_and_holds_all_its_turns(script: Path) -> None:
    told, record, truth = load(script), records()[script.stem], load(SAMPLES / "truth" / script.name)
    recording = spoken.read(recording_of(script.stem))
    assert isinstance(recording, Recording)
    assert len(recording.samples) == told["metadata"]["channels"]
    assert abs(recording.duration_ms - int(record["duration_ms"])) <= 120
    assert max(t["end_ms"] for t in truth["turns"]) <= recording.duration_ms


def test_all_promised_formats_are_there() -> None:
    codecs = set()
    for script in SCRIPTS:
        with av.open(str(recording_of(script.stem))) as container:
            codecs.add(container.streams.audio[0].codec_context.name)
    assert {"pcm_alaw", "pcm_mulaw", "pcm_s16le", "gsm_ms"} <= codecs
    assert any("mp3" in c for c in codecs) and any("opus" in c for c in codecs)


def test_the_samples_and_the_model_stay_small() -> None:
    sizes = {folder.name: sum(p.stat().st_size for p in folder.iterdir()) for folder in SAMPLES.iterdir() if folder.is_dir()}
    assert sizes["model"] <= 8 * MEGABYTE
    assert sum(sizes.values()) - sizes["model"] < 25 * MEGABYTE


def test_every_call_has_a_verdict_of_every_heart_rule() -> None:
    rules = {"et.greeting", "et.hold_apology", "et.anything_else", "et.closing", "et.customer_first"}
    verdicts = {p.stem: load(SAMPLES / "truth" / p.name)["expected"] for p in SCRIPTS}
    assert all(v.keys() == rules and set(v.values()) <= {"pass", "fail", "na", "unsure"} for v in verdicts.values())
    seen = {rule: {v[rule] for v in verdicts.values()} for rule in rules}
    assert all({"pass", "fail"} <= found for found in seen.values()), seen
