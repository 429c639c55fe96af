"""The command `qa`: thin commands over the modules; heavy imports stay inside the command that needs them."""

from __future__ import annotations

import errno
import shlex
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qa_pipeline.cli_doctor import doctor
from qa_pipeline.cli_keep import backup, dataset, forget, prune, retry, status
from qa_pipeline.cli_marks import appeal, mark, marks, why_changed
from qa_pipeline.cli_night import SOME_FAILED, finish, listed, run, run_night, transcribe
from qa_pipeline.cli_rescore import rescore
from qa_pipeline.cli_rules import rules, why

if TYPE_CHECKING:
    from datetime import date

    from qa_pipeline.config import Config
    from qa_pipeline.review.scorecard import Scorecard
    from qa_pipeline.rules.pack import RulePack

FIXABLE = 1

project_option = click.option(
    "--project", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Project folder (with qa.toml)."
)


class Commands(click.Group):
    """Problems a reader can act on become one message and exit code 1."""

    def invoke(self, ctx: click.Context) -> object:
        from qa_pipeline.errors import QaError

        try:
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


@main.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
def init(folder: Path) -> None:
    """Make a project FOLDER: a commented qa.toml and the shipped rule packs."""
    make_project(folder)
    click.echo(f"made {folder / 'qa.toml'}   settings: the speech model, the agent's channel, which pack judges which calls")
    click.echo(f"made {folder / 'rules'}   the rule packs: put your company's names under slots")
    click.echo(f"next: qa run RECORDINGS --project {shlex.quote(str(folder))}")


def make_project(folder: Path, first_line: str = "") -> None:
    """Raises ConfigError where a project, or part of one, is already; nothing is overwritten."""
    from qa_pipeline import shipped
    from qa_pipeline.config import FILE, ConfigError
    from qa_pipeline.errors import Place
    from qa_pipeline.settings import TEMPLATE

    for there, what in ((folder / FILE, "a project"), (folder / "rules", "a rules folder")):
        if there.exists():
            raise ConfigError(f"there is {what} here already; choose another folder", Place(str(folder)))
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(shipped.packs(), folder / "rules")
    (folder / FILE).write_text(first_line + TEMPLATE, "utf-8")  # last: with it the folder is a project


def open_project(root: Path) -> tuple[Config, dict[str, RulePack]]:
    """The settings and the packs in force, with every pack that the settings name at hand."""
    from qa_pipeline.config import read_config
    from qa_pipeline.in_force import packs_in_force

    config = read_config(root)
    return config, packs_in_force(config)


DEMO_LINE = "# Made by `qa demo`: the shipped sample calls.\n"


@main.command()
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


@main.command()
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


@main.command()
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


def kept_under(config: Config, call_id: str, project: Path) -> date:
    """The call's date, by the ledger's index or by looking. Raises QaError, with ids that are nearly the same."""
    import difflib
    from contextlib import closing

    from qa_pipeline.dataset.ledger import Ledger
    from qa_pipeline.dataset.tables import find_call, read_table
    from qa_pipeline.errors import Place, QaError

    if config.ledger.exists():
        with closing(Ledger(config.ledger)) as ledger:
            if day := ledger.call_date(call_id):
                return day
    if day := find_call(config.dataset, call_id):
        return day
    ids = read_table(config.dataset, "calls")["call_id"].to_pylist()
    if not ids:
        raise QaError(f"no calls here yet; make some with: qa run RECORDINGS --project {project}", Place(str(config.dataset)))
    near = difflib.get_close_matches(call_id, ids) or sorted(ids)[:3]
    raise QaError(f"no call {call_id!r}; there are {len(ids)}, such as {', '.join(near)}", Place(str(config.dataset)))


@main.command("import")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--form", type=click.Choice(["lines", "whisperx", "funasr"]), help="Without it: by what is in FILES.")
@click.option("--agent", multiple=True, metavar="LABEL", help="Speaker label of an agent (SPEAKER_00, …), or: first.")
@click.option("--customer", multiple=True, metavar="LABEL", help="Speaker label of a customer, or: first.")
@click.option("--ivr", multiple=True, metavar="LABEL", help="Speaker label of announcements.")
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a line and stop.")
@project_option
def import_(files: tuple[Path, ...], form: str | None, schema: bool, project: Path, **roles: tuple[str, ...]) -> None:
    """Take in transcripts made elsewhere: FILES of one call a line, or the JSON of WhisperX or FunASR."""
    if schema:
        import json

        from qa_pipeline.forms.call import FORM

        click.echo(json.dumps(FORM, indent=2, ensure_ascii=False))
        return
    if not files:
        raise click.UsageError("Missing argument 'FILES...'.")
    if twice := {label for label in sum(roles.values(), ()) if sum(label in labels for labels in roles.values()) > 1}:
        raise click.UsageError(f"{', '.join(sorted(twice))}: one label, two roles.")
    from qa_pipeline.forms.read import How, Roles
    from qa_pipeline.importing import import_files

    result = import_files(*open_project(project), files, How(form, Roles(**roles)))
    click.echo(f"{result.imported} calls imported, {result.known} known, {len(result.problems)} with problems")
    if result.superseded:
        click.echo(f"  {len(result.superseded)} with other content than before; they replace what was kept, verdicts included")
        listed(f"replaced: call {s.call_id} is revision {s.revision} now" for s in result.superseded)
    if result.no_roles:
        click.echo(f"  {len(result.no_roles)} in which nobody knows the agent: name the label, such as --agent SPEAKER_00")
    for problem in result.problems:
        click.echo(f"  {problem}", err=True)
    if result.problems:
        sys.exit(SOME_FAILED)


KEEPING = (backup, dataset, forget, prune, retry, status)
REVIEWING = (appeal, mark, marks, rescore, rules, why, why_changed)
for command in (run, transcribe, doctor, *KEEPING, *REVIEWING):
    main.add_command(command)
