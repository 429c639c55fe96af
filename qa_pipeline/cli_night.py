"""What `qa run` and `qa transcribe` show while they work, the signals that they heed, and `qa transcribe` itself."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from qa_pipeline.night import Watch
    from qa_pipeline.progress import Progress

STOPPED = {"SIGINT": 130, "SIGTERM": 143}
"""Exit codes as shells give them: 128 and the signal's number."""
LINE_EVERY_S = 30.0


@contextmanager
def watching() -> Iterator[Watch]:
    """Progress on the terminal, or plain lines; the first SIGINT or SIGTERM stops the run in order, the next one at once."""
    from qa_pipeline.night import Watch

    with progress_shown() as show, signals_heeded() as stopped:
        yield Watch(show, stopped)


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
        import time

        tenth, now = p.done * 10 // max(1, p.total), time.monotonic()
        if p.done == p.total or tenth > self._tenth or now - self._at > LINE_EVERY_S:
            self._tenth, self._at = tenth, now
            click.echo(str(p), err=True)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--project", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Project folder (with qa.toml)."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="A file for qa import elsewhere, a call a line.")
def transcribe(paths: tuple[Path, ...], project: Path, out: Path | None) -> None:
    """The slow half alone: new recordings under PATHS become transcripts, judged by the next run or rescore.

    With --out the transcripts of all recordings under PATHS are also written as JSON lines in the form of `qa import`.
    """
    from qa_pipeline import night
    from qa_pipeline.cli import finish, notice_demo, open_project
    from qa_pipeline.config import compile_vocabulary, make_recogniser

    config, packs = open_project(project)
    notice_demo(config, paths)
    recogniser = make_recogniser(config.asr, compile_vocabulary(packs, config.packs))
    with watching() as watch:
        summary = night.transcribe(config, paths, packs, recogniser, watch)
    if out:
        from qa_pipeline.exporting import export_calls

        written = export_calls(config, paths, out)
        click.echo(f"{written} calls in {out}; take them in elsewhere with: qa import {shlex.quote(str(out))}")
    elif summary.new:
        click.echo(f"{summary.new} transcripts wait for their verdicts: qa rescore --project {shlex.quote(str(project))}")
    finish(summary)
