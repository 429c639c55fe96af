"""Anybody's CSV, JSON and JSONL by [records.mapping.NAME]."""

import json
import tomllib
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.mapping import read_mapping
from qa_pipeline.recordings.records.read import find_records, read_records
from qa_pipeline.recordings.records.record import PhoneSystem

TZ = ZoneInfo("Asia/Shanghai")
CRM = """
files = ["export-*.csv", "*.calls.json*"]
[columns]
"通话编号" = "call_id"
"录音" = "recording"
"方向" = {to = "direction", values = {"呼入" = "inbound", "呼出" = "outbound"}}
"开始" = {to = "offered_at", format = "%Y/%m/%d %H:%M:%S"}
"接通" = {to = "answered", values = {"已接" = "true", "未接" = "false"}}
"振铃秒" = {to = "ring_ms", unit = "s"}
"时长" = "duration_ms"
"坐席.工号" = "agent_id"
"技能" = "fields.skill"
"""


def phones(text: str = CRM) -> PhoneSystem:
    problems: list[str] = []
    mapping = read_mapping("crm", tomllib.loads(text), problems)
    assert mapping and not problems
    return PhoneSystem(TZ, mappings=(mapping,))


def read(folder: Path, name: str, content: bytes | str, text: str = CRM) -> Records:
    (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return read_records(find_records([folder], phones(text)), phones(text))


HEADER = "通话编号,方向,开始,接通,振铃秒,时长,技能,备注\n"
ROW = "c1,呼入,2024/5/14 9:30:00,已接,7.5,00:01:30,售后,加急\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_a_csv_in_any_encoding_and_with_any_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    records = read(tmp_path, "export-1.csv", (HEADER + ROW).replace(",", delimiter).encode(encoding))
    (r,) = records.records
    assert (r.call_id, r.direction, r.answered, r.ring_ms, r.duration_ms) == ("c1", "inbound", True, 7500, 90_000)
    assert r.offered_at and r.offered_at.isoformat() == "2024-05-14T09:30:00+08:00"
    assert (r.fields, records.problems) == ({"skill": "售后", "备注": "加急"}, ())


def test_values_that_do_not_fit_are_named_in_their_own_words(tmp_path: Path) -> None:
    bad = "c2,转接,昨天,也许,很久,x,,\n"
    records = read(tmp_path, "export-1.csv", HEADER + ROW + bad)
    said = [str(p).rpartition("export-1.csv:")[2] for p in records.problems]
    assert said == [
        "3: 方向: expected one of 呼入, 呼出, found '转接'; the cell is left out",
        "3: 开始: expected a time in the form %Y/%m/%d %H:%M:%S, found '昨天'; the cell is left out",
        "3: 接通: expected one of 已接, 未接, found '也许'; the cell is left out",
        "3: 振铃秒: expected a number of s, found '很久'; the cell is left out",
        "3: 时长: expected a number of ms, found 'x'; the cell is left out",
    ]
    assert [r.call_id for r in records.records] == ["c1", "c2"]


def test_json_with_paths_and_the_list_inside(tmp_path: Path) -> None:
    calls = {"data": {"calls": [{"通话编号": 7, "坐席": {"工号": 6001}, "ticket": {"type": "complaint"}}]}}
    text = 'rows = "data.calls"\n' + CRM
    (r,) = read(tmp_path, "a.calls.json", json.dumps(calls), text).records
    assert (r.call_id, r.agent_id, r.fields["ticket"]) == ("7", "6001", {"type": "complaint"})


def test_jsonl_in_which_one_line_is_broken(tmp_path: Path) -> None:
    records = read(tmp_path, "a.calls.jsonl", '{"通话编号": "a"}\n{"通话编号": \n[1]\n{"通话编号": "b"}\n')
    assert [r.call_id for r in records.records] == ["a", "b"]
    assert [p.place.line for p in records.problems] == [2, 3]


@pytest.mark.parametrize(
    ("cell", "said", "kept"),
    [
        ("8.61E+12", "a number that a spreadsheet has rounded", None),
        ("1012345678", "seems to have lost its leading 0", "1012345678"),
        ('="01012345678"', None, "01012345678"),
        ("13800001111.0", None, "13800001111"),
        ("=HYPERLINK(1)", None, "=HYPERLINK(1)"),
    ],
)
def test_what_a_spreadsheet_did_to_numbers_is_told(tmp_path: Path, cell: str, said: str | None, kept: str | None) -> None:
    quoted = cell.replace('"', '""')
    records = read(tmp_path, "cdr.csv", f'call_id,caller_number\na,"{quoted}"\n')
    assert [r.caller_number for r in records.records] == [kept]
    assert [said in str(p) for p in records.problems] == ([True] if said else [])
    assert all(p.place.line == 2 for p in records.problems)


def test_an_id_that_a_spreadsheet_cut_is_told(tmp_path: Path) -> None:
    records = read(tmp_path, "cdr.csv", "call_id,team\n20240514093000100000,x\n2.02405E+19,y\n")
    assert ["more digits than" in str(records.problems[0]), "rounded" in str(records.problems[1])] == [True, True]
    assert [r.call_id for r in records.records] == ["20240514093000100000"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("x", "records.mapping.crm: expected a section"),
        ({}, "records.mapping.crm.files: expected names"),
        ({"files": "a.csv"}, "records.mapping.crm.columns: expected columns"),
        ({"files": "a.csv", "columns": {"x": "team"}}, "expected one that becomes call_id or recording"),
        ({"files": "a.csv", "columns": {"x": "call_id", "y": "caller"}}, "columns.y: unknown 'caller'; there are agent_id"),
        ({"files": "a.csv", "columns": {"x": 5}}, "columns.x: expected a name of ours"),
        ({"files": "a.csv", "columns": {"x": {"to": "ring_ms", "unit": "h"}}}, "columns.x.unit: expected one of ms, s, min"),
        ({"files": "a.csv", "columns": {"x": {"to": "direction", "values": {"a": "up"}}}}, "expected one of inbound, outbound"),
        ({"files": "a.csv", "columns": {"x": {"to": "call_id", "zone": 1}}}, "unknown key records.mapping.crm.columns.x.zone"),
        ({"files": "a.csv", "tz": "Mars", "columns": {"x": "call_id"}}, "crm.tz: expected a zone"),
        ({"files": "a.csv", "sep": ";", "columns": {"x": "call_id"}}, "unknown key records.mapping.crm.sep"),
    ],
)
def test_a_wrong_mapping_says_everything_that_is_wrong(told: Any, said: str) -> None:
    problems: list[str] = []
    read_mapping("crm", told, problems)
    assert any(said in problem for problem in problems), problems
