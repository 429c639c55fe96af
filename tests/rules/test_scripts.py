"""Whole scripted calls are judged as a person who knows the clauses expects; what a call is about is heard in its words."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from qa_pipeline import shipped
from qa_pipeline.config import Config
from qa_pipeline.exchange.import_form import transcript_of
from qa_pipeline.rules.examples import tables_of
from qa_pipeline.rules.pack import load_packs
from qa_pipeline.verdicts.judging import verdict_tables
from tests.benchmarks.scripts import imported

SAMPLES = Path(__file__).parents[2] / "data/samples"
PACKS = load_packs(shipped.packs())


def scripts(folder: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text("utf-8")) for path in sorted((SAMPLES / folder).glob("*.yaml"))]


@pytest.mark.parametrize("folder", ["scripts", "scripts-more"])
def test_at_least_99_of_100_verdicts_are_as_expected_and_few_are_unsure(folder: str) -> None:
    told = scripts(folder)
    assert told
    tables = tables_of(transcript_of(imported(script), Config(Path()), PACKS) for script in told)
    rows = verdict_tables(tables, PACKS)["findings"].to_pylist()
    found = {(row["call_id"], row["rule_id"]): row["verdict"] for row in rows if row["leg"] == 1}
    pairs = [
        (found.get((s["id"], rule), "missing"), wanted, s["id"], rule) for s in told for rule, wanted in s["expected"].items()
    ]
    wrong = [pair for pair in pairs if pair[1] != ("na" if pair[0] == "unsure" else pair[0])]
    assert len(wrong) <= 0.01 * len(pairs), wrong
    assert sum(pair[0] == "unsure" for pair in pairs) <= 0.03 * len(pairs)
