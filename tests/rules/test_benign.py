"""Good calls, and innocent ones that come near a breach: no live rule fails on any of them."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from qa_pipeline import shipped
from qa_pipeline.rules.examples import read_dialogue, tables_of
from qa_pipeline.rules.pack import load_packs
from qa_pipeline.verdicts.judging import verdict_tables

CALLS = yaml.safe_load((Path(__file__).parent / "benign.yaml").read_text("utf-8"))
TRADES = ["property", "salon", "farm-cs", "duty-desk", "hotel"]
NUMBERED = [(trade, i) for trade, calls in CALLS.items() for i in range(len(calls))]


@cache
def findings() -> dict[str, list[dict[str, Any]]]:
    """By call; all calls of all trades judged at once."""
    packs = load_packs(shipped.packs())
    tables = tables_of(read_dialogue(CALLS[trade][i]["call"], trade, f"{trade} {i}") for trade, i in NUMBERED)
    live = {rule.id for pack in packs.values() for rule in pack.rules if rule.status == "live"}
    found: dict[str, list[dict[str, Any]]] = {}
    for row in verdict_tables(tables, packs)["findings"].to_pylist():
        if row["rule_id"] in live:
            found.setdefault(row["call_id"], []).append(row)
    return found


def test_there_are_enough_calls_of_every_trade() -> None:
    assert list(CALLS) == TRADES
    assert all(len(calls) >= 8 for calls in CALLS.values()) and len(NUMBERED) >= 40
    assert all(set(one) == {"near", "call"} for calls in CALLS.values() for one in calls)


@pytest.mark.parametrize(("trade", "i"), NUMBERED, ids=[f"{trade}-{i}" for trade, i in NUMBERED])
def test_no_live_rule_fails_on_a_good_call(trade: str, i: int) -> None:
    rows = findings()[f"{trade} {i}"]
    assert [f"{row['rule_id']} {row['reason']}" for row in rows if row["verdict"] == "fail"] == []


@pytest.mark.parametrize("trade", TRADES)
def test_the_calls_are_judged_and_not_merely_passed_over(trade: str) -> None:
    rows = [row for call, found in findings().items() if call.startswith(f"{trade} ") for row in found]
    passed = {row["rule_id"] for row in rows if row["verdict"] == "pass"}
    unsure = [row for row in rows if row["verdict"] == "unsure"]
    assert len(passed) >= len({row["rule_id"] for row in rows}) / 2
    assert len(unsure) <= len(rows) * 0.05
