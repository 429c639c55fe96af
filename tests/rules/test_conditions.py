"""Every operator of the language on a call or two: what it must hear, and what it must not."""

from pathlib import Path

import numpy as np
import pytest

from qa_pipeline import shipped
from qa_pipeline.rules.conditions import _OPERATORS, _is_of_leg, evaluate
from qa_pipeline.rules.examples import read_dialogue, tables_of
from qa_pipeline.rules.judge import judge_tables
from qa_pipeline.rules.pack import load_packs
from tests.rules.judging import HEAD, finding, pack_of, rule_of, verdict

DESK = "A 您好，丽洁物业 / C 我要投诉 / A 不好意思 / C 好 / A 再见 / C 再见"


@pytest.mark.parametrize(
    ("when", "expect", "dialogue", "wanted"),
    [
        ("first_utterance", "{said: [hello, company]}", "A 您好 / A 丽洁物业 / C 喂", "pass"),
        ("first_utterance", "{said: [hello, company]}", "A 您好 / C 喂 / A 丽洁物业", "fail"),
        ("first_utterance", "{said: company}", "C 喂 / A 理解物业 / C 喂", "pass"),
        ("first_utterance", "{said: company}", "I 欢迎致电丽洁物业 / A 您好 / C 喂", "fail"),
        ("first_utterance", "{said: company}", "A 您好丽景物业 / C 喂", "unsure"),
        ("call", "{said: {any: [hello, bye]}}", "A 再见", "pass"),
        ("call", "{said: hello, by: customer}", "A 您好 / C 喂", "fail"),
        ("call", "{said: hello, times: 2}", "A 您好您好 / C 喂", "pass"),
        ("call", "{said: hello, times: 2}", "A 您好 / C 喂", "fail"),
        ("call", "{said: [sorry, wait], same_turn: true}", "A 对不起请稍等 / C 好", "pass"),
        ("call", "{said: [sorry, wait], same_turn: true}", "A 对不起 / C 好 / A 请稍等", "fail"),
        ("call", "{said: [wait, sorry], in_order: true}", "A 请稍等 / C 好 / A 对不起", "pass"),
        ("call", "{said: [wait, sorry], in_order: true}", "A 对不起请稍等 / C 好", "fail"),
        ("call", "{never_said: rude}", "A 您好 / C 你烦不烦啊", "pass"),
        ("call", "{never_said: rude}", "A 你烦不烦 / C 啊", "fail"),
        ("ending", "{said: bye}", "A 再见 / C 好", "pass"),
        ("ending", "{said: bye}", "A 再见 / C 等等 / 20 / A 什么 / C 嗯 / A 哦", "fail"),
        ("{phrase: complaint, by: customer}", "{said: sorry, next_turns: 1}", DESK, "pass"),
        ("{phrase: complaint, by: customer}", "{said: bye, next_turns: 1}", DESK, "fail"),
        ("{phrase: complaint, by: customer}", "{said: hello, previous_turns: 1}", DESK, "pass"),
        ("{phrase: complaint, by: customer}", "{said: hello, look: before}", DESK, "pass"),
        ("{phrase: complaint, by: customer}", "{said: hello, look: after}", DESK, "fail"),
        ("{phrase: complaint, by: customer}", "{said: sorry, after_s: 3}", "A 您好 / C 我要投诉 / 9 / A 不好意思", "fail"),
        ("call", "{order: [{phrase: hello}, {phrase: complaint, by: customer}, {phrase: bye}]}", DESK, "pass"),
        ("call", "{order: [{phrase: bye}, {phrase: hello}]}", DESK, "fail"),
        ("call", "{of: [{said: hello}, {said: wait}, {said: bye}], at_least: 2}", DESK, "pass"),
        ("call", "{of: [{said: hello}, {said: bye}], at_least: 2, must: [{said: wait}]}", DESK, "fail"),
        ("call", "{not: {said: wait}}", DESK, "pass"),
        ("call", "[{said: hello}, {said: bye}]", DESK, "pass"),
        ("call", "{occurs: {turns: customer, characters: 3}, at_most: 1}", "A 您好 / C 我要投诉 / C 你们电梯坏了", "fail"),
        ("call", "{occurs: {silence: 5}, at_most: 0}", "A 您好 / 4 / C 喂", "pass"),
        ("call", "{occurs: {silence: 5}, at_most: 0}", "A 您好 / 6 / C 喂", "fail"),
        ("call", "{occurs: {interruption: agent}, at_most: 0}", "C 我家的电梯已经坏了三天了 / -2 / A 我知道了我知道了", "fail"),
        ("call", "{occurs: {interruption: agent}, at_most: 0}", "C 我家的电梯已经坏了三天了 / -2 / A 嗯 / A 您好", "pass"),
        (
            "call",
            "{occurs: {monologue: customer, longer_s: 4}}",
            "C 我家的电梯坏了 / A 嗯 / C 已经坏了三天了还没人来 / A 您好",
            "pass",
        ),
        ("call", "{occurs: {monologue: customer, longer_s: 4}}", "C 我家的电梯坏了 / A 请问是几栋 / C 三栋 / A 您好", "fail"),
        ("call", "{measure: ring_ms, at_most: 15500}", "call {ring_ms: 15400} / A 您好", "pass"),
        ("call", "{measure: ring_ms, at_most: 15500}", "call {ring_ms: 16000} / A 您好", "fail"),
        ("call", "{measure: ring_ms, at_most: 15500}", "A 您好", "unsure"),
        (
            "call",
            "{measure: agent_level_dbfs, at_least: -32}",
            "call {agent_level_dbfs: -24, n_channels: 1} / A 您好",
            "unsure",
        ),
        ("end", "{measure: quiet_before_end_ms, at_least: 10000}", "A 再见 / C 再见 / 11 / agent hangs up", "pass"),
        ("end", "{measure: quiet_before_end_ms, at_least: 10000}", "A 再见 / C 再见 / 2 / agent hangs up", "fail"),
        ("call", "{field: pms.dnd, is: full}", "call {fields: {pms: {dnd: full}}} / A 您好", "pass"),
        ("call", "{field: pms.dnd, is: full}", "call {fields: {pms: {dnd: none}}} / A 您好", "fail"),
        ("call", "{field: pms.dnd, is: full}", "A 您好", "unsure"),
        ("call", "{field: ticket.exists, is: true, feed: ticket.feed}", "A 您好", "na"),
        ("call", "{field: roster, contains: '2107'}", "call {fields: {roster: ['2107']}} / A 您好", "pass"),
        (
            "{transfer: {target_type: room}}",
            "{clock: ['23:00', '06:00']}",
            "call {started_at: '2025-03-03T22:59:58'} / A 您好 / 4 / transfer {target_type: room}",
            "pass",
        ),
        ("{transfer: {target_type: room}}", "{clock: ['23:00', '06:00']}", "A 您好 / transfer {target_type: room}", "fail"),
        ("{transfer: any}", "{names: [target, aliases], before_s: 15}", "A 我帮您转工程部 / transfer {target: 工程部}", "pass"),
        (
            "{transfer: any}",
            "{names: [target, aliases], before_s: 15}",
            "A 我帮您转一下 / transfer {target: 工程部, aliases: [维修]}",
            "fail",
        ),
        ("{transfer: any}", "{attribute: result, is: busy}", "A 您好 / transfer {result: busy}", "pass"),
        ("end", "{ended_by: customer}", "A 再见 / customer hangs up", "pass"),
        ("end", "{ended_by: customer}", "A 再见 / agent hangs up", "fail"),
        ("end", "{ended_by: customer}", "A 再见", "unsure"),
        ("end", "{ended_by: customer}", "A 再见 / event {kind: busy_tone, side: customer, seconds: 3}", "pass"),
        ("call", "{echoes: customer, characters: 5}", "C 三号车间后面的仓库 / A 是三号车间后面对吗", "pass"),
        ("call", "{echoes: customer, characters: 5}", "A 三号车间后面 / C 三号车间后面的仓库 / A 好的", "fail"),
        ("{phrase: phone, by: customer}", "{repeats: 4}", "C 一三九零五三一一二三四 / A 幺三九零五三幺幺二三四对吗", "pass"),
        ("{phrase: phone, by: customer}", "{repeats: 4}", "C 一三九零五三一一二三四 / A 好的对吗", "fail"),
        ("call", "{some_value: {phrase: titled}, from: [{phrase: surname, by: customer}]}", "C 我姓陈 / A 陈女士您好", "pass"),
        ("call", "{some_value: {phrase: titled}, from: [{phrase: surname, by: customer}]}", "C 我姓陈 / A 王先生您好", "fail"),
        (
            "call",
            "{every_value: {phrase: phone}, from: [{phrase: phone, by: customer}, {slot: public}]}",
            "A 他的手机是13800001234 / C 好",
            "fail",
        ),
        (
            "call",
            "{every_value: {phrase: phone}, from: [{phrase: phone, by: customer}, {field: caller_number}]}",
            "C 我是13800001234 / A 幺三八零零零零幺二三四对吗",
            "pass",
        ),
        (
            "call",
            "{every_value: {phrase: phone}, from: [{field: caller_number}]}",
            "call {caller_number: '13800001234'} / A 您是13800001234吗 / C 对",
            "pass",
        ),
    ],
)
def test_an_operator_on_a_call(tmp_path: Path, when: str, expect: str, dialogue: str, wanted: str) -> None:
    assert verdict(rule_of(tmp_path, when, expect), dialogue) == wanted


@pytest.mark.parametrize(
    ("dialogue", "reason"),
    [
        ("A 再见 / C 再见", "hangup_unknown_customer_last"),
        ("C 再见 / A 再见", "hangup_unknown_agent_last"),
        ("C 那我再问一下 / A 先这样", "hangup_unknown_agent_last"),
        ("A 感谢您的来电再见 / -1 / C 好的再见", "hangup_unknown"),
        ("call {answered: true}", "hangup_unknown"),
    ],
)
def test_whose_words_were_last_is_a_hint_for_the_listener_and_accuses_nobody(
    tmp_path: Path, dialogue: str, reason: str
) -> None:
    for who in ("agent", "customer"):
        found = finding(rule_of(tmp_path, "end", f"{{ended_by: {who}}}"), dialogue)
        assert (found["verdict"], found["reason"], found["needs_person"]) == ("unsure", reason, True)


HOLDS = "occasions: {hold: {holds: {announced_by: wait, quiet_s: 8}, merge_s: 15}}"


@pytest.mark.parametrize(
    ("dialogue", "wanted"),
    [
        ("A 不好意思请稍等 / hold 30 / A 查到了", "pass"),
        ("A 请稍等 / hold 30 / A 查到了", "fail"),
        ("A 不好意思请稍等 / C 好 / 9 / A 查到了", "pass"),
        ("A 请稍等 / 3 / A 查到了", "na"),
        ("A 请稍等 / C 你们到底什么时候派人来修 / 9 / A 马上", "na"),
        ("A 不好意思请稍等 / hold 12 / A 还在查 / hold 12 / A 查到了", "pass"),
    ],
)
def test_holds_are_recorded_or_announced_and_merge_into_one_waiting(tmp_path: Path, dialogue: str, wanted: str) -> None:
    assert verdict(rule_of(tmp_path, "hold", "{said: sorry, before_s: 10}", names=HOLDS), dialogue) == wanted


@pytest.mark.parametrize(
    ("dialogue", "wanted"),
    [
        ("A 请稍等 / hold 30 / A 查到了", "fail"),
        ("A 请稍等 / hold 14 / A 还在查 / hold 14 / A 查到了", "pass"),
        ("A 请稍等 / hold 14 / C 喂喂 / hold 14 / A 查到了", "fail"),
    ],
)
def test_the_waiting_clock_is_reset_by_the_agent_alone(tmp_path: Path, dialogue: str, wanted: str) -> None:
    expect = "{longest_gap: {turns: agent}, at_most_s: 20, tolerance_s: 2}"
    assert verdict(rule_of(tmp_path, "hold", expect, names=HOLDS), dialogue) == wanted


@pytest.mark.parametrize(
    ("more", "dialogue", "wanted"),
    [
        (", applies: {direction: outbound}", "A 您好", "na"),
        (", applies: {direction: [inbound, internal]}", "A 您好", "pass"),
        (", applies: {direction: inbound}", "call {direction: null} / A 喂", "unsure"),
        (", unless: [{said: complaint, by: customer}]", "A 喂 / C 我要投诉", "na"),
        (", unless: [{said: complaint, by: customer}]", "A 喂 / C 我要报修", "fail"),
        (", if: {said: complaint, by: customer}", "A 喂 / C 我要报修", "na"),
        (", needs: [music]", "call {measured: [tones]} / A 您好", "unsure"),
        (", from: 2026-01-01", "A 您好", "na"),
        (", until: 2026-01-01", "A 您好", "pass"),
    ],
)
def test_what_a_rule_applies_to(tmp_path: Path, more: str, dialogue: str, wanted: str) -> None:
    assert verdict(rule_of(tmp_path, "call", "{said: hello}", more), dialogue) == wanted


def test_a_call_without_an_agent_s_word_gives_no_occasion_for_words(tmp_path: Path) -> None:
    found = finding(rule_of(tmp_path, "call", "{never_said: rude}"), "C 喂 / C 有人吗")
    assert (found["verdict"], found["reason"]) == ("na", "no_agent_speech")


def test_unknown_speakers_are_unsure_and_for_a_person(tmp_path: Path) -> None:
    found = finding(rule_of(tmp_path, "call", "{said: hello}"), "? 您好 / ? 喂")
    assert (found["verdict"], found["reason"], found["needs_person"]) == ("unsure", "roles_unknown", True)


def test_the_proof_is_the_words_and_their_time(tmp_path: Path) -> None:
    (proof,) = finding(rule_of(tmp_path, "call", "{said: sorry}"), "A 您好 / C 喂 / A 嗯，不好意思啊")["evidence"]
    assert (proof["quote"], proof["rung"], proof["turn"]) == ("不好意思", "exact", 2)
    assert proof["end_ms"] > proof["start_ms"] > 0


def test_a_phrase_that_asks_for_whole_words_is_not_heard_inside_one(tmp_path: Path) -> None:
    body = "rules:\n- {id: r, title: t, weight: 10, when: call, expect: {said: meeting}}\n"
    for asks, wanted in (("true", "fail"), ("false", "pass")):
        pack = pack_of(tmp_path, body, HEAD + f'  meeting: {{say: ["会议"], rungs: [exact, normalised], word: {asks}}}\n')
        assert verdict(pack, "A 会议室在三楼") == wanted
        assert verdict(pack, "A 今天的会议取消了") == "pass"


@pytest.mark.parametrize(
    ("when", "expect", "whole", "cut"),
    [
        ("ending", "{said: bye}", "fail", "unsure"),
        ("ending", "{said: sorry}", "pass", "pass"),
        ("call", "{said: bye}", "fail", "unsure"),
        ("call", "{never_said: rude}", "pass", "pass"),
        ("first_utterance", "{said: wait}", "fail", "fail"),
        ("{phrase: complaint, by: customer}", "{said: wait, next_turns: 1}", "fail", "fail"),
        ("{phrase: complaint, by: customer}", "{said: wait, next_turns: 2}", "fail", "unsure"),
        ("{phrase: complaint, by: customer}", "{said: wait, look: after}", "fail", "unsure"),
        ("{phrase: complaint, by: customer}", "{said: wait, look: before}", "fail", "fail"),
    ],
)
def test_what_may_have_been_said_in_a_lost_end_is_no_miss(tmp_path: Path, when: str, expect: str, whole: str, cut: str) -> None:
    pack = rule_of(tmp_path, when, expect)
    dialogue = "A 您好 / C 我要投诉 / A 不好意思"
    found = finding(pack, "call {flags: [truncated]} / " + dialogue)
    assert (verdict(pack, dialogue), found["verdict"]) == (whole, cut)
    assert found["reason"] == ("truncated" if cut == "unsure" else found["reason"])


def test_what_is_the_same_anywhere_in_a_leg_is_told_there_as_if_it_were_asked_there() -> None:
    pack = load_packs(shipped.packs())["property"]
    dialogues = [d for rule in pack.rules for told in rule.examples.values() for d in told][::5]
    case, _ = judge_tables(tables_of(read_dialogue(d, pack.id, f"c{i}") for i, d in enumerate(dialogues)), pack)
    excuses = [*pack.conditions.values(), *(excuse for rule in pack.rules for excuse in rule.unless)]
    asked = {c.text: c for c in excuses if _is_of_leg(pack, c)}.values()
    assert {c.op for c in asked} >= {"all", "any", "condition", "field", "said"}
    turns = case.turns_of("agent", "anyone")
    for c in asked:
        told, there = evaluate(case, c, turns), _OPERATORS[c.op](case, c, turns, True)
        assert told.value.tolist() == there.value.tolist() and told.reason.tolist() == there.reason.tolist()
        one, other = (each.proof(np.arange(len(turns)) % 3 > 0) for each in (told, there))
        assert [one.row.tolist(), one.spans.starts.tolist()] == [other.row.tolist(), other.spans.starts.tolist()]


@pytest.mark.parametrize(
    "asked",
    ["{said: bye}", "{said: bye, look: before}", "{said: bye, look: whole, after_s: 3}", "{measure: length_ms, at_least: 3}"],
)
def test_what_depends_on_the_place_is_asked_at_each(tmp_path: Path, asked: str) -> None:
    pack = rule_of(tmp_path, "call", f"{{any: [{{field: direction, is: inbound}}, {asked}]}}")
    assert pack.rules[0].expect and not _is_of_leg(pack, pack.rules[0].expect)
