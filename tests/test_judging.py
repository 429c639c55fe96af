"""Judging again: same words and rules, same bytes; a call that cannot be judged keeps what it had."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from qa_pipeline import judging
from qa_pipeline.cli import open_project
from qa_pipeline.dataset.tables import read_table


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


def test_rescoring_gives_the_same_bytes_of_findings_and_the_same_scores(copied: Path) -> None:
    before = findings(copied), scores(copied)
    for part in (copied / "dataset" / "findings").rglob("*.parquet"):
        part.unlink()
    config, packs = open_project(copied)
    assert judging.rescore(config.dataset, packs) == (25, {})
    assert (findings(copied), scores(copied)) == before
    assert len(before[0]) > 5


def test_a_rule_edited_changes_its_findings_and_no_others(copied: Path) -> None:
    path = copied / "rules" / "etiquette.yaml"
    text = path.read_text("utf-8")
    config, packs = open_project(copied)
    weight = next(r.weight for r in packs["etiquette"].rules if r.id == "et.closing")
    before = read_table(config.dataset, "findings").to_pylist()
    at = text.index("et.closing")
    path.write_text(text[:at] + text[at:].replace(f"weight: {weight:g}", f"weight: {weight + 7:g}", 1), "utf-8")
    judging.rescore(*(lambda c, p: (c.dataset, p))(*open_project(copied)))
    after = read_table(config.dataset, "findings").to_pylist()
    changed = {a["rule_id"] for a, b in zip(after, before, strict=True) if a != b}
    assert changed == {"et.closing"}


def test_a_call_that_cannot_be_judged_keeps_its_verdicts_and_the_others_are_judged(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = judging.judge_tables

    def stumbles(tables: Any, *told: Any) -> Any:
        if "pm-01-fee-good" in tables["calls"]["call_id"].to_pylist():
            raise ZeroDivisionError("a bug")
        return real(tables, *told)

    monkeypatch.setattr(judging, "judge_tables", stumbles)
    before = scores(copied)
    config, packs = open_project(copied)
    assert judging.rescore(config.dataset, packs) == (24, {"pm-01-fee-good": "ZeroDivisionError: a bug"})
    assert scores(copied) == before


def test_a_pack_that_is_gone_is_said_call_by_call(copied: Path) -> None:
    config, packs = open_project(copied)
    judged, failed = judging.rescore(config.dataset, {name: p for name, p in packs.items() if name != "etiquette"})
    assert (judged, len(failed)) == (0, 25)
    assert all("'etiquette' is not in rules/" in said for said in failed.values())
