"""The rule language as JSON Schema, for editors that complete and check YAML while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qa_pipeline.rules.grammar import (
    BUILT_IN_SPANS,
    CONDITIONS,
    NEEDED,
    PACK_KEYS,
    PHRASE_KEYS,
    RULE_KEYS,
    SPANS,
    Kind,
    Operator,
)
from qa_pipeline.rules.measures import MEASURES
from qa_pipeline.rules.pack import RUNGS, VERDICTS

Schema = dict[str, Any]
NUMBER: Schema = {"type": "number"}
TEXT: Schema = {"type": "string"}
TEXTS: Schema = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": ["string", "number"]}}]}
ANYTHING: Schema = {}
MAPPING: Schema = {"type": "object"}
SPANS_REF, CONDITION_REF = {"$ref": "#/$defs/spans"}, {"$ref": "#/$defs/condition"}

_FORMS: Mapping[str, Callable[[Kind], Schema]] = {
    "number": lambda kind: NUMBER,
    "whole": lambda kind: {"type": "integer", "minimum": 0},
    "flag": lambda kind: {"type": "boolean"},
    "choice": lambda kind: {"enum": list(kind.choices)},
    "text": lambda kind: {"type": ["string", "number"]},
    "texts": lambda kind: TEXTS,
    "phrases": lambda kind: {"oneOf": [*TEXTS["oneOf"], _one_of({"any": TEXTS}, {"all": TEXTS})]},
    "phrase_names": lambda kind: TEXTS,
    "measure": lambda kind: {"enum": sorted(MEASURES)},
    "pick": lambda kind: {"oneOf": [{"enum": list(kind.choices)}, {"type": "integer", "minimum": 1}]},
    "clock_range": lambda kind: {
        "type": "array",
        "items": {"type": "string", "pattern": r"^\d\d:\d\d$"},
        "minItems": 2,
        "maxItems": 2,
    },
    "attributes": lambda kind: {"oneOf": [{"enum": ["any"]}, MAPPING]},
    "fields": lambda kind: MAPPING,
    "hold": lambda kind: {
        "type": "object",
        "properties": {"announced_by": TEXT, "quiet_s": NUMBER},
        "additionalProperties": False,
    },
    "sources": lambda kind: {"type": "array", "items": {"anyOf": [_one_of({"field": TEXT}, {"slot": TEXT}), SPANS_REF]}},
    "date": lambda kind: {"type": "string", "format": "date"},
    "value": lambda kind: ANYTHING,
    "values": lambda kind: {"type": "array"},
    "conditions": lambda kind: {"oneOf": [CONDITION_REF, {"type": "array", "items": CONDITION_REF}]},
    "condition": lambda kind: {"oneOf": [CONDITION_REF, {"type": "array", "items": CONDITION_REF}]},
    "spans": lambda kind: SPANS_REF,
    "spans_list": lambda kind: {"type": "array", "items": SPANS_REF},
    "examples": lambda kind: {"type": "object", "properties": {v: TEXTS for v in VERDICTS}, "additionalProperties": False},
}


def _one_of(*choices: Schema) -> Schema:
    """An object with one key, of one of the choices."""
    merged = {key: value for choice in choices for key, value in choice.items()}
    return {"type": "object", "properties": merged, "additionalProperties": False, "minProperties": 1, "maxProperties": 1}


def _schema(kind: Kind) -> Schema:
    made = dict(_FORMS[kind.form](kind))
    return {**made, "description": kind.help} if kind.help and "$ref" not in made else made


def _operator(operator: Operator) -> Schema:
    keys = {operator.name: operator.argument, **operator.beside}
    return {
        "type": "object",
        "description": operator.help,
        "properties": {name: _schema(kind) for name, kind in keys.items()},
        "required": [operator.name],
        "additionalProperties": False,
    }


def _object(keys: Mapping[str, Kind], needed: tuple[str, ...] = ()) -> Schema:
    properties = {name: _schema(kind) for name, kind in keys.items()}
    return {"type": "object", "properties": properties, "required": list(needed), "additionalProperties": False}


def pack_schema() -> Schema:
    """Draft 2020-12 JSON Schema of a pack file and of a shared file."""
    phrase = _object(PHRASE_KEYS, ("say",))
    phrase["properties"]["rungs"] = {"type": "array", "items": {"enum": list(RUNGS)}}
    named = {
        "pack": TEXT,
        "title": TEXT,
        "titles": {"type": "object", "additionalProperties": TEXT},
        "slots": {"type": "object", "additionalProperties": TEXTS},
        "phrases": {"type": "object", "additionalProperties": phrase},
        "occasions": {"type": "object", "additionalProperties": SPANS_REF},
        "conditions": {"type": "object", "additionalProperties": _schema(Kind("condition"))},
        "sections": {"type": "object", "additionalProperties": TEXT},
        "applies": MAPPING,
        "rules": {"type": "array", "items": {"$ref": "#/$defs/rule"}},
    }
    names = ", ".join(f"{name}: {what}" for name, what in BUILT_IN_SPANS.items())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Rule pack",
        "type": "object",
        "properties": {key: named[key] for key in PACK_KEYS},
        "additionalProperties": False,
        "$defs": {
            "rule": _object(RULE_KEYS, NEEDED),
            "spans": {
                "oneOf": [{"type": "string", "description": f"an occasion's name, or {names}"}, *map(_operator, SPANS.values())]
            },
            "condition": {
                "oneOf": [{"type": "string", "description": "a condition's name"}, *map(_operator, CONDITIONS.values())]
            },
        },
    }
