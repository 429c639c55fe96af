"""Files that are not what they seem: each a problem with its place, the good rows used, nothing raised."""

import json
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.mapping import Column, RecordMapping
from qa_pipeline.recordings.records.read import read_records
from qa_pipeline.recordings.records.record import PhoneSystem, RecordError, fingerprint
from tests.recordings.test_asterisk import CUSTOM, PLAIN, STORY
from tests.recordings.test_freeswitch import agent, customer, xml_of

MAPPING = RecordMapping(
    "m", ("m.csv", "m.json"), {"a": Column("call_id"), "b": Column("ring_ms", "s"), "c": Column("started_at")}
)
PHONES = PhoneSystem(ZoneInfo("Asia/Shanghai"), mappings=(MAPPING,))
SEEDS = {
    "cdr.csv": 'call_id,started_at,holds,transfers\na,2024-05-14T09:00:00,"[[1, 2]]","[{""at_ms"": 5}]"\n',
    "Master.csv": PLAIN + CUSTOM,
    "cel.csv": STORY,
    "x.cdr.json": json.dumps(customer()),
    "x.cdr.jsonl": json.dumps(agent()) + "\n" + json.dumps(customer()) + "\n",
    "x.cdr.xml": xml_of(customer()),
    "m.csv": "a;b;c\n1;2;2024-05-14 09:00\n",
    "m.json": '[{"a": 1, "b": "7,5", "c": 1715650200}]',
}


def read(name: str, content: bytes) -> Records:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(content)
        return read_records([Path(folder) / name], PHONES)


@given(st.sampled_from(sorted(SEEDS)), st.data())
@settings(max_examples=400)
def test_no_damage_to_a_file_raises_and_every_problem_has_its_file(name: str, data: st.DataObject) -> None:
    raw = bytearray(SEEDS[name].encode())
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(raw)))
        odd = st.sampled_from(
            [b"\0", b'"', b"\n", b",", b"\xff\xfe", b"[", b"}", b"9" * 25, b"-", b"NaN", b"\\ud800", b"<", b"1e999"]
        )
        raw[at : at + data.draw(st.integers(0, 12))] = data.draw(st.one_of(odd, st.binary(max_size=8)))
    records = read(name, bytes(raw))
    assert all(isinstance(p, RecordError) and p.place.file for p in records.problems)
    assert all(r.call_id and fingerprint(r) for r in records.records)
    json.dumps([dict(r.fields) for r in records.records]).encode()  # what is kept can be written


@given(st.sampled_from(["cdr.csv", "Master.csv", "x.cdr.json", "x.cdr.xml", "m.json", "m.csv"]), st.binary(max_size=300))
@settings(max_examples=200)
def test_nor_do_files_of_anything(name: str, content: bytes) -> None:
    records = read(name, content)
    assert records.records or records.problems or not content.strip() or name.endswith(".json")


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=8,
)
KEYS = (
    "call_id",
    "recording",
    "holds",
    "transfers",
    "started_at",
    "answered_ms",
    "ring_count",
    "variables",
    "callflow",
    "app_log",
)


@given(st.dictionaries(st.sampled_from(KEYS), json_values, max_size=6))
def test_nor_does_json_of_any_shape(told: dict[str, object]) -> None:
    read("x.cdr.json", json.dumps(told).encode())
    read("x.cdr.json", json.dumps({"variables": told, "callflow": told.get("callflow")}).encode())


def test_a_row_with_a_million_cells_costs_itself(tmp_path: Path) -> None:
    records = read("cdr.csv", b"call_id,team\na,x" + b",1" * 1_000_000 + b"\nb,y\n")
    assert [r.call_id for r in records.records] == ["a", "b"]
    (problem,) = records.problems
    assert "more cells than columns; 1, 1, 1, 1, 1 …" in str(problem) and len(str(problem)) < 300


def test_a_cell_beyond_measure_costs_its_row() -> None:
    records = read("cdr.csv", b"call_id,team\na,x\nb," + b"9" * 200_000 + b"\nc,z\n")
    assert [r.call_id for r in records.records] == ["a", "c"]
    assert [p.place.line for p in records.problems] == [3]


def test_bytes_of_value_0_are_told_once_with_their_line() -> None:
    records = read("cdr.csv", b"call_id,team\na,x\nb\0,y\0\n")
    assert [(r.call_id, r.team) for r in records.records] == [("a", "x"), ("b", "y")]
    assert ["bytes of value 0" in str(p) and p.place.line == 3 for p in records.problems] == [True]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "9" * 10_000, '"' + "x" * 100])
def test_json_that_is_too_deep_or_no_call_is_one_problem(text: str) -> None:
    records = read("x.cdr.json", text.encode())
    assert (records.records, len(records.problems)) == ((), 1)
    assert len(str(records.problems[0])) < 400


def test_a_formula_is_a_text(tmp_path: Path) -> None:
    (record,) = read("cdr.csv", b"call_id,team,note\na,=cmd|' /C calc'!A0,@SUM(1)\n").records
    assert (record.team, record.fields["note"]) == ("=cmd|' /C calc'!A0", "@SUM(1)")
