"""Records that come late, are corrected, or tell of unrecorded calls: joined with what is kept, nothing heard again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, tzinfo
from functools import partial
from pathlib import Path
from typing import Any

from qa_pipeline.batch.heard import hung_up_by_tone, music_named, rings_before
from qa_pipeline.config import Config
from qa_pipeline.dataset.agents import keep_agents
from qa_pipeline.dataset.ledger import UNHEARD, Entry, Ledger
from qa_pipeline.dataset.parts import read_part
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, Row, Rows, transcript_rows
from qa_pipeline.model import Call, Event, EventSource, Leg, Span, Speaker, Transcript
from qa_pipeline.recordings.birth import OF_THE_RECORD, Sound, to_call, unanswered_call, with_team
from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.legs import leg_at, legs_on_record
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.record import CallRecord, RecordError, fingerprint


@dataclass(frozen=True)
class Rejoined:
    """A kept call whose record came or changed; its words are the same. `before`: the id that it was kept under."""

    call_id: str
    before: str
    revision: int


@dataclass(frozen=True)
class Settled:
    """What became of the records: calls made again, ids of calls without a recording, and what could not be joined."""

    rejoined: tuple[Rejoined, ...] = ()
    unanswered: tuple[str, ...] = ()
    problems: tuple[RecordError, ...] = ()


def settle_records(config: Config, ledger: Ledger, records: Records, found: Sequence[RecordingFiles]) -> Settled:
    """Every record at hand meets what is kept already; the rows of its calls then wait in the ledger for their verdicts."""
    late = _Late(config, ledger, records, [*records.ambiguous(found)])
    with ledger.db.atomic():  # all or nothing: a year of records is one write
        rejoined = tuple(late.rejoin(found))
        unanswered = tuple(late.born(found)) if config.records.unanswered else ()
    keep_agents(config.dataset, [asdict(agent) for agent in records.roster.agents])
    return Settled(rejoined, unanswered, tuple(late.problems))


@dataclass
class _Late:
    config: Config
    ledger: Ledger
    records: Records
    problems: list[RecordError] = field(default_factory=list)

    def rejoin(self, found: Sequence[RecordingFiles]) -> list[Rejoined]:
        """Calls whose record is new or other than the one they were made with are made again from it and their kept words."""
        names = {one.key: one.named for one in found}
        chosen: dict[str, tuple[Entry, CallRecord]] = {}
        claimed: dict[str, str] = {}
        for entry in self.ledger.joinable([r.call_id for r in self.records.records], list(names)):
            record = self._record_of(entry, names.get(entry.path, (Path(entry.path),)))
            if record and entry.call_id and fingerprint(record) != entry.record and self._free(entry, record, claimed):
                chosen[entry.call_id] = (entry, record)
        return [self._again(*chosen[call_id], rows) for call_id, rows in self._kept(chosen)]

    def born(self, found: Sequence[RecordingFiles]) -> list[str]:
        """Calls that nobody took and that left no recording: kept without turns. Ids of new and corrected ones."""
        made = []
        for record in self.records.unanswered(found):
            path, mark = UNHEARD + record.call_id, fingerprint(record)
            before = self.ledger.entry(path)
            holder = self.ledger.holder(record.call_id)
            if (before and before.record == mark) or (holder and holder.path != path):
                continue
            call = with_team(unanswered_call(record), record.agent_id, self.records.roster)
            pack = self.config.packs.of(Path(), call.called_number, call.department)
            leg = Leg(Span(call.call_id, 0, call.duration_ms), 1, record.agent_id, pack)
            rows = transcript_rows(Transcript(call, (leg,), (), (), ""), lambda text: (), "")
            rows["calls"][0]["revision"] = 1 + self._revision(record.call_id)
            entry = Entry(path, "transcribed", call_id=call.call_id, record=mark)
            self.ledger.keep(entry, call.started_at.date(), rows)
            made.append(call.call_id)
        return made

    def _record_of(self, entry: Entry, names: Sequence[Path]) -> CallRecord | None:
        """By the recording's names; else, where a call has this id already, by that."""
        return self.records.of(*names) or self.records.by_id(entry.call_id or "")

    def _free(self, entry: Entry, record: CallRecord, claimed: dict[str, str]) -> bool:
        """Whether no other recording has the record's id, or is about to."""
        holder = self.ledger.holder(record.call_id)
        taken = holder.path if holder and not holder.path.startswith(UNHEARD) else entry.path
        taken = claimed.setdefault(record.call_id, taken)
        if taken == entry.path:
            return True
        said = f"call {record.call_id} is already kept from {taken}; {entry.path} stays as it is"
        self.problems.append(RecordError(said, record.place))
        return False

    def _kept(self, call_ids: Iterable[str]) -> Iterator[tuple[str, Rows]]:
        """Rows of the calls, from where they wait to be sealed, else from their parts, each part read once."""
        by_day: dict[date, list[str]] = defaultdict(list)
        for call_id in call_ids:
            if waiting := self.ledger.pending_rows(call_id):
                yield call_id, waiting
            elif day := self.ledger.call_date(call_id):
                by_day[day].append(call_id)
        for day, ids in sorted(by_day.items()):
            parts = {table: read_part(self.config.dataset, table, day, calls=ids).to_pylist() for table in TRANSCRIPT_TABLES}
            split: dict[str, Rows] = {call_id: {table: [] for table in TRANSCRIPT_TABLES} for call_id in ids}
            for table, told in parts.items():
                for row in told:
                    split[row["call_id"]][table].append(row)
            yield from ((call_id, one) for call_id, one in split.items() if one["calls"])

    def _again(self, entry: Entry, record: CallRecord, rows: Rows) -> Rejoined:
        before = rows["calls"][0]
        call, legs, events = self._remade(entry, record, rows)
        made = transcript_rows(Transcript(call, legs, (), events, before["asr"]), lambda text: (), before["text_version"])
        made["turns"] = [_turn(row, call, legs, before["answered_ms"]) for row in rows["turns"]]
        kept = {name: before[name] for name in ("roles_source", "masked", "agent_level_dbfs", "agent_snr_db", "measured")}
        made["calls"][0] |= {**kept, "revision": 1 + before["revision"]}
        old = str(entry.call_id)
        entry = replace(entry, state="transcribed", call_id=call.call_id, record=fingerprint(record), reason=None, detail=None)
        self.ledger.keep(entry, call.started_at.date(), made, instead_of=old if old != call.call_id else None)
        return Rejoined(call.call_id, old, made["calls"][0]["revision"])

    def _remade(self, entry: Entry, record: CallRecord, rows: Rows) -> tuple[Call, tuple[Leg, ...], tuple[Event, ...]]:
        before = rows["calls"][0]
        sound = _sound(entry, before, self.config.tz)
        call, told, agent = to_call(record, sound, named_record(Path(entry.path), self.config.phones))
        call = with_team(call, agent, self.records.roster)
        heard = [_event(row, call.call_id) for row in rows["events"] if row["source"] != EventSource.RECORD]
        words = [row for row in rows["turns"] if row["text"] or row["end_ms"] > row["start_ms"]]
        first_word = min((row["start_ms"] for row in words), default=call.duration_ms)
        last_word = max((row["end_ms"] for row in words), default=0)
        if call.ring_count is None:
            call = replace(call, ring_count=rings_before(first_word if call.answered_ms is None else call.answered_ms, heard))
        call = hung_up_by_tone(call, last_word, heard)
        legs = legs_on_record(call, agent, partial(self.config.packs.of, Path(entry.path).parent))
        return call, legs, (*told, *music_named(heard, call))

    def _revision(self, call_id: str) -> int:
        waiting = self.ledger.pending_revision(call_id)
        if waiting is not None:
            return waiting
        day = self.ledger.call_date(call_id)
        found = read_part(self.config.dataset, "calls", day, ["call_id", "revision"], [call_id]).to_pylist() if day else []
        return int(found[0]["revision"]) if found else 0


def _sound(entry: Entry, before: Row, tz: tzinfo) -> Sound:
    """What was kept of the recording, without what its former record, or the lack of one, had said."""
    started = before["started_at"]
    return Sound(
        Path(entry.path).name,
        entry.sha256 or "",
        tuple(before["recordings"]),
        before["duration_ms"],
        before["n_channels"],
        before["lost_ms"],
        tuple(flag for flag in before["flags"] if flag not in OF_THE_RECORD),
        (datetime.fromisoformat(started) if isinstance(started, str) else started).astimezone(tz),
    )


def _turn(row: Row, call: Call, legs: Sequence[Leg], answered_before: int | None) -> Row:
    """The same words in the new call's legs; what was said on the agent's channel before the answer is an announcement."""
    speaker, end = row["speaker"], row["end_ms"]
    if speaker == Speaker.IVR and end <= (answered_before or 0):
        speaker = str(Speaker.AGENT)
    if speaker == Speaker.AGENT and end <= (call.answered_ms or 0):
        speaker = str(Speaker.IVR)
    return {**row, "call_id": call.call_id, "leg": leg_at(legs, row["start_ms"]), "speaker": speaker}


def _event(row: Row, call_id: str) -> Event:
    attrs: Mapping[str, Any] = json.loads(row["attrs"] or "{}")
    span = Span(call_id, row["start_ms"], row["end_ms"])
    return Event(span, row["kind"], EventSource(row["source"]), row["channel"], row["value"], attrs)
