"""`qa rules …` and `qa why`: the rule owner's commands. No audio, no speech recognition."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from qa_pipeline.cli.exits import FIXABLE
from qa_pipeline.cli.projects import kept_under
from qa_pipeline.cli.rescore import publish, trial

rules_option = click.option(
    "--project",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Project folder; its rules/ are read. Without a project there, the shipped packs.",
)
pack_option = click.option("--pack", help="Only this pack.")


@click.group()
def rules() -> None:
    """Check, test, try and explain the rule packs."""


def _folder(project: Path) -> Path:
    from qa_pipeline import shipped

    own = project / "rules"
    return own if own.is_dir() and (project / "qa.toml").is_file() else shipped.packs()


def _packs(project: Path, pack: str | None = None):  # type: ignore[no-untyped-def]
    from qa_pipeline.errors import QaError
    from qa_pipeline.rules.pack import load_packs

    packs = load_packs(_folder(project), spell_out=True)
    if pack is not None and pack not in packs:
        raise QaError(f"no pack {pack!r}; there are {', '.join(sorted(packs))}")
    return {k: v for k, v in packs.items() if pack in (None, k)}


def _rule(project: Path, rule_id: str):  # type: ignore[no-untyped-def]
    from qa_pipeline.errors import QaError
    from qa_pipeline.rules.reader import nearest

    packs = _packs(project)
    for pack in packs.values():
        for rule in pack.rules:
            if rule.id == rule_id:
                return pack, rule
    raise QaError(f"no rule {rule_id!r}{nearest(rule_id, (r.id for p in packs.values() for r in p.rules))}")


@rules.command()
@click.option("--days", type=click.IntRange(1), help="Of the stored calls only those of the last DAYS dates.")
@rules_option
def check(days: int | None, project: Path) -> None:
    """Read every pack: all problems of all files with their places, then warnings."""
    from qa_pipeline.errors import QaError
    from qa_pipeline.rules import lint
    from qa_pipeline.rules.pack import PackError

    try:
        packs = _packs(project)
    except PackError as problem:
        click.echo(problem.message, err=True)
        sys.exit(FIXABLE)
    for line in lint.warnings(packs):
        click.echo(f"warning: {line}")
    try:
        findings = _stored_findings(project, days)
    except QaError:
        findings = []
    for line in (*lint.always_together(findings), *(lint.never_arising(packs, findings) if findings else ())):
        click.echo(f"warning: {line}")
    click.echo(f"{len(packs)} packs, {sum(len(p.rules) for p in packs.values())} rules: readable")


def _stored_findings(project: Path, days: int | None):  # type: ignore[no-untyped-def]
    """Of every stored call, or of the dates within `days` of the newest."""
    from datetime import timedelta

    from qa_pipeline.config import read_config
    from qa_pipeline.dataset.parts import call_dates, read_part

    dataset = read_config(project).dataset
    dates = call_dates(dataset, "findings")
    kept = [day for day in dates if days is None or day > dates[-1] - timedelta(days=days)]
    columns = ["pack", "rule_id", "call_id", "leg", "verdict"]
    return [row for day in kept for row in read_part(dataset, "findings", day).select(columns).to_pylist()]


@rules.command()
@pack_option
@click.argument("rule_ids", nargs=-1)
@rules_option
def test(pack: str | None, rule_ids: tuple[str, ...], project: Path) -> None:
    """Run the examples of every rule (or of RULE_IDS); a live rule without pass, fail and near examples is an error."""
    from qa_pipeline.errors import QaError
    from qa_pipeline.rules.examples import run_examples
    from qa_pipeline.rules.lint import missing_examples
    from qa_pipeline.rules.reader import nearest

    ran = wrong = 0
    packs = _packs(project, pack)
    known = {rule.id for one in packs.values() for rule in one.rules}
    for unknown in sorted(set(rule_ids) - known):
        raise QaError(f"no rule {unknown!r}{nearest(unknown, known)}")
    for one in packs.values():
        chosen = [rule for rule in one.rules if not rule_ids or rule.id in rule_ids]
        for result in run_examples(one, chosen):
            ran += 1
            if not result.right:
                wrong += 1
                click.echo(
                    f"{result.rule_id}: wanted {result.wanted}, got {result.verdict} ({result.reason}): {result.dialogue}"
                )
        for rule in chosen:
            if missing := missing_examples(rule):
                wrong += 1
                click.echo(f"{rule.id}: a live rule needs examples under {', '.join(missing)}")
    click.echo(f"{ran} examples, {wrong} problems")
    if wrong:
        sys.exit(FIXABLE)


@rules.command("try")
@click.argument("dialogue")
@pack_option
@click.option("--all", "everything", is_flag=True, help="Also the rules that did not apply.")
@rules_option
def try_(dialogue: str, pack: str | None, everything: bool, project: Path) -> None:
    """Judge a DIALOGUE such as "A 您好 / C 喂 / 20 / A 再见 / customer hangs up"."""
    from qa_pipeline.rules.examples import read_dialogue, tables_of
    from qa_pipeline.rules.judge import judge_tables
    from qa_pipeline.rules.verdict_tables import findings_table

    for one in _packs(project, pack).values():
        case, verdicts = judge_tables(tables_of([read_dialogue(dialogue, one.id)]), one)
        for row in findings_table(case, verdicts).to_pylist():
            if row["verdict"] == "na" and not everything:
                continue
            quoted = [e for e in row["evidence"] if e["quote"]]
            heard = " ".join(f"“{e['quote']}”({e['rung']})" if e["rung"] else f"“{e['quote']}”" for e in quoted)
            click.echo(f"{row['verdict']:6} {row['rule_id']:24} {row['reason'] or ''} {heard}".rstrip())


@rules.command("list")
@pack_option
@rules_option
def list_(pack: str | None, project: Path) -> None:
    """Every rule with its weight, status and title."""
    for one in _packs(project, pack).values():
        click.echo(f"{one.id}  {one.title}")
        for rule in one.rules:
            fatal = "致命 " if rule.fatal else ""
            click.echo(f"  {rule.id:26} {rule.weight:>4g}  {rule.status:7} {fatal}{rule.title}")


@rules.command()
@click.argument("rule_id")
@rules_option
def explain(rule_id: str, project: Path) -> None:
    """Say a rule in plain Chinese."""
    from qa_pipeline.rules.explain import explain as said

    pack, rule = _rule(project, rule_id)
    click.echo(said(rule, pack))


@rules.command()
@click.option("--problems", is_flag=True, help="Only the clauses with something wrong.")
@rules_option
def coverage(problems: bool, project: Path) -> None:
    """Which clause of the policies is judged by which rule."""
    from qa_pipeline.rules.coverage import coverage as covered
    from qa_pipeline.rules.coverage import read_clauses, unknown_clauses

    packs, clauses = _packs(project), read_clauses(_folder(project))
    rows = covered(clauses, packs)
    for row in rows:
        if problems and not row.problem:
            continue
        named = ", ".join(name if status == "live" else f"{name} ({status})" for name, status in row.rules) or "—"
        click.echo(f"{row.clause.id:14} {row.clause.kind:7} {named}  {row.clause.text}")
        if row.problem:
            click.echo(f"{'':14} {row.problem}")
    strange = unknown_clauses(clauses, packs)
    for rule, clause in strange:
        click.echo(f"{rule} names clause {clause}, which is not in the list")
    wrong = sum(bool(row.problem) for row in rows) + len(strange)
    click.echo(f"{len(rows)} clauses, {sum(bool(r.rules) for r in rows)} named by a rule, {wrong} problems")
    if wrong:
        sys.exit(FIXABLE)


rules.add_command(publish)
rules.add_command(trial)


@rules.command()
def schema() -> None:
    """Print the JSON Schema of a pack, for editors."""
    from qa_pipeline.rules.schema import pack_schema

    click.echo(json.dumps(pack_schema(), ensure_ascii=False, indent=1))


@click.command()
@click.argument("call_id")
@click.argument("rule_id", required=False)
@click.option("--project", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Project folder.")
def why(call_id: str, rule_id: str | None, project: Path) -> None:
    """Say why CALL_ID got its verdicts (or the one of RULE_ID): what was looked for, where, and what came nearest."""
    from qa_pipeline.config import read_config
    from qa_pipeline.dataset.parts import read_part
    from qa_pipeline.errors import QaError
    from qa_pipeline.rules.judge import make_matcher
    from qa_pipeline.rules.reader import nearest
    from qa_pipeline.rules.trace import call_tables, trace
    from qa_pipeline.verdicts.in_force import PLANS, packs_in_force

    config = read_config(project)
    day = kept_under(config, call_id, project)
    kept = {name: read_part(config.dataset, name, day, calls=[call_id]) for name in ("calls", "legs", "turns", "events")}
    tables = call_tables(kept, call_id)
    packs, legs = packs_in_force(config), tables["legs"].to_pylist()
    for leg in legs:
        if leg["pack"] not in packs:
            raise QaError(f"leg {leg['leg']} is judged by pack {leg['pack']!r}{nearest(leg['pack'], packs)}")
    for leg in [one for one in legs if rule_id in {rule.id for rule in packs[one["pack"]].rules}] or legs:
        if len(legs) > 1:
            click.echo(f"leg {leg['leg']}, agent {leg['agent_id'] or 'unknown'}, pack {leg['pack']}")
        pack = packs[leg["pack"]]
        for line in trace(tables, pack, leg["leg"], rule_id, make_matcher(pack, config.root / PLANS)):
            click.echo(line)
