"""Asterisk's channel events (CEL): when a phone rang and answered, what was held, who passed the call on, who hung up.

cel_custom's `Master.csv` as its sample configuration writes it (20 fields, or 19 without userfield), and tables with a header,
as databases export them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from qa_pipeline.errors import Place
from qa_pipeline.recordings.records.cells import clean, shown
from qa_pipeline.recordings.records.endpoints import agent_of, direction_of, endpoint, is_local
from qa_pipeline.recordings.records.record import CallRecord, PhoneSystem, RecordError, answered_end, wall_time

WHO = ("cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context", "channame", "appname", "appdata")
FULL = (
    "eventtype",
    "eventtime",
    *WHO,
    "amaflags",
    "accountcode",
    "uniqueid",
    "linkedid",
    "peer",
    "userfield",
    "userdeftype",
    "extra",
)
SHORT = tuple(name for name in FULL if name != "userfield")
HEADED = {"eventtype", "eventtime", "uniqueid", "linkedid"}
OTHER_NAMES = {"eventextra": "extra", "channel": "channame", "application": "appname", "callerid_num": "cid_num"}
TYPE = re.compile(r"[A-Z_]{4,30}")
HOLD_ON = {"HOLD", "MUSICONHOLD", "MUSICONHOLD_START", "MUSICONHOLDSTART", "PARK_START"}
HOLD_OFF = {"UNHOLD", "MUSICONHOLD_STOP", "MUSICONHOLD_END", "MUSICONHOLDSTOP", "PARK_END"}
CALLER_LEFT = {"CANCEL": "abandoned", "NOANSWER": "no_answer", "BUSY": "no_answer", "CHANUNAVAIL": "no_answer"}


@dataclass(frozen=True, slots=True)
class ChannelEvent:
    """One row. `kind`: its type, of a user's own event the name given to it."""

    kind: str
    at: datetime
    cells: Mapping[str, str]
    file: Path
    line: int

    @property
    def channel(self) -> str:
        return self.cells.get("channame", "")

    @property
    def app(self) -> str:
        return self.cells.get("appname", "").lower()

    @property
    def extra(self) -> Mapping[str, Any]:
        try:
            told = json.loads(self.cells.get("extra") or "{}")
        except (ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}


def is_cel(row: Sequence[str]) -> bool:
    return (
        len(row) >= len(SHORT) - 1 and bool(TYPE.fullmatch(row[0].strip())) and bool(re.match(r"\d{4}-|\d{9}", row[1].strip()))
    )


def is_headed(header: Iterable[str]) -> bool:
    return {name.strip().lower() for name in header} >= HEADED


def events(
    rows: Iterable[tuple[int, Sequence[str]]],
    names: Sequence[str] | None,
    path: Path,
    phones: PhoneSystem,
    problems: list[RecordError],
) -> list[ChannelEvent]:
    """Rows of one file; `names`: its header, lower case, if it has one."""
    names = [OTHER_NAMES.get(n, n) for n in names] if names else None
    made = []
    for line, row in rows:
        columns = names or (FULL if len(row) >= len(FULL) else SHORT)
        cells = {k: clean(v) for k, v in zip(columns, row, strict=False)}
        try:
            at = wall_time(cells.get("eventtime", ""), phones.tz)
        except (ValueError, OverflowError, OSError):
            said = f"eventtime: expected a time such as 2024-05-14 09:30:00.123456, found {shown(cells.get('eventtime', ''))}"
            problems.append(RecordError(f"{said}; the row is left out", Place(str(path), line)))
            continue
        if not cells.get("linkedid") and not cells.get("uniqueid"):
            problems.append(RecordError("neither linkedid nor uniqueid; the row is left out", Place(str(path), line)))
            continue
        kind = cells.get("eventtype", "")
        kind = cells.get("userdeftype", "") if kind == "USER_DEFINED" else kind
        made.append(ChannelEvent(kind.upper(), at, cells, path, line))
    return made


def calls(told: Iterable[ChannelEvent], phones: PhoneSystem) -> list[CallRecord]:
    """Events of one linkedid are one call, named by the uniqueid of its first channel."""

    def key(e: ChannelEvent) -> str:
        return e.cells.get("linkedid") or e.cells["uniqueid"]

    once = {(key(e), e.kind, e.at, e.channel, e.cells.get("extra")): e for e in told}  # a copied log tells nothing twice
    ordered = sorted(once.values(), key=lambda e: (key(e), e.at, e.line))
    return [_Story(list(group), phones).record() for _, group in groupby(ordered, key)]


@dataclass
class _Story:
    """The events of one call in order of time."""

    events: list[ChannelEvent]
    phones: PhoneSystem
    first: ChannelEvent = field(init=False)

    def __post_init__(self) -> None:
        self.first = next((e for e in self.events if e.kind == "CHAN_START"), self.events[0])

    def record(self) -> CallRecord:
        caller = self.agent(self.first)
        picked_up = self._picked_up(caller)
        answered_at = picked_up.at if picked_up else None
        ended_at = self._ended()
        called = self.agent(picked_up) if picked_up else None
        rang = [
            e for e in self.events if e.kind == "CHAN_START" and e.channel != self.first.channel and not is_local(e.channel)
        ]
        direction = direction_of(caller is not None, bool(called or (rang and self.agent(rang[0]))))
        mixed = next((e for e in self.events if e.app == "mixmonitor" and e.kind == "APP_START"), None)
        file, _, options = (mixed.cells.get("appdata", "") if mixed else "").partition(",")
        until = answered_at or ended_at
        transfers = tuple(self._transfers())
        return CallRecord(
            self.first.cells.get("uniqueid") or self.first.cells["linkedid"],
            recording=file or None,
            conversation_id=self.first.cells.get("linkedid"),
            direction=direction,
            caller_number=self.first.cells.get("cid_num") or None,
            called_number=self._called(),
            agent_id=caller if direction == "outbound" else called,
            agent_name=(picked_up.cells.get("cid_name") or None) if picked_up and called else None,
            started_at=mixed.at if mixed and "b" not in options.partition(",")[0] else None,
            offered_at=self.first.at,
            answered_at=answered_at,
            ended_at=ended_at,
            answered=picked_up is not None,
            ring_ms=_ms(rang[0].at, until) if rang and until else None,
            hangup_by=self._hung_up_by(),
            end_reason=answered_end(self._cause(), transfers) if picked_up else self._lost(),
            holds=tuple(self._holds(answered_at, ended_at)),
            transfers=transfers,
            file=self.first.file,
            line=self.first.line,
            form="cel",
        )

    def agent(self, e: ChannelEvent) -> str | None:
        return agent_of(e.channel, self.phones)

    def _picked_up(self, caller: str | None) -> ChannelEvent | None:
        """The other side answers: the first phone of an agent; of an agent's own call, the first other channel."""
        for e in self.events:
            if e.kind == "ANSWER" and e.channel != self.first.channel and not is_local(e.channel) and (caller or self.agent(e)):
                return e
        return None

    def _called(self) -> str | None:
        """What the caller dialled: later events of a channel stand at other extensions of the dial plan."""
        told = (self.first.cells.get("cid_dnid"), self.first.cells.get("exten"))
        return next((n for n in told if n and n not in ("s", "h", "t", "i")), None)

    def _ended(self) -> datetime | None:
        last = [e.at for e in self.events if e.kind in ("HANGUP", "CHAN_END") and e.channel == self.first.channel]
        return last[0] if last else next((e.at for e in self.events if e.kind == "LINKEDID_END"), None)

    def _hung_up_by(self) -> str | None:
        """The channel that hung up first at the call's end; earlier ones belong to phones that stopped ringing."""
        talked = max((e.at for e in self.events if e.kind in ("BRIDGE_ENTER", "ANSWER")), default=None)
        for e in self.events:
            source = e.extra.get("hangupsource")
            if e.kind != "HANGUP" or not isinstance(source, str) or not source or (talked and e.at < talked):
                continue
            if is_local(source):
                continue
            if "/" not in source or source.startswith("dialplan"):
                return "system"
            return "agent" if agent_of(source, self.phones) else "customer"
        return None

    def _cause(self) -> int | None:
        """Of the caller's own channel, which lasts as long as the call."""
        own = [e.extra.get("hangupcause") for e in self.events if e.kind == "HANGUP" and e.channel == self.first.channel]
        return own[-1] if own and isinstance(own[-1], int) else None

    def _lost(self) -> str | None:
        if any(e.app == "voicemail" for e in self.events):
            return "voicemail"
        status = [s for e in self.events if e.kind == "HANGUP" and isinstance(s := e.extra.get("dialstatus"), str) and s]
        if status and status[-1] in CALLER_LEFT:
            return CALLER_LEFT[status[-1]]
        return "abandoned" if self._hung_up_by() == "customer" else None

    def _holds(self, answered: datetime | None, ended: datetime | None) -> Iterable[tuple[datetime, datetime]]:
        """After the answer, by anyone but the customer; what is not taken back lasts until the call ends."""
        since: datetime | None = None
        for e in self.events:
            own = bool(self.agent(e)) or is_local(e.channel) or e.kind.startswith(("MUSIC", "PARK", "APP"))
            on = e.kind in HOLD_ON or (e.kind == "APP_START" and e.app == "musiconhold")
            off = e.kind in HOLD_OFF or (e.kind == "APP_END" and e.app == "musiconhold")
            if on and own and since is None and answered and e.at >= answered:
                since = e.at
            elif off and since is not None:
                yield since, e.at
                since = None
        if since is not None and ended and ended >= since:
            yield since, ended

    def _transfers(self) -> Iterable[dict[str, Any]]:
        for number, e in enumerate(self.events):
            if e.kind not in ("BLINDTRANSFER", "ATTENDEDTRANSFER"):
                continue
            blind, extra = e.kind == "BLINDTRANSFER", e.extra
            named = extra.get("transfer_target_channel_name")
            target = extra.get("extension") if blind else extra.get("app") or (endpoint(named) if named != "N/A" else None)
            told: dict[str, Any] = {"at_ms": e.at, "mode": "blind" if blind else "attended", "target": target}
            if blind:
                answer = next((a for a in self.events[number:] if a.kind == "ANSWER" and not is_local(a.channel)), None)
                told |= {"result": "answered" if answer else "no_answer", "agent_id": self.agent(answer) if answer else None}
            else:
                told |= {"result": "answered", "agent_id": agent_of(named, self.phones) if isinstance(named, str) else None}
            told["from_agent_id"] = self.agent(e)
            yield {k: v for k, v in told.items() if v is not None}


def _ms(start: datetime, end: datetime) -> int:
    return max(0, round((end - start).total_seconds() * 1000))
