"""Rows of scores, findings and turns, made by what writes the tables, with only what a test says about them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from qa_pipeline.dataset.rows import finding_rows, score_rows
from qa_pipeline.model import Evidence, Finding, Score, Verdict

Row = Mapping[str, Any]
MISS = {"rung": None, "similarity": 0.9}
"""Evidence whose words are only the nearest to what was expected."""


def evidence(verdict: str, quote: str = "", start_ms: int = 0, turn: int | None = 0, **more: Any) -> Evidence:
    rung = {"rung": "exact", "similarity": 1.0} if quote else {}
    return Evidence(Verdict(verdict), turn, start_ms, start_ms + 500, quote, **{**rung, **more})


def finding(verdict: str, *proofs: Evidence, call: str = "c1", agent: str | None = "a1", rule: str = "r1", **more: Any) -> Row:
    told = Verdict(verdict)
    points = 50.0 if told is Verdict.PASS else 0.0
    possible = 50.0 if told in (Verdict.PASS, Verdict.FAIL) else 0.0
    person = {"needs_person": told is Verdict.UNSURE}
    made = Finding(
        call, 1, agent, "p", rule, told, points, possible, more.pop("reason", None), proofs, "v1", **{**person, **more}
    )
    return finding_rows([made])[0]


def score(points: float, possible: float, call: str = "c1", agent: str | None = "a1", leg: int = 1) -> Row:
    percent = 100 * points / possible if possible >= 25 else None
    made = Score(call, leg, agent, None, "p", points, possible, percent, 0, "v1")
    return score_rows([made], "t1", datetime(2024, 5, 1, tzinfo=UTC))[0]


def turn(number: int, text: str, start_ms: int = 0, speaker: str = "agent") -> Row:
    times = [start_ms + 200 * i for i in range(len(text))]
    return {"turn": number, "speaker": speaker, "start_ms": start_ms, "text": text, "char_ms": times}
