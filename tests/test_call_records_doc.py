"""docs/call-records.md: its examples do what it says, and it names every column."""

import re
from datetime import date
from pathlib import Path

import pytest

from qa_pipeline.config import read_config
from qa_pipeline.recordings.records.read import find_records, read_records
from qa_pipeline.recordings.records.record import COLUMNS, RecordError
from qa_pipeline.recordings.records.roster import read_roster
from tests.spoken import small_project

DOC = (Path(__file__).parent.parent / "docs" / "call-records.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```", DOC, re.M | re.S)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return small_project(tmp_path / "project")


def test_the_mapping_reads_the_table_beside_it(project: Path) -> None:
    mapping, _ = blocks("toml")
    (project / "qa.toml").write_text(mapping, "utf-8")
    (project / "export-1.csv").write_text(blocks("csv")[0], "utf-8")
    phones = read_config(project).phones
    records = read_records(find_records([project], phones), phones)
    (r,) = records.records
    assert records.problems == ()
    assert (r.call_id, str(r.offered_at), r.direction, r.answered) == ("c-1", "2024-05-14 09:30:00+08:00", "inbound", True)
    assert (r.ring_ms, r.agent_id, r.fields) == (7500, "6001", {"skill": "售后"})


def test_the_pattern_is_one(project: Path) -> None:
    (project / "qa.toml").write_text(blocks("toml")[1], "utf-8")
    assert read_config(project).records.within_s == 3


def test_the_table_of_agents_is_one(tmp_path: Path) -> None:
    (tmp_path / "agents.csv").write_text(blocks("csv")[1], "utf-8")
    problems: list[RecordError] = []
    roster = read_roster(tmp_path / "agents.csv", problems)
    assert (problems, roster.team_of("6001", date(2024, 5, 14)), roster.team_of("6001", date(2024, 5, 15))) == (
        [],
        "一组",
        "二组",
    )


def test_every_column_is_named() -> None:
    table = DOC.partition("## Our columns")[2].partition("## Anybody")[0]
    assert {name for name in COLUMNS if f"`{name}`" not in table} == set()
