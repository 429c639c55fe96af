"""Why one call got its verdicts: the same judge on a table of one call, told step by step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.errors import QaError
from qa_pipeline.rules.case import Case
from qa_pipeline.rules.explain import explain
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.judge import PASS, VERDICT_NAMES, Verdicts, judge_tables
from qa_pipeline.rules.language import Expression, PhraseChoice
from qa_pipeline.rules.occasions import find_spans
from qa_pipeline.rules.pack import Rule, RulePack
from qa_pipeline.rules.reader import nearest as nearest_name
from qa_pipeline.rules.verdict_tables import findings_table
from qa_pipeline.rules.windows import window


def call_tables(tables: Mapping[str, pa.Table], call_id: str) -> dict[str, pa.Table]:
    """Only that call's rows of the four transcript tables."""
    return {name: table.filter(pc.equal(table["call_id"], call_id)) for name, table in tables.items()}


def trace(
    tables: Mapping[str, pa.Table], pack: RulePack, leg: int, rule_id: str | None = None, matcher: Matcher | None = None
) -> Iterator[str]:
    """Lines of plain text: rule by rule, its verdict, what it asks, each occasion, and the nearest words of a miss."""
    case, verdicts = judge_tables(tables, pack, matcher)
    if rule_id is not None and rule_id not in {v.rule.id for v in verdicts}:
        raise QaError(f"pack {pack.id} judges no rule {rule_id!r}{nearest_name(rule_id, (v.rule.id for v in verdicts))}")
    rows = {(r["leg"], r["rule_id"]): r for r in findings_table(case, verdicts).to_pylist()}
    unit = case.corpus.legs["leg"].to_pylist().index(leg)
    for v in verdicts:
        if rule_id in (None, v.rule.id):
            yield from _rule(case, v, unit, rows[leg, v.rule.id], in_full=rule_id is not None)


def _rule(case: Case, v: Verdicts, unit: int, row: Mapping[str, object], in_full: bool) -> Iterator[str]:
    yield f"{VERDICT_NAMES[v.verdict[unit]]:6} {v.rule.id}  {v.rule.title}".rstrip()
    if row["reason"]:
        yield f"       reason: {row['reason']}"
    if in_full:
        yield from (f"       {line}" for line in explain(v.rule, case.pack).splitlines()[1:])
    evidence: Sequence[Mapping[str, object]] = row["evidence"]  # type: ignore[assignment]
    for e in evidence:
        rung = f" ({e['rung']})" if e["rung"] else ""
        words = f"“{e['quote']}”{rung}" if e["quote"] else "no words"
        yield f"       {e['verdict']}: {_seconds(e['start_ms'])}-{_seconds(e['end_ms'])} s {words}"
    if v.verdict[unit] != PASS and in_full:
        yield from _near_misses(case, v.rule, unit)


def _near_misses(case: Case, rule: Rule, unit: int) -> Iterator[str]:
    """For each phrase that was looked for, the words in its window that come nearest."""
    assert rule.when is not None
    occasion, _ = find_spans(case, rule.when)
    mine = occasion.take(occasion.unit == unit)
    for said in _sayings(case.pack, rule.expect):
        w = window(case, mine, said.args)
        turns = case.turns_of(said.get("by", "agent"), said.get("to"))
        lo, hi = w.rows_of(turns, turns)
        searched = sorted({int(t) for a, b in zip(lo, hi, strict=True) for t in turns.item[a:b]})
        choice: PhraseChoice = said["said"]
        for name in choice.names:
            phrase = case.pack.phrases[name]
            found = [(*phrase.nearest(case.corpus.turns.texts[t].as_py()), t) for t in searched]
            if found:
                similarity, words, turn = max(found)
                yield f"       nearest to {name}: “{words}” ({similarity:.2f}) at {_seconds(case.corpus.turns.start[turn])} s"
            else:
                yield f"       nothing was said where {name} was expected"


def _sayings(pack: RulePack, e: Expression | None) -> Iterator[Expression]:
    """What has to be said at the rule's own occasion; what is asked of other spans has other windows."""
    if e is None:
        return
    if e.op == "said":
        yield e
    elif e.op == "condition":
        yield from _sayings(pack, pack.conditions[e["condition"]])
    else:
        parts = (part for key in ("all", "any", "must", "of") for part in e.get(key, ()))
        yield from (said for part in parts for said in _sayings(pack, part))


def _seconds(ms: object) -> str:
    return f"{int(ms) / 1000:.1f}"  # type: ignore[call-overload]
