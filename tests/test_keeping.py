"""What a project keeps, for how long, and in how many copies, on the command line."""

import json
import shutil
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click import UsageError

from qa_pipeline.cli.keep import cutoff
from qa_pipeline.config import read_config
from qa_pipeline.dataset.check import check_dataset
from qa_pipeline.dataset.ledger import Entry, Ledger
from qa_pipeline.dataset.people import People
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.exchange import importing
from tests.exchange.test_importing import one_segmenter
from tests.spoken import small_project
from tests.test_rule_edit import call, edit, run_id, said


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Calls `a` and `b` of a day, `old` of a year before; Mr. Zhang's `a` has a recording, a mark, a past and a dry run."""
    monkeypatch.setattr(importing, "Segmenter", one_segmenter)
    root = small_project(tmp_path / "project")
    (root / "audio").mkdir()
    (root / "audio" / "a.wav").write_bytes(b"voice")
    zhang = {"caller_number": "13800138000", "recordings": [{"uri": "project:audio/a.wav", "sha256": "x", "channel": 0}]}
    lines = [call("a", "早上好，张先生。", "6001") | zhang, call("b", "您好，乡野邻家。", "6002")]
    lines.append(call("old", "您好，乡野邻家。", "6001") | {"started_at": "2023-05-20T09:30:00"})
    (tmp_path / "calls.jsonl").write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    said(root, "import", tmp_path / "calls.jsonl")
    said(root, "mark", "a", "et.greeting", "fail", "--by", "王", "--note", "张先生说没听见")
    edit(root)
    said(root, "rescore", "--apply", run_id(said(root, "rescore", "--dry-run")))
    return root


def everywhere(root: Path) -> str:
    """All that lies in the project, but the rules: SQLite files as they are, Parquet as its rows."""
    found = []
    for path in sorted(p for p in root.rglob("*") if p.is_file() and "rules" not in p.parts):
        raw = path.read_bytes().decode("utf-8", "replace")
        found.append(str(pd.read_parquet(path).to_dict("records")) if path.suffix == ".parquet" else raw)
    return "\n".join(found)


def rows(root: Path, table: str) -> list[dict[str, Any]]:
    return read_table(root / "dataset", table).to_pylist()  # type: ignore[no-any-return]


def test_a_number_is_forgotten_in_every_copy_and_the_others_stay(project: Path) -> None:
    before = {r["call_id"]: r for r in rows(project, "scores")}
    assert "张先生" in everywhere(project)
    told = said(project, "forget", "13800138000", "--yes")
    assert "1 calls forgotten: a" in told and "1 marks of people" in told
    with closing(Ledger(project / "ledger.sqlite")) as ledger:
        ledger.db.execute("vacuum")
    with closing(People(project / "people.sqlite")) as people:
        people.db.execute("vacuum")
    left = everywhere(project)
    assert "张先生" not in left and "13800138000" not in left
    assert {r["call_id"]: r for r in rows(project, "scores")} == {c: r for c, r in before.items() if c != "a"}
    assert [*check_dataset(project / "dataset")] == []
    assert "no call '13800138000'" in said(project, "forget", "13800138000", "--yes", code=1)


def test_what_is_forgotten_is_not_taken_in_again(project: Path, tmp_path: Path) -> None:
    said(project, "forget", "a", "--yes")
    assert "0 calls imported, 3 known" in said(project, "import", tmp_path / "calls.jsonl")


def test_backups_that_still_hold_it_are_named(project: Path, tmp_path: Path) -> None:
    told = said(project, "backup", tmp_path / "safe")
    folder = Path(told.split("backed up to ")[1].strip())
    assert sorted(p.name for p in folder.iterdir()) == ["people.sqlite", "qa.toml", "rules"]
    assert f"still in the backup {folder}" in said(project, "forget", "a", "--yes")
    shutil.rmtree(folder)
    assert "still in the backup" not in said(project, "forget", "b", "--yes")


def test_a_question_comes_before_forgetting(project: Path) -> None:
    said(project, "forget", "a", code=1)
    assert {r["call_id"] for r in rows(project, "calls")} == {"a", "b", "old"}


def test_words_older_than_a_date_go_and_their_verdicts_stand(project: Path) -> None:
    verdicts = {(f["call_id"], f["rule_id"]): f["verdict"] for f in rows(project, "findings")}
    assert "1 calls of 1 dates before 2024-01-01 would lose their transcripts" in said(
        project, "prune", "--older-than", "2024-01-01", "--transcripts", "--dry-run"
    )
    assert {t["call_id"] for t in rows(project, "turns")} == {"a", "b", "old"}
    said(project, "prune", "--older-than", "2024-01-01", "--transcripts")
    assert {t["call_id"] for t in rows(project, "turns")} == {"a", "b"}
    quotes = [e["quote"] for f in rows(project, "findings") if f["call_id"] == "old" for e in f["evidence"]]
    assert quotes and set(quotes) == {None}
    assert [*check_dataset(project / "dataset")] == []
    path = project / "rules" / "etiquette.yaml"
    path.write_text(path.read_text("utf-8").replace("weight: 25", "weight: 30"), "utf-8")
    assert "2 calls judged again" in said(project, "rescore")
    assert {(f["call_id"], f["rule_id"]): f["verdict"] for f in rows(project, "findings")} == verdicts


def test_everything_older_than_a_date_goes(project: Path) -> None:
    said(project, "prune", "--older-than", "2024-01-01")
    for table in ("calls", "legs", "turns", "findings", "scores"):
        assert {r["call_id"] for r in rows(project, table)} == {"a", "b"}
    assert not [*(project / "dataset").glob("*/call_date=2023-05-20")]


def test_recordings_go_only_from_folders_that_the_settings_name(project: Path) -> None:
    config = read_config(project)
    assert config.roots.path("project:audio/a.wav") == project / "audio" / "a.wav"
    told = said(project, "prune", "--older-than", "2100-01-01", "--audio")
    kept = rows(project, "calls")
    with_audio = [c for c in kept if c["recordings"]]
    assert ("1 recordings deleted" in told) == bool(with_audio)
    assert (project / "audio" / "a.wav").exists() != bool(with_audio)
    assert {c["call_id"] for c in kept} == {"a", "b", "old"}


@pytest.mark.parametrize(
    ("told", "expected"),
    [("90d", date(2024, 2, 14)), ("2w", date(2024, 4, 30)), ("1y", date(2023, 5, 15)), ("2024-01-01", date(2024, 1, 1))],
)
def test_ages_are_days_weeks_months_years_or_a_date(told: str, expected: date) -> None:
    assert cutoff(told, date(2024, 5, 14)) == expected


@pytest.mark.parametrize("told", ["soon", "-3d", "9999999y", "2024-13-01"])
def test_an_age_that_is_none_is_said(told: str) -> None:
    with pytest.raises(UsageError, match=f"--older-than {told}"):
        cutoff(told, date(2024, 5, 14))


def test_status_says_what_there_is_and_what_waits_for_a_person(project: Path) -> None:
    told = said(project, "status")
    assert told.startswith("3 calls, 2023-05-20 to 2024-05-20\nrecordings and imports: 3 sealed\n")
    assert "rules in force: " in told and "rules/ differs" not in told
    path = project / "rules" / "etiquette.yaml"
    path.write_text(path.read_text("utf-8") + "# x\n", "utf-8")
    assert "rules/ differs" in said(project, "status")
    assert json.loads(said(project, "status", "--format", "json"))["calls"] == 3


def test_failed_recordings_are_tried_again_on_request(project: Path) -> None:
    with closing(Ledger(project / "ledger.sqlite")) as ledger:
        ledger.note(Entry("/x/bad.wav", "failed", reason="unreadable", detail="?"))
        ledger.note(Entry("/x/bad.wav", "failed", reason="unreadable", detail="?"))
        assert ledger.attempts("/x/bad.wav") == 2
    assert "1 failed:unreadable" in said(project, "status") and "qa retry" in said(project, "status")
    assert "0 recordings" in said(project, "retry", "/y/other.wav", code=1)
    assert "0 recordings" in said(project, "retry", "--reason", "empty")
    assert "1 recordings will be tried again" in said(project, "retry", "/x/bad.wav")
    with closing(Ledger(project / "ledger.sqlite")) as ledger:
        assert ledger.attempts("/x/bad.wav") == 0


def test_a_check_finds_nothing_or_names_it_and_repair_mends_it(project: Path) -> None:
    assert said(project, "dataset", "check") == "0 problems\n"
    part = next((project / "dataset" / "scores").rglob("part-0.parquet"))
    part.write_bytes(b"no")
    told = said(project, "dataset", "check", code=1)
    assert "scores of 2023-05-20: the part cannot be read" in told and "--repair" in told
    assert "0 left" in said(project, "dataset", "check", "--repair")
    assert said(project, "dataset", "check") == "0 problems\n"
