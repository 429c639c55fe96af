"""Verdicts of a pack on a corpus, for one call or a million by the same operators. Pure: same input, same verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from qa_pipeline.rules import truth as t
from qa_pipeline.rules.case import Case
from qa_pipeline.rules.compare import fits
from qa_pipeline.rules.conditions import evaluate
from qa_pipeline.rules.corpus import DAY_MS, Corpus, make_corpus
from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.language import Expression
from qa_pipeline.rules.occasions import anchored, find_spans
from qa_pipeline.rules.pack import RUNGS, PackError, Rule, RulePack, vocabulary
from qa_pipeline.rules.plans import kept_plan
from qa_pipeline.rules.spans import LONGEST, Ints, Spans, end_to_end
from qa_pipeline.rules.truth import Proof, Truth
from qa_pipeline.rules.wording import WordingError
from qa_pipeline.text.segment import Segmenter

FAIL, UNSURE, PASS, NA = range(4)
"""Worst first: over several occasions the smallest stands."""
VERDICT_NAMES = ("fail", "unsure", "pass", "na")
SPOKEN = ("said", "never_said", "echoes", "repeats", "names", "every_value", "some_value")
PERSON_CAN_TELL = ("low_confidence", "speech_without_words", "roles_unknown", "nearly_said", "hangup_unknown", "one_channel")


@dataclass(frozen=True)
class Verdicts:
    """One rule on every unit. Evidence rows are sorted by unit; each belongs to one occasion with its own verdict.

    witnessed: whether it is what was looked for; else it is the occasion itself.
    """

    rule: Rule
    verdict: NDArray[np.int8]
    reason: Ints
    passed: Ints
    failed: Ints
    fatal: NDArray[np.bool_]
    evidence: Spans
    evidence_verdict: NDArray[np.int8]
    witnessed: NDArray[np.bool_]


def judge_tables(tables: Mapping[str, pa.Table], pack: RulePack, matcher: Matcher | None = None) -> tuple[Case, list[Verdicts]]:
    """From tables calls, legs, turns and events: the pack's verdicts on the legs that name it."""
    return judge_corpus(make_corpus(tables, pack.id), pack, matcher)


def judge_corpus(corpus: Corpus, pack: RulePack, matcher: Matcher | None = None) -> tuple[Case, list[Verdicts]]:
    case = Case(corpus, pack, matcher or make_matcher(pack))
    return case, [judge_rule(case, rule) for rule in pack.rules if rule.judged]


def make_matcher(pack: RulePack, plans: Path | None = None) -> Matcher:
    """Compiled once for a pack; it can serve any number of corpora.

    What may be known by its sound is also heard on lower rungs than satisfy: there a miss is unsure, not a fail. `plans`: the
    folder in which what was compiled is kept for the next process. Raises PackError for a wording with too many forms.
    """
    phrases = [pack.phrases[name] for name in sorted(pack.phrases)]
    try:
        heard = [replace(p, rungs=RUNGS) if "sound" in p.rungs else p for p in phrases]
        compiled = kept_plan(heard, plans) if plans else None
        return Matcher(heard, Segmenter(vocabulary([pack])).ends, compiled)
    except WordingError as wrong:
        raise PackError(f"pack {pack.id}: {wrong}; `qa rules check` tells its line") from wrong


def judge_rule(case: Case, rule: Rule) -> Verdicts:
    """Occasion false → na, unknown → unsure; expectation unknown → unsure; a fail that an unknown excuse may lift → unsure."""
    question = _question(case, rule)
    occasion, unmeasured = question.occasion, _unmeasured(case, rule)
    rows, reason, proof = _rows(case, rule, question)
    blocked = unmeasured[occasion.unit]
    rows, reason = (
        np.where((blocked != 0) & (rows != NA), UNSURE, rows),
        np.where((blocked != 0) & (rows != NA), blocked, reason),
    )
    verdict, why = _settled(case, question, rows.astype(np.int8), reason)
    fatal = np.zeros(len(case), bool)
    if rule.fatal:
        serious = rows == FAIL
        if rule.fatal_if is not None:
            serious &= evaluate(case, rule.fatal_if, occasion).value == t.TRUE
        fatal[occasion.unit[serious]] = True
    evidence = _evidence(occasion, rows, proof)
    passed, failed = (np.bincount(occasion.unit[rows == v], minlength=len(case)) for v in (PASS, FAIL))
    return Verdicts(rule, verdict, why, passed, failed, fatal, *evidence)


@dataclass(frozen=True)
class Question:
    """scope: of each unit, whether a rule applies to it at all. occasion: where in that scope its question arises; maybe: per
    unit why it may arise elsewhere; dropped: units of occasions that do not meet its condition."""

    scope: Truth
    occasion: Spans
    maybe: Ints
    dropped: Ints


def _question(case: Case, rule: Rule) -> Question:
    """Rules of one scope share their occasions, and so what is told of these."""
    assert rule.when is not None and rule.expect is not None
    listens = _listens_to_agent(case.pack, rule.expect)
    scoped = ("scope", repr(rule.applies), rule.valid_from, rule.valid_until, listens)
    scope: Truth = case.once(scoped, lambda: _scope(case, rule, listens))
    when, condition = rule.when, rule.condition
    asked: Question = case.once((scoped, when.text), lambda: _asked(case, when, scope))
    return asked if condition is None else case.once((scoped, when.text, condition.text), lambda: _met(case, asked, condition))


def _asked(case: Case, when: Expression, scope: Truth) -> Question:
    occasion, maybe = find_spans(case, when)
    return Question(scope, occasion.take(scope.value[occasion.unit] != t.FALSE), maybe, np.zeros(0, np.int64))


def _met(case: Case, asked: Question, condition: Expression) -> Question:
    held, occasion = evaluate(case, condition, asked.occasion), asked.occasion
    maybe = _first_reason(asked.maybe, occasion.unit, np.where(held.value == t.UNKNOWN, held.reason, 0))
    return Question(asked.scope, occasion.take(held.value == t.TRUE), maybe, occasion.unit[held.value == t.FALSE])


def _scope(case: Case, rule: Rule, listens: bool) -> Truth:
    """Per unit: whether the rule applies to the call at all (its fields, its dates, an agent who speaks if it `listens`)."""
    n = len(case)
    value, reason = np.ones(n, np.int8), np.zeros(n, np.int64)
    for name, wanted in (*case.pack.applies, *rule.applies):
        values, codes = case.factored(name)
        known = np.array([v is not None for v in values], bool)[codes]
        held = np.array([fits(v, wanted) for v in values], bool)[codes]
        value = np.where(known & ~held, np.int8(t.FALSE), np.where(~known & (value == t.TRUE), np.int8(t.UNKNOWN), value))
        number = case.reasons.number(f"not_{name}" if not isinstance(wanted, str) else f"not_{name}_{wanted}")
        reason = np.where(
            known & ~held, number, np.where(~known & (reason == 0), case.reasons.number(f"unknown:{name}"), reason)
        )
    if rule.valid_from or rule.valid_until:
        inside = _in_force(case, rule)
        value = np.where(inside, value, np.int8(t.FALSE))
        reason = np.where(inside, reason, case.reasons.number("not_in_force"))
    if listens:
        value = np.where(case.agent_speaks, value, np.int8(t.FALSE))
        reason = np.where(case.agent_speaks, reason, case.reasons.number("no_agent_speech"))
        mute = ~case.agent_speaks & (case.roles_unknown != 0)
        value, reason = np.where(mute, np.int8(t.TRUE), value), np.where(mute, 0, reason)
    return Truth(value.astype(np.int8), reason, t.no_proof)


def _in_force(case: Case, rule: Rule) -> NDArray[np.bool_]:
    """By the local date of the call."""
    first, last = ((day - date(1970, 1, 1)).days for day in (rule.valid_from or date.min, rule.valid_until or date.max))
    day = case.corpus.local_starts // DAY_MS
    return np.asarray((first <= day) & (day < last), bool)[case.corpus.call_of]


def _listens_to_agent(pack: RulePack, e: object) -> bool:
    if isinstance(e, Expression):
        if e.op == "condition":
            return _listens_to_agent(pack, pack.conditions[e["condition"]])
        if e.op in SPOKEN:
            return bool(e.get("by", "agent") == "agent")
        return any(_listens_to_agent(pack, v) for k, v in e.args.items() if k in ("all", "any", "not", "of", "must"))
    return isinstance(e, tuple) and any(_listens_to_agent(pack, v) for v in e)


def _unmeasured(case: Case, rule: Rule) -> Ints:
    found = case.nothing_unknown
    for what in rule.needs:
        name = "one_channel" if what == "two_channels" else f"not_measured:{what}"
        found = np.where((found == 0) & ~case.measured(what), case.reasons.number(name), found)
    return found


def _rows(case: Case, rule: Rule, question: Question) -> tuple[NDArray[np.int8], Ints, Proof]:
    """Each occasion's verdict, reason and witnesses."""
    assert rule.when is not None and rule.expect is not None
    scope, occasion = question.scope, question.occasion
    told = evaluate(case, rule.expect, occasion, anchored(rule.when))
    rows = np.where(told.value == t.TRUE, PASS, np.where(told.value == t.FALSE, FAIL, UNSURE))
    reason = told.reason
    no_feed = case.reasons.number("no_feed")
    rows = np.where((rows == UNSURE) & (reason == no_feed), NA, rows)
    doubt = np.where(scope.value[occasion.unit] == t.UNKNOWN, scope.reason[occasion.unit], 0)
    for excuse in rule.unless:
        held = evaluate(case, excuse, occasion)
        name = excuse["condition"] if excuse.op == "condition" else "excused"
        excused = held.value == t.TRUE
        rows = np.where(excused, NA, rows)
        reason = np.where(excused, case.reasons.number(name), reason)
        doubt = np.where((doubt == 0) & (held.value == t.UNKNOWN), held.reason, doubt)
    lifted = (rows == FAIL) & (doubt != 0)
    return np.where(lifted, UNSURE, rows).astype(np.int8), np.where(lifted, doubt, reason), told.proof


def _first_reason(into: Ints, unit: Ints, reason: Ints) -> Ints:
    out = into.copy()
    some = np.flatnonzero(reason)[::-1]
    fresh = np.zeros_like(out)
    fresh[unit[some]] = reason[some]
    return np.where(out == 0, fresh, out)


def _settled(case: Case, question: Question, rows: NDArray[np.int8], reason: Ints) -> tuple[NDArray[np.int8], Ints]:
    """Per unit the worst verdict of its occasions; where none arose, na, or unsure if one may have."""
    n, occasion, maybe, scope = len(case), question.occasion, question.maybe, question.scope
    verdict = np.full(n, NA, np.int8)
    np.minimum.at(verdict, occasion.unit, rows)
    why = np.full(n, case.reasons.number("no_occasion"), np.int64)
    why[question.dropped] = case.reasons.number("condition_not_met")
    worst = np.flatnonzero(rows == verdict[occasion.unit])[::-1]
    why[occasion.unit[worst]] = reason[worst]
    outside = scope.value == t.FALSE
    open_ = (verdict == NA) & (maybe != 0) & ~outside & (np.bincount(occasion.unit, minlength=n) == 0)
    verdict = np.where(open_, np.int8(UNSURE), verdict)
    why = np.where(open_, maybe, np.where(outside, scope.reason, why))
    return verdict.astype(np.int8), np.where(verdict == PASS, 0, why)


def _evidence(occasion: Spans, rows: NDArray[np.int8], proof: Proof) -> tuple[Spans, NDArray[np.int8], NDArray[np.bool_]]:
    """What a trainer listens to: the witnesses of each occasion, or the occasion itself, with the words that made it one."""
    shown = rows != NA
    found = proof(shown)
    bare = shown.copy()
    bare[found.row] = False
    own = occasion.take(np.flatnonzero(bare))
    evidence = end_to_end([found.spans, own.at(np.maximum(own.start, 0), np.maximum(own.end, 0))])
    verdict = np.concatenate([rows[found.row], rows[bare]])
    order = np.argsort(evidence.unit * LONGEST + evidence.start, kind="stable")
    return evidence.take(order), verdict[order].astype(np.int8), order < len(found.row)
