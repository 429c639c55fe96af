"""Sound classes merge what a recogniser confuses and keep apart what nobody would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.text.sound import sound


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("丽洁物业", "理解物业"),
        ("丽洁物业", "立杰物业"),
        ("请稍候", "请稍后"),
        ("请稍等", "请少等"),
        ("让你久等", "让你就等"),
        ("湖南", "福蓝"),
        ("女", "吕"),
        ("13", "一三"),
    ],
)
def test_these_sound_the_same(one: str, other: str) -> None:
    assert sound(one) == sound(other)


@pytest.mark.parametrize(
    ("one", "other"), [("丽洁", "丽景"), ("物业", "酒店"), ("再见", "在建筑"), ("你好", "你号码"), ("爱", "埃及")]
)
def test_these_do_not(one: str, other: str) -> None:
    assert sound(one) != sound(other)


def test_what_has_no_reading_keeps_its_own_face() -> None:
    assert sound("abc") == "abc"


@given(st.text(max_size=30))
def test_the_sound_is_as_long_as_the_text(text: str) -> None:
    assert len(sound(text)) == len(text)
