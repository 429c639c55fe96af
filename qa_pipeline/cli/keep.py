"""Keeping a project in order: `qa status`, `retry`, `backup`, `prune`, `forget`, `dataset check`."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa_pipeline.cli.exits import FIXABLE
from qa_pipeline.cli.projects import project_option

if TYPE_CHECKING:
    from qa_pipeline.upkeep.retention import Gone
    from qa_pipeline.upkeep.status import Status


@click.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@project_option
def status(form: str, project: Path) -> None:
    """Say how the project stands: calls, recordings that failed, what waits for a person."""
    from qa_pipeline.config import read_config
    from qa_pipeline.upkeep.status import read_status

    told = read_status(read_config(project))
    if form == "json":
        click.echo(json.dumps(asdict(told), ensure_ascii=False, indent=2))
        return
    for line in status_lines(told, shlex.quote(str(project))):
        click.echo(line)


def status_lines(told: Status, project: str) -> list[str]:
    dates = f", {told.first_date} to {told.last_date}" if told.first_date else ""
    lines = [f"{told.calls} calls{dates}"]
    states = ", ".join(f"{n} {kind}" for kind, n in sorted(told.recordings.items())) or "none yet"
    lines.append(f"recordings and imports: {states}")
    if told.last_run:
        lines.append(_run_line(told.last_run, told.writing))
    if any(kind.startswith("failed:") for kind in told.recordings):
        lines.append(f"  to try failed ones again: qa retry --project {project}, then qa run")
    if told.waiting:
        lines.append(f"{told.waiting} transcripts wait to be judged: the next qa run or qa rescore does it")
    lines.append(f"rules in force: {told.published or 'none yet'}" + ("; rules/ differs" if told.draft_differs else ""))
    if told.draft_differs:
        lines.append(f"  what that would change: qa rescore --dry-run --project {project}")
    if told.stale_marks or told.open_appeals:
        lines.append(
            f"marks to look at again: {told.stale_marks}, open appeals: {told.open_appeals}; qa marks --project {project}"
        )
    if told.writing:
        lines.append("a command is writing here now")
    lines.append(f"{told.free_bytes / 1e9:.1f} GB of disk free")
    return lines


def _run_line(run: Mapping[str, Any], writing: bool) -> str:
    """Of the last run: a killed one began and never ended."""
    if run["ended"] is None:
        became = "goes on" if writing else "was killed; the next one goes on from there"
        return f"last run: began {run['began']} and {became}"
    return "last run: " + ", ".join(f"{key} {value}" for key, value in run.items() if value)


@click.command()
@click.argument("what", nargs=-1)
@click.option("--reason", help="Only those that failed for this reason, such as unreadable.")
@project_option
def retry(what: tuple[str, ...], reason: str | None, project: Path) -> None:
    """Let the next run try failed recordings again: WHAT (paths or call ids), or all."""
    from contextlib import closing

    from qa_pipeline.config import read_config
    from qa_pipeline.dataset.ledger import Ledger

    config = read_config(project)
    with closing(Ledger(config.ledger)) as ledger:
        known = [*what, *(str(Path(one).resolve()) for one in what)]
        chosen = ledger.try_again(known, reason)
    click.echo(f"{chosen} recordings will be tried again by the next qa run")
    if what and not chosen:
        sys.exit(FIXABLE)


@click.command()
@click.argument("into", type=click.Path(path_type=Path, file_okay=False))
@project_option
def backup(into: Path, project: Path) -> None:
    """Copy what cannot be rebuilt (people.sqlite, qa.toml, rules/) to a new folder under INTO, while a night goes on."""
    from qa_pipeline.config import read_config
    from qa_pipeline.upkeep.backups import back_up

    click.echo(f"backed up to {back_up(read_config(project), into)}")


@click.command()
@click.argument("target")
@click.option("--keep-audio", is_flag=True, help="Leave the recordings where they are.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@project_option
def forget(target: str, keep_audio: bool, yes: bool, project: Path) -> None:
    """Delete everything of TARGET (a call id, or a telephone number and all its calls), in every copy that qa made."""
    from qa_pipeline.config import read_config
    from qa_pipeline.upkeep.retention import forget as forget_calls

    if not yes:
        click.confirm(f"Delete everything of {target}? It cannot be brought back", abort=True)
    gone = forget_calls(read_config(project), target, keep_audio)
    click.echo(f"{len(gone.calls)} calls forgotten: {', '.join(gone.calls)}")
    _tell_gone(gone)


@click.command()
@click.option("--older-than", required=True, metavar="DAYS", help="Such as 90d, 12m, 2y, or a date (what is before it).")
@click.option("--audio", is_flag=True, help="Only recordings.")
@click.option("--transcripts", is_flag=True, help="Only words: turns, quotes, and what dry runs quote; verdicts stand.")
@click.option("--scores", is_flag=True, help="Everything that is stored of the calls.")
@click.option("--dry-run", is_flag=True, help="Say what would go.")
@project_option
def prune(older_than: str, audio: bool, transcripts: bool, scores: bool, dry_run: bool, project: Path) -> None:
    """Delete what is older than the house keeps: recordings, words, scores; all three where none is named."""
    from qa_pipeline.config import read_config
    from qa_pipeline.upkeep.retention import AUDIO, SCORES, TRANSCRIPTS, Retention
    from qa_pipeline.upkeep.retention import prune as prune_dates

    chosen = {name for name, wanted in ((AUDIO, audio), (TRANSCRIPTS, transcripts), (SCORES, scores)) if wanted}
    kinds = frozenset(chosen or {AUDIO, TRANSCRIPTS, SCORES})
    before = cutoff(older_than, datetime.now().date())
    gone = prune_dates(read_config(project), Retention(before, kinds), dry_run)
    would = "would lose" if dry_run else "lost"
    click.echo(f"{len(gone.calls)} calls of {len(gone.dates)} dates before {before} {would} their {', '.join(sorted(kinds))}")
    _tell_gone(gone)


def _tell_gone(gone: Gone) -> None:
    if gone.files:
        click.echo(f"  {len(gone.files)} recordings deleted")
    if gone.kept_files:
        some = ", ".join(gone.kept_files[:3])
        click.echo(f"  {len(gone.kept_files)} recordings lie under no root that qa.toml names, and were left: {some}")
    if gone.marks:
        click.echo(f"  {gone.marks} marks of people went with them")
    for backup_folder in gone.backups:
        click.echo(f"  still in the backup {backup_folder}: delete it, or keep it under your own rules")


def cutoff(told: str, today: date) -> date:
    """90d, 12w, 12m (30 days each), 2y (365), or a date."""
    match = re.fullmatch(r"(\d+)([dwmy])", told.strip())
    if match:
        days = {"d": 1, "w": 7, "m": 30, "y": 365}[match[2]] * int(match[1])
        try:
            return today - timedelta(days=days)
        except OverflowError:
            raise click.UsageError(f"--older-than {told}: longer ago than there are dates.") from None
    try:
        return date.fromisoformat(told)
    except ValueError:
        raise click.UsageError(f"--older-than {told}: expected such as 90d, 12m, 2y or 2024-05-14.") from None


@click.group()
def dataset() -> None:
    """The stored tables themselves."""


@dataset.command()
@click.option("--repair", is_flag=True, help="Mend what can be rebuilt; what cannot is set aside, never deleted.")
@project_option
def check(repair: bool, project: Path) -> None:
    """Verify schemas, keys, references and lineage of every table."""
    from qa_pipeline.config import read_config
    from qa_pipeline.dataset.check import check_dataset

    config = read_config(project)
    if not repair:
        found = 0
        for problem in check_dataset(config.dataset):
            found += 1
            click.echo(str(problem))
        click.echo(f"{found} problems" + ("; mend what can be with: qa dataset check --repair" if found else ""))
        sys.exit(FIXABLE if found else 0)
    from qa_pipeline.upkeep.repairing import repair as mend

    done = mend(config)
    for problem in done.before:
        click.echo(f"found {problem}")
    if done.lost.recorded:
        click.echo(f"the words of {len(done.lost.recorded)} calls are lost: the next qa run hears their recordings again")
    if done.lost.imported:
        some = ", ".join(done.lost.imported[:5])
        click.echo(f"the words of {len(done.lost.imported)} imported calls are lost: import them again: {some}")
    for problem in done.left:
        click.echo(f"left {problem}")
    click.echo(f"{len(done.before)} problems, {len(done.left)} left; {done.indexed} calls in the ledger's index")
    sys.exit(FIXABLE if done.left else 0)
