"""Judging again: same words and rules, same bytes; a call that cannot be judged keeps what it had."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from qa_pipeline.config import read_config
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.rules.pack import load_packs
from qa_pipeline.verdicts import judging, rescoring
from qa_pipeline.verdicts.choice import Choice


@pytest.fixture
def copied(demo_project: Path, tmp_path: Path) -> Path:
    copied = Path(shutil.copytree(demo_project, tmp_path / "project"))
    for pack in (copied / "rules").glob("*.yaml"):  # the demo is judged by one; the others take seconds to compile
        if pack.stem != "etiquette":
            pack.unlink()
    return copied


def findings(root: Path) -> dict[str, bytes]:
    folder = root / "dataset" / "findings"
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.parquet")}


def scores(root: Path) -> list[dict[str, Any]]:
    return [{k: v for k, v in r.items() if k != "scored_at"} for r in read_table(root / "dataset", "scores").to_pylist()]


def again(root: Path) -> rescoring.Outcome:
    return rescoring.rescore(read_config(root), Choice(), lambda done, all_of_them: None)


def test_judging_all_anew_gives_the_same_bytes_of_findings_and_the_same_scores(copied: Path) -> None:
    again(copied)
    before = findings(copied), scores(copied)
    for part in (copied / "dataset" / "findings").rglob("*.parquet"):
        part.unlink()
    assert not again(copied).failed
    assert (findings(copied), scores(copied)) == before
    assert len(before[0]) > 5


def test_a_call_that_cannot_be_judged_keeps_its_verdicts_and_the_others_are_judged(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again(copied)
    real, before = judging.judge_tables, scores(copied)

    def stumbles(tables: Any, *told: Any) -> Any:
        if "pm-01-fee-good" in tables["calls"]["call_id"].to_pylist():
            raise ZeroDivisionError("a bug")
        return real(tables, *told)

    monkeypatch.setattr(judging, "judge_tables", stumbles)
    rules = copied / "rules" / "etiquette.yaml"
    rules.write_text(rules.read_text("utf-8").replace("weight: 25", "weight: 26"), "utf-8")
    assert again(copied).failed == {"pm-01-fee-good": "ZeroDivisionError: a bug"}
    same = {row["call_id"] for row in scores(copied) if row in before}
    assert same == {"pm-01-fee-good"}


@pytest.mark.parametrize("block", [1, 7])
def test_how_many_calls_are_judged_at_once_does_not_show(copied: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    packs, now = load_packs(copied / "rules"), datetime(2026, 1, 1, tzinfo=UTC)
    tables = {name: read_table(copied / "dataset", name) for name in ("calls", "legs", "turns", "events")}
    whole = judging.verdict_tables(tables, packs, now=now)
    monkeypatch.setattr(judging, "BLOCK", block)
    parts = judging.verdict_tables(tables, packs, now=now)
    assert len(whole["findings"]) > 100
    for name, table in whole.items():
        assert parts[name].equals(table)
