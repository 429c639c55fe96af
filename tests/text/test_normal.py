"""The normal form forgets how something was written and remembers where it stood."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.text.normal import has_pause, normalise

SPEECH = st.text(st.one_of(st.sampled_from("您好，。？嗯啊呃幺两〇零１2３ＡＢ麗潔物業再见 …3.5"), st.characters()), max_size=40)


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("您好，麗潔物業！", "你好丽洁物业"),
        ("嗯，您好啊", "你好"),
        ("呃…请稍等", "请稍等"),
        ("幺三八零零", "13800"),
        ("１３８〇０", "13800"),
        ("两点半", "2点半"),
        ("3.5折", "3点5折"),
        ("ＡＢＣ", "abc"),
        ("余额", "余额"),
        ("，。！", ""),
    ],
)
def test_the_same_words_written_differently_are_the_same(written: str, normal: str) -> None:
    assert normalise(written).text == normal


def test_a_stretch_leads_back_to_the_words_it_came_from() -> None:
    normal = normalise("嗯，您 好，麗潔物業。")
    start = normal.text.index("丽洁物业")
    first, last = normal.source(start, start + 4)
    assert "嗯，您 好，麗潔物業。"[first:last] == "麗潔物業"


@given(SPEECH)
def test_every_character_of_the_normal_form_comes_from_its_offset(text: str) -> None:
    normal = normalise(text)
    assert len(normal.text) == len(normal.offsets)
    assert list(normal.offsets) == sorted(normal.offsets)
    for index in set(normal.offsets):
        own = "".join(c for c, offset in zip(normal.text, normal.offsets, strict=True) if offset == index)
        assert own in (normalise(text[index]).text, "点")


@given(SPEECH)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text).text
    assert normalise(once).text == once


def test_only_punctuation_is_a_pause() -> None:
    assert has_pause("不会，让您久等")
    assert not has_pause("不会 让您久等")
