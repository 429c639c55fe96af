"""Words repeat what they have in a row from others: a turn, what the other one said earlier in its own leg."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.kernels import Kernel
from qa_pipeline.rules.repetition import repeating, shared
from qa_pipeline.text.plain import plain_texts

TURN = st.tuples(st.integers(0, 2), st.integers(0, 3), st.booleans(), st.booleans(), st.text("甲乙丙", max_size=7))
"""Leg, start, whether mine, whether theirs, words."""
Turn = tuple[int, int, bool, bool, str]


def told(turns: list[Turn], n: int) -> list[bool]:
    leg, begun, mine, theirs, texts = ([turn[i] for turn in turns] for i in range(5))
    flags = (np.array(column, bool) for column in (mine, theirs))
    return repeating(plain_texts(texts), np.array(leg, np.int64), np.array(begun, np.int64), *flags, n).tolist()


def grams(text: str, n: int) -> set[str]:
    return {text[i : i + n] for i in range(len(text) - n + 1)}


@given(st.lists(TURN, max_size=12), st.integers(1, 4))
def test_it_is_what_comparing_every_two_turns_finds(turns: list[Turn], n: int) -> None:
    turns.sort(key=lambda turn: turn[:2])

    def repeats(leg: int, start: int, text: str) -> bool:
        earlier = (t for of, began, _, theirs, t in turns if theirs and of == leg and began < start)
        return any(grams(text, n) & grams(other, n) for other in earlier)

    assert told(turns, n) == [mine and repeats(leg, start, text) for leg, start, mine, _, text in turns]


def test_one_is_no_echo_of_what_was_said_in_another_leg_or_later_or_in_fewer_characters() -> None:
    said = (0, 1, False, True, "三号车间后面")
    assert told([said, (0, 2, True, False, "在三号车间吗")], 4) == [False, True]
    assert told([said, (0, 2, True, False, "在三号车间吗")], 5) == [False, False]
    assert told([said, (1, 2, True, False, "在三号车间吗")], 4) == [False, False]
    assert told([(0, 0, True, False, "在三号车间吗"), said], 4) == [False, False]


PAIRS = st.lists(st.tuples(*[st.text("甲乙丙", max_size=6)] * 2), max_size=8)


def sharing(pairs: list[tuple[str, str]], n: int) -> list[bool]:
    one, other = np.arange(len(pairs)), np.arange(len(pairs)) + len(pairs)
    return shared(plain_texts([pair[0] for pair in pairs] + [pair[1] for pair in pairs]), one, other, n).tolist()


@given(PAIRS, st.integers(1, 7))
def test_a_pair_shares_n_characters_or_all_of_a_shorter_one(pairs: list[tuple[str, str]], n: int) -> None:
    assert sharing(pairs, n) == [
        bool(grams(one, min(n, len(one)) or 1) & grams(other, min(n, len(one)) or 1)) for one, other in pairs
    ]


def test_compiled_it_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    turns: list[Turn] = [
        (leg, start, bool(rng.integers(2)), bool(rng.integers(2)), "".join(rng.choice(list("甲乙丙丁"), rng.integers(9))))
        for leg in range(30)
        for start in range(20)
    ]
    pairs = [(turn[4], other[4]) for turn, other in pairwise(turns)]
    plainly, shares = told(turns, 3), sharing(pairs, 3)
    assert 0.1 < np.mean(plainly) < 0.9 and 0.1 < np.mean(shares) < 0.9
    monkeypatch.setattr(Kernel, "__call__", lambda kernel, steps, *args: kernel.compiled(*args))
    assert told(turns, 3) == plainly
    assert sharing(pairs, 3) == shares
