"""Invented text is known; what people really say again and again is not taken for it."""

import pytest

from qa_pipeline.speech.backend import Asr
from qa_pipeline.speech.guards import Told, echoes, guarded, invented, loops, spread, told_of, too_fast
from qa_pipeline.speech.vocabulary import Vocabulary


@pytest.mark.parametrize(
    "text",
    [
        "字幕由Amara.org社群提供",
        "中文字幕志愿者 李宗盛",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "谢谢大家观看。",
        "謝謝收看",
    ],
)
def test_what_subtitles_end_with_is_boiler_plate(text: str) -> None:
    assert invented(text) == "boiler_plate"


@pytest.mark.parametrize(
    "text", ["谢谢您的来电。", "谢谢观看我们的节目单，请问要订哪一场？", "字幕不清楚", "我订阅了你们的公众号", "嗯。", ""]
)
def test_what_callers_say_is_not(text: str) -> None:
    assert invented(text) is None


def test_a_window_of_one_thing_over_and_over_is_repetition() -> None:
    assert invented("我们会尽快处理，" * 8) == "repetition"


@pytest.mark.parametrize(
    "text", ["对对对，好好好，谢谢谢谢。", "您的电话是一三八八八八八零零零零，对吗？", "喂，喂，喂喂？听得到吗？喂？"]
)
def test_repeated_answers_and_digits_are_speech(text: str) -> None:
    assert invented(text) is None


def test_the_prompt_read_back_is_invented_and_only_then() -> None:
    prompt = "以下是普通话的句子。"
    assert invented("以下是普通话的句子", prompt) == "prompt"
    assert invented("以下是普通话的句子", "") is None
    assert invented("以下是您的账单", prompt) is None


def test_four_in_a_row_loop_and_three_do_not() -> None:
    assert loops("黄丽丽丽丽住") and loops("请稍等，请稍等，请稍等，请稍等，")
    assert not loops("对对对") and not loops("二零二零二零") and not loops("")


def test_hot_words_and_nothing_else_are_an_echo_and_one_alone_is_speech() -> None:
    names = ("盘王谷", "盘王谷酒店", "值班室")
    assert echoes("盘王谷酒店，值班室。", names) == "prompt"
    assert echoes("盘王谷酒店。", names) is None and echoes("您好，盘王谷酒店值班室。", names) is None
    assert echoes("", names) is None and echoes("嗯", ()) is None


def test_more_than_anybody_says_in_the_time_is_too_fast() -> None:
    assert too_fast("我们" * 20, 2000) == "too_fast"
    assert too_fast("您好，盘王谷酒店总机，请问有什么可以帮您？", 2500) is None
    assert too_fast("好的", 100) is None


def test_an_answer_is_simplified_with_its_times_in_order_and_inside() -> None:
    said = guarded("謝謝 您", [0, 300, 350, 250], 0.5, 320)
    assert (said.text, said.char_ms) == ("谢谢您", (0, 300, 300))
    assert guarded("，。", [0, 0], 0.5, 1000).problem == "no_words"
    assert guarded("以下是普通话的句子", spread(9, 0, 2000), None, 2000, Told("以下是普通话的句子。")).problem == "prompt"


def test_the_first_names_that_fit_are_told_and_none_where_unwanted() -> None:
    names = Vocabulary(tuple(f"第{i}号会议室" for i in range(40)))
    told = told_of(Asr(), names, "以下是普通话的句子。")
    assert 8 <= len(told.names) < 40 and told.text.endswith("。以下是普通话的句子。")
    assert told_of(Asr(prompt="", hot_words=False), names, "x") == Told()
