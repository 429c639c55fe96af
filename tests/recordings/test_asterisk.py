"""Asterisk's Master.csv and CEL, as cdr_csv, cdr_custom and cel_custom write them."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from qa_pipeline.recordings.records.endpoints import agent_of, endpoint
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.read import find_records, read_records
from qa_pipeline.recordings.records.record import CallRecord, PhoneSystem

TZ = ZoneInfo("Asia/Shanghai")
PHONES = PhoneSystem(TZ)

PLAIN = (
    '"","13800001111","220","from-trunk","""13800001111"" <13800001111>","PJSIP/trunk-out-0000001a","PJSIP/6001-0000001b",'
    '"Dial","PJSIP/6001,30,tT","2024-05-14 09:30:00","2024-05-14 09:30:07","2024-05-14 09:31:40",100,93,"ANSWERED",'
    '"DOCUMENTATION","1715650200.26","/var/spool/asterisk/monitor/2024/05/14/in-220-13800001111-20240514-093000-1715650200.26.wav"\n'
)
CUSTOM = (
    '"""6002"" <6002>","6002","013900002222","from-internal","PJSIP/6002-0000001c","PJSIP/trunk-out-0000001d","Dial",'
    '"PJSIP/013900002222@trunk-out","2024-05-14 09:40:00","2024-05-14 09:40:12","2024-05-14 09:41:00","60","48","ANSWERED",'
    '"DOCUMENTATION","","1715650800.28","",17\n'
)


def read(folder: Path, text: str, name: str = "Master.csv", phones: PhoneSystem = PHONES) -> Records:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, "utf-8")
    return read_records(find_records([folder], phones), phones)


def one(folder: Path, text: str, name: str = "Master.csv") -> CallRecord:
    records = read(folder, text, name)
    assert records.problems == ()
    (record,) = records.records
    return record


def row(**told: str) -> str:
    cells = {
        **{"accountcode": "", "src": "13800001111", "dst": "220", "dcontext": "from-trunk", "clid": "13800001111"},
        **{"channel": "PJSIP/trunk-0000001a", "dstchannel": "PJSIP/6001-0000001b", "lastapp": "Dial", "lastdata": ""},
        **{"start": "2024-05-14 09:30:00", "answer": "2024-05-14 09:30:07", "end": "2024-05-14 09:31:40"},
        **{"duration": "100", "billsec": "93", "disposition": "ANSWERED", "amaflags": "DOCUMENTATION", "uniqueid": "1.1"},
        **{"userfield": "", "peeraccount": "", "linkedid": "1.1", "sequence": "3"},
    }
    return ",".join(f'"{v}"' for v in {**cells, **told}.values()) + "\n"


def test_eighteen_fields_of_cdr_csv(tmp_path: Path) -> None:
    r = one(tmp_path, PLAIN)
    assert (r.call_id, r.direction, r.caller_number, r.called_number, r.agent_id) == (
        *("1715650200.26", "inbound", "13800001111", "220", "6001"),
    )
    assert (r.answered, r.ring_ms, r.hangup_by, r.end_reason) == (True, 7000, None, None)
    assert r.offered_at and r.answered_at and r.offered_at.isoformat() == "2024-05-14T09:30:00+08:00"
    assert r.answered_at - r.offered_at == timedelta(seconds=7)
    assert r.recording and r.recording.endswith("1715650200.26.wav")
    assert r.fields["dcontext"] == "from-trunk"
    assert (r.file, r.line) == (tmp_path / "Master.csv", 1)


def test_nineteen_fields_of_cdr_custom(tmp_path: Path) -> None:
    r = one(tmp_path, CUSTOM)
    assert (r.call_id, r.direction, r.agent_id, r.called_number) == ("1715650800.28", "outbound", "6002", "013900002222")
    assert (r.ring_ms, r.answered) == (12_000, True)


def test_further_columns_of_newer_asterisk(tmp_path: Path) -> None:
    assert one(tmp_path, row(linkedid="0.9")).conversation_id == "0.9"


def test_a_table_with_a_header_as_freepbx_exports_it(tmp_path: Path) -> None:
    text = (
        "calldate,clid,src,dst,dcontext,channel,dstchannel,lastapp,lastdata,duration,billsec,disposition,uniqueid,recordingfile\n"
        "2024-05-14 09:30:00,x,13800001111,220,ext,PJSIP/t-00000001,PJSIP/6001-00000002,Dial,,40,30,ANSWERED,5.1,in-5.1.wav\n"
    )
    r = one(tmp_path, text, "a.cdr.csv")
    assert (r.call_id, r.recording, r.ring_ms, r.answered) == ("5.1", "in-5.1.wav", 10_000, True)


@pytest.mark.parametrize(
    ("told", "answered", "reason"),
    [
        ({"disposition": "NO ANSWER", "answer": ""}, False, "no_answer"),
        ({"disposition": "BUSY", "answer": ""}, False, "no_answer"),
        ({"lastapp": "VoiceMail", "dstchannel": ""}, False, "voicemail"),
        ({"lastapp": "Queue", "dstchannel": ""}, False, "abandoned"),
        ({"lastapp": "BackGround", "dstchannel": ""}, False, "abandoned"),
        ({"lastapp": "ConfBridge", "dstchannel": ""}, None, None),
    ],
)
def test_who_was_not_reached(tmp_path: Path, told: dict[str, str], answered: bool | None, reason: str | None) -> None:
    r = one(tmp_path, row(**told))
    assert (r.answered, r.end_reason, r.answered_at) == (answered, reason, None)


def test_what_a_queue_or_a_menu_answers_is_not_the_agents_answer(tmp_path: Path) -> None:
    queue = one(tmp_path / "q", row(lastapp="Queue", answer="2024-05-14 09:30:00"))
    menu = one(tmp_path / "m", row(answer="2024-05-14 09:30:00"))
    assert (queue.answered, queue.answered_at, queue.ring_ms) == (True, None, None)
    assert (menu.answered, menu.answered_at, menu.ring_ms) == (True, None, None)


def test_phones_tried_before_the_answer_are_one_call(tmp_path: Path) -> None:
    first = row(disposition="NO ANSWER", answer="", end="2024-05-14 09:30:20", dstchannel="PJSIP/6003-0000001c")
    second = row(start="2024-05-14 09:30:20", answer="2024-05-14 09:30:24")
    r = one(tmp_path, first + second)
    assert (r.agent_id, r.ring_ms, r.fields["rang"], r.transfers) == ("6001", 24_000, ["6003"], ())


def test_phones_tried_in_vain_ring_until_the_last_gives_up(tmp_path: Path) -> None:
    first = row(disposition="NO ANSWER", answer="", end="2024-05-14 09:30:20")
    second = row(disposition="NO ANSWER", answer="", start="2024-05-14 09:30:20", end="2024-05-14 09:30:45")
    assert one(tmp_path, first + second).ring_ms == 45_000
    assert one(tmp_path / "menu", row(lastapp="BackGround", dstchannel="")).ring_ms is None


def test_a_second_agent_after_the_first_is_a_transfer(tmp_path: Path) -> None:
    first = row(end="2024-05-14 09:30:40")
    second = row(start="2024-05-14 09:30:40", answer="2024-05-14 09:30:45", dst="6002", dstchannel="PJSIP/6002-0000001e")
    (transfer,) = one(tmp_path, first + second).transfers
    assert (transfer["target"], transfer["agent_id"], transfer["result"]) == ("6002", "6002", "answered")
    assert transfer["at_ms"].isoformat() == "2024-05-14T09:30:40+08:00"


def test_a_bad_row_is_named_and_the_others_stand(tmp_path: Path) -> None:
    records = read(tmp_path, PLAIN + "nonsense,row\n" + row(start="yesterday", uniqueid="2.2") + CUSTOM)
    assert [r.call_id for r in records.records] == ["1715650200.26", "1715650800.28"]
    said = [str(p).rpartition("Master.csv:")[2] for p in records.problems]
    assert said[0].startswith("2: expected a row of Master.csv") and "found 2 fields" in said[0]
    assert said[1].startswith("3: expected a row of Master.csv")


def test_without_an_id_in_the_row_the_file_names_the_call(tmp_path: Path) -> None:
    named = one(tmp_path / "a", row(uniqueid="", userfield="audio:c7.wav"))
    assert (named.call_id, named.recording) == ("c7", "c7.wav")
    assert "loguniqueid=yes" in str(read(tmp_path / "b", row(uniqueid="")).problems[0])


def test_further_channels_of_a_call_are_no_calls_of_their_own(tmp_path: Path) -> None:
    queue = row(
        uniqueid="1.1", linkedid="1.1", lastapp="Queue", dstchannel="Local/6001@q-00000001;1", end="2024-05-14 09:31:00"
    )
    local = row(uniqueid="1.2", linkedid="1.1", channel="Local/6001@q-00000001;2", disposition="NO ANSWER", answer="")
    records = read(tmp_path, queue + local)
    assert [r.call_id for r in records.without_recording([])] == ["1.1"]
    assert records.unanswered([]) == []


@pytest.mark.parametrize(
    ("channel", "name", "agent"),
    [
        ("PJSIP/6001-0000001a", "6001", "6001"),
        ("SIP/trunk-cu-0000001a", "trunk-cu", None),
        ("Local/6001@from-queue-00000012;1", "6001", "6001"),
        ("IAX2/branch-1234", "branch", None),
        ("sofia/internal/1002@10.0.0.1:5060", "1002", "1002"),
        ("sofia/internal/sip:1002@10.0.0.1:5060", "1002", "1002"),
        ("DAHDI/i1/13800001111-5a", "i1/13800001111-5a", None),
        ("", None, None),
    ],
)
def test_whose_phone_a_channel_is(channel: str, name: str | None, agent: str | None) -> None:
    assert (endpoint(channel), agent_of(channel, PHONES)) == (name, agent)


def event(kind: str, at: str, channel: str, extra: str = "", **more: str) -> str:
    cells = {
        **{
            "eventtype": kind,
            "eventtime": f"2024-05-14 09:30:{at}",
            "cid_name": "",
            "cid_num": "13800001111",
            "ani": "13800001111",
        },
        **{
            "rdnis": "",
            "dnid": "220",
            "exten": "220",
            "context": "from-trunk",
            "channame": channel,
            "appname": "",
            "appdata": "",
        },
        **{"amaflags": "3", "accountcode": "", "uniqueid": f"1715650200.{sum(map(ord, channel))}", "linkedid": "1715650200.26"},
        **{"peer": "", "userfield": "", "userdeftype": "", "extra": extra.replace('"', '""')},
    }
    return ",".join(f'"{v}"' for v in {**cells, **more}.values()) + "\n"


CALLER, FIRST, SECOND = "PJSIP/trunk-0000001a", "PJSIP/6001-0000001b", "PJSIP/6002-0000001c"
STORY = "".join(
    [
        event("CHAN_START", "00.000000", CALLER, uniqueid="1715650200.26"),
        event("APP_START", "00.200000", CALLER, appname="MixMonitor", appdata="/rec/1715650200.26.wav,,"),
        event("CHAN_START", "01.000000", FIRST, cid_num="220"),
        event("ANSWER", "07.500000", FIRST, cid_name="张敏"),
        event("ANSWER", "07.600000", CALLER),
        event("BRIDGE_ENTER", "07.700000", CALLER, '{"bridge_id":"b1","bridge_technology":"simple_bridge"}'),
        event("HOLD", "15.000000", CALLER),
        event("HOLD", "20.000000", FIRST),
        event("UNHOLD", "31.500000", FIRST),
        event("BLINDTRANSFER", "35.000000", FIRST, '{"extension":"6002","context":"from-internal","bridge_id":"b1"}'),
        event("HANGUP", "35.100000", FIRST, '{"hangupcause":16,"hangupsource":"PJSIP/6001-0000001b","dialstatus":""}'),
        event("CHAN_START", "35.200000", SECOND),
        event("ANSWER", "39.000000", SECOND),
        event("BRIDGE_ENTER", "39.100000", SECOND),
        event("HANGUP", "55.000000", CALLER, '{"hangupcause":16,"hangupsource":"PJSIP/trunk-0000001a","dialstatus":"ANSWER"}'),
        event("HANGUP", "55.000001", SECOND, '{"hangupcause":16,"hangupsource":"PJSIP/trunk-0000001a","dialstatus":""}'),
        event("LINKEDID_END", "55.100000", CALLER),
    ]
)


def test_channel_events_tell_answer_hold_transfer_and_who_hung_up(tmp_path: Path) -> None:
    r = one(tmp_path, STORY, "cel.csv")
    assert (r.call_id, r.conversation_id, r.direction, r.agent_id, r.agent_name) == (
        *("1715650200.26", "1715650200.26", "inbound", "6001", "张敏"),
    )
    assert (r.caller_number, r.called_number, r.answered, r.ring_ms, r.hangup_by) == (
        "13800001111",
        "220",
        True,
        6500,
        "customer",
    )
    (hold,) = r.holds
    assert [str(at)[17:21] for at in hold] == ["20+0", "31.5"]  # the customer's own hold, at 15, is none of the agent's
    (transfer,) = r.transfers
    assert {k: v for k, v in transfer.items() if k != "at_ms"} == {
        **{"mode": "blind", "target": "6002", "result": "answered", "agent_id": "6002", "from_agent_id": "6001"}
    }
    assert (r.recording, str(r.started_at)) == ("/rec/1715650200.26.wav", "2024-05-14 09:30:00.200000+08:00")


def test_how_an_answered_call_ended_is_told_by_its_cause_or_by_the_transfer(tmp_path: Path) -> None:
    outside = STORY.replace("PJSIP/6002-0000001c", "PJSIP/trunk-0000001d")
    broken = STORY.replace('""hangupcause"":16', '""hangupcause"":38')
    told = [one(tmp_path / str(i), text, "cel.csv").end_reason for i, text in enumerate((STORY, outside, broken))]
    assert told == ["normal", "transferred", "network_cut"]


def test_an_attended_transfer_names_its_target(tmp_path: Path) -> None:
    extra = '{"bridge1_id":"b1","transfer_target_channel_name":"PJSIP/6002-0000001c","channel2_name":"PJSIP/6001-0000001b"}'
    start = "".join(STORY.splitlines(keepends=True)[:5])
    (transfer,) = one(tmp_path, start + event("ATTENDEDTRANSFER", "40.000000", FIRST, extra), "cel.csv").transfers
    assert (transfer["mode"], transfer["target"], transfer["agent_id"]) == ("attended", "6002", "6002")


@pytest.mark.parametrize(
    ("extra", "app", "reason"),
    [
        ('{"hangupsource":"PJSIP/trunk-0000001a","dialstatus":"CANCEL"}', "", "abandoned"),
        ('{"hangupsource":"","dialstatus":"NOANSWER"}', "", "no_answer"),
        ('{"hangupsource":"PJSIP/trunk-0000001a","dialstatus":""}', "", "abandoned"),
        ('{"dialstatus":"NOANSWER"}', "VoiceMail", "voicemail"),
        ("not json", "", None),
    ],
)
def test_a_call_that_no_phone_answered(tmp_path: Path, extra: str, app: str, reason: str | None) -> None:
    text = event("CHAN_START", "00.000000", CALLER, uniqueid="1715650200.26") + event("CHAN_START", "01.000000", FIRST)
    r = one(tmp_path, text + event("HANGUP", "21.000000", CALLER, extra, appname=app), "cel.csv")
    assert (r.answered, r.end_reason, r.ring_ms, r.hangup_by in (None, "customer")) == (False, reason, 20_000, True)


def test_events_with_epoch_times_and_a_header_and_holds_of_one_own_kind(tmp_path: Path) -> None:
    text = (
        "eventtype,eventtime,cid_num,channame,uniqueid,linkedid,userdeftype,extra\n"
        "CHAN_START,1715650200.000000,138,PJSIP/t-00000001,1.1,1.1,,\n"
        "ANSWER,1715650203.000000,138,PJSIP/6001-00000002,1.2,1.1,,\n"
        "USER_DEFINED,1715650210.000000,138,PJSIP/6001-00000002,1.2,1.1,HOLD,\n"
        'HANGUP,1715650220.000000,138,PJSIP/t-00000001,1.1,1.1,,"{""hangupsource"":""PJSIP/6001-00000002""}"\n'
    )
    r = one(tmp_path, text, "x.cel.csv")
    ((start, end),) = r.holds
    assert not isinstance(start, int) and not isinstance(end, int)
    assert (end - start, r.hangup_by) == (timedelta(seconds=10), "agent")  # not taken back: until the call ends


def test_a_log_that_is_there_twice_tells_nothing_twice(tmp_path: Path) -> None:
    (tmp_path / "copy.cel.csv").write_text(STORY, "utf-8")
    (tmp_path / "copy.cdr.csv").write_text(PLAIN, "utf-8")
    (tmp_path / "Master.csv").write_text(PLAIN, "utf-8")
    (r,) = read(tmp_path, STORY, "cel.csv").records
    assert (len(r.holds), len(r.transfers)) == (1, 1)


def test_channel_events_and_master_csv_complete_each_other(tmp_path: Path) -> None:
    (tmp_path / "cel.csv").write_text(STORY.replace("/rec/1715650200.26.wav,,", ""), "utf-8")
    records = read(tmp_path, PLAIN)
    (r,) = records.records
    assert records.problems == ()
    assert r.hangup_by == "customer" and r.holds and r.recording and r.fields["disposition"] == "ANSWERED"
