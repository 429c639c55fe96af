"""The nightly batch, top to bottom: find, prepare beside recognising, keep each transcript, seal it with its verdicts."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from queue import Empty, SimpleQueue

from qa_pipeline.batch.backlog import Backlog, choose
from qa_pipeline.batch.claims import Claims
from qa_pipeline.batch.disk import check_room, disk_full, is_full
from qa_pipeline.batch.front import CHANGING, Arrived, FrontEnd, Job, Prepared, guarded
from qa_pipeline.batch.heap import give_back
from qa_pipeline.batch.heard import as_heard
from qa_pipeline.batch.late import settle_records
from qa_pipeline.batch.moved import follow, is_gone, move
from qa_pipeline.batch.progress import Pace, Progress
from qa_pipeline.batch.reporting import LOG, Duplicate, Kept, Moved, Outcome, Summary, Touched, log_outcome
from qa_pipeline.config import Config, compile_vocabulary
from qa_pipeline.dataset.ledger import UNHEARD, Entry, Ledger
from qa_pipeline.dataset.parts import clear_staging
from qa_pipeline.dataset.rows import Row, Rows, transcript_rows
from qa_pipeline.dataset.tables import revision, transcript_tables
from qa_pipeline.dataset.writer import one_writer
from qa_pipeline.errors import QaError
from qa_pipeline.model import Transcript
from qa_pipeline.recordings.birth import with_team
from qa_pipeline.recordings.decode import content_hash
from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.find import Failure, Found, find_recordings
from qa_pipeline.recordings.legs import in_legs, legs_on_record
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.read import find_records, read_records
from qa_pipeline.recordings.records.record import fingerprint
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.pack import RulePack, vocabulary
from qa_pipeline.speech.backend import Heard, Recogniser
from qa_pipeline.speech.listen import with_words
from qa_pipeline.speech.listener import Answers, Listener
from qa_pipeline.speech.roles import RoleCues
from qa_pipeline.text.segment import Segmenter
from qa_pipeline.upkeep.repairing import rebuild_if_new
from qa_pipeline.verdicts.in_force import publish_first
from qa_pipeline.verdicts.judging import Failed, seal
from qa_pipeline.verdicts.rescoring import apply_marks

SEAL_EVERY = 200  # calls
SEALING_S = 5.0  # of sealing them, before it was measured
CAUTION = 1.5  # times what the work before the end may take
UNTIL = "until"


@dataclass(frozen=True)
class Watch:
    """Who looks on, and what is asked of this run alone.

    show: told how far it is. stopped: asked for the signal that ends the run early, None to go on. ends_at: when, by
    `time.monotonic()`, the run is to be over. again: recordings heard with other settings are heard once more.
    """

    show: Callable[[Progress], None] = lambda progress: None
    stopped: Callable[[], str | None] = lambda: None
    ends_at: float | None = None
    again: bool = False


@dataclass(frozen=True)
class Tools:
    """What every recording is worked on with. Without packs to judge with, transcripts stay in the ledger."""

    config: Config
    ledger: Ledger
    records: Records
    recogniser: Recogniser
    packs: Mapping[str, RulePack]
    judge: bool
    matchers: dict[str, Matcher] = field(default_factory=dict)

    @cached_property
    def segmenter(self) -> Segmenter:
        """Made when the first words come: a night with nothing new need not wait for a dictionary."""
        return Segmenter(vocabulary(self.packs.values()))

    @cached_property
    def cues(self) -> RoleCues:
        return compile_vocabulary(self.packs, self.config.packs).cues

    def seal(self) -> Failed:
        return seal(self.config.dataset, self.ledger, self.packs, self.matchers) if self.judge else {}


def run(
    config: Config, paths: Sequence[Path], packs: Mapping[str, RulePack], recogniser: Recogniser, watch: Watch | None = None
) -> Summary:
    """Everything new under `paths` becomes transcripts and verdicts. Resumes by what the ledger holds.

    Whatever is wrong with a recording is a Failure of its own. Raises BusyError while another command writes here, and
    QaError where the speech model cannot be loaded; what was finished before is kept.
    """
    return _night(config, paths, (recogniser, packs, True), watch or Watch())


def transcribe(
    config: Config, paths: Sequence[Path], packs: Mapping[str, RulePack], recogniser: Recogniser, watch: Watch | None = None
) -> Summary:
    """The slow half of `run` alone: transcripts wait in the ledger, to be judged by the next run or rescore."""
    return _night(config, paths, (recogniser, packs, False), watch or Watch())


def _night(
    config: Config, paths: Sequence[Path], means: tuple[Recogniser, Mapping[str, RulePack], bool], watch: Watch
) -> Summary:
    began = time.monotonic()
    check_room(config.root, config.night.min_free_gb)
    with one_writer(config.root), closing(Ledger(config.ledger)) as ledger, _noted(ledger) as note, _spool(config.spool):
        clear_staging(config.dataset)
        publish_first(config)
        rebuild_if_new(config, ledger)
        found = find_recordings(paths, config.recordings.formats, config.recordings.pair)
        files = find_records(paths, config.phones)
        tools = Tools(config, ledger, read_records(files, config.phones), *means)
        tools.seal()  # what an interrupted run had finished
        _blame(ledger)
        _note_paths(ledger, paths, found)
        settled = settle_records(config, ledger, tools.records, found.recordings)
        other_than = tools.recogniser.fingerprint if watch.again else None
        backlog = choose(found.recordings, ledger, tools.records, config.night, other_than)
        shift = _Shift(tools, backlog, watch)
        shift.work()
        unjudged = [_unjudged(ledger, call_id, said) for call_id, said in tools.seal().items()]
        follow(config, ledger, [one for one in shift.outcomes if isinstance(one, Moved)])
        apply_marks(config)
        summary = _summary(tools, found, files, shift, unjudged)
        summary = replace(summary, rejoined=settled.rejoined, unanswered=settled.unanswered)
        summary = replace(summary, problems=(*summary.problems, *settled.problems), seconds=round(time.monotonic() - began, 1))
        note(summary.told)
        return summary


@contextmanager
def _noted(ledger: Ledger) -> Iterator[Callable[[Row], None]]:
    """The run in the ledger: begun, and ended with what it is noted for, or with what broke it off. A killed one never ends."""
    number, told = ledger.begin_run(), Row()
    LOG.info("began", extra={"run": number})
    try:
        yield told.update
    except BaseException as problem:
        with suppress(sqlite3.Error):
            ledger.end_run(number, {"broken_off": type(problem).__name__})
        LOG.error("broken off", extra={"run": number, "reason": type(problem).__name__})
        if is_full(problem):
            raise disk_full(problem) from problem
        raise
    ledger.end_run(number, told)
    LOG.info("ended", extra={"run": number, **told})


def _blame(ledger: Ledger) -> None:
    if blamed := ledger.blame_in_hand():
        LOG.warning("a run was killed", extra={"recordings": blamed})


def _note_paths(ledger: Ledger, paths: Sequence[Path], found: Found) -> None:
    """Of what was named and is no recording."""
    for failure in found.failures:
        ledger.note(Entry(str(failure.path.resolve()), "failed", reason=failure.reason, detail=failure.detail))
    for path in paths:
        if path.is_dir():
            ledger.forget(str(path.resolve()))  # named on a night when it was not there


@contextmanager
def _spool(folder: Path) -> Iterator[None]:
    """A folder for samples, which are gone when the run is, or when the next one begins."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(0o700)
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _summary(tools: Tools, found: Found, files: Sequence[Path], shift: _Shift, unjudged: Sequence[Failure]) -> Summary:
    outcomes = sorted(shift.outcomes, key=lambda one: one.path.as_posix())
    kept = [one for one in outcomes if isinstance(one, Kept)]
    failed = [one for one in outcomes if isinstance(one, Failure)]
    failures = [*found.failures, *unjudged, *(one for one in failed if one.reason != CHANGING)]
    read = {file.resolve() for file in files}
    missing = [r.call_id for r in tools.records.without_recording(found.recordings) if not tools.ledger.holder(r.call_id)]
    return Summary(
        found=len(found.recordings) + len(found.failures),
        new=sum(not one.again for one in kept),
        again=sum(one.again for one in kept),
        known=shift.backlog.known + sum(isinstance(one, Touched | Moved) for one in outcomes),
        passed_over=sum(path.resolve() not in read for path in found.passed_over),
        record_files=len(files),
        no_record=tuple(one.call_id for one in kept if one.no_record),
        missing=tuple(missing),
        duplicates=tuple(one for one in outcomes if isinstance(one, Duplicate)),
        failures=tuple(sorted(failures, key=lambda one: one.path.as_posix())),
        changing=tuple(one.path for one in failed if one.reason == CHANGING),
        quarantined=shift.backlog.quarantined,
        not_sampled=shift.backlog.not_sampled,
        problems=tools.records.problems,
        stopped=shift.stopped,
        left=len(shift.backlog.fresh) - len(outcomes),
        heard_s=shift.heard_s,
    )


class _Shift:
    """The fresh recordings on their way: the front end's processes prepare them, the recogniser's thread gives their words.

    Answers come in any order. Who is first where two recordings have one content or one call id is settled by their paths, so
    what is stored does not depend on who is faster.
    """

    def __init__(self, tools: Tools, backlog: Backlog, watch: Watch) -> None:
        self.tools, self.backlog, self.watch = tools, backlog, watch
        self.outcomes: list[Outcome] = []
        self.stopped: str | None = None
        self._to_do = deque(backlog.fresh)
        self._keys = {path: one.key for one in backlog.fresh for path in one.paths}
        self._claims = Claims()
        self._inbox: SimpleQueue[Arrived | Answers[Prepared]] = SimpleQueue()
        self._pace = Pace({one.paths[0]: _size(one) for one in backlog.fresh})
        self._unsealed, self._sealing_s = 0, SEALING_S

    def work(self) -> None:
        if not self.backlog.fresh:
            return
        ear = self.tools.recogniser.ear
        with (
            FrontEnd(self.tools.config, ear, self._inbox.put, len(self.backlog.fresh)) as front,
            Listener(self.tools.recogniser, self._inbox.put) as listener,
        ):
            try:
                self._work(front, listener)
            finally:  # however it ends, nothing killed it
                with suppress(sqlite3.Error):
                    self.tools.ledger.put_down()

    def _work(self, front: FrontEnd, listener: Listener[Prepared]) -> None:
        while not self._finished(front, listener):
            try:
                arrived = self._inbox.get(timeout=1)
            except Empty:
                listener.go_on(at_once=True)  # rather a small portion than an idle recogniser
                continue
            if isinstance(arrived, Answers):
                self._keep_all(arrived, listener)
            else:
                self._prepared(*arrived, front, listener)

    def _finished(self, front: FrontEnd, listener: Listener[Prepared]) -> bool:
        """Gives everybody work; True when there is none, or when the run is to stop and nothing is being recognised."""
        self.stopped = self.stopped or self._stop(listener)
        if self.stopped:
            return not listener.busy
        while self._to_do and self._may_come(self._to_do[0], front, listener):
            self._order(self._to_do.popleft(), front)
        listener.go_on(at_once=not front.busy)
        return not (self._to_do or front.busy or listener.busy)

    def _may_come(self, files: RecordingFiles, front: FrontEnd, listener: Listener[Prepared]) -> bool:
        if files.key in self.backlog.alone:  # so that it alone is to blame
            return not (front.busy or listener.waiting or listener.busy)
        return front.room and listener.room

    def _stop(self, listener: Listener[Prepared]) -> str | None:
        """The signal that came; UNTIL where another portion, and sealing what there is then, might end too late."""
        needed = CAUTION * (max(1.0, listener.next_s) + self._sealing_s)
        late = self.watch.ends_at is not None and time.monotonic() + needed >= self.watch.ends_at
        return self.watch.stopped() or (UNTIL if late else None)

    def _order(self, files: RecordingFiles, front: FrontEnd) -> None:
        """To the front end, unless the outcome is plain, or another recording with this content or call id is on its way."""
        self.tools.ledger.take_in_hand(files.key, self.backlog.states.get(files.key, (None, None)))
        job = guarded(files.paths[0], "decoding_failed", lambda: _look(self.tools, files, files.key in self.backlog.again))
        if not isinstance(job, Job):
            self._done(job)
        elif self._claims.made(job):
            front.give(job)
        else:
            self.tools.ledger.put_down(files.key)

    def _prepared(self, job: Job, made: Prepared | Failure | QaError, front: FrontEnd, listener: Listener[Prepared]) -> None:
        front.taken(job)
        if isinstance(made, QaError):
            raise made
        if isinstance(made, Failure):
            self._done(made, job)
        else:
            self._pace.prepared(job.path, made.call.duration_ms)
            self.watch.show(self._pace.now())
            listener.take(made, made.windows)

    def _keep_all(self, answers: Answers[Prepared], listener: Listener[Prepared]) -> None:
        listener.rest()
        if answers.problem:
            raise answers.problem
        self.stopped = self.stopped or self._stop(listener)
        if not self.stopped:
            listener.go_on()  # before these are kept: the recogniser never waits
        for prepared, said in answers.calls:
            self._done(_keep(self.tools, prepared, said), prepared.job)
        if self._unsealed >= SEAL_EVERY:
            self._seal()

    def _seal(self) -> None:
        began = time.monotonic()
        self.tools.seal()
        give_back()
        self._unsealed, self._sealing_s = 0, max(self._sealing_s, time.monotonic() - began)

    def _done(self, outcome: Outcome, job: Job | None = None) -> None:
        key = self._keys[outcome.path]
        if isinstance(outcome, Kept):
            outcome = replace(outcome, again=key in self.backlog.again)
        if isinstance(outcome, Failure) and outcome.reason != CHANGING and key not in self.backlog.again:
            size, modified_ns = self.backlog.states.get(key, (None, None))
            told = {"reason": outcome.reason, "detail": outcome.detail}
            self.tools.ledger.note(Entry(key, "failed", size=size, modified_ns=modified_ns, **told))
        self.tools.ledger.put_down(key)
        self._log(outcome, key, job)
        self.outcomes.append(outcome)
        self._unsealed += isinstance(outcome, Kept)
        if job:
            self._to_do.extendleft(reversed(self._claims.given_up(job)))
        self._pace.done(outcome.path)
        self.watch.show(self._pace.now())

    def _log(self, outcome: Outcome, key: str, job: Job | None) -> None:
        """By ids alone: a recording's name may hold telephone numbers."""
        if job:
            log_outcome(outcome, job.call_id, job.sha256)
        elif entry := self.tools.ledger.entry(key):
            log_outcome(outcome, entry.call_id, entry.sha256)
        else:
            log_outcome(outcome, None, None)

    @property
    def heard_s(self) -> float:
        return self._pace.now().heard_s


def _unjudged(ledger: Ledger, call_id: str, said: str) -> Failure:
    holder = ledger.holder(call_id)
    detail = f"call {call_id}: {said}. Its words are kept; mend the rules and run again"
    return Failure(Path(holder.path if holder else call_id), "judging_failed", detail)


def _size(files: RecordingFiles) -> int:
    try:
        return files.state[0]
    except OSError:
        return 0


def _look(tools: Tools, files: RecordingFiles, again: bool) -> Job | Duplicate | Touched | Moved | Failure:
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


def _keep(tools: Tools, p: Prepared, said: list[Heard] | Exception) -> Kept | Failure:
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
