"""Parts that an older version wrote are read as today's; those of a newer one are refused."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qa_pipeline.dataset.migrate import version_of
from qa_pipeline.dataset.parts import part_path, read_part, write_part
from qa_pipeline.dataset.schemas import SCHEMAS, VERSION
from qa_pipeline.errors import DatasetError

DAY = date(2024, 5, 14)


def written(dataset: Path, table: pa.Table, version: int) -> Path:
    path = dataset / part_path("scores", DAY)
    path.parent.mkdir(parents=True)
    pq.write_table(table.replace_schema_metadata({"qa_schema_version": str(version)}), path)
    return path


def test_a_column_that_an_old_part_lacks_is_empty_and_its_rows_are_all_there(tmp_path: Path) -> None:
    old = pa.table({"call_id": ["a", "b"], "leg": pa.array([1, 1], pa.int32()), "pack": ["p", "p"], "points": [1.0, 2.0]})
    written(tmp_path, old, 1)
    read = read_part(tmp_path, "scores", DAY)
    assert read.schema == SCHEMAS["scores"]
    assert read["points"].to_pylist() == [1.0, 2.0]
    assert read["started_at"].null_count == 2


def test_what_is_written_says_its_version(tmp_path: Path) -> None:
    write_part(tmp_path, "scores", DAY, [{"call_id": "a", "leg": 1, "pack": "p"}])
    assert version_of(pq.read_schema(tmp_path / part_path("scores", DAY))) == VERSION


def test_a_part_of_a_newer_version_is_refused_not_guessed_at(tmp_path: Path) -> None:
    written(tmp_path, SCHEMAS["scores"].empty_table(), VERSION + 1)
    with pytest.raises(DatasetError, match=f"schema version {VERSION + 1}, this qa knows {VERSION}"):
        read_part(tmp_path, "scores", DAY)


def test_a_column_of_another_kind_is_said(tmp_path: Path) -> None:
    written(tmp_path, pa.table({"call_id": ["a"], "points": ["many"]}), 1)
    with pytest.raises(DatasetError, match="does not fit the scores table"):
        read_part(tmp_path, "scores", DAY)
