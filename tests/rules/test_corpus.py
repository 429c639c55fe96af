"""When words are said: by their characters' times, and in which order."""

import numpy as np
import pyarrow as pa
import pytest

from qa_pipeline.rules import corpus
from qa_pipeline.rules.corpus import Turns, time_words


def turns(*rows: tuple[int, int, list[int], int]) -> Turns:
    """Unit, start, times of the characters, end."""
    n = len(rows)
    length = np.array([len(row[2]) for row in rows], np.int64)
    return Turns(
        unit=np.array([row[0] for row in rows], np.int64),
        number=np.arange(n),
        speaker=np.zeros(n, np.int64),
        to_colleague=np.zeros(n, bool),
        start=np.array([row[1] for row in rows], np.int64),
        end=np.array([row[3] for row in rows], np.int64),
        texts=pa.array(["字" * len(row[2]) for row in rows]),
        length=length,
        confidence=np.ones(n),
        begin=np.cumsum(length) - length,
        char_ms=np.array([ms for row in rows for ms in row[2]], np.int32),
    )


TURNS = turns((0, 0, [0, 100, 200], 350), (0, 400, [400, 500], 620), (2, 10, [10, 40], 90))


@pytest.fixture(params=["as it stands", "compiled"], autouse=True)
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    run = corpus._time_words.compiled if request.param == "compiled" else time_words
    monkeypatch.setattr(corpus, "_time_words", lambda steps, *args: run(*args))


def timed(of: Turns, *words: tuple[int, int, int]) -> tuple[list[tuple[int, int, int]], bool]:
    """Unit, start and end of words, each a turn's characters."""
    found, in_order = of.words(*np.array(words, np.int32).reshape(-1, 3).T)
    return list(zip(found.unit.tolist(), found.start.tolist(), found.end.tolist(), strict=True)), in_order


def test_words_last_from_their_first_character_to_what_comes_behind_them_or_the_turns_end() -> None:
    assert timed(TURNS, (0, 0, 2), (0, 2, 3), (1, 0, 1), (2, 1, 2)) == (
        [(0, 0, 200), (0, 200, 350), (0, 400, 500), (2, 40, 90)],
        True,
    )
    assert timed(TURNS) == ([], True)


def test_they_are_out_of_order_where_turns_begin_at_once_or_times_go_back() -> None:
    assert timed(TURNS, (1, 0, 1), (0, 0, 1))[1] is False
    assert timed(TURNS, (0, 1, 2), (0, 0, 1))[1] is False
    back = turns((0, 0, [300, 200], 350))
    assert timed(back, (0, 0, 1), (0, 1, 2))[1] is False
    at_once = turns((0, 5, [9], 20), (0, 5, [7], 20))
    assert timed(at_once, (0, 0, 1), (1, 0, 1))[1] is False
    assert timed(at_once, (1, 0, 1), (0, 0, 1))[1] is True
