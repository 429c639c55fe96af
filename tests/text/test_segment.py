"""Words end where the house's names end."""

from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.text.segment import Segmenter

PLAIN = Segmenter()


def test_a_name_of_the_house_is_one_word() -> None:
    words = [token.text for token in Segmenter(["乡野邻家"]).tokens("这里是乡野邻家农业")]
    assert "乡野邻家" in words


def test_one_vocabulary_does_not_leak_into_another() -> None:
    Segmenter(["乡野邻家"])
    assert "乡野邻家" not in [token.text for token in PLAIN.tokens("这里是乡野邻家农业")]


@given(st.text(max_size=30))
def test_the_words_cover_the_text(text: str) -> None:
    tokens = PLAIN.tokens(text)
    assert "".join(token.text for token in tokens) == text
    assert [token.end for token in tokens] == [sum(len(t.text) for t in tokens[: i + 1]) for i in range(len(tokens))]
