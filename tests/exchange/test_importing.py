"""Imported transcripts: good lines are stored and judged, bad ones named, none kept twice, new content replaces the old."""

import importlib.util
import json
import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from qa_pipeline.cli.projects import open_project
from qa_pipeline.config import Config
from qa_pipeline.dataset import ledger as ledgers
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.exchange import importing
from qa_pipeline.exchange.import_form import transcript_of
from qa_pipeline.exchange.importing import Imported, Superseded, import_files
from qa_pipeline.forms.check import FormError
from qa_pipeline.forms.read import How, Roles
from qa_pipeline.model import Transcript
from qa_pipeline.settings import Packs
from qa_pipeline.text.segment import Segmenter
from qa_pipeline.verdicts import judging
from tests.conftest import Qa
from tests.spoken import small_project

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def turn(speaker: str, start_ms: int, end_ms: int, text: str, **more: Any) -> dict[str, Any]:
    return {"speaker": speaker, "start_ms": start_ms, "end_ms": end_ms, "text": text, **more}


def call(call_id: str = "a", **more: Any) -> dict[str, Any]:
    turns = [turn("agent", 800, 2600, "您好，乡野邻家。"), turn("customer", 3100, 4200, "我想订鸡蛋")]
    return {"call_id": call_id, "started_at": "2024-05-20T23:30:00", "agent_id": "6001", "turns": turns, **more}


class Project:
    def __init__(self, root: Path) -> None:
        self.root = small_project(root)

    def take_in(self, lines: Sequence[Any], name: str = "calls.jsonl", how: How | None = None) -> Imported:
        raw = [x if isinstance(x, bytes) else (x if isinstance(x, str) else json.dumps(x)).encode() for x in lines]
        (self.root / name).write_bytes(b"\n".join(raw) + b"\n")
        return import_files(*open_project(self.root), [self.root / name], how)

    def rows(self, table: str) -> list[dict[str, Any]]:
        return read_table(self.root / "dataset", table).to_pylist()  # type: ignore[no-any-return]

    def ids(self) -> list[str]:
        return [row["call_id"] for row in self.rows("calls")]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(importing, "Segmenter", one_segmenter)
    return Project(tmp_path / "project")


@cache
def one_segmenter(words: tuple[str, ...]) -> Segmenter:
    """A dictionary takes seconds to load; the tests need it once."""
    return Segmenter(words)


def read(told: dict[str, Any], packs: Packs | None = None) -> Transcript:
    known: Any = {"etiquette": None, "hotel": None, "salon": None}
    return transcript_of(told, Config(Path(), packs=packs or Packs()), known)


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
        ("not json", "not JSON: Expecting value at column 1"),
        ("[1]", "expected a JSON object with call_id, started_at and turns, found a list of 1"),
        (b"\xff\xfe", "expected UTF-8 text, found byte 0xff at 0"),
        (
            {"call_id": "x"},
            "started_at: expected a date and time such as 2024-05-14T09:30:00, found none; turns: expected a list",
        ),
        (call("x", pack="etiquete"), "found unknown pack 'etiquete'; etiquette?"),
        (
            call("x", turns=[turn("boss", 0, 1, "")]),
            "turns[0].speaker: expected one of agent, customer, ivr, unknown, found 'boss'",
        ),
        (
            call("x", turns=[turn("agent", 5, 1, "")]),
            "turns[0].end_ms: expected at least start_ms (5); it ends before it starts",
        ),
        (call("x", ring_ms="long"), "ring_ms: expected whole milliseconds, 0 or more, found 'long'"),
        ('{"call_id": "x", "fields": {"a": NaN}}', "NaN is no JSON number"),
    ],
)
def test_a_bad_line_is_named_and_the_others_are_taken_in(project: Project, line: Any, said: str) -> None:
    result = project.take_in([call("a"), line, call("b")])
    (problem,) = result.problems
    assert str(problem).startswith(f"{project.root / 'calls.jsonl'}:2: ") and said in str(problem)
    assert result.imported == 2
    assert project.ids() == ["a", "b"]


def test_the_same_content_is_known_whatever_file_line_or_order_of_keys(project: Project) -> None:
    project.take_in([call("a"), call("b")])
    before = project.rows("scores")
    backwards = dict(reversed([*call("a", team=None).items()]))
    assert project.take_in([call("b"), call("c"), call("c"), backwards], "other.jsonl") == Imported(1, 3, ())
    assert [s for s in project.rows("scores") if s["call_id"] != "c"] == before


def test_the_same_call_with_other_content_takes_its_place(project: Project) -> None:
    project.take_in([call("a"), call("b")])
    assert project.take_in([call("a", agent_id="7")]) == Imported(0, 0, (), (Superseded("a", 2),))
    assert [(c["call_id"], c["revision"]) for c in project.rows("calls")] == [("a", 2), ("b", 1)]
    assert [(s["call_id"], s["agent_id"]) for s in project.rows("scores")] == [("b", "6001"), ("a", "7")]  # by agent
    assert {f["agent_id"] for f in project.rows("findings") if f["call_id"] == "a"} == {"7"}
    assert project.take_in([call("a", agent_id="7")]) == Imported(0, 1, ())


def test_within_one_file_the_last_content_counts(project: Project) -> None:
    result = project.take_in([call("a"), call("a", agent_id="7"), call("a", agent_id="8")])
    assert (result.imported, result.superseded) == (1, (Superseded("a", 2), Superseded("a", 3)))
    assert [(c["revision"], c["call_id"]) for c in project.rows("calls")] == [(3, "a")]
    assert [s["agent_id"] for s in project.rows("scores")] == ["8"]


def test_a_call_that_moves_to_another_date_leaves_the_old_one(project: Project) -> None:
    project.take_in([call("a"), call("b")])
    project.take_in([call("a", started_at="2024-05-25T09:00:00")])
    assert sorted(project.ids()) == ["a", "b"] and [c["revision"] for c in project.rows("calls")] == [1, 2]
    assert len(project.rows("turns")) == 4


def test_a_call_that_a_recording_gave_is_not_overwritten(project: Project) -> None:
    ledger = ledgers.Ledger(project.root / "ledger.sqlite")
    ledger.note(ledgers.Entry(str(project.root / "a.wav"), "sealed", "sha", call_id="a"))
    ledger.close()
    (problem,) = project.take_in([call("a")]).problems
    assert "call_id 'a' is kept already from" in str(problem) and "a.wav" in str(problem)


def test_a_call_is_kept_under_its_local_date(project: Project) -> None:
    project.take_in([call("a", started_at="2024-05-20T23:30:00+00:00")])
    assert [p.name for p in (project.root / "dataset" / "calls").iterdir()] == ["call_date=2024-05-21"]
    assert project.rows("calls")[0]["tz"] == "Asia/Shanghai"


def test_a_call_that_cannot_be_judged_is_a_problem_and_its_words_wait(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = judging.judge_tables

    def stumbles(tables: Any, *told: Any) -> Any:
        if "b" in tables["calls"]["call_id"].to_pylist():
            raise ZeroDivisionError("a bug")
        return real(tables, *told)

    monkeypatch.setattr(judging, "judge_tables", stumbles)
    result = project.take_in([call("a"), call("b")])
    assert [str(p) for p in result.problems] == ["call b: not judged: ZeroDivisionError: a bug"]
    assert project.ids() == ["a"]
    monkeypatch.setattr(judging, "judge_tables", real)
    assert project.take_in([]) == Imported(0, 0, ())
    assert project.ids() == ["a", "b"]


def test_parts_are_rewritten_ever_more_rarely_and_each_date_once_a_sealing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "TOGETHER", 1)
    monkeypatch.setattr(importing, "SEAL_FROM", 2)
    monkeypatch.setattr(ledgers, "CHUNK", 2)
    sealed, written = list[int](), list[str]()
    real = judging.replace_calls

    def replaces(dataset: Any, day: Any, tables: Any, ids: Sequence[str]) -> None:
        written.append(day.isoformat())
        sealed.append(len(ids))
        real(dataset, day, tables, ids)

    monkeypatch.setattr(judging, "replace_calls", replaces)
    assert project.take_in([call(f"{i:02}") for i in range(13)]).imported == 13
    assert sealed == [2, 2, 4, 5]
    assert project.ids() == [f"{i:02}" for i in range(13)]
    again = [call(f"{i:02}", agent_id="7") for i in range(13)]
    assert [s.revision for s in project.take_in(again).superseded] == [2] * 13
    assert {s["agent_id"] for s in project.rows("scores")} == {"7"} and len(project.rows("scores")) == 13


def test_no_line_is_read_before_the_batch_before_it_is_kept(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "TOGETHER", 2)
    order: list[str] = []
    keep, objects = ledgers.Ledger.keep, importing.read_objects

    def keeps(self: Any, entry: Any, *told: Any) -> None:
        order.append(f"kept {entry.call_id}")
        keep(self, entry, *told)

    def reads(*told: Any) -> Any:
        for number, one in objects(*told):
            order.append(f"read {one['call_id']}")
            yield number, one

    monkeypatch.setattr(ledgers.Ledger, "keep", keeps)
    monkeypatch.setattr(importing, "read_objects", reads)
    project.take_in([call(c) for c in "abcd"])
    assert order == ["read a", "read b", "kept a", "kept b", "read c", "read d", "kept c", "kept d"]


def test_an_unknown_pack_is_told_with_what_there_is() -> None:
    with pytest.raises(FormError, match=r"pack: expected one of etiquette, hotel, salon, found unknown pack 'Hotl'; hotel[?]"):
        read(call(pack="Hotl"))


@pytest.mark.parametrize(
    ("told", "pack"),
    [
        ({}, "etiquette"),
        ({"pack": "hotel", "called_number": "400"}, "hotel"),
        ({"called_number": 400}, "salon"),
        ({"called_number": "400", "department": "总机"}, "salon"),
        ({"called_number": "1", "department": "总机"}, "hotel"),
        ({"pack": "", "department": "前台"}, "etiquette"),
    ],
)
def test_without_a_pack_the_project_maps_number_then_department_else_its_default(told: dict[str, Any], pack: str) -> None:
    mapping = Packs(called_numbers={"400": "salon"}, departments={"总机": "hotel"})
    assert {leg.pack for leg in read(call(**told), mapping).legs} == {pack}


@pytest.mark.parametrize(
    ("told", "measured"),
    [
        ({}, ()),
        ({"events": None}, ()),
        ({"events": []}, ("all",)),
        ({"events": [], "measured": ["tones"]}, ("tones",)),
        ({"events": [], "measured": []}, ()),
        ({"measured": ["speech"]}, ("speech",)),
    ],
)
def test_events_say_what_was_measured_unless_it_is_told(told: dict[str, Any], measured: tuple[str, ...]) -> None:
    assert read(call(**told)).call.measured == measured


def test_turns_are_put_in_order_and_overlaps_stay() -> None:
    told = [turn("customer", 900, 2000, "喂"), turn("agent", 0, 1500, "您好"), turn("agent", 1000, 1200, "请讲")]
    found = read(call(turns=told)).turns
    assert [(t.turn, t.text, t.span.start_ms) for t in found] == [(0, "您好", 0), (1, "喂", 900), (2, "请讲", 1000)]


def test_a_turn_given_twice_counts_once_and_the_call_is_flagged() -> None:
    once, twice = turn("agent", 0, 900, "您好", char_ms=[0, 400]), turn("agent", 1000, 1900, "您好", char_ms=[1000, 1400])
    assert read(call(turns=[once, twice])).call.flags == ()
    found = read(call(turns=[once, twice, dict(once)]))
    assert (len(found.turns), found.call.flags) == (2, ("duplicate_turns",))


@pytest.mark.parametrize(
    ("more", "times", "flags"),
    [
        ({}, (800, 1250, 1700, 2150), ("times_interpolated",)),
        ({"char_ms": []}, (800, 1250, 1700, 2150), ("times_interpolated",)),
        ({"char_ms": [None, None, 2000, None]}, (800, 1400, 2000, 2300), ("times_interpolated",)),
        ({"char_ms": [900, 1000, 1100, 1200]}, (900, 1000, 1100, 1200), ()),
        ({"char_ms": [None, 700, 3000, None]}, (700, 700, 3000, 3000), ("times_interpolated",)),
    ],
)
def test_missing_character_times_are_interpolated_and_marked(
    more: dict[str, Any], times: tuple[int, ...], flags: tuple[str, ...]
) -> None:
    found = read(call(turns=[turn("agent", 800, 2600, "您好请讲", **more)]))
    assert (found.turns[0].char_ms, found.call.flags) == (times, flags)


def test_speech_without_words_has_no_times_to_miss() -> None:
    found = read(call(turns=[turn("customer", 0, 900, " "), turn("customer", 900, 1800, "")]))
    assert [(t.text, t.char_ms) for t in found.turns] == [("", ()), ("", ())]
    assert found.call.flags == ()


def test_an_unanswered_call_without_turns_is_a_call(project: Project) -> None:
    told = {k: v for k, v in call(answered=False, ring_ms=20_000, end_reason="abandoned").items() if k != "turns"}
    assert project.take_in([told]) == Imported(1, 0, ())
    assert project.rows("turns") == [] and len(project.rows("legs")) == 1
    assert {f["verdict"] for f in project.rows("findings")} >= {"na"}


def test_values_of_the_record_are_kept_and_further_ones_are_fields() -> None:
    found = read(call(answered_ms=-500, n_channels=1, caller_number=138, crm="new", fields={"vip": True}, hangup_by="unknown"))
    assert (found.call.answered_ms, found.call.n_channels, found.call.caller_number) == (-500, 1, "138")
    assert found.call.fields == {"crm": "new", "vip": True, "transfers": []}
    assert found.call.hangup_source is None and read(call(hangup_by="agent")).call.hangup_source == "record"


def test_holds_and_events_keep_their_times_sides_and_attributes() -> None:
    holds = [{"start_ms": 3000, "end_ms": None, "why": "查询"}]
    events = [
        {"kind": "noise", "channel": "customer", "start_ms": 9, "peak_dbfs": -1},
        {"kind": "ring", "channel": 0, "start_ms": 1},
    ]
    hold, noise, ring = read(call(holds=holds, events=events, ended_ms=5000)).events
    assert (hold.span.end_ms, hold.source, hold.attrs) == (5000, "record", {"why": "查询"})
    assert (noise.channel, noise.span.end_ms, noise.attrs) == (1, 9, {"peak_dbfs": -1, "side": "customer"})
    assert (ring.channel, ring.source, ring.attrs) == (0, "audio", {})


def test_each_agent_of_a_call_has_a_leg_and_asides_are_marked() -> None:
    told = [
        turn("agent", 0, 900, "您好"),
        turn("agent", 2000, 2900, "有人投诉", agent_id=7, addressee="colleague"),
        turn("agent", 5000, 5900, "您好", agent_id=7, confidence=0.5),
    ]
    found = read(call(turns=told, transfers=[{"at_ms": 4000, "target": "工程部"}]))
    assert [(leg.agent_id, leg.span.start_ms) for leg in found.legs] == [("6001", 0), ("7", 4000)]
    assert [(t.leg, t.addressee, t.confidence) for t in found.turns] == [
        *((1, "customer", None), (1, "colleague", None), (2, "customer", 0.5)),
    ]


WHISPERX = {
    "segments": [
        {"start": 0.8, "end": 2.0, "text": "您好，乡野邻家。", "speaker": "SPEAKER_00", "words": []},
        {"start": 3.0, "end": 4.0, "text": "我想订鸡蛋", "speaker": "SPEAKER_01", "words": []},
    ],
    "language": "zh",
}
AGENT = How(roles=Roles(agent=("SPEAKER_00",)))


def test_a_whisperx_file_is_a_call_named_after_it_that_is_judged(project: Project) -> None:
    assert project.take_in([json.dumps(WHISPERX, indent=1)], "t-9.json", AGENT) == Imported(1, 0, ())
    (kept,) = project.rows("calls")
    assert (kept["call_id"], kept["flags"]) == ("t-9", ["no_record", "time_from_file", "times_interpolated"])
    assert (kept["asr"], kept["n_channels"], kept["roles_source"]) == ("whisperx", 1, "settings")
    assert next(f for f in project.rows("findings") if f["rule_id"] == "et.greeting")["verdict"] == "pass"
    os.utime(project.root / "t-9.json", (0, 0))
    assert import_files(*open_project(project.root), [project.root / "t-9.json"], AGENT) == Imported(0, 1, ())


def test_without_roles_it_is_said_that_nobody_knows_the_agent(project: Project) -> None:
    result = project.take_in([WHISPERX], "t-9.json")
    assert (result.imported, result.no_roles) == (1, ("t-9",))
    greeting = next(f for f in project.rows("findings") if f["rule_id"] == "et.greeting")
    assert (greeting["verdict"], greeting["reason"]) == ("unsure", "roles_unknown")
    assert project.take_in([WHISPERX], "t-9.json", AGENT).superseded == (Superseded("t-9", 2),)


def test_a_call_record_beside_the_file_is_joined(project: Project) -> None:
    rows = ["call_id,recording,started_at,agent_id,hangup_by,ticket", "c-1,t-9.wav,2024-05-14T09:30:00,6001,customer,T7"]
    (project.root / "cdr.csv").write_text("\n".join(rows) + "\n", "utf-8")
    assert project.take_in([WHISPERX], "t-9.json", AGENT).imported == 1
    (kept,), (score,) = project.rows("calls"), project.rows("scores")
    assert (kept["call_id"], kept["hangup_by"], kept["flags"]) == ("c-1", "customer", ["times_interpolated"])
    assert json.loads(kept["fields"])["ticket"] == "T7" and score["agent_id"] == "6001"


def test_a_broken_call_record_beside_it_is_told_once(project: Project) -> None:
    (project.root / "cdr.csv").write_text("call_id,answered\nt-9,perhaps\n", "utf-8")
    (problem,) = project.take_in([WHISPERX], "t-9.json", AGENT).problems
    assert "cdr.csv:2: answered: expected one of" in str(problem)
    assert project.ids() == ["t-9"]


def test_many_foreign_calls_in_one_file_need_ids(project: Project) -> None:
    result = project.take_in([{**WHISPERX, "call_id": "a"}, {**WHISPERX, "call_id": "b"}, WHISPERX], how=AGENT)
    assert project.ids() == ["a", "b"]
    assert [str(p).split(":3: ")[1] for p in result.problems] == [
        "call_id: expected an id, as the file holds more than one call, found none"
    ]


def test_a_funasr_file_of_several_results_is_as_many_calls(project: Project) -> None:
    told = [{"key": k, "sentence_info": [{"text": "您好。", "start": 800, "end": 1600, "spk": 0}]} for k in ("x", "y")]
    assert project.take_in([told], "batch.json", How(roles=Roles(agent=("first",)))).imported == 2
    assert project.ids() == ["x", "y"]


def test_the_scripts_of_every_pack_are_imported_and_judged_by_the_command(qa: Qa, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("scripts", BENCHMARKS / "scripts.py")
    assert spec and spec.loader
    scripts = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scripts)
    told = [yaml.safe_load(p.read_text("utf-8")) for p in sorted(scripts.SCRIPTS.glob("*.yaml"))]
    lines = [json.dumps(scripts.imported(script), ensure_ascii=False) for script in told]
    (tmp_path / "calls.jsonl").write_text("\n".join(lines), "utf-8")
    assert qa("init", tmp_path / "p").returncode == 0
    done = qa("import", tmp_path / "calls.jsonl", "--project", tmp_path / "p")
    assert (done.returncode, done.stdout) == (0, "25 calls imported, 0 known, 0 with problems\n"), done.stderr
    findings = pd.read_parquet(tmp_path / "p" / "dataset" / "findings")
    assert findings.groupby("pack").call_id.nunique().to_dict() == {
        **{"duty-desk": 4, "farm-cs": 5, "hotel": 6, "property": 6, "salon": 4},
    }
    assert set(findings.verdict) >= {"pass", "fail", "na"}


def test_the_command_says_what_was_replaced_and_what_is_wrong(qa: Qa, project: Project) -> None:
    project.take_in([call("a")])
    (project.root / "more.jsonl").write_text("\n".join(map(json.dumps, [call("a", team="夜班"), call("b"), {}])), "utf-8")
    done = qa("import", project.root / "more.jsonl", "--project", project.root)
    assert done.returncode == 3
    assert done.stdout.splitlines() == [
        "1 calls imported, 0 known, 1 with problems",
        "  1 with other content than before; they replace what was kept, verdicts included",
        "  replaced: call a is revision 2 now",
    ]
    assert f"{project.root / 'more.jsonl'}:3: call_id: expected a text, found none; started_at: expected" in done.stderr


def test_the_command_prints_its_schema_and_refuses_a_label_with_two_roles(qa: Qa) -> None:
    assert json.loads(qa("import", "--schema").stdout)["required"] == ["call_id", "started_at"]
    assert qa("import").returncode == 2
    done = qa("import", __file__, "--agent", "0", "--customer", "0")
    assert (done.returncode, "0: one label, two roles" in done.stderr) == (2, True)
