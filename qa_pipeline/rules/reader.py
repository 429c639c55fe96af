"""YAML with places: values read as a rule owner means them, and every problem of a file gathered with line and column.

`no` is a word, `12:30` a time, `0123` a number to call: plain scalars become numbers, true/false or text, nothing else.
Anchors and aliases are refused: packs name what they share, and a nest of aliases could grow without bound.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FULL_WIDTH = {"：": ":", "，": ",", "（": "(", "）": ")", "；": ";", "“": '"', "”": '"'}
NUMBER = re.compile(r"[-+]?(0|[1-9]\d*)(\.\d+)?")
DEEPEST = 40


LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml's where it is built in: four times as fast."""


def _compose(text: str) -> yaml.Node | None:
    """As `yaml.compose`, without tags, which nobody asks for, and without aliases.

    Raises MarkedYAMLError, with its place, on what is no YAML, on an alias, and on nesting that no pack needs.
    """
    root: yaml.Node | None = None
    opened: list[yaml.CollectionNode] = []  # the innermost last
    for event in yaml.parse(text, Loader=LOADER):
        if isinstance(event, yaml.CollectionEndEvent):
            _close(opened.pop())
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event)
            if opened:
                opened[-1].value.append(node)
            elif root is not None:
                raise yaml.MarkedYAMLError(problem="a second document begins; a file is one", problem_mark=node.start_mark)
            else:
                root = node
            if isinstance(node, yaml.CollectionNode):
                opened.append(node)
            if len(opened) > DEEPEST:
                raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=node.start_mark)
    return root


def _node(event: yaml.NodeEvent) -> yaml.Node:
    start: Any = event.start_mark
    end: Any = event.end_mark
    if isinstance(event, yaml.ScalarEvent):
        return yaml.ScalarNode("", event.value, start, end, event.style)
    if isinstance(event, yaml.MappingStartEvent):
        return yaml.MappingNode("", [], start, end, event.flow_style)
    if isinstance(event, yaml.SequenceStartEvent):
        return yaml.SequenceNode("", [], start, end, event.flow_style)
    raise yaml.MarkedYAMLError(problem="packs have no aliases (*name); name a phrase or an occasion", problem_mark=start)


def _close(node: yaml.CollectionNode) -> None:
    """A mapping's keys and values, which came one by one, as pairs."""
    if isinstance(node, yaml.MappingNode):
        node.value = list(zip(node.value[::2], node.value[1::2], strict=True))


@dataclass
class Problems:
    """What is wrong with a file, in the order of its lines."""

    file: str
    found: list[tuple[int, int, str]] = field(default_factory=list)

    def at(self, node: yaml.Node | None, said: str) -> None:
        mark = node.start_mark if node is not None else None
        self.found.append((mark.line + 1, mark.column + 1, said) if mark else (1, 1, said))

    def lines(self) -> list[str]:
        return [f"{self.file}:{line}:{column}: {said}" for line, column, said in sorted(dict.fromkeys(self.found))]


def compose(path: Path, problems: Problems) -> yaml.Node | None:
    """The file's root node; None, with the problem noted, where it is no YAML."""
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as wrong:
        problems.found.append((1, 1, f"not UTF-8 text (byte {wrong.start}); save the file as UTF-8"))
        return None
    try:
        return _compose(text)
    except yaml.MarkedYAMLError as wrong:
        mark = wrong.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problems.found.append((line, column, f"not valid YAML: {wrong.problem or wrong}{_typing_hint(text, line)}"))
    except (yaml.YAMLError, RecursionError, ValueError) as wrong:
        problems.found.append((1, 1, f"not valid YAML: {str(wrong).splitlines()[0]}"))
    return None


def _typing_hint(text: str, line: int) -> str:
    """Full-width marks typed on a Chinese keyboard break YAML on the line itself or show on the next one."""
    lines = text.splitlines()
    for number in (line, line - 1):
        if 0 < number <= len(lines):
            bare = re.sub(r"\"[^\"]*\"|'[^']*'", "", lines[number - 1])
            if wide := [c for c in bare if c in FULL_WIDTH]:
                return (
                    f". Line {number} has full-width {wide[0]}: YAML wants {FULL_WIDTH[wide[0]]!r} (or put the words in quotes)"
                )
    return ""


def _is_plain(node: yaml.Node) -> bool:
    """Whether a scalar stands there without quotes (the two loaders write that differently)."""
    return getattr(node, "style", None) in (None, "")


def scalar(node: yaml.Node) -> Any:
    """A quoted scalar is text; a plain one a number, true, false, null where it is empty or `null`, else text."""
    text: str = node.value
    if not _is_plain(node):
        return text
    if text in ("", "~", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text


def plain(node: yaml.Node) -> Any:
    """The node as plain Python values."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    return scalar(node)


def shown(node: yaml.Node) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(scalar(node))
    return "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"


def entries(node: yaml.Node | None, problems: Problems, what: str = "`key: value` lines") -> Iterator[tuple[str, yaml.Node]]:
    """Key and value nodes of a mapping, each key once."""
    if node is None or (isinstance(node, yaml.ScalarNode) and scalar(node) is None):
        return
    if not isinstance(node, yaml.MappingNode):
        problems.at(node, f"expected {what}, found {shown(node)}")
        return
    seen: dict[str, int] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            problems.at(key, f"expected a word as the key, found {shown(key)}")
            continue
        name = str(key.value)
        if name in seen:
            problems.at(key, f"{name} is given twice; the first stands in line {seen[name]}")
            continue
        seen[name] = key.start_mark.line + 1
        if wide := [c for c in name if c in FULL_WIDTH]:
            problems.at(key, f"the key {name!r} holds a full-width {wide[0]}; YAML wants {FULL_WIDTH[wide[0]]!r} and a space")
        yield name, value


def known_entries(
    node: yaml.Node | None, known: Iterable[str], needed: Iterable[str], problems: Problems, what: str
) -> dict[str, yaml.Node]:
    """Entries with their keys checked: unknown ones with the nearest known, missing ones named."""
    names, found = list(known), {}
    for key, value in entries(node, problems):
        if key in names:
            found[key] = value
        else:
            problems.at(value, f"{what} has no key {key!r}{nearest(key, names)}")
    for key in needed:
        if key not in found:
            problems.at(node, f"{what} lacks {key!r}")
    return found


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name."""
    names = list(known)
    close = difflib.get_close_matches(word, names, 1, 0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(sorted(names)[:30]) or 'none'}"


def items(node: yaml.Node | None, problems: Problems, what: str = "a list") -> list[yaml.Node]:
    if node is None:
        return []
    if not isinstance(node, yaml.SequenceNode):
        problems.at(node, f"expected {what}, found {shown(node)}")
        return []
    return list(node.value)


def texts(node: yaml.Node | None, problems: Problems, one: bool = False) -> tuple[str, ...]:
    """Words: a list, or with `one` a single one as well. A comma typed full-width inside a plain item is pointed out."""
    if node is None:
        return ()
    nodes = [node] if one and isinstance(node, yaml.ScalarNode) else [n for n in items(node, problems, "a list of words")]
    found, flow = [], isinstance(node, yaml.SequenceNode) and node.flow_style
    for item in nodes:
        value = scalar(item) if isinstance(item, yaml.ScalarNode) else None
        if isinstance(value, bool) or value is None:
            problems.at(item, f"expected words, found {shown(item)}; put them in quotes")
        else:
            if flow and _is_plain(item) and "，" in item.value:
                problems.at(item, f"{item.value!r} holds a full-width ，: separate words with ', ' or put the words in quotes")
            found.append(str(item.value))
    return tuple(found)
