"""Packs read from YAML, all problems of a file at once, each with its line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from qa_pipeline.errors import QaError
from qa_pipeline.rules.phrase import RUNGS, Phrase
from qa_pipeline.rules.wording import WordingError, parse

JUDGE = "1"
"""The judge's own version: raised when the same rule may judge the same call differently."""
OCCASIONS = ("call", "first_utterance", "hold", "ending")
EXCUSES = ("transferred", "network_cut", "unanswered", "silent_customer")
VERDICTS = ("pass", "fail", "na", "unsure")


class PackError(QaError):
    """A pack that cannot be used; the message lists every problem as file:line: what."""


@dataclass(frozen=True)
class Expectation:
    """Exactly one: `said` (all of these phrases), `never_said` (none of these), `hung_up_by` (who ends the call)."""

    said: tuple[str, ...] = ()
    never_said: tuple[str, ...] = ()
    hung_up_by: str | None = None


@dataclass(frozen=True)
class Rule:
    """When an occasion arises, expect something within its window. Seconds and turns as their names say."""

    id: str
    title: str
    when: str
    expect: Expectation
    weight: float
    tags: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    applies: Mapping[str, Any] = field(default_factory=dict)
    unless: tuple[str, ...] = ()
    announced_by: str | None = None
    before_s: float = 0
    after_s: float = 0
    last_turns: int = 2
    coach: str = ""
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: str = ""

    @property
    def phrases(self) -> tuple[str, ...]:
        """Names of the phrases it listens for."""
        return (*self.expect.said, *self.expect.never_said, *((self.announced_by,) if self.announced_by else ()))


@dataclass(frozen=True)
class RulePack:
    """Everything one house expects. `version` changes with what any of its rules means."""

    id: str
    title: str
    slots: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, Phrase]
    rules: tuple[Rule, ...]

    @property
    def version(self) -> str:
        return _hash([(r.id, r.version, r.weight) for r in self.rules])


def vocabulary(packs: Iterable[RulePack]) -> tuple[str, ...]:
    """The names in the packs' slots: words for jieba that no dictionary has."""
    return tuple(sorted({name for pack in packs for names in pack.slots.values() for name in names}))


def load_packs(folder: Path) -> dict[str, RulePack]:
    """Every `*.yaml` of the folder by pack id. Raises PackError with the problems of all files."""
    packs: dict[str, RulePack] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("*.yaml")):
        try:
            pack = read_pack(path)
        except PackError as wrong:
            problems.append(wrong.message)
            continue
        if pack.id in packs:
            problems.append(f"{path}:1: pack {pack.id!r} is already read from another file; give it its own id")
        packs[pack.id] = pack
    if problems:
        raise PackError("\n".join(problems))
    return packs


def read_pack(path: Path) -> RulePack:
    """Raises PackError with every problem of the file."""
    reader = _Reader(path)
    pack = reader.pack()
    if reader.problems or pack is None:
        raise PackError("\n".join(reader.problems))
    return pack


class _Reader:
    """Turns YAML nodes, which know their lines, into values, and gathers what is wrong with them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[str] = []

    def wrong(self, node: yaml.Node | None, said: str) -> None:
        self.problems.append(f"{self.path}:{node.start_mark.line + 1 if node else 1}: {said}")

    def pack(self) -> RulePack | None:
        try:
            root = yaml.compose(self.path.read_text("utf-8-sig"), yaml.SafeLoader)
        except yaml.MarkedYAMLError as problem:
            line = problem.problem_mark.line + 1 if problem.problem_mark else 1
            self.problems.append(f"{self.path}:{line}: not valid YAML: {problem.problem}")
            return None
        top = self.mapping(root, ("pack", "title", "slots", "phrases", "rules"), ("pack", "title", "rules"))
        slots = {k: tuple(map(str, self.texts(v))) for k, v in self.entries(top.get("slots"))}
        phrases = {k: p for k, v in self.entries(top.get("phrases")) if (p := self.phrase(k, v, slots))}
        rules = [r for node in self.items(top.get("rules")) if (r := self.rule(node, phrases))]
        seen: set[str] = set()
        for r in rules:
            if r.id in seen:
                self.wrong(top["rules"], f"rule {r.id} is given twice")
            seen.add(r.id)
        name, title = (str(self.plain(top.get(k)) or "") for k in ("pack", "title"))
        return RulePack(name, title, slots, phrases, tuple(_versioned(r, phrases) for r in rules))

    def mapping(self, node: yaml.Node | None, known: tuple[str, ...], needed: tuple[str, ...]) -> dict[str, yaml.Node]:
        found: dict[str, yaml.Node] = {}
        for key, value in self.entries(node):
            if key in found:
                self.wrong(value, f"{key} is given twice")
            elif key not in known:
                self.wrong(value, f"unknown key {key!r}; expected one of {', '.join(known)}")
            else:
                found[key] = value
        for key in needed:
            if key not in found:
                self.wrong(node, f"{key} is missing")
        return found

    def entries(self, node: yaml.Node | None) -> list[tuple[str, yaml.Node]]:
        if node is None:
            return []
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, f"expected `key: value` lines, found {_shown(node)}")
            return []
        return [(str(key.value), value) for key, value in node.value]

    def items(self, node: yaml.Node | None) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(node, f"expected a list, found {_shown(node)}")
            return []
        return list(node.value)

    def plain(self, node: yaml.Node | None) -> Any:
        return None if node is None else yaml.SafeLoader("").construct_object(node, deep=True)

    def texts(self, node: yaml.Node | None) -> tuple[str, ...]:
        values = [(item, self.plain(item)) for item in self.items(node)]
        for item, value in values:
            if not isinstance(value, str):
                self.wrong(item, f"expected words, found {value!r}; put it in quotes")
        return tuple(v for _, v in values if isinstance(v, str))

    def phrase(self, name: str, node: yaml.Node, slots: Mapping[str, tuple[str, ...]]) -> Phrase | None:
        found = self.mapping(node, ("say", "unless", "rungs"), ("say",))
        say, unless = self.texts(found.get("say")), self.texts(found.get("unless"))
        for item in (*self.items(found.get("say")), *self.items(found.get("unless"))):
            try:
                parse(str(item.value), slots)
            except WordingError as problem:
                self.wrong(item, str(problem))
        rungs = self.texts(found.get("rungs")) or RUNGS
        for extra in set(rungs) - set(RUNGS):
            self.wrong(found["rungs"], f"unknown rung {extra!r}; there are {', '.join(RUNGS)}")
        return Phrase(name, say, unless, rungs, slots)

    def rule(self, node: yaml.Node, phrases: Mapping[str, Phrase]) -> Rule | None:
        known = tuple(k for k in Rule.__dataclass_fields__ if k != "version")
        found = self.mapping(node, known, ("id", "title", "when", "expect", "weight"))
        if not {"id", "title", "when", "expect", "weight"} <= set(found):
            return None
        own = ("expect", "examples", "tags", "clauses", "unless")
        told: dict[str, Any] = {k: self.plain(v) for k, v in found.items() if k not in own}
        lists: dict[str, Any] = {k: self.texts(found.get(k)) for k in ("tags", "clauses", "unless")}
        examples = {k: self.texts(v) for k, v in self.entries(found.get("examples"))}
        rule = Rule(**told, **lists, expect=self.expectation(found["expect"]), examples=examples)
        self.check(found, rule, phrases)
        return rule

    def expectation(self, node: yaml.Node) -> Expectation:
        found = self.mapping(node, tuple(Expectation.__dataclass_fields__), ())
        if len(found) != 1:
            self.wrong(
                node, f"expect one of {', '.join(Expectation.__dataclass_fields__)}, found {', '.join(found) or 'nothing'}"
            )
        return Expectation(
            self.texts(found.get("said")), self.texts(found.get("never_said")), self.plain(found.get("hung_up_by"))
        )

    def check(self, found: Mapping[str, yaml.Node], rule: Rule, phrases: Mapping[str, Phrase]) -> None:
        if rule.when not in OCCASIONS:
            self.wrong(found["when"], f"unknown occasion {rule.when!r}; there are {', '.join(OCCASIONS)}")
        if not isinstance(rule.weight, int | float) or rule.weight < 0:
            self.wrong(found["weight"], f"weight is points of 0 or more, found {rule.weight!r}")
        for name in rule.phrases:
            if name not in phrases:
                self.wrong(found["expect"], f"{rule.id}: no phrase {name!r}; there are {', '.join(phrases)}")
        for name in set(rule.unless) - set(EXCUSES):
            self.wrong(found["unless"], f"unknown excuse {name!r}; there are {', '.join(EXCUSES)}")
        for name in set(rule.examples) - set(VERDICTS):
            self.wrong(found["examples"], f"examples go under {', '.join(VERDICTS)}, found {name!r}")


def _versioned(rule: Rule, phrases: Mapping[str, Phrase]) -> Rule:
    """Its version hashes what it means: not its title, coaching words or examples."""
    meant = {
        **{k: getattr(rule, k) for k in ("when", "unless", "before_s", "after_s", "last_turns", "announced_by")},
        "applies": dict(rule.applies),
        "expect": [rule.expect.said, rule.expect.never_said, rule.expect.hung_up_by],
        "phrases": {n: [p.say, p.unless, p.rungs, dict(p.slots)] for n in rule.phrases if (p := phrases.get(n))},
    }
    return Rule(**{**rule.__dict__, "version": _hash([JUDGE, meant])})


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]


def _shown(node: yaml.Node) -> str:
    return (
        repr(node.value)
        if isinstance(node, yaml.ScalarNode)
        else "a list"
        if isinstance(node, yaml.SequenceNode)
        else "a mapping"
    )
