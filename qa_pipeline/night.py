"""The nightly batch, top to bottom: find, prepare beside recognising, keep each transcript, seal it with its verdicts."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from qa_pipeline.batch.backlog import choose
from qa_pipeline.batch.disk import check_room, disk_full, is_full
from qa_pipeline.batch.front import CHANGING
from qa_pipeline.batch.intake import Tools
from qa_pipeline.batch.late import settle_records
from qa_pipeline.batch.moved import follow
from qa_pipeline.batch.reporting import LOG, Duplicate, Kept, Moved, Summary, Touched
from qa_pipeline.batch.shift import Shift, Watch
from qa_pipeline.config import Config
from qa_pipeline.dataset.ledger import Entry, Ledger
from qa_pipeline.dataset.parts import clear_staging
from qa_pipeline.dataset.rows import Row
from qa_pipeline.dataset.writer import one_writer
from qa_pipeline.recordings.find import Failure, Found, find_recordings
from qa_pipeline.recordings.records.read import find_records, read_records
from qa_pipeline.rules.pack import RulePack
from qa_pipeline.speech.backend import Recogniser
from qa_pipeline.upkeep.repairing import rebuild_if_new
from qa_pipeline.verdicts.in_force import publish_first
from qa_pipeline.verdicts.rescoring import apply_marks


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
        shift = Shift(tools, backlog, watch)
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


def _summary(tools: Tools, found: Found, files: Sequence[Path], shift: Shift, unjudged: Sequence[Failure]) -> Summary:
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


def _unjudged(ledger: Ledger, call_id: str, said: str) -> Failure:
    holder = ledger.holder(call_id)
    detail = f"call {call_id}: {said}. Its words are kept; mend the rules and run again"
    return Failure(Path(holder.path if holder else call_id), "judging_failed", detail)
