"""However a number is read aloud, it is the same number; words that only look like one stay words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.text.normal import normalise
from qa_pipeline.text.numbers import read_number, read_numbers

DIGITS = "零一二三四五六七八九"


def aloud(n: int) -> str:
    """1-9999 as it is said: 1203 → 一千二百零三."""
    said, gap = "", False
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, n = divmod(n, size)
        if digit:
            said += ("零" if gap and said else "") + DIGITS[digit] + unit
            gap = False
        else:
            gap = True
    return said


@given(st.integers(1, 9999))
def test_what_is_read_aloud_is_the_number_that_was_written(n: int) -> None:
    assert read_numbers(normalise(aloud(n)).text) == str(n)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("二十斤两袋", "20斤2袋"),
        ("十五块", "15块"),
        ("三百八", "380"),
        ("三百零八", "308"),
        ("一三九零五三一一二三四", "13905311234"),
        ("八零六房", "806房"),
        ("没有数字", "没有数字"),
    ],
)
def test_numbers_among_words(said: str, read: str) -> None:
    assert read_numbers(normalise(said).text) == read


def test_a_single_number_may_be_large_or_broken() -> None:
    assert read_number(normalise("三万五千").text) == "35000"
    assert read_number(normalise("三点五").text) == "3.5"
    assert read_number("点") is None
