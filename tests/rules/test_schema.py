"""The JSON Schema for editors takes every pack that the reader takes, and points at what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from qa_pipeline import shipped
from qa_pipeline.rules.grammar import CONDITIONS, SPANS
from qa_pipeline.rules.schema import pack_schema

FILES = sorted(p for p in shipped.packs().rglob("*.yaml") if p.name != "clauses.yaml")
RULE = {"id": "r", "title": "规则", "weight": 10, "when": "call", "expect": {"said": "hello"}}


def problems(told: Any) -> list[str]:
    validator = Draft202012Validator(pack_schema())
    return [str(e.json_path) for e in validator.iter_errors(json.loads(json.dumps(told, default=str)))]


def pack(**changed: Any) -> dict[str, Any]:
    """A pack of one rule, that rule changed."""
    return {"pack": "p", "title": "试", "phrases": {"hello": {"say": ["您好"]}}, "rules": [RULE | changed]}


def test_it_is_a_schema_itself() -> None:
    Draft202012Validator.check_schema(pack_schema())


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_it_takes_every_shipped_file(path: Path) -> None:
    assert problems(yaml.safe_load(path.read_text("utf-8"))) == []


def test_the_shipped_files_are_all_there() -> None:
    assert {"etiquette.yaml", "phrases.yaml", "calls.yaml", "titles.yaml"} <= {p.name for p in FILES}


@pytest.mark.parametrize(
    "changed",
    [
        {"wieght": 10},
        {"weight": "ten"},
        {"status": "life"},
        {"when": {"trun": "agent"}},
        {"when": {"turns": "nobody"}},
        {"when": {"turns": "agent", "nth": 0}},
        {"when": {"phrase": "hello", "befor": "call"}},
        {"when": {"holds": {"announced": "hello"}}},
        {"expect": {"sayd": "hello"}},
        {"expect": {"said": {"amy": ["hello"]}}},
        {"expect": {"said": "hello", "after": 5}},
        {"expect": {"measure": "ring_seconds", "at_most": 3}},
        {"expect": {"clock": ["23", "06:00"]}},
        {"expect": {"all": [{"never_sayd": "hello"}]}},
        {"expect": {"every_value": {"phrase": "hello"}, "from": [{"felid": "room"}]}},
        {"examples": {"passes": ["A 您好"]}},
    ],
    ids=str,
)
def test_a_slip_of_the_pen_is_pointed_at(changed: dict[str, Any]) -> None:
    assert problems(pack(**changed)) != []


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"when": {"phrase": ["hello"], "by": "customer", "nth": 2, "if": {"not": {"said": "hello"}}}},
        {"expect": {"said": {"any": ["hello"]}, "next_turns": 1}},
        {"expect": [{"said": "hello"}, {"ended_by": "customer"}]},
        {"expect": {"every_value": {"phrase": "hello"}, "from": [{"field": "room"}, {"phrase": "hello", "by": "customer"}]}},
        {"unless": ["cut_off", {"field": "answered", "is": False}]},
    ],
    ids=str,
)
def test_what_may_be_said_is_let_through(changed: dict[str, Any]) -> None:
    assert problems(pack(**changed)) == []


def test_a_misspelt_key_of_the_pack_or_of_a_phrase_is_pointed_at() -> None:
    assert problems(pack() | {"phrase": {}}) == ["$"]
    assert problems(pack() | {"phrases": {"hello": {"says": ["您好"]}}}) != []
    assert problems(pack() | {"phrases": {"hello": {"say": ["您好"], "rungs": ["exakt"]}}}) == ["$.phrases.hello.rungs[0]"]


def test_every_operator_is_in_it_with_its_meaning() -> None:
    for part, operators in (("spans", SPANS), ("condition", CONDITIONS)):
        told = pack_schema()["$defs"][part]["oneOf"][1:]
        assert [one["required"] for one in told] == [[name] for name in operators]
        assert all(one["description"] for one in told)
