"""When words are said: by their characters' times, in which order, and what the clock on the wall shows."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.dataset.schemas import SCHEMAS, coded
from qa_pipeline.rules import corpus
from qa_pipeline.rules.corpus import AGENT, CUSTOMER, DAY_MS, Corpus, Turns, make_corpus, time_words

EPOCH, MS = datetime(1970, 1, 1, tzinfo=UTC), timedelta(milliseconds=1)


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


ZONES = ("Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC", "UTC+08:00", "UTC-03:30")


@given(st.lists(st.tuples(st.integers(5 * 365 * DAY_MS, 60 * 365 * DAY_MS), st.sampled_from(ZONES)), max_size=8))
def test_the_local_time_of_a_call_is_what_a_clock_on_its_wall_shows(begun: list[tuple[int, str]]) -> None:
    calls = pa.table(
        {
            "started_at": pa.array([ms for ms, _ in begun], pa.timestamp("ms", "UTC")),
            "tz": pa.array([zone for _, zone in begun], pa.string()),
        }
    )
    nobody = np.arange(len(begun))
    of = Corpus(calls, pa.table({}), nobody, nobody, nobody, turns(), pa.table({}), nobody)
    shown = [EPOCH + timedelta(milliseconds=ms) for ms in of.local_starts.tolist()]
    assert shown == [(EPOCH + timedelta(milliseconds=ms)).astimezone(zone_of(name)).replace(tzinfo=UTC) for ms, name in begun]
    assert of.local_ms.tolist() == [(t - t.replace(hour=0, minute=0, second=0, microsecond=0)) // MS for t in shown]


def zone_of(name: str) -> tzinfo:
    hours, _, minutes = name[3:].partition(":")
    if not name.startswith("UTC"):
        return ZoneInfo(name)
    return timezone(timedelta(hours=int(hours or 0), minutes=int(hours[:1] + minutes if hours else 0)))


@pytest.fixture(params=["as it stands", "compiled"])
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    run = corpus._time_words.compiled if request.param == "compiled" else time_words
    monkeypatch.setattr(corpus, "_time_words", lambda steps, *args: run(*args))


def timed(of: Turns, *words: tuple[int, int, int], kinds: Sequence[int] = ()) -> tuple[list[tuple[int, int, int]], bool]:
    """Unit, start and end of words, each a turn's characters, of one kind unless others are given."""
    kind = np.array(kinds or [0] * len(words), np.int32)
    found, in_order = of.words(kind, *np.array(words, np.int32).reshape(-1, 3).T)
    return list(zip(found.unit.tolist(), found.start.tolist(), found.end.tolist(), strict=True)), in_order


@pytest.mark.usefixtures("loop")
def test_words_last_from_their_first_character_to_what_comes_behind_them_or_the_turns_end() -> None:
    assert timed(TURNS, (0, 0, 2), (0, 2, 3), (1, 0, 1), (2, 1, 2)) == (
        [(0, 0, 200), (0, 200, 350), (0, 400, 500), (2, 40, 90)],
        True,
    )
    assert timed(TURNS) == ([], True)


@pytest.mark.usefixtures("loop")
def test_they_are_out_of_order_where_turns_begin_at_once_or_times_go_back() -> None:
    assert not timed(TURNS, (1, 0, 1), (0, 0, 1))[1]
    assert not timed(TURNS, (0, 1, 2), (0, 0, 1))[1]
    back = turns((0, 0, [300, 200], 350))
    assert not timed(back, (0, 0, 1), (0, 1, 2))[1]
    at_once = turns((0, 5, [9], 20), (0, 5, [7], 20))
    assert not timed(at_once, (0, 0, 1), (1, 0, 1))[1]
    assert timed(at_once, (1, 0, 1), (0, 0, 1))[1]
    assert timed(TURNS, (1, 0, 1), (0, 0, 1), kinds=(3, 4))[1]
    assert not timed(TURNS, (0, 0, 1), (1, 0, 1), kinds=(4, 3))[1]


def test_turns_with_coded_names_are_the_same_turns() -> None:
    """A turn of nobody's call is left out; a turn without an addressee is said to the customer."""
    rows = [("b", "agent", None), ("a", "customer", "customer"), ("x", "agent", "customer"), ("a", "agent", "colleague")]
    many = {
        "calls": [{"call_id": call} for call in "ab"],
        "legs": [{"call_id": call, "leg": 1, "start_ms": 0, "end_ms": 900, "pack": "p"} for call in "ab"],
        "turns": [
            {"call_id": call, "turn": n, "leg": 1, "speaker": who, "addressee": to, "start_ms": n * 9, "end_ms": n * 9 + 5}
            | {"text": "您好", "char_ms": [n * 9, n * 9 + 2]}
            for n, (call, who, to) in enumerate(rows)
        ],
        "events": [],
    }
    plain = {name: pa.Table.from_pylist(told, schema=SCHEMAS[name]) for name, told in many.items()}
    codes = plain | {"turns": plain["turns"].cast(coded(SCHEMAS["turns"]))}
    for made in (make_corpus(tables).turns for tables in (plain, codes)):
        assert made.number.tolist() == [1, 3, 0]
        assert made.speaker.tolist() == [CUSTOMER, AGENT, AGENT]
        assert made.to_colleague.tolist() == [False, True, False]
