"""Wordings are read as their author meant them, or refused with the place and what was expected."""

import re

import pytest

from qa_pipeline.rules.chains import Chain, chains
from qa_pipeline.rules.wording import Choice, Edge, Gap, Run, WordingError, parse, pattern, spelled
from qa_pipeline.text.normal import normalise
from qa_pipeline.text.numbers import DIGITS

SLOTS = {"company": ("丽洁物业", "丽洁"), "none": ()}


def said(wording: str) -> set[str]:
    return set(spelled(parse(wording, SLOTS)))


def forms(chain: Chain) -> list[set[str]]:
    return [{form.normal for form in link.body} if isinstance(link.body, tuple) else set() for link in chain.links]


def test_brackets_leave_out_and_choose() -> None:
    assert said("[请]稍(等|候[一下])") == {"请稍等", "稍等", "请稍候", "稍候", "请稍候一下", "稍候一下"}


def test_a_slot_stands_for_its_words() -> None:
    assert said("您好<company>") == {"您好丽洁物业", "您好丽洁"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("［请］稍（等｜候）", "[请]稍(等|候)"),
        ("您好＜company＞", "您好<company>"),
        ("还有...吗", "还有…吗"),
        ("还有……吗", "还有…吗"),
        ("还有⋯吗", "还有…吗"),
        ("还有…｛2，4｝吗", "还有…{2,4}吗"),
        ("＾喂＄", "^喂$"),
        ("<digits：3－4>号", "<digits:3-4>号"),
    ],
)
def test_wide_brackets_and_other_dots_are_read_as_the_narrow_ones(typed: str, meant: str) -> None:
    assert parse(typed, SLOTS) == parse(meant, SLOTS)


@pytest.mark.parametrize(
    ("wording", "part"),
    [
        ("a…b", Gap(0, 6)),
        ("a…{8}b", Gap(0, 8)),
        ("a…{2,4}b", Gap(2, 4)),
        ("a<digits>b", Run(DIGITS, 1, 25)),
        ("a<digits:11>b", Run(DIGITS, 11, 11)),
        ("a<digits:3-4>b", Run(DIGITS, 3, 4)),
        ("a[]b", Choice(((), ()))),
    ],
)
def test_gaps_and_runs_have_their_bounds(wording: str, part: object) -> None:
    assert parse(wording, SLOTS)[1] == part


def test_anchors_stand_at_the_rims() -> None:
    assert parse("^喂$", SLOTS) == (Edge(False), "喂", Edge(True))


@pytest.mark.parametrize(
    ("wording", "place", "expected"),
    [
        ("请[稍等", 2, "never closed"),
        ("请稍等]", 4, "closes nothing"),
        ("(请|您", 1, "expected ')'"),
        ("请|您", 2, "in brackets"),
        ("您好<hotel>", 3, "there are company"),
        ("您好<company", 3, "expected '>'"),
        ("您好<none>", 3, "lists no words"),
        ("还有…{两}吗", 3, "…{8}"),
        ("还有…{4,2}吗", 3, "smaller number first"),
        ("还有…{99}吗", 3, "at most 60"),
        ("电话<digits:一一>", 3, "<digits:11>"),
        ("电话<digits:4-3>", 3, "smaller number first"),
        ("您^好", 2, "very start"),
        ("您$好", 2, "very end"),
        ("您好{2}", 3, "behind a gap"),
        ("您.*好", 3, "write …"),
        ("…您好", 1, "begins"),
        ("您好…", 3, "ends"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(wording: str, place: int, expected: str) -> None:
    with pytest.raises(WordingError) as caught:
        parse(wording, SLOTS)
    assert f"character {place}:" in str(caught.value)
    assert expected in str(caught.value)


@pytest.mark.parametrize("wording", ["", "[您好]", "，。", "(嗯|您好)", "^$", "…{2,4}", "[您][好]", "您[…]?|"])
def test_a_wording_that_says_nothing_is_refused(wording: str) -> None:
    with pytest.raises(WordingError):
        parse(wording, SLOTS)


def test_too_many_forms_are_refused_with_advice() -> None:
    many = "(一|二|三|四|五|六|七|八|九|十)"
    assert len(forms(chains(many * 3, {})[0])[0]) == 1000
    for wording in (many * 4, many * 30, f"({many * 3}…吗|{many * 3}…呢|{many * 3})"):
        with pytest.raises(WordingError, match="wordings of their own"):
            chains(wording, {})


def test_alternatives_around_a_gap_are_one_chain() -> None:
    (chain,) = chains("还有(什么|别的)…{8}(问题|事)", {})
    assert forms(chain) == [{"还有什么", "还有别的"}, {"问题", "事"}]
    assert (chain.links[1].least, chain.links[1].most) == (0, 8)


def test_literals_are_in_the_normal_form_of_texts() -> None:
    (chain,) = chains("嗯，請問您幺３.5", {})
    assert forms(chain) == [{"请问你13点5"}]


def test_an_optional_part_beside_a_gap_leaves_one_longer_gap() -> None:
    found = chains("还有…[别的]…吗", {})
    assert sorted([(link.least, link.most) for link in chain.links[1:]] for chain in found) == [[(0, 6), (0, 6)], [(0, 12)]]


@pytest.mark.parametrize(
    ("wording", "text", "whole"),
    [
        ("^喂[您]好", "喂你好", True),
        ("^喂", "你喂", False),
        ("房号<digits:3-4>", "房号八零六", True),
        ("房号<digits:3-4>", "房号八零六一二", False),
        ("还有…{2}吗", "还有问题吗", True),
        ("还有…{2}吗", "还有别的事吗", False),
        ("<number>块", "三百二十块", True),
    ],
)
def test_the_plain_meaning_is_a_regular_expression(wording: str, text: str, whole: bool) -> None:
    compiled = re.compile(pattern(parse(wording, {}), lambda c: normalise(c).text))
    assert bool(compiled.fullmatch(normalise(text).text)) is whole
