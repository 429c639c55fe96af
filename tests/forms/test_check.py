"""The checker: every problem at once, each with its path, and nothing said about what is right."""

from typing import Any

import pytest

from qa_pipeline.forms.check import FormError, Wrong, check

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": ["string", "integer"], "minLength": 1, "title": "an id"},
        "side": {"enum": ["left", "right", None]},
        "share": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "whole": {"type": "integer"},
        "yes": {"type": "boolean"},
        "inside": {"type": "array", "items": {"type": "object", "properties": {"ms": {"type": "integer"}}, "required": ["ms"]}},
    },
    "required": ["id"],
}


def said(**told: Any) -> list[str]:
    return [str(wrong) for wrong in check({"id": "a", **told}, SCHEMA)]


@pytest.mark.parametrize(
    "told",
    [
        *({}, {"id": 7}, {"side": None}, {"side": "left"}, {"share": 0}, {"share": 1.0}, {"share": None}, {"yes": False}),
        *({"inside": []}, {"inside": [{"ms": 1}]}, {"something else": 1}),
    ],
)
def test_what_fits_is_not_spoken_of(told: dict[str, Any]) -> None:
    assert said(**told) == []


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"id": "  "}, "id: expected an id, found '  '"),
        ({"id": True}, "id: expected an id, found true"),
        ({"side": "up"}, "side: expected one of left, right, found 'up'"),
        ({"side": ["left"]}, "side: expected one of left, right, found a list of 1"),
        ({"share": 1.5}, "share: expected a number, found 1.5"),
        ({"share": -1}, "share: expected a number, found -1"),
        ({"share": True}, "share: expected a number, found true"),
        ({"whole": 1.5}, "whole: expected a number, found 1.5"),
        ({"whole": None}, "whole: expected a number, found null"),
        ({"yes": 1}, "yes: expected true or false, found 1"),
        ({"inside": {}}, "inside: expected a list, found an object of 0"),
        ({"inside": [{"ms": 1}, 2]}, "inside[1]: expected an object, found 2"),
        ({"inside": [{}]}, "inside[0].ms: expected a number, found none"),
        ({"inside": [{"ms": "1"}]}, "inside[0].ms: expected a number, found '1'"),
        ({"shares": 1}, "expected share, found 'shares'"),
        ({"side": "x" * 99}, "side: expected one of left, right, found '" + "x" * 56 + "…"),
    ],
)
def test_a_problem_says_where_what_was_expected_and_what_is_there(told: dict[str, Any], message: str) -> None:
    assert said(**told) == [message]


def test_a_slip_of_a_key_that_is_given_too_is_another_key() -> None:
    assert said(share=1, shares=1) == []


def test_all_problems_come_at_once() -> None:
    assert len(check({"share": 2, "yes": 0, "inside": [{}, {"ms": None}]}, SCHEMA)) == 5


def test_what_is_no_object_at_all_is_one_problem() -> None:
    assert check([1], SCHEMA) == [Wrong("", "an object", "a list of 1")]


def test_many_problems_are_counted_not_listed_for_ever() -> None:
    message = FormError(Wrong(f"turns[{i}]", "an object", "1") for i in range(50)).message
    assert message.startswith("turns[0]: expected an object, found 1; ") and message.endswith("; and 38 more problems")
    assert "more" not in FormError(["one", "two"]).message
