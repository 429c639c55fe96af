"""`qa rescore`: what a rule edit would change, applied as it was shown; and publishing without judging again."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from qa_pipeline.cli.exits import SOME_FAILED
from qa_pipeline.cli.projects import project_option

day_option = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what the rules in rules/ would change; change nothing.")
@click.option("--apply", "run_id", metavar="ID", help="Do what the dry run ID showed, and publish its rules.")
@click.option("--since", type=day_option, help="First call date.")
@click.option("--until", type=day_option, help="Last call date.")
@click.option("--pack", multiple=True, help="Only legs judged by this pack; may be given again, as the next three may.")
@click.option("--agent", multiple=True, help="Only this agent's legs.")
@click.option("--team", multiple=True, help="Only this team's legs.")
@click.option("--rule", multiple=True, metavar="RULE", help="Only this rule.")
@project_option
def rescore(
    dry_run: bool, run_id: str | None, since: datetime | None, until: datetime | None, project: Path, **names: tuple[str, ...]
) -> None:
    """Judge the stored calls again by the rules in rules/, and publish those. Reads no audio.

    Only rules whose meaning changed are judged again. With --dry-run first, and --apply after reading what it says, nothing
    changes unseen.
    """
    from qa_pipeline.config import read_config
    from qa_pipeline.verdicts.cores import ready

    chosen = bool(since or until or any(names.values()))
    if run_id and (dry_run or chosen):
        raise click.UsageError("--apply does what its dry run showed; it takes no other choice.")
    config = read_config(project)
    packs, agents, teams, rules = (names[key] for key in ("pack", "agent", "team", "rule"))
    first, last = since and since.date(), until and until.date()
    ready(config.root / "dataset", first, last)
    from qa_pipeline.cli.outcomes import reports, tell  # what takes long to load comes while others load
    from qa_pipeline.verdicts import rescoring
    from qa_pipeline.verdicts.choice import Choice

    choice = Choice(first, last, packs, agents, teams, rules)
    with dates_shown() as show:
        if dry_run:
            outcome = rescoring.plan(config, choice, lambda o: reports(config, o), show)
        elif run_id:
            outcome = rescoring.apply(config, run_id, show)
        else:
            outcome = rescoring.rescore(config, choice, show)
    tell(config, outcome, project, dry_run)
    if outcome.failed:
        sys.exit(SOME_FAILED)


@contextmanager
def dates_shown() -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal, nothing elsewhere: it takes seconds."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("call dates", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@click.command()
@project_option
def publish(project: Path) -> None:
    """Judge new calls by the rules in rules/ from now on; stored calls keep their verdicts until `qa rescore`."""
    from qa_pipeline.config import read_config
    from qa_pipeline.dataset.published import publish as publish_rules
    from qa_pipeline.dataset.published import published
    from qa_pipeline.dataset.writer import one_writer
    from qa_pipeline.rules.pack import load_packs
    from qa_pipeline.verdicts.in_force import draft_packs

    config = read_config(project)
    draft_packs(config)
    load_packs(config.rules, spell_out=True)
    with one_writer(config.root):
        before = published(config.dataset)
        now = publish_rules(config.dataset, config.rules)
    same = before is not None and before.hash == now.hash
    click.echo(f"rules {now.hash} are in force" + (" already" if same else f"; before: {before.hash if before else 'none'}"))


@click.command()
@click.argument("rule_id")
@click.option("--since", type=day_option, help="First call date.")
@click.option("--until", type=day_option, help="Last call date.")
@click.option("--samples", type=click.IntRange(0), default=3, help="Calls to show for each verdict.")
@project_option
def trial(rule_id: str, since: datetime | None, until: datetime | None, samples: int, project: Path) -> None:
    """Try RULE_ID (a draft, a trial, or a live rule as edited) on the stored calls: what it finds, and what it would cost."""
    from qa_pipeline.config import read_config
    from qa_pipeline.verdicts.cores import ready

    config = read_config(project)
    first, last = since and since.date(), until and until.date()
    ready(config.root / "dataset", first, last)
    from rich.console import Console  # what takes long to load comes while others load

    from qa_pipeline.cli.outcomes import titles
    from qa_pipeline.review.trials import to_terminal
    from qa_pipeline.verdicts.choice import Choice
    from qa_pipeline.verdicts.trial import try_rule

    with dates_shown() as show:
        told = try_rule(config, rule_id, Choice(first, last), samples, show)
    Console().print(to_terminal(told.rule_id, told.verdicts, told.samples, told.changes, titles(config, told.changes)))
