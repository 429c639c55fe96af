"""Who is the agent is checked against the words: swapped channels are known, and weak evidence changes nothing."""

import functools
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline import shipped
from qa_pipeline.model import Speaker
from qa_pipeline.rules.cues import role_patterns
from qa_pipeline.rules.pack import load_packs
from qa_pipeline.speech.listen import fill_in
from qa_pipeline.speech.roles import DOUBTFUL, SWAPPED, RoleCues, Roles, settle_roles
from tests.benchmarks.scripts import SCRIPTS

AGENT, CUSTOMER, UNKNOWN = Speaker.AGENT, Speaker.CUSTOMER, Speaker.UNKNOWN
GREETING = "您好，丽洁物业，工号三零零一，请问有什么可以帮您？"


@functools.cache
def cues() -> RoleCues:
    return RoleCues(**vars(role_patterns(load_packs(shipped.packs()).values())))


def settle(*said: str, agent: int | None = 0) -> Roles:
    """`0 text` or `1 text`: what is said on a channel."""
    return settle_roles([(int(one[0]), one[2:]) for one in said], agent, cues())


def test_an_agent_who_talks_like_one_on_his_channel_is_the_agent_by_the_settings() -> None:
    roles = settle("0 " + GREETING, "1 我要投诉", "0 请您稍等")
    assert (dict(roles.speakers), roles.source, roles.flags) == ({0: AGENT, 1: CUSTOMER}, "settings", ())


@pytest.mark.parametrize("agent", [0, 1])
def test_a_greeting_with_the_companys_words_on_the_customers_channel_is_a_swap(agent: int) -> None:
    other = 1 - agent
    roles = settle(f"{other} {GREETING}", f"{agent} 我要投诉", f"{other} 请您稍等", agent=agent)
    assert (roles.speakers[other], roles.speakers[agent]) == (AGENT, CUSTOMER)
    assert (roles.source, roles.flags) == ("words", (SWAPPED,))


@pytest.mark.parametrize("said", ["1 请您稍等", "1 让您久等了", "0 你们公司在哪里", "0 我要投诉"])
def test_a_single_cue_swaps_nothing(said: str) -> None:
    assert settle(said, "0 好的", "1 好的").source == "settings"


def test_a_customer_who_asks_for_the_company_is_no_agent() -> None:
    assert settle("0 喂", "1 您好，丽洁物业吗", "0 是的").source == "settings"
    assert settle("0 喂", "1 你好，请问是丽洁物业吗，我要投诉").source == "settings"


def test_words_that_contradict_each_other_leave_nobodys_role_certain() -> None:
    roles = settle("1 您好，丽洁物业", "0 喂", "0 您贵姓")
    assert (set(roles.speakers.values()), roles.source, roles.flags) == ({UNKNOWN}, "unknown", (DOUBTFUL,))


def test_without_words_or_cues_the_settings_stand() -> None:
    assert settle().source == "settings" == settle("0 嗯", "1 对").source
    assert settle_roles([(1, GREETING), (1, "请您稍等")], 0, RoleCues()).source == "settings"


def test_speakers_of_one_channel_are_told_by_their_words_where_one_clearly_is_the_agent() -> None:
    roles = settle("0 喂，我想问一下", "1 " + GREETING, "2 好", agent=None)
    assert (roles.speakers[1], roles.speakers[0], roles.source) == (AGENT, CUSTOMER, "words")
    assert settle("0 喂", "1 你好", agent=None).source == "unknown"
    assert set(settle("0 " + GREETING, agent=None).speakers.values()) == {UNKNOWN}


def scripted() -> list[tuple[str, list[tuple[int, str]]]]:
    found = []
    for folder in (SCRIPTS, SCRIPTS.with_name("scripts-more")):
        for path in sorted(folder.glob("*.yaml")):
            told = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
            if told["metadata"]["channels"] == 2:
                found.append((told["id"], [(int(t["role"] == "customer"), t["text"]) for t in told["turns"]]))
    return found


def test_no_scripted_call_is_taken_for_swapped_and_of_swapped_ones_most_are_known() -> None:
    calls = scripted()
    assert len(calls) > 200
    assert [call for call, said in calls if settle_roles(said, 0, cues()).source != "settings"] == []
    turned = [settle_roles([(1 - c, text) for c, text in said], 0, cues()) for _, said in calls]
    assert sum(r.source != "settings" for r in turned) >= 0.75 * len(calls)
    assert sum(r.source == "words" for r in turned) >= 0.45 * len(calls)


@given(
    st.lists(
        st.tuples(st.integers(0, 1), st.sampled_from([GREETING, "请您稍等", "我要投诉", "嗯", "你们公司", "让您久等了"])),
        max_size=8,
    )
)
def test_turning_channels_and_settings_round_turns_the_answer_round(said: list[tuple[int, str]]) -> None:
    here = settle_roles(said, 0, cues())
    there = settle_roles([(1 - c, text) for c, text in said], 1, cues())
    assert {1 - c: s for c, s in here.speakers.items()} == there.speakers and here.flags == there.flags


def test_a_recording_whose_channels_are_swapped_is_known_by_what_is_recognised(sample: Any, recogniser: Any) -> None:
    call = sample("ht-08-privacy-bad").sketch
    (turns,) = fill_in([call], recogniser, [[Speaker.UNKNOWN] * 2])
    said = [(spoken.channel, turn.text) for spoken, turn in zip(call.turns, turns, strict=True)]
    assert settle_roles(said, 0, cues()).source == "settings"
    swapped = settle_roles(said, 1, cues())
    assert (swapped.speakers[0], swapped.source, swapped.flags) == (AGENT, "words", (SWAPPED,))
