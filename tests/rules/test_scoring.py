"""Scores are the sum of their findings; a person's verdict stands in place of the machine's, and a fatal fail waits for one."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.rules.pack import Rule, RulePack, load_packs
from qa_pipeline.rules.scoring import Units, points_for, score_findings, with_people

NOW = datetime(2024, 5, 14, tzinfo=UTC)
RULES = (
    Rule("greet", "", 40.0, section="opening"),
    Rule("close", "", 60.0, section="ending"),
    Rule("rude", "", 20.0, kind="prohibition", fatal="card", section="manner"),
    Rule("tired", "", 10.0, kind="prohibition", fatal="section", section="opening"),
)
PACK = RulePack("p", "", {}, {}, {}, {}, RULES)


def units(*legs: tuple[str, int]) -> Units:
    rows = [{"call_id": c, "leg": n} for c, n in legs]
    schema = pa.schema(
        [SCHEMAS["scores"].field(n) for n in ("call_id", "leg", "agent_id", "team", "started_at", "transcript_version")]
    )
    return Units(pa.Table.from_pylist(rows, schema=schema))


def findings(call_id: str = "c", leg: int = 1, **verdicts: str) -> pa.Table:
    rows = []
    for rule in RULES:
        verdict = verdicts.get(rule.id, "pass")
        points, possible = points_for(rule, verdict)
        fatal = "pending" if rule.fatal and verdict == "fail" else "none"
        row = {"call_id": call_id, "leg": leg, "pack": "p", "rule_id": rule.id, "verdict": verdict, "evidence": []}
        rows.append({**row, "points": points, "possible": possible, "fatal_state": fatal})
    return pa.Table.from_pylist(rows, schema=SCHEMAS["findings"])


def score(found: pa.Table, marked: dict[Any, str] | None = None) -> dict[str, Any]:
    (row,) = score_findings(with_people(found, marked or {}), units(("c", 1)), PACK, NOW, marked).to_pylist()
    return dict(row)


def test_points_are_summed_and_prohibitions_only_deduct() -> None:
    told = score(findings(greet="fail", tired="fail"))
    assert (told["points"], told["possible"], told["percent"]) == (50.0, 100.0, 50.0)
    assert (told["fatal_state"], told["effective_percent"]) == ("pending", 50.0)


def test_what_does_not_apply_leaves_the_denominator_and_too_little_gives_no_percent() -> None:
    assert score(findings(close="na"))["possible"] == 40.0
    told = score(findings(close="na", greet="na"))
    assert (told["percent"], told["effective_percent"]) == (None, None)


def test_a_persons_verdict_moves_the_effective_percent_and_not_the_machines() -> None:
    told = score(findings(greet="fail"), {("c", 1, "p", "greet"): "pass"})
    assert (told["percent"], told["effective_percent"]) == (60.0, 100.0)


def test_a_fatal_fail_zeroes_the_card_only_once_a_person_confirms_it() -> None:
    found = findings(rude="fail")
    assert score(found)["effective_percent"] == 80.0
    confirmed = score(found, {("c", 1, "p", "rude"): "fail"})
    assert (confirmed["fatal_state"], confirmed["effective_percent"], confirmed["percent"]) == ("confirmed", 0.0, 80.0)
    rejected = score(found, {("c", 1, "p", "rude"): "pass"})
    assert (rejected["fatal_state"], rejected["effective_percent"]) == ("rejected", 100.0)


def test_a_fail_fatal_to_its_section_zeroes_what_that_section_earned() -> None:
    told = score(findings(tired="fail"), {("c", 1, "p", "tired"): "fail"})
    assert (told["percent"], told["effective_percent"]) == (90.0, 60.0)


def test_a_mark_on_one_leg_touches_no_other() -> None:
    both = pa.concat_tables([findings(greet="fail"), findings(leg=2, greet="fail")])
    scored = score_findings(both, units(("c", 1), ("c", 2)), PACK, NOW, {("c", 2, "p", "greet"): "pass"}).to_pylist()
    assert [s["effective_percent"] for s in scored] == [60.0, 100.0]


def test_the_order_of_findings_does_not_show() -> None:
    both = pa.concat_tables([findings("a", greet="fail"), findings("b")])
    legs = units(("a", 1), ("b", 1))
    turned = both.take(pa.array(range(len(both) - 1, -1, -1)))
    assert score_findings(both, legs, PACK, NOW).equals(score_findings(turned, legs, PACK, NOW))


@pytest.mark.parametrize("others", [["z"], []])
def test_findings_of_other_legs_are_no_ones_points(others: list[str]) -> None:
    found = pa.concat_tables([findings(), *(findings(c) for c in others)])
    assert [s["points"] for s in score_findings(found, units(("c", 1)), PACK, NOW).to_pylist()] == [100.0]


def test_the_demos_scores_are_those_of_its_findings(demo_project: Path) -> None:
    found, scores = (
        read_table(demo_project / "dataset", t).sort_by([("call_id", "ascending"), ("leg", "ascending")])
        for t in ("findings", "scores")
    )
    pack = load_packs(demo_project / "rules")["etiquette"]
    legs = Units(scores.select(["call_id", "leg", "agent_id", "team", "started_at", "transcript_version"]))
    again = score_findings(found, legs, pack, NOW)
    assert again.drop_columns(["scored_at"]).equals(scores.drop_columns(["scored_at"]))
