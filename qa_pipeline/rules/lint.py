"""What reads well and may still be wrong: wordings that can never hit, wordings contained in others, rules without examples."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from qa_pipeline.rules.pack import Rule, RulePack, mentioned, vocabulary
from qa_pipeline.rules.phrase import NEAR, RUNGS, SHORTEST_BY_SOUND, SOUND, Phrase
from qa_pipeline.rules.reader import nearest
from qa_pipeline.text.segment import Segmenter

WANTED_EXAMPLES = ("pass", "fail", "near")
LITERAL = re.compile(r"[^\[\](|)<>…^$]+")


def warnings(packs: Mapping[str, RulePack]) -> list[str]:
    """One line each; nothing here keeps a pack from judging."""
    segmenter = Segmenter(vocabulary(packs.values()))
    found: dict[str, None] = {}
    for pack in packs.values():
        used = _used_phrases(pack)
        for phrase in pack.phrases.values():
            if phrase.name not in used:
                found[f"{pack.id} phrase {phrase.name}: no rule uses it"] = None
            for said in (*_never_whole_words(phrase, segmenter), *_contained(phrase)):
                found[f"phrase {phrase.name}: {said}"] = None
        for slot, words in pack.slots.items():
            if twice := [word for word, times in Counter(words).items() if times > 1]:
                found[f"slot {slot}: names {', '.join(twice)} more than once"] = None
        for rule in pack.rules:
            for said in _rule(rule, pack):
                found[f"{pack.id} {rule.id}: {said}"] = None
        total = sum(r.weight for r in pack.rules if r.judged and r.status == "live")
        if total != 100:
            found[f"{pack.id}: the weights of its live rules add up to {total:g}, not 100"] = None
    return list(found)


def missing_examples(rule: Rule) -> list[str]:
    """Kinds of example that a live rule lacks."""
    if not rule.judged or rule.status != "live":
        return []
    return [kind for kind in WANTED_EXAMPLES if not rule.examples.get(kind)]


def _used_phrases(pack: RulePack) -> set[str]:
    return {name for rule in pack.rules for kind, name in mentioned(rule, pack) if kind == "phrase"}


def _rule(rule: Rule, pack: RulePack) -> Iterable[str]:
    if rule.judged and not rule.coach:
        yield "no coaching words; a trainer sees only the title"
    if not rule.clauses:
        yield "names no clause of a policy"
    if rule.section and rule.section not in pack.sections:
        yield f"its section {rule.section!r} is not among the pack's sections{nearest(rule.section, pack.sections)}"
    if rule.valid_from and rule.valid_until and rule.valid_from >= rule.valid_until:
        yield f"never in force: from {rule.valid_from} until {rule.valid_until}"


def _plain_wordings(phrase: Phrase) -> list[str]:
    return [w for w in phrase.say if LITERAL.fullmatch(w)]


def _never_whole_words(phrase: Phrase, segmenter: Segmenter) -> Iterable[str]:
    """A word-bounded wording whose end jieba puts inside a word when it stands in a sentence."""
    if not phrase.word:
        return
    for wording in _plain_wordings(phrase):
        if not any(_bounded(wording, before, after, segmenter) for before in "我说的" for after in "的了吗"):
            yield f"jieba ends no words where {wording!r} begins and ends; with word: true it can never hit in a sentence"


def _bounded(wording: str, before: str, after: str, segmenter: Segmenter) -> bool:
    ends = {0, *(token.end for token in segmenter.tokens(before + wording + after))}
    return {len(before), len(before) + len(wording)} <= ends


def _contained(phrase: Phrase) -> Iterable[str]:
    """Between word ends, or nearly, the longer wording may be heard where the shorter is not; by its sound, too, where the
    shorter is too short for that."""
    plain = [] if phrase.word or RUNGS[NEAR] in phrase.rungs else _plain_wordings(phrase)
    least = SHORTEST_BY_SOUND if RUNGS[SOUND] in phrase.rungs else 1
    for long in plain:
        for short in plain:
            if short != long and short in long and len(short) >= least:
                yield f"{long!r} says no more than {short!r}, which it contains"
                break


def always_together(findings: Sequence[Mapping[str, Any]], least: int = 20) -> list[str]:
    """Pairs of rules of one pack that failed on just the same legs, at least `least` of them, and never apart."""
    failed: dict[tuple[str, str], set[tuple[str, int]]] = {}
    for row in findings:
        if row["verdict"] == "fail":
            failed.setdefault((row["pack"], row["rule_id"]), set()).add((row["call_id"], row["leg"]))
    keys = sorted(k for k, legs in failed.items() if len(legs) >= least)
    return [
        f"{a[0]}: {a[1]} and {b[1]} failed on the same {len(failed[a])} legs and never apart; is it one behaviour twice?"
        for i, a in enumerate(keys)
        for b in keys[i + 1 :]
        if a[0] == b[0] and failed[a] == failed[b]
    ]


def never_arising(packs: Mapping[str, RulePack], findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Live rules that were na on every stored leg of their pack."""
    arisen = {(r["pack"], r["rule_id"]) for r in findings if r["verdict"] != "na"}
    judged = {(r["pack"], r["rule_id"]) for r in findings}
    return [f"{pack} {rule}: never arose on the stored calls" for pack, rule in sorted(judged - arisen) if pack in packs]
