"""Quotes find their place in the words of the call."""

from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.model import Verdict
from qa_pipeline.review.annotated import annotate
from qa_pipeline.review.scorecard import RuleTitle
from tests.review.rows import MISS, evidence, finding, turn


@given(st.text("您好再见甲乙", min_size=1, max_size=30), st.data())
def test_the_highlight_covers_the_quote_at_its_second(text: str, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(text) - 1))
    quote = text[first : data.draw(st.integers(first + 1, len(text)))]
    said = turn(3, text, start_ms=1000)
    call = annotate("c1", [said], [finding("pass", evidence("pass", quote, said["char_ms"][first], turn=3))])
    (mark,) = call.turns[0].highlights
    assert (mark.first, mark.last) == (first, first + len(quote))


def test_turns_come_in_order_and_words_outside_them_are_not_marked() -> None:
    turns = [turn(2, "再见", 9000), turn(1, "您好", 0)]
    call = annotate("c1", turns, [finding("pass", evidence("pass", "谢谢", turn=1), evidence("pass", "您好", turn=7))])
    assert [(t.text, t.highlights) for t in call.turns] == [("您好", ()), ("再见", ())]


def test_an_unsure_verdict_marks_nothing_as_failed() -> None:
    call = annotate(
        "c1", [turn(0, "您忙")], [finding("unsure", evidence("fail", "您忙", **MISS), reason="nearly_said:greeting")]
    )
    assert [m.verdict for m in call.turns[0].highlights] == [Verdict.UNSURE]
    assert call.verdicts[0].verdict is Verdict.UNSURE


def test_a_verdict_leads_to_the_first_second_that_shows_it() -> None:
    mixed = finding("fail", evidence("pass", "抱歉", 1000), evidence("fail", "", 70_000), evidence("fail", "", 90_000))
    call = annotate("c1", [], [mixed, finding("na", rule="r2", reason="no_occasion")])
    assert [v.start_ms for v in call.verdicts] == [70_000, None]


def test_verdicts_stand_in_the_order_of_the_titles() -> None:
    titles = {("p", "z"): RuleTitle("先"), ("p", "a"): RuleTitle("后")}
    call = annotate("c1", [], [finding("pass", rule=r) for r in ("a", "other", "z")], titles=titles)
    assert [(v.rule_id, v.title) for v in call.verdicts] == [("z", "先"), ("a", "后"), ("other", "")]
