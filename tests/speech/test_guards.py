"""Invented text is known; what people really say again and again is not taken for it."""

import pytest

from qa_pipeline.speech.guards import invented, loops


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
