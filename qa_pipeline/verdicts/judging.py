"""From stored transcripts to stored verdicts: what the night, an import and a rescore share. Touches no audio."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import pyarrow as pa

from qa_pipeline.dataset.history import keep_superseded
from qa_pipeline.dataset.ledger import Ledger
from qa_pipeline.dataset.lineage import transcript_versions
from qa_pipeline.dataset.parts import read_part
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, VERDICT_TABLES, Row, Rows
from qa_pipeline.dataset.schemas import SCHEMAS, coded
from qa_pipeline.dataset.store import Where
from qa_pipeline.dataset.tables import (
    Tables,
    in_blocks,
    of_calls,
    remove_calls,
    replace_calls,
    transcript_tables,
)
from qa_pipeline.errors import QaError
from qa_pipeline.rules.case import Case
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.judge import Verdicts, judge_tables, make_matcher
from qa_pipeline.rules.pack import RulePack
from qa_pipeline.rules.verdict_tables import findings_table, scores_table

BLOCK = 3000
"""Calls judged at once, at most: enough that columns pay, few enough that memory does not grow with a date's calls."""
CODED_FINDINGS = coded(SCHEMAS["findings"])
Failed = dict[str, str]
"""What went wrong with a call, by its id."""
Judged = tuple[dict[str, pa.Table], Failed]
Judge = Callable[[Tables], dict[str, pa.Table]]


@dataclass(frozen=True)
class Matchers:
    """Each pack's, made when it is first asked for, and kept. plans: the folder of what was compiled before."""

    plans: Path | None = None
    made: dict[str, Matcher] = field(default_factory=dict)

    def of(self, pack: RulePack) -> Matcher:
        """Raises PackError as `make_matcher` does."""
        if pack.id not in self.made:
            self.made[pack.id] = make_matcher(pack, self.plans)
        return self.made[pack.id]


def verdict_tables(
    tables: Tables, packs: Mapping[str, RulePack], matchers: Matchers | None = None, now: datetime | None = None
) -> dict[str, pa.Table]:
    """Findings and scores of the calls in tables calls, legs, turns and events. A leg is judged by the pack that it names.

    `matchers` are kept from one judging to the next: pass the same again. Raises QaError for a pack that is not there.
    """
    scored_at = now or datetime.now(UTC)
    findings, scores = [CODED_FINDINGS.empty_table()], [SCHEMAS["scores"].empty_table()]
    for block, case, verdicts in _judged(tables, packs, matchers or Matchers()):
        versions = transcript_versions(block).take(pa.array(case.corpus.call_of))
        findings.append(findings_table(case, verdicts))
        scores.append(scores_table(case, verdicts, versions, scored_at))
    return {"findings": pa.concat_tables(findings).cast(SCHEMAS["findings"]), "scores": pa.concat_tables(scores)}


def findings_alone(tables: Tables, packs: Mapping[str, RulePack], matchers: Matchers) -> dict[str, pa.Table]:
    """As `verdict_tables`, without scores; names are coded."""
    found = [findings_table(case, verdicts) for _, case, verdicts in _judged(tables, packs, matchers)]
    return {"findings": pa.concat_tables([CODED_FINDINGS.empty_table(), *found])}


def _judged(tables: Tables, packs: Mapping[str, RulePack], matchers: Matchers) -> Iterator[tuple[Tables, Case, list[Verdicts]]]:
    for name in sorted(set(tables["legs"]["pack"].unique().to_pylist())):
        if name not in packs:
            raise QaError(f"its pack {name!r} is not in rules/; there are {', '.join(sorted(packs)) or 'none'}")
        for block in in_blocks(tables, BLOCK):
            yield block, *judge_tables(block, packs[name], matchers.of(packs[name]))


def judge_apart(tables: Tables, judge: Judge) -> Judged:
    """What `judge` makes of the tables, but a call whose judging raises harms no other: they are judged in ever smaller
    halves."""
    ids = tables["calls"]["call_id"].to_pylist()
    try:
        return judge(tables), {}
    except Exception as problem:
        if len(ids) == 1:
            said = str(problem) if isinstance(problem, QaError) else f"{type(problem).__name__}: {problem}"
            return judge(_only(tables, ())), {ids[0]: said}
        if not ids:
            raise
    middle = len(ids) // 2
    first, second = (judge_apart(_only(tables, half), judge) for half in (ids[:middle], ids[middle:]))
    return {name: pa.concat_tables([first[0][name], second[0][name]]) for name in first[0]}, first[1] | second[1]


def _only(tables: Tables, call_ids: Collection[str]) -> dict[str, pa.Table]:
    return {name: of_calls(table, call_ids) for name, table in tables.items()}


def seal(dataset: Where, ledger: Ledger, packs: Mapping[str, RulePack], matchers: Matchers) -> Failed:
    """Finished transcripts into Parquet with their verdicts. A call that cannot be judged stays in the ledger, noted.

    A date's part is written once, however many transcripts wait; only its Arrow tables are ever in memory as a whole.
    """
    failed: Failed = {}

    def judge(some: Tables) -> dict[str, pa.Table]:
        return verdict_tables(some, packs, matchers)

    for day, chunks in groupby(ledger.pending(), key=itemgetter(0)):
        failed |= _seal_date(dataset, ledger, day, (kept for _, kept in chunks), lambda t: judge_apart(t, judge))
    return failed


def _seal_date(
    dataset: Where, ledger: Ledger, day: date, chunks: Iterable[dict[str, Rows]], judge: Callable[[Tables], Judged]
) -> Failed:
    parts: dict[str, list[pa.Table]] = {name: [SCHEMAS[name].empty_table()] for name in (*TRANSCRIPT_TABLES, *VERDICT_TABLES)}
    good, first_legs, failed = list[str](), list[Row](), Failed()
    for kept in chunks:
        rows: Rows = {table: [r for call in kept.values() for r in call[table]] for table in TRANSCRIPT_TABLES}
        tables = transcript_tables(rows)
        verdicts, wrong = judge(tables)
        judged = [call_id for call_id in kept if call_id not in wrong]
        for name, table in {**_only(tables, judged), **verdicts}.items():
            parts[name].append(table)
        good, failed = good + judged, failed | wrong
        first_legs += [leg for leg in rows["legs"] if leg["leg"] == 1]
    known = {call_id: before for call_id in good if (before := ledger.call_date(call_id))}
    moved = {call_id: before for call_id, before in known.items() if before != day}
    former = ledger.superseded(good)
    moved |= {call_id: before for call_id, before in former.items() if before != day}
    _to_history(dataset, known | former)
    for before in set(moved.values()):
        remove_calls(dataset, before, [c for c, d in moved.items() if d == before])
    if good:
        replace_calls(dataset, day, {name: pa.concat_tables(tables) for name, tables in parts.items()}, [*good, *former])
    ledger.sealed(day, good, first_legs)
    for call_id, said in failed.items():
        ledger.unjudged(call_id, said)
    return failed


def _to_history(dataset: Where, calls: Mapping[str, date]) -> None:
    """What these calls, each under its date, were given before."""
    run = f"sealed-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    for before in set(calls.values()):
        mine = [call_id for call_id, day in calls.items() if day == before]
        for table in VERDICT_TABLES:
            keep_superseded(dataset, table, before, run, read_part(dataset, table, before, calls=mine))
