"""`qa import`: transcripts made elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from qa_pipeline.cli.exits import SOME_FAILED
from qa_pipeline.cli.night import listed
from qa_pipeline.cli.projects import open_project, project_option


@click.command("import")
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
    from qa_pipeline.exchange.importing import import_files
    from qa_pipeline.forms.read import How, Roles

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
