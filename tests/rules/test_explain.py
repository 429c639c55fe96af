"""A rule told in plain Chinese: every operator has its words, and nothing of the machine shows."""

import re
from pathlib import Path

import pytest

from qa_pipeline import shipped
from qa_pipeline.rules import chinese, explain
from qa_pipeline.rules.grammar import BUILT_IN_SPANS, CONDITIONS, FATAL, HANGUPS, PICKS, RULE_KEYS, SPANS, SPEAKERS, STATUSES
from qa_pipeline.rules.measures import MEASURES
from qa_pipeline.rules.pack import Rule, RulePack, load_packs, mentioned
from tests.rules.judging import HEAD, pack_of, rule_of

TITLES = (
    "titles: {hello: 问候语, company: 公司名称, sorry: 致歉语, bye: 再见, "
    "complaint: 投诉的话, more: 问还有没有别的, pms.dnd: 免打扰}"
)
PACKS = load_packs(shipped.packs())
JUDGED = [(pack, rule) for pack in PACKS.values() for rule in pack.rules if rule.judged]


def told(folder: Path, when: str, expect: str, more: str = "", names: str = "") -> list[str]:
    """The lines of the explanation behind the title."""
    pack = rule_of(folder, when, expect, more, names=f"{TITLES}\n{names}")
    return explain.explain(pack.rules[0], pack).splitlines()[1:]


def test_every_word_of_the_language_has_its_chinese() -> None:
    assert set(explain._SPANS) == set(SPANS)
    assert set(explain._CONDITIONS) == set(CONDITIONS)
    assert set(chinese.MEASURED) == set(MEASURES)
    assert set(chinese.PLACES) == set(BUILT_IN_SPANS)
    assert set(chinese.WHO) == {*SPEAKERS, *HANGUPS}
    assert set(chinese.PICK) == set(PICKS)
    assert set(chinese.STATUS) == set(STATUSES)
    assert set(chinese.FATAL) == set(FATAL)
    assert set(chinese.KIND) == set(RULE_KEYS["kind"].choices)


@pytest.mark.parametrize(
    ("expect", "line"),
    [
        ("{said: [hello, company]}", "坐席说“问候语”和“公司名称”"),
        ("{said: {any: [hello, sorry]}, before_s: 10, after_s: 5}", "坐席前 10 秒到后 5 秒以内说“问候语”或“致歉语”"),
        ("{said: more}", "坐席“问还有没有别的”"),
        ("{said: bye, by: customer, next_turns: 2}", "客户接下来 2 句里说“再见”"),
        ("{said: [hello, company], same_turn: true}", "坐席说“问候语”和“公司名称”（同一句里）"),
        ("{never_said: bye}", "坐席不能说“再见”"),
        ("{not: {said: hello}}", "坐席没有说“问候语”"),
        ("{not: {field: end_reason, is_not: transferred}}", "记录的“怎样结束”为“转出”"),
        ("{field: answered, is: true}", "记录的“已接通”为“是”"),
        ("{field: direction, in: [inbound, internal]}", "记录的“呼叫方向”为“来电”或“内线”"),
        ("{field: pms.dnd, known: false}", "记录的“免打扰”没有记录"),
        ("{field: house.own, at_most: 3}", "记录的“house.own”最多 3"),
        ("{occurs: {turns: customer}, look: whole, at_most: 0}", "整通电话里没有客户说话"),
        ("{occurs: {turns: customer, characters: 6}, at_least: 2}", "有客户说话 6 个字以上，至少 2 次"),
        ("{measure: ring_ms, at_most: 15500}", "振铃时长最多 15.5 秒"),
        ("{measure: confidence, at_least: 0.8}", "识别把握至少 80%"),
        ("{ended_by: customer}", "由客户先挂机"),
        ('{clock: ["23:00", "06:00"]}', "当地时间在 23:00 到 06:00 之间"),
        ("{order: [{phrase: hello}, {phrase: bye}]}", "先后有：坐席说“问候语” → 坐席说“再见”"),
        ("{longest_gap: {turns: agent}, at_most_s: 20}", "每隔最多 20 秒就有坐席说话"),
        ("{repeats: 4}", "坐席接下来 2 句里复述其中连续 4 个字（不足则全部）"),
        ("{of: [{said: hello}, {said: bye}], at_least: 1}", "以下 2 项至少做到 1 项：坐席说“问候语”；坐席说“再见”"),
    ],
)
def test_an_expectation_reads_as_a_trainer_would_say_it(tmp_path: Path, expect: str, line: str) -> None:
    assert told(tmp_path, "call", expect)[1] == f"  要求：{line}"


@pytest.mark.parametrize(
    ("when", "line"),
    [
        ("ending", "坐席最后十五秒（或最后两句）"),
        ("{phrase: complaint, by: customer, nth: first}", "第一次客户说“投诉的话”"),
        ("{turns: agent, nth: 3}", "第 3 次坐席说话"),
        ("{turns: agent, to: colleague}", "坐席对同事说话"),
        ("{silence: 8, longer_s: 10}", "双方都不说话超过 8 秒（长于 10 秒）"),
        ("{event: [noise], side: agent}", "坐席一侧测到杂音"),
        (
            "{transfer: {target_type: room, result: [busy, no_answer]}}",
            "转接（转接对象的类别为“客房”，结果为“占线”或“无人接听”）",
        ),
        (
            "{holds: {announced_by: wait, quiet_s: 8}, edge: end}",
            "让客户等待（有记录、有音乐，或说了“wait”后 8 秒不说话）的结束",
        ),
        (
            "{either: [{phrase: bye}, {silence: 5}], merge_s: 3}",
            "（坐席说“再见”，或双方都不说话超过 5 秒）（相隔 3 秒以内算一次）",
        ),
    ],
)
def test_an_occasion_reads_as_a_trainer_would_say_it(tmp_path: Path, when: str, line: str) -> None:
    assert told(tmp_path, when, "{said: hello}")[0] == f"  什么时候：{line}"


def test_parts_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    lines = told(tmp_path, "call", "{all: [{said: hello}, {ended_by: customer}]}")
    assert lines[1:4] == ["  要求：以下各项都要", "    · 坐席说“问候语”", "    · 由客户先挂机"]


def test_a_named_condition_is_mentioned_by_its_title_and_told_once(tmp_path: Path) -> None:
    names = "conditions: {angry: {said: complaint, by: customer, look: whole}}"
    lines = told(tmp_path, "call", "{any: [angry, {not: angry}]}", names=names)
    assert lines.count("    「angry」：客户整通电话里说“投诉的话”") == 1
    assert lines[2:4] == ["    · 「angry」", "    · 不是「angry」"]


def test_excuses_filters_needs_and_confirmation_are_told(tmp_path: Path) -> None:
    more = ", unless: [{field: answered, is: false}], applies: {direction: inbound}, needs: [two_channels], confirm: true"
    pack = rule_of(tmp_path, "call", "{never_said: rude}", f"{more}, kind: prohibition, fatal: card, coach: 好好说", TITLES)
    text = explain.explain(pack.rules[0], pack)
    for part in (
        "禁止项",
        "致命项",
        "需人工确认",
        "只看呼叫方向为“来电”",
        "不适用：记录的“已接通”为“否”",
        "双声道录音",
        "辅导：好好说",
    ):
        assert part in text


def test_wordings_of_phrases_with_one_title_stand_together(tmp_path: Path) -> None:
    head = HEAD.replace("title: 试", "title: 试\ntitles: {hello: 问候语, bye: 问候语}")
    pack = pack_of(tmp_path, "rules:\n- {id: r, title: t, weight: 1, when: call, expect: {said: {any: [hello, bye]}}}", head)
    assert "  “问候语”：您好 / 再见\n      但不算：您好像" in explain.explain(pack.rules[0], pack)


def test_a_checklist_item_is_left_to_the_trainer(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, "rules:\n- {id: r, title: 备好纸笔, weight: 0, kind: checklist}")
    assert explain.explain(pack.rules[0], pack).splitlines()[1:] == ["  由培训师人工检查。"]


@pytest.mark.parametrize(("pack", "rule"), JUDGED, ids=[rule.id for _, rule in JUDGED])
def test_nothing_of_the_machine_shows_in_a_shipped_rule(pack: RulePack, rule: Rule) -> None:
    text = re.sub(r"(?m)^  (“|    但不算).*$", "", explain.explain(rule, pack))
    assert not re.search(r"\['|\('|\bTrue\b|\bFalse\b|\bNone\b|Expression|\{|\}", text)


def test_the_names_in_shipped_rules_have_chinese_titles() -> None:
    """A title goes into the pack's `titles` or into rules/shared/titles.yaml."""
    untitled = {
        f"{pack.id}: {name}"
        for pack, rule in JUDGED
        for kind, name in mentioned(rule, pack)
        if kind != "slot" and name.isascii() and name not in BUILT_IN_SPANS and name not in pack.titles
    }
    assert untitled == set()
