"""Cards out of rows: counts, percentages, and what may be shown as a miss."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.model import Verdict
from qa_pipeline.review.scorecard import RuleTitle, Scorecard, make_scorecards
from tests.review.rows import MISS, evidence, finding, score

VERDICTS = st.sampled_from([str(v) for v in Verdict])
FINDINGS = st.lists(
    st.builds(
        lambda verdict, occasions, call, rule, agent: finding(
            verdict, *(evidence(v, "您好") for v in occasions), call=call, rule=rule, agent=agent
        ),
        VERDICTS,
        st.lists(VERDICTS, max_size=3),
        st.sampled_from(["c1", "c2", "c3"]),
        st.sampled_from(["r1", "r2"]),
        st.sampled_from(["a1", "a2", None]),
    )
)


def cards_of(findings: list[Any]) -> list[Scorecard]:
    return make_scorecards([score(0, 0, agent=f["agent_id"], call=f["call_id"]) for f in findings], findings, {})


@given(FINDINGS)
def test_every_finding_is_counted_once_and_shown_once(findings: list[Any]) -> None:
    cards = cards_of(findings)
    assert sum(c.passed + c.failed + c.unsure + c.na for c in cards) == len(findings)
    for card in cards:
        for told in ("passed", "failed", "unsure", "na"):
            assert getattr(card, told) == sum(getattr(rule, told) for rule in card.rules)
        for rule in card.rules:
            shown = [f.verdict for f in rule.findings]
            expected = {Verdict.PASS: rule.passed, Verdict.FAIL: rule.failed, Verdict.UNSURE: rule.unsure, Verdict.NA: rule.na}
            assert {v: shown.count(v) for v in Verdict} == expected


@given(FINDINGS)
def test_no_occasion_is_shown_as_failed_unless_its_rule_failed(findings: list[Any]) -> None:
    judged = [f for card in cards_of(findings) for rule in card.rules for f in rule.findings]
    assert not [f for f in judged if f.verdict is not Verdict.FAIL and any(p.verdict is Verdict.FAIL for p in f.proofs)]


def test_a_period_weighs_calls_by_what_applied() -> None:
    (card,) = make_scorecards([score(50, 100), score(20, 20, "c2")], [], {})
    assert card.percent == pytest.approx(100 * 70 / 120)
    assert [(c.call_id, c.percent) for c in card.calls] == [("c1", 50.0), ("c2", None)]


def test_too_little_has_no_percent() -> None:
    (card,) = make_scorecards([score(0, 20)], [], {})
    assert card.percent is None


def test_deductions_do_not_go_below_nothing() -> None:
    (card,) = make_scorecards([score(-30, 100)], [], {})
    assert card.percent == 0


def test_two_legs_of_one_call_are_one_call() -> None:
    (card,) = make_scorecards([score(50, 50), score(50, 50, leg=2)], [], {})
    assert card.n_calls == 1
    assert len(card.calls) == 2


def test_the_lowest_comes_first_and_nobody_last() -> None:
    scores = [score(0, 100, agent=None), score(90, 100, agent="a"), score(10, 100, agent="b"), score(0, 0, agent="c")]
    assert [c.agent_id for c in make_scorecards(scores, [], {})] == ["b", "a", "c", "未知"]


def test_rules_stand_in_the_packs_order_and_coaching_in_the_order_of_loss() -> None:
    titles = {("p", rule): RuleTitle(rule.upper(), "练") for rule in ("z", "y", "x")}
    findings = [
        finding("fail", rule="x"),
        finding("fail", rule="x", call="c2"),
        finding("fail", rule="z"),
        finding("pass", rule="y"),
    ]
    (card,) = make_scorecards([score(50, 200)], findings, titles)
    assert [rule.title for rule in card.rules] == ["Z", "Y", "X"]
    assert [rule.title for rule in card.to_coach] == ["X", "Z"]


def test_the_nearest_words_of_a_miss_are_not_its_quote() -> None:
    (card,) = make_scorecards([score(0, 50)], [finding("fail", evidence("fail", "有问题", **MISS))], {})
    (proof,) = card.rules[0].findings[0].proofs
    assert (proof.quote, proof.nearest) == ("", "有问题")


def test_words_that_are_not_even_near_are_left_out() -> None:
    (card,) = make_scorecards([score(0, 50)], [finding("fail", evidence("fail", "的", rung=None, similarity=0.3))], {})
    (proof,) = card.rules[0].findings[0].proofs
    assert (proof.quote, proof.nearest) == ("", "")


def test_forbidden_words_are_quoted() -> None:
    (card,) = make_scorecards([score(0, 50)], [finding("fail", evidence("fail", "随便你投诉"))], {})
    assert card.rules[0].findings[0].proofs[0].quote == "随便你投诉"


def test_a_card_has_its_agents_name_where_one_is_known() -> None:
    scores = [score(50, 100, agent="6001"), score(20, 100, agent="6002"), score(20, 100, agent=None)]
    cards = make_scorecards(scores, [], {}, {"6001": "张敏"})
    assert {c.agent_id: c.who for c in cards} == {"6001": "张敏 6001", "6002": "6002", "未知": "未知"}
