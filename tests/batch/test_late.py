"""Records that come late, are corrected, or tell of calls without a recording."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qa_pipeline.dataset.ledger import Ledger
from tests.spoken import Parrot, clip, small_project
from tests.test_night import House, records

COLUMNS = "call_id,recording,started_at,agent_id,answered,answered_ms,holds,transfers,conversation_id"


@pytest.fixture
def house(tmp_path: Path) -> House:
    small_project(tmp_path / "project")
    (tmp_path / "recordings").mkdir()
    return House(tmp_path / "project", tmp_path / "recordings")


def one(house: House, table: str) -> dict[str, Any]:
    (row,) = house.rows(table)
    return row


def ids(house: House) -> set[str]:
    tables = ("calls", "legs", "turns", "events", "findings", "scores")
    return {row["call_id"] for table in tables for row in house.rows(table)}


def test_a_late_record_joins_the_words_that_are_kept_and_nothing_is_heard_again(house: House) -> None:
    clip(house.recordings / "a.wav", 0, 16)
    house.run()
    before, turns = one(house, "calls"), house.rows("turns")
    held, moved = (
        '"[[11000, 13000]]"',
        '"[{""at_ms"": 14000, ""target"": ""6002"", ""agent_id"": ""6002"", ""result"": ""answered""}]"',
    )
    records(house, f"c1,a.wav,2024-05-14T09:00:00,6001,true,10000,{held},{moved},conv", columns=COLUMNS)
    parrot = Parrot()
    summary = house.run(parrot)
    call = one(house, "calls")
    assert (parrot.heard, summary.known, summary.new, summary.no_record) == ([], 1, 0, ())
    assert [(r.call_id, r.before, r.revision) for r in summary.rejoined] == [("c1", before["call_id"], 2)]
    assert ids(house) == {"c1"}  # nothing of the old id is left
    assert (call["conversation_id"], call["revision"], "no_record" in call["flags"]) == ("conv", 2, False)
    assert (call["duration_ms"], call["ring_count"], call["agent_snr_db"]) == (16000, 2, before["agent_snr_db"])
    assert call["recordings"] == before["recordings"]
    assert [(leg["agent_id"], leg["start_ms"]) for leg in house.rows("legs")] == [("6001", 0), ("6002", 14000)]
    assert [(leg["transfer_target"], leg["transfer_result"]) for leg in house.rows("legs")] == [
        ("6002", "answered"),
        (None, None),
    ]
    assert [e["source"] for e in house.rows("events") if e["kind"] == "hold"] == ["record"]
    kept = ("text", "char_ms", "tokens", "start_ms", "confidence")
    assert [[t[k] for k in kept] for t in house.rows("turns")] == [[t[k] for k in kept] for t in turns]
    assert {t["leg"] for t in house.rows("turns") if t["start_ms"] >= 14000} <= {2}
    assert (house.root / "dataset" / "calls" / "call_date=2024-05-14").is_dir()
    assert house.run().rejoined == ()


def test_a_corrected_record_is_a_new_revision_of_the_same_call(house: House) -> None:
    clip(house.recordings / "a.wav")
    records(house, "c1,a.wav,2024-05-14T09:00:00,6001,true")
    house.run()
    records(house, "c1,a.wav,2024-05-15T09:00:00,6009,true")
    parrot = Parrot()
    summary = house.run(parrot)
    assert ([r.revision for r in summary.rejoined], parrot.heard) == ([2], [])
    assert (one(house, "legs")["agent_id"], one(house, "scores")["agent_id"], one(house, "calls")["revision"]) == (
        "6009",
        "6009",
        2,
    )
    records(house, "c1-corrected,a.wav,2024-05-15T09:00:00,6009,true")
    assert [(r.call_id, r.before) for r in house.run().rejoined] == [("c1-corrected", "c1")]
    assert ids(house) == {"c1-corrected"}


RECORDS = [
    'c1,a.wav,2024-05-14T09:00:00,6001,true,10000,"[[11000, 13000]]",'
    '"[{""at_ms"": 14000, ""target"": ""6002"", ""agent_id"": ""6002"", ""result"": ""answered""}]",conv',
    "c1,a.wav,2024-05-14T09:00:00,6001,true,0,,,",
    "c1,a.wav,,,,,,,",
    "c1,a.wav,2024-05-14T09:00:00,6001,true,16000,,,",
]


@pytest.mark.parametrize("row", RECORDS)
def test_a_record_that_came_late_makes_the_call_that_it_would_have_made_in_time(house: House, tmp_path: Path, row: str) -> None:
    clip(house.recordings / "a.wav", 0, 16)
    small_project(tmp_path / "punctual")
    punctual = House(tmp_path / "punctual", house.recordings)
    house.run()
    records(house, row, columns=COLUMNS)
    house.run()
    punctual.run()
    for table in ("calls", "legs", "turns", "events", "findings", "scores"):
        late, in_time = ([{**r, "revision": 0, "scored_at": 0} for r in h.rows(table)] for h in (house, punctual))
        assert late == in_time, table


def test_a_late_record_may_come_alone_the_recordings_elsewhere(house: House, tmp_path: Path) -> None:
    from qa_pipeline import night
    from qa_pipeline.cli.projects import open_project

    clip(house.recordings / "in-1715650200.26.wav")
    house.run()
    (tmp_path / "late.csv").write_text("call_id,agent_id,answered\n1715650200.26,6001,true\n1715650300.27,6001,true\n")
    config, packs = open_project(house.root)
    summary = night.run(config, [tmp_path / "late.csv"], packs, Parrot())
    assert ([r.call_id for r in summary.rejoined], summary.missing) == (["1715650200.26"], ("1715650300.27",))
    assert one(house, "scores")["agent_id"] == "6001"


def test_a_record_that_is_no_longer_at_hand_changes_nothing(house: House) -> None:
    clip(house.recordings / "a.wav")
    records(house, "c1,a.wav,2024-05-14T09:00:00,6001,true")
    house.run()
    (house.recordings / "cdr.csv").unlink()
    assert (house.run().rejoined, house.calls()) == ((), ["c1"])


def test_a_record_whose_id_another_recording_has_is_told_and_both_calls_stay(house: House) -> None:
    clip(house.recordings / "a.wav", 10, 16)
    clip(house.recordings / "b.wav", 11, 17)
    records(house, "c1,a.wav,2024-05-14T09:00:00,6001,true")
    house.run()
    records(house, "c1,b.wav,2024-05-14T09:00:00,6001,true")
    summary = house.run()
    assert len(house.calls()) == 2 and "c1 is already kept from" in str(summary.problems[-1])


def test_of_two_recordings_that_one_late_record_fits_the_first_has_it(house: House) -> None:
    clip(house.recordings / "q-1715650200.26-1.wav", 10, 16)
    clip(house.recordings / "q-1715650200.26-2.wav", 11, 17)
    house.run()
    records(house, "1715650200.26,,2024-05-14T09:00:00,6001,true")
    summary = house.run()
    assert ([r.call_id for r in summary.rejoined], len(house.calls())) == (["1715650200.26"], 2)
    assert "q-1715650200.26-2.wav stays as it is" in str(summary.problems[-1])


def test_an_imported_transcript_takes_the_place_of_a_call_known_by_its_record_alone(house: House) -> None:
    from qa_pipeline.cli.projects import open_project
    from qa_pipeline.exchange.importing import import_files

    records(house, "n1,inbound,220,6001,2024-05-14T09:00:00,false,32000,7,abandoned", columns=UNANSWERED)
    house.run()
    turn = {"speaker": "agent", "start_ms": 0, "end_ms": 900, "text": "您好"}
    told = {"call_id": "n1", "started_at": "2024-05-14T09:00:00", "turns": [turn]}
    (house.root / "calls.jsonl").write_text(json.dumps(told))
    assert import_files(*open_project(house.root), [house.root / "calls.jsonl"]).problems == ()
    assert (house.calls(), len(house.rows("turns"))) == (["n1"], 1)
    assert house.run().unanswered == ()


def test_announcements_before_the_answer_follow_the_record(house: House) -> None:
    clip(house.recordings / "a.wav", 10, 16)
    house.run()
    spoken = [t["speaker"] for t in house.rows("turns")]
    assert "agent" in spoken
    records(house, "c1,a.wav,2024-05-14T09:00:00,6001,true,6000,,,", columns=COLUMNS)
    house.run()
    assert "agent" not in [t["speaker"] for t in house.rows("turns")] and "ivr" in [t["speaker"] for t in house.rows("turns")]
    records(house, "c1,a.wav,2024-05-14T09:00:00,6001,true,0,,,", columns=COLUMNS)
    house.run()
    assert [t["speaker"] for t in house.rows("turns")] == spoken


UNANSWERED = "call_id,direction,called_number,agent_id,offered_at,answered,ring_ms,ring_count,end_reason"


def test_a_call_that_nobody_took_is_a_call_without_turns_and_is_judged(house: House) -> None:
    records(house, "n1,inbound,220,6001,2024-05-14T09:00:00,false,32000,7,abandoned", columns=UNANSWERED)
    summary = house.run()
    call, leg, score = one(house, "calls"), one(house, "legs"), one(house, "scores")
    assert (summary.unanswered, summary.missing, house.rows("turns")) == (("n1",), (), [])
    assert (call["end_reason"], call["answered"], call["ring_ms"], call["ring_count"], call["recordings"]) == (
        *("abandoned", False, 32000, 7, []),
    )
    assert (leg["agent_id"], leg["pack"], score["percent"]) == ("6001", "etiquette", None)
    verdicts = {f["rule_id"]: (f["verdict"], f["reason"]) for f in house.rows("findings")}
    assert "pass" not in {v for v, _ in verdicts.values()} and "fail" not in {v for v, _ in verdicts.values()}
    assert house.run().unanswered == ()


def test_an_abandoned_call_that_rang_too_long_can_be_told_by_a_rule(house: House) -> None:
    pack = """
pack: lost
title: 漏接
sections: {s: 铃响}
rules:
  - id: lost.ring
    title: 铃响不过三声
    section: s
    weight: 30
    clauses: [x]
    coach: 三声内接听
    when: call
    expect: {measure: ring_count, at_most: 3}
    examples: {pass: ["call {ring_count: 2} / A 您好"], fail: ["call {ring_count: 5} / A 您好"], na: []}
"""
    (house.root / "rules" / "lost.yaml").write_text(pack, "utf-8")
    (house.root / "qa.toml").write_text('[packs]\ndefault = "etiquette"\n[packs.called_numbers]\n"220" = "lost"\n', "utf-8")
    records(house, "n1,inbound,220,6001,2024-05-14T09:00:00,false,32000,7,abandoned", columns=UNANSWERED)
    house.run()
    assert [(f["rule_id"], f["verdict"]) for f in house.rows("findings")] == [("lost.ring", "fail")]


def test_a_corrected_unanswered_call_is_replaced_and_its_recording_takes_its_place(house: House) -> None:
    records(house, "n1,inbound,220,6001,2024-05-14T09:00:00,false,32000,7,abandoned", columns=UNANSWERED)
    house.run()
    records(house, "n1,inbound,220,6002,2024-05-14T09:00:00,false,32000,7,no_answer", columns=UNANSWERED)
    assert house.run().unanswered == ("n1",)
    assert (one(house, "calls")["revision"], one(house, "calls")["end_reason"], one(house, "legs")["agent_id"]) == (
        *(2, "no_answer", "6002"),
    )
    clip(house.recordings / "n1.wav")
    summary = house.run()
    assert (summary.new, summary.failures) == (1, ())
    assert (house.calls(), len(one(house, "calls")["recordings"])) == (["n1"], 2)
    with_record = {Path(path).name: state[0] for path, state in house.states().items()}
    assert with_record == {"n1.wav": "sealed"}
    assert house.run().unanswered == ()


def test_unanswered_calls_are_left_alone_where_the_settings_say_so(house: House) -> None:
    (house.root / "qa.toml").write_text("[records]\nunanswered = false\n")
    records(house, "n1,inbound,220,6001,2024-05-14T09:00:00,false,32000,7,abandoned", columns=UNANSWERED)
    assert (house.run().unanswered, house.rows("calls")) == ((), [])


def test_two_records_that_one_recording_may_belong_to_are_told_and_neither_is_taken(house: House) -> None:
    pattern = r"(?P<caller_number>\d{11})_(?P<started_at>\d{14})"
    (house.root / "qa.toml").write_text(f"[records]\npattern = '{pattern}'\n")
    clip(house.recordings / "13800001111_20240514093000.wav")
    columns = "call_id,caller_number,offered_at,answered"
    rows = ["r1,13800001111,2024-05-14T09:29:59,true", "r2,+8613800001111,2024-05-14T09:30:02,true"]
    records(house, *rows, columns=columns)
    summary = house.run()
    assert "expected one call record for this recording, found 2 (r1, r2)" in str(summary.problems[0])
    assert len(summary.no_record) == 1 and set(summary.missing) == {"r1", "r2"}
    records(house, rows[0], columns=columns)
    assert [r.call_id for r in house.run().rejoined] == ["r1"]


def test_agents_have_the_names_of_the_roster_and_the_team_of_their_day(house: House) -> None:
    (house.root / "qa.toml").write_text('[records]\nagents = "agents.csv"\n')
    roster = "工号,姓名,班组,生效日期,失效日期\n6001,张敏,一组,2024-01-01,2024-05-14\n6001,张敏,二组,2024-05-15,\n"
    (house.root / "agents.csv").write_bytes(roster.encode("gb18030"))
    clip(house.recordings / "a.wav", 10, 14)
    clip(house.recordings / "b.wav", 11, 15)
    columns = "call_id,recording,started_at,agent_id,agent_name"
    records(house, "a,a.wav,2024-05-14T09:00:00,6001,", "b,b.wav,2024-05-15T09:00:00,6001,", columns=columns)
    house.run()
    assert {s["call_id"]: s["team"] for s in house.rows("scores")} == {"a": "一组", "b": "二组"}
    table = pd.read_parquet(house.root / "dataset" / "agents")
    assert table[["agent_id", "name", "team"]].values.tolist() == [["6001", "张敏", "一组"], ["6001", "张敏", "二组"]]
    records(house, "b,b.wav,2024-05-15T09:00:00,7001,李雷", columns=columns)
    house.run()
    assert set(pd.read_parquet(house.root / "dataset" / "agents")["name"]) == {"张敏", "李雷"}


def test_a_crash_before_the_new_rows_are_sealed_doubles_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from qa_pipeline.verdicts import judging

    clip(house.recordings / "a.wav")
    house.run()
    records(house, "c1,a.wav,2024-05-14T09:00:00,6001,true")

    class Killed(BaseException):
        pass

    def die(*told: Any) -> None:
        raise Killed

    with monkeypatch.context() as broken:
        broken.setattr(judging, "replace_calls", die)
        with pytest.raises(Killed):
            house.run()
    parrot = Parrot()
    house.run(parrot)
    assert (ids(house), parrot.heard) == ({"c1"}, [])
    ledger = Ledger(house.root / "ledger.sqlite")
    assert [r["call_id"] for r in ledger.db.table("calls").rows] == ["c1"]
    ledger.close()


def test_asterisk_writes_the_record_and_the_call_has_its_story(house: House) -> None:
    """The recording's length tells that it runs from the answer; holds and the transfer lie within it."""
    from tests.recordings.test_asterisk import CALLER, FIRST, event

    clip(house.recordings / "in-220-1715650200.26.wav", 0, 16)
    start = event("CHAN_START", "00.000000", CALLER, uniqueid="1715650200.26")
    rest = [
        event("CHAN_START", "01.000000", FIRST),
        event("ANSWER", "07.500000", FIRST),
        event("HOLD", "10.500000", FIRST),
        event("UNHOLD", "13.500000", FIRST),
        event("BLINDTRANSFER", "18.000000", FIRST, '{"extension":"6002"}'),
        event("ANSWER", "20.000000", "PJSIP/6002-0000001c"),
        event("HANGUP", "23.600000", CALLER, json.dumps({"hangupsource": CALLER})),
    ]
    (house.recordings / "cel.csv").write_text(start + "".join(rest), "utf-8")
    house.run()
    call = one(house, "calls")
    assert (call["call_id"], call["recording_starts"], call["answered_ms"], call["ended_ms"]) == (
        "1715650200.26",
        "answer",
        0,
        16100,
    )
    assert (call["ring_ms"], call["hangup_by"], call["hangup_source"]) == (6500, "customer", "record")
    assert [(e["start_ms"], e["end_ms"]) for e in house.rows("events") if e["kind"] == "hold"] == [(3000, 6000)]
    assert [(leg["agent_id"], leg["start_ms"]) for leg in house.rows("legs")] == [("6001", 0), ("6002", 10500)]
