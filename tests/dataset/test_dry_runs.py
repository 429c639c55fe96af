"""What a dry run keeps is read by anyone as plain columns, whatever they were in memory."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from qa_pipeline.dataset.dry_runs import keep_table, read_kept
from qa_pipeline.dataset.schemas import SCHEMAS, coded

DAY = date(2024, 5, 14)
FINDINGS = SCHEMAS["findings"]
ROWS = [
    {"call_id": f"c{n}", "leg": 1, "pack": "p", "rule_id": "r", "verdict": "fail", "reason": None if n else "late"}
    for n in range(9)
]


@pytest.mark.parametrize("rows", [1, 9], ids=["few of the names", "all of them"])
def test_coded_names_are_kept_as_texts(tmp_path: Path, rows: int) -> None:
    table = pa.Table.from_pylist(ROWS, schema=FINDINGS)
    keep_table(tmp_path, "run", "findings", DAY, table.cast(coded(FINDINGS)).slice(0, rows))
    assert read_kept(tmp_path, "run", "findings", DAY, FINDINGS).equals(table.slice(0, rows))
    (file,) = (tmp_path / "diffs").rglob("*.parquet")
    read = pd.read_parquet(file, columns=["call_id", "verdict", "reason"])
    assert not any(isinstance(kind, pd.CategoricalDtype) for kind in read.dtypes)
    assert read["call_id"].tolist() == [row["call_id"] for row in ROWS[:rows]]
    assert b"c8" not in file.read_bytes() or rows == 9  # nobody else's name is in there
