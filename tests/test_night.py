"""The night: every recording an outcome, whatever happens to it, to its neighbours or to the machine."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import wave
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from qa_pipeline import night
from qa_pipeline.batch import intake, shift
from qa_pipeline.batch.disk import DiskFullError
from qa_pipeline.batch.front import FrontEnd
from qa_pipeline.batch.progress import Progress
from qa_pipeline.batch.reporting import Summary
from qa_pipeline.batch.shift import Watch
from qa_pipeline.cli.projects import open_project
from qa_pipeline.config import make_recogniser
from qa_pipeline.dataset.ledger import Ledger
from qa_pipeline.dataset.schemas import KEYS
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.errors import QaError
from qa_pipeline.recordings.find import Failure
from qa_pipeline.upkeep.status import read_status
from tests.conftest import Qa
from tests.hostile import disk_full, hostile
from tests.spoken import SAMPLES, Parrot, clip, small_project


@dataclass(frozen=True)
class House:
    """A project and a folder of recordings beside it."""

    root: Path
    recordings: Path

    def run(self, recogniser: Parrot | None = None) -> Summary:
        config, packs = open_project(self.root)
        return night.run(config, [self.recordings], packs, recogniser or Parrot())

    def rows(self, table: str) -> list[dict[str, Any]]:
        return read_table(self.root / "dataset", table).to_pylist()  # type: ignore[no-any-return]

    def calls(self) -> list[str]:
        return [r["call_id"] for r in self.rows("calls")]

    def states(self) -> dict[str, tuple[str, str | None, int]]:
        ledger = Ledger(self.root / "ledger.sqlite")
        rows = {Path(r["path"]).name: (r["state"], r["reason"], r["attempts"]) for r in ledger.db.table("recordings").rows}
        ledger.close()
        return rows


@pytest.fixture
def house(tmp_path: Path) -> House:
    small_project(tmp_path / "project")
    (tmp_path / "recordings").mkdir()
    return House(tmp_path / "project", tmp_path / "recordings")


def records(house: House, *rows: str, columns: str = "call_id,recording,started_at,agent_id,answered") -> None:
    (house.recordings / "cdr.csv").write_text("\n".join([columns, *rows]) + "\n", "utf-8")


def reasons(summary: Summary) -> dict[str, str]:
    return {f.path.name: f.reason for f in summary.failures}


def test_a_recording_without_a_record_is_judged_flagged_and_counted(house: House) -> None:
    clip(house.recordings / "a.wav")
    records(house, "b,b.wav,2024-05-14T09:00:00,6001,true")
    summary = house.run()
    (call,) = house.rows("calls")
    assert summary.no_record == (call["call_id"],)
    assert "no_record" in call["flags"]
    assert [s["call_id"] for s in house.rows("scores")] == [call["call_id"]]
    assert summary.missing == ("b",)


def test_what_the_record_says_is_in_the_tables(house: House) -> None:
    clip(house.recordings / "a.wav", 0, 16)
    columns = "call_id,recording,started_at,agent_id,answered,answered_ms,recording_starts,skill"
    records(house, "c1,a.wav,2024-05-14T23:59:00+08:00,6001,true,10000,ring,售后", columns=columns)
    summary = house.run()
    (call,), (leg,) = house.rows("calls"), house.rows("legs")
    assert (summary.no_record, summary.missing, summary.record_files, summary.passed_over) == ((), (), 1, 0)
    assert (call["call_id"], leg["agent_id"], call["recording_starts"], call["ring_count"]) == ("c1", "6001", "ring", 2)
    assert json.loads(call["fields"])["skill"] == "售后"
    assert call["agent_snr_db"] > 10 > -10 > call["agent_level_dbfs"] > -60
    assert (house.root / "dataset" / "calls" / "call_date=2024-05-14").is_dir()


def test_a_call_remembers_its_audio_under_a_named_root(house: House) -> None:
    clip(house.recordings / "day" / "a.wav")
    (house.root / "qa.toml").write_text(f'[roots]\nnas = "{house.recordings.as_posix()}"\n')
    house.run()
    assert {r["uri"] for c in house.rows("calls") for r in c["recordings"]} == {"nas:day/a.wav"}


def test_damaged_files_are_rows_with_reasons_and_the_others_are_scored(house: House) -> None:
    clip(house.recordings / "good.wav")
    (house.recordings / "none.wav").touch()
    (house.recordings / "text.wav").write_text("not a sound\n" * 99)
    (house.recordings / "header.wav").write_bytes((SAMPLES / "bs-04-member-na.wav").read_bytes()[:60])
    (house.recordings / "notes.txt").touch()
    config, packs = open_project(house.root)
    summary = night.run(config, [house.recordings, house.recordings.parent / "gone"], packs, Parrot())
    wrong = {"none.wav": "empty", "text.wav": "not_audio", "header.wav": "empty", "gone": "missing"}
    assert reasons(summary) == wrong
    assert (summary.found, summary.new, summary.passed_over) == (5, 1, 1)
    assert {name: (s[0], s[1]) for name, s in house.states().items() if s[0] == "failed"} == {
        name: ("failed", reason) for name, reason in wrong.items()
    }
    assert len(house.rows("scores")) == 1


def one_side(path: Path, channel: int) -> None:
    """Six seconds of one person of the sample."""
    clip(path.with_suffix(".both"), 10, 16)
    with wave.open(str(path.with_suffix(".both"))) as both, wave.open(str(path), "wb") as made:
        made.setparams(both.getparams()._replace(nchannels=1))
        made.writeframes(b"".join(both.readframes(1)[2 * channel : 2 * channel + 2] for _ in range(both.getnframes())))
    path.with_suffix(".both").unlink()


def test_a_call_in_two_files_is_one_call_and_known_as_one(house: House) -> None:
    one_side(house.recordings / "c1-in.wav", 0)
    one_side(house.recordings / "c1-out.wav", 1)
    records(house, "c1,c1.wav,2024-05-14T09:00:00,6001,true")
    summary = house.run()
    (call,) = house.rows("calls")
    assert (summary.found, summary.new, summary.missing, call["call_id"], call["n_channels"]) == (1, 1, (), "c1", 2)
    assert [(r["uri"].rsplit("/", 1)[-1], r["channel"]) for r in call["recordings"]] == [("c1-in.wav", 0), ("c1-out.wav", 1)]
    assert house.states() == {"c1-*.wav": ("sealed", None, 1)}
    assert (house.run().known, house.run().new) == (1, 0)


def test_a_side_that_comes_a_night_later_makes_a_new_revision(house: House) -> None:
    one_side(house.recordings / "c1-out.wav", 1)
    records(house, "c1,c1.wav,2024-05-14T09:00:00,6001,true")
    house.run()
    (call,) = house.rows("calls")
    assert (call["n_channels"], "channel_0_missing" in call["flags"]) == (1, True)
    one_side(house.recordings / "c1-in.wav", 0)
    summary = house.run()
    (call,) = house.rows("calls")
    assert (summary.new, summary.failures, call["revision"], call["n_channels"]) == (1, (), 2, 2)
    assert not [flag for flag in call["flags"] if "missing" in flag]


def test_a_cut_recording_is_judged_as_far_as_it_goes(house: House) -> None:
    raw = clip(house.recordings / "a.wav", 10, 16).read_bytes()
    (house.recordings / "a.wav").write_bytes(raw[: len(raw) // 2])
    summary = house.run()
    (call,) = house.rows("calls")
    assert (summary.new, "truncated" in call["flags"], call["duration_ms"] + call["lost_ms"]) == (1, True, 6000)


def test_a_second_run_does_nothing_new(house: House) -> None:
    clip(house.recordings / "a.wav")
    house.run()
    before = {p: p.stat().st_mtime_ns for p in (house.root / "dataset").rglob("*.parquet")}
    parrot = Parrot()
    summary = house.run(parrot)
    assert (summary.new, summary.known, parrot.heard) == (0, 1, [])
    assert {p: p.stat().st_mtime_ns for p in (house.root / "dataset").rglob("*.parquet")} == before


def test_a_failed_file_stays_one_row_and_is_done_when_it_is_mended(house: House) -> None:
    (house.recordings / "a.wav").touch()
    for _ in range(2):
        assert reasons(house.run()) == {"a.wav": "empty"}
    assert house.states() == {"a.wav": ("failed", "empty", 2)}
    clip(house.recordings / "a.wav")
    summary = house.run()
    assert (summary.failures, summary.new) == ((), 1)
    assert house.states() == {"a.wav": ("sealed", None, 1)}


def test_a_folder_that_was_missing_once_is_no_failure_when_it_is_there(house: House) -> None:
    house.recordings.rmdir()
    assert reasons(house.run()) == {"recordings": "missing"}
    clip(house.recordings / "a.wav")
    house.run()
    assert list(house.states()) == ["a.wav"]


@pytest.mark.parametrize("later", [False, True], ids=["in one run", "on a later night"])
def test_the_same_content_under_another_name_is_judged_once_and_noted(house: House, later: bool) -> None:
    clip(house.recordings / "a.wav")
    if later:
        house.run()
    shutil.copy(house.recordings / "a.wav", house.recordings / "b.wav")
    records(house, "one,a.wav,2024-05-14T09:00:00,1,true", "two,b.wav,2024-05-14T09:00:00,1,true")
    summary = house.run()
    assert [(d.path.name, Path(d.of).name) for d in summary.duplicates] == [("b.wav", "a.wav")]
    assert len(house.calls()) == len(house.rows("scores")) == 1
    assert house.states()["b.wav"][0] == "duplicate"
    assert (house.run().known, house.run().duplicates) == (2, ())


def test_a_recording_that_was_moved_is_known_and_its_call_says_where_it_lies(house: House) -> None:
    clip(house.recordings / "a.wav")
    records(house, "one,a.wav,2024-05-14T09:00:00,1,true")
    house.run()
    before = house.rows("scores")
    (house.recordings / "2024").mkdir()
    (house.recordings / "a.wav").rename(house.recordings / "2024" / "b.wav")
    summary = house.run()
    assert (summary.new, summary.known, summary.duplicates, summary.failures) == (0, 1, (), ())
    assert house.states() == {"b.wav": ("sealed", None, 1)}
    (call,) = house.rows("calls")
    assert call["recordings"][0]["uri"].endswith("/2024/b.wav")
    assert house.rows("scores") == before
    again = house.run()
    assert (again.new, again.known) == (0, 1)


def test_two_recordings_of_one_call_id_do_not_overwrite_each_other(house: House) -> None:
    clip(house.recordings / "1" / "c7.wav", 10, 16)
    clip(house.recordings / "2" / "c7.wav", 11, 17)
    (house.root / "qa.toml").write_text("[records]\npattern = '(?P<call_id>c\\d+)'\n")
    summary = house.run()
    assert [f.reason for f in summary.failures] == ["call_id_taken"]
    assert "1/c7.wav" in summary.failures[0].detail
    assert house.calls() == ["c7"]


def test_a_recording_fetched_again_is_a_new_revision_of_its_call(house: House) -> None:
    records(house, "c1,a.wav,2024-05-14T09:00:00,1,true")
    clip(house.recordings / "a.wav", 10, 14)
    house.run()
    clip(house.recordings / "a.wav", 10, 16)
    records(house, "c1,a.wav,2024-05-15T09:00:00,1,true")  # and its date was put right
    summary = house.run()
    (call,) = house.rows("calls")
    assert (summary.new, call["call_id"], call["revision"], call["duration_ms"]) == (1, "c1", 2, 6000)
    assert len(house.rows("scores")) == 1


def test_a_touched_file_is_known(house: House) -> None:
    clip(house.recordings / "a.wav")
    house.run()
    os.utime(house.recordings / "a.wav", (1, 1))
    parrot = Parrot()
    summary = house.run(parrot)
    assert (summary.new, summary.known, summary.duplicates, parrot.heard) == (0, 1, (), [])


def test_words_that_raise_cost_their_own_recording_only(house: House) -> None:
    clip(house.recordings / "short.wav", 10, 12.5)
    clip(house.recordings / "long.wav", 10, 26)
    lone = Parrot()
    shutil.copytree(house.root, house.root.parent / "other")
    House(house.root.parent / "other", house.recordings).run(lone)
    summary = house.run(Parrot(poison=max(lone.heard)))
    assert reasons(summary) == {"long.wav": "recognition_failed"}
    assert "cannot be heard" in summary.failures[0].detail
    assert len(house.calls()) == 1
    assert {name: s[0] for name, s in house.states().items()} == {"short.wav": "sealed", "long.wav": "failed"}
    mended = house.run()
    assert (mended.new, mended.known, mended.failures) == (1, 1, ())


def test_recordings_that_kill_hang_or_confuse_their_process_cost_themselves_only(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i, name in enumerate(["dies", "good", "hangs", "stumbles", "well"]):
        clip(house.recordings / f"{name}.wav", 10 + i / 4, 14 + i / 4)
    (house.root / "qa.toml").write_text("[front]\ntimeout_s = 20\n")
    with monkeypatch.context() as among:
        among.setattr(shift, "FrontEnd", partial(FrontEnd, prepare=hostile))
        summary = house.run()
    assert reasons(summary) == {"dies.wav": "decoding_died", "hangs.wav": "timed_out", "stumbles.wav": "listening_failed"}
    assert (summary.new, len(house.calls())) == (2, 2)
    assert not (house.root / ".spool").exists()
    mended = house.run()
    assert (mended.new, mended.known, mended.failures) == (3, 2, ())


def test_who_comes_first_is_settled_by_the_path_whoever_is_faster(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(house.recordings / "1-slow" / "c7.wav", 10, 14)
    clip(house.recordings / "2" / "c7.wav", 11, 15)
    shutil.copy(house.recordings / "1-slow" / "c7.wav", house.recordings / "2" / "c8.wav")
    (house.root / "qa.toml").write_text("[records]\npattern = '(?P<call_id>c\\d+)'\n[front]\nprocesses = 3\n")
    monkeypatch.setattr(shift, "FrontEnd", partial(FrontEnd, prepare=hostile))
    summary = house.run()
    assert [(d.path.name, Path(d.of).parent.name) for d in summary.duplicates] == [("c8.wav", "1-slow")]
    assert [(f.path.parent.name, f.reason) for f in summary.failures] == [("2", "call_id_taken")]
    assert house.calls() == ["c7"]


def test_where_the_first_of_a_call_fails_the_next_takes_its_place(house: House) -> None:
    (house.recordings / "1").mkdir()
    (house.recordings / "1" / "c7.wav").write_text("no sound")
    clip(house.recordings / "2" / "c7.wav", 11, 15)
    (house.root / "qa.toml").write_text("[records]\npattern = '(?P<call_id>c\\d+)'\n")
    summary = house.run()
    assert [(f.path.parent.name, f.reason) for f in summary.failures] == [("1", "not_audio")]
    assert house.calls() == ["c7"]


def test_texts_and_bytes_of_findings_are_the_same_whatever_the_grouping_and_order(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(5):
        clip(house.recordings / f"{i}.wav", 10 + i, 16 + 1.5 * i)
    (house.recordings / "bad.wav").write_text("no sound")
    made, findings = [], []
    for number, (processes, portion, order) in enumerate([(1, 1, "oldest"), (2, 8, "newest"), (3, 1000, "oldest")]):
        other = House(house.root.parent / f"project{number}", house.recordings)
        shutil.copytree(house.root, other.root)
        (other.root / "qa.toml").write_text(f'[front]\nprocesses = {processes}\n[night]\norder = "{order}"\n')
        monkeypatch.setattr("qa_pipeline.speech.listener.FEWEST", portion)
        config, packs = open_project(other.root)
        shuffled = random.Random(number).sample([*house.recordings.iterdir()], 6)
        assert reasons(night.run(config, shuffled, packs, make_recogniser(config.asr))) == {"bad.wav": "not_audio"}
        made.append({t: other.rows(t) for t in ("calls", "legs", "turns", "events", "findings")})
        parts = (other.root / "dataset" / "findings").rglob("*.parquet")
        findings.append({part.parent.name: part.read_bytes() for part in parts})
    assert made[0] == made[1] == made[2]
    assert findings[0] == findings[1] == findings[2] != {}
    assert sum(len(t["text"]) for t in made[0]["turns"]) > 50


def test_a_run_that_is_stopped_keeps_what_was_recognised_and_the_next_one_goes_on(house: House) -> None:
    for i in range(6):
        clip(house.recordings / f"{i}.wav", 10 + i / 4, 14 + i / 4)
    config, packs = open_project(house.root)
    parrot = Parrot()
    watch = Watch(stopped=lambda: "SIGTERM" if parrot.heard else None)
    summary = night.run(config, [house.recordings], packs, parrot, watch)
    assert summary.stopped == "SIGTERM"
    assert summary.new >= 1 and summary.new + summary.left == 6 == summary.found
    assert len(house.calls()) == summary.new
    rest = house.run()
    assert (rest.new, rest.known, rest.stopped, rest.left) == (summary.left, summary.new, None, 0)


def test_a_run_ends_in_time_keeps_what_was_recognised_and_the_next_one_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(6):
        clip(house.recordings / f"{i}.wav", 10 + i / 4, 14 + i / 4)
    (house.root / "qa.toml").write_text("[front]\nprocesses = 1\n")
    config, packs = open_project(house.root)
    parrot, real = Parrot(), time.monotonic
    assert night.run(config, [house.recordings], packs, parrot, Watch(ends_at=real() + 5)).left == 6
    assert parrot.heard == []  # too short to begin with anything
    monkeypatch.setattr(time, "monotonic", lambda: real() + (3600 if parrot.heard else 0))
    summary = night.run(config, [house.recordings], packs, parrot, Watch(ends_at=real() + 1800))
    assert (summary.stopped, summary.failures) == ("until", ())
    assert summary.new >= 1 and summary.left >= 1 and summary.new + summary.left == 6
    assert len(house.calls()) == len(house.rows("scores")) == summary.new
    monkeypatch.undo()
    rest = house.run()
    assert (rest.new, rest.known, rest.stopped, rest.left) == (summary.left, summary.new, None, 0)


def test_what_failed_too_often_is_left_alone_until_it_is_touched(house: House) -> None:
    (house.recordings / "a.wav").touch()
    (house.root / "qa.toml").write_text("[night]\nattempts = 1\n")
    assert reasons(house.run()) == {"a.wav": "empty"}
    summary = house.run()
    assert (summary.failures, [(q.path.name, q.reason) for q in summary.quarantined]) == ((), [("a.wav", "empty")])
    assert house.states() == {"a.wav": ("failed", "empty", 1)}
    clip(house.recordings / "a.wav", 10, 14)
    summary = house.run()
    assert (summary.new, summary.quarantined, summary.failures) == (1, (), ())


def test_a_recording_that_is_still_written_is_neither_kept_nor_blamed_and_is_heard_when_it_is_whole(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip(house.recordings / "growing.wav", 10, 14)
    clip(house.recordings / "whole.wav", 11, 15)
    with monkeypatch.context() as among:
        among.setattr(shift, "FrontEnd", partial(FrontEnd, prepare=hostile))
        summary = house.run()
    assert ([path.name for path in summary.changing], summary.failures, summary.new) == (["growing.wav"], (), 1)
    assert sorted(house.states()) == ["whole.wav"]
    assert (house.run().new, len(house.calls())) == (1, 2)


def test_other_settings_are_heard_with_when_that_is_asked_for_and_only_then(house: House) -> None:
    clip(house.recordings / "a.wav", 10, 14)
    house.run()
    config, packs = open_project(house.root)
    other = Parrot("再见", fingerprint="another")
    assert (house.run(other).known, other.heard) == (1, [])
    summary = night.run(config, [house.recordings], packs, other, Watch(again=True))
    assert (summary.again, summary.new, summary.known) == (1, 0, 0)
    (call,) = house.rows("calls")
    assert (call["revision"], call["asr"], {t["text"] for t in house.rows("turns")}) == (2, "another", {"再见"})
    assert [*(house.root / "dataset" / "history").rglob("*.parquet")]
    heard = len(other.heard)
    assert night.run(config, [house.recordings], packs, other, Watch(again=True)).known == 1
    assert len(other.heard) == heard


def test_a_known_recording_that_cannot_be_heard_again_stays_as_it_is(house: House) -> None:
    clip(house.recordings / "a.wav", 10, 14)
    house.run()
    config, packs = open_project(house.root)
    summary = night.run(config, [house.recordings], packs, Parrot(poison=0, fingerprint="another"), Watch(again=True))
    assert reasons(summary) == {"a.wav": "recognition_failed"}
    assert (house.run().known, house.states()["a.wav"][0], len(house.calls())) == (1, "sealed", 1)


def test_a_sampling_plan_leaves_calls_for_when_it_is_raised(house: House) -> None:
    for name in "abc":
        clip(house.recordings / f"{name}.wav", 10 + ord(name) % 4, 14 + ord(name) % 4)
    records(house, *(f"{n},{n}.wav,2024-05-14T09:00:00,6001,true" for n in "abc"))
    (house.root / "qa.toml").write_text("[night]\nper_agent = 2\n")
    summary = house.run()
    assert (summary.found, summary.new, summary.not_sampled, summary.missing) == (3, 2, 1, ())
    (house.root / "qa.toml").write_text("[night]\nper_agent = 0\n")
    summary = house.run()
    assert (summary.new, summary.known, sorted(house.calls())) == (1, 2, ["a", "b", "c"])


def test_too_little_room_on_the_disk_is_said_before_anything_is_done(house: House) -> None:
    clip(house.recordings / "a.wav", 10, 14)
    (house.root / "qa.toml").write_text("[night]\nmin_free_gb = 1e9\n")
    with pytest.raises(DiskFullError, match=r"GB of disk are free, night.min_free_gb asks for 1e\+09"):
        house.run()
    assert not (house.root / "ledger.sqlite").exists()


def test_a_disk_that_runs_full_is_no_recordings_failure_and_the_next_run_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip(house.recordings / "a.wav", 10, 14)
    with monkeypatch.context() as among:
        among.setattr(shift, "FrontEnd", partial(FrontEnd, prepare=disk_full))
        with pytest.raises(DiskFullError, match="the disk is full"):
            house.run()
    assert house.states() == {}
    parrot = Parrot()
    with monkeypatch.context() as among:
        full = OSError(errno.ENOSPC, "No space left on device")
        among.setattr(intake, "seal", lambda *told: _raise(full) if parrot.heard else {})
        with pytest.raises(DiskFullError, match="what was finished is kept"):
            house.run(parrot)
    assert house.states() == {"a.wav": ("transcribed", None, 1)}
    parrot.heard.clear()
    assert (house.run(parrot).known, parrot.heard, len(house.rows("scores"))) == (1, [], 1)


def _raise(problem: Exception) -> None:
    raise problem


def test_the_ledger_knows_of_every_run_how_it_ended(house: House) -> None:
    clip(house.recordings / "a.wav", 10, 14)
    (house.recordings / "none.wav").touch()
    house.run()
    with closing(Ledger(house.root / "ledger.sqlite")) as ledger:
        told = ledger.last_run()
        assert told is not None and (told["found"], told["new"], told["failed"]) == (2, 1, 1) and told["ended"]
        assert ledger.last_success() is None
        (house.recordings / "none.wav").unlink()
        house.run()
        assert ledger.last_success() is not None


def test_a_model_that_cannot_be_loaded_ends_the_run_and_blames_no_recording(house: House) -> None:
    class Broken(Parrot):
        def recognise(self, windows: Any) -> Any:
            raise QaError("no such model")

    clip(house.recordings / "a.wav")
    with pytest.raises(QaError, match="no such model"):
        house.run(Broken())
    assert house.states() == {}
    status = read_status(open_project(house.root)[0])
    assert status.last_run is not None and status.last_run["broken_off"] == "QaError"
    assert house.run().new == 1


def test_transcripts_alone_wait_for_their_verdicts(house: House) -> None:
    clip(house.recordings / "a.wav")
    config, packs = open_project(house.root)
    assert night.transcribe(config, [house.recordings], packs, Parrot()).new == 1
    assert house.states() == {"a.wav": ("transcribed", None, 1)}
    parrot = Parrot()
    assert house.run(parrot).known == 1
    assert parrot.heard == [] and len(house.rows("scores")) == 1


def test_a_call_whose_judging_raises_keeps_its_words_and_is_judged_when_the_rules_are_mended(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    from qa_pipeline.verdicts import judging

    records(house, "bad,a.wav,2024-05-14T09:00:00,1,true", "good,b.wav,2024-05-14T10:00:00,1,true")
    clip(house.recordings / "a.wav", 10, 16)
    clip(house.recordings / "b.wav", 11, 17)
    real = judging.judge_tables

    def stumbles(tables: Any, *told: Any) -> Any:
        if "bad" in tables["calls"]["call_id"].to_pylist():
            raise ZeroDivisionError("a bug")
        return real(tables, *told)

    with monkeypatch.context() as broken:
        broken.setattr(judging, "judge_tables", stumbles)
        summary = house.run()
        assert reasons(summary) == {"a.wav": "judging_failed"} and "call bad: ZeroDivisionError" in summary.failures[0].detail
        assert house.calls() == ["good"] and house.states()["a.wav"][:2] == ("unjudged", "judging_failed")
    parrot = Parrot()
    summary = house.run(parrot)
    assert (summary.failures, summary.known, parrot.heard) == ((), 2, [])
    assert sorted(house.calls()) == sorted(s["call_id"] for s in house.rows("scores")) == ["bad", "good"]


def test_a_run_beside_another_is_told(house: House) -> None:
    from qa_pipeline.dataset.writer import BusyError, one_writer

    with one_writer(house.root), pytest.raises(BusyError):
        house.run()


def test_progress_tells_every_recording_done_and_how_much_of_the_calls(house: House) -> None:
    (house.recordings / "none.wav").touch()
    clip(house.recordings / "a.wav", 10, 14)
    clip(house.recordings / "b.wav", 10, 16)
    config, packs = open_project(house.root)
    seen: list[Progress] = []
    night.run(config, [house.recordings], packs, Parrot(), Watch(show=seen.append))
    assert [p.done for p in seen] == sorted(p.done for p in seen) and {p.done for p in seen} >= {1, 2, 3}
    assert (seen[-1].total, seen[-1].heard_s, seen[-1].whole_s, seen[-1].left_s) == (3, 10, 10, 0)


KILLED = """
import os, signal, sys
from qa_pipeline.cli import main
from qa_pipeline.dataset import tables
from qa_pipeline.dataset.ledger import Ledger

left = int(sys.argv.pop(1))

def deadly(real):
    def step(*told):
        global left
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        return real(*told)
    return step

tables.merge_part = deadly(tables.merge_part)
Ledger.sealed = deadly(Ledger.sealed)
main(prog_name="qa")
"""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, qa: Qa) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("undisturbed")
    made = House(folder / "project", folder / "recordings")
    small_project(made.root)
    clip(made.recordings / "a.wav", 10, 14)
    clip(made.recordings / "b.wav", 14, 18)
    records(made, "a,a.wav,2024-05-14T09:00:00,1,true", "b,b.wav,2024-05-14T10:00:00,1,true")
    done = qa("run", made.recordings, "--project", made.root)
    assert done.returncode == 0, done.stderr
    yield made


@pytest.mark.parametrize("steps", [0, 3, 6], ids=["before the first part", "between parts", "before the ledger knows"])
def test_killed_between_transcription_and_sealing_the_next_run_loses_and_doubles_nothing(
    undisturbed: House, tmp_path: Path, qa: Qa, steps: int
) -> None:
    root = tmp_path / "project"
    small_project(root)
    command = [sys.executable, "-c", KILLED, str(steps), "run", undisturbed.recordings, "--project", root]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL
    house = House(root, undisturbed.recordings)
    assert {s[0] for s in house.states().values()} == {"transcribed"}
    assert "was killed; the next one goes on from there" in qa("status", "--project", root).stdout
    done = qa("run", undisturbed.recordings, "--project", root)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "2 recordings: 0 new, 2 known, 0 duplicate, 0 failed; 0 other files passed over",
    )
    assert house.states() == {"a.wav": ("sealed", None, 1), "b.wav": ("sealed", None, 1)}  # heard once
    for table in sorted(KEYS):
        stamps = {"scored_at"}
        mine, theirs = ([{k: v for k, v in r.items() if k not in stamps} for r in h.rows(table)] for h in (house, undisturbed))
        assert mine == theirs, table


def test_a_failure_says_where_and_what_to_do(house: House) -> None:
    (house.recordings / "a.wav").touch()
    (failure,) = house.run().failures
    assert failure == Failure(house.recordings / "a.wav", "empty", "the file holds no bytes; fetch it again")
