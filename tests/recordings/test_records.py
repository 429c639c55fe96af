"""Call records: every bad cell has its file and line, every good one stands."""

import csv
import io
import tempfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline import shipped
from qa_pipeline.recordings.files import one_file
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.read import find_records, read_records
from qa_pipeline.recordings.records.record import PhoneSystem

TZ = ZoneInfo("Asia/Shanghai")
PHONES = PhoneSystem(TZ)


def read(folder: Path, text: str, encoding: str = "utf-8") -> Records:
    (folder / "cdr.csv").write_bytes(text.encode(encoding))
    return read_records([folder / "cdr.csv"], PHONES)


def said(records: Records) -> list[str]:
    return [str(p).rpartition("cdr.csv:")[2] for p in records.problems]


def test_the_shipped_records_are_read_whole() -> None:
    records = read_records(find_records([shipped.sample_calls()]), PHONES)
    assert (len(records.records), records.problems) == (25, ())
    held = next(r for r in records.records if r.call_id == "cs-05-long-transfer")
    assert held.holds == ((35700, 145700), (201460, 321460))
    assert held.transfers[0]["target"] == "金融财务部"
    assert held.recording_starts == "ring"


@pytest.mark.parametrize(
    ("column", "cell", "expected"),
    [
        ("answered_ms", "soon", "whole milliseconds"),
        ("ring_ms", "-5", "whole milliseconds"),
        ("answered", "perhaps", "true"),
        ("started_at", "yesterday", "a date and time"),
        ("hangup_by", "nobody", "agent, customer"),
        ("end_reason", "boredom", "normal, transferred"),
        ("holds", '"[[20, 10]]"', "ending after its start"),
        ("holds", "[1]", "ending after its start"),
        ("transfers", '"{""at_ms"": 1}"', "objects such as"),
    ],
)
def test_a_bad_cell_is_named_with_its_line_and_the_rest_of_its_row_stands(
    tmp_path: Path, column: str, cell: str, expected: str
) -> None:
    records = read(tmp_path, f"call_id,team,{column}\na,t1,\nb,t2,{cell}\n")
    (problem,) = said(records)
    assert problem.startswith(f"3: {column}: expected") and expected in problem and "left out" in problem
    assert [(r.call_id, r.team) for r in records.records] == [("a", "t1"), ("b", "t2")]


cells = st.one_of(st.integers(0, 10**7).map(str), st.text('xy-.,[" \n人', min_size=1).filter(lambda s: s.strip()))


@given(st.lists(cells, max_size=6))
def test_there_are_as_many_problems_as_bad_cells_and_no_row_is_lost(column: list[str]) -> None:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerows([["call_id", "ended_ms"], *([f"c{i}", cell] for i, cell in enumerate(column))])
    with tempfile.TemporaryDirectory() as folder:
        records = read(Path(folder), out.getvalue())
    good = {f"c{i}": int(cell) for i, cell in enumerate(column) if cell.strip().isdecimal()}
    assert {r.call_id: r.ended_ms for r in records.records if r.ended_ms is not None} == good
    assert len(records.records) == len(column) == len(good) + len(records.problems)


def test_what_has_no_column_here_is_kept_as_a_field(tmp_path: Path) -> None:
    (record,) = read(tmp_path, "call_id,skill,queue\na,售后,7\n").records
    assert record.fields == {"skill": "售后", "queue": "7"}


def test_an_export_from_a_chinese_spreadsheet_is_read(tmp_path: Path) -> None:
    (record,) = read(tmp_path, "call_id,department\na,行政电商部\n", "gb18030").records
    assert record.department == "行政电商部"


def test_a_file_that_is_no_csv_is_one_problem_and_other_files_stand(tmp_path: Path) -> None:
    (tmp_path / "bad.cdr.csv").write_bytes(b"call_id\n\xff\xff\xff\n")
    (tmp_path / "other.cdr.csv").write_text("when,who\n1,2\n")
    (tmp_path / "cdr.csv").write_text("call_id\na\n")
    records = read_records(find_records([tmp_path]), PHONES)
    assert [r.call_id for r in records.records] == ["a"]
    first, second = map(str, records.problems)
    assert "bad.cdr.csv" in first and "UTF-8 or GB18030" in first
    assert "other.cdr.csv:1" in second and "found when, who" in second


def test_more_cells_than_columns_and_rows_without_a_name_are_problems(tmp_path: Path) -> None:
    records = read(tmp_path, "call_id,recording\na,a.wav,extra\n,\n")
    assert said(records)[0].startswith("2: more cells than columns; extra")
    assert said(records)[1].startswith("3: neither call_id nor recording")
    assert [r.call_id for r in records.records] == ["a"]


def test_a_call_told_twice_differently_is_a_problem_and_told_twice_the_same_is_none(tmp_path: Path) -> None:
    records = read(tmp_path, "call_id,team\na,x\na,y\nb,z\nb,z\n")
    assert said(records) == ["3: call_id a is given twice with different cells; the first row stands"]
    assert [(r.call_id, r.team) for r in records.records] == [("a", "x"), ("b", "z")]


def test_a_recording_is_joined_by_its_folder_then_its_name_then_its_id(tmp_path: Path) -> None:
    for day in ("1", "2"):
        (tmp_path / day).mkdir()
        (tmp_path / day / "cdr.csv").write_text(f"call_id,recording\n{day}-a,x.wav\n{day}-b,only{day}.wav\n{day}-c,\n")
    records = read_records(find_records([tmp_path]), PHONES)
    ids = [getattr(records.of(tmp_path / p), "call_id", None) for p in ("1/x.wav", "2/x.wav", "k/only2.wav", "k/1-c.wav")]
    assert ids == ["1-a", "2-a", "2-b", "1-c"]
    assert records.of(tmp_path / "k" / "x.wav") is None  # two records have the name: neither is sure


def test_missing_are_answered_calls_whose_recording_is_nowhere(tmp_path: Path) -> None:
    text = "call_id,recording,answered\nhere,here.wav,true\nbeside,beside.wav,true\ngone,gone.wav,是\nnever,never.wav,false\n"
    (tmp_path / "beside.wav").touch()
    records = read(tmp_path, text)
    assert [r.call_id for r in records.without_recording([one_file(tmp_path / "here.wav")])] == ["gone"]


def test_records_are_looked_for_in_folders_and_beside_files_and_taken_by_name(tmp_path: Path) -> None:
    for name in ("a/cdr.csv", "a/b/x.cdr.csv", "a/other.csv", "a/y.wav", ".old/cdr.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    def names(path: Path) -> list[str]:
        return [f.relative_to(tmp_path).as_posix() for f in find_records([path])]

    assert names(tmp_path) == ["a/b/x.cdr.csv", "a/cdr.csv"]
    assert names(tmp_path / "a" / "y.wav") == ["a/cdr.csv"]
    assert names(tmp_path / "a" / "other.csv") == ["a/cdr.csv", "a/other.csv"]
    assert names(tmp_path / "nowhere") == []


def test_times_without_a_zone_are_local_and_others_are_brought_there(tmp_path: Path) -> None:
    records = read(tmp_path, "call_id,started_at\na,2024-05-14T23:30:00\nb,2024-05-14T16:30:00Z\n").records
    assert [r.started_at and r.started_at.isoformat() for r in records] == [
        "2024-05-14T23:30:00+08:00",
        "2024-05-15T00:30:00+08:00",
    ]


def test_a_file_name_tells_what_its_pattern_names() -> None:
    pattern = r"(?P<call_id>[^_]+)_(?P<started_at>\d{14})_(?P<agent_id>\d+)"
    record = named_record(Path("c7_20240514093000_6001.wav"), PhoneSystem(TZ, pattern=pattern))
    assert record is not None
    assert (record.call_id, record.agent_id) == ("c7", "6001")
    assert record.started_at == datetime(2024, 5, 14, 9, 30, tzinfo=TZ)
    assert named_record(Path("other.wav"), PhoneSystem(TZ, pattern=pattern)) is None
