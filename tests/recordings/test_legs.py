"""Legs: one for each stretch in which one agent serves the customer."""

from datetime import datetime
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.model import Call, Leg, Span, Speaker, Turn
from qa_pipeline.recordings.legs import SpokenBy, legs_on_record, split_legs

END = 60_000


def said(start_s: int, who: str, agent_id: str | None = None, to: str = "customer") -> SpokenBy:
    span = Span("c", start_s * 1000, start_s * 1000 + 900)
    return SpokenBy(Turn(span, start_s, 1, Speaker(who), "嗯", (span.start_ms,), addressee=to), agent_id)


def legs(*turns: SpokenBy, agent: str | None = "1", transfers: tuple[int, ...] = ()) -> list[tuple[str | None, int, int]]:
    found, _ = split_legs("c", turns, agent, "p", END, [s * 1000 for s in transfers])
    return [(leg.agent_id, leg.span.start_ms // 1000, leg.span.end_ms // 1000) for leg in found]


def leg_of_turns(*turns: SpokenBy, **more: Any) -> list[int]:
    return [turn.leg for turn in split_legs("c", turns, "1", "p", END, **more)[1]]


def test_a_call_in_which_nobody_speaks_is_one_leg_of_its_agent() -> None:
    assert legs() == [("1", 0, 60)]


def test_an_agent_who_speaks_throughout_has_one_leg() -> None:
    assert legs(said(1, "agent", "1"), said(3, "customer"), said(5, "agent")) == [("1", 0, 60)]


def test_another_agent_opens_a_leg_with_the_first_words_to_the_customer() -> None:
    assert legs(said(1, "agent", "1"), said(9, "agent", "2")) == [("1", 0, 9), ("2", 9, 60)]


def test_a_transfer_on_record_opens_the_leg_that_it_leads_to() -> None:
    assert legs(said(1, "agent", "1"), said(9, "agent", "2"), transfers=(4,)) == [("1", 0, 4), ("2", 4, 60)]


def test_of_two_transfers_the_one_that_led_to_the_agent_counts() -> None:
    assert legs(said(1, "agent", "1"), said(9, "agent", "2"), transfers=(4, 7)) == [("1", 0, 7), ("2", 7, 60)]


def test_a_transfer_that_nobody_answers_opens_no_leg() -> None:
    assert legs(said(1, "agent", "1"), said(20, "agent", "1"), transfers=(4,)) == [("1", 0, 60)]


def test_a_transfer_after_the_words_opens_nothing_before_them() -> None:
    assert legs(said(1, "agent", "1"), said(9, "agent", "2"), transfers=(30,)) == [("1", 0, 9), ("2", 9, 60)]


def test_who_comes_back_has_a_leg_more() -> None:
    found = legs(said(1, "agent", "1"), said(9, "agent", "2"), said(20, "agent", "1"))
    assert found == [("1", 0, 9), ("2", 9, 20), ("1", 20, 60)]


def test_words_to_a_colleague_open_no_leg() -> None:
    assert legs(said(1, "agent", "1"), said(9, "agent", "2", to="colleague"), said(12, "agent", "1")) == [("1", 0, 60)]


def test_the_only_agent_who_speaks_has_the_call_whomever_the_record_names() -> None:
    assert legs(said(3, "agent", "2"), agent="1") == [("2", 0, 60)]
    assert legs(said(3, "agent", "2"), said(9, "agent", "3"), agent=None) == [("2", 0, 9), ("3", 9, 60)]


def test_a_customer_or_an_announcement_with_an_id_opens_no_leg() -> None:
    assert legs(said(1, "agent"), said(3, "customer", "7"), said(5, "ivr", "8"), said(7, "unknown", "9")) == [("1", 0, 60)]


def test_each_turn_lies_in_the_leg_of_its_time_in_the_order_given() -> None:
    turns = [said(12, "customer"), said(1, "agent", "1"), said(9, "agent", "2"), said(5, "customer")]
    assert leg_of_turns(*turns) == [2, 1, 2, 1]
    assert leg_of_turns(*turns, transfers_ms=[4000]) == [2, 1, 2, 2]


turns = st.builds(
    said,
    st.integers(0, 70),
    st.sampled_from(["agent", "customer", "ivr"]),
    st.sampled_from([None, "1", "2"]),
    st.sampled_from(["customer", "colleague"]),
)


@given(st.lists(turns, max_size=8), st.lists(st.integers(-5, 80).map(lambda s: s * 1000), max_size=3))
def test_legs_follow_each_other_without_gaps_and_hold_every_turn(told: list[SpokenBy], transfers: list[int]) -> None:
    found, placed = split_legs("c", told, "1", "p", END, transfers)
    assert [leg.leg for leg in found] == list(range(1, len(found) + 1))
    assert found[0].span.start_ms == 0
    assert [leg.span.start_ms for leg in found[1:]] == [leg.span.end_ms for leg in found[:-1]]
    assert all(a.agent_id != b.agent_id for a, b in pairwise(found))
    by_number: dict[int, Leg] = {leg.leg: leg for leg in found}
    assert all(by_number[t.leg].span.start_ms <= t.span.start_ms for t in placed)


def on_record(*transfers: dict[str, Any], agent: str | None = "1", **call: Any) -> list[tuple[Any, ...]]:
    packs = {("220", None): "desk", ("6000", None): "hotel", (None, "工程部"): "repairs", (None, None): "etiquette"}
    told = Call("c", datetime(2024, 5, 14), END, fields={"transfers": list(transfers)}, **{"called_number": "220", **call})
    found = legs_on_record(told, agent, lambda number, department: packs.get((number, department), "etiquette"))
    times = [(leg.agent_id, leg.span.start_ms // 1000, leg.span.end_ms // 1000, leg.pack) for leg in found]
    return [(*t, leg.transfer_target, leg.transfer_result) for t, leg in zip(times, found, strict=True)]


def to(agent_id: str | None = None, at_s: int = 20, **more: Any) -> dict[str, Any]:
    told = {"at_ms": at_s * 1000, "target": agent_id, "result": "answered", "agent_id": agent_id, **more}
    return {k: v for k, v in told.items() if v is not None}


def test_a_recorded_call_without_transfers_is_one_leg() -> None:
    assert on_record() == [("1", 0, 60, "desk", None, None)]


def test_a_transfer_to_a_named_agent_opens_a_leg_of_its_targets_pack() -> None:
    first, second = on_record(to("2", target="6000"))
    assert first == ("1", 0, 20, "desk", "6000", "answered")
    assert second == ("2", 20, 60, "hotel", None, None)
    assert on_record(to("2", target="工程部", target_type="department"))[1][3] == "repairs"
    assert on_record(to("2", target="6001"))[1][3] == "desk"  # nothing is mapped for it: the call's own


def test_who_took_over_is_not_guessed_and_who_did_not_answer_has_no_leg() -> None:
    assert on_record(to(target="工程部")) == [("1", 0, 60, "desk", "工程部", "answered")]
    assert on_record(to("2", result="no_answer")) == [("1", 0, 60, "desk", "2", "no_answer")]
    assert len(on_record(to("1"))) == 1


def test_a_call_that_wanders_has_a_leg_for_each_and_the_last_try_of_each() -> None:
    told = on_record(to("2", 10, result="busy"), to("3", 20), to("1", 40), agent="1")
    assert [t[:3] for t in told] == [("1", 0, 20), ("3", 20, 40), ("1", 40, 60)]
    assert [t[4:] for t in told] == [("3", "answered"), ("1", "answered"), (None, None)]


def test_transfers_outside_the_recording_or_without_a_time_open_nothing() -> None:
    assert len(on_record(to("2", 0), to("3", 60), {"agent_id": "4", "target": "4"})) == 1


@given(st.lists(st.builds(to, st.sampled_from(["1", "2", "3"]), st.integers(-5, 70)), max_size=5))
def test_legs_on_record_follow_each_other_without_gaps(transfers: list[dict[str, Any]]) -> None:
    told = on_record(*transfers)
    assert told[0][1] == 0 and told[-1][2] == 60
    assert all(a[2] == b[1] and a[0] != b[0] for a, b in pairwise(told))
