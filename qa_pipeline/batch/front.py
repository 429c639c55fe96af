"""The front end: all of a recording but its words, made in processes of their own, so that the recogniser never waits.

A process that dies or hangs over a hostile file costs that recording alone: `decoding_died`, `timed_out`. None outlives its
parent, and none is forked: they start fresh, whatever the parent has loaded.
"""

from __future__ import annotations

import importlib
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import CancelledError, TimeoutError
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.context import SpawnContext, SpawnProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self, TypeVar

from pebble import ProcessExpired, ProcessPool

from qa_pipeline.batch.disk import disk_full, is_full
from qa_pipeline.config import Config
from qa_pipeline.errors import QaError
from qa_pipeline.model import Call, Event
from qa_pipeline.processes import end_with_parent, keep_at_hand
from qa_pipeline.recordings.birth import sound_of, to_call
from qa_pipeline.recordings.decode import Recording, content_hash, decode
from qa_pipeline.recordings.files import RecordingFiles
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.recordings.records.record import CallRecord
from qa_pipeline.speech.backend import Ear, Heard, Window
from qa_pipeline.speech.channels import SAME
from qa_pipeline.speech.listen import Sketch, hear, sketch

AHEAD = 2  # recordings given for each process: one in work, one waiting
QUIET_END = 256  # no process ends with it
CHANGING = "changing"
"""The reason of a recording that nothing is wrong with but the time."""
Made = TypeVar("Made")


@dataclass(frozen=True)
class Job:
    """A recording to prepare: its content and state as they were when it was looked at, and the id its call will have."""

    files: RecordingFiles
    sha256: str
    state: tuple[int, int]
    call_id: str
    record: CallRecord | None = None

    @property
    def path(self) -> Path:
        return self.files.paths[0]

    @property
    def claims(self) -> tuple[str, str]:
        """What only one recording of a run may have at a time: a content, a call id."""
        return f"content {self.sha256}", f"call {self.call_id}"


@dataclass(frozen=True, eq=False)
class Prepared:
    """A decoded recording, its call with what its record tells, and all but its words; no samples."""

    job: Job
    call: Call
    agent_id: str | None
    told: tuple[Event, ...]
    sketch: Sketch
    windows: tuple[Window | Heard, ...]


Arrived = tuple[Job, Prepared | Failure | QaError]


def guarded(path: Path, reason: str, stage: Callable[[], Made]) -> Made | Failure:
    """What a stage makes of one recording; whatever it raises is that recording's failure and no one else's."""
    try:
        return stage()
    except (QaError, sqlite3.OperationalError):
        raise  # nothing about the recording: the model, the settings, the ledger
    except FileNotFoundError:
        return Failure(path, "missing", "it was there and is gone; was it moved during the run?")
    except OSError as problem:
        if is_full(problem):
            raise disk_full(problem) from problem
        return Failure(path, "unreadable", str(problem))
    except Exception as problem:
        return Failure(path, reason, f"{type(problem).__name__}: {problem}")


def prepare(job: Job, config: Config, ear: Ear) -> Prepared | Failure:
    """Decoded, joined with its record, and listened to up to the words. Its samples last no longer than this."""
    with TemporaryDirectory(dir=config.spool) as folder:
        formats = config.recordings.formats
        recording = guarded(job.path, "decoding_failed", lambda: decode(job.files, Path(folder), formats))
        now = guarded(job.path, "decoding_failed", lambda: (job.files.state, content_hash(job.files.paths)))
        if isinstance(now, Failure):
            return now
        if now != (job.state, job.sha256):  # whatever was made of it
            return Failure(job.path, CHANGING, "it was written to while it was read; run again when it is all there")
        if isinstance(recording, Failure):
            return recording
        whole = replace(recording, sha256=job.sha256)  # of all files, also where one gave nothing
        return guarded(job.path, "listening_failed", lambda: _listened(job, whole, config, ear))


def _listened(job: Job, recording: Recording, config: Config, ear: Ear) -> Prepared:
    sound = sound_of(recording, config.roots.uri, config.phones)
    call, told, agent = to_call(job.record, sound, named_record(job.path, config.phones))
    samples = recording.samples[:1] if SAME in recording.flags else recording.samples
    one = sketch(call.call_id, samples, recording.rate, ear.longest_ms, plan=config.tones, diarisation=config.diarisation)
    windows = tuple(hear(one, ear))
    return Prepared(job, call, agent, tuple(told), replace(one, windows=()), windows)


class FrontEnd:
    """Processes that prepare recordings, no more than `most`. `arrive` is called with each job and what became of it, from a
    thread of the pool."""

    def __init__(
        self, config: Config, ear: Ear, arrive: Callable[[Arrived], None], most: int = 1024, prepare: Any = prepare
    ) -> None:
        self._processes = min(most, config.front.processes or os.cpu_count() or 1)
        self._seconds = config.front.timeout_s
        self._arrive = arrive
        self._told = (prepare, config, ear)
        self._given: set[Path] = set()
        self._pools = [self._started()]

    def _started(self) -> ProcessPool:
        return ProcessPool(self._processes, initializer=_begin, initargs=self._told, context=_Spawn())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        for pool in self._pools:
            pool.stop()  # type: ignore[no-untyped-call]
            pool.join()

    @property
    def room(self) -> bool:
        """Whether another job keeps no more than AHEAD of them waiting for each process."""
        return len(self._given) < AHEAD * self._processes

    @property
    def busy(self) -> bool:
        return bool(self._given)

    def give(self, job: Job) -> None:
        self._given.add(job.path)
        self._schedule(job, again=True)

    def taken(self, job: Job) -> None:
        """What became of the job has been dealt with."""
        self._given.discard(job.path)

    def _schedule(self, job: Job, again: bool) -> None:
        future = self._pools[-1].schedule(_prepare, (job,), timeout=self._seconds)
        future.add_done_callback(partial(self._done, job, again))

    def _done(self, job: Job, again: bool, future: Any) -> None:
        try:
            arrived = future.result()
        except CancelledError:
            return
        except BrokenProcessPool:  # a process died between two jobs, and this one was in nobody's hands
            if again:
                if not self._pools[-1].active:
                    self._pools.append(self._started())
                return self._schedule(job, again=False)
            arrived = Failure(job.path, "decoding_died", "the processes of the front end keep dying; is there memory enough?")
        except TimeoutError:
            arrived = Failure(job.path, "timed_out", f"not read within {self._seconds} s; raise front.timeout_s if it is long")
        except ProcessExpired as end:
            code = 0 if end.exitcode == QUIET_END else end.exitcode
            arrived = Failure(job.path, "decoding_died", f"decoding it ended its process (exit code {code})")
        except QaError as problem:
            arrived = problem
        except Exception as problem:
            arrived = Failure(job.path, "listening_failed", f"{type(problem).__name__}: {problem}")
        self._arrive((job, arrived))


class _Process(SpawnProcess):
    """One that is never done by itself: the pool takes an end with code 0 for a good one, and would wait for its job."""

    @property
    def exitcode(self) -> int | None:
        code = super().exitcode
        return QUIET_END if code == 0 else code


class _Spawn(SpawnContext):
    Process = _Process


_mine: list[Any] = []


def _begin(prepare: Any, config: Config, ear: Ear) -> None:
    """In each process, before its first job: one thread for each library, memory at hand, what every job needs loaded (a job's
    time is its recording's), and an end with the parent, whatever ends that."""
    keep_at_hand()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    _mine[:] = [prepare, config, ear]
    end_with_parent()
    for name in ("numpy", "av.audio.resampler", "onnxruntime"):
        importlib.import_module(name)


def _prepare(job: Job) -> Prepared | Failure:
    prepare, config, ear = _mine
    made: Prepared | Failure = prepare(job, config, ear)
    return made
