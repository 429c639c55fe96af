"""What a rescore changes, or would change, as its command tells it."""

from __future__ import annotations

import io
import shlex
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console

from qa_pipeline.config import Config
from qa_pipeline.review.changes import ChangeReport, report_changes, to_html, to_terminal
from qa_pipeline.review.scorecard import RuleTitle
from qa_pipeline.rules.changes import Changes
from qa_pipeline.rules.pack import RulePack, load_packs
from qa_pipeline.verdicts.in_force import packs_in_force
from qa_pipeline.verdicts.rescoring import Outcome


def tell(config: Config, outcome: Outcome, project: Path, dry_run: bool) -> None:
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
    changes = outcome.changes
    return report_changes(outcome.run.id, changes, titles(config, changes), config.scorecard.pass_mark, outcome.marks)


def reports(config: Config, outcome: Outcome) -> dict[str, str]:
    """The files that lie beside a dry run's rows."""
    told, out = report_of(config, outcome), io.StringIO()
    Console(file=out, width=120).print(to_terminal(told))
    return {"report.html": to_html(told), "report.txt": out.getvalue()}


def titles(config: Config, changes: Changes) -> dict[tuple[str, str], RuleTitle]:
    """Of the rules whose findings change, as the draft calls them; those that it lacks, as the rules in force do."""

    def told(packs: Mapping[str, RulePack]) -> dict[tuple[str, str], RuleTitle]:
        return {(p.id, r.id): RuleTitle(r.title, r.coach, p.titles) for p in packs.values() for r in p.rules}

    draft = told(load_packs(config.rules))
    lacks = {(pack, rule) for pack, rule, _ in changes.flips} - draft.keys()
    return {**told(packs_in_force(config)), **draft} if lacks else draft
