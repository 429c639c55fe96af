"""FreeSWITCH's call records, one file a channel, by mod_json_cdr or mod_xml_cdr; a call's files become one record."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from qa_pipeline.errors import Place
from qa_pipeline.recordings.records.cells import clean
from qa_pipeline.recordings.records.endpoints import agent_of, direction_of
from qa_pipeline.recordings.records.record import CallRecord, PhoneSystem, RecordError, answered_end, wall_time

TECHNICAL = re.compile(
    r"(sip|rtp|switch|read|write|local|remote|video|audio|ep|dtmf|rtcp|media|endpoint|originate|max|profile|progress|flow|last|"
    r"bridge|answer|start|end|hold|resurrect|core|channel|session|uuid|direction|digits|transfer|call_uuid|originating|signal|wait|"
    r"current|export|presence|recovery|user_context|text|advertised|zrtp|DP_MATCH|rfc|RFC|hash|ice|srtp|use|verto|ani|state).*|"
    r"u?m?duration|billu?m?sec|stereo|hangup_cause_q850|import"
)
HUMAN = timedelta(seconds=1)
"""An answer this much before the bridge is a menu's."""
LEFT = {"ORIGINATOR_CANCEL": "abandoned", "NO_ANSWER": "no_answer", "NO_USER_RESPONSE": "no_answer", "USER_BUSY": "no_answer"}
CAUSES = {
    **{"NORMAL_CLEARING": 16, "DESTINATION_OUT_OF_ORDER": 27, "NETWORK_OUT_OF_ORDER": 38, "NORMAL_TEMPORARY_FAILURE": 41},
    **{"RECOVERY_ON_TIMER_EXPIRE": 102, "MEDIA_TIMEOUT": 102},
}
"""Q.850 by FreeSWITCH's names; MEDIA_TIMEOUT, its own, is silence on the line until a timer expires."""
HOW = {"bl_xfer": "blind", "att_xfer": "attended", "uuid_br": "attended"}


@dataclass(frozen=True)
class Channel:
    """One file: its variables as written, what ran on it, its stretches in the dial plan (newest first), holds as written.

    FreeSWITCH writes hundreds of variables; only those that are asked for are decoded.
    """

    variables: Mapping[str, str]
    apps: Sequence[Mapping[str, str]]
    flows: Sequence[Mapping[str, Any]]
    holds: Sequence[Mapping[str, str]]
    file: Path
    line: int
    tz: tzinfo

    @property
    def uuid(self) -> str:
        return self.get("uuid") or str(_of(self.flows, "caller_profile").get("uuid") or "")

    def get(self, name: str) -> str | None:
        return _plain(self.variables.get(name, "")) or None

    def profile(self, name: str) -> str | None:
        """Of the first stretch: what the caller dialled."""
        told = _of(list(reversed(self.flows)), "caller_profile").get(name)
        return clean(str(told)) if isinstance(told, (str, int)) and str(told) else None

    def time(self, name: str) -> datetime | None:
        """By the variable in microseconds, else seconds, else the stamp; `hangup` and others also by the call flow."""
        for value in (self.get(f"{name}_uepoch"), self.get(f"{name}_epoch"), self.get(f"{name}_stamp")):
            if value and value != "0":
                return _moment(value, self.tz)
        flow = {"start": "created_time", "answer": "answered_time", "end": "hangup_time", "bridge": "bridged_time"}.get(name)
        told = [t for f in reversed(self.flows) if (t := _of([f], "times").get(flow)) and str(t) != "0"] if flow else []
        return _moment(str(told[0]), self.tz) if told else None


def is_freeswitch(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("variables"), dict)


def from_json(told: Mapping[str, Any], path: Path, line: int, phones: PhoneSystem) -> Channel:
    log = told.get("app_log")
    apps = log.get("applications") if isinstance(log, dict) else None
    variables = {clean(str(k)): str(v) for k, v in told["variables"].items() if isinstance(v, (str, int, float))}
    holds = told.get("hold_record") or told.get("hold-record")
    return Channel(variables, _dicts(apps), _dicts(told.get("callflow")), _dicts(holds), path, line, phones.tz)


def from_xml(text: str, path: Path, phones: PhoneSystem, problems: list[RecordError]) -> list[Channel]:
    """Channels of a file (`<cdr>`, or several in one). Bombs and outside entities are refused."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(text.strip().encode(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, RecursionError) as problem:
        line = getattr(problem, "position", (None,))[0]
        said = f"not XML that is safe to read: {type(problem).__name__} {problem}; the file is left out"
        problems.append(RecordError(said, Place(str(path), line)))
        return []
    found = [root] if root.tag == "cdr" else list(root.iter("cdr"))
    if not found:
        problems.append(RecordError(f"expected <cdr>, found <{root.tag[:40]}>; the file is left out", Place(str(path), 1)))
    return [_of_element(cdr, path, phones) for cdr in found]


def _of_element(cdr: Any, path: Path, phones: PhoneSystem) -> Channel:
    variables = {e.tag: e.text or "" for e in _inside(cdr, "variables")}
    apps = [{k: _plain(v) for k, v in e.attrib.items()} for e in _inside(cdr, "app_log") if e.tag == "application"]
    holds = [dict(e.attrib) for e in _inside(cdr, "hold-record")]
    flows = []
    for flow in cdr.findall("callflow"):
        parts = {
            part.tag: {e.tag: _plain(e.text or "") for e in part} for part in flow if part.tag in ("caller_profile", "times")
        }
        flows.append({**flow.attrib, **parts})
    return Channel(variables, apps, flows, holds, path, 1, phones.tz)


def _inside(element: Any, tag: str) -> list[Any]:
    found = element.find(tag)
    return [] if found is None else list(found)


def _plain(value: Any) -> str:
    """Values are URL-encoded in XML, and in JSON where `encode-values` is on."""
    return clean(unquote(str(value)))


def _dicts(value: Any) -> list[dict[str, Any]]:
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict)]


def _of(flows: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    found = next((f[name] for f in flows if isinstance(f.get(name), dict)), None)
    return found or {}


def _moment(value: str, tz: tzinfo) -> datetime | None:
    try:
        return wall_time(value, tz)
    except (ValueError, OverflowError, OSError):
        return None


def calls(channels: Iterable[Channel], phones: PhoneSystem, problems: list[RecordError]) -> list[CallRecord]:
    """One record for each call: its first channel's, with what its other channels know."""
    by_uuid: dict[str, Channel] = {}
    for one in channels:
        if not one.uuid:
            problems.append(
                RecordError("expected a variable uuid, found none; the file is left out", Place(str(one.file), one.line))
            )
        else:
            by_uuid.setdefault(one.uuid, one)
    others: dict[str, list[Channel]] = {}
    for uuid, one in by_uuid.items():
        others.setdefault(_first_of(uuid, one, by_uuid), []).append(one)
    return [_call(by_uuid[uuid], [c for c in group if c.uuid != uuid], phones) for uuid, group in others.items()]


def _first_of(uuid: str, one: Channel, by_uuid: Mapping[str, Channel]) -> str:
    """The channel on which the call came in: itself, unless another one here originated it."""
    seen = {uuid}
    while (parent := _parent(one)) in by_uuid and parent not in seen:
        seen.add(str(parent))
        uuid, one = str(parent), by_uuid[str(parent)]
    return uuid


def _parent(one: Channel) -> str | None:
    for name in ("originating_leg_uuid", "originator", "cc_member_session_uuid", "ent_originate_aleg_uuid"):
        if found := one.get(name):
            return found
    if one.get("direction") == "outbound" or one.get("last_bridge_role") == "originatee":
        return one.get("bridge_uuid") or one.get("signal_bond") or one.get("call_uuid")
    return None


def _call(a: Channel, others: Sequence[Channel], phones: PhoneSystem) -> CallRecord:
    bridged = sorted((c for c in others if c.time("answer")), key=lambda c: (c.time("answer"), c.uuid))
    caller = _agent(a, phones, a.profile("caller_id_number")) if not a.get("cc_queue") else None
    called = (_name_of(bridged[0], phones) if bridged else None) or _called_agent(a, phones)
    direction = direction_of(caller is not None, called is not None)
    talked = bool(bridged) or a.time("bridge") is not None
    answered_at = (bridged[0].time("answer") if bridged else a.time("bridge")) if talked else None
    offered, ended = a.time("start"), a.time("end")
    recording, recorded_from = _recorded([a, *others], answered_at)
    transfers = tuple(_transfers([a, *others], bridged, phones))
    reason = answered_end(CAUSES.get(a.get("hangup_cause") or ""), transfers) if talked else _lost(a)
    return CallRecord(
        a.uuid,
        recording=recording,
        conversation_id=a.get("conversation_id") or a.get("call_uuid"),
        direction=direction,
        caller_number=a.profile("caller_id_number") or a.get("caller_id_number"),
        called_number=a.profile("destination_number") or a.get("destination_number"),
        agent_id=caller if direction == "outbound" else called,
        agent_name=a.get("cc_agent_name"),
        started_at=recorded_from,
        offered_at=offered,
        answered_at=answered_at,
        ended_at=ended,
        answered=talked,
        ring_ms=_rang(a, bridged or others, answered_at),
        hangup_by=_hung_up_by(a, bridged, direction) if talked else None,
        end_reason=reason,
        holds=tuple(_holds([a, *others])),
        transfers=transfers,
        fields=_further(a),
        file=a.file,
        line=a.line,
        form="freeswitch",
    )


def _agent(c: Channel, phones: PhoneSystem, number: str | None) -> str | None:
    """Whose phone a channel is, if it is one of the house's."""
    name = c.get("user_name") or c.get("dialed_user") or agent_of(c.get("channel_name"), phones) or number
    return name if name and phones.extensions.fullmatch(name) else None


def _name_of(c: Channel, phones: PhoneSystem) -> str | None:
    told = c.get("cc_agent")
    return told.partition("@")[0] if told else _agent(c, phones, c.profile("destination_number"))


def _called_agent(a: Channel, phones: PhoneSystem) -> str | None:
    if told := a.get("cc_agent"):
        return told.partition("@")[0]
    for name in ("dialed_user", "last_sent_callee_id_number", "callee_id_number"):
        if (found := a.get(name)) and phones.extensions.fullmatch(found):
            return found
    last = re.search(r"user/(\w+)", a.get("last_arg") or "") if a.get("last_app") == "bridge" else None
    return last[1] if last and phones.extensions.fullmatch(last[1]) else None


def _rang(a: Channel, phones: Sequence[Channel], answered: datetime | None) -> int | None:
    """From the first phone's channel; without one, from the call's start, unless a queue or a menu answered it first."""
    starts = [start for c in phones if (start := c.time("start"))]
    until, taken = answered or a.time("end"), a.time("answer")
    alone = a.time("start") if taken is None or (answered and answered - taken <= HUMAN) else None
    begin = min(starts, default=alone)
    return _ms(begin, until) if begin and until and not a.get("cc_queue") else None


def _hung_up_by(a: Channel, bridged: Sequence[Channel], direction: str | None) -> str | None:
    """By who sent the BYE. A BYE that we sent on both sides is the system's; sent on one side only, the other side's
    record must say that it came from there."""
    sides = ("agent", "customer") if direction == "outbound" else ("customer", "agent")
    if a.get("sip_hangup_disposition") == "recv_bye":
        return sides[0]
    told = [c.get("sip_hangup_disposition") for c in bridged[-1:]]
    if told == ["recv_bye"]:
        return sides[1]
    return "system" if told == ["send_bye"] and a.get("sip_hangup_disposition") == "send_bye" else None


def _lost(a: Channel) -> str | None:
    if a.get("voicemail_message_len") or a.get("last_app") == "voicemail" or a.get("voicemail_account"):
        return "voicemail"
    left = a.get("cc_cause") == "cancel" or a.get("sip_hangup_disposition") in ("recv_cancel", "recv_bye")
    return LEFT.get(a.get("hangup_cause") or "") or ("abandoned" if left else None)


def _recorded(channels: Sequence[Channel], answered: datetime | None) -> tuple[str | None, datetime | None]:
    """The file of `record_session` and when it began, which is the answer where RECORD_ANSWER_REQ asks for one."""
    for c in channels:
        for app in c.apps:
            if app.get("app_name") == "record_session" and app.get("app_data"):
                began = _moment(str(app["app_stamp"]), c.tz) if app.get("app_stamp") else None
                if began and answered and c.get("RECORD_ANSWER_REQ") == "true":
                    began = max(began, answered)
                return str(app["app_data"]).removeprefix("{").partition("}")[2] or str(app["app_data"]), began
        if name := c.get("record_name"):
            return "/".join(filter(None, (c.get("record_path"), name))), None
    return None, None


def _holds(channels: Sequence[Channel]) -> Iterable[tuple[datetime, datetime]]:
    """Of every channel, each once: `hold_events` {{on,off},…}, else the hold record; joined where they overlap."""
    found: list[tuple[datetime, datetime]] = []
    for c in channels:
        told = re.findall(r"\{?(\d{10,17}),\s*(\d{10,17})\}", c.get("hold_events") or "")
        told = told or [(str(h.get("on", "")), str(h.get("off", ""))) for h in c.holds]
        for on, off in told:
            start, end = _moment(on, c.tz), (c.time("end") if off in ("", "0") else _moment(off, c.tz))
            if start and end and start <= end:
                found.append((start, end))
    joined: list[tuple[datetime, datetime]] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _transfers(channels: Sequence[Channel], bridged: Sequence[Channel], phones: PhoneSystem) -> Iterable[dict[str, Any]]:
    """`transfer_history`: seconds:uuid:kind:target, several after ARRAY::, parted by |:. The next to answer took over."""
    seen = set()
    for c in channels:
        for entry in (c.get("transfer_history") or "").removeprefix("ARRAY::").split("|:"):
            told = re.fullmatch(r"(\d{10}):([^:]*):(bl_xfer|att_xfer|uuid_br):(.*)", entry)
            at = _moment(told[1], c.tz) if told else None
            if told is None or at is None or (told[1], told[4]) in seen:
                continue
            seen.add((told[1], told[4]))
            blind = told[3] == "bl_xfer"
            target = told[4].rpartition("/")[2].partition("@")[0] if not blind else told[4].partition("/")[0]
            after = [b for b in bridged[1:] if (t := b.time("answer")) and (t >= at or not blind)]
            agent = _name_of(after[0], phones) if after else None
            one = {"at_ms": at, "mode": HOW[told[3]], "target": target, "agent_id": agent}
            one["result"] = "answered" if after or not blind else None
            yield {k: v for k, v in one.items() if v is not None}


def _further(a: Channel) -> dict[str, Any]:
    """Variables that a house or its dial plan set; FreeSWITCH's own workings are left out."""
    return {k: v for k in a.variables if not TECHNICAL.fullmatch(k) and (v := a.get(k))}


def _ms(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() * 1000))
