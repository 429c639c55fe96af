"""What `qa rules check` warns of, and what it is quiet about."""

from datetime import date
from pathlib import Path

import pytest

from qa_pipeline import shipped
from qa_pipeline.rules.lint import WANTED_EXAMPLES, always_together, missing_examples, never_arising, warnings
from qa_pipeline.rules.pack import RulePack, load_packs
from tests.rules.judging import HEAD, pack_of

BY_SOUND = ", rungs: [exact, normalised, sound]"
QUIET = "{id: r, title: 规则, weight: 100, clauses: [c1], coach: 说您好, when: call, expect: {said: said}%s}"


def told(folder: Path, say: str = "[您好]", more: str = "", phrase: str = "", head: str = "") -> list[str]:
    """Warnings for a pack with one phrase `said` and one rule that nothing is wrong with."""
    start = f"pack: p\ntitle: 试\n{head}\nphrases: {{said: {{say: {say}{phrase}}}}}\n"
    return warnings({"p": pack_of(folder, f"rules:\n- {QUIET % more}\n", start)})


def test_a_sound_pack_is_not_warned_of(tmp_path: Path) -> None:
    assert told(tmp_path) == []


def test_the_shipped_packs_are_warned_of_nothing() -> None:
    assert warnings(load_packs(shipped.packs())) == []


def test_a_wording_contained_in_another_says_no_more(tmp_path: Path) -> None:
    warned = ["phrase said: '请问您贵姓' says no more than '您贵姓', which it contains"]
    assert told(tmp_path, "[请问您贵姓, 您贵姓]", phrase=BY_SOUND) == warned
    assert told(tmp_path, "[您贵姓, 怎么称呼]", phrase=BY_SOUND) == []


def test_a_word_that_a_slot_names_twice_is_told(tmp_path: Path) -> None:
    twice = "slots: {who: [主任, 经理, 主任], where: [东门, 西门]}"
    assert told(tmp_path, head=twice) == ["slot who: names 主任 more than once"]


def test_between_word_ends_a_longer_wording_may_say_more(tmp_path: Path) -> None:
    assert told(tmp_path, "[电话号码, 号码]", phrase=", word: true") == []


def test_a_longer_wording_says_more_where_it_alone_is_heard_by_its_sound_or_may_hold_more_errors(tmp_path: Path) -> None:
    assert told(tmp_path, "[您贵姓, 贵姓]", phrase=BY_SOUND) == []
    assert told(tmp_path, "[您贵姓, 贵姓]", phrase=", rungs: [exact, normalised]") != []
    assert told(tmp_path, "[请问您贵姓, 您贵姓]", phrase=", rungs: [exact, near]") == []


def test_a_wording_that_jieba_never_bounds_can_never_hit(tmp_path: Path) -> None:
    assert "can never hit" in told(tmp_path, "[话号]", phrase=", word: true")[0]
    assert told(tmp_path, "[电话]", phrase=", word: true") == []
    assert told(tmp_path, "[话号]") == []


def test_a_rule_without_coaching_or_clauses_is_told(tmp_path: Path) -> None:
    pack = pack_of(tmp_path, "rules:\n- {id: r, title: t, weight: 100, when: call, expect: {said: hello}}")
    mine = [line for line in warnings({"p": pack}) if line.startswith("p r:")]
    assert mine == ["p r: no coaching words; a trainer sees only the title", "p r: names no clause of a policy"]


def test_a_phrase_that_no_rule_uses_is_told_and_one_behind_names_is_not(tmp_path: Path) -> None:
    names = "occasions: {first: {phrase: hello, nth: first}}\nconditions: {kind: {said: sorry}}\n"
    rules = "rules:\n- {id: r, title: t, weight: 100, when: first, expect: kind}"
    unused = {line for line in warnings({"p": pack_of(tmp_path, names + rules)}) if "no rule uses it" in line}
    assert "p phrase bye: no rule uses it" in unused
    assert not {line for line in unused if "hello" in line or "sorry" in line}
    assert HEAD.count("say:") == len(unused) + 2


def test_an_unknown_section_is_told_with_the_nearest(tmp_path: Path) -> None:
    (said,) = told(tmp_path, more=", section: opning", head="sections: {opening: 应答}")
    assert said == "p r: its section 'opning' is not among the pack's sections; did you mean 'opening'?"
    assert told(tmp_path, more=", section: opening", head="sections: {opening: 应答}") == []


def test_dates_the_wrong_way_round_are_told(tmp_path: Path) -> None:
    assert told(tmp_path, more=", from: 2025-02-01, until: 2025-01-01") == [
        f"p r: never in force: from {date(2025, 2, 1)} until {date(2025, 1, 1)}"
    ]
    assert told(tmp_path, more=", from: 2025-01-01, until: 2025-02-01") == []


def test_weights_of_live_rules_add_up_to_100(tmp_path: Path) -> None:
    def total(status: str) -> list[str]:
        rules = f"rules:\n- {QUIET % ''}\n- {(QUIET % f', status: {status}').replace('id: r', 'id: s')}\n"
        pack = pack_of(tmp_path, rules, "pack: p\ntitle: 试\nphrases: {said: {say: [您好]}}\n")
        return warnings({"p": pack})

    assert total("live") == ["p: the weights of its live rules add up to 200, not 100"]
    assert total("trial") == total("draft") == total("retired") == []


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ("", list(WANTED_EXAMPLES)),
        (", examples: {pass: [A 您好], near: [A 您好像]}", ["fail"]),
        (", examples: {pass: [A 您好], fail: [A 喂], near: [A 您好像]}", []),
        (", status: trial", []),
        (", kind: checklist", []),
    ],
)
def test_a_live_rule_needs_examples_of_three_kinds(tmp_path: Path, more: str, missing: list[str]) -> None:
    pack = pack_of(tmp_path, f"rules:\n- {{id: r, title: t, weight: 1, when: call, expect: {{said: hello}}{more}}}")
    assert missing_examples(pack.rules[0]) == missing


def test_every_shipped_live_rule_has_them() -> None:
    packs = load_packs(shipped.packs())
    assert [rule.id for pack in packs.values() for rule in pack.rules if missing_examples(rule)] == []


def findings(**fails: str) -> list[dict[str, object]]:
    """rule="110": failed on the first two of three calls, passed the third; "-" is na."""
    verdicts = {"1": "fail", "0": "pass", "-": "na"}
    return [
        {"pack": "p", "rule_id": rule, "call_id": str(i), "leg": 1, "verdict": verdicts[v]}
        for rule, told in fails.items()
        for i, v in enumerate(told)
    ]


def test_two_rules_that_always_fail_together_are_told_where_there_are_enough_calls() -> None:
    assert len(always_together(findings(a="1101", b="1101"), least=3)) == 1
    assert always_together(findings(a="1101", b="1101"), least=4) == []
    assert always_together(findings(a="1101", b="1100"), least=2) == []


def test_rules_of_two_packs_are_never_one_behaviour_twice() -> None:
    other = [{**row, "pack": "q"} for row in findings(b="111")]
    assert always_together([*findings(a="111"), *other], least=3) == []


def test_a_rule_that_never_arose_is_told_once_it_was_judged(tmp_path: Path) -> None:
    packs: dict[str, RulePack] = {"p": pack_of(tmp_path, "rules: []")}
    assert never_arising(packs, findings(a="---", b="-0-")) == ["p a: never arose on the stored calls"]
    assert never_arising(packs, []) == []
    assert never_arising({}, findings(a="---")) == []
