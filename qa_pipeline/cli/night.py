"""`qa run` and `qa transcribe`: what they are asked, what they show, the signals they heed, what they say at the end."""

from __future__ import annotations

import re
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa_pipeline.cli.exits import SOME_FAILED, STOPPED
from qa_pipeline.cli.projects import open_project, project_option

if TYPE_CHECKING:
    from qa_pipeline.batch.late import Rejoined
    from qa_pipeline.batch.progress import Progress
    from qa_pipeline.batch.reporting import Summary
    from qa_pipeline.config import Config

LINE_EVERY_S = 30.0


@contextmanager
def signals_heeded() -> Iterator[Callable[[], str | None]]:
    came: list[str] = []

    def note(number: int, frame: Any) -> None:
        came.append(signal.Signals(number).name)
        for name in STOPPED:
            signal.signal(getattr(signal, name), signal.SIG_DFL)  # the next one ends the process
        click.echo(f"{came[0]}: stopping; what is being recognised is finished and kept. Once more stops at once.", err=True)

    before = {name: signal.signal(getattr(signal, name), note) for name in STOPPED}
    try:
        yield lambda: came[0] if came else None
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


@contextmanager
def progress_shown() -> Iterator[Callable[[Progress], None]]:
    """Bars on a terminal; otherwise a line at every tenth of the recordings, and at least two a minute."""
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}"))
        with Progress(*columns, console=Console(stderr=True)) as bars:
            prepared = bars.add_task("prepared", total=None, told="")
            heard = bars.add_task("recognised", total=None, told="")

            def draw(p: Any) -> None:
                bars.update(prepared, completed=p.prepared_s, total=p.whole_s, told="")
                bars.update(heard, completed=p.heard_s, total=p.whole_s, told=str(p))

            yield draw
    else:
        yield _Lines()


class _Lines:
    def __init__(self) -> None:
        self._tenth, self._at = 0, 0.0

    def __call__(self, p: Progress) -> None:
        tenth, now = p.done * 10 // max(1, p.total), time.monotonic()
        if p.done == p.total or tenth > self._tenth or now - self._at > LINE_EVERY_S:
            self._tenth, self._at = tenth, now
            click.echo(str(p), err=True)


@dataclass(frozen=True)
class Asked:
    """What the command line asks of one run: its end, what to hear again, and files to tell it in."""

    until: float | None = None
    again: bool = False
    summary_json: Path | None = None
    prometheus: Path | None = None
    log: Path | None = None


def seconds_until(told: str, now: datetime) -> float:
    """From `now` (local time, without a zone) to the next 06:00, or the seconds of 3h, 90m, 1h30m. Raises ValueError."""
    if match := re.fullmatch(r"(\d{1,2}):(\d\d)", told.strip()):
        end = datetime.combine(now.date(), clock_time(int(match[1]), int(match[2])))
        end += timedelta(days=end <= now)
        return end.timestamp() - now.timestamp()  # where the clocks are changed between, by the seconds that pass
    match = re.fullmatch(r"(?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", told.strip())
    if match is None:
        raise ValueError(told)
    return sum(int(n or 0) * unit for n, unit in zip(match.groups(), (3600, 60, 1), strict=True))


def _end(context: click.Context, option: click.Parameter, told: str | None) -> float | None:
    """As a moment of `time.monotonic()`."""
    try:
        return None if told is None else time.monotonic() + seconds_until(told, datetime.now())
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{told!r}: expected a time such as 06:00, or how long, such as 3h or 1h30m.") from None


a_file = click.Path(path_type=Path, dir_okay=False)
OPTIONS = (
    click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path)),
    project_option,
    click.option(
        "--until",
        metavar="TIME",
        callback=_end,
        help="Be done by 06:00 (this machine's clock), or within 3h; the rest is left.",
    ),
    click.option("--again", is_flag=True, help="Hear again what was heard with other [asr] settings than today's."),
    click.option("--summary-json", type=a_file, help="Write the summary to this file, too."),
    click.option("--prometheus", type=a_file, help="Write gauges for the node exporter's textfile collector (.prom)."),
    click.option("--log", type=a_file, help="Append what happens, a JSON object a line: ids and reasons, no words."),
)


def night_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


@click.command()
@night_options
def run(paths: tuple[Path, ...], project: Path, **asked: Any) -> None:
    """Transcribe, judge and score every new recording under PATHS (folders or files)."""
    summary = run_night(project, paths, Asked(**asked))
    if summary.new or summary.again:
        click.echo(f"scores in {project / 'dataset' / 'scores'}; cards: qa scorecard --project {shlex.quote(str(project))}")
    finish(summary)


@click.command()
@night_options
@click.option("--out", type=a_file, help="A file for qa import elsewhere, a call a line.")
def transcribe(paths: tuple[Path, ...], project: Path, out: Path | None, **asked: Any) -> None:
    """The slow half alone: new recordings under PATHS become transcripts, judged by the next run or rescore.

    With --out the transcripts of all recordings under PATHS are also written as JSON lines in the form of `qa import`.
    """
    summary = run_night(project, paths, Asked(**asked), judge=False)
    if out:
        from qa_pipeline.config import read_config
        from qa_pipeline.exchange.exporting import export_calls

        written = export_calls(read_config(project), paths, out)
        click.echo(f"{written} calls in {out}; take them in elsewhere with: qa import {shlex.quote(str(out))}")
    elif waiting := summary.new + summary.again:
        click.echo(f"{waiting} transcripts wait for their verdicts: qa rescore --project {shlex.quote(str(project))}")
    finish(summary)


def run_night(project: Path, paths: tuple[Path, ...], asked: Asked | None = None, judge: bool = True) -> Summary:
    """The night over these paths, shown while it goes on, and told in the files that were asked for."""
    from qa_pipeline.processes import keep_little

    keep_little()
    from qa_pipeline import night
    from qa_pipeline.batch.reporting import logged
    from qa_pipeline.batch.shift import Watch
    from qa_pipeline.config import compile_vocabulary, make_recogniser

    asked = asked or Asked()
    config, packs = open_project(project)
    notice_demo(config, paths)
    recogniser = make_recogniser(config.asr, compile_vocabulary(packs, config.packs))
    work = night.run if judge else night.transcribe
    with logged(asked.log), progress_shown() as show, signals_heeded() as stopped:
        summary = work(config, paths, packs, recogniser, Watch(show, stopped, asked.until, asked.again))
    _tell(summary, config, asked)
    return summary


def _tell(summary: Summary, config: Config, asked: Asked) -> None:
    from qa_pipeline.batch.reporting import write_json, write_prometheus
    from qa_pipeline.dataset.ledger import Ledger

    if asked.summary_json:
        write_json(summary, asked.summary_json)
    if asked.prometheus:
        with closing(Ledger(config.ledger)) as ledger:
            last_success = ledger.last_success()
        write_prometheus(summary, asked.prometheus, last_success)


def notice_demo(config: Config, paths: tuple[Path, ...]) -> None:
    """The demonstration model on anything but the shipped samples makes nonsense; say so before the work."""
    from qa_pipeline import shipped
    from qa_pipeline.config import DEMO

    samples = shipped.sample_calls().resolve()
    real = [p for p in paths if p.exists() and not p.resolve().is_relative_to(samples)]
    if config.asr.model == DEMO and real:
        click.secho(
            'NOTICE: asr.model = "demo" knows only the synthetic voices of the samples. Its words for real calls are not to be '
            'trusted. Set asr.model in qa.toml to "large-v3-turbo" or to a folder with a Whisper model.',
            fg="yellow",
            bold=True,
            err=True,
        )


def finish(summary: Summary) -> None:
    """The closing summary; exit code 3 when some recordings failed, 128 and the signal's number when one stopped the run."""
    s = summary
    failed = len(s.failures)
    counts = f"{s.new} new, {s.known} known, {len(s.duplicates)} duplicate, {failed} failed"
    rare = ("again", "changing", "quarantined", "not_sampled", "left")
    counts += "".join(f", {n} {name.replace('_', ' ')}" for name, n in s.outcomes.items() if name in rare and n)
    click.echo(f"{s.found} recordings: {counts}; {s.passed_over} other files passed over")
    if not s.record_files:
        click.echo(
            "  no call records: put them beside the recordings to join agents, times and who hung up (docs/call-records.md)"
        )
    for failure in s.failures:
        click.echo(f"  failed {failure.reason}: {failure.path}: {failure.detail}")
    listed((f"quarantined {one.reason}: {one.path}: {one.detail}" for one in s.quarantined), most=50)
    if s.quarantined:
        click.echo("  quarantined ones are tried when they are touched, or after: qa retry")
    listed(f"changing: {path} was written to while it was read; the next run tries it" for path in s.changing)
    listed(f"no_record: call {c} has no call record; judged without one" for c in s.no_record)
    listed(f"duplicate: {d.path} is {d.of}, call {d.call_id}; judged once" for d in s.duplicates)
    listed(f"joined: call {r.call_id}{_formerly(r)} has its call record now; nothing was recognised again" for r in s.rejoined)
    if s.unanswered:
        click.echo(f"  calls that nobody took, judged by their records: {len(s.unanswered)}")
    listed(f"missing: call {c} was answered and has no recording" for c in s.missing)
    listed((f"call record: {problem}" for problem in s.problems), most=50)
    if s.stopped:
        ended = f"stopped by {s.stopped}" if s.stopped in STOPPED else "the time is up"
        click.echo(f"{ended}: {s.left} recordings are left; the same command goes on where this one ended")
    if s.stopped in STOPPED:
        sys.exit(STOPPED[s.stopped])
    if failed:
        sys.exit(SOME_FAILED)


def _formerly(joined: Rejoined) -> str:
    return f" (so far {joined.before})" if joined.before != joined.call_id else ""


def listed(lines: Iterable[str], most: int = 10) -> None:
    """What needs no hand at once is not let to bury what does."""
    told = list(lines)
    for line in told[:most]:
        click.echo(f"  {line}")
    if len(told) > most:
        click.echo(f"  and {len(told) - most} more like it")
