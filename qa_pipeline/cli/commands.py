"""All commands as one, and how what goes wrong in any of them is told."""

from __future__ import annotations

import errno
import sqlite3
import sys

import click

from qa_pipeline.cli.cards import scorecard, show
from qa_pipeline.cli.demo import demo
from qa_pipeline.cli.doctor import doctor
from qa_pipeline.cli.exchange import import_
from qa_pipeline.cli.exits import FIXABLE
from qa_pipeline.cli.keep import backup, dataset, forget, prune, retry, status
from qa_pipeline.cli.marks import appeal, mark, marks, why_changed
from qa_pipeline.cli.night import run, transcribe
from qa_pipeline.cli.projects import init
from qa_pipeline.cli.rescore import rescore
from qa_pipeline.cli.rules import rules, why
from qa_pipeline.processes import without_pandas

STARTING = (init, demo, doctor)
FEEDING = (run, transcribe, import_, retry)
REVIEWING = (scorecard, show, why, why_changed, mark, marks, appeal)
RULING = (rules, rescore)
KEEPING = (status, dataset, backup, prune, forget)


class Commands(click.Group):
    """Problems a reader can act on become one message and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        from qa_pipeline.errors import QaError

        try:
            with without_pandas():
                return super().invoke(ctx)
        except QaError as problem:
            click.echo(f"qa: {problem}", err=True)
        except sqlite3.OperationalError as problem:  # SQLite names no file, and says neither what to do
            click.echo(
                f"qa: ledger.sqlite or people.sqlite: {problem}; is another program holding it, or the disk full?", err=True
            )
        except OSError as problem:
            if problem.errno == errno.EPIPE:  # the reader has seen enough; click ends quietly
                raise
            click.echo(f"qa: {problem.filename or 'the system'}: {problem.strerror or problem}", err=True)
        sys.exit(FIXABLE)


@click.group(cls=Commands)
@click.version_option(package_name="qa-pipeline")
def main() -> None:
    """Call quality for Chinese phone calls: recordings in, verdicts with their evidence out."""


for command in (*STARTING, *FEEDING, *REVIEWING, *RULING, *KEEPING):
    main.add_command(command)
