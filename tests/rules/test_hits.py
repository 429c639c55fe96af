"""The matcher finds what is said, on the right rung, and nothing else."""

import pickle
import re
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.kernels import Kernel
from qa_pipeline.rules.hits import Hits, Matcher
from qa_pipeline.rules.phrase import RUNGS, Phrase, nearest
from qa_pipeline.rules.wording import WordingError, parse, pattern
from qa_pipeline.text.normal import normalise
from qa_pipeline.text.segment import Segmenter

COMPANY = {"company": ("丽洁物业", "盘王谷深航假日酒店")}
PLAIN = ("exact", "normalised")

# --- agreement with a slow reference

LETTERS = "甲乙丙您1"
LITERAL = st.text(st.sampled_from(LETTERS), min_size=1, max_size=3)
GAP = st.tuples(LITERAL, st.sampled_from(["…", "…{1}", "…{2,3}"]), LITERAL).map("".join)
RUN = st.sampled_from(["<digits>", "<digits:2>", "<digits:1-2>"])


def brackets(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=1, max_size=3).map("|".join)
    return st.one_of(
        several.map("[{}]".format), several.map("({})".format), st.lists(inner, min_size=2, max_size=3).map("".join)
    )


INNER = st.recursive(st.one_of(LITERAL, LITERAL, GAP, RUN), brackets, max_leaves=6)
WORDING = st.tuples(st.sampled_from(["", "", "^", "…{1,2}"]), INNER, LITERAL, st.sampled_from(["", "", "$", "…{1,2}"])).map(
    "".join
)
TEXT = st.text(st.sampled_from(LETTERS + LETTERS + "，嗯你2３二"), max_size=12)


def widest(spans: set[tuple[int, int]]) -> set[tuple[int, int]]:
    return {(a, b) for a, b in spans if not any((c, d) != (a, b) and c <= a and b <= d for c, d in spans)}


def plainly(wording: str, text: str) -> set[tuple[int, int]]:
    """The widest stretches of the original that a regular expression of the wording matches in the normal form."""
    normal, found = normalise(text), set()
    made = pattern(parse(wording, {}), lambda c: normalise(c).text)
    for behind in range(len(normal.text) + 1):
        compiled = re.compile(f"(?:{made})(?=.{{{behind}}}\\Z)")
        for start in range(len(normal.text) - behind):
            if compiled.match(normal.text, start):
                found.add((start, len(normal.text) - behind))
    return {normal.source(*span) for span in widest(found)}


def spans(hits: Hits, text: int) -> set[tuple[int, int]]:
    here = hits.take(hits.text == text)
    return set(zip(here.first.tolist(), here.last.tolist(), strict=True))


@settings(max_examples=300, deadline=None)
@given(st.lists(WORDING, min_size=1, max_size=3), st.lists(TEXT, max_size=5))
def test_the_matcher_agrees_with_a_regular_expression_of_each_wording(wordings: list[str], texts: list[str]) -> None:
    hits = Matcher([Phrase(w, (w,), rungs=PLAIN) for w in wordings]).find(texts)
    for number, wording in enumerate(wordings):
        mine = hits.take(hits.phrase == number)
        for row, text in enumerate(texts):
            assert widest(spans(mine, row)) == plainly(wording, text), (wording, text)


@settings(deadline=None)
@given(st.lists(WORDING, min_size=1, max_size=4), st.lists(TEXT, max_size=5))
def test_phrases_do_not_disturb_each_other(wordings: list[str], texts: list[str]) -> None:
    phrases = [Phrase(w, (w,), ("乙",), RUNGS) for w in wordings]
    together = Matcher(phrases).find(texts)
    for number, phrase in enumerate(phrases):
        alone, mine = Matcher([phrase]).find(texts), together.take(together.phrase == number)
        for column in ("text", "first", "last", "rung", "similarity", "short"):
            assert getattr(mine, column).tolist() == getattr(alone, column).tolist()


@given(st.lists(WORDING, min_size=1, max_size=3), st.lists(TEXT, max_size=5))
def test_texts_do_not_disturb_each_other(wordings: list[str], texts: list[str]) -> None:
    matcher = Matcher([Phrase("p", tuple(wordings), ("乙",), RUNGS, value="text")])
    together = matcher.find(texts)
    for row, text in enumerate(texts):
        alone, mine = matcher.find([text]), together.take(together.text == row)
        for column in ("phrase", "first", "last", "rung", "similarity", "short"):
            assert getattr(mine, column).tolist() == getattr(alone, column).tolist()
        assert [mine.values[v] for v in mine.value] == [alone.values[v] for v in alone.value]


@given(st.lists(TEXT, max_size=8))
def test_hits_are_sorted_and_lie_in_their_texts(texts: list[str]) -> None:
    hits = Matcher([Phrase("a", ("甲乙", "甲…丙", "<digits>"), rungs=RUNGS)]).find(texts)
    keys = list(zip(hits.text.tolist(), hits.first.tolist(), hits.last.tolist(), strict=True))
    assert keys == sorted(keys)
    assert all(0 <= a < b <= len(texts[t]) for t, a, b in keys)


@settings(deadline=None, max_examples=50)
@given(st.lists(WORDING, min_size=1, max_size=4), st.lists(TEXT, min_size=1, max_size=8))
def test_loops_find_the_same_compiled_or_not(wordings: list[str], texts: list[str]) -> None:
    matcher = Matcher([Phrase(w, (w,), ("乙",), RUNGS, value="text") for w in wordings])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kernel, "__call__", lambda kernel, work, *args: kernel.function(*args))
        plain = matcher.find(texts)
        patch.setattr(Kernel, "__call__", lambda kernel, work, *args: kernel.compiled(*args))
        compiled = matcher.find(texts)
    for column in fields(Hits):
        assert np.array_equal(getattr(plain, column.name), getattr(compiled, column.name))


# --- what is said


def found(phrase: Phrase, *texts: str, ends: Sequence[Sequence[int]] | None = None) -> list[tuple[str, str]]:
    """(words, rung) of the hits, in order."""
    hits = Matcher([phrase], dict(zip(texts, ends, strict=True)).__getitem__ if ends else None).find(texts)
    rows = zip(hits.text, hits.first, hits.last, hits.rung, strict=True)
    return [(texts[text][first:last], RUNGS[rung]) for text, first, last, rung in rows]


def captured(phrase: Phrase, *texts: str) -> list[str | None]:
    hits = Matcher([phrase]).find(texts)
    return [None if value < 0 else hits.values[value] for value in hits.value]


def test_a_phrase_known_by_its_sound_alone_is_found_where_another_of_its_wordings_stands_as_written():
    for wordings in (("你好", "拟好"), ("拟好", "你好"), ("(你好|拟好)",), ("(拟好|你好)",), ("(你好|拟好)…物业",)):
        for rungs, heard in (RUNGS[:3], "exact"), (("sound",), "sound"):
            assert [rung for _, rung in found(Phrase("a", wordings, rungs=rungs), "你好这里是物业")] == [heard], wordings


NAME = Phrase("company", ("<company>",), rungs=RUNGS[:3], slots=COMPANY)
WAITED = Phrase("long_wait", ("(让|叫)您久等",), ("不会让您久等", "就等(着|到|一|下)"))
HOLD = Phrase("hold", ("请稍(候|等)",), ("请稍(候|后)再(打|拨)",))


@pytest.mark.parametrize(
    ("text", "rung"),
    [
        ("丽洁物业", "exact"),
        ("麗潔物業", "normalised"),
        ("丽洁，嗯，物业", "normalised"),
        ("理解物业", "sound"),
        ("立杰物业", "sound"),
        ("利洁物业", "sound"),
    ],
)
def test_a_name_is_heard_on_its_rung(text: str, rung: str) -> None:
    assert found(NAME, f"您好{text}，请讲") == [(text, rung)]


@pytest.mark.parametrize("text", ["丽景酒店", "物业", "理解", "洁物业丽", "您好请讲", "", "，", "丽洁。"])
def test_other_names_are_not(text: str) -> None:
    assert found(NAME, text) == []


def test_a_name_is_heard_by_sound_when_its_first_and_last_words_are_garbled() -> None:
    assert found(NAME, "您好盘旺谷身航假日酒店") == [("盘旺谷身航假日酒店", "sound")]


@pytest.mark.parametrize("text", ["让您久等了", "让你就等了", "叫您久等", "讓您久等了"])
def test_an_apology_for_waiting_is_heard(text: str) -> None:
    assert len(found(WAITED, text)) == 1


@pytest.mark.parametrize("text", ["让您就等着", "不会让您久等的", "您就等着吧", "请您稍等", "久等"])
def test_what_sounds_like_one_is_not(text: str) -> None:
    assert found(WAITED, text) == []


@pytest.mark.parametrize(
    ("text", "hits"), [("请稍候", 1), ("请稍后", 1), ("请稍后再打", 0), ("请稍候再拨", 0), ("请稍等再说", 1)]
)
def test_a_guard_voids_the_hit_that_it_overlaps(text: str, hits: int) -> None:
    assert len(found(HOLD, text)) == hits


def test_a_guard_heard_less_well_voids_nothing() -> None:
    phrase = Phrase("wait", ("让您久等",), ("布会让您久等",))
    assert found(phrase, "不会让您久等") == [("让您久等", "exact")]
    assert found(phrase, "不会让您就等") == []


def test_a_guard_does_not_reach_across_a_pause_nor_to_another_place() -> None:
    assert found(WAITED, "不会，让您久等了") == [("让您久等", "exact")]
    assert found(WAITED, "不会让您久等的。真是让您久等了") == [("让您久等", "exact")]
    assert found(WAITED, "不会让您久等的", "让您久等了") == [("让您久等", "exact")]


CANNOT = Phrase("relay", ("转告", "带话"), ("(没法|不能)…{1,4}",))


@pytest.mark.parametrize("text", ["没法转告，您自己说", "没法替您带话。", "这个不能转告", "能说，不能转告"])
def test_a_gap_at_the_rim_of_a_guard_reaches_as_far_as_the_clause_does(text: str) -> None:
    assert found(CANNOT, text) == []


@pytest.mark.parametrize("text", ["没法，转告吧", "没法跟他当面说转告", "转告不能", "能不能转告", "不，能转告"])
def test_a_gap_at_the_rim_of_a_guard_reaches_no_further(text: str) -> None:
    assert [words for words, _ in found(CANNOT, text)] == ["转告"]


def test_a_guard_with_a_comma_reaches_across_punctuation() -> None:
    phrase = Phrase("shirk", ("不归我们管",), ("不归我们管，…{4}转", "还…{2,3}归我们管"))
    assert found(phrase, "这不归我们管，我给您转", "这不归我们管我给您转", "不归我们管。转不了的话", "还，不归我们管") == [
        ("不归我们管", "exact")
    ]


def test_a_question_whether_or_not_is_no_guard_that_denies() -> None:
    phrase = Phrase("help", ("需要帮忙", "有人"), ("不需要帮忙", "没有人"))
    assert [words for words, _ in found(phrase, "需不需要帮忙", "有没有人")] == ["需要帮忙", "有人"]
    assert found(phrase, "我不需要帮忙", "没有人", "您需要，不需要帮忙") == []


def test_without_other_problems_is_not_with_other_problems() -> None:
    phrase = Phrase("anything_else", ("有其他问题",), ("没有其他问题",))
    assert found(phrase, "没有其他问题") == []
    assert found(phrase, "有其他问题") == [("有其他问题", "exact")]


def test_a_rung_that_is_not_allowed_is_silent() -> None:
    phrase = Phrase("company", ("<company>",), rungs=PLAIN, slots=COMPANY)
    assert found(phrase, "理解物业", "麗潔物業") == [("麗潔物業", "normalised")]


ELSE = Phrase("anything_else", ("还有其他问题吗",), ("没有其他问题",), RUNGS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("请问还有其他问吗", "还有其他问吗"),
        ("有其他问题吗", "有其他问题吗"),
        ("还有其他问题", "还有其他问题"),
        ("还有其他的问题吗", "还有其他的问题吗"),
        ("还有其它，嗯，小问题吗", "还有其它，嗯，小问题吗"),
        ("还有起他问踢嘛", "还有起他问踢嘛"),
        ("还是其他问题吗", "还是其他问题吗"),
    ],
)
def test_a_wording_is_heard_near_with_one_edit(text: str, words: str) -> None:
    assert found(ELSE, text)[0][0] == words
    hits = Matcher([ELSE]).find([text])
    assert [RUNGS[r] for r in hits.rung] == ["sound" if "起" in text else "near"]
    assert hits.similarity.tolist() == pytest.approx([1 if "起" in text else 6 / 7])


@pytest.mark.parametrize(
    "text",
    [
        "没有其他问题吗",
        "还没其他问题吗",
        "还有没其他问题吗",
        "还有其他吗",
        "有其他问题",
        "还有什么问题吗",
        "问题吗还有其他",
        "",
    ],
)
def test_two_edits_or_one_that_turns_the_sense_are_too_many(text: str) -> None:
    assert found(Phrase("anything_else", ("还有其他问题吗",), rungs=RUNGS), text) == []


@pytest.mark.parametrize("text", ["请您挂断电话", "请您挂断", "请您先挂断电话"])
def test_a_negation_of_the_wording_is_never_edited_away(text: str) -> None:
    assert found(Phrase("stay", ("请您别挂断电话",), rungs=RUNGS), text) == []


def test_near_is_heard_only_where_it_is_allowed() -> None:
    assert found(Phrase("anything_else", ("还有其他问题吗",)), "还有其他问吗") == []


@pytest.mark.parametrize(
    ("text", "hits"), [("您好丽洁物也", 0), ("您好丽洁", 0), ("您好丽洁物", 1), ("您好丽物业", 1), ("丽景酒店", 0)]
)
def test_names_of_four_characters_are_heard_near_and_other_words_are_not(text: str, hits: int) -> None:
    near = [rung for _, rung in found(Phrase("company", ("<company>",), rungs=RUNGS, slots=COMPANY), text) if rung == "near"]
    assert len(near) == hits
    assert found(Phrase("company", ("丽洁物业",), rungs=RUNGS), text.replace("物也", "物")) == []


def test_one_edit_is_all_that_a_hit_may_have() -> None:
    phrase = Phrase("help", ("请问有什么…{4}可以帮您的",), rungs=RUNGS)
    assert found(phrase, "请问有什…可以帮您的", "请问有什么我可以帮的") == [
        ("请问有什…可以帮您的", "near"),
        ("请问有什么我可以帮的", "near"),
    ]
    assert found(phrase, "请问有什我可以帮的") == []


def test_a_guard_heard_near_voids_what_is_heard_near() -> None:
    phrase = Phrase("long_wait", ("让您久等了吧",), ("不会让您久等了吧",), RUNGS)
    assert found(phrase, "不会让您久等吧") == []
    assert found(phrase, "真是让您久等吧") == [("让您久等吧", "near")]


def test_an_edit_does_not_reach_into_the_next_turn() -> None:
    assert found(ELSE, "还有其他问", "题吗", "还有其他", "问题吗") == []


def test_two_syllables_by_sound_are_marked_short() -> None:
    hits = Matcher([Phrase("hello", ("您好", "丽洁物业"))]).find(["宁号", "你号", "您好", "理解物业"])
    assert list(zip(hits.text.tolist(), hits.rung.tolist(), hits.short.tolist(), strict=True)) == [
        (1, 2, True),
        (2, 0, False),
        (3, 2, False),
    ]


def test_a_single_character_between_gaps_is_not_heard_by_sound() -> None:
    phrase = Phrase("anything_else", ("还有什么…{8}事",))
    assert found(phrase, "还有什么要紧的事") == [("还有什么要紧的事", "exact")]
    assert found(phrase, "还有什么要紧的是") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("我的电话是幺三八零零零零幺二三四", "电话是幺三八零零零零幺二三四"),
        ("电话１３８，０００，０１２３４。", "电话１３８，０００，０１２３４"),
        ("电话13800001234", "电话13800001234"),
    ],
)
def test_digits_are_counted_however_they_are_spoken(text: str, words: str) -> None:
    phrase = Phrase("phone", ("电话[是]<digits:11>",), value="digits")
    assert [w for w, _ in found(phrase, text)] == [words]
    assert captured(phrase, text) == ["13800001234"]


@pytest.mark.parametrize(
    "text", ["电话幺三八零零零零幺二三", "电话幺三八零零零零幺二三四五", "电话本幺三八零零零零幺二三四", "电话"]
)
def test_runs_of_other_lengths_are_not(text: str) -> None:
    assert found(Phrase("phone", ("电话[是]<digits:11>",)), text) == []


def test_anchors_hold_a_wording_to_the_rims_of_the_turn() -> None:
    phrase = Phrase("who", ("^喂$", "^哪位", "请讲$"))
    assert found(phrase, "嗯，喂。", "喂你好", "哪位呀", "您哪位", "您请讲！", "请讲吧") == [
        ("喂", "exact"),
        ("哪位", "exact"),
        ("请讲", "exact"),
    ]


def test_gaps_reach_across_punctuation_and_count_spoken_characters_only() -> None:
    phrase = Phrase("else", ("还有…{4}吗",))
    assert found(phrase, "还有，嗯，其他……问题，吗？") == [("还有，嗯，其他……问题，吗", "exact")]
    assert found(phrase, "还有其他的问题吗") == []


def test_a_gap_behind_what_is_left_out_takes_nothing_in() -> None:
    phrase = Phrase("hold", ("[请]…{2}稍等",))
    assert found(phrase, "请您稍等", "那您稍等") == [("请您稍等", "exact"), ("稍等", "exact")]


def test_a_hit_leads_back_to_the_original_characters() -> None:
    texts = ["嗯，您 好，麗潔物業。", "ＰＭ丽洁物业"]
    hits = Matcher([NAME]).find(texts)
    assert [texts[t][a:b] for t, a, b in zip(hits.text, hits.first, hits.last, strict=True)] == ["麗潔物業", "丽洁物业"]


def test_the_longer_of_two_hits_heard_as_well_is_kept() -> None:
    phrase = Phrase("bye", ("再见", "好的再见", "见了"))
    assert found(phrase, "好的再见了") == [("好的再见", "exact"), ("见了", "exact")]


def test_a_better_heard_part_of_a_hit_is_kept() -> None:
    phrase = Phrase("thanks", ("谢谢", "谢谢您的来电"))
    assert found(phrase, "谢谢您的来店") == [("谢谢", "exact"), ("谢谢您的来店", "sound")]


def test_word_ends_are_minded_where_they_are_known_and_asked_for() -> None:
    phrase = Phrase("hello", ("您好",), word=True)
    texts, ends = ("您好像打错了", "喂，您好！", "您好"), [[1, 3, 4, 5, 6], [1, 2, 4, 5], [2]]
    assert found(phrase, *texts, ends=ends) == [("您好", "exact")] * 2
    assert len(found(phrase, *texts)) == 3
    assert len(found(Phrase("hello", ("您好",)), *texts, ends=ends)) == 3


def test_only_texts_that_may_hold_the_phrase_are_cut_and_each_once() -> None:
    phrase = Phrase("hello", ("您好",), word=True)
    texts, ends = ["您好", "您好像", "您好", "您好像", "好"], {"您好": [2], "您好像": [1, 3]}
    assert Matcher([phrase], ends.__getitem__).find(pa.array(texts)).text.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("phrase", "text", "value"),
    [
        (Phrase("n", ("<company>",), slots=COMPANY, value="company"), "理解物业", "丽洁物业"),
        (Phrase("n", ("您好[<company>]",), slots=COMPANY, value="company"), "您好", None),
        (Phrase("n", ("我姓…{1,1}",), value="text"), "我姓王，您好", "王"),
        (Phrase("n", ("…{2,3}号楼",), value="text"), "在三十五号楼", "3十5"),
        (Phrase("n", ("姓…{1,2}的",), value="text"), "姓欧阳的", "欧阳"),
        (Phrase("n", ("<digits:3-4>房",), value="digits"), "八零六房", "806"),
        (Phrase("n", ("<number>块",), value="number"), "一百二十块", "120"),
        (Phrase("n", ("<digits:1-2>点半",), value="time"), "六点半", "6:30"),
        (Phrase("n", ("<number>分",), value="time"), "十八点三十分", "6:30"),
        (Phrase("n", ("<number>块",), value="number"), "三千五块", "3500"),
        (Phrase("n", ("<number>块",), value="number"), "十五块", "15"),
        (Phrase("n", ("<number>块",), value="number"), "两万零三十块", "20030"),
        (Phrase("n", ("<number>折",), value="number"), "3.5折", "3.5"),
        (Phrase("n", ("您好",), value="digits"), "您好", None),
    ],
)
def test_hits_capture_values(phrase: Phrase, text: str, value: str | None) -> None:
    assert captured(phrase, text) == [value]


def test_texts_that_repeat_have_the_same_hits_in_every_row() -> None:
    hits = Matcher([Phrase("hello", ("您好",))]).find(pa.chunked_array([["您好", "喂"], ["您好您好", "您好", None]]))
    assert list(zip(hits.text.tolist(), hits.first.tolist(), strict=True)) == [(0, 0), (2, 0), (2, 2), (3, 0)]


@pytest.mark.parametrize("texts", [[], [""], ["，"], [None]])
def test_nothing_is_found_in_nothing(texts: list[str]) -> None:
    hits = Matcher([NAME, WAITED, Phrase("n", ("^<digits>$",), value="digits")]).find(pa.array(texts, pa.string()))
    assert len(hits) == 0 and hits.first.dtype == np.int32


def test_half_a_character_harms_nobody() -> None:
    assert found(NAME, "丽洁\ud800物业") == [("丽洁\ud800物业", "normalised")]


def test_no_phrases_find_nothing() -> None:
    assert len(Matcher([]).find(["您好"])) == 0


def test_a_wording_that_cannot_be_read_is_refused_at_once() -> None:
    with pytest.raises(WordingError):
        Matcher([Phrase("x", ("(您好",))])


def test_the_nearest_words_show_why_something_was_missed() -> None:
    similarity, first, last = nearest(Phrase("else", ("还有其他问题吗",)), "请问还有其他问吗，嗯")
    assert 0.8 < similarity < 1
    assert "请问还有其他问吗，嗯"[first:last] == "还有其他问吗"
    assert nearest(Phrase("else", ("还有其他问题吗",)), "") == (0.0, 0, 0)


def test_a_matcher_that_was_used_can_be_handed_to_another_process() -> None:
    matcher = Matcher([Phrase("hello", ("您好",), word=True)], Segmenter(["您好"]).ends)
    texts = ["您好，请讲", "喂"]
    first, again = matcher.find(texts), pickle.loads(pickle.dumps(matcher)).find(texts)
    assert len(first) == 1
    assert (again.first.tolist(), again.last.tolist(), again.rung.tolist()) == ([0], [2], first.rung.tolist())
