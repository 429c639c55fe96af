"""The nightly batch, top to bottom: find, decode, listen, keep each transcript, seal into Parquet with its verdicts."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from qa_pipeline.config import Config
from qa_pipeline.dataset.ledger import Entry, Ledger
from qa_pipeline.dataset.parts import clear_staging
from qa_pipeline.dataset.rows import Rows, transcript_rows
from qa_pipeline.dataset.tables import revision, transcript_tables
from qa_pipeline.dataset.writer import one_writer
from qa_pipeline.errors import QaError
from qa_pipeline.heard import as_heard
from qa_pipeline.judging import seal
from qa_pipeline.model import Call, Event, Leg, Speaker, Transcript, Turn
from qa_pipeline.recordings.birth import sound_of, to_call
from qa_pipeline.recordings.decode import Recording, content_hash, decode
from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.find import Failure, Found, find_recordings
from qa_pipeline.recordings.legs import in_legs, legs_on_record
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.read import find_records, read_records
from qa_pipeline.recordings.records.record import RecordError
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.pack import RulePack, vocabulary
from qa_pipeline.speech.backend import Recogniser
from qa_pipeline.speech.listen import Sketch, fill_in, sketch
from qa_pipeline.text.segment import Segmenter

GROUP = 8  # calls whose windows are recognised together; what a crash can cost
SEAL_EVERY = 200  # calls
Made = TypeVar("Made")


@dataclass(frozen=True)
class Summary:
    """What a run did, for the morning: counts of recordings, and every failure with its typed reason.

    found = new + known + duplicates + failures of recordings. no_record, missing: call ids. unjudged calls are among the
    failures, and among `new` or `known` too: their words are kept.
    """

    found: int
    new: int
    known: int
    passed_over: int
    record_files: int
    no_record: tuple[str, ...]
    missing: tuple[str, ...]
    duplicates: tuple[Duplicate, ...]
    failures: tuple[Failure, ...]
    problems: tuple[RecordError, ...]


@dataclass(frozen=True)
class Duplicate:
    """A recording whose content was finished under another name; judged once."""

    path: Path
    of: str
    call_id: str


@dataclass(frozen=True)
class Kept:
    """A recording whose transcript is safe in the ledger."""

    path: Path
    call_id: str
    no_record: bool


@dataclass(frozen=True)
class Touched:
    """A known recording with a new time and its old content."""

    path: Path


Outcome = Kept | Duplicate | Touched | Failure


@dataclass(frozen=True)
class Prepared:
    """A decoded recording, its call and record events, and all but its words."""

    entry: Entry
    path: Path
    recording: Recording
    call: Call
    legs: tuple[Leg, ...]
    events: tuple[Event, ...]
    sketch: Sketch


@dataclass(frozen=True)
class Tools:
    """What every group of recordings is worked on with."""

    config: Config
    ledger: Ledger
    records: Records
    recogniser: Recogniser
    names: tuple[str, ...]
    spool: Path

    @cached_property
    def segmenter(self) -> Segmenter:
        """Made when the first words come: a night with nothing new need not wait for a dictionary."""
        return Segmenter(self.names)


def run(
    config: Config,
    paths: Sequence[Path],
    packs: Mapping[str, RulePack],
    recogniser: Recogniser,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Everything new under `paths` becomes transcripts and verdicts. Resumes by what the ledger holds.

    Whatever is wrong with a recording is a Failure of its own. Raises BusyError while another command writes here, and
    QaError where the speech model cannot be loaded.
    """
    private = partial(tempfile.TemporaryDirectory, prefix="qa-")
    with one_writer(config.root), closing(Ledger(config.ledger)) as ledger, private() as spool:
        clear_staging(config.dataset)
        matchers: dict[str, Matcher] = {}
        seal(config.dataset, ledger, packs, matchers)  # what an interrupted run had finished
        found = find_recordings(paths, config.recordings.formats, config.recordings.pair)
        files = find_records(paths, config.phones)
        records = read_records(files, config.phones)
        tools = Tools(config, ledger, records, recogniser, vocabulary(packs.values()), Path(spool))
        for path in paths:
            if path.is_dir():
                ledger.forget(str(path.resolve()))  # named on a night when it was not there
        fresh = [one for one in found.recordings if not _known(ledger, one)]
        outcomes: list[Outcome] = []
        since = 0
        for group in _batched(fresh, GROUP):
            done = _work(tools, group)
            outcomes += done
            since += sum(isinstance(one, Kept) for one in done)
            if since >= SEAL_EVERY:
                seal(config.dataset, ledger, packs, matchers)
                since = 0
            progress(len(outcomes), len(fresh))
        unjudged = seal(config.dataset, ledger, packs, matchers)
        failures = [*found.failures, *(one for one in outcomes if isinstance(one, Failure))]
        keys = {path: one.key for one in found.recordings for path in one.paths}
        for failure in failures:
            ledger.note(_failed(failure, keys))
        failures += [_unjudged(ledger, call_id, said) for call_id, said in unjudged.items()]
        return _summary(tools, found, files, outcomes, failures)


def _summary(
    tools: Tools, found: Found, files: Sequence[Path], outcomes: Sequence[Outcome], failures: Sequence[Failure]
) -> Summary:
    kept = [one for one in outcomes if isinstance(one, Kept)]
    read = {file.resolve() for file in files}
    missing = [r.call_id for r in tools.records.without_recording(found.recordings) if not tools.ledger.holder(r.call_id)]
    return Summary(
        found=len(found.recordings) + len(found.failures),
        new=len(kept),
        known=len(found.recordings) - len(outcomes) + sum(isinstance(one, Touched) for one in outcomes),
        passed_over=sum(path.resolve() not in read for path in found.passed_over),
        record_files=len(files),
        no_record=tuple(one.call_id for one in kept if one.no_record),
        missing=tuple(missing),
        duplicates=tuple(one for one in outcomes if isinstance(one, Duplicate)),
        failures=tuple(failures),
        problems=tools.records.problems,
    )


def _batched(items: Sequence[RecordingFiles], n: int) -> Iterable[Sequence[RecordingFiles]]:
    return (items[i : i + n] for i in range(0, len(items), n))


def _known(ledger: Ledger, files: RecordingFiles) -> bool:
    """Finished before, and not touched since."""
    entry = ledger.entry(files.key)
    if entry is None or entry.state == "failed":
        return False
    try:
        return (entry.size, entry.modified_ns) == files.state
    except OSError:
        return False


def _failed(failure: Failure, keys: Mapping[Path, str]) -> Entry:
    key = keys.get(failure.path) or str(failure.path.resolve())
    return Entry(key, "failed", reason=failure.reason, detail=failure.detail)


def _unjudged(ledger: Ledger, call_id: str, said: str) -> Failure:
    holder = ledger.holder(call_id)
    detail = f"call {call_id}: {said}. Its words are kept; mend the rules and run again"
    return Failure(Path(holder.path if holder else call_id), "judging_failed", detail)


def _guarded(path: Path, reason: str, stage: Callable[[Path], Made]) -> Made | Failure:
    """What a stage makes of one recording; whatever it raises is that recording's failure and no one else's."""
    try:
        return stage(path)
    except QaError:
        raise  # nothing about the recording: the model, the settings
    except FileNotFoundError:
        return Failure(path, "missing", "it was there and is gone; was it moved during the run?")
    except OSError as problem:
        return Failure(path, "unreadable", str(problem))
    except Exception as problem:
        return Failure(path, reason, f"{type(problem).__name__}: {problem}")


def _work(tools: Tools, group: Sequence[RecordingFiles]) -> list[Outcome]:
    """One outcome for each recording of the group."""
    prepared: list[Prepared] = []
    twins: list[tuple[Path, Entry]] = []
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(dir=tools.spool) as spool:
        for number, files in enumerate(group):
            path = files.paths[0]
            seen: Callable[[Path], Entry] = partial(_seen, files)
            entry = _guarded(path, "decoding_failed", seen)
            if isinstance(entry, Failure):
                outcomes.append(entry)
            elif tools.ledger.heard(entry.sha256 or "") or any(p.entry.sha256 == entry.sha256 for p in prepared):
                twins.append((path, entry))
            else:
                own = Path(spool, str(number))
                own.mkdir(0o700)
                one = _prepare(tools, files, entry, own, {p.call.call_id: p.path for p in prepared})
                if isinstance(one, Failure):
                    outcomes.append(one)
                else:
                    prepared.append(one)
        outcomes += _transcribe(tools, prepared)
    return outcomes + [_twin(tools, path, entry) for path, entry in twins]


def _seen(files: RecordingFiles, _: Path) -> Entry:
    return Entry(files.key, "transcribed", content_hash(files.paths), *files.state)


def _twin(tools: Tools, path: Path, entry: Entry) -> Duplicate | Touched | Failure:
    """The same content as a finished recording; as one that failed a moment ago, it fails too."""
    before = tools.ledger.heard(entry.sha256 or "")
    if before is None:
        return Failure(path, "decoding_failed", "the same content failed under another name in this run")
    if before.path == entry.path:
        tools.ledger.note(replace(before, size=entry.size, modified_ns=entry.modified_ns))
        return Touched(path)
    detail = f"same content as {before.path}"
    tools.ledger.note(replace(entry, state="duplicate", asr=before.asr, call_id=before.call_id, detail=detail))
    return Duplicate(path, before.path, before.call_id or "")


def _prepare(tools: Tools, files: RecordingFiles, entry: Entry, spool: Path, claimed: Mapping[str, Path]) -> Prepared | Failure:
    """Decoded, joined with its record, and listened to up to the words."""
    config, path = tools.config, files.paths[0]
    recording = _guarded(path, "decoding_failed", lambda _: decode(files, spool, config.recordings.formats))
    if isinstance(recording, Failure):
        return recording
    record = tools.records.of(*files.named)
    sound = sound_of(recording, config.roots.uri, config.phones)
    call, told, agent = to_call(record, sound, named_record(path, config.phones))
    holder = tools.ledger.holder(call.call_id)
    other = holder.path if holder and holder.path != entry.path else claimed.get(call.call_id)
    if other:
        detail = f"call {call.call_id} is already kept from {other}; rename this one or correct its call record"
        return Failure(path, "call_id_taken", detail)
    legs = legs_on_record(call, agent, partial(config.packs.of, path.resolve().parent))
    longest = tools.recogniser.ear.longest_ms
    listen = partial(sketch, call.call_id, recording.samples, recording.rate, longest)
    heard = _guarded(path, "listening_failed", lambda _: listen())
    if isinstance(heard, Failure):
        return heard
    entry = replace(entry, sha256=recording.sha256, call_id=call.call_id, asr=tools.recogniser.fingerprint)
    return Prepared(entry, path, recording, call, legs, tuple(told), heard)


def _transcribe(tools: Tools, prepared: Sequence[Prepared]) -> list[Kept | Failure]:
    """The words of a group of calls, each kept in the ledger as soon as it has them; where the group fails, one by one."""
    roles = [_roles(tools.config, p.recording) for p in prepared]
    try:
        filled: list[list[Turn] | None] = [*fill_in([p.sketch for p in prepared], tools.recogniser, roles)]
    except QaError:
        raise
    except Exception:
        filled = [None] * len(prepared)
    return [_keep(tools, p, role, turns) for p, role, turns in zip(prepared, roles, filled, strict=True)]


def _keep(tools: Tools, p: Prepared, roles: Sequence[Speaker], turns: list[Turn] | None) -> Kept | Failure:
    def rows(_: Path) -> Rows:
        words = fill_in([p.sketch], tools.recogniser, [roles])[0] if turns is None else turns
        call = as_heard(p.call, p.recording, p.sketch, tools.config.channels.agent)
        said, events = in_legs(_before_answer(words, call), p.legs), (*p.events, *_sided(p.sketch.events, roles))
        transcript = Transcript(call, p.legs, said, events, tools.recogniser.fingerprint)
        made = transcript_rows(transcript, tools.segmenter.words, tools.segmenter.version)
        before = tools.ledger.call_date(call.call_id)
        made["calls"][0]["revision"] = 1 + (revision(tools.config.dataset, before, call.call_id) if before else 0)
        transcript_tables(made)  # what does not fit the tables is this recording's failure, not the sealing's
        return made

    made = _guarded(p.path, "recognition_failed", rows)
    if isinstance(made, Failure):
        return made
    tools.ledger.keep(p.entry, p.call.started_at.date(), made)
    return Kept(p.path, p.call.call_id, "no_record" in p.call.flags)


def _before_answer(turns: Iterable[Turn], call: Call) -> tuple[Turn, ...]:
    """What sounds on the agent's channel before the agent answers is an announcement."""
    answered = call.answered_ms or 0
    return tuple(
        replace(t, speaker=Speaker.IVR) if t.speaker is Speaker.AGENT and t.span.end_ms <= answered else t for t in turns
    )


def _sided(events: Iterable[Event], roles: Sequence[Speaker]) -> tuple[Event, ...]:
    """Measured events with the side whose channel they were heard on, where it is known whose it is."""
    sides = {c: str(role) for c, role in enumerate(roles) if role is not Speaker.UNKNOWN}
    return tuple(
        replace(e, attrs={**e.attrs, "side": sides[e.channel]}) if e.channel in sides and e.channel is not None else e
        for e in events
    )


def _roles(config: Config, recording: Recording) -> list[Speaker]:
    if recording.channels != 2 or "same_channels" in recording.flags:
        return [Speaker.UNKNOWN] * recording.channels
    return [Speaker.AGENT if channel == config.channels.agent else Speaker.CUSTOMER for channel in range(2)]
