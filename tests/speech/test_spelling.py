"""Byte tokens become characters with one time each, whatever the model breaks off or garbles."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from qa_pipeline.speech.spelling import Spelling, byte_of_letter
from tests.speech.whisper_shape import TOKENIZER

STOCK = Tokenizer.from_str(gzip.decompress(TOKENIZER.read_bytes()).decode())
SPELLING = Spelling(STOCK)


def tokens(text: str) -> list[int]:
    return list(STOCK.encode(text, add_special_tokens=False).ids)


def test_every_byte_has_its_letter() -> None:
    assert sorted(byte_of_letter().values()) == list(range(256))


def test_a_character_of_several_tokens_has_the_time_of_its_first() -> None:
    ids = tokens("饕餮好")
    assert len(ids) > 4
    text, times = SPELLING.timed(ids, {i: 100 * i for i in range(len(ids))})
    first = len(tokens("饕"))
    assert (text, times) == ("饕餮好", (0, 100 * first, 100 * (len(ids) - 1)))


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc", "Cf", "Co", "Cn", "Zs", "Zl", "Zp"]), max_size=30))
def test_any_text_comes_back_whole_with_a_time_for_each_character(text: str) -> None:
    ids = tokens(text)
    said, times = SPELLING.timed(ids, {i: 10 * i for i in range(len(ids))})
    assert said == text and len(times) == len(said) and list(times) == sorted(times)


@given(st.lists(st.integers(0, 50256), max_size=40), st.dictionaries(st.integers(0, 40), st.integers(0, 30_000)))
def test_no_tokens_whatever_fail_or_break_the_order(ids: list[int], starts: dict[int, int]) -> None:
    said, times = SPELLING.timed(ids, starts)
    assert len(times) == len(said) and list(times) == sorted(times)
    assert not any("\ud800" <= c <= "\udfff" or c.isspace() for c in said)


@given(st.data())
def test_bytes_that_make_no_character_cost_only_themselves(data: st.DataObject) -> None:
    ids = tokens("您好请问饕餮")
    broken = data.draw(st.integers(0, len(ids)))
    half = [t for t in tokens("魑")[:1]]
    said, _ = SPELLING.timed([*ids[:broken], *half, *ids[broken:]], {})
    assert sum(c in said for c in "您好请问") >= 3, said


def test_the_end_that_the_model_never_said_is_left_out() -> None:
    assert SPELLING.timed(tokens("您好饕")[:-1], {})[0] == "您好"


@pytest.mark.parametrize("text", ["您 好", " 您好 ", "您\n好"])
def test_blanks_are_no_characters(text: str) -> None:
    assert SPELLING.timed(tokens(text), {})[0] == "您好"
