"""Calls replaced in partitions: theirs go, others stay, and readers follow them in order."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.dataset import tables
from qa_pipeline.dataset.parts import call_dates, clear_staging, part_path, stream_part, write_part
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.dataset.tables import (
    ORDER,
    find_call,
    in_blocks,
    read_table,
    remove_calls,
    replace_calls,
    transcript_blocks,
)

DAY, NEXT = date(2024, 5, 14), date(2024, 5, 15)


def scores(points: dict[str, float]) -> pa.Table:
    rows = [{"call_id": c, "leg": 1, "pack": "p", "points": p} for c, p in points.items()]
    return pa.Table.from_pylist(rows, schema=SCHEMAS["scores"])


def kept(dataset: Path) -> dict[str, float]:
    return {r["call_id"]: r["points"] for r in read_table(dataset, "scores").to_pylist()}


changes = st.lists(st.dictionaries(st.sampled_from("abcd"), st.floats(0, 9), max_size=3), max_size=4)


@settings(max_examples=30)
@given(changes)
def test_the_latest_word_on_each_call_is_kept_once(
    tmp_path_factory: pytest.TempPathFactory, told: list[dict[str, float]]
) -> None:
    dataset, wanted = tmp_path_factory.mktemp("d"), dict[str, float]()
    for points in told:
        replace_calls(dataset, DAY, {"scores": scores(points)}, list(points))
        wanted |= points
    assert kept(dataset) == wanted
    assert len(read_table(dataset, "scores")) == len(wanted)


def test_what_a_replaced_call_had_goes_even_where_it_has_nothing_now(tmp_path: Path) -> None:
    replace_calls(tmp_path, DAY, {"scores": scores({"a": 1, "b": 2})}, ["a", "b"])
    replace_calls(tmp_path, DAY, {"scores": scores({})}, ["a"])
    assert kept(tmp_path) == {"b": 2}


def test_a_call_is_taken_out_of_every_table_that_has_it(tmp_path: Path) -> None:
    replace_calls(tmp_path, DAY, {"scores": scores({"a": 1, "b": 2})}, ["a", "b"])
    remove_calls(tmp_path, DAY, ["a"])
    assert kept(tmp_path) == {"b": 2}
    assert call_dates(tmp_path, "calls") == []


def test_tables_are_written_from_calls_to_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = []
    monkeypatch.setattr(tables, "merge_part", lambda dataset, name, *_: written.append(name))
    replace_calls(tmp_path, DAY, {name: SCHEMAS[name].empty_table() for name in sorted(ORDER)}, [])
    assert written == list(ORDER)
    assert written.index("calls") < written.index("turns") < written.index("findings") < written.index("scores")


def test_a_call_is_found_without_an_index(tmp_path: Path) -> None:
    for day, call in ((DAY, "a"), (NEXT, "b")):
        write_part(tmp_path, "calls", day, [{"call_id": call}])
    assert [find_call(tmp_path, c) for c in ("a", "b", "c")] == [DAY, NEXT, None]


def test_what_a_killed_writer_left_is_cleared_and_no_reader_ever_saw_it(tmp_path: Path) -> None:
    write_part(tmp_path, "scores", DAY, scores({"a": 1}))
    part = tmp_path / part_path("scores", DAY)
    (tmp_path / ".staging" / "half.parquet").write_bytes(part.read_bytes()[:100])
    assert list(pd.read_parquet(tmp_path / "scores").call_id) == ["a"]
    clear_staging(tmp_path)
    assert list((tmp_path / ".staging").iterdir()) == []
    assert part.exists()


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 3)), max_size=20), st.integers(1, 5))
def test_blocks_hold_every_row_once_and_never_part_a_call(rows: list[tuple[int, int]], size: int) -> None:
    ids = sorted({call for call, _ in rows})
    calls = pa.table({"call_id": pa.array([f"c{i}" for i in reversed(ids)], pa.string())})
    turns = pa.table(
        {"call_id": pa.array([f"c{i}" for i, _ in rows], pa.string()), "turn": pa.array([t for _, t in rows], pa.int32())}
    )
    blocks = list(in_blocks({"calls": calls, "turns": turns}, size))
    told = [sorted(b["turns"].to_pylist(), key=str) for b in blocks]
    assert sorted((row for b in told for row in b), key=str) == sorted(turns.to_pylist(), key=str)
    for block in blocks:
        assert len(block["calls"]) <= size
        assert {r["call_id"] for r in block["turns"].to_pylist()} <= set(block["calls"]["call_id"].to_pylist())


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
@pytest.mark.parametrize("rows", [1, 5, 1000])
@pytest.mark.parametrize("chosen", [range(10), (0, 1), (3, 4, 8), (9,)])
def test_transcripts_come_in_blocks_as_they_are_read_as_a_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, rows: int, chosen: Sequence[int]
) -> None:
    monkeypatch.setattr(tables, "stream_part", partial(stream_part, rows=rows))
    every = [f"c{n}" for n in range(10)]
    write_part(tmp_path, "calls", DAY, [{"call_id": name} for name in every])
    said = [
        {"call_id": name, "turn": turn, "leg": 1, "text": f"{name} {turn}"}
        for n, name in enumerate(every)
        for turn in range(n % 4)
    ]
    write_part(tmp_path, "turns", DAY, said)
    ids = [every[n] for n in chosen]
    blocks = list(transcript_blocks(tmp_path, DAY, ids, size))
    held = [block["calls"]["call_id"].to_pylist() for block in blocks]
    assert [name for its in held for name in its] == ids
    assert max(map(len, held)) <= size and max(map(len, held)) - min(map(len, held)) <= 1
    assert len(held) == -(-len(ids) // size)
    for block in blocks:
        its = block["calls"]["call_id"].to_pylist()
        assert block["turns"]["text"].to_pylist() == [row["text"] for row in said if row["call_id"] in its]
        assert "tokens" not in block["turns"].column_names


def test_a_part_of_an_older_version_may_have_its_turns_in_another_order(tmp_path: Path) -> None:
    write_part(tmp_path, "calls", DAY, [{"call_id": name} for name in "abc"])
    said = [{"call_id": name, "turn": 0, "leg": 1, "text": f"of {name}"} for name in "cab"]
    old = pa.Table.from_pylist(said, schema=SCHEMAS["turns"].with_metadata({"qa_schema_version": "1"}))
    part = tmp_path / part_path("turns", DAY)
    part.parent.mkdir(parents=True)
    pq.write_table(old, part)
    blocks = list(transcript_blocks(tmp_path, DAY, ["a", "b", "c"], 1))
    assert [block["turns"]["text"].to_pylist() for block in blocks] == [["of a"], ["of b"], ["of c"]]


def test_calls_of_a_date_without_turns_come_in_blocks_too(tmp_path: Path) -> None:
    write_part(tmp_path, "calls", DAY, [{"call_id": name} for name in "abc"])
    assert [len(block["turns"]) for block in transcript_blocks(tmp_path, DAY, ["a", "b", "c"], 1)] == [0, 0, 0]
    write_part(tmp_path, "turns", DAY, [])
    assert [len(block["turns"]) for block in transcript_blocks(tmp_path, DAY, ["a", "b", "c"], 1)] == [0, 0, 0]
