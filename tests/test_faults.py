"""Killed, starved of disk or locked out, a project stays whole and says what is wrong."""

import resource
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.benchmarks.faults import QA, run_faults
from tests.spoken import clip, small_project


def test_ten_kills_lose_nothing_double_nothing_and_no_reader_meets_half(tmp_path: Path) -> None:
    tally, polls = run_faults(tmp_path, runs=10, seed=7)
    assert (tally.lost, tally.doubled, tally.heard_twice, tally.different, tally.commands) == ([], [], [], [], [])
    assert tally.kills >= 3
    assert (polls["wrong"], polls["polls"] > 20) == ([], True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = small_project(tmp_path / "project")
    clip(tmp_path / "recordings" / "a.wav", 10, 14)
    return root


def qa(project: Path, *words: str, limit: int | None = None) -> "subprocess.CompletedProcess[str]":
    def starve() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [*QA, *words, str(project.parent / "recordings"), "--project", str(project)]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300, check=False, preexec_fn=starve)


def test_where_nothing_more_can_be_written_one_line_says_so_and_the_next_run_goes_on(project: Path) -> None:
    starved = qa(project, "run", limit=20_000)
    assert starved.returncode in (1, 3), starved.stderr
    assert "Traceback" not in starved.stderr
    done = qa(project, "run")
    assert done.returncode == 0, done.stderr
    assert len([*(project / "dataset" / "scores").rglob("*.parquet")]) == 1


def test_a_ledger_that_another_program_holds_is_said_and_not_waited_for_forever(project: Path) -> None:
    assert qa(project, "run").returncode == 0
    with closing(sqlite3.connect(project / "ledger.sqlite", isolation_level=None)) as holder:
        holder.execute("pragma locking_mode = exclusive")
        holder.execute("begin exclusive")
        told = qa(project, "run")
    assert (told.returncode, "Traceback" in told.stderr) == (1, False)
    assert "ledger.sqlite" in told.stderr and "locked" in told.stderr
    assert qa(project, "run").returncode == 0


def test_a_dataset_that_cannot_be_written_keeps_the_transcripts_for_the_next_run(project: Path) -> None:
    (project / "dataset").write_text("not a folder")
    told = qa(project, "run")
    assert told.returncode == 1 and "Traceback" not in told.stderr and "dataset" in told.stderr
    (project / "dataset").unlink()
    assert qa(project, "run").returncode == 0


PAST = """
import datetime, sys
import qa_pipeline.verdicts.rescoring
from qa_pipeline.cli import main
class Past(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime(2001, 1, 1, tzinfo=tz)
for name, module in sys.modules.items():
    if name.startswith("qa_pipeline") and getattr(module, "datetime", None) is datetime.datetime:
        module.datetime = Past
main(prog_name="qa")
"""
"""The command on a machine whose clock was set back by decades."""


def test_a_clock_that_goes_back_changes_nothing(project: Path) -> None:
    assert qa(project, "run").returncode == 0
    command = [sys.executable, "-c", PAST, "rescore", "--project", str(project)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, "1 calls judged again" in done.stdout) == (0, True), done.stderr
    again = qa(project, "run")
    assert (again.returncode, "0 new, 1 known" in again.stdout) == (0, True)
