"""What a trainer reads: `qa scorecard`, `qa show`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qa_pipeline.cli.projects import kept_under, open_project, project_option

if TYPE_CHECKING:
    from qa_pipeline.review.scorecard import Scorecard


@click.command()
@click.argument("agent", required=False)
@click.option("--format", "form", type=click.Choice(["table", "json", "csv", "html"]), default="table")
@project_option
def scorecard(agent: str | None, form: str, project: Path) -> None:
    """Print the card of AGENT (number or name), or of all agents."""
    show_cards(project, agent, form)


def rendered(project: Path, agent: str | None, form: str) -> str:
    from qa_pipeline.review import export

    write = {"json": export.to_json, "csv": export.to_csv, "html": export.to_html}[form]
    return write(read_cards(project, agent))


def read_cards(project: Path, agent: str | None) -> list[Scorecard]:
    from qa_pipeline.dataset.agents import agent_names
    from qa_pipeline.dataset.tables import read_table
    from qa_pipeline.errors import QaError
    from qa_pipeline.review.scorecard import RuleTitle, make_scorecards

    config, packs = open_project(project)
    titles = {(p.id, r.id): RuleTitle(r.title, r.coach, p.titles) for p in packs.values() for r in p.rules}
    scores, findings = (read_table(config.dataset, name).to_pylist() for name in ("scores", "findings"))
    cards = make_scorecards(scores, findings, titles, agent_names(config.dataset))
    if not cards:
        raise QaError(f"no scores in {config.dataset}; make some with: qa run RECORDINGS --project {project}")
    chosen = [c for c in cards if agent in (None, c.agent_id, c.name)]
    if not chosen:
        raise QaError(f"no scores of agent {agent!r}; there are {', '.join(c.who for c in cards)}")
    return chosen


def show_cards(project: Path, agent: str | None, form: str) -> None:
    if form != "table":
        click.echo(rendered(project, agent, form), nl=form != "csv")
        return
    cards = read_cards(project, agent)
    print_cards(cards, cards if agent is None else [])


def print_cards(cards: Sequence[Scorecard], all_cards: Sequence[Scorecard]) -> None:
    """Cards, then a line for each of all agents."""
    from rich.console import Console

    from qa_pipeline.review.terminal import card, overview

    console = Console()
    for one in cards:
        console.print(card(one))
    if all_cards:
        console.print(overview(all_cards))


@click.command()
@click.argument("call_id")
@project_option
def show(call_id: str, project: Path) -> None:
    """Print the transcript of CALL_ID with its evidence marked and every verdict."""
    from rich.console import Console

    from qa_pipeline.config import read_config
    from qa_pipeline.dataset.parts import read_part
    from qa_pipeline.review.annotated import annotate
    from qa_pipeline.review.terminal import transcript

    config = read_config(project)
    day = kept_under(config, call_id, project)
    rows = (read_part(config.dataset, table, day, calls=[call_id]).to_pylist() for table in ("turns", "findings"))
    Console().print(transcript(annotate(call_id, *rows)))
