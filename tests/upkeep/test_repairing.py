"""What can be rebuilt is: verdicts from transcripts, the ledger from the dataset; what can not is said, and nothing is lost."""

import json
import shutil
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from qa_pipeline.cli.projects import open_project
from qa_pipeline.config import Config, read_config
from qa_pipeline.dataset.check import check_dataset
from qa_pipeline.dataset.ledger import Ledger
from qa_pipeline.dataset.parts import part_path, write_part
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.exchange import importing
from qa_pipeline.exchange.importing import Imported, import_files
from qa_pipeline.upkeep.repairing import repair
from tests.exchange.test_importing import call, one_segmenter
from tests.spoken import small_project

DAY = date(2024, 5, 20)
NEW = {"calls": ("content_key", "content_sha256", "record_mark"), "scores": ("started_at",)}
"""Columns that version 1 did not have."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setattr(importing, "Segmenter", one_segmenter)
    root = small_project(tmp_path / "project")
    (tmp_path / "calls.jsonl").write_text("\n".join(json.dumps(call(c)) for c in "abc"), "utf-8")
    assert take_in(root).imported == 3
    return read_config(root)


def take_in(root: Path) -> Imported:
    return import_files(*open_project(root), [root.parent / "calls.jsonl"])


def part(config: Config, table: str) -> Path:
    return config.root / "dataset" / part_path(table, DAY)


def verdicts(config: Config) -> list[dict[str, Any]]:
    return read_table(config.dataset, "findings").to_pylist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("table", ["findings", "scores"])
def test_torn_verdicts_are_judged_again(project: Config, table: str) -> None:
    before = verdicts(project)
    part(project, table).write_bytes(b"PAR1 torn")
    done = repair(project)
    assert {p.kind for p in done.before} >= {"torn"}
    assert (done.left, done.lost.recorded, verdicts(project)) == ((), (), before)
    aside = project.root / "dataset" / "set_aside" / part_path(table, DAY)
    assert aside.read_bytes() == b"PAR1 torn"


def test_torn_words_are_asked_for_again_and_the_rest_is_set_aside(project: Config) -> None:
    before = verdicts(project)
    part(project, "turns").write_bytes(b"")
    done = repair(project)
    assert (done.left, done.lost.imported, done.lost.recorded) == ((), ("a", "b", "c"), ())
    assert verdicts(project) == []
    assert (project.root / "dataset" / "set_aside" / part_path("calls", DAY)).exists()
    assert take_in(project.root).imported == 3
    assert verdicts(project) == before


def test_a_copied_part_goes_aside_and_nothing_counts_twice(project: Config) -> None:
    copy = part(project, "scores").with_name("part-0 (1).parquet")
    copy.write_bytes(part(project, "scores").read_bytes())
    assert (repair(project).left, copy.exists()) == ((), False)


def test_changed_words_are_judged_as_they_are(project: Config) -> None:
    rows = read_table(project.dataset, "turns").to_pylist()
    first = next(row for row in rows if (row["call_id"], row["turn"]) == ("a", 0))
    first |= {"text": "喂", "char_ms": [first["start_ms"]]}
    write_part(project.dataset, "turns", DAY, rows)
    done = repair(project)
    assert ([p.kind for p in done.before], done.left) == (["other_words"], ())
    greeting = {f["call_id"]: f["verdict"] for f in verdicts(project) if f["rule_id"] == "et.greeting"}
    assert greeting == {"a": "fail", "b": "pass", "c": "pass"}


def test_an_old_dataset_is_read_as_it_is_and_rewritten_on_repair(project: Config) -> None:
    before = verdicts(project)
    for table in ("calls", "legs", "turns", "events", "findings", "scores"):
        path = part(project, table)
        old = pq.ParquetFile(path).read()
        old = old.drop_columns([c for c in NEW.get(table, ()) if c in old.column_names])
        pq.write_table(old.replace_schema_metadata({"qa_schema_version": "1"}), path)
    assert verdicts(project) == before
    done = repair(project)
    assert ({p.kind for p in done.before}, done.left) == ({"old_version"}, ())
    assert read_table(project.dataset, "scores")["started_at"].null_count == 0
    assert verdicts(project) == before


def test_a_deleted_ledger_is_rebuilt_and_nothing_is_taken_in_twice(project: Config) -> None:
    for left in project.root.glob("ledger.sqlite*"):
        left.unlink()
    again = take_in(project.root)
    assert (again.imported, again.known, again.superseded) == (0, 3, ())
    with closing(Ledger(project.ledger)) as ledger:
        assert [ledger.call_date(c) for c in "abc"] == [DAY] * 3


def test_a_whole_dataset_is_left_as_it_is(project: Config) -> None:
    before = part(project, "scores").stat().st_mtime_ns
    assert (repair(project).before, [*check_dataset(project.dataset)]) == ((), [])
    assert part(project, "scores").stat().st_mtime_ns == before


def test_a_dataset_that_version_1_wrote_opens_and_migrates(tmp_path: Path) -> None:
    """`version-1` holds two calls as qa wrote them before schema version 2."""
    root = small_project(tmp_path / "project")
    shutil.copytree(Path(__file__).parents[1] / "dataset" / "version-1", root / "dataset")
    config = read_config(root)
    opened = read_table(config.dataset, "scores")
    assert (opened["call_id"].to_pylist(), opened["started_at"].null_count) == (["a", "b"], 2)
    done = repair(config)
    assert (len(done.before), {p.kind for p in done.before}, done.left) == (6, {"old_version"}, ())
    assert read_table(config.dataset, "scores")["started_at"].null_count == 0
    assert {f["verdict"] for f in verdicts(config)} >= {"pass"}
