"""A rule tried on the stored calls as if it were live: what it finds and what it would do to scores. Nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from qa_pipeline.dataset.store import Store
from qa_pipeline.errors import QaError
from qa_pipeline.rules.changes import Changes, SideBySide, add_up, count_changes
from qa_pipeline.rules.diff import diff_findings, diff_scores
from qa_pipeline.rules.pack import RulePack
from qa_pipeline.rules.reader import nearest
from qa_pipeline.verdicts.choice import Choice
from qa_pipeline.verdicts.cores import each_date, many_calls
from qa_pipeline.verdicts.in_force import PLANS, draft_packs
from qa_pipeline.verdicts.rejudging import Judges, rejudge
from qa_pipeline.verdicts.rescoring import marks_of

if TYPE_CHECKING:
    from qa_pipeline.config import Config

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Trial:
    """verdicts: legs by verdict. samples: by verdict, rows of `findings`, at most as many as were asked for, oldest first."""

    rule_id: str
    status: str
    verdicts: Mapping[str, int]
    samples: Mapping[str, tuple[Row, ...]]
    changes: Changes


@dataclass(frozen=True)
class _Day:
    verdicts: Counter[str]
    samples: Mapping[str, tuple[Row, ...]]
    changes: Changes


@dataclass(frozen=True)
class _Job:
    dataset: Store
    choice: Choice
    judges: Judges
    most: int
    pass_mark: float

    def __call__(self, day: date) -> _Day:
        told = rejudge(self.dataset, day, self.choice, self.judges)
        rows = told.findings_after.to_pylist()
        samples: dict[str, tuple[Row, ...]] = {}
        for row in rows:
            samples[row["verdict"]] = (*samples.get(row["verdict"], ()), row)[: self.most]
        findings = diff_findings(told.findings_before, told.findings_after)
        scores = diff_scores(told.scores_before, told.scores_after)
        sides = SideBySide(findings, scores, told.scores_before, told.scores_after)
        return _Day(Counter(row["verdict"] for row in rows), samples, count_changes(sides, self.pass_mark))


def try_rule(
    config: Config, rule_id: str, choice: Choice, most: int = 3, progress: Callable[[int, int], None] = lambda done, total: None
) -> Trial:
    """The rule as it stands in rules/, whatever its status. Raises QaError where there is none, or nothing it could judge."""
    packs = draft_packs(config)
    having = {name: pack for name, pack in packs.items() if any(rule.id == rule_id for rule in pack.rules)}
    if not having:
        known = [rule.id for pack in packs.values() for rule in pack.rules]
        raise QaError(f"no rule {rule_id!r}{nearest(rule_id, known)}")
    rule = next(iter(having.values())).rule(rule_id)
    if rule.expect is None:
        raise QaError(f"{rule_id} is a {rule.kind} item: a person answers it, there is nothing to try")
    days = choice.dates(config.dataset)
    judges = Judges(
        {name: _live(pack, rule_id) for name, pack in having.items()}, marks_of(config), datetime.now(UTC), config.root / PLANS
    )
    chosen = replace(choice, packs=tuple(having), rules=(rule_id,))
    job = _Job(config.dataset, chosen, judges, most, config.scorecard.pass_mark)
    done: list[_Day] = []
    for one in each_date(job, days, many_calls(config.dataset, days)):
        done.append(one)
        progress(len(done), len(days))
    verdicts: Counter[str] = sum((day.verdicts for day in done), Counter())
    samples = {verdict: sum((d.samples.get(verdict, ()) for d in done), ())[:most] for verdict in verdicts}
    return Trial(rule_id, rule.status, dict(verdicts), samples, add_up(day.changes for day in done))


def _live(pack: RulePack, rule_id: str) -> RulePack:
    """The rule as if it counted; the version is another, so that its stored trial findings do not stand for it."""
    rules = (replace(r, status="live", version=f"{r.version}-live") if r.id == rule_id else r for r in pack.rules)
    return replace(pack, rules=tuple(rules))
