"""FreeSWITCH's JSON and XML records, as mod_json_cdr and mod_xml_cdr write them."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest

from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.read import find_records, read_records
from qa_pipeline.recordings.records.record import CallRecord, PhoneSystem

PHONES = PhoneSystem(ZoneInfo("Asia/Shanghai"))
A, B, C = (f"{n}6cfd6e2-dbda-45a3-b59d-f683ec368e8b" for n in "8ab")
START = 1_715_650_200_000_000  # 2024-05-14 09:30:00 in Shanghai


def us(seconds: float) -> str:
    return str(START + round(seconds * 1_000_000))


def profile(uuid: str, caller: str, called: str, **times: str) -> dict[str, Any]:
    return {
        "dialplan": "XML",
        "profile_index": "1",
        "caller_profile": {"username": caller, "caller_id_number": caller, "destination_number": called, "uuid": uuid},
        "times": {"created_time": us(0), "answered_time": "0", "hangup_time": us(60), "transfer_time": "0", **times},
    }


def customer(**variables: str) -> dict[str, Any]:
    """The channel on which a call came in for extension 1002."""
    told = {
        **{"direction": "inbound", "uuid": A, "call_uuid": A, "sip_from_user": "13800001111", "sip_to_user": "4008001234"},
        **{"start_stamp": "2024-05-14 09:30:00", "start_uepoch": us(0), "answer_uepoch": us(1), "bridge_uepoch": us(6.5)},
        **{"end_uepoch": us(60), "last_app": "bridge", "last_arg": "user/1002@10.0.0.1", "hangup_cause": "NORMAL_CLEARING"},
        **{"sip_hangup_disposition": "recv_bye", "bridge_uuid": B, "hold_accum_ms": "0", "skill": "售后", "vip_level": "3"},
        **{"switch_r_sdp": "v=0\r\no=FreeSWITCH", "rtp_audio_in_raw_bytes": "181360", "duration": "60", "billsec": "59"},
    }
    apps = [
        {"app_name": "answer", "app_data": "", "app_stamp": us(1)},
        {"app_name": "record_session", "app_data": f"/var/lib/freeswitch/recordings/{A}.wav", "app_stamp": us(1.25)},
    ]
    return {
        "core-uuid": "c0",
        "channel_data": {"state": "CS_REPORTING", "direction": "inbound"},
        "variables": {**told, **variables},
        "app_log": {"applications": apps},
        "callflow": [profile(A, "13800001111", "4008001234", answered_time=us(1))],
    }


def agent(uuid: str = B, number: str = "1002", answered: float = 6.5, **variables: str) -> dict[str, Any]:
    told = {
        **{"direction": "outbound", "uuid": uuid, "originating_leg_uuid": A, "bridge_uuid": A, "dialed_user": number},
        **{"start_uepoch": us(2), "answer_uepoch": us(answered), "end_uepoch": us(60), "hangup_cause": "NORMAL_CLEARING"},
        **{"sip_hangup_disposition": "send_bye", "last_bridge_role": "originatee"},
    }
    return {"variables": {**told, **variables}, "callflow": profile(uuid, "13800001111", number)}


def read(folder: Path, *channels: dict[str, Any]) -> Records:
    folder.mkdir(exist_ok=True, parents=True)
    for channel in channels:
        leg = "a_" if channel["variables"]["direction"] == "inbound" else ""
        (folder / f"{leg}{channel['variables']['uuid']}.cdr.json").write_text(json.dumps(channel), "utf-8")
    return read_records(find_records([folder]), PHONES)


def one(folder: Path, *channels: dict[str, Any]) -> CallRecord:
    records = read(folder, *channels)
    assert records.problems == ()
    (record,) = records.records
    return record


def after(moment: object) -> float:
    assert isinstance(moment, datetime)
    return round(moment.timestamp() - START / 1_000_000, 3)


def test_both_channels_files_are_one_call(tmp_path: Path) -> None:
    r = one(tmp_path, customer(), agent())
    assert (r.call_id, r.direction, r.agent_id, r.caller_number, r.called_number) == (
        *(A, "inbound", "1002", "13800001111", "4008001234"),
    )
    assert (r.answered, r.ring_ms, r.hangup_by, r.end_reason) == (True, 4500, "customer", "normal")
    assert [after(t) for t in (r.offered_at, r.answered_at, r.ended_at, r.started_at)] == [0, 6.5, 60, 1.25]
    assert r.recording == f"/var/lib/freeswitch/recordings/{A}.wav"
    assert r.fields == {"skill": "售后", "vip_level": "3", "hangup_cause": "NORMAL_CLEARING"}


def test_the_incoming_channel_alone_is_a_call_of_the_extension_it_was_bridged_to(tmp_path: Path) -> None:
    menu = one(tmp_path / "menu", customer())
    assert (menu.agent_id, menu.answered, menu.ring_ms) == ("1002", True, None)  # a menu answered first: no ringing is known
    direct = one(tmp_path / "direct", customer(answer_uepoch=us(6.4)))
    assert direct.ring_ms == 6500


@pytest.mark.parametrize(
    ("a", "b", "by"),
    [
        ("recv_bye", "send_bye", "customer"),
        ("send_bye", "recv_bye", "agent"),
        ("send_bye", "send_bye", "system"),
        ("send_bye", None, None),
        ("", None, None),
    ],
)
def test_who_hung_up_by_who_sent_the_bye(tmp_path: Path, a: str, b: str | None, by: str | None) -> None:
    others = [agent(sip_hangup_disposition=b)] if b else []
    assert one(tmp_path, customer(sip_hangup_disposition=a), *others).hangup_by == by


def test_an_agents_own_call_has_the_sides_the_other_way_round(tmp_path: Path) -> None:
    out = customer(user_name="1002", sip_hangup_disposition="recv_bye", last_arg="sofia/gateway/t/139", dialed_user="")
    far = agent(number="13900002222", dialed_user="", sip_hangup_disposition="send_bye")
    out["callflow"] = [profile(A, "1002", "13900002222")]
    r = one(tmp_path, out, far)
    assert (r.direction, r.agent_id, r.hangup_by) == ("outbound", "1002", "agent")


def test_holds_by_their_events_else_by_the_hold_record(tmp_path: Path) -> None:
    events = f"{{{{{us(20)},{us(31.5)}}},{{{us(40)},{us(44)}}}}}"
    r = one(tmp_path / "e", customer(hold_events=events), agent(hold_events=f"{{{{{us(20.01)},{us(31.4)}}}}}"))
    assert [(after(a), after(b)) for a, b in r.holds] == [(20, 31.5), (40, 44)]
    recorded = customer()
    recorded["hold_record"] = [{"on": us(20), "off": "0", "bridged-to": B}]
    assert [(after(a), after(b)) for a, b in one(tmp_path / "r", recorded).holds] == [(20, 60)]


def test_a_transfer_and_who_took_over(tmp_path: Path) -> None:
    history = f"{START // 1_000_000 + 35}:{C}:bl_xfer:1003/default/XML"
    r = one(tmp_path, customer(transfer_history=history), agent(), agent(C, "1003", 38))
    (transfer,) = r.transfers
    assert (after(transfer["at_ms"]), transfer["mode"], transfer["target"]) == (35, "blind", "1003")
    assert (transfer["agent_id"], transfer["result"], r.agent_id) == ("1003", "answered", "1002")


def test_several_transfers_and_attended_ones(tmp_path: Path) -> None:
    at = START // 1_000_000
    history = f"ARRAY::{at + 20}:u:bl_xfer:1005/default/XML|:{at + 40}:u:att_xfer:1002@h/1004@h"
    transfers = one(tmp_path, customer(transfer_history=history)).transfers
    assert [(t["mode"], t["target"], t.get("result")) for t in transfers] == [
        ("blind", "1005", None),
        ("attended", "1004", "answered"),
    ]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        ({"hangup_cause": "ORIGINATOR_CANCEL", "sip_hangup_disposition": "recv_cancel"}, "abandoned"),
        ({"hangup_cause": "NO_ANSWER", "sip_hangup_disposition": "send_refuse"}, "no_answer"),
        ({"hangup_cause": "USER_BUSY", "sip_hangup_disposition": "send_refuse"}, "no_answer"),
        ({"last_app": "voicemail"}, "voicemail"),
        ({"cc_queue": "sales@default", "cc_cause": "cancel"}, "abandoned"),
    ],
)
def test_who_was_not_reached(tmp_path: Path, told: dict[str, str], reason: str) -> None:
    r = one(tmp_path, customer(bridge_uepoch="0", bridge_uuid="", **told))
    assert (r.answered, r.answered_at, r.end_reason, r.hangup_by) == (False, None, reason, None)


def test_a_call_passed_on_to_whom_the_record_does_not_name(tmp_path: Path) -> None:
    history = f"{START // 1_000_000 + 35}:{C}:att_xfer:1002@h/4000@h"
    assert one(tmp_path, customer(transfer_history=history), agent()).end_reason == "transferred"


def test_a_call_that_broke_off(tmp_path: Path) -> None:
    assert one(tmp_path, customer(hangup_cause="MEDIA_TIMEOUT")).end_reason == "network_cut"


def test_a_queues_agent_and_name(tmp_path: Path) -> None:
    r = one(tmp_path, customer(cc_queue="sales@default", cc_agent="1007@default", cc_agent_name="李雷"))
    assert (r.agent_id, r.agent_name, r.ring_ms) == ("1007", "李雷", None)  # waiting in a queue is no ringing
    assert r.fields["cc_queue"] == "sales@default"


def test_old_json_with_the_same_key_twice(tmp_path: Path) -> None:
    told = customer()
    del told["callflow"]
    later, first = (json.dumps(profile(A, "13800001111", n)) for n in ("1002", "4008001234"))
    text = f'{json.dumps(told)[:-1]}, "callflow": {later}, "callflow": {first}}}'
    (tmp_path / f"a_{A}.cdr.json").write_text(text)
    (r,) = read_records(find_records([tmp_path]), PHONES).records
    assert r.called_number == "4008001234"


def xml_of(channel: dict[str, Any]) -> str:
    values = "".join(f"<{k}>{quote(v)}</{k}>" for k, v in channel["variables"].items())
    apps = "".join(
        f'<application app_name="{a["app_name"]}" app_data="{quote(a["app_data"])}" app_stamp="{a["app_stamp"]}"></application>'
        for a in channel.get("app_log", {}).get("applications", ())
    )
    flows = channel["callflow"] if isinstance(channel["callflow"], list) else [channel["callflow"]]
    flow = "".join(
        '<callflow dialplan="XML" profile_index="1">'
        + "".join(
            f"<{part}>{''.join(f'<{k}>{v}</{k}>' for k, v in f[part].items())}</{part}>" for part in ("caller_profile", "times")
        )
        + "</callflow>"
        for f in flows
    )
    holds = f'<hold-record><hold on="{us(20)}" off="{us(31.5)}" bridged-to="{B}"></hold></hold-record>'
    return (
        f'<?xml version="1.0"?>\n<cdr core-uuid="c0" switchname="pbx"><channel_data><state>CS_REPORTING</state></channel_data>'
        f"<variables>{values}</variables><app_log>{apps}</app_log>{holds}{flow}</cdr>"
    )


def test_xml_says_what_json_says(tmp_path: Path) -> None:
    for kind in ("x", "j"):
        (tmp_path / kind).mkdir()
    recorded = customer()
    recorded["hold_record"] = [{"on": us(20), "off": us(31.5)}]
    as_json = one(tmp_path / "j", recorded, agent())
    for channel in (customer(), agent()):
        (tmp_path / "x" / f"{channel['variables']['uuid']}.cdr.xml").write_text(xml_of(channel), "utf-8")
    records = read_records(find_records([tmp_path / "x"]), PHONES)
    (as_xml,) = records.records
    assert records.problems == ()
    names = [n for n in CallRecord.__dataclass_fields__ if n not in ("file", "line")]
    assert {n: getattr(as_xml, n) for n in names} == {n: getattr(as_json, n) for n in names}


BOMB = '<!DOCTYPE cdr [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><cdr><variables><x>&b;</x></variables></cdr>'
OUTSIDE = '<!DOCTYPE cdr [<!ENTITY x SYSTEM "file:///etc/hostname">]><cdr><variables><uuid>&x;</uuid></variables></cdr>'


@pytest.mark.parametrize("text", [BOMB, OUTSIDE, "<cdr><variables>", "<other/>", "", "<cdr></cdr>", "<a>" * 50_000])
def test_hostile_xml_is_a_problem_of_its_file_and_the_others_stand(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.cdr.xml").write_text(text)
    records = read(tmp_path, customer())
    assert [r.call_id for r in records.records] == [A]
    (problem,) = records.problems
    assert "bad.cdr.xml" in str(problem)
