"""The nightly batch, top to bottom: find, decode, listen, keep each transcript, seal into Parquet with its verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qa_pipeline.config import Config
from qa_pipeline.dataset.ledger import Entry, Ledger
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, Rows, transcript_rows
from qa_pipeline.dataset.tables import replace_calls
from qa_pipeline.judging import write_verdicts
from qa_pipeline.model import Call, Event, EventSource, Leg, Span, Speaker, Transcript
from qa_pipeline.recordings.decode import Recording, content_hash, decode
from qa_pipeline.recordings.find import Failure, find_recordings
from qa_pipeline.recordings.records import RecordError, Records, find_records, read_records, to_call
from qa_pipeline.rules.pack import RulePack, vocabulary
from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.backend import Recogniser
from qa_pipeline.speech.listen import MEASURED, Sketch, fill_in, sketch
from qa_pipeline.text.segment import Segmenter

GROUP = 8  # calls whose windows are recognised together; what a crash can cost
SEAL_EVERY = 200  # calls


@dataclass(frozen=True)
class Summary:
    """What a run did, for the morning: counts of recordings, and every failure with its typed reason."""

    found: int
    new: int
    known: int
    passed_over: int
    no_record: tuple[str, ...]
    missing: tuple[str, ...]
    failures: tuple[Failure, ...]
    problems: tuple[RecordError, ...]


@dataclass(frozen=True)
class Prepared:
    """A decoded recording, its call and record events, and all but its words."""

    path: Path
    size: int
    modified_ns: int
    recording: Recording
    call: Call
    legs: tuple[Leg, ...]
    events: tuple[Event, ...]
    sketch: Sketch


def run(
    config: Config,
    paths: Sequence[Path],
    packs: Mapping[str, RulePack],
    recogniser: Recogniser,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Everything new under `paths` becomes transcripts and verdicts. Resumes by what the ledger holds."""
    ledger, found = Ledger(config.ledger), find_recordings(paths)
    records = read_records(find_records(paths), config.tz)
    seal(config, ledger, packs)  # what an interrupted run had finished
    fresh = [path for path in found.paths if not _known(ledger, path)]
    failures, done, since = list(found.failures), 0, 0
    no_record: list[str] = []
    for group in _batched(fresh, GROUP):
        prepared = []
        for path in group:
            one = _prepare(config, ledger, records, path, recogniser.longest_ms)
            if isinstance(one, Failure):
                failures.append(one)
            elif one is not None:
                prepared.append(one)
        no_record += [p.call.call_id for p in prepared if "no_record" in p.call.flags]
        _transcribe(config, ledger, packs, recogniser, prepared)
        done, since = done + len(group), since + len(prepared)
        if since >= SEAL_EVERY:
            seal(config, ledger, packs)
            since = 0
        progress(done, len(fresh))
    for failure in failures:
        ledger.note(Entry(str(failure.path), "failed", reason=failure.reason, detail=failure.detail))
    seal(config, ledger, packs)
    return Summary(
        found=len(found.paths) + len(found.failures),
        new=len(fresh) - (len(failures) - len(found.failures)),
        known=len(found.paths) - len(fresh),
        passed_over=found.passed_over,
        no_record=tuple(no_record),
        missing=tuple(records.without_recording(found.paths)),
        failures=tuple(failures),
        problems=records.problems,
    )


def _batched(items: Sequence[Path], n: int) -> Iterable[Sequence[Path]]:
    return (items[i : i + n] for i in range(0, len(items), n))


def _known(ledger: Ledger, path: Path) -> bool:
    """Finished before, and not touched since."""
    entry, stat = ledger.entry(str(path.resolve())), path.stat()
    seen = (entry.size, entry.modified_ns) if entry and entry.state != "failed" else None
    return seen == (stat.st_size, stat.st_mtime_ns)


def _prepare(config: Config, ledger: Ledger, records: Records, path: Path, longest_ms: int) -> Prepared | Failure | None:
    """None: the same content was finished under another name; noted, not done twice."""
    stat = path.stat()
    if before := ledger.heard(content_hash(path)):
        seen = Entry(
            *(str(path.resolve()), before.state, before.sha256, stat.st_size, stat.st_mtime_ns, before.asr, before.call_id),
            detail=f"same content as {before.path}",
        )
        ledger.note(seen)
        return None
    recording = decode(path)
    if isinstance(recording, Failure):
        return recording
    record = records.of(path)
    call, events = to_call(record, recording, config.tz, config.records.pattern)
    if ledger.call_date(call.call_id) is not None:
        detail = f"call {call.call_id} is already kept from another recording; rename this one or correct its call record"
        return Failure(path, "call_id_taken", detail)
    agent = record.agent_id if record else None
    pack = config.packs.of(path.resolve().parent, call.called_number, call.department)
    legs = (Leg(Span(call.call_id, 0, max(call.duration_ms, recording.duration_ms)), 1, agent, pack),)
    customer = 1 - config.channels.agent
    quiet = [(customer, Stretch(e.span.start_ms, e.span.end_ms)) for e in events if e.kind == "hold"]
    sketched = sketch(call.call_id, recording.samples, recording.rate, longest_ms, quiet)
    return Prepared(path, stat.st_size, stat.st_mtime_ns, recording, call, legs, tuple(events), sketched)


def _transcribe(
    config: Config, ledger: Ledger, packs: Mapping[str, RulePack], recogniser: Recogniser, prepared: Sequence[Prepared]
) -> None:
    """The words of a group of calls, each kept in the ledger as soon as it has them."""
    segmenter = Segmenter(vocabulary(packs.values()))
    roles = [_roles(config, p.recording) for p in prepared]
    for p, turns in zip(prepared, fill_in([p.sketch for p in prepared], recogniser, roles), strict=True):
        call = _heard_ending(p.call, p.sketch, config.channels.agent)
        transcript = Transcript(call, p.legs, tuple(turns), (*p.events, *p.sketch.events), recogniser.fingerprint)
        entry = Entry(
            *(str(p.path.resolve()), "transcribed", p.recording.sha256, p.size, p.modified_ns, recogniser.fingerprint),
            call_id=call.call_id,
        )
        rows = transcript_rows(transcript, segmenter.words, segmenter.version)
        ledger.keep(entry, call.started_at.date(), rows)


def _roles(config: Config, recording: Recording) -> list[Speaker]:
    if len(recording.samples) != 2 or "same_channels" in recording.flags:
        return [Speaker.UNKNOWN] * len(recording.samples)
    return [Speaker.AGENT if channel == config.channels.agent else Speaker.CUSTOMER for channel in range(2)]


def _heard_ending(call: Call, heard: Sketch, agent: int) -> Call:
    """Who hung up, by the busy tone that the other side is played, where the record doesn't tell."""
    call = replace(call, measured=MEASURED)
    last_word = max((t.end_ms for t in heard.turns), default=0)
    busy = [e for e in heard.events if e.kind == "busy_tone" and e.span.end_ms > last_word and e.channel is not None]
    if call.hangup_by != "unknown" or not busy or call.n_channels != 2:
        return call
    by = "customer" if busy[-1].channel != agent else "agent"
    return replace(call, hangup_by=by, hangup_source=EventSource.AUDIO)


def seal(config: Config, ledger: Ledger, packs: Mapping[str, RulePack]) -> None:
    """Finished transcripts into Parquet with their verdicts, calls → turns, events → findings → scores."""
    for day, transcripts in ledger.pending():
        rows: Rows = {table: [r for t in transcripts for r in t[table]] for table in TRANSCRIPT_TABLES}
        replace_calls(config.dataset, day, rows, TRANSCRIPT_TABLES)
        write_verdicts(config.dataset, day, rows, packs)
        ledger.sealed(day, rows["legs"])
