"""A shift: fresh recordings worked on, beside one another, until none is left or the run is to stop."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from qa_pipeline.batch.backlog import Backlog
from qa_pipeline.batch.claims import Claims
from qa_pipeline.batch.front import CHANGING, Arrived, FrontEnd, Job, Prepared, guarded
from qa_pipeline.batch.intake import Tools, keep, look
from qa_pipeline.batch.progress import Pace, Progress
from qa_pipeline.batch.reporting import Kept, Outcome, log_outcome
from qa_pipeline.dataset.ledger import Entry
from qa_pipeline.errors import QaError
from qa_pipeline.processes import give_back
from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.find import Failure
from qa_pipeline.speech.listener import Answers, Listener

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


class Shift:
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
        job = guarded(files.paths[0], "decoding_failed", lambda: look(self.tools, files, files.key in self.backlog.again))
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
            self._done(keep(self.tools, prepared, said), prepared.job)
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


def _size(files: RecordingFiles) -> int:
    try:
        return files.state[0]
    except OSError:
        return 0
