"""What a rule edit would change is shown before anything does; what is applied is what was shown."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from qa_pipeline.config import Config, read_config
from qa_pipeline.dataset.history import read_history
from qa_pipeline.dataset.parts import call_dates
from qa_pipeline.dataset.people import People
from qa_pipeline.dataset.published import published
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.errors import DatasetError
from qa_pipeline.verdicts import cores, judging, rescoring
from qa_pipeline.verdicts.choice import Choice
from qa_pipeline.verdicts.rescoring import Outcome, StaleError


def quiet(done: int, total: int) -> None: ...


def plan(config: Config, choice: Choice | None = None) -> Outcome:
    return rescoring.plan(config, choice or Choice(), lambda outcome: {"report.txt": "x"}, quiet)


@pytest.fixture
def project(demo_project: Path, tmp_path: Path) -> Config:
    copied = Path(shutil.copytree(demo_project, tmp_path / "project"))
    for pack in (copied / "rules").glob("*.yaml"):
        if pack.stem != "etiquette":
            pack.unlink()
    config = read_config(copied)
    rescoring.rescore(config, Choice(), quiet)
    return config


def edit(config: Config, rule_id: str, old: str, new: str) -> None:
    path = config.rules / "etiquette.yaml"
    text = path.read_text("utf-8")
    at = text.index(f"id: {rule_id}")
    assert old in text[at:]
    path.write_text(text[:at] + text[at:].replace(old, new, 1), "utf-8")


def harsher(config: Config) -> None:
    """再见 alone ends no call politely any more."""
    path = config.rules / "etiquette.yaml"
    text = path.read_text("utf-8")
    assert 'say: ["再见", ' in text
    path.write_text(text.replace('say: ["再见", ', "say: [", 1), "utf-8")


def bytes_of(config: Config, *tables: str) -> dict[str, bytes]:
    root = config.root / "dataset"
    return {p.relative_to(root).as_posix(): p.read_bytes() for t in tables for p in sorted((root / t).rglob("*.parquet"))}


def rows(config: Config, table: str) -> list[dict[str, Any]]:
    return [{k: v for k, v in row.items() if k != "scored_at"} for row in read_table(config.dataset, table).to_pylist()]


def test_a_dry_run_changes_nothing_that_anyone_reads_and_says_what_would(project: Config) -> None:
    before = bytes_of(project, "findings", "scores")
    harsher(project)
    outcome = plan(project)
    assert bytes_of(project, "findings", "scores") == before
    flips = {(rule, change): flip.count for (_, rule, change), flip in outcome.changes.flips.items()}
    assert flips["et.closing", "pass→fail"] > 1
    diff = pd.read_parquet(project.root / "dataset" / "diffs" / outcome.run.id / "findings")
    assert (diff.verdict_before != diff.verdict_after).sum() == outcome.changes.flipped
    sample = outcome.changes.flips["etiquette", "et.closing", "pass→fail"].samples[0]
    assert "再见" in sample["evidence_before"][-1]["quote"]


def test_applying_does_what_was_shown_keeps_the_old_and_publishes(project: Config) -> None:
    old = published(project.dataset)
    harsher(project)
    shown = plan(project)
    verdicts = {r["call_id"]: r["verdict"] for r in rows(project, "findings") if r["rule_id"] == "et.closing"}
    done = rescoring.apply(project, shown.run.id, quiet)
    assert (done.changes.flips.keys(), done.added.calls) == (shown.changes.flips.keys(), 0)
    after = {r["call_id"]: r["verdict"] for r in rows(project, "findings") if r["rule_id"] == "et.closing"}
    assert (
        sum(after[call] != verdict for call, verdict in verdicts.items())
        == shown.changes.flips["etiquette", "et.closing", "pass→fail"].count
    )
    history = [
        r for day in call_dates(project.dataset, "calls") for r in read_history(project.dataset, "findings", day).to_pylist()
    ]
    assert {r["call_id"]: r["verdict"] for r in history if r["rule_id"] == "et.closing"} == verdicts
    assert (published(project.dataset) or old) != old
    with pytest.raises(StaleError, match="is applied already"):
        rescoring.apply(project, shown.run.id, quiet)


def test_applying_gives_what_judging_everything_anew_gives(project: Config) -> None:
    harsher(project)
    rescoring.apply(project, plan(project).run.id, quiet)
    partly = rows(project, "findings"), rows(project, "scores")
    for table in ("findings", "scores"):
        shutil.rmtree(project.root / "dataset" / table)
    rescoring.rescore(project, Choice(), quiet)
    assert (rows(project, "findings"), rows(project, "scores")) == partly


def test_only_rules_whose_meaning_changed_are_judged_again(project: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[str]] = []
    real = judging.judge_tables

    def listening(tables: Any, pack: Any, matcher: Any) -> Any:
        asked.append({rule.id for rule in pack.rules})
        return real(tables, pack, matcher)

    monkeypatch.setattr(judging, "judge_tables", listening)
    edit(project, "et.closing", "coach:", "coach: 记得道别。#")
    assert (plan(project).changes.flipped, asked) == (0, [])
    edit(project, "et.closing", "weight: ", "weight: 1")
    assert plan(project).changes.flips.keys() <= {("etiquette", "et.closing", "evidence")}
    assert {rule for rules in asked for rule in rules} == {"et.closing"}


def test_a_draft_edited_since_is_refused_with_every_reason(project: Config) -> None:
    harsher(project)
    shown = plan(project)
    edit(project, "et.closing", "weight: ", "weight: 1")
    day = call_dates(project.dataset, "calls")[0]
    part = project.root / "dataset" / "scores" / f"call_date={day}" / "part-0.parquet"
    pd.read_parquet(part).assign(transcript_version="other").to_parquet(part)
    before = bytes_of(project, "findings")
    with pytest.raises(
        StaleError, match=r"rules/ was edited since; the transcript of \S+ of \S+.* is another.*qa rescore --dry-run"
    ):
        rescoring.apply(project, shown.run.id, quiet)
    assert bytes_of(project, "findings") == before


def test_a_dry_run_that_is_not_there_is_said_with_those_that_are(project: Config) -> None:
    with pytest.raises(DatasetError, match="make one with: qa rescore --dry-run"):
        rescoring.apply(project, "x", quiet)
    shown = plan(project)
    with pytest.raises(DatasetError, match=f"there are {shown.run.id}"):
        rescoring.apply(project, "x", quiet)


def test_a_choice_of_calls_leaves_the_others_as_they_were(project: Config) -> None:
    harsher(project)
    before = {(r["call_id"], r["rule_id"]): r for r in rows(project, "findings")}
    agent = next(r["agent_id"] for r in rows(project, "scores") if r["agent_id"])
    outcome = plan(project, Choice(agents=(agent,)))
    mine = {r["call_id"] for r in rows(project, "scores") if r["agent_id"] == agent}
    assert outcome.changes.calls == len(mine)
    rescoring.apply(project, outcome.run.id, quiet)
    changed = {r["call_id"] for r in rows(project, "findings") if before[r["call_id"], r["rule_id"]] != r}
    assert changed and changed <= mine
    assert plan(project, Choice(since=date(2100, 1, 1))).changes.calls == 0


def test_a_mark_is_carried_over_where_its_evidence_stays_and_stale_where_it_moves(project: Config) -> None:
    found = rows(project, "findings")
    opening = next(r for r in found if r["rule_id"] == "et.greeting" and r["verdict"] == "pass")
    closing = next(r for r in found if r["rule_id"] == "et.closing" and r["verdict"] == "pass")
    people = People(project.people)
    people.mark(opening, "fail", "trainer")
    people.mark(closing, "pass", "trainer")
    harsher(project)
    rescoring.apply(project, plan(project).run.id, quiet)
    assert {m.rule_id: m.state for m in people.marks()} == {"et.greeting": "in_force", "et.closing": "stale"}
    score = next(r for r in rows(project, "scores") if r["call_id"] == opening["call_id"])
    assert score["effective_percent"] < score["percent"]
    mirrored = pd.read_parquet(project.root / "dataset" / "marks")
    assert set(mirrored.state) == {"in_force", "stale"}
    people.close()


def test_calls_that_came_after_the_dry_run_are_judged_and_counted_apart(project: Config) -> None:
    harsher(project)
    shown = plan(project)
    covered = project.root / "dataset" / "diffs" / shown.run.id / "covered"
    part = next(covered.rglob("*.parquet"))
    one = pd.read_parquet(part).iloc[1:]
    part.unlink() if one.empty else one.to_parquet(part)
    done = rescoring.apply(project, shown.run.id, quiet)
    assert (done.added.calls, done.changes.calls) == (1, shown.changes.calls - 1)


def test_judging_shared_among_processes_gives_the_same(project: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    harsher(project)
    alone = plan(project)
    monkeypatch.setattr(cores, "WORTH_SHARING", 1)
    shared = plan(project)
    assert replace(shared.changes) == alone.changes
