"""The demo, from the shipped recordings to the scores that anyone may read."""

import shutil
import subprocess
from pathlib import Path

import duckdb
import pandas as pd
import pytest
import yaml

from qa_pipeline.dataset.tables import read_table
from tests.conftest import Qa

TRUTH = Path(__file__).parents[1] / "data" / "samples" / "truth"
Done = tuple[Path, "subprocess.CompletedProcess[str]"]


def test_it_ends_with_a_scorecard_and_the_paths_of_what_it_wrote(first_demo: Done) -> None:
    folder, done = first_demo
    assert "评分卡" in done.stdout and "坐席" in done.stdout
    assert f"scores      {folder / 'dataset' / 'scores'}" in done.stdout
    assert done.stdout.splitlines()[-1] == "25 recordings: 25 new, 0 known, 0 duplicate, 0 failed; 0 other files passed over"
    assert "NOTICE" not in done.stderr  # the samples are what the demonstration model is for
    assert "warning" not in done.stderr


def test_a_plain_pandas_read_sees_one_score_for_every_sample(demo_project: Path) -> None:
    scores = pd.read_parquet(demo_project / "dataset" / "scores")
    assert len(scores) == len(set(scores.call_id)) == 25


def test_duckdb_reads_the_same_scores(demo_project: Path) -> None:
    scores = demo_project / "dataset" / "scores"
    found = duckdb.sql(f"select call_id, points, possible from '{scores}/*/*.parquet' order by call_id").fetchall()
    plain = pd.read_parquet(scores).sort_values("call_id")
    assert found == list(plain[["call_id", "points", "possible"]].itertuples(index=False, name=None))


def test_the_heart_rules_agree_with_the_truth(demo_project: Path) -> None:
    """The goal is 95 %; the benchmark prints each pair that differs."""
    found = {(f["call_id"], f["rule_id"]): f["verdict"] for f in read_table(demo_project / "dataset", "findings").to_pylist()}
    truths = [yaml.safe_load(p.read_text("utf-8")) for p in sorted(TRUTH.glob("*.yaml"))]
    pairs = [(t["call_id"], rule, verdict) for t in truths for rule, verdict in t["expected"].items()]
    agreed = sum(found[call, rule] == verdict for call, rule, verdict in pairs)
    assert len(pairs) == 125
    assert agreed / len(pairs) >= 0.95


def test_every_quote_stands_in_its_turn_at_its_second(demo_project: Path) -> None:
    turns = {(t["call_id"], t["turn"]): t for t in read_table(demo_project / "dataset", "turns").to_pylist()}
    quoted = [
        (turns[f["call_id"], e["turn"]], e)
        for f in read_table(demo_project / "dataset", "findings").to_pylist()
        for e in f["evidence"]
        if f["verdict"] == "pass" and e["quote"] and e["turn"] is not None
    ]
    assert len(quoted) > 30
    for turn, evidence in quoted:
        assert evidence["quote"] in turn["text"]
        assert turn["start_ms"] <= evidence["start_ms"] <= evidence["end_ms"] <= turn["end_ms"]


def test_calls_know_their_record_and_what_was_measured(demo_project: Path) -> None:
    calls = {c["call_id"]: c for c in read_table(demo_project / "dataset", "calls").to_pylist()}
    told = calls["cs-03-complaint-bad"]
    assert (told["recording_starts"], told["ring_ms"], told["ring_count"], told["team"]) == ("ring", 17000, 4, "farm-cs")
    assert {r["uri"] for r in told["recordings"]} == {"samples:cs-03-complaint-bad.wav"}
    assert [calls["cs-04-mono-mediocre"][k] for k in ("n_channels", "ring_count", "agent_snr_db")] == [1, None, None]
    assert {c["hangup_source"] for c in calls.values()} == {"record", "audio", None}
    assert not any(c["flags"] for c in calls.values() if c["call_id"] != "cs-04-mono-mediocre")


@pytest.fixture
def copied(demo_project: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(demo_project, tmp_path / "again"))


def test_a_second_demo_goes_on_where_it_stood_does_nothing_new_and_shows_the_card(copied: Path, qa: Qa) -> None:
    done = qa("demo", copied)
    assert done.returncode == 0, done.stderr
    assert "评分卡" in done.stdout and "done before" in done.stderr
    assert "25 recordings: 0 new, 25 known" in done.stdout


def test_a_demo_never_runs_into_someones_own_project(tmp_path: Path, qa: Qa) -> None:
    qa("init", tmp_path / "mine")
    done = qa("demo", tmp_path / "mine")
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is a project here already; choose another folder" in done.stderr
    assert not (tmp_path / "mine" / "ledger.sqlite").exists()
