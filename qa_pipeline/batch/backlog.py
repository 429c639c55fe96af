"""Which of the recordings that are there are for this run, and in which order."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from qa_pipeline.dataset.ledger import KILLED, Ledger
from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.record import CallRecord
from qa_pipeline.settings import Night

HEARD = ("transcribed", "sealed", "unjudged")
State = tuple[int, int]


@dataclass(frozen=True)
class Backlog:
    """fresh: to be heard, in order. known: heard before. quarantined: failed too often and untouched since, each with its
    reason. not_sampled: left out by the plan. again: keys of those among the fresh that were heard with other settings. alone:
    keys of those, last among the fresh, that a killed run had in hand: one of them may be what killed it.
    states: size and time of change of each recording, from before anything of it was read.
    """

    fresh: tuple[RecordingFiles, ...]
    known: int = 0
    quarantined: tuple[Failure, ...] = ()
    not_sampled: int = 0
    again: frozenset[str] = frozenset()
    alone: frozenset[str] = frozenset()
    states: Mapping[str, State] = field(default_factory=dict)


def choose(
    found: Sequence[RecordingFiles], ledger: Ledger, records: Records, night: Night, other_than: str | None = None
) -> Backlog:
    """What the ledger holds is known, but where `other_than` (a fingerprint) is given and it was heard by another."""
    fresh, again, known = list[RecordingFiles](), list[RecordingFiles](), list[RecordingFiles]()
    quarantined, states, killed = list[Failure](), dict[str, State](), dict[str, int]()
    for one in found:
        entry, state = ledger.entry(one.key), _state(one)
        if state:
            states[one.key] = state
        if entry is None or (entry.size, entry.modified_ns) != state:
            fresh.append(one)
        elif entry.state == "failed":
            tried = ledger.attempts(one.key)
            if tried < night.attempts or entry.reason == "call_id_taken":  # which another's record may put right
                fresh.append(one)
                killed |= {one.key: tried} if entry.reason == KILLED else {}
            else:
                quarantined.append(Failure(one.paths[0], str(entry.reason), f"{entry.detail} (tried {tried} times)"))
        elif other_than and entry.state in HEARD and entry.asr != other_than:
            again.append(one)
        else:
            known.append(one)
    births = _Births(records, states)
    sample = _sample(fresh, [*known, *again], night.per_agent, births) if night.per_agent else fresh
    direction = -1 if night.order == "newest" else 1

    def turn(one: RecordingFiles) -> tuple[int, float, str]:
        return killed.get(one.key, 0), direction * births.at(one), one.paths[0].as_posix()

    ordered, keys = sorted((*sample, *again), key=turn), frozenset(one.key for one in again)
    left_out = len(fresh) - len(sample)
    return Backlog(tuple(ordered), len(known), tuple(quarantined), left_out, keys, frozenset(killed), states)


def _state(files: RecordingFiles) -> State | None:
    try:
        return files.state
    except OSError:
        return None


class _Births:
    """When and with whom each call was, by its record or its file's name; else when its file was written, with nobody known."""

    def __init__(self, records: Records, states: Mapping[str, State]) -> None:
        self._records, self._states = records, states
        self._told: dict[str, CallRecord | None] = {}

    def record(self, files: RecordingFiles) -> CallRecord | None:
        if files.key not in self._told:
            named = named_record(files.paths[0], self._records.phones)
            self._told[files.key] = self._records.of(*files.named) or named
        return self._told[files.key]

    def at(self, files: RecordingFiles) -> float:
        """Seconds since 1970."""
        record = self.record(files)
        if record and record.began_at:
            return record.began_at.timestamp()
        return self._states.get(files.key, (0, 0))[1] / 1e9

    def shift(self, files: RecordingFiles) -> tuple[str, date]:
        """An agent's day. Calls of agents that nobody knows are taken for one agent's."""
        record = self.record(files)
        day = datetime.fromtimestamp(self.at(files), self._records.phones.tz).date()
        return (record.agent_id or "" if record else ""), day

    def draw(self, files: RecordingFiles) -> str:
        """Its place in the draw: whoever draws, and whenever, draws the same."""
        record = self.record(files)
        return hashlib.sha256((record.call_id if record else files.paths[0].name).encode()).hexdigest()


def _sample(
    fresh: Sequence[RecordingFiles], known: Sequence[RecordingFiles], per_agent: int, births: _Births
) -> list[RecordingFiles]:
    """So many fresh recordings of an agent's day that with the known ones there are no more than `per_agent`."""
    heard = Counter(births.shift(one) for one in known)
    shifts: dict[tuple[str, date], list[RecordingFiles]] = defaultdict(list)
    for one in sorted(fresh, key=births.draw):
        shifts[births.shift(one)].append(one)
    return [one for shift, drawn in shifts.items() for one in drawn[: max(0, per_agent - heard[shift])]]
