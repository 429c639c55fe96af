"""A dataset that keeps the contract passes; each way to break it is named with its table, date and calls."""

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest

from qa_pipeline.dataset.check import SAID, Problem, check_dataset
from qa_pipeline.dataset.lineage import transcript_versions
from qa_pipeline.dataset.parts import part_path, read_part, write_part
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES

DAY, NEXT = date(2024, 5, 14), date(2024, 5, 15)


def keep(dataset: Path, table: str, *rows: dict[str, Any], day: date = DAY) -> None:
    write_part(dataset, table, day, [{"call_id": "a", **row} for row in rows])


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    keep(tmp_path, "calls", {"duration_ms": 9})
    keep(tmp_path, "legs", {"leg": 1, "pack": "p"})
    keep(tmp_path, "turns", {"turn": 0, "leg": 1, "text": "您好", "start_ms": 0, "end_ms": 5})
    keep(tmp_path, "findings", {"leg": 1, "pack": "p", "rule_id": "r", "verdict": "pass"})
    (version,) = transcript_versions({name: read_part(tmp_path, name, DAY) for name in TRANSCRIPT_TABLES}).to_pylist()
    keep(tmp_path, "scores", {"leg": 1, "pack": "p", "transcript_version": version})
    return tmp_path


def kinds(dataset: Path) -> list[tuple[str, str]]:
    return [(problem.kind, problem.table) for problem in check_dataset(dataset)]


def test_a_whole_dataset_has_no_problems(dataset: Path) -> None:
    assert kinds(dataset) == []


def test_a_torn_part_is_told_and_what_hangs_on_it(dataset: Path) -> None:
    path = dataset / part_path("scores", DAY)
    path.write_bytes(path.read_bytes()[:99])
    assert kinds(dataset) == [("torn", "scores"), ("unjudged", "scores")]


def test_a_file_beside_the_part_doubles_rows_and_is_told(dataset: Path) -> None:
    path = dataset / part_path("findings", DAY)
    (path.parent / "copy of part-0.parquet").write_bytes(path.read_bytes())
    assert len(pd.read_parquet(dataset / "findings")) == 2
    assert kinds(dataset) == [("stray_file", "findings")]


def test_keys_given_twice_and_rows_without_their_call_are_told(dataset: Path) -> None:
    path = dataset / part_path("turns", DAY)
    rows = pq.ParquetFile(path).read().to_pylist()
    pq.write_table(read_part(dataset, "turns", DAY).from_pylist(rows * 2, schema=pq.read_schema(path)), path)
    keep(dataset, "findings", {"leg": 2, "pack": "p", "rule_id": "r"}, {"leg": 1, "pack": "p", "rule_id": "r"})
    found = kinds(dataset)
    assert ("key_twice", "turns") in found and ("orphan", "findings") in found


def test_scores_of_other_words_are_told(dataset: Path) -> None:
    keep(dataset, "turns", {"turn": 0, "leg": 1, "text": "喂", "start_ms": 0, "end_ms": 5})
    assert kinds(dataset) == [("other_words", "scores")]


def test_a_call_under_two_dates_is_told(dataset: Path) -> None:
    keep(dataset, "calls", {"duration_ms": 9}, day=NEXT)
    assert ("two_dates", "calls") in kinds(dataset)


def test_a_part_of_an_older_version_is_told(dataset: Path) -> None:
    path = dataset / part_path("scores", DAY)
    old = pq.ParquetFile(path).read().drop_columns(["started_at"])
    pq.write_table(old.replace_schema_metadata({"qa_schema_version": "1"}), path)
    assert kinds(dataset) == [("old_version", "scores")]


def test_every_kind_has_words() -> None:
    for kind in SAID:
        assert str(Problem(kind, "scores", DAY, "x", ("a", "b", "c", "d"))).endswith("(x): a, b, c and 1 more")
