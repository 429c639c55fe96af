"""Files that hold columns in other ways hold the same values for any reader."""

from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from qa_pipeline.dataset.encodings import as_written
from qa_pipeline.dataset.parts import part_path, write_part
from qa_pipeline.dataset.schemas import SCHEMAS

DAY = date(2024, 5, 14)


def turn(number: int, text: str) -> dict[str, object]:
    times = [1000 * number + 200 * i for i in range(len(text))]
    said = {"speaker": "agent", "start_ms": 1000 * number, "end_ms": 1000 * number + 900, "text": text, "char_ms": times}
    return {"call_id": f"c{number // 3}", "turn": number, "leg": 1, **said}


TURNS = [turn(0, "您好"), turn(1, ""), turn(2, "请稍等"), turn(3, "您好"), {"call_id": "c1", "turn": 4}]


@pytest.mark.parametrize("reader", ["pandas", "duckdb", "polars"])
def test_times_and_texts_are_read_as_they_were_by_any_reader(tmp_path: Path, reader: str) -> None:
    write_part(tmp_path, "turns", DAY, TURNS)
    file = str(tmp_path / part_path("turns", DAY))
    if reader == "pandas":
        read = pd.read_parquet(file)
        rows = read.astype(object).where(read.notna(), None).to_dict("records")
    elif reader == "duckdb":
        rows = duckdb.sql(f"select * from '{file}'").pl().to_dicts()
    else:
        rows = pl.read_parquet(file).to_dicts()
    for row, told in zip(rows, TURNS, strict=True):
        for name in ("call_id", "turn", "start_ms", "end_ms", "text", "char_ms"):
            found = row[name]
            assert (list(found) if name == "char_ms" and found is not None else found) == told.get(name)


def columns(file: Path) -> dict[str, pq.ColumnChunkMetaData]:
    group = pq.read_metadata(file).row_group(0)
    return {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}


def test_times_are_kept_as_differences_and_distinct_texts_as_they_are(tmp_path: Path) -> None:
    write_part(tmp_path, "turns", DAY, TURNS)
    told = columns(tmp_path / part_path("turns", DAY))
    for name in ("start_ms", "end_ms", "char_ms.list.element"):
        assert "DELTA_BINARY_PACKED" in told[name].encodings
    assert "RLE_DICTIONARY" not in told["text"].encodings
    assert "RLE_DICTIONARY" in told["speaker"].encodings


@pytest.mark.parametrize("table", sorted(SCHEMAS))
def test_what_is_told_of_a_table_is_told_of_columns_that_its_file_has(tmp_path: Path, table: str) -> None:
    pq.write_table(SCHEMAS[table].empty_table(), tmp_path / "a.parquet")
    schema = pq.read_metadata(tmp_path / "a.parquet").schema
    there = {schema.column(at).path for at in range(len(schema.names))}
    told = as_written(SCHEMAS[table])
    assert {*told["column_encoding"], *told["use_dictionary"], *told["write_statistics"]} <= there
    assert {"call_id", "agent_id"} & set(told["write_statistics"])  # by which the row groups of a call are found
