"""`qa why` and the bulk judge say the same of every call: verdict, reason, spans, quotes and rungs."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml

from qa_pipeline import shipped
from qa_pipeline.config import Config
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.errors import QaError
from qa_pipeline.exchange.import_form import transcript_of
from qa_pipeline.rules.examples import read_dialogue, tables_of
from qa_pipeline.rules.judge import make_matcher
from qa_pipeline.rules.pack import RulePack, load_packs
from qa_pipeline.rules.trace import call_tables, trace
from qa_pipeline.verdicts.judging import verdict_tables
from tests.benchmarks.scripts import SCRIPTS, imported
from tests.rules.judging import rule_of

PACKS = load_packs(shipped.packs())
Rows = list[dict[str, Any]]


@cache
def matcher(pack: str) -> Any:
    return make_matcher(PACKS[pack])


def seconds(ms: int) -> str:
    return f"{ms / 1000:.1f}"


def told(findings: Rows, pack: RulePack) -> list[str]:
    """What `qa why` has to print of stored findings, in the order of the pack's rules."""
    lines = []
    for rule in pack.rules:
        for f in [f for f in findings if f["rule_id"] == rule.id]:
            lines.append(f"{f['verdict']:6} {rule.id}  {rule.title}")
            lines += [f"       reason: {f['reason']}"] if f["reason"] else []
            for e in f["evidence"]:
                words = f"“{e['quote']}”" + (f" ({e['rung']})" if e["rung"] else "") if e["quote"] else "no words"
                lines.append(f"       {e['verdict']}: {seconds(e['start_ms'])}-{seconds(e['end_ms'])} s {words}")
    return lines


def legs_with_findings(tables: Mapping[str, pa.Table], findings: pa.Table) -> Iterator[tuple[dict[str, Any], Rows]]:
    for leg in tables["legs"].to_pylist():
        mine = pc.and_(pc.equal(findings["call_id"], leg["call_id"]), pc.equal(findings["leg"], leg["leg"]))
        yield leg, findings.filter(mine).to_pylist()


def disagreements(tables: Mapping[str, pa.Table], findings: pa.Table) -> tuple[int, list[str]]:
    """How many findings were looked at, and the calls of which `qa why` tells otherwise."""
    looked, wrong = 0, []
    for leg, stored in legs_with_findings(tables, findings):
        looked += len(stored)
        pack = PACKS[leg["pack"]]
        one = trace(call_tables(tables, leg["call_id"]), pack, leg["leg"], matcher=matcher(pack.id))
        if list(one) != told(stored, pack):
            wrong.append(leg["call_id"])
    return looked, wrong


def test_on_every_stored_call_of_the_demo_they_agree(demo_project: Path) -> None:
    tables = {name: read_table(demo_project / "dataset", name) for name in TRANSCRIPT_TABLES}
    looked, wrong = disagreements(tables, read_table(demo_project / "dataset", "findings"))
    assert looked >= 125
    assert wrong == []


def test_on_every_scripted_call_of_the_five_packs_they_agree() -> None:
    scripts = [yaml.safe_load(p.read_text("utf-8")) for p in sorted(SCRIPTS.glob("*.yaml"))]
    tables = tables_of(transcript_of(imported(script), Config(Path()), PACKS) for script in scripts)
    looked, wrong = disagreements(tables, verdict_tables(tables, PACKS)["findings"])
    assert looked > 400
    assert wrong == []


def why(pack: RulePack, dialogue: str) -> str:
    return "\n".join(trace(tables_of([read_dialogue(dialogue, pack.id)]), pack, 1, "r"))


def test_a_miss_shows_the_nearest_words_of_its_window(tmp_path: Path) -> None:
    pack = rule_of(tmp_path, "first_utterance", "{said: more}")
    text = why(pack, "A 您好还有其他的要说 / C 还有其他问题吗")
    assert text.startswith("fail")
    assert "nearest to more: “您好还有其他” (0.62)" in text
    assert "at 0.4 s" in text


def test_a_hit_needs_no_nearest_words(tmp_path: Path) -> None:
    pack = rule_of(tmp_path, "first_utterance", "{said: more}")
    text = why(pack, "A 还有其他问题吗")
    assert text.startswith("pass") and "“还有其他问题吗” (exact)" in text
    assert "nearest" not in text


def test_a_window_without_words_says_so(tmp_path: Path) -> None:
    pack = rule_of(tmp_path, "{phrase: bye, by: customer}", "{said: more, next_turns: 1}")
    assert "nothing was said where more was expected" in why(pack, "A 您好 / C 再见")


def test_what_is_asked_of_other_spans_is_not_looked_for_at_the_occasion(tmp_path: Path) -> None:
    expect = "{all: [{said: more}, {occurs: {turns: agent, if: {said: sorry}}}]}"
    text = why(rule_of(tmp_path, "call", expect), "A 您好 / C 喂")
    assert "nearest to more" in text
    assert "nearest to sorry" not in text


def test_one_rule_is_told_in_full_with_its_meaning(tmp_path: Path) -> None:
    assert "要求：坐席说“hello”" in why(rule_of(tmp_path, "call", "{said: hello}"), "A 喂")


def test_an_unknown_rule_is_answered_with_the_nearest(tmp_path: Path) -> None:
    pack = rule_of(tmp_path, "call", "{said: hello}")
    with pytest.raises(QaError, match="judges no rule 'rr'"):
        list(trace(tables_of([read_dialogue("A 喂", "p")]), pack, 1, "rr"))
