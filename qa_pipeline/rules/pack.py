"""Rule packs: what one house expects, read from YAML, with all problems of all files at once."""

from __future__ import annotations

import gc
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from datetime import date
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import yaml

from qa_pipeline.errors import QaError
from qa_pipeline.rules.chains import chains
from qa_pipeline.rules.grammar import NEEDED, PACK_KEYS, PHRASE_KEYS, RULE_KEYS
from qa_pipeline.rules.language import Expression, PhraseChoice, Scope, parse, parse_condition, parse_spans
from qa_pipeline.rules.phrase import Phrase
from qa_pipeline.rules.reader import Problems, compose, entries, items, known_entries, nearest, plain, scalar, texts
from qa_pipeline.rules.wording import WordingError
from qa_pipeline.rules.wording import parse as parse_wording
from qa_pipeline.text import VERSION as TEXT_VERSION

JUDGE = "4"
"""The judge's own version: raised when the same rule may judge the same call differently."""
SHARED = "shared"
RUNGS = ("exact", "normalised", "sound", "near")
MEANT = ("when", "expect", "condition", "unless", "applies", "needs", "kind", "credit", "fatal", "fatal_if", "confirm")
ROLE_PHRASES = ("role_greeting", "role_agent", "role_customer")
"""How only agents greet, what only agents and only customers say: for telling the channels apart, whether or not a rule uses
them. Their <house> is whatever the pack's slots HOUSE call the company."""
HOUSE = ("company", "company_short", "club", "hotel")
VERDICTS = ("pass", "fail", "na", "unsure", "near")


class PackError(QaError):
    """Packs that cannot be used; the message lists every problem as file:line:column: what."""


@dataclass(frozen=True)
class Rule:
    """When an occasion arises (and `if` holds), unless something excuses, expect something."""

    id: str
    title: str
    weight: float
    when: Expression | None = None
    expect: Expression | None = None
    condition: Expression | None = None
    unless: tuple[Expression, ...] = ()
    applies: tuple[tuple[str, Any], ...] = ()
    needs: tuple[str, ...] = ()
    section: str = ""
    status: str = "live"
    kind: str = "requirement"
    credit: str = "all"
    fatal: str | None = None
    fatal_if: Expression | None = None
    confirm: bool = False
    valid_from: date | None = None
    valid_until: date | None = None
    tags: tuple[str, ...] = ()
    clauses: tuple[str, ...] = ()
    coach: str = ""
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    version: str = ""

    @property
    def judged(self) -> bool:
        """A checklist item is a person's to answer; drafts and retired rules find nothing."""
        return self.expect is not None and self.status in ("trial", "live") and self.kind != "checklist"


@dataclass(frozen=True)
class RulePack:
    """Everything one house expects, with the names its rules use. `version` changes with what any of its rules means.

    `titles`: what phrases, occasions, conditions, slots and call fields are called where people read of them. `roles`: its
    ROLE_PHRASES.
    """

    id: str
    title: str
    slots: Mapping[str, tuple[str, ...]]
    phrases: Mapping[str, Phrase]
    occasions: Mapping[str, Expression]
    conditions: Mapping[str, Expression]
    rules: tuple[Rule, ...]
    sections: Mapping[str, str] = field(default_factory=dict)
    applies: tuple[tuple[str, Any], ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    roles: Mapping[str, Phrase] = field(default_factory=dict)

    @property
    def version(self) -> str:
        return _hash([(r.id, r.version) for r in self.rules])

    @cached_property
    def of_leg(self) -> dict[str, bool]:
        """Of conditions that were judged before, by their text: whether they are the same wherever in a leg one asks."""
        return {}

    def rule(self, rule_id: str) -> Rule:
        return next(r for r in self.rules if r.id == rule_id)


def vocabulary(packs: Iterable[RulePack]) -> tuple[str, ...]:
    """The names in the packs' slots: words for jieba that no dictionary has."""
    return tuple(sorted({name for p in packs for names in p.slots.values() for name in names if len(name) > 1}))


def load_packs(folder: Path, spell_out: bool = False) -> dict[str, RulePack]:
    """Every pack `*.yaml` of the folder, by id, with what its `shared/` folder holds for all. The same files are read once.

    With `spell_out` every form of every wording is made, so that one with too many is told here, with its line, and not when a
    matcher is made of it. Raises PackError with the problems of all files.
    """
    common = [path for path in sorted((folder / SHARED).glob("*.yaml")) if path.name != "clauses.yaml"]
    around = [spell_out, [(path.name, _content(path)) for path in common]]
    meant = {path: _hash([around, _content(path)]) for path in sorted(folder.glob("*.yaml"))}
    fresh = [path for path in meant if meant[path] not in _LOADED]
    with _all_kept():
        read, wrong = _read(fresh, common if fresh or not meant else [], spell_out)
    lines = [line for _, told in read.values() for line in told]
    packs: dict[str, RulePack] = {}
    for path, key in meant.items():
        if (pack := read[path][0] if path in read else _LOADED[key]) is not None:
            if pack.id in packs:
                lines.append(f"{path}:1:1: pack {pack.id!r} is already read from another file; give it its own id")
            packs[pack.id] = pack
    lines += wrong
    if lines:
        raise PackError("\n".join(dict.fromkeys(lines)))
    _LOADED.update({meant[path]: pack for path, (pack, _) in read.items() if pack})
    while len(_LOADED) > MOST:
        del _LOADED[next(iter(_LOADED))]
    return packs


Told = tuple["RulePack | None", list[str]]
"""A pack, or what is wrong with its file."""


def _read(paths: Iterable[Path], common: Iterable[Path], spell_out: bool) -> tuple[dict[Path, Told], list[str]]:
    """What each of the files holds, and what is wrong with those that they have in common."""
    shared = [_File(path, spell_out) for path in common]
    read = {path: _File(path, spell_out).pack(shared) for path in paths}
    return read, [line for file in shared for line in file.problems.lines()]


@contextmanager
def _all_kept() -> Iterator[None]:
    """While files are read, of which little is thrown away: to look through it all for refuse took a fifth of the time."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


_LOADED: dict[str, RulePack] = {}
"""The last MOST, by what is in their files: a command asks for the published packs and for the draft, most of them the same."""
MOST = 40


def read_pack(path: Path) -> RulePack:
    """One pack file, with the shared files beside it. Raises PackError with every problem."""
    common = [p for p in sorted((path.parent / SHARED).glob("*.yaml")) if p.name != "clauses.yaml"]
    read, wrong = _read([path], common, spell_out=True)
    pack, lines = read[path]
    if pack is None or lines or wrong:
        raise PackError("\n".join(dict.fromkeys([*lines, *wrong])))
    return pack


class _File:
    """A file's top-level nodes, and what is wrong with it."""

    def __init__(self, path: Path, spell_out: bool) -> None:
        self.problems, self.spell_out = Problems(str(path)), spell_out
        root = compose(path, self.problems)
        self.top = known_entries(root, PACK_KEYS, (), self.problems, "a pack") if root is not None else {}
        self.root = root

    def named(self, key: str) -> dict[str, yaml.Node]:
        return dict(entries(self.top.get(key), self.problems))

    def slots(self) -> dict[str, tuple[str, ...]]:
        return {name: texts(node, self.problems, one=True) for name, node in self.named("slots").items()}

    def pack(self, shared: list[_File]) -> Told:
        problems = self.problems
        if self.root is None:
            return None, problems.lines() or [f"{problems.file}:1:1: the file is empty; a pack has pack, title and rules"]
        for key in ("pack", "title", "rules"):
            if key not in self.top:
                problems.at(self.root, f"a pack lacks {key!r}")
        files = [*shared, self]
        slots = {name: words for file in files for name, words in file.slots().items()}
        wordings = {name: (file, node) for file in files for name, node in file.named("phrases").items()}
        names = {key: [n for file in files for n in file.named(key)] for key in ("occasions", "conditions")}
        scopes = {id(f): Scope(f.problems, wordings, names["occasions"], names["conditions"], slots) for f in files}
        occasions = {n: parse_spans(v, scopes[id(f)]) for f in files for n, v in f.named("occasions").items()}
        conditions = {n: parse_condition(v, scopes[id(f)]) for f in files for n, v in f.named("conditions").items()}
        scope = scopes[id(self)]
        self._no_circles(occasions, conditions)
        rules = [r for node in items(self.top.get("rules"), problems) if (r := self.rule(node, scope))]
        seen: set[str] = set()
        for rule in rules:
            if rule.id in seen:
                problems.at(self.top["rules"], f"rule {rule.id} is given twice")
            seen.add(rule.id)
        used = _closure({r for rule in rules for k in MEANT for r in references(getattr(rule, k))}, occasions, conditions)
        phrases, roles = {}, {}
        house = tuple(dict.fromkeys(n for slot in HOUSE for n in slots.get(slot, ()))) or ("公司",)
        for name, (file, node) in wordings.items():
            wanted = ("phrase", name) in used or (file is self and name not in ROLE_PHRASES)
            if wanted and (phrase := file.phrase(name, node, slots)):
                phrases[name] = phrase  # of the shared ones only what the pack uses: another's slots are not its own
            if name in ROLE_PHRASES and (phrase := file.phrase(name, node, {**slots, "house": house})):
                roles[name] = phrase
        if problems.found:
            return None, problems.lines()
        head = {key: str(plain(self.top[key])) for key in ("pack", "title")}
        applies = parse(RULE_KEYS["applies"], self.top["applies"], scope) if "applies" in self.top else ()
        sections = {k: str(plain(v)) for k, v in self.named("sections").items()}
        titles = {k: str(plain(v)) for f in files for k, v in f.named("titles").items()}
        bare = RulePack(
            head["pack"], head["title"], slots, phrases, occasions, conditions, (), sections, applies, titles, roles
        )
        return RulePack(**{**bare.__dict__, "rules": _versioned(rules, bare)}), []

    def phrase(self, name: str, node: yaml.Node, slots: Mapping[str, tuple[str, ...]]) -> Phrase | None:
        problems = self.problems
        found = known_entries(node, PHRASE_KEYS, ("say",), problems, f"phrase {name}")
        say, unless = (texts(found.get(k), problems, one=True) for k in ("say", "unless"))
        for key in ("say", "unless"):
            value = found.get(key)
            nodes = [value] if isinstance(value, yaml.ScalarNode) else items(value, problems)
            for item in nodes:
                try:
                    (chains if self.spell_out else parse_wording)(str(item.value), slots)
                except WordingError as wrong:
                    problems.at(item, str(wrong))
        rungs = texts(found.get("rungs"), problems) or RUNGS
        for extra in sorted(set(rungs) - set(RUNGS)):
            problems.at(found["rungs"], f"unknown rung {extra!r}{nearest(extra, RUNGS)}")
        word = "word" in found and scalar(found["word"]) is True
        captured = str(scalar(found["value"])) if "value" in found else None
        if captured is not None and captured not in ("digits", "mobile", "text", "number", "time", *slots):
            problems.at(found["value"], f"value {captured!r}{nearest(captured, ('digits', 'text', 'number', 'time', *slots))}")
        if not say:
            return None
        return Phrase(name, say, unless, rungs, word=word, value=captured, slots=slots)

    def rule(self, node: yaml.Node, scope: Scope) -> Rule | None:
        problems = self.problems
        found = known_entries(node, RULE_KEYS, NEEDED, problems, "a rule")
        told = {k: parse(RULE_KEYS[k], v, scope) for k, v in found.items() if k != "examples"}
        told["examples"] = {}
        for verdict, value in entries(found.get("examples"), problems):
            if verdict not in VERDICTS:
                problems.at(value, f"examples go under {', '.join(VERDICTS)}, found {verdict!r}")
            told["examples"][verdict] = texts(value, problems, one=True)
        if not set(NEEDED) <= set(found):
            return None
        for old, new in (("if", "condition"), ("from", "valid_from"), ("until", "valid_until")):
            if old in told:
                told[new] = told.pop(old)
        if told["weight"] < 0:
            problems.at(found["weight"], f"weight is points of 0 or more, found {told['weight']}")
        if told.get("kind") != "checklist" and not {"when", "expect"} <= set(found):
            problems.at(node, f"rule {told['id']} lacks {'when' if 'when' not in found else 'expect'!r}")
        return Rule(**told)

    def _no_circles(self, occasions: Mapping[str, Expression], conditions: Mapping[str, Expression]) -> None:
        """Names that lead back to themselves would never be found."""
        names = {("named", n): e for n, e in occasions.items()} | {("condition", n): e for n, e in conditions.items()}
        done: set[tuple[str, str]] = set()

        def visit(name: tuple[str, str], path: tuple[tuple[str, str], ...]) -> None:
            if name in path:
                self.problems.at(self.root, f"{' → '.join(n for _, n in (*path, name))}: defined by itself")
            elif name not in done and name in names:
                for inner in references(names[name]):
                    visit(inner, (*path, name))
            done.add(name)

        for name in names:
            visit(name, ())


def references(value: Any) -> set[tuple[str, str]]:
    """What an expression names: ("named", occasion), ("condition", name), ("phrase", name), ("slot", name)."""
    if isinstance(value, PhraseChoice):
        return {("phrase", n) for n in value.names}
    if isinstance(value, Expression):
        if value.op in ("named", "condition"):
            return {(value.op, value[value.op])}
        found = {("phrase", n) for n in value.get("phrase", ())}
        if "holds" in value.args and value["holds"][0]:
            found.add(("phrase", value["holds"][0]))
        return found | {r for key, v in value.args.items() if key != "phrase" for r in references(v)}
    if isinstance(value, tuple):
        if len(value) == 2 and value[0] == "slot" and isinstance(value[1], str):
            return {("slot", value[1])}
        return {r for v in value for r in references(v)}
    return set()


def mentioned(rule: Rule, pack: RulePack) -> set[tuple[str, str]]:
    """All that the rule names, directly or through other names."""
    return _closure({r for key in MEANT for r in references(getattr(rule, key))}, pack.occasions, pack.conditions)


def narrowed(pack: RulePack, rule_ids: Collection[str]) -> RulePack:
    """The pack with only these rules, and of its phrases only those that they use: the rest need not be looked for."""
    rules = tuple(rule for rule in pack.rules if rule.id in rule_ids)
    used = {name for rule in rules for kind, name in mentioned(rule, pack) if kind == "phrase"}
    return replace(pack, rules=rules, phrases={name: phrase for name, phrase in pack.phrases.items() if name in used})


def _closure(
    names: set[tuple[str, str]], occasions: Mapping[str, Expression], conditions: Mapping[str, Expression]
) -> set[tuple[str, str]]:
    """All that is named by these names, directly or through other names."""
    todo, seen = set(names), set[tuple[str, str]]()
    while todo:
        item = todo.pop()
        if item not in seen:
            seen.add(item)
            kind, name = item
            if kind in ("named", "condition"):
                todo |= references((occasions if kind == "named" else conditions).get(name))
    return seen


def _versioned(rules: Iterable[Rule], pack: RulePack) -> tuple[Rule, ...]:
    """Each with its version, which hashes what it means and earns, with all it names: not its title, coaching words, clauses or
    examples."""
    named = cache(partial(_meaning, pack))
    found = []
    for rule in rules:
        meant: dict[str, Any] = {k: _plain(getattr(rule, k)) for k in (*MEANT, "status", "valid_from", "valid_until", "weight")}
        meant["pack_applies"] = _plain(pack.applies)
        meant |= {f"{kind} {name}": named(kind, name) for kind, name in mentioned(rule, pack)}
        found.append(Rule(**{**rule.__dict__, "version": _hash([JUDGE, TEXT_VERSION, meant])}))
    return tuple(found)


def _meaning(pack: RulePack, kind: str, name: str) -> Any:
    """Of what is named: a phrase with the slots it uses, a slot, an occasion or a condition."""
    if kind == "phrase":
        p = pack.phrases[name]
        slots = {s: pack.slots[s] for s in _slots_used(p) if s in pack.slots}
        return [p.say, p.unless, p.rungs, p.word, p.value, slots]
    if kind == "slot":
        return pack.slots.get(name)
    return _plain((pack.occasions if kind == "named" else pack.conditions).get(name))


def _slots_used(phrase: Phrase) -> list[str]:
    return sorted({name for wording in (*phrase.say, *phrase.unless) for name in re.findall(r"<([^<>:]+)", wording)})


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()[:16]
