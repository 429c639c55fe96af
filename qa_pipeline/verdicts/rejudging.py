"""One date's calls judged again: only the rules whose meaning changed, with both sides kept to compare. Writes nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.dataset.lineage import transcript_versions
from qa_pipeline.dataset.names import among
from qa_pipeline.dataset.parts import read_as, read_part
from qa_pipeline.dataset.people import Mark, after_judging
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.dataset.store import Where
from qa_pipeline.dataset.tables import PRUNED, of_calls, transcript_blocks
from qa_pipeline.rules.pack import RulePack, narrowed
from qa_pipeline.rules.scoring import Units, score_findings, with_people
from qa_pipeline.verdicts.choice import Choice
from qa_pipeline.verdicts.judging import BLOCK, CODED_FINDINGS, Failed, Matchers, findings_alone, judge_apart

_VERSIONS = pa.schema([("call_id", pa.string()), ("version", pa.string())])


@dataclass(frozen=True)
class Judges:
    """The packs to judge by, and what people marked. For the rules that are asked for, packs are narrowed once.

    plans: the folder of what was compiled before.
    """

    packs: Mapping[str, RulePack]
    marks: tuple[Mark, ...]
    scored_at: datetime
    plans: Path | None = None
    _made: dict[tuple[str, frozenset[str]], tuple[dict[str, RulePack], Matchers]] = field(default_factory=dict)

    def asked(self, pack: RulePack, rules: frozenset[str]) -> tuple[dict[str, RulePack], Matchers]:
        """The pack of these rules alone, by its name, and its matcher. Raises PackError as `make_matcher` does."""
        if (pack.id, rules) not in self._made:
            self._made[pack.id, rules] = {pack.id: narrowed(pack, rules)}, Matchers(self.plans)
        return self._made[pack.id, rules]


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


@dataclass(frozen=True)
class _Sorted:
    """The stored findings of one pack: those whose rule means something else now, and all others. asked: rules to judge."""

    before: pa.Table
    kept: pa.Table
    asked: frozenset[str] = frozenset()


def rejudge(dataset: Where, day: date, choice: Choice, judges: Judges) -> Rejudged:
    """By the stored findings' versions it is known which rules mean something else now; the transcripts are read for those.

    That is done a block of calls at a time: what grows with the date is its findings and scores alone.
    """
    legs = choice.calls(read_legs(dataset, day))
    calls = legs["call_id"].unique().to_pylist()
    scores = of_calls(read_part(dataset, "scores", day), calls)
    findings = of_calls(read_as(CODED_FINDINGS, dataset, "findings", day), calls)
    parts, failed = dict[str, _Sorted](), Failed()
    for name in sorted(set(legs["pack"].to_pylist())):
        units = _of_pack(legs, name)
        parts[name] = _sort_out(_of_pack(findings, name), judges.packs.get(name), len(units), choice.rules)
        if name not in judges.packs:
            gone = f"its pack {name!r} is not in rules/; there are {', '.join(sorted(judges.packs)) or 'none'}"
            failed |= dict.fromkeys(units["call_id"].to_pylist(), gone)
    after, versions, wrong = _judge(dataset, day, legs, {name: part.asked for name, part in parts.items()}, judges)
    failed |= wrong
    good = [call for call in calls if call not in failed]
    none = findings.slice(0, 0)
    sides = ([part.before for part in parts.values()], [part.kept for part in parts.values()], [after])
    old, same, new = (_not_failed(pa.concat_tables([none, *rows]), failed) for rows in sides)
    marks = settled_marks(judges.marks, [same, new], good)
    marked = {mark.key: mark.verdict for mark in marks if mark.counts}
    same, new = (with_people(rows, marked) for rows in (same, new))
    now, versioned = pa.concat_tables([same, new]), _not_failed(_with_versions(legs, versions), failed)
    again = [
        score_findings(_of_pack(now, name), Units(_of_pack(versioned, name)), judges.packs[name], judges.scored_at, marked)
        for name in sorted(set(versioned["pack"].to_pylist()))
    ]
    scored = _not_failed(scores, failed)
    return Rejudged(day, old, new, same, scored, pa.concat_tables([scored.slice(0, 0), *again]), marks, failed)


def _not_failed(rows: pa.Table, failed: Failed) -> pa.Table:
    return of_calls(rows, failed, others=True)


def _sort_out(findings: pa.Table, pack: RulePack | None, legs: int, only: Collection[str]) -> _Sorted:
    """`findings` of one pack on `legs` legs. Those of a pack that is not there stay."""
    if pack is None:
        return _Sorted(findings.slice(0, 0), findings)
    stale = changed_rules(findings, pack, legs, only)
    asked = frozenset(stale & {rule.id for rule in pack.rules if rule.judged})
    touched = among(findings["rule_id"], pa.array(sorted(stale), pa.string()))
    if pc.all(touched).as_py():
        return _Sorted(findings, findings.slice(0, 0), asked)
    return _Sorted(findings.filter(touched), findings.filter(pc.invert(touched)), asked)


def _judge(
    dataset: Where, day: date, legs: pa.Table, asked: Mapping[str, frozenset[str]], judges: Judges
) -> tuple[pa.Table, pa.Table, Failed]:
    """Findings of the rules that are asked for, by pack, and (call_id, version) of each transcript that had to be read.

    Where no rule means anything new and every version is known, none is.
    """
    found, versions, failed = [CODED_FINDINGS.empty_table()], [_VERSIONS.empty_table()], Failed()
    unversioned = bool(legs["transcript_version"].null_count)
    if not unversioned and not any(asked.values()):
        return found[0], versions[0], failed
    calls = sorted(set(legs["call_id"].to_pylist()))
    for block in transcript_blocks(dataset, day, calls, BLOCK):
        if unversioned:
            ids = block["calls"].sort_by("call_id")["call_id"].combine_chunks()
            versions.append(pa.table([ids, transcript_versions(block)], schema=_VERSIONS))
        for name, rules in asked.items():
            if rules:
                new, wrong = _judged(block, judges.packs[name], rules, judges)
                found.append(new)
                failed |= wrong
    return pa.concat_tables(found), pa.concat_tables(versions), failed


def _with_versions(legs: pa.Table, versions: pa.Table) -> pa.Table:
    """The legs, each with its transcript's version, also where it was never scored."""
    if not len(versions):
        return legs
    found = versions["version"].take(pc.index_in(legs["call_id"], value_set=versions["call_id"].combine_chunks()))
    at = legs.schema.get_field_index("transcript_version")
    return legs.set_column(at, "transcript_version", pc.coalesce(legs["transcript_version"], found))


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
    names = ["rule_id", "rule_version"]
    counted = findings.select(names).unify_dictionaries().group_by(names, use_threads=False).aggregate([([], "count_all")])
    stored = {(r["rule_id"], r["rule_version"]): r["count_all"] for r in counted.to_pylist()}
    judged = {rule.id: rule.version for rule in pack.rules if rule.judged}
    stale = {name for name, version in judged.items() if stored.get((name, version)) != legs}
    stale |= {name for name, _ in stored if name not in judged}
    stale |= {name for name, version in stored if judged.get(name) not in (None, version)}
    return stale & set(only) if only else stale


def _judged(tables: Mapping[str, pa.Table], pack: RulePack, rules: frozenset[str], judges: Judges) -> tuple[pa.Table, Failed]:
    """Findings of these rules on the legs of this pack; a leg of another pack is not looked at."""
    legs, some = _of_pack(tables["legs"], pack.id), tables
    if len(legs) < len(tables["legs"]):
        some = {name: of_calls(rows, legs["call_id"].unique().to_pylist()) for name, rows in tables.items()} | {"legs": legs}
    verdicts, wrong = judge_apart(some, lambda tables: findings_alone(tables, *judges.asked(pack, rules)))
    return verdicts["findings"], wrong


def _of_pack(rows: pa.Table, pack: str) -> pa.Table:
    mine = among(rows["pack"], pa.array([pack]))
    return rows if pc.all(mine).as_py() else rows.filter(mine)
