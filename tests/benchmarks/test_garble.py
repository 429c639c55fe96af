"""The garbler does to words what a recogniser does, so often and no oftener, and the same way for the same seed."""

import random

import pytest
import yaml

from qa_pipeline.text.sound import sound
from tests.benchmarks.garble import (
    DROPPED,
    HAN,
    REPLACED,
    SAME,
    Tally,
    by_syllable,
    garble,
    garbled,
    near_sounds,
    sound_alikes,
    syllable,
)
from tests.benchmarks.scripts import SCRIPTS

SCRIPT = yaml.safe_load((SCRIPTS / "cs-02-complaint-good.yaml").read_text("utf-8"))
LONG = "您好乡野邻家请问有什么可以帮您我想投诉你们送来的鸡蛋碎了三个" * 200


def replaced(text: str) -> list[tuple[str, str]]:
    """Pairs of what was said and heard, for a text of which nothing was dropped."""

    class Never(random.Random):
        def random(self) -> float:
            return DROPPED + super().random() * (1 - DROPPED)

    heard = garble(text, Never(1))
    assert len(heard) == len(text)
    return [(a, b) for a, b in zip(text, heard, strict=True) if a != b]


def test_a_tenth_is_replaced_and_three_in_a_hundred_are_dropped() -> None:
    heard = garble(LONG, random.Random(1))
    assert (len(LONG) - len(heard)) / len(LONG) == pytest.approx(DROPPED, abs=0.006)
    assert len(replaced(LONG)) / len(LONG) == pytest.approx(REPLACED, abs=0.015)


def test_what_is_heard_instead_sounds_the_same_or_near() -> None:
    pairs = replaced(LONG)
    same = [syllable(a) == syllable(b) for a, b in pairs]
    assert all(one or syllable(b) in near_sounds(syllable(a)) for one, (a, b) in zip(same, pairs, strict=True))
    # what has no neighbour keeps its syllable
    assert SAME - 0.05 < sum(same) / len(same) < 0.9


def test_the_sound_fold_does_not_absorb_every_confusion() -> None:
    """A garbler that only the fold's own merges make would flatter the fold."""
    assert any(sound(a) != sound(b) for a, b in replaced(LONG))


@pytest.mark.parametrize(
    ("spoken", "near"),
    [
        ("zhi", "zi"),
        ("zi", "zhi"),
        ("shi", "si"),
        ("nan", "lan"),
        ("feng", "fen"),
        ("fei", "hei"),
        ("jin", "jing"),
        ("ren", "len"),
    ],
)
def test_near_sounds_are_one_confusion_away(spoken: str, near: str) -> None:
    if near in by_syllable():
        assert near in near_sounds(spoken)


@pytest.mark.parametrize("spoken", ["zhi", "shan", "ma", "nan", "feng"])
def test_a_syllable_is_not_near_itself_and_near_goes_both_ways(spoken: str) -> None:
    assert spoken not in near_sounds(spoken)
    assert all(spoken in near_sounds(other) for other in near_sounds(spoken))


def test_the_commonest_characters_are_heard_first() -> None:
    counts = [count for _, count in sound_alikes("是", same=True)]
    assert "时" in [c for c, _ in sound_alikes("是", same=True)]
    assert counts == sorted(counts, reverse=True)
    assert "是" not in [c for c, _ in sound_alikes("是", same=True)]


def test_marks_stay_and_digits_are_replaced_by_nothing() -> None:
    text = "，。？ 13900001234" * 50
    heard = garble(text, random.Random(2))
    assert heard.count("，") == 50
    assert set(heard) == set(text)
    assert not HAN.search(heard)


def test_the_same_seed_garbles_a_script_the_same_way_and_another_one_otherwise() -> None:
    said = [[turn["text"] for turn in garbled(SCRIPT, seed)["turns"]] for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]


def test_nothing_but_the_words_changes() -> None:
    heard = garbled(SCRIPT, 1)
    assert [{**turn, "text": ""} for turn in heard["turns"]] == [{**turn, "text": ""} for turn in SCRIPT["turns"]]
    assert {**heard, "turns": []} == {**SCRIPT, "turns": []}


def test_the_tally_counts_unsure_as_na() -> None:
    tally = Tally()
    script = {"id": "c", "expected": {"a": "pass", "b": "na", "d": "na"}}
    verdicts = {"a": "fail", "b": "unsure", "d": "na"}
    tally.add([script], {("c", rule): {"verdict": v, "reason": "x"} for rule, v in verdicts.items()})
    assert tally.percent() == pytest.approx(200 / 3)
    assert tally.percent({"a"}.__contains__) == 0
    assert list(tally.wrong) == [("a", "pass", "fail", "x")]
