"""What is said in other words is heard, and what only sounds alike is left alone: one turn in a small call."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from qa_pipeline import shipped
from qa_pipeline.rules.examples import read_dialogue, tables_of
from qa_pipeline.rules.judge import judge_tables
from qa_pipeline.rules.pack import load_packs
from qa_pipeline.rules.verdict_tables import findings_table

ROWS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "turns.yaml").read_text("utf-8"))


def turns(pack: str) -> list[tuple[dict[str, Any], str, str]]:
    """Row, `hear` or `leave`, and the words."""
    return [(row, kind, said) for row in ROWS if row["pack"] == pack for kind in ("hear", "leave") for said in row[kind]]


@cache
def verdicts(pack: str) -> list[str]:
    """The verdict of each turn's rule, all of a pack's small calls judged at once."""
    calls = [read_dialogue(row["call"].replace("{}", said), pack, f"{i:05}") for i, (row, _, said) in enumerate(turns(pack))]
    case, judged = judge_tables(tables_of(calls), load_packs(shipped.packs())[pack])
    found = {(row["call_id"], row["rule_id"]): row["verdict"] for row in findings_table(case, judged).to_pylist()}
    return [found.get((f"{i:05}", row["rule"]), "na") for i, (row, _, _) in enumerate(turns(pack))]


@pytest.mark.parametrize("pack", sorted({row["pack"] for row in ROWS}))
def test_each_turn_is_taken_for_what_it_is(pack: str) -> None:
    wrong = [
        f"{row['about']}: {said} ({'not heard' if kind == 'hear' else 'wrongly heard'}: {verdict})"
        for (row, kind, said), verdict in zip(turns(pack), verdicts(pack), strict=True)
        if row["heard" if kind == "hear" else "else"] != ("na" if verdict == "unsure" else verdict)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_there_are_turns_to_leave_alone_wherever_there_are_turns_to_hear() -> None:
    assert len(ROWS) >= 50
    assert sum(bool(row["leave"]) for row in ROWS) >= 0.95 * len(ROWS)
    assert all(row["heard"] != row["else"] and "{}" in row["call"] for row in ROWS)
