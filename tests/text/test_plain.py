"""Many texts made plain at once are what each would be."""

from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.text.normal import normalise
from qa_pipeline.text.numbers import read_numbers
from qa_pipeline.text.plain import plain_texts

TEXTS = st.lists(st.text(st.sampled_from("您好，嗯两三十百千0５.点斤麗㎏𠀀"), max_size=12), max_size=8)


@given(TEXTS)
def test_each_is_its_normal_form_with_numbers_read(texts: list[str]) -> None:
    assert plain_texts(texts).strings() == [read_numbers(normalise(text).text) for text in texts]


def test_no_texts_are_no_strings() -> None:
    assert plain_texts([]).strings() == []
