"""One date's calls judged again: only the rules whose meaning changed, with both sides kept to compare. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.dataset.lineage import transcript_versions
from qa_pipeline.dataset.parts import read_part
from qa_pipeline.dataset.people import Mark, after_judging
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.dataset.store import Where
from qa_pipeline.dataset.tables import PRUNED, of_calls, read_transcripts
from qa_pipeline.judging import Failed, findings_alone, judge_apart
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.pack import RulePack, narrowed
from qa_pipeline.rules.scoring import Units, score_findings, with_people


@dataclass(frozen=True)
class Choice:
    """Which stored calls (`ids`: by themselves) and rules; empty: all. A call is chosen with all its legs when one leg is."""

    since: date | None = None
    until: date | None = None
    packs: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def covers(self, day: date) -> bool:
        """`until` is the last date."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def calls(self, legs: pa.Table) -> pa.Table:
        """The legs of calls that have a chosen leg."""
        chosen = pa.array([True] * len(legs), pa.bool_())
        wanted = ((self.packs, "pack"), (self.agents, "agent_id"), (self.teams, "team"), (self.ids, "call_id"))
        for names, column in wanted:
            if names:
                chosen = pc.and_(chosen, pc.is_in(legs[column], value_set=pa.array(names, pa.string())))
        return of_calls(legs, legs.filter(chosen)["call_id"].unique().to_pylist())


@dataclass(frozen=True)
class Judges:
    """The packs to judge by, and what people marked. Matchers are made once for the rules that are asked for."""

    packs: Mapping[str, RulePack]
    marks: tuple[Mark, ...]
    scored_at: datetime
    matchers: dict[tuple[str, frozenset[str]], dict[str, Matcher]] = field(default_factory=dict)

    def matcher_of(self, pack: str, rules: frozenset[str]) -> dict[str, Matcher]:
        return self.matchers.setdefault((pack, rules), {})


@dataclass(frozen=True)
class Rejudged:
    """Findings of the rules that were judged again, and all scores of the chosen calls, on both sides.

    kept: findings of the chosen calls that no rule's change touches. marks: as they stand beside the findings now. failed:
    calls that keep what they had.
    """

    day: date
    findings_before: pa.Table
    findings_after: pa.Table
    kept: pa.Table
    scores_before: pa.Table
    scores_after: pa.Table
    marks: tuple[Mark, ...]
    failed: Failed

    @property
    def changes(self) -> bool:
        """Whether anything has to be written."""
        return bool(len(self.findings_before) or len(self.findings_after)) or not _same_scores(
            self.scores_before, self.scores_after
        )


def _same_scores(before: pa.Table, after: pa.Table) -> bool:
    names = [name for name in SCHEMAS["scores"].names if name != "scored_at"]
    keys = [("call_id", "ascending"), ("leg", "ascending"), ("pack", "ascending")]
    return bool(before.select(names).sort_by(keys).equals(after.select(names).sort_by(keys)))


def rejudge(dataset: Where, day: date, choice: Choice, judges: Judges) -> Rejudged:
    """By the stored findings' versions it is known which rules mean something else now; the transcripts are read for those."""
    legs = choice.calls(read_legs(dataset, day))
    calls = legs["call_id"].unique().to_pylist()
    scores, findings = (of_calls(read_part(dataset, table, day), calls) for table in ("scores", "findings"))
    stored = _Transcripts(dataset, day, calls)
    before, kept, after, failed = [findings.slice(0, 0)], [findings.slice(0, 0)], [findings.slice(0, 0)], Failed()
    for name in sorted(set(legs["pack"].to_pylist())):
        mine, units = _of_pack(findings, name), _of_pack(legs, name)
        if name not in judges.packs:
            gone = f"its pack {name!r} is not in rules/; there are {', '.join(sorted(judges.packs)) or 'none'}"
            failed |= dict.fromkeys(units["call_id"].to_pylist(), gone)
            kept.append(mine)
            continue
        pack = judges.packs[name]
        stale = changed_rules(mine, pack, len(units), choice.rules)
        touched = pc.is_in(mine["rule_id"], value_set=pa.array(sorted(stale), pa.string()))
        before.append(mine.filter(touched))
        kept.append(mine.filter(pc.invert(touched)))
        if asked := stale & {rule.id for rule in pack.rules if rule.judged}:
            new, wrong = _judged(stored.tables, pack, frozenset(asked), judges)
            after.append(new)
            failed |= wrong
    good = [call for call in calls if call not in failed]
    old, same, new = (of_calls(pa.concat_tables(rows), good) for rows in (before, kept, after))
    marks = settled_marks(judges.marks, [same, new], good)
    marked = {mark.key: mark.verdict for mark in marks if mark.counts}
    same, new = (with_people(rows, marked) for rows in (same, new))
    now, versioned = pa.concat_tables([same, new]), stored.with_versions(of_calls(legs, good))
    again = [
        score_findings(_of_pack(now, name), Units(_of_pack(versioned, name)), judges.packs[name], judges.scored_at, marked)
        for name in sorted(set(versioned["pack"].to_pylist()))
    ]
    scored = of_calls(scores, good)
    return Rejudged(day, old, new, same, scored, pa.concat_tables([scored.slice(0, 0), *again]), marks, failed)


def read_legs(dataset: Where, day: date) -> pa.Table:
    """Every leg whose words are kept, with agent, team and pack, and the transcript's version at its last scoring, if any."""
    legs = read_part(dataset, "legs", day, ["call_id", "leg", "agent_id", "pack"])
    calls = read_part(dataset, "calls", day, ["call_id", "team", "started_at", "flags"])
    calls = calls.filter(pa.array([PRUNED not in (told or ()) for told in calls["flags"].to_pylist()], pa.bool_()))
    legs = of_calls(legs, calls["call_id"].to_pylist())
    at = pc.index_in(legs["call_id"], value_set=calls["call_id"].combine_chunks())
    legs = legs.append_column("team", calls["team"].take(at)).append_column("started_at", calls["started_at"].take(at))
    scores = read_part(dataset, "scores", day, ["call_id", "leg", "pack", "transcript_version"])
    joined = legs.join(scores, ["call_id", "leg", "pack"], join_type="left outer", use_threads=False)
    return joined.sort_by([("call_id", "ascending"), ("leg", "ascending")])


class _Transcripts:
    """The chosen calls' transcripts, read when first asked for: where no rule means anything new they need not be."""

    def __init__(self, dataset: Where, day: date, calls: Collection[str]) -> None:
        self.dataset, self.day, self.chosen = dataset, day, calls

    @cached_property
    def tables(self) -> dict[str, pa.Table]:
        return {name: of_calls(rows, self.chosen) for name, rows in read_transcripts(self.dataset, self.day).items()}

    def with_versions(self, legs: pa.Table) -> pa.Table:
        """The legs, each with its transcript's version, also where it was never scored."""
        if not legs["transcript_version"].null_count:
            return legs
        ids = self.tables["calls"].sort_by("call_id")["call_id"].combine_chunks()
        found = transcript_versions(self.tables).take(pc.index_in(legs["call_id"], value_set=ids))
        at = legs.schema.get_field_index("transcript_version")
        return legs.set_column(at, "transcript_version", pc.coalesce(legs["transcript_version"], found))


def settled_marks(marks: Iterable[Mark], findings: Sequence[pa.Table], calls: Collection[str]) -> tuple[Mark, ...]:
    """The marks on these calls, beside their findings."""
    mine = [mark for mark in marks if mark.call_id in set(calls)]
    if not mine:
        return ()
    marked = sorted({mark.call_id for mark in mine})
    rows = [row for table in findings for row in of_calls(table, marked).to_pylist()]
    by_key = {(row["call_id"], row["leg"], row["pack"], row["rule_id"]): row for row in rows}
    return tuple(after_judging(mark, by_key.get(mark.key)) for mark in mine)


def changed_rules(findings: pa.Table, pack: RulePack, legs: int, only: Collection[str] = ()) -> set[str]:
    """Rules that mean something else than what these findings were judged by, that are new, or that are gone.

    `findings` of one pack on `legs` legs. A rule is unchanged when every leg has a finding of its present version.
    """
    counted = findings.group_by(["rule_id", "rule_version"]).aggregate([([], "count_all")])
    stored = {(r["rule_id"], r["rule_version"]): r["count_all"] for r in counted.to_pylist()}
    judged = {rule.id: rule.version for rule in pack.rules if rule.judged}
    stale = {name for name, version in judged.items() if stored.get((name, version)) != legs}
    stale |= {name for name, _ in stored if name not in judged}
    stale |= {name for name, version in stored if judged.get(name) not in (None, version)}
    return stale & set(only) if only else stale


def _judged(tables: Mapping[str, pa.Table], pack: RulePack, rules: frozenset[str], judges: Judges) -> tuple[pa.Table, Failed]:
    """Findings of these rules on the legs of this pack; a leg of another pack is not looked at."""
    legs = tables["legs"].filter(pc.equal(tables["legs"]["pack"], pack.id))
    some = {name: of_calls(rows, legs["call_id"].unique().to_pylist()) for name, rows in tables.items()} | {"legs": legs}
    packs = {pack.id: narrowed(pack, rules)}
    matchers = judges.matcher_of(pack.id, rules)
    verdicts, wrong = judge_apart(some, lambda tables: findings_alone(tables, packs, matchers))
    return verdicts["findings"], wrong


def _of_pack(rows: pa.Table, pack: str) -> pa.Table:
    return rows.filter(pc.equal(rows["pack"], pack))
