"""What a run did: for the morning's reader, for programs (JSON), for Prometheus, and step by step in a log of ids."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qa_pipeline.batch.late import Rejoined
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.records.record import RecordError

LOG = logging.getLogger("qa_pipeline")
"""Events of a night: a name, and ids and numbers as `extra`; never words, never what a failure said."""
LOG.addHandler(logging.NullHandler())  # else Python shows errors where no log was asked for


@dataclass(frozen=True)
class Duplicate:
    """A recording whose content was finished under another name; judged once."""

    path: Path
    of: str
    call_id: str


@dataclass(frozen=True)
class Kept:
    """A recording whose transcript is safe in the ledger. again: it was heard before, with other settings."""

    path: Path
    call_id: str
    no_record: bool
    again: bool = False


@dataclass(frozen=True)
class Touched:
    """A known recording with a new time and its old content."""

    path: Path


@dataclass(frozen=True)
class Moved:
    """A known recording under a new name; nothing is left under the old one, `of`."""

    path: Path
    of: str
    call_id: str


Outcome = Kept | Duplicate | Touched | Moved | Failure


@dataclass(frozen=True)
class Summary:
    """What a run did, for the morning: counts of recordings, and every failure with its typed reason.

    found = new + again + known + duplicates + changing + quarantined + not_sampled + left + failures. again: known ones, heard
    once more with the present settings. changing: written to while they were read, for the next run. quarantined: failed too
    often to be tried unasked. not_sampled: left out by `night.per_agent`. no_record, missing, unanswered: call ids. rejoined:
    known calls made again from a record that came late or was corrected. unjudged calls are among the failures, and among
    `new` or `known` too: their words are kept. stopped: by which signal, or `until`; `left` is for the next run. seconds: of
    the clock; heard_s: of call, recognised.
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
    rejoined: tuple[Rejoined, ...] = ()
    unanswered: tuple[str, ...] = ()
    again: int = 0
    changing: tuple[Path, ...] = ()
    quarantined: tuple[Failure, ...] = ()
    not_sampled: int = 0
    stopped: str | None = None
    left: int = 0
    seconds: float = 0.0
    heard_s: float = 0.0

    @property
    def outcomes(self) -> dict[str, int]:
        """How many recordings came to what; together they are `found` (an unjudged call is counted twice)."""
        return {
            "new": self.new,
            "again": self.again,
            "known": self.known,
            "duplicate": len(self.duplicates),
            "failed": len(self.failures),
            "changing": len(self.changing),
            "quarantined": len(self.quarantined),
            "not_sampled": self.not_sampled,
            "left": self.left,
        }

    @property
    def told(self) -> dict[str, Any]:
        """Numbers and codes alone, as the ledger notes them of a run."""
        calls = ("no_record", "missing", "rejoined", "unanswered")
        counted = {**self.outcomes, **{name: len(getattr(self, name)) for name in calls}, "problems": len(self.problems)}
        return {"found": self.found, **counted, "stopped": self.stopped, "seconds": self.seconds, "heard_s": self.heard_s}


def write_json(summary: Summary, file: Path) -> None:
    """Everything, counts under `outcomes`. Replaced in one step. Raises OSError."""
    made = {**asdict(summary), "outcomes": summary.outcomes}
    made["problems"] = [str(problem) for problem in summary.problems]
    half = file.with_name(f".{file.name}.half")
    half.write_text(json.dumps(made, ensure_ascii=False, indent=2, default=str) + "\n", "utf-8")
    os.replace(half, file)


def write_prometheus(summary: Summary, file: Path, last_success: datetime | None) -> None:
    """For the node exporter's textfile collector, whose files end in `.prom`. Replaced in one step. Raises OSError.

    last_success: the end of the last run that came to its end without a failure, None where there is none.
    """
    from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

    registry = CollectorRegistry()
    outcomes = Gauge("qa_run_recordings", "Recordings of the last run, by what came of them", ["outcome"], registry=registry)
    for name, count in summary.outcomes.items():
        outcomes.labels(name).set(count)
    failures = Gauge("qa_run_failures", "Recordings that failed in the last run, by reason", ["reason"], registry=registry)
    for reason, count in Counter(failure.reason for failure in summary.failures).items():
        failures.labels(reason).set(count)
    now = datetime.now(UTC).timestamp()
    for name, told, value in (
        ("qa_run_seconds", "How long the last run took", summary.seconds),
        ("qa_run_heard_seconds", "Seconds of call that the last run recognised", summary.heard_s),
        ("qa_run_missing_recordings", "Answered calls on record without a recording", len(summary.missing)),
        ("qa_run_timestamp_seconds", "When the last run ended", now),
        (
            "qa_run_last_success_timestamp_seconds",
            "When the last run without a failure ended, 0 for never",
            last_success.timestamp() if last_success else 0,
        ),
    ):
        Gauge(name, told, registry=registry).set(value)
    write_to_textfile(str(file), registry)


@contextmanager
def logged(file: Path | None) -> Iterator[None]:
    """While it lasts, LOG's events are appended to the file, a JSON object a line. Raises OSError."""
    if file is None:
        yield
        return
    from pythonjsonlogger.json import JsonFormatter

    form = JsonFormatter("%(message)s", rename_fields={"message": "event"}, timestamp=True)
    handler = logging.FileHandler(file, encoding="utf-8")
    handler.setFormatter(form)
    before = LOG.level
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    try:
        yield
    finally:
        LOG.setLevel(before)
        LOG.removeHandler(handler)
        handler.close()


def log_outcome(outcome: Outcome, call_id: str | None, sha256: str | None) -> None:
    """call_id: the one that its call has or would have had; sha256: of its content; None where that is not known."""
    reason = outcome.reason if isinstance(outcome, Failure) else None
    told = {"call_id": call_id, "reason": reason, "content": sha256 and sha256[:16]}
    LOG.info(type(outcome).__name__.lower(), extra=told)
