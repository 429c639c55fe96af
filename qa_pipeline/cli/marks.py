"""What people say of verdicts: `qa mark`, `qa appeal`, `qa marks`; and `qa why-changed`, which tells a finding's past."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qa_pipeline.cli.projects import kept_under, project_option

if TYPE_CHECKING:
    from qa_pipeline.config import Config
    from qa_pipeline.dataset.people import Mark, People

by_option = click.option("--by", required=True, metavar="NAME", help="Who says so; kept with it.")
leg_option = click.option("--leg", type=int, help="Which leg, where the call has several with this rule.")


@click.command()
@click.argument("call_id")
@click.argument("rule_id")
@click.argument("verdict", type=click.Choice(["pass", "fail", "na"]))
@by_option
@click.option("--note", help="Why, in your words.")
@leg_option
@project_option
def mark(call_id: str, rule_id: str, verdict: str, by: str, note: str | None, leg: int | None, project: Path) -> None:
    """Put your VERDICT beside the one that CALL_ID got by RULE_ID.

    It counts in the effective percent as long as the evidence that it was made on stands. A fatal fail counts only once
    someone marks it fail.
    """
    from qa_pipeline.config import read_config

    config = read_config(project)
    with closing(opened(config)) as people:
        made = people.mark(finding(config, call_id, rule_id, leg, project), verdict, by, note)
    click.echo(f"{call_id} {rule_id}: {made.verdict} (the machine says {made.machine_verdict}){counted(config)}")


@click.command()
@click.argument("call_id")
@click.argument("rule_id")
@by_option
@click.option("--say", help="Open an appeal, with what speaks for it.")
@click.option("--close", "verdict", type=click.Choice(["pass", "fail", "na"]), help="Close it with the verdict that stands.")
@click.option("--answer", default="", help="What the agent is told on closing it.")
@leg_option
@project_option
def appeal(call_id: str, rule_id: str, project: Path, **told: Any) -> None:
    """Open or close an appeal against the mark on CALL_ID by RULE_ID. A closed one never changes by itself."""
    from qa_pipeline.config import read_config
    from qa_pipeline.dataset.people import PeopleError
    from qa_pipeline.errors import Place

    if (told["say"] is None) == (told["verdict"] is None):
        raise click.UsageError("either --say (to open an appeal) or --close (to end it).")
    config = read_config(project)
    with closing(opened(config)) as people:
        where = {"call_id": call_id, "rule_id": rule_id} | ({"leg": told["leg"]} if told["leg"] else {})
        found = people.marks(**where)
        if not found:
            raise PeopleError(f"no mark by {rule_id}; an appeal is against a mark: qa mark", Place(call_id=call_id))
        if told["say"] is not None:
            people.appeal(found[-1], told["by"], told["say"])
        else:
            people.close_appeal(found[-1], told["verdict"], told["by"], told["answer"])
        click.echo(line_of(people.marks(**where)[-1]) + counted(config))


@click.command()
@click.option("--stale", is_flag=True, help="Only those whose evidence moved or went, and flagged ones.")
@click.option("--open", "only_open", is_flag=True, help="Only those with an open appeal.")
@project_option
def marks(stale: bool, only_open: bool, project: Path) -> None:
    """List people's verdicts beside the machine's."""
    from qa_pipeline.config import read_config

    config = read_config(project)
    found: list[Mark] = []
    if config.people.exists():
        with closing(opened(config)) as people:
            found = people.marks()
    chosen = [m for m in found if (not stale or m.state == "stale" or m.flag) and (not only_open or m.appeal == "open")]
    for one in chosen:
        click.echo(line_of(one))
    agree = sum(m.verdict == m.machine_verdict for m in chosen)
    click.echo(f"{len(chosen)} marks, {agree} of them agree with the machine")


def counted(config: Config) -> str:
    """Scores go by it at once, but no trainer waits for a night that is writing."""
    from qa_pipeline.dataset.writer import BusyError, one_writer
    from qa_pipeline.verdicts.rescoring import apply_marks

    try:
        with one_writer(config.root):
            apply_marks(config)
    except BusyError:
        return "; it counts when the command that is writing here is done"
    return ""


def line_of(one: Mark) -> str:
    state = one.state if one.counts or one.state == "stale" else "withdrawn"
    told = [f"{one.call_id} {one.rule_id}: {one.verdict} (machine {one.machine_verdict}), {one.by} {one.at[:10]}", state]
    told += [f"appeal {one.appeal}"] if one.appeal else []
    told += [one.flag] if one.flag else []
    return ", ".join(told + ([f"note: {one.note}"] if one.note else []))


def opened(config: Config) -> People:
    from qa_pipeline.dataset.people import People

    return People(config.people)


def finding(config: Config, call_id: str, rule_id: str, leg: int | None, project: Path) -> dict[str, Any]:
    """The one finding that is meant. Raises QaError, with those that there are."""
    from qa_pipeline.dataset.parts import read_part
    from qa_pipeline.errors import Place, QaError

    rows = read_part(config.dataset, "findings", kept_under(config, call_id, project), calls=[call_id]).to_pylist()
    fitting = [row for row in rows if row["rule_id"] == rule_id and leg in (None, row["leg"])]
    if len(fitting) == 1:
        return dict(fitting[0])
    if fitting:
        legs = ", ".join(str(row["leg"]) for row in fitting)
        raise QaError(f"{rule_id} judged legs {legs}; say which with --leg", Place(call_id=call_id))
    rules = sorted({row["rule_id"] for row in rows})
    raise QaError(f"no finding by {rule_id!r}; there are {', '.join(rules) or 'none'}", Place(call_id=call_id))


@click.command("why-changed")
@click.argument("call_id")
@click.argument("rule_id")
@project_option
def why_changed(call_id: str, rule_id: str, project: Path) -> None:
    """Tell how the verdict of CALL_ID by RULE_ID came to be what it is: every one before it, and what took its place."""
    from qa_pipeline.config import read_config
    from qa_pipeline.dataset.history import read_history
    from qa_pipeline.dataset.parts import read_part
    from qa_pipeline.errors import Place, QaError
    from qa_pipeline.review.past import tell_past
    from qa_pipeline.verdicts.in_force import packs_in_force

    config = read_config(project)
    day = kept_under(config, call_id, project)
    tables = [
        read_history(config.dataset, "findings", day, [call_id]),
        read_part(config.dataset, "findings", day, None, [call_id]),
    ]
    past, now = ([row for row in table.to_pylist() if row["rule_id"] == rule_id] for table in tables)
    scores = read_history(config.dataset, "scores", day, [call_id]), read_part(config.dataset, "scores", day, None, [call_id])
    if not past and not now:
        raise QaError(f"no finding by {rule_id!r}, now or before", Place(call_id=call_id))
    said: list[Mark] = []
    if config.people.exists():
        with closing(opened(config)) as people:
            said = people.marks(call_id=call_id, rule_id=rule_id)
    names = {pack.id: pack.titles for pack in packs_in_force(config).values()}
    for line in tell_past(past, now, [table.to_pylist() for table in scores], names):
        click.echo(line)
    for one in said:
        click.echo(f"mark: {line_of(one)}")
