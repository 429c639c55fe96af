"""`qa demo`: the shipped sample calls through everything."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from qa_pipeline.cli.cards import print_cards, read_cards, rendered
from qa_pipeline.cli.night import finish, run_night
from qa_pipeline.cli.projects import make_project

DEMO_LINE = "# Made by `qa demo`: the shipped sample calls.\n"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=Path("qa-demo"))
def demo(folder: Path) -> None:
    """Run the shipped sample calls through everything, in FOLDER (fresh, or an earlier demo, which goes on)."""
    from qa_pipeline import shipped

    if not is_demo(folder):
        make_project(folder, DEMO_LINE)
    summary = run_night(folder, (shipped.sample_calls(),))
    if not summary.new:
        click.echo("Nothing new: this demo was done before. Remove its folder to see it from the start.", err=True)
    cards = read_cards(folder, None)
    print_cards([max(cards, key=lambda c: len(c.calls))], cards)
    html = folder / "scorecard.html"
    html.write_text(rendered(folder, None, "html"), "utf-8")
    here = shlex.quote(str(folder))
    click.echo(f"\nscores      {folder / 'dataset' / 'scores'}   pd.read_parquet(...) reads it\nscorecards  {html}")
    click.echo(f"one call    qa show cs-02-complaint-good --project {here}\nall cards   qa scorecard --project {here}")
    finish(summary)


def is_demo(folder: Path) -> bool:
    from qa_pipeline.config import FILE

    told = folder / FILE
    return told.is_file() and told.read_text("utf-8", "replace").startswith(DEMO_LINE)
