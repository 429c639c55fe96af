"""`qa run` as a timer calls it: an end by the clock, files that tell of it, exit codes."""

import json
import re
import shlex
from datetime import datetime
from pathlib import Path

import pytest

from qa_pipeline.cli import main
from qa_pipeline.cli.night import seconds_until
from tests.conftest import Qa
from tests.spoken import clip, small_project

DOCS = Path(__file__).parents[2] / "docs"
EVENING = datetime(2024, 5, 14, 22, 30)


@pytest.mark.parametrize(
    ("told", "seconds"),
    [("06:00", 7.5 * 3600), ("6:00", 7.5 * 3600), ("22:31", 60), ("22:30", 86400), ("3h", 10800), ("1h30m", 5400), ("45s", 45)],
)
def test_an_end_is_the_next_such_time_or_how_long(told: str, seconds: float) -> None:
    assert seconds_until(told, EVENING) == seconds


@pytest.mark.parametrize("told", ["", "six", "25:00", "06:60", "3", "3d", "h", "-3h", "06:00:00"])
def test_what_is_no_end_is_refused(told: str) -> None:
    with pytest.raises(ValueError):
        seconds_until(told, EVENING)


def test_a_wrong_end_is_a_wrong_command_line(tmp_path: Path, qa: Qa) -> None:
    done = qa("run", tmp_path, "--until", "tomorrow")
    assert done.returncode == 2 and "expected a time such as 06:00" in done.stderr


def test_a_night_tells_of_itself_in_files_and_quarantines_what_failed_before(tmp_path: Path, qa: Qa) -> None:
    project, recordings = small_project(tmp_path / "project"), tmp_path / "recordings"
    (project / "qa.toml").write_text("[night]\nattempts = 1\n")
    clip(recordings / "a.wav", 10, 14)
    (recordings / "none.wav").touch()
    files = {name: tmp_path / f"night.{name}" for name in ("json", "prom", "log")}
    told = ("--summary-json", files["json"], "--prometheus", files["prom"], "--log", files["log"], "--project", project)
    first = qa("run", recordings, "--until", "2h", *told)
    assert first.returncode == 3, first.stderr
    assert json.loads(files["json"].read_text("utf-8"))["outcomes"]["new"] == 1
    assert "qa_run_last_success_timestamp_seconds 0.0" in files["prom"].read_text()
    again = qa("run", recordings, "--until", "2h", *told)
    assert again.returncode == 0, again.stderr
    assert again.stdout.startswith("2 recordings: 0 new, 1 known, 0 duplicate, 0 failed, 1 quarantined;")
    assert "quarantined empty:" in again.stdout and "(tried 1 times)" in again.stdout
    assert "qa_run_last_success_timestamp_seconds 0.0" not in files["prom"].read_text()
    events = [json.loads(line)["event"] for line in files["log"].read_text("utf-8").splitlines()]
    assert sorted(events[:4]) == ["began", "ended", "failure", "kept"] and events[4:] == ["began", "ended"]
    assert "quarantined 1" in qa("status", "--project", project).stdout


def test_when_the_time_is_up_at_once_everything_is_left_and_all_is_well(tmp_path: Path, qa: Qa) -> None:
    project = small_project(tmp_path / "project")
    clip(tmp_path / "recordings" / "a.wav", 10, 14)
    done = qa("run", tmp_path / "recordings", "--until", "1s", "--project", project)
    assert (done.returncode, "the time is up: 1 recordings are left" in done.stdout) == (0, True), done.stderr


def commands() -> list[list[str]]:
    """Every `qa …` that the shipped timer files and the page about the night give."""
    files = [*(DOCS / "night").iterdir(), DOCS / "the-night.md"]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    found = (re.search(r"(?:^|/bin/)qa ([a-z].*)", line) for line in lines if not line.startswith("#"))
    return [shlex.split(match[1].replace(" 2>&1", ""), comments=True) for match in found if match]


def test_the_commands_of_the_shipped_timers_are_commands() -> None:
    assert len(commands()) >= 7
    for name, *words in commands():
        with main.commands[name].make_context(name, words):
            pass


def test_the_service_is_stopped_in_order() -> None:
    told = (DOCS / "night" / "qa-night.service").read_text("utf-8")
    assert {"KillMode=mixed", "TimeoutStopSec=300", "SuccessExitStatus=3 143"} <= set(told.splitlines())
