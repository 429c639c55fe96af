"""`qa doctor`: what is usable here, what is missing, and what to do about it."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qa_pipeline.cli.exits import FIXABLE
from qa_pipeline.cli.projects import project_option

if TYPE_CHECKING:
    from qa_pipeline.speech.backend import Check
    from qa_pipeline.upkeep.doctor import Section

COLOURS = {"ok": "green", "note": "yellow", "missing": "yellow", "wrong": "red"}


@click.command()
@project_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def doctor(project: Path, form: str) -> None:
    """Say which recognisers, devices and formats are usable here, and what is missing. Exit code 1 if something is wrong."""
    from qa_pipeline.upkeep.doctor import examine, healthy

    sections = examine(project)
    if form == "json":
        told = {s.title: [asdict(check) for check in s.checks] for s in sections}
        click.echo(json.dumps({"healthy": healthy(sections), "sections": told}, ensure_ascii=False, indent=1))
    else:
        for section in sections:
            _show(section)
    if not healthy(sections):
        sys.exit(FIXABLE)


def _show(section: Section) -> None:
    click.secho(section.title, bold=True)
    width = max((len(check.what) for check in section.checks), default=0)
    for check in section.checks:
        click.echo(f"  {click.style(f'{check.state:8}', COLOURS.get(check.state))}{check.what:{width}}  {check.detail}")
        if remedy := _remedy(check):
            click.echo(f"  {'':8}{'':{width}}  → {remedy}")


def _remedy(check: Check) -> str:
    return "" if check.state == "ok" else check.remedy
