from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.dataset import parts
from qa_pipeline.dataset.parts import merge_part, part_path, read_as, read_part, write_part
from qa_pipeline.dataset.schemas import SCHEMAS, coded
from qa_pipeline.dataset.store import open_store
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
    write_part(tmp_path / "x", "scores", DAY, [score("a"), score("b")])
    write_part(tmp_path / "y", "scores", DAY, [score("b"), score("a")])
    one, two = (tmp_path / folder / part_path("scores", DAY) for folder in "xy")
    assert one.read_bytes() == two.read_bytes()


def test_an_agents_verdicts_lie_together(tmp_path: Path) -> None:
    write_part(tmp_path, "scores", DAY, [score("a", agent_id="2"), score("b", agent_id="1"), score("c", agent_id="2")])
    assert list(pd.read_parquet(tmp_path / "scores").call_id) == ["b", "a", "c"]


def test_a_part_gets_the_mode_that_the_umask_gives_any_file(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    write_part(tmp_path, "scores", DAY, [score("a")])
    assert (tmp_path / part_path("scores", DAY)).stat().st_mode == plain.stat().st_mode


def test_a_few_calls_or_columns_are_read_alone(tmp_path: Path) -> None:
    write_part(tmp_path, "scores", DAY, [score("a"), score("b")])
    assert read_part(tmp_path, "scores", DAY, ["call_id", "percent"], ["b"]).to_pylist() == [{"call_id": "b", "percent": 80.0}]
    assert len(read_part(tmp_path, "scores", DAY, calls=["z"])) == 0


def test_a_torn_part_is_said_with_its_file_and_what_to_do(tmp_path: Path) -> None:
    write_part(tmp_path, "scores", DAY, [score("a")])
    path = tmp_path / part_path("scores", DAY)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DatasetError, match=r"part-0\.parquet: not a whole Parquet file.*qa dataset check --repair"):
        read_part(tmp_path, "scores", DAY)


@pytest.mark.parametrize("where", ["s3:/nowhere", "hello", "ftp://example/calls"])
def test_a_place_of_no_known_kind_is_said(where: str) -> None:
    with pytest.raises(DatasetError, match="expected a URI such as s3://bucket/calls"):
        open_store(where)


ROWS = st.dictionaries(st.sampled_from("abcdefghij"), st.one_of(st.none(), st.sampled_from("123")), max_size=10)


@given(ROWS, ROWS, st.sets(st.sampled_from("abcdefghij")))
def test_a_merged_part_has_the_bytes_of_one_that_was_written_at_once(
    old: dict[str, str | None], new: dict[str, str | None], gone: set[str]
) -> None:
    """Whatever its calls and their agents are, and wherever its pieces and row groups end."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "BATCH", 2)
        patch.setattr(parts, "GROUP", 3)
        merged, whole = Path(folder, "merged"), Path(folder, "whole")
        write_part(merged, "scores", DAY, [score(c, agent_id=a) for c, a in old.items()])
        rows = pa.Table.from_pylist([score(c, agent_id=a, percent=1.0) for c, a in new.items()], schema=SCHEMAS["scores"])
        merge_part(merged, "scores", DAY, rows, gone | set(new))
        left = [score(c, agent_id=a) for c, a in old.items() if c not in gone | set(new)]
        write_part(whole, "scores", DAY, [*left, *rows.to_pylist()])
        one, two = (place / part_path("scores", DAY) for place in (merged, whole))
        assert one.read_bytes() == two.read_bytes()


def test_a_merge_that_would_double_a_key_is_refused_and_the_old_part_stays(tmp_path: Path) -> None:
    write_part(tmp_path, "scores", DAY, [score("a"), score("b")])
    rows = pa.Table.from_pylist([score("b"), score("c")], schema=SCHEMAS["scores"])
    with pytest.raises(DatasetError, match="given twice"):
        merge_part(tmp_path, "scores", DAY, rows, ["c"])
    assert list(pd.read_parquet(tmp_path / "scores").call_id) == ["a", "b"]
    assert list((tmp_path / ".staging").iterdir()) == []


def test_a_torn_part_is_not_merged_into_but_said(tmp_path: Path) -> None:
    write_part(tmp_path, "scores", DAY, [score("a")])
    path = tmp_path / part_path("scores", DAY)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DatasetError, match="not a whole Parquet file"):
        merge_part(tmp_path, "scores", DAY, SCHEMAS["scores"].empty_table(), ["a"])
    assert len(path.read_bytes()) == 200


@pytest.mark.parametrize("calls", [None, ["c2", "c4"], ["nobody"]])
def test_a_part_is_read_with_coded_names_as_it_is_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: list[str] | None
) -> None:
    monkeypatch.setattr(parts, "GROUP", 3)  # each row group has names of its own
    write_part(tmp_path, "scores", DAY, [score(f"c{n}", agent_id=None if n % 3 else f"a{n}", team="t") for n in range(8)])
    plain = read_part(tmp_path, "scores", DAY, calls=calls)
    read = read_as(coded(SCHEMAS["scores"]), tmp_path, "scores", DAY, calls)
    assert pa.types.is_dictionary(read.schema.field("agent_id").type)
    assert read.cast(SCHEMAS["scores"]).equals(plain)
    assert len(read_as(coded(SCHEMAS["scores"]), tmp_path, "scores", date(2024, 5, 15))) == 0
