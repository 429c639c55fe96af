"""Legs: one for each stretch in which one agent serves the customer."""

from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.model import Leg, Span, Speaker, Turn
from qa_pipeline.recordings.legs import SpokenBy, split_legs

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
