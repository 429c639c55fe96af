"""What the owner of a rule reads of a dry run: changed verdicts first, everything escaped."""

from typing import Any

from qa_pipeline.review.changes import report_changes, to_html
from qa_pipeline.rules.changes import Changes, Flip


def row(call_id: str, before: str = "pass", after: str = "fail", quote: str = "再见") -> dict[str, Any]:
    told: dict[str, Any] = {"call_id": call_id, "leg": 1}
    for side, verdict in (("before", before), ("after", after)):
        evidence = [{"start_ms": 48_128, "quote": quote, "verdict": verdict, "similarity": None}]
        points = 20.0 if verdict == "pass" else 0.0
        told |= {f"verdict_{side}": verdict, f"evidence_{side}": evidence, f"points_{side}": points, f"reason_{side}": None}
    return told


def flips(*kinds: tuple[str, str, int]) -> Changes:
    """Of pack p, each (rule, change, count)."""
    return Changes(9, {("p", rule, change): Flip(count, (row("c1"),)) for rule, change, count in kinds})


def test_changed_verdicts_stand_before_those_that_only_rest_on_other_words() -> None:
    changes = flips(("closing", "evidence", 7), ("closing", "fail→pass", 1), ("closing", "pass→fail", 2))
    (rule,) = report_changes("run", changes, {}, 60.0).rules
    assert [(line.change, line.count) for line in rule.flips] == [("达标 → 未达标", 2), ("未达标 → 达标", 1), ("结论不变", 7)]


def test_rules_stand_by_how_many_verdicts_of_theirs_change() -> None:
    changes = flips(("closing", "evidence", 70), ("greeting", "pass→fail", 1), ("hold", "pass→na", 3))
    assert [rule.rule_id for rule in report_changes("run", changes, {}, 60.0).rules] == ["hold", "greeting", "closing"]


def test_words_of_a_call_are_shown_as_words_and_nothing_more() -> None:
    changes = Changes(1, {("p", "closing", "pass→fail"): Flip(1, (row("<i>c1</i>", quote="<script>再见</script>"),))})
    page = to_html(report_changes("run", changes, {}, 60.0))
    assert "&lt;script&gt;再见" in page and "&lt;i&gt;c1" in page
    assert "<script" not in page and "<i>" not in page
    assert "达标 0:48.1" in page and "20 分" in page
