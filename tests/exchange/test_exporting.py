"""Transcripts made here, taken in elsewhere: the same turns, the same verdicts."""

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from qa_pipeline import shipped
from qa_pipeline.cli.projects import open_project
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.exchange.exporting import export_calls
from tests.conftest import Qa
from tests.spoken import clip, small_project

FROM_WHERE = {"content_key", "content_sha256", "record_mark"}
APART = {
    "calls": {"source", "recordings", "revision", "tz", "fields", *FROM_WHERE},
    "scores": {"scored_at", "transcript_version"},
}


def rows(project: Path, table: str) -> list[dict[str, Any]]:
    found = read_table(project / "dataset", table).to_pylist()
    plain = [{k: v for k, v in row.items() if k not in APART.get(table, ())} for row in found]
    return [{**row, "attrs": json.loads(row["attrs"])} if "attrs" in row else row for row in plain]


def test_what_goes_out_comes_in_with_the_same_verdicts(demo_project: Path, tmp_path: Path, qa: Qa) -> None:
    here, there, file = tmp_path / "here", tmp_path / "there", tmp_path / "calls.jsonl"
    shutil.copytree(demo_project, here)
    config, _ = open_project(here)
    assert export_calls(config, [shipped.sample_calls()], file) == 25
    qa("init", there)
    done = qa("import", file, "--project", there)
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "25 calls imported, 0 known, 0 with problems"), done.stderr
    for table in ("turns", "legs", "events", "calls", "findings", "scores"):
        assert rows(there, table) == rows(here, table), table
    again = qa("import", file, "--project", there)
    assert again.stdout.startswith("0 calls imported, 25 known")


def test_the_slow_half_alone_then_the_fast_one(tmp_path: Path, qa: Qa) -> None:
    project, calls, file = small_project(tmp_path / "project"), tmp_path / "calls", tmp_path / "out.jsonl"
    clip(calls / "a.wav", 10, 16)
    done = qa("transcribe", calls, "--project", project, "--out", file)
    assert done.returncode == 0, done.stderr
    (line,) = file.read_text("utf-8").splitlines()
    assert {t["speaker"] for t in json.loads(line)["turns"]} == {"agent", "customer"}
    assert not (project / "dataset" / "scores").exists()
    assert "calls judged again" in qa("rescore", "--project", project).stdout
    assert len(rows(project, "scores")) == 1
    first = file.read_bytes()
    assert qa("transcribe", calls, "--project", project, "--out", file).returncode == 0
    assert file.read_bytes() == first, "sealed or waiting, a call is written the same"


def test_a_run_that_is_told_to_end_says_so_and_the_next_one_goes_on(tmp_path: Path, qa: Qa) -> None:
    project, calls = small_project(tmp_path / "project"), tmp_path / "calls"
    for i in range(40):
        clip(calls / f"{i:02}.wav", 10 + i / 10, 40 + i / 10)
    command = [
        sys.executable,
        "-c",
        "from qa_pipeline.cli import main; main(prog_name='qa')",
        "run",
        calls,
        "--project",
        project,
    ]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    assert run.stderr and run.stdout
    while not re.match(r"[1-9]\d* of 40 recordings", told := run.stderr.readline()):
        assert told or run.poll() is None, "it ended by itself"
        time.sleep(0.01)
    run.send_signal(signal.SIGTERM)
    out, err = run.communicate(timeout=120)
    assert run.returncode == 143, (out, err)
    assert "SIGTERM: stopping" in err
    assert "recordings are left; the same command goes on" in out
    kept = len(rows(project, "scores"))
    assert 0 < kept < 40
    done = qa("run", calls, "--project", project)
    assert f"{40 - kept} new, {kept} known" in done.stdout, done.stdout
    assert len(rows(project, "scores")) == 40
