"""One judge for one call and for many: verdicts, points, and the same answer whatever stands beside a call."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline import shipped
from qa_pipeline.rules.examples import read_dialogue, run_examples, tables_of
from qa_pipeline.rules.judge import judge_tables, make_matcher
from qa_pipeline.rules.pack import load_packs
from qa_pipeline.rules.verdict_tables import findings_table
from qa_pipeline.verdicts.judging import Matchers, verdict_tables
from tests.rules.judging import finding, pack_of, rule_of

PACKS = load_packs(shipped.packs())
ETIQUETTE = PACKS["etiquette"]
MATCHER = make_matcher(ETIQUETTE)
LINES = [
    "A 您好，丽洁物业",
    "C 喂",
    "A 不好意思，请您稍等",
    "hold 12",
    "9",
    "A 让您久等了",
    "A 请问您还有其他问题吗",
    "A 再见",
    "C 再见",
    "? 嗯",
    "customer hangs up",
    "agent hangs up",
    "network cut",
    "A 你是谁",
    "-1",
]
dialogues = st.lists(st.sampled_from(LINES), min_size=1, max_size=10).map(" / ".join)


@pytest.mark.parametrize("name", sorted(PACKS))
def test_every_example_of_every_shipped_pack_comes_out_as_written(name: str) -> None:
    wrong = [
        f"{r.rule_id}: wanted {r.wanted}, got {r.verdict} ({r.reason}): {r.dialogue}"
        for r in run_examples(PACKS[name])
        if not r.right
    ]
    assert not wrong, "\n".join(wrong)


@given(st.lists(dialogues, min_size=2, max_size=5))
def test_a_call_is_judged_the_same_alone_and_among_others(told: list[str]) -> None:
    calls = [read_dialogue(d, "etiquette", f"c{i}") for i, d in enumerate(told)]
    case, verdicts = judge_tables(tables_of(calls), ETIQUETTE, MATCHER)
    many = findings_table(case, verdicts).to_pylist()
    alone = []
    for call in calls:
        case, verdicts = judge_tables(tables_of([call]), ETIQUETTE, MATCHER)
        alone += findings_table(case, verdicts).to_pylist()
    assert many == alone


@given(st.lists(dialogues, min_size=2, max_size=5), st.randoms())
def test_the_order_of_rows_does_not_matter(told: list[str], shuffle: random.Random) -> None:
    calls = [read_dialogue(d, "etiquette", f"c{i}") for i, d in enumerate(told)]
    mixed = list(calls)
    shuffle.shuffle(mixed)
    one, other = (verdict_tables(tables_of(c), PACKS, Matchers(made={"etiquette": MATCHER})) for c in (calls, mixed))
    assert one["findings"] == other["findings"]
    assert one["scores"].drop(["scored_at"]) == other["scores"].drop(["scored_at"])


@given(st.lists(dialogues, min_size=1, max_size=4))
def test_scores_are_the_sums_of_their_findings(told: list[str]) -> None:
    calls = tables_of(read_dialogue(d, "etiquette", f"c{i}") for i, d in enumerate(told))
    tables = verdict_tables(calls, PACKS, Matchers(made={"etiquette": MATCHER}))
    findings = tables["findings"].to_pylist()
    for score in tables["scores"].to_pylist():
        mine = [f for f in findings if f["call_id"] == score["call_id"]]
        assert score["points"] == sum(f["points"] for f in mine)
        assert score["possible"] == sum(f["possible"] for f in mine)
        assert score["n_unsure"] == sum(f["verdict"] == "unsure" for f in mine)
        assert (score["percent"] is None) == (score["possible"] < 25)
        assert all(f["possible"] == 0 for f in mine if f["verdict"] in ("na", "unsure"))
        assert all(f["reason"] for f in mine if f["verdict"] != "pass")
        assert all(f["evidence"] for f in mine if f["verdict"] in ("pass", "fail"))


@pytest.mark.parametrize(
    ("more", "dialogue", "points", "possible"),
    [
        ("", "A 您好", 10, 10),
        ("", "A 喂", 0, 10),
        (", kind: bonus", "A 您好", 10, 0),
        (", kind: bonus", "A 喂", 0, 0),
        (", status: trial", "A 您好", 0, 0),
    ],
)
def test_points_of_a_requirement_a_bonus_and_a_trial(
    tmp_path: Path, more: str, dialogue: str, points: int, possible: int
) -> None:
    found = finding(rule_of(tmp_path, "call", "{said: hello}", more), dialogue)
    assert (found["points"], found["possible"]) == (points, possible)


def test_a_prohibition_only_deducts(tmp_path: Path) -> None:
    pack = rule_of(tmp_path, "call", "{never_said: rude}", ", kind: prohibition, fatal: card, confirm: true")
    kept, broken = finding(pack, "A 您好"), finding(pack, "A 你烦不烦")
    assert (kept["points"], kept["possible"], kept["fatal_state"]) == (0, 0, "none")
    assert (broken["points"], broken["possible"], broken["fatal_state"], broken["needs_person"]) == (-10, 0, "pending", True)


def test_partial_credit_is_the_share_of_occasions_that_passed(tmp_path: Path) -> None:
    pack = rule_of(tmp_path, "{phrase: complaint, by: customer}", "{said: sorry, next_turns: 1}", ", credit: per_occasion")
    found = finding(pack, "A 您好 / C 我要投诉 / A 对不起 / C 我还要投诉 / A 什么 / C 嗯")
    assert (found["verdict"], found["points"], found["possible"]) == ("fail", 5, 10)
    assert sorted(e["verdict"] for e in found["evidence"]) == ["fail", "pass"]


def test_a_fatal_fail_is_pending_only_where_its_condition_holds(tmp_path: Path) -> None:
    body = """
    rules:
    - {id: r, title: t, weight: 10, when: call, expect: {never_said: rude}, kind: prohibition, fatal: card,
       fatal_if: {ended_by: agent}}
    """
    pack = pack_of(tmp_path, body)
    assert finding(pack, "A 你烦不烦 / agent hangs up")["fatal_state"] == "pending"
    assert finding(pack, "A 你烦不烦 / customer hangs up")["fatal_state"] == "none"


def test_drafts_and_checklists_find_nothing(tmp_path: Path) -> None:
    body = """
    rules:
    - {id: r, title: t, weight: 10, when: call, expect: {said: hello}}
    - {id: d, title: t, weight: 10, status: draft, when: call, expect: {said: hello}}
    - {id: c, title: t, weight: 0, kind: checklist}
    """
    case, verdicts = judge_tables(tables_of([read_dialogue("A 您好", "p")]), pack_of(tmp_path, body))
    assert [row["rule_id"] for row in findings_table(case, verdicts).to_pylist()] == ["r"]
