"""From YAML nodes to expressions: the rule language's grammar applied, every problem with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

import yaml

from qa_pipeline.rules.grammar import BUILT_IN_SPANS, CONDITIONS, PICKS, SPANS, Kind, Operator
from qa_pipeline.rules.measures import MEASURES
from qa_pipeline.rules.reader import Problems, entries, items, known_entries, nearest, plain, scalar, shown, texts

CLOCK = re.compile(r"([01]\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True)
class Expression:
    """One operator with its arguments; `args[op]` is its own argument. `named` spans and `condition` refer to the pack's."""

    op: str
    args: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """The same for expressions that say the same."""
        return repr(self)

    def __getitem__(self, key: str) -> Any:
        return self.args[key]

    def get(self, key: str, default: Any = None) -> Any:
        return self.args.get(key, default)


@dataclass(frozen=True)
class PhraseChoice:
    """Phrases that are expected: each of them (`every`), or any one."""

    names: tuple[str, ...]
    every: bool


@dataclass
class Scope:
    """The names an expression may use, and where its problems go."""

    problems: Problems
    phrases: Collection[str]
    occasions: Collection[str]
    conditions: Collection[str]
    slots: Collection[str]

    def phrase(self, node: yaml.Node, name: str) -> str:
        if name not in self.phrases:
            self.problems.at(node, f"no phrase {name!r}{nearest(name, self.phrases)}")
        return name


def parse_spans(node: yaml.Node, scope: Scope) -> Expression:
    """An occasion's name, a built-in one, or one operator of SPANS with what stands beside it."""
    if isinstance(node, yaml.ScalarNode):
        name = str(scalar(node))
        if name not in scope.occasions and name not in BUILT_IN_SPANS:
            scope.problems.at(node, f"no occasion {name!r}{nearest(name, [*scope.occasions, *BUILT_IN_SPANS])}")
        return Expression("named", {"named": name})
    return _operation(node, scope, SPANS, "an occasion")


def parse_condition(node: yaml.Node, scope: Scope) -> Expression:
    """A condition's name, one operator of CONDITIONS, or a list (all of them)."""
    if isinstance(node, yaml.SequenceNode):
        return Expression("all", {"all": tuple(parse_condition(item, scope) for item in node.value)})
    if isinstance(node, yaml.ScalarNode):
        name = str(scalar(node))
        if name not in scope.conditions:
            scope.problems.at(node, f"no condition {name!r}{nearest(name, scope.conditions)}")
        return Expression("condition", {"condition": name})
    return _operation(node, scope, CONDITIONS, "a condition")


def _operation(node: yaml.Node, scope: Scope, operators: Mapping[str, Operator], what: str) -> Expression:
    found = dict(entries(node, scope.problems, f"{what}: its operator and what stands beside it"))
    chosen = [name for name in found if name in operators]
    # an operator's name may also stand beside another (any, all …): the first that knows all the others wins
    fitting = [n for n in chosen if all(k == n or k in operators[n].beside for k in found)]
    if not chosen:
        unknown = ", ".join(found) or "nothing"
        scope.problems.at(node, f"{what} needs an operator, found {unknown}{nearest(next(iter(found), ''), operators)}")
        return Expression("nothing")
    operator = operators[(fitting or chosen)[0]]
    args = {}
    for key, value in found.items():
        kind = operator.argument if key == operator.name else operator.beside.get(key)
        if kind is None:
            scope.problems.at(value, f"{operator.name} knows no {key!r}{nearest(key, operator.beside)}")
        else:
            args[key] = parse(kind, value, scope)
    return Expression(operator.name, args)


def parse(kind: Kind, node: yaml.Node, scope: Scope) -> Any:
    """A value of `kind`; what cannot be read is noted in the scope's problems."""
    return _PARSERS[kind.form](kind, node, scope)


def _number(kind: Kind, node: yaml.Node, scope: Scope) -> float:
    value = scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        scope.problems.at(node, f"expected a number, found {shown(node)}")
        return 0.0
    return value


def _whole(kind: Kind, node: yaml.Node, scope: Scope) -> int:
    value = _number(kind, node, scope)
    if value != int(value) or value < 0:
        scope.problems.at(node, f"expected a whole number of 0 or more, found {shown(node)}")
    return int(value)


def _flag(kind: Kind, node: yaml.Node, scope: Scope) -> bool:
    value = scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if not isinstance(value, bool):
        scope.problems.at(node, f"expected true or false, found {shown(node)}")
    return value is True


def _choice(kind: Kind, node: yaml.Node, scope: Scope) -> str:
    value = str(scalar(node)) if isinstance(node, yaml.ScalarNode) else shown(node)
    if value not in kind.choices:
        scope.problems.at(node, f"expected one of {', '.join(kind.choices)}, found {shown(node)}")
    return value


def _text(kind: Kind, node: yaml.Node, scope: Scope) -> str:
    found = texts(node, scope.problems, one=True) if isinstance(node, yaml.ScalarNode) else ()
    if len(found) != 1:
        if not isinstance(node, yaml.ScalarNode):
            scope.problems.at(node, f"expected words, found {shown(node)}")
        return ""
    return found[0]


def _texts(kind: Kind, node: yaml.Node, scope: Scope) -> tuple[str, ...]:
    return texts(node, scope.problems, one=True)


def _phrases(kind: Kind, node: yaml.Node, scope: Scope) -> PhraseChoice:
    if isinstance(node, yaml.MappingNode):
        found = known_entries(node, ("any", "all"), (), scope.problems, "phrases")
        if len(found) != 1:
            scope.problems.at(node, "expected {any: [...]} or {all: [...]}")
            return PhraseChoice((), True)
        key, value = next(iter(found.items()))
        return PhraseChoice(_phrase_names(kind, value, scope), key == "all")
    return PhraseChoice(_phrase_names(kind, node, scope), True)


def _phrase_names(kind: Kind, node: yaml.Node, scope: Scope) -> tuple[str, ...]:
    nodes = [node] if isinstance(node, yaml.ScalarNode) else items(node, scope.problems, "a phrase or a list of them")
    return tuple(scope.phrase(n, str(n.value)) for n in nodes if isinstance(n, yaml.ScalarNode))


def _measure(kind: Kind, node: yaml.Node, scope: Scope) -> str:
    name = str(node.value) if isinstance(node, yaml.ScalarNode) else ""
    if name not in MEASURES:
        scope.problems.at(node, f"no measure {name!r}{nearest(name, MEASURES)}")
    return name


def _pick(kind: Kind, node: yaml.Node, scope: Scope) -> str | int:
    value = scalar(node) if isinstance(node, yaml.ScalarNode) else None
    if isinstance(value, bool) or (not (isinstance(value, int) and value > 0) and value not in PICKS):
        scope.problems.at(node, f"expected {', '.join(PICKS)} or a number from 1, found {shown(node)}")
        return "every"
    return value


def _clock_range(kind: Kind, node: yaml.Node, scope: Scope) -> tuple[int, int]:
    """Minutes of the day, from and to."""
    found = texts(node, scope.problems) if isinstance(node, yaml.SequenceNode) else ()
    if len(found) != 2 or not all(CLOCK.fullmatch(t) for t in found):
        scope.problems.at(node, f'expected two times such as ["23:00", "06:00"], found {shown(node)}')
        return 0, 0
    start, end = (int(t[:2]) * 60 + int(t[3:]) for t in found)
    return start, end


def _attributes(kind: Kind, node: yaml.Node, scope: Scope) -> tuple[tuple[str, Any], ...]:
    """Key → wanted value, list of values, or {at_least: n} and the like."""
    if isinstance(node, yaml.ScalarNode) and scalar(node) in ("any", None):
        return ()
    return tuple((key, plain(value)) for key, value in entries(node, scope.problems, "attributes and their wanted values"))


def _hold(kind: Kind, node: yaml.Node, scope: Scope) -> tuple[str | None, float]:
    found = known_entries(node, ("announced_by", "quiet_s"), (), scope.problems, "holds")
    name = _phrase_names(kind, found["announced_by"], scope)[0] if "announced_by" in found else None
    quiet = _number(kind, found["quiet_s"], scope) if "quiet_s" in found else 8.0
    return name, quiet


def _sources(kind: Kind, node: yaml.Node, scope: Scope) -> tuple[tuple[str, Any], ...]:
    """("spans", expression), ("field", path) or ("slot", name)."""
    found: list[tuple[str, Any]] = []
    for item in items(node, scope.problems, "a list of sources"):
        told = dict(entries(item, scope.problems, "{phrase: …}, {field: …} or {slot: …}"))
        if "field" in told:
            found.append(("field", _text(kind, told["field"], scope)))
        elif "slot" in told:
            name = _text(kind, told["slot"], scope)
            if name not in scope.slots:
                scope.problems.at(told["slot"], f"no slot {name!r}{nearest(name, scope.slots)}")
            found.append(("slot", name))
        else:
            found.append(("spans", parse_spans(item, scope)))
    return tuple(found)


def _date(kind: Kind, node: yaml.Node, scope: Scope) -> date:
    try:
        return date.fromisoformat(str(plain(node)))
    except ValueError:
        scope.problems.at(node, f"expected a date such as 2025-01-31, found {shown(node)}")
        return date.min


def _value(kind: Kind, node: yaml.Node, scope: Scope) -> Any:
    return plain(node)


def _values(kind: Kind, node: yaml.Node, scope: Scope) -> tuple[Any, ...]:
    return tuple(plain(item) for item in items(node, scope.problems))


def _conditions(kind: Kind, node: yaml.Node, scope: Scope) -> tuple[Expression, ...]:
    if isinstance(node, yaml.ScalarNode | yaml.MappingNode):
        return (parse_condition(node, scope),)
    return tuple(parse_condition(item, scope) for item in items(node, scope.problems, "a list of conditions"))


def _spans_list(kind: Kind, node: yaml.Node, scope: Scope) -> tuple[Expression, ...]:
    return tuple(parse_spans(item, scope) for item in items(node, scope.problems, "a list of occasions"))


_PARSERS: dict[str, Callable[[Kind, yaml.Node, Scope], Any]] = {
    "number": _number,
    "whole": _whole,
    "flag": _flag,
    "choice": _choice,
    "text": _text,
    "texts": _texts,
    "phrases": _phrases,
    "phrase_names": _phrase_names,
    "measure": _measure,
    "pick": _pick,
    "clock_range": _clock_range,
    "attributes": _attributes,
    "fields": _attributes,
    "hold": _hold,
    "sources": _sources,
    "date": _date,
    "value": _value,
    "values": _values,
    "conditions": _conditions,
    "condition": lambda kind, node, scope: parse_condition(node, scope),
    "spans": lambda kind, node, scope: parse_spans(node, scope),
    "spans_list": _spans_list,
}
