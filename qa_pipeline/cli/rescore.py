"""`qa rescore`: what a rule edit would change, applied as it was shown; and publishing without judging again."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qa_pipeline.cli.exits import SOME_FAILED
from qa_pipeline.cli.projects import project_option

if TYPE_CHECKING:
    from qa_pipeline.config import Config
    from qa_pipeline.review.changes import ChangeReport
    from qa_pipeline.review.scorecard import RuleTitle
    from qa_pipeline.rules.changes import Changes
    from qa_pipeline.rules.pack import RulePack
    from qa_pipeline.verdicts.rescoring import Outcome


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
    from qa_pipeline.verdicts import rescoring  # what takes long to load comes while others load
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


def tell(config: Config, outcome: Outcome, project: Path, dry_run: bool) -> None:
    from rich.console import Console

    from qa_pipeline.review.changes import to_terminal

    run, here = outcome.run, shlex.quote(str(project))
    if dry_run:
        Console().print(to_terminal(report_of(config, outcome)))
        click.echo(f"report and rows: {config.dataset}/diffs/{run.id}   (report.html, findings/, scores/)")
        click.echo(f"to do this:      qa rescore --apply {run.id} --project {here}")
    else:
        failed = f", {len(outcome.failed)} could not be and keep their verdicts" if outcome.failed else ""
        judged = outcome.changes.calls + outcome.added.calls
        click.echo(f"{judged} calls judged again, {outcome.changes.flipped + outcome.added.flipped} verdicts changed{failed}")
        if outcome.added.calls:
            click.echo(
                f"  {outcome.added.calls} of them came after the dry run; {outcome.added.flipped} of their verdicts changed"
            )
        if moved := [mark for mark in outcome.marks if mark.flag or mark.state == "stale"]:
            click.echo(f"  {len(moved)} marks of people lie on evidence that moved: qa marks --stale --project {here}")
    for call_id, said in outcome.failed.items():
        click.echo(f"  failed judging_failed: call {call_id}: {said}")


def report_of(config: Config, outcome: Outcome) -> ChangeReport:
    from qa_pipeline.review.changes import report_changes

    changes = outcome.changes
    return report_changes(outcome.run.id, changes, titles(config, changes), config.scorecard.pass_mark, outcome.marks)


def reports(config: Config, outcome: Outcome) -> dict[str, str]:
    """The files that lie beside a dry run's rows."""
    import io

    from rich.console import Console

    from qa_pipeline.review.changes import to_html, to_terminal

    told, out = report_of(config, outcome), io.StringIO()
    Console(file=out, width=120).print(to_terminal(told))
    return {"report.html": to_html(told), "report.txt": out.getvalue()}


def titles(config: Config, changes: Changes) -> dict[tuple[str, str], RuleTitle]:
    """Of the rules whose findings change, as the draft calls them; those that it lacks, as the rules in force do."""
    from qa_pipeline.review.scorecard import RuleTitle
    from qa_pipeline.rules.pack import load_packs
    from qa_pipeline.verdicts.in_force import packs_in_force

    def told(packs: Mapping[str, RulePack]) -> dict[tuple[str, str], RuleTitle]:
        return {(p.id, r.id): RuleTitle(r.title, r.coach, p.titles) for p in packs.values() for r in p.rules}

    draft = told(load_packs(config.rules))
    lacks = {(pack, rule) for pack, rule, _ in changes.flips} - draft.keys()
    return {**told(packs_in_force(config)), **draft} if lacks else draft


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

    from qa_pipeline.review.trials import to_terminal
    from qa_pipeline.verdicts.choice import Choice
    from qa_pipeline.verdicts.trial import try_rule

    with dates_shown() as show:
        told = try_rule(config, rule_id, Choice(first, last), samples, show)
    Console().print(to_terminal(told.rule_id, told.verdicts, told.samples, told.changes, titles(config, told.changes)))
