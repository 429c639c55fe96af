"""Folding many texts at once gives what folding each would."""

from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.text.columns import POINTS, Folded, code_points, fold_texts, loud_lengths, text_column
from qa_pipeline.text.normal import has_pause, normalise
from qa_pipeline.text.sound import sound

ODD = "您好，。？嗯啊呃幺两〇零１2３ＡＢ麗潔物業再见 …3.5．㎏㈱½ﬀİ𠀀\n"
TEXTS = st.lists(st.text(st.one_of(st.sampled_from(ODD), st.characters(exclude_categories=["Cs"])), max_size=12), max_size=8)


def words(codes: np.ndarray, first: int, last: int) -> str:
    return "".join(map(chr, codes[first:last]))


def check(folded: Folded, texts: list[str]) -> None:
    assert len(folded.starts) == len(folded.ends) == len(folded.raw_bounds) - 1 == len(texts)
    for text, first, last, (begin, end) in zip(texts, folded.starts, folded.ends, pairwise(folded.raw_bounds), strict=True):
        normal = normalise(text)
        assert words(folded.raw, begin, end) == text
        assert words(folded.normal, first, last) == normal.text
        assert words(folded.sound, first, last) == sound(normal.text)
        assert tuple(folded.source[first:last] - begin) == normal.offsets


@given(TEXTS)
def test_columns_of_a_list_equal_the_forms_of_each_text(texts: list[str]) -> None:
    check(fold_texts(texts), texts)


@given(TEXTS, st.integers(1, 2), st.integers(0, 3))
def test_room_between_and_behind_the_texts_holds_nothing(texts: list[str], apart: int, behind: int) -> None:
    folded = fold_texts(texts, apart, behind)
    check(folded, texts)
    assert (folded.starts[1:] == folded.ends[:-1] + apart).all()
    assert len(folded.normal) == (folded.ends[-1] + apart if texts else 0) + behind
    empty = np.ones(len(folded.normal), bool)
    for first, last in zip(folded.starts, folded.ends, strict=True):
        empty[first:last] = False
    assert not any(column[empty].any() for column in (folded.normal, folded.sound, folded.source))


def test_a_character_may_fold_to_more_letters_than_it_has_bytes() -> None:
    check(fold_texts(["好\ufdfa", "\ufdfa" * 40]), ["好\ufdfa", "\ufdfa" * 40])


@given(TEXTS)
def test_another_code_may_be_told_for_each_sound(texts: list[str]) -> None:
    code = np.arange(POINTS, dtype=np.int32)[::-1].copy()
    folded = fold_texts(texts, 1, 1)
    told = fold_texts(texts, 1, 1, code)
    for first, last in zip(folded.starts, folded.ends, strict=True):
        assert (told.sound[first:last] == code[folded.sound[first:last]]).all()
    assert all((a == b).all() for a, b in zip(told._replace(sound=folded.sound), folded, strict=True))


@given(TEXTS, st.integers(0, 3))
def test_so_do_those_of_any_slice_of_an_arrow_column(texts: list[str], skipped: int) -> None:
    check(fold_texts(pa.array(texts, pa.string())[skipped:]), texts[skipped:])
    check(fold_texts(pa.chunked_array([texts, texts], pa.string())), texts + texts)


def test_a_missing_text_is_an_empty_one() -> None:
    check(fold_texts(pa.array(["您好", None, "3.5折"])), ["您好", "", "3.5折"])


@pytest.mark.parametrize("texts", [[], [""], ["", ""], ["。", "嗯"]])
def test_nothing_folds_to_nothing(texts: list[str]) -> None:
    assert len(fold_texts(texts).normal) == 0


def test_a_dot_between_the_digits_of_two_texts_is_no_decimal_point() -> None:
    check(fold_texts(["3.", "5", "3", ".5", "3.5", ".", "．5"]), ["3.", "5", "3", ".5", "3.5", ".", "．5"])


def test_bytes_that_are_no_utf8_are_refused_before_a_kernel_reads_them() -> None:
    ends = np.array([0, 4], np.int64)
    broken = pa.LargeStringArray.from_buffers(1, pa.py_buffer(ends.tobytes()), pa.py_buffer(b"\xf7\xbf\xbf\xbf"))
    with pytest.raises(pa.ArrowInvalid, match="Invalid UTF8"):
        fold_texts(broken)


def test_half_a_character_is_dropped_and_harms_nobody() -> None:
    folded = fold_texts(["您\ud800好", "再见"])
    assert words(folded.normal, 0, 4) == normalise("您\ud800好再见").text == "你好再见"
    assert list(folded.source) == [0, 2, 3, 4]


@given(TEXTS)
def test_code_points_lead_back_to_their_texts(texts: list[str]) -> None:
    assert text_column(*code_points(texts)).to_pylist() == texts


@given(TEXTS)
def test_loud_is_what_is_no_punctuation(texts: list[str]) -> None:
    column = pa.array(["，再见", *texts], pa.string())[1:]
    assert loud_lengths(column).tolist() == [sum(not has_pause(character) for character in text) for text in texts]
