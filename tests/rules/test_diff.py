"""Findings before and after: what is the same is silent, what is not is told with both sides."""

from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.dataset.schemas import SCHEMAS, coded
from qa_pipeline.rules.diff import diff_findings, diff_scores


def evidence(quote: str, start_ms: int = 0) -> dict[str, Any]:
    return {"verdict": "pass", "turn": 0, "start_ms": start_ms, "end_ms": start_ms + 9, "quote": quote}


def findings(*rows: dict[str, Any]) -> pa.Table:
    plain = {"call_id": "c", "leg": 1, "pack": "p", "rule_id": "r", "verdict": "fail", "evidence": []}
    return pa.Table.from_pylist([plain | row for row in rows], schema=SCHEMAS["findings"])


def told(before: pa.Table, after: pa.Table) -> list[tuple[str, str]]:
    return [(row["call_id"], row["change"]) for row in diff_findings(before, after).to_pylist()]


def test_a_flip_is_told_with_the_evidence_of_both_sides() -> None:
    before, after = findings({}), findings({"verdict": "pass", "evidence": [evidence("您好")]})
    (row,) = diff_findings(before, after).to_pylist()
    assert (row["change"], row["verdict_before"], row["verdict_after"]) == ("fail→pass", "fail", "pass")
    assert (row["evidence_before"], row["evidence_after"][0]["quote"]) == ([], "您好")


def test_the_same_verdict_on_other_evidence_is_no_flip_but_is_told() -> None:
    assert told(findings({"evidence": [evidence("您好")]}), findings({"evidence": [evidence("您好", 90)]})) == [
        ("c", "evidence")
    ]


def test_a_new_version_that_changes_nothing_is_silent() -> None:
    assert told(findings({"rule_version": "1"}), findings({"rule_version": "2"})) == []


def test_a_rule_that_is_new_or_gone_is_told_from_and_to_none() -> None:
    nothing = findings().slice(0, 0)
    assert told(nothing, findings({})) == [("c", "none→fail")]
    assert told(findings({}), nothing) == [("c", "fail→none")]


rows = st.dictionaries(
    st.tuples(st.sampled_from("abc"), st.integers(1, 2), st.sampled_from("xy")),
    st.tuples(st.sampled_from(["pass", "fail", "na"]), st.lists(st.sampled_from(["您好", "再见", None]), max_size=2)),
)


def made(told: dict[tuple[str, int, str], tuple[str, list[Any]]]) -> pa.Table:
    return findings(
        *(
            {"call_id": c, "leg": leg, "rule_id": r, "verdict": v, "evidence": [evidence(q) for q in quotes]}
            for (c, leg, r), (v, quotes) in told.items()
        )
    )


@given(rows, rows)
def test_exactly_the_findings_that_differ_are_told_in_the_order_of_keys(before: Any, after: Any) -> None:
    changed = diff_findings(made(before), made(after)).select(["call_id", "leg", "rule_id"]).to_pylist()
    expected = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    assert [tuple(row.values()) for row in changed] == expected


@given(rows, rows)
def test_coded_names_tell_the_same(before: Any, after: Any) -> None:
    plain = made(before), made(after)
    codes = (table.cast(coded(SCHEMAS["findings"])) for table in plain)
    assert diff_findings(*codes).to_pylist() == diff_findings(*plain).to_pylist()


def test_a_score_that_moves_is_told_and_one_that_stays_is_not() -> None:
    def scores(**percent: float) -> pa.Table:
        rows = [{"call_id": c, "leg": 1, "pack": "p", "percent": p, "points": p} for c, p in percent.items()]
        return pa.Table.from_pylist(rows, schema=SCHEMAS["scores"])

    changed = diff_scores(scores(a=50.0, b=60.0), scores(a=50.0, b=80.0)).to_pylist()
    assert [(r["call_id"], r["percent_before"], r["percent_after"]) for r in changed] == [("b", 60.0, 80.0)]
