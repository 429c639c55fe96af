"""Cards as data and as one file: nothing in them runs, nothing in them is lost."""

import csv
import io
import json
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.review.export import to_csv, to_html, to_json
from qa_pipeline.review.scorecard import RuleTitle, Scorecard, make_scorecards
from tests.review.rows import evidence, finding, score

HOSTILE = '<script>alert(1)</script><img src=x onerror="x">&\'"'
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", " =1"]


def cards_with(words: str) -> list[Scorecard]:
    findings = [
        finding("fail", evidence("fail", words), call=words, agent=words, reason=words),
        finding("unsure", call=words, agent=words, reason=words, rule="r2"),
        finding("na", call=words, agent=words, reason=words, rule="r3"),
    ]
    titles = {("p", rule): RuleTitle(words, words) for rule in ("r1", "r2", "r3")}
    return make_scorecards([score(0, 50, words, words), score(1, 50, "c", "other")], findings, titles)


class Page(HTMLParser):
    """The elements, attributes and words of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def test_hostile_words_stay_words_in_html() -> None:
    harmless, hostile = Page(to_html(cards_with("甲"))), Page(to_html(cards_with(HOSTILE)))
    assert hostile.tags == harmless.tags
    assert hostile.words == harmless.words.replace("甲", HOSTILE)


def test_the_page_is_one_file_without_script() -> None:
    page = Page(to_html(cards_with("甲")))
    assert not [t for t, attrs in page.tags if t in ("script", "link", "img", "iframe") or "src" in attrs]
    assert all((a["href"] or "").startswith("#") for a in page.all("a"))


def test_the_page_can_be_read_aloud() -> None:
    page = Page(to_html(cards_with("甲")))
    assert page.all("html") == [{"lang": "zh-CN"}]
    assert len(page.all("h1")) == 1
    assert len(page.all("h2")) == 2
    assert page.all("th") and all(th.get("scope") in ("col", "row") for th in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))


def test_the_page_tells_where_to_listen_and_what_to_coach() -> None:
    findings = [finding("fail", evidence("fail", "随便你投诉", 65_300), call="call-7", reason="said:顶撞")]
    (card,) = make_scorecards([score(0, 50)], findings, {("p", "r1"): RuleTitle("不顶撞", "先听完")})
    words = Page(to_html([card])).words
    assert all(part in words for part in ("call-7", "1:05.3", "随便你投诉", "说了顶撞", "不顶撞", "先听完"))


def test_an_unsure_call_is_listed_apart_from_the_misses() -> None:
    findings = [
        finding("fail", call="missed"),
        finding("unsure", evidence("fail", "喂"), call="unclear", reason="low_confidence"),
    ]
    (card,) = make_scorecards([score(0, 50)], findings, {})
    page = to_html([card])
    misses, unsure = page.index("未达标，请听"), page.index("? 不确定</p>")
    assert misses < page.index("missed") < unsure < page.index("unclear")
    assert '<li class="unsure"><span class="call">unclear <b class="unsure">请人听</b>' in page


def test_too_little_is_said_on_the_page() -> None:
    assert "样本不足" in Page(to_html(make_scorecards([score(0, 20)], [], {}))).words


@pytest.mark.parametrize("words", FORMULAS)
def test_no_csv_cell_starts_a_formula(words: str) -> None:
    rows = list(csv.reader(io.StringIO(to_csv(cards_with(words)).removeprefix("\ufeff"))))
    cells = [cell for row in rows for cell in row]
    assert f"'{words}" in cells
    assert not [cell for cell in cells if cell.strip(" ").startswith(tuple("=+-@\t\r＝"))]


@given(st.lists(st.sampled_from(["pass", "fail", "na", "unsure"]), min_size=1))
def test_every_verdict_has_a_row_in_csv(verdicts: list[str]) -> None:
    findings: list[Any] = [finding(v, *[evidence(v, "您好")] * (i % 3), call=f"c{i}") for i, v in enumerate(verdicts)]
    table = pd.read_csv(io.StringIO(to_csv(make_scorecards([score(0, 50)], findings, {}))), keep_default_na=False)
    assert table.groupby("call_id").verdict.first().to_dict() == {f"c{i}": v for i, v in enumerate(verdicts)}
    assert len(table) == sum(max(1, i % 3) for i in range(len(verdicts)))


def test_csv_begins_so_that_excel_reads_its_chinese() -> None:
    assert to_csv([]).startswith("\ufeffagent_id,")


def test_json_keeps_every_word() -> None:
    (card,) = json.loads(to_json(cards_with(HOSTILE)[:1]))
    assert card["agent_id"] == HOSTILE
    assert card["rules"][0]["findings"][0]["proofs"][0]["quote"] == HOSTILE
    assert [rule["unsure"] for rule in card["rules"]] == [0, 1, 0]
