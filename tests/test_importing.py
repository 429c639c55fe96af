"""Imported transcripts: good lines are taken in, bad ones named, none twice."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from qa_pipeline.cli import open_project
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.importing import Imported, import_file
from tests.spoken import small_project


def call(call_id: str, **more: Any) -> dict[str, Any]:
    turns = [
        {"speaker": "agent", "start_ms": 800, "end_ms": 2600, "text": "您好，乡野邻家。"},
        {"speaker": "customer", "start_ms": 3100, "end_ms": 4200, "text": "我想订鸡蛋"},
    ]
    return {"call_id": call_id, "started_at": "2024-05-20T23:30:00", "agent_id": "6001", "turns": turns, **more}


class Project:
    def __init__(self, root: Path) -> None:
        small_project(root)
        self.root = root

    def take_in(self, lines: Sequence[dict[str, Any] | str | bytes]) -> Imported:
        raw = [x if isinstance(x, bytes) else (x if isinstance(x, str) else json.dumps(x)).encode() for x in lines]
        (self.root / "calls.jsonl").write_bytes(b"\n".join(raw) + b"\n")
        return import_file(*open_project(self.root), self.root / "calls.jsonl")

    def rows(self, table: str) -> list[dict[str, Any]]:
        return read_table(self.root / "dataset", table).to_pylist()  # type: ignore[no-any-return]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project")


def test_a_good_line_is_stored_and_judged(project: Project) -> None:
    assert project.take_in([call("a")]) == Imported(1, 0, ())
    (kept,), (score,) = project.rows("calls"), project.rows("scores")
    assert (kept["source"], kept["tz"], score["agent_id"]) == ("imported", "Asia/Shanghai", "6001")
    greeting = next(f for f in project.rows("findings") if f["rule_id"] == "et.greeting")
    assert greeting["verdict"] == "pass"
    assert [t["text"] for t in project.rows("turns")] == ["您好，乡野邻家。", "我想订鸡蛋"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("not json", "Expecting value"),
        ("[1]", "expected a JSON object"),
        (b"\xff\xfe", "codec can't decode"),
        ({"call_id": "x"}, "started_at"),
        (call("x", started_at="soon"), "soon"),
        (call("x", pack="nope"), "unknown pack 'nope'"),
        (call("x", turns=[{"speaker": "boss", "start_ms": 0, "end_ms": 1, "text": ""}]), "boss"),
        (call("x", turns=[{"speaker": "agent", "start_ms": 5, "end_ms": 1, "text": ""}]), "ends before it starts"),
        (call("x", ring_ms="long"), "long"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_taken_in(project: Project, line: Any, said: str) -> None:
    result = project.take_in([call("a"), line, call("b")])
    (problem,) = result.problems
    assert f"{project.root / 'calls.jsonl'}:2: " in str(problem) and said in str(problem)
    assert result.imported == 2
    assert [c["call_id"] for c in project.rows("calls")] == ["a", "b"]


def test_the_same_line_again_is_known_wherever_it_stands(project: Project) -> None:
    project.take_in([call("a"), call("b")])
    assert project.take_in([call("b"), call("c"), call("c"), call("a")]) == Imported(1, 3, ())
    assert len(project.rows("scores")) == 3


def test_the_same_call_with_other_content_is_refused(project: Project) -> None:
    result = project.take_in([call("a"), call("a", agent_id="7")])
    assert (result.imported, [p.message for p in result.problems]) == (
        1,
        ["call_id 'a' is kept already with other content; give this call its own id"],
    )
    assert [s["agent_id"] for s in project.rows("scores")] == ["6001"]


def test_a_call_is_kept_under_its_local_date(project: Project) -> None:
    project.take_in([call("a", started_at="2024-05-20T23:30:00+00:00")])
    assert [p.name for p in (project.root / "dataset" / "calls").iterdir()] == ["call_date=2024-05-21"]
    assert project.rows("calls")[0]["tz"] == "Asia/Shanghai"
