from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qa_pipeline.dataset.parts import write_part
from qa_pipeline.errors import DatasetError

DAY = date(2024, 5, 14)


def score(call_id: str, **values: Any) -> dict[str, Any]:
    return {"call_id": call_id, "leg": 1, "pack": "etiquette", "percent": 80.0, **values}


def test_a_plain_read_sees_the_rows_in_key_order_with_the_date_from_the_path(tmp_path: Path) -> None:
    write_part(tmp_path, "scores", DAY, [score("b"), score("a")])
    read = pd.read_parquet(tmp_path / "scores")
    assert list(read.call_id) == ["a", "b"]
    assert set(read.call_date.astype(str)) == {"2024-05-14"}


def test_writing_a_partition_again_replaces_it_and_leaves_nothing_in_staging(tmp_path: Path) -> None:
    write_part(tmp_path, "scores", DAY, [score("a"), score("b")])
    write_part(tmp_path, "scores", DAY, [score("c")])
    assert list(pd.read_parquet(tmp_path / "scores").call_id) == ["c"]
    assert list((tmp_path / ".staging").iterdir()) == []


@pytest.mark.parametrize(
    "rows",
    [
        [score("a"), score("a")],
        [score("a", percent="many")],
        [{"call_id": "a", "leg": 1}],
        [score("a", percnt=80.0)],
        [score("a"), {**score("b"), "call_id": 7}],
    ],
    ids=["key twice", "wrong type", "key missing", "unknown column", "mixed key types"],
)
def test_rows_that_break_the_contract_are_refused_and_the_old_part_stays(tmp_path: Path, rows: list[dict[str, Any]]) -> None:
    write_part(tmp_path, "scores", DAY, [score("old")])
    with pytest.raises(DatasetError, match="scores"):
        write_part(tmp_path, "scores", DAY, rows)
    assert list(pd.read_parquet(tmp_path / "scores").call_id) == ["old"]


def test_the_same_rows_in_any_order_give_the_same_bytes(tmp_path: Path) -> None:
    one = write_part(tmp_path / "x", "scores", DAY, [score("a"), score("b")])
    two = write_part(tmp_path / "y", "scores", DAY, [score("b"), score("a")])
    assert one.read_bytes() == two.read_bytes()


def test_a_part_gets_the_mode_that_the_umask_gives_any_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    assert write_part(tmp_path, "scores", DAY, [score("a")]).stat().st_mode == plain.stat().st_mode
