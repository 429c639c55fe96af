"""Reasons, times and percentages as a trainer reads them."""

import re
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.review.words import clock, reason_words, shown_percent


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("transferred_away", "电话已转出"),
        ("not_said:greeting", "没有说问候语"),
        ("nearly_said:apology", "像是说了致歉语，没听准"),
        ("not_said:房号", "没有说房号"),
        ("hangup_by_agent", "坐席先挂机"),
        ("unknown:ring_count", "不知道振铃次数"),
    ],
)
def test_a_reason_code_becomes_plain_words(code: str, words: str) -> None:
    assert reason_words(code) == words


@given(st.text(min_size=1))
def test_a_reason_nobody_foresaw_stays_visible(code: str) -> None:
    assert reason_words(f"new_{code}") == f"其他原因：new_{code}"


def test_every_reason_of_the_demo_has_its_words(demo_project: Path) -> None:
    reasons = pd.read_parquet(demo_project / "dataset" / "findings").reason.dropna().unique()
    assert len(reasons) > 3
    assert [code for code in reasons if reason_words(code).startswith("其他原因")] == []


@given(st.integers(0, 20_000_000))
def test_a_player_set_to_the_shown_time_has_not_passed_the_word(ms: int) -> None:
    minutes, seconds, tenth = map(int, re.fullmatch(r"(\d+):(\d\d)\.(\d)", clock(ms)).groups())
    shown = minutes * 60_000 + seconds * 1000 + tenth * 100
    assert 0 <= ms - shown < 100 and seconds < 60


def test_too_little_is_said_instead_of_a_percentage() -> None:
    assert shown_percent(None) == "样本不足"
    assert shown_percent(0.0) == "0%"
