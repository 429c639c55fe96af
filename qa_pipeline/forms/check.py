"""A JSON value against the part of JSON Schema that our forms are written in; all problems at once, each with its path."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from qa_pipeline.errors import QaError

Schema = Mapping[str, Any]
TYPES: Mapping[str, type | tuple[type, ...]] = {
    **{"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)},
    **{"integer": int, "number": (int, float)},
}
NAMES = {"object": "an object", "array": "a list", "string": "a text", "boolean": "true or false", "null": "null"}
SHOWN = 12
"""Problems of one call that are spelt out."""
SAME_WORD = 0.85
"""From this likeness on an unknown key is taken for a slip of a known one."""


@dataclass(frozen=True)
class Wrong:
    """path: inside the object, such as turns[3].end_ms; empty for the object itself."""

    path: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.path}{': ' if self.path else ''}expected {self.expected}, found {self.found}"


class FormError(QaError):
    """Everything that is wrong with one object."""

    def __init__(self, problems: Iterable[Wrong | str]) -> None:
        told = [str(problem) for problem in problems]
        more = [f"and {len(told) - SHOWN} more problems"] if len(told) > SHOWN else []
        super().__init__("; ".join(told[:SHOWN] + more))


def check(value: Any, schema: Schema, path: str = "") -> list[Wrong]:
    """Type, enum, bounds and lengths, then what is inside. A `title` says what is expected in the reader's words."""
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    if kinds and not any(_is(value, kind) for kind in kinds):
        return [Wrong(path, expected(schema), shown(value))]
    if not _within(value, schema):
        return [Wrong(path, expected(schema), shown(value))]
    if isinstance(value, list) and "items" in schema:
        return [wrong for i, item in enumerate(value) for wrong in check(item, schema["items"], f"{path}[{i}]")]
    return _inside(value, schema, path) if isinstance(value, dict) else []


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _within(value: Any, schema: Schema) -> bool:
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, list):
        return len(value) >= int(schema.get("minItems", 0))
    if isinstance(value, str):
        return len(value.strip()) >= int(schema.get("minLength", 0))
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum"), schema.get("maximum")
        return not ((low is not None and value < low) or (high is not None and value > high))
    return True


def _inside(value: dict[str, Any], schema: Schema, path: str) -> list[Wrong]:
    known = schema.get("properties", {})
    at = {name: f"{path}.{name}" if path else name for name in {**known, **value}}
    found = [Wrong(at[n], expected(known.get(n, {})), "none") for n in schema.get("required", ()) if n not in value]
    for name, item in value.items():
        if name in known:
            found += check(item, known[name], at[name])
        elif slip := difflib.get_close_matches(name, [k for k in known if k not in value], 1, SAME_WORD):
            found.append(Wrong(path, slip[0], f"{name!r}"))
    return found


def expected(schema: Schema) -> str:
    if "title" in schema:
        return str(schema["title"])
    if "enum" in schema:
        return f"one of {', '.join(str(v) for v in schema['enum'] if v is not None)}"
    kinds = [schema["type"]] if isinstance(schema.get("type"), str) else schema.get("type", [])
    return " or ".join(NAMES.get(kind, "a number") for kind in kinds if kind != "null") or "a value"


def shown(value: Any) -> str:
    """Of a value, enough to find it by."""
    if isinstance(value, dict | list):
        return f"{NAMES['object' if isinstance(value, dict) else 'array']} of {len(value)}"
    text = "null" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
