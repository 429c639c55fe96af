"""A project's folder: made, opened, and looked into for a call; what commands share."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import date

    from qa_pipeline.config import Config
    from qa_pipeline.rules.pack import RulePack

ALIKE = 0.6
"""The share of an id's characters that have to be right for it to be told as what was meant."""
project_option = click.option(
    "--project", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Project folder (with qa.toml)."
)


@click.command()
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
    from qa_pipeline.verdicts.in_force import packs_in_force

    config = read_config(root)
    return config, packs_in_force(config)


def kept_under(config: Config, call_id: str, project: Path) -> date:
    """The call's date, by the ledger's index or by looking. Raises QaError, with ids that are nearly the same."""
    from contextlib import closing

    from qa_pipeline.dataset.ledger import Ledger
    from qa_pipeline.dataset.parts import call_dates, read_part
    from qa_pipeline.dataset.tables import find_call
    from qa_pipeline.errors import Place, QaError

    if config.ledger.exists():
        with closing(Ledger(config.ledger)) as ledger:
            if day := ledger.call_date(call_id):
                return day
    if day := find_call(config.dataset, call_id):
        return day
    days = call_dates(config.dataset, "calls")
    ids = [name for day in days for name in read_part(config.dataset, "calls", day, ["call_id"])["call_id"].to_pylist()]
    if not ids:
        raise QaError(f"no calls here yet; make some with: qa run RECORDINGS --project {project}", Place(str(config.dataset)))
    raise QaError(
        f"no call {call_id!r}; there are {len(ids)}, such as {', '.join(nearly(call_id, ids))}", Place(str(config.dataset))
    )


def nearly(call_id: str, ids: Sequence[str]) -> list[str]:
    """Up to three ids: those that are most like it, or else the first."""
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    near = process.extract(call_id, ids, scorer=Levenshtein.normalized_similarity, limit=3, score_cutoff=ALIKE)
    return [name for name, *_ in near] or sorted(ids)[:3]
