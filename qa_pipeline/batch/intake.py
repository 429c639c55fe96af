"""What becomes of one recording: known already, or to be heard; and kept with its words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from qa_pipeline.batch.front import Job, Prepared, guarded
from qa_pipeline.batch.heard import as_heard
from qa_pipeline.batch.moved import is_gone, move
from qa_pipeline.batch.reporting import Duplicate, Kept, Moved, Touched
from qa_pipeline.config import Config, compile_vocabulary
from qa_pipeline.dataset.ledger import UNHEARD, Entry, Ledger
from qa_pipeline.dataset.rows import Rows, transcript_rows
from qa_pipeline.dataset.tables import revision, transcript_tables
from qa_pipeline.model import Transcript
from qa_pipeline.recordings.birth import with_team
from qa_pipeline.recordings.decode import content_hash
from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.legs import in_legs, legs_on_record
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.record import fingerprint
from qa_pipeline.rules.pack import RulePack, vocabulary
from qa_pipeline.speech.backend import Heard, Recogniser
from qa_pipeline.speech.listen import with_words
from qa_pipeline.speech.roles import RoleCues
from qa_pipeline.text.segment import Segmenter
from qa_pipeline.verdicts.in_force import PLANS
from qa_pipeline.verdicts.judging import Failed, Matchers, seal


@dataclass(frozen=True)
class Tools:
    """What every recording is worked on with. Without packs to judge with, transcripts stay in the ledger."""

    config: Config
    ledger: Ledger
    records: Records
    recogniser: Recogniser
    packs: Mapping[str, RulePack]
    judge: bool

    @cached_property
    def matchers(self) -> Matchers:
        return Matchers(self.config.root / PLANS)

    @cached_property
    def segmenter(self) -> Segmenter:
        """Made when the first words come: a night with nothing new need not wait for a dictionary."""
        return Segmenter(vocabulary(self.packs.values()))

    @cached_property
    def cues(self) -> RoleCues:
        return compile_vocabulary(self.packs, self.config.packs).cues

    def seal(self) -> Failed:
        return seal(self.config.dataset, self.ledger, self.packs, self.matchers) if self.judge else {}


def look(tools: Tools, files: RecordingFiles, again: bool) -> Job | Duplicate | Touched | Moved | Failure:
    """What is plain before decoding: the same content as a finished recording, or another one's call id."""
    path, state = files.paths[0], files.state  # as it is now: what is written to it later makes it fresh again
    entry = Entry(files.key, "transcribed", content_hash(files.paths), *state)
    before = tools.ledger.heard(entry.sha256 or "")
    if before is not None and not (again and before.path == entry.path):
        return _twin(tools, path, entry, before)
    record = tools.records.of(*files.named)
    named = record or named_record(path, tools.config.phones)
    call_id = named.call_id if named else str(entry.sha256)[:16]
    holder = tools.ledger.holder(call_id)
    if holder and holder.path not in (entry.path, UNHEARD + call_id):
        detail = f"call {call_id} is already kept from {holder.path}; rename this one or correct its call record"
        return Failure(path, "call_id_taken", detail)
    return Job(files, str(entry.sha256), state, call_id, record)


def _twin(tools: Tools, path: Path, entry: Entry, before: Entry) -> Duplicate | Touched | Moved:
    """The same content as a finished recording."""
    if before.path == entry.path:
        tools.ledger.note(replace(before, size=entry.size, modified_ns=entry.modified_ns))
        return Touched(path)
    if before.state == "forgotten":
        return Touched(path)
    if is_gone(before.path):
        return move(tools.ledger, before, entry, path)
    detail = f"same content as {before.path}"
    tools.ledger.note(replace(entry, state="duplicate", asr=before.asr, call_id=before.call_id, detail=detail))
    return Duplicate(path, before.path, before.call_id or "")


def keep(tools: Tools, p: Prepared, said: list[Heard] | Exception) -> Kept | Failure:
    """The transcript into the ledger; from here on a crash does not lose it."""

    def rows() -> Rows:
        if isinstance(said, Exception):
            raise said
        transcript = _transcript(tools, p, said)
        made = transcript_rows(transcript, tools.segmenter.words, tools.segmenter.version)
        before = tools.ledger.call_date(p.call.call_id)
        made["calls"][0]["revision"] = 1 + (revision(tools.config.dataset, before, p.call.call_id) if before else 0)
        transcript_tables(made)  # what does not fit the tables is this recording's failure, not the sealing's
        return made

    made = guarded(p.job.path, "recognition_failed", rows)
    if isinstance(made, Failure):
        return made
    job, asr = p.job, tools.recogniser.fingerprint
    mark = fingerprint(job.record) if job.record else None
    entry = Entry(job.files.key, "transcribed", job.sha256, *job.state, asr, p.call.call_id, record=mark)
    tools.ledger.keep(entry, p.call.started_at.date(), made)
    return Kept(job.path, p.call.call_id, "no_record" in p.call.flags)


def _transcript(tools: Tools, p: Prepared, said: Sequence[Heard]) -> Transcript:
    words, cues = with_words(p.sketch, said), tools.cues
    call, turns, events = as_heard(p.call, p.sketch, words, tools.config.channels.agent, cues)
    call = with_team(call, p.agent_id, tools.records.roster)
    if any(heard.timing == "spread" for heard in said):
        call = replace(call, flags=(*call.flags, "times_spread"))
    legs = legs_on_record(call, p.agent_id, partial(tools.config.packs.of, p.job.path.resolve().parent))
    return Transcript(call, legs, in_legs(turns, legs), (*p.told, *events), tools.recogniser.fingerprint)
