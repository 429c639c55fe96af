"""Which recording belongs to which record: by what one of them says of the other, never by a guess."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from qa_pipeline.errors import Place
from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.records.columns import named_record, recording_name
from qa_pipeline.recordings.records.record import CallRecord, PhoneSystem, RecordError
from qa_pipeline.recordings.records.roster import Roster

SAFE = 8
"""Characters from which an id is told from other digits in a file's name, such as a date."""
DIGITS = 7
"""Last digits by which two ways to write a number are taken for one."""


@dataclass(frozen=True)
class Records:
    """All call records at hand, the cells and rows that could not be read, and who the agents are."""

    records: tuple[CallRecord, ...]
    problems: tuple[RecordError, ...] = ()
    roster: Roster = field(default_factory=Roster)
    phones: PhoneSystem = field(default_factory=lambda: PhoneSystem(ZoneInfo("Asia/Shanghai")))

    def of(self, *names: Path) -> CallRecord | None:
        """The one record that a recording of these names belongs to; None where none does, or more than one may."""
        found = self.candidates(*names)
        return found[0] if len(found) == 1 else None

    def candidates(self, *names: Path) -> list[CallRecord]:
        """Of the first name that any record may belong to."""
        if names not in self._looked_up:
            self._looked_up[names] = next((found for name in names if (found := self._candidates(name))), [])
        return self._looked_up[names]

    def _candidates(self, recording: Path) -> list[CallRecord]:
        """By the file that a record names from its own folder; else by the end of the path that it names, by the name if one
        record alone has it, by the id in the file's name; else by the number and the time in the name."""
        if beside := self._beside.get(recording.resolve()):
            return [beside]
        if same := self._by_path(recording):
            return same
        if named := self._by_name.get(recording.name) or self._by_id.get(recording.stem):
            return [named]
        return self._by_id_within(recording.stem) or self._by_number_and_time(recording)

    def by_id(self, call_id: str) -> CallRecord | None:
        return self._by_id.get(call_id)

    def ambiguous(self, recordings: Iterable[RecordingFiles]) -> list[RecordError]:
        """Recordings that more than one record may belong to; none is taken."""
        problems = []
        for one in recordings:
            if len(found := self.candidates(*one.named)) > 1:
                ids = ", ".join(sorted(r.call_id for r in found)[:5])
                said = f"expected one call record for this recording, found {len(found)} ({ids}); it is judged without one"
                problems.append(RecordError(said, Place(str(one.paths[0]))))
        return problems

    def without_recording(self, found: Iterable[RecordingFiles]) -> list[CallRecord]:
        """Answered calls that none of the files found belongs to, and whose own file is not where the record has it."""
        there = {record.call_id for one in found if (record := self.of(*one.named))}
        answered = (r for r in self.records if r.answered and r.call_id not in there and not self.is_part(r))
        return [r for r in answered if not (r.file and r.recording and (r.file.parent / r.recording).is_file())]

    def unanswered(self, found: Iterable[RecordingFiles]) -> list[CallRecord]:
        """Calls that nobody took, with a time, without a file among those found (an answering machine may have one)."""
        there = {record.call_id for one in found if (record := self.of(*one.named))}
        return [r for r in self.records if r.unanswered and r.began_at and r.call_id not in there and not self.is_part(r)]

    def is_part(self, record: CallRecord) -> bool:
        """Of Asterisk's: a further channel of a call that has its own record."""
        conversation = record.conversation_id
        return record.form == "asterisk" and conversation not in (None, record.call_id) and conversation in self._by_id

    @cached_property
    def _looked_up(self) -> dict[tuple[Path, ...], list[CallRecord]]:
        """A night asks of each recording more than once."""
        return {}

    @cached_property
    def _by_id(self) -> dict[str, CallRecord]:
        return {r.call_id: r for r in self.records}

    @cached_property
    def _by_name(self) -> dict[str, CallRecord]:
        named = [(recording_name(r.recording), r) for r in self.records if r.recording]
        times = Counter(name for name, _ in named)
        return {name: r for name, r in named if times[name] == 1}

    @cached_property
    def _paths(self) -> dict[str, list[tuple[tuple[str, ...], CallRecord]]]:
        """Records that name a path of the phone system's own machine, by the file's name."""
        made = defaultdict(list)
        for r in self.records:
            parts = tuple(p for p in re.split(r"[/\\]", r.recording or "") if p)
            if len(parts) > 1:
                made[parts[-1]].append((parts, r))
        return made

    def _by_path(self, recording: Path) -> list[CallRecord]:
        """The longest common end of the paths, folder included."""
        told = self._paths.get(recording.name, ())
        shared = [(_common_end(parts, recording.parts), r) for parts, r in told]
        most = max((n for n, _ in shared), default=0)
        return [r for n, r in shared if n == most] if most > 1 else []

    @cached_property
    def _beside(self) -> dict[Path, CallRecord]:
        return {(r.file.parent / r.recording).resolve(): r for r in self.records if r.file and r.recording}

    def _by_id_within(self, stem: str) -> list[CallRecord]:
        """The records whose id stands in the file's name, whole; of several that do, the longest ids."""
        found = {self._by_id[part].call_id: self._by_id[part] for part in _parts(stem) if part in self._by_id}
        most = max(map(len, found), default=0)
        return [r for call_id, r in found.items() if len(call_id) == most]

    @cached_property
    def _by_minute(self) -> dict[int, list[CallRecord]]:
        made = defaultdict(list)
        for r in self.records:
            for at in {int(t.timestamp()) // 60 for t in _times(r)}:
                made[at].append(r)
        return made

    def _by_number_and_time(self, recording: Path) -> list[CallRecord]:
        named = named_record(recording, self.phones)
        numbers = _numbers(named) if named else set()
        if named is None or named.began_at is None or not numbers:
            return []
        at, within = named.began_at, self.phones.within
        minutes = range(int((at - within).timestamp()) // 60, int((at + within).timestamp()) // 60 + 1)
        near = {r.call_id: r for minute in minutes for r in self._by_minute.get(minute, ())}
        return [r for r in near.values() if numbers & _numbers(r) and any(abs(t - at) <= within for t in _times(r))]


def _parts(stem: str) -> Iterator[str]:
    """All pieces of a name between separators, long enough to be an id."""
    edges = [0, *(m.end() for m in re.finditer(r"[-_ +@#.]+", stem[:200]))]
    ends = [*(m.start() for m in re.finditer(r"[-_ +@#.]+", stem[:200])), len(stem[:200])]
    return (stem[a:b] for a in edges for b in ends if b - a >= SAFE)


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    n = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        n += 1
    return n


def _times(r: CallRecord) -> list[datetime]:
    return [t for t in (r.offered_at, r.started_at, r.answered_at) if t is not None]


def _numbers(r: CallRecord) -> set[str]:
    """Whatever stands before a number, its last digits are the same; extensions count whole."""
    told = (re.sub(r"\D", "", n or "") for n in (r.caller_number, r.called_number, r.agent_id))
    return {n[-DIGITS:] for n in told if n}
