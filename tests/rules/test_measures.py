"""What follows from turns alone: who talks into whose turn and how, dead air, response delay, speech rate."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.rules.talking_at_once import only_listens
from tests.rules.judging import rule_of, verdict

LONG = "C 我家的电梯已经坏了三天了到现在也没有人来修"
"""22 characters, 4.8 s."""


def holds(folder: Path, expect: str, dialogue: str, when: str = "call") -> bool:
    return verdict(rule_of(folder, when, expect), dialogue) == "pass"


def count(folder: Path, measure: str, dialogue: str, by: str = "agent") -> int:
    for n in range(5):
        if holds(folder, f"{{measure: {measure}, by: {by}, at_least: {n}, at_most: {n}}}", dialogue):
            return n
    raise AssertionError("not measured")


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("-3 / A 您先听我说一下好吧", "interruptions"),
        ("-3 / A 我知道了我知道了", "interruptions"),
        ("-3 / A 对，我明白", "back_channels"),
        ("-3 / A 嗯嗯", "back_channels"),
        ("-3 / A 好的好的", "back_channels"),
        ("-0.7 / A 我们马上派人过去", "completions"),
        ("-5 / A 您好请问有什么可以帮您", None),
        ("1 / A 我们马上派人过去", None),
    ],
)
def test_a_turn_that_begins_in_the_others_is_of_one_kind(said: str, kind: str | None, tmp_path: Path) -> None:
    found = {m: count(tmp_path, m, f"{LONG} / {said}") for m in ("interruptions", "completions", "back_channels")}
    assert found == {m: int(m == kind) for m in found}


def test_the_customer_interrupts_as_the_agent_does(tmp_path: Path) -> None:
    dialogue = "A 我们的物业费是按照建筑面积来计算的每平米两块 / -3 / C 这个我已经听过好多遍了"
    assert (count(tmp_path, "interruptions", dialogue, "customer"), count(tmp_path, "interruptions", dialogue)) == (1, 0)


def test_on_one_channel_nobody_is_said_to_interrupt(tmp_path: Path) -> None:
    pack = rule_of(tmp_path, "call", "{measure: interruptions, at_most: 0}")
    assert verdict(pack, "call {n_channels: 1} / " + LONG + " / -3 / A 您先听我说一下好吧") == "unsure"


@pytest.mark.parametrize(
    "text", ["嗯", "对", "好的", "对，我明白", "好的好的", "是的是的。", "嗯，知道了", "哦", "没问题", "我了解"]
)
def test_words_of_listening_are_known(text: str) -> None:
    assert only_listens(text)


@pytest.mark.parametrize("text", ["我要投诉", "不对", "好不好", "你明白吗", "知道什么", "我知道了我知道了", "对不起", "行不行"])
def test_words_that_only_look_like_listening_are_not(text: str) -> None:
    assert not only_listens(text)


@given(st.lists(st.sampled_from(["嗯", "对", "好", "是的", "明白"]), max_size=3))
def test_listening_twice_is_listening(words: list[str]) -> None:
    assert only_listens("，".join(words))


@pytest.mark.parametrize(
    ("dialogue", "silent"),
    [
        ("A 您好 / 6 / C 喂", True),
        ("A 您好 / 4 / C 喂", False),
        ("6 / A 您好 / C 喂", True),
        ("call {answered_ms: 9000} / I 请按一 / 6 / A 您好 / C 喂", False),
        ("A 您好 / C 喂 / 7 / customer hangs up", True),
        ("A 您好 / C 喂 / 2 / customer hangs up", False),
        (LONG + " / -4 / A 嗯 / 3 / A 好", False),
        ("7 / customer hangs up", True),
    ],
)
def test_dead_air_is_what_nobody_fills_from_the_answer_to_the_release(dialogue: str, silent: bool, tmp_path: Path) -> None:
    assert holds(tmp_path, "{occurs: {silence: 5}, at_least: 1}", dialogue) is silent


@pytest.mark.parametrize(
    ("dialogue", "most_ms", "within"),
    [
        ("C 你好，我要投诉 / 2 / A 您请讲", 3000, True),
        ("C 你好，我要投诉 / 4 / A 您请讲", 3000, False),
        ("C 你好，我要投诉一下你们的电梯 / -1 / A 您请讲您请讲您请讲您请讲 / 9 / A 好了", 1000, True),
    ],
)
def test_the_response_comes_from_the_end_of_what_is_answered_also_when_it_overlaps(
    dialogue: str, most_ms: int, within: bool, tmp_path: Path
) -> None:
    expect = f"{{measure: response_ms, at_most: {most_ms}}}"
    assert holds(tmp_path, expect, dialogue, "{turns: customer, nth: first}") is within


def test_the_speech_rate_is_that_of_longer_turns_and_unknown_below_thirty_characters(tmp_path: Path) -> None:
    fast = "pace 150 / A 您好这里是丽洁物业请问有什么可以帮您的吗 / C 喂 / A 好的我马上帮您登记一下请您稍等片刻"
    assert holds(tmp_path, "{measure: characters_per_minute, at_least: 380}", fast)
    pack = rule_of(tmp_path, "call", "{measure: characters_per_minute, at_most: 280}")
    assert verdict(pack, fast) == "fail" and verdict(pack, "pace 150 / A 您好 / C 喂") == "unsure"


def test_a_hold_that_is_announced_lasts_until_the_agent_is_back_whatever_the_customer_hums(tmp_path: Path) -> None:
    held = "{occurs: {holds: {announced_by: wait, quiet_s: 8}}, at_least: 1}"
    assert holds(tmp_path, held, "A 您好 / C 查一下 / A 请稍等 / 5 / C 嗯 / 5 / A 查到了")
    assert not holds(tmp_path, held, "A 您好 / C 查一下 / A 请稍等 / 3 / A 查到了")
    assert not holds(tmp_path, held, "A 您好 / C 查一下 / A 请稍等 / 3 / C 你们的电梯什么时候修 / 8 / A 查到了")
