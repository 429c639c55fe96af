"""Our own form: its JSON Schema is valid and agrees with what is checked; what no schema can say is checked too."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from qa_pipeline.forms.call import FORM, is_wall_time, problems_of

WHOLE: dict[str, Any] = {
    **{"call_id": "a", "started_at": "2024-05-20T09:00:00+08:00", "pack": None, "agent_id": 6001, "answered": True},
    **{"answered_ms": -300, "ended_ms": 9000, "ring_ms": 0, "n_channels": 2, "hangup_by": "customer", "end_reason": "normal"},
    "turns": [
        {"speaker": "agent", "start_ms": 0, "end_ms": 900, "text": "您好", "char_ms": [0, None], "confidence": 0.9},
        {"speaker": "unknown", "start_ms": 900, "end_ms": 900, "text": "", "addressee": "colleague", "agent_id": None},
    ],
    "holds": [{"start_ms": 1, "end_ms": None, "why": "查询"}],
    "transfers": [{"at_ms": None, "target": "工程部"}],
    "events": [{"kind": "noise", "start_ms": 1, "end_ms": 2, "channel": "agent", "value": -3.5, "label": "impact"}],
    **{"measured": ["tones"], "fields": {"crm": "new", "deep": {"er": [1]}}, "flags": ["x"], "asr": "其他"},
}
ODD: list[Any] = [None, True, -1, 0, 1.5, 2**40, "", "x", [], [1], {}, {"kind": 1}]


def said(**told: Any) -> list[str]:
    return [str(wrong) for wrong in problems_of({**WHOLE, **told})]


def turn(**told: Any) -> dict[str, Any]:
    return {"speaker": "agent", "start_ms": 0, "end_ms": 900, "text": "您好", **told}


def test_the_schema_is_one_and_takes_the_whole_form() -> None:
    Draft202012Validator.check_schema(FORM)
    assert list(Draft202012Validator(FORM).iter_errors(WHOLE)) == []
    assert said() == []


places = st.one_of(
    st.tuples(st.sampled_from(sorted(FORM["properties"]))),
    st.tuples(st.just("turns"), st.just(0), st.sampled_from(sorted(FORM["properties"]["turns"]["items"]["properties"]))),
    st.tuples(st.just("events"), st.just(0), st.sampled_from(sorted(FORM["properties"]["events"]["items"]["properties"]))),
    st.tuples(st.just("holds"), st.just(0), st.sampled_from(["start_ms", "end_ms"])),
)


@given(places, st.sampled_from([*ODD, ...]))
def test_nothing_that_the_schema_refuses_is_taken_in(place: tuple[Any, ...], odd: Any) -> None:
    told = copy.deepcopy(WHOLE)
    inside = told
    for step in place[:-1]:
        inside = inside[step]
    if odd is ...:
        inside.pop(place[-1], None)
    else:
        inside[place[-1]] = odd
    refused = [e.json_path for e in Draft202012Validator(FORM).iter_errors(told)]
    assert bool(problems_of(told)) >= bool(refused), refused
    if not refused:  # what we refuse beyond it, we refuse for one of these
        beyond = ("ends before it starts", "a time for each", "rising order", "date and time", "expected a text, found ''")
        assert all(any(b in str(p) for b in beyond) for p in problems_of(told))


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            {"turns": [turn(start_ms=901)]},
            "turns[0].end_ms: expected at least start_ms (901); it ends before it starts, found 900",
        ),
        (
            {"holds": [{"start_ms": 5, "end_ms": 4}]},
            "holds[0].end_ms: expected at least start_ms (5); it ends before it starts",
        ),
        ({"events": [{"kind": "ring", "start_ms": 5, "end_ms": 4}]}, "events[0].end_ms: expected at least start_ms (5)"),
        ({"turns": [turn(char_ms=[1])]}, "turns[0].char_ms: expected a time for each of the 2 characters, found 1 times"),
        ({"turns": [turn(char_ms=[5, 1])]}, "turns[0].char_ms: expected times in rising order"),
        ({"turns": [turn(end_ms=2.6)]}, "turns[0].end_ms: expected whole milliseconds, 0 or more, found 2.6"),
        ({"turns": [turn(speaker="boss")]}, "turns[0].speaker: expected one of agent, customer, ivr, unknown, found 'boss'"),
        ({"turns": [turn(confidnce=1)]}, "turns[0]: expected confidence, found 'confidnce'"),
        ({"hangup_byy": "agent", "hangup_by": "agent"}, None),
        ({"ring_s": 3}, None),
        ({"started_at": "soon"}, "started_at: expected a date and time such as 2024-05-14T09:30:00, found 'soon'"),
        ({"ended_ms": 1716166800000}, "ended_ms: expected whole milliseconds, 0 or more, found 1716166800000"),
    ],
)
def test_what_is_wrong_is_said_where_it_is(told: dict[str, Any], message: str | None) -> None:
    assert [m.startswith(message) for m in said(**told)] == [True] if message else said(**told) == []


def test_a_slip_of_a_key_is_named() -> None:
    told = {k: v for k, v in WHOLE.items() if k != "ring_ms"}
    assert [str(p) for p in problems_of({**told, "ring_s": 3})] == ["expected ring_ms, found 'ring_s'"]


def test_an_unanswered_call_needs_no_turns_and_an_answered_one_does() -> None:
    told = {k: v for k, v in WHOLE.items() if k != "turns"}
    assert problems_of({**told, "answered": False}) == []
    for answered in (True, None):
        assert [str(p) for p in problems_of({**told, "answered": answered})] == ["turns: expected a list, found none"]


def test_an_empty_list_of_character_times_is_none() -> None:
    assert said(turns=[turn(char_ms=[])]) == []


@pytest.mark.parametrize("text", ["2024-05-20T09:00:00", "2024-05-20 09:00", "2024-05-20T09:00:00.5+08:00", "20240520090000"])
def test_wall_times_have_a_date_and_a_time_of_day(text: str) -> None:
    assert is_wall_time(text)


@pytest.mark.parametrize(
    "text", ["", "soon", "2024-05-20", "20240520", "2024-13-20T09:00:00", "0001-01-01T00:00:00+14:00", "09:00"]
)
def test_half_a_wall_time_is_none(text: str) -> None:
    assert not is_wall_time(text)
