"""The ledger: one row a recording, transcripts safe until sealed."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.dataset.ledger import Entry, Ledger
from qa_pipeline.dataset.rows import Rows

DAY = date(2024, 5, 14)
ROWS: Rows = {"calls": [{"call_id": "c"}], "legs": [], "turns": [], "events": []}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite")
    yield made
    made.close()


def entry(call_id: str, state: str = "transcribed") -> Entry:
    return Entry(f"/r/{call_id}.wav", state, f"sha-{call_id}", 1, 2, "asr", call_id)


def waiting(ledger: Ledger) -> list[tuple[date, list[str]]]:
    return [(day, list(rows)) for day, rows in ledger.pending()]


def test_what_fails_again_and_again_stays_one_row_that_counts(ledger: Ledger) -> None:
    for _ in range(3):
        ledger.note(Entry("/r/a.wav", "failed", reason="empty", detail="no bytes"))
    assert [(e.path, e.reason) for e in ledger.failures()] == [("/r/a.wav", "empty")]
    assert ledger.attempts("/r/a.wav") == 3


def test_a_failed_recording_that_was_mended_is_no_failure(ledger: Ledger) -> None:
    ledger.note(Entry("/r/a.wav", "failed", reason="empty"))
    ledger.keep(entry("a"), DAY, ROWS)
    assert ledger.failures() == []


def test_a_kept_transcript_waits_until_it_is_sealed(ledger: Ledger) -> None:
    ledger.keep(entry("a"), DAY, ROWS)
    assert waiting(ledger) == [(DAY, ["a"])]
    ledger.sealed(DAY, ["a"], [{"call_id": "a", "leg": 1, "agent_id": "6001", "pack": "p"}])
    assert waiting(ledger) == []
    assert ledger.call_date("a") == DAY
    seen = ledger.entry("/r/a.wav")
    assert seen is not None and seen.state == "sealed"


def test_sealing_some_calls_of_a_day_leaves_the_others_waiting(ledger: Ledger) -> None:
    for call in ("a", "b"):
        ledger.keep(entry(call), DAY, ROWS)
    ledger.sealed(DAY, ["a"], [])
    assert waiting(ledger) == [(DAY, ["b"])]


def test_a_crash_within_keeping_leaves_neither_half(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_: Entry) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ledger, "note", crash)
    with pytest.raises(KeyboardInterrupt):
        ledger.keep(entry("a"), DAY, ROWS)
    assert waiting(ledger) == [] and ledger.entry("/r/a.wav") is None


def test_more_calls_than_sqlite_takes_parameters_are_sealed_at_once(ledger: Ledger) -> None:
    calls = [f"c{i}" for i in range(40_000)]
    ledger.keep(entry("c39999"), DAY, ROWS)
    ledger.sealed(DAY, calls, [])
    assert waiting(ledger) == [] and ledger.call_date("c39999") == DAY


def test_content_is_known_under_any_name_once_it_is_finished(ledger: Ledger) -> None:
    ledger.note(Entry("/r/a.wav", "failed", "sha-a"))
    assert ledger.heard("sha-a") is None
    ledger.keep(entry("a"), DAY, ROWS)
    found = ledger.heard("sha-a")
    assert found is not None and found.path == "/r/a.wav"


def test_a_duplicate_does_not_hold_its_call(ledger: Ledger) -> None:
    ledger.note(Entry("/r/0.wav", "duplicate", "sha-a", call_id="a"))
    assert ledger.holder("a") is None


def test_an_unjudged_call_waits_on_and_is_a_failure_until_it_is_sealed(ledger: Ledger) -> None:
    ledger.keep(entry("a"), DAY, ROWS)
    ledger.unjudged("a", "the rule broke")
    assert waiting(ledger) == [(DAY, ["a"])]
    assert [(e.reason, e.detail) for e in ledger.failures()] == [("judging_failed", "the rule broke")]
    ledger.sealed(DAY, ["a"], [])
    assert ledger.failures() == []


def test_a_ledger_of_an_older_form_is_brought_up(tmp_path: Path) -> None:
    import sqlite3

    with sqlite3.connect(tmp_path / "old.sqlite") as old:
        old.execute(
            "create table recordings (path text primary key, state text, sha256 text, asr text, call_id text, reason text,"
            " detail text, at text, size integer, modified_ns integer)"
        )
        old.execute("insert into recordings (path, state) values ('/r/a.wav', 'failed')")
    old.close()
    ledger = Ledger(tmp_path / "old.sqlite")
    ledger.note(Entry("/r/a.wav", "failed"))
    assert ledger.attempts("/r/a.wav") == 1
    ledger.close()


steps = st.lists(st.tuples(st.sampled_from(["keep", "fail", "seal"]), st.sampled_from("abc")), max_size=12)


@given(steps)
def test_a_kept_transcript_is_waiting_or_sealed_whatever_comes_between(
    tmp_path_factory: pytest.TempPathFactory, told: list[tuple[str, str]]
) -> None:
    ledger = Ledger(tmp_path_factory.mktemp("l") / "ledger.sqlite")
    kept, sealed = set(), set()
    for step, call in told:
        if step == "keep":
            ledger.keep(entry(call), DAY, ROWS)
            kept.add(call)
        elif step == "fail":
            ledger.note(Entry(f"/r/{call}-other.wav", "failed"))
        elif call in kept:
            ledger.sealed(DAY, [call], [])
            kept.remove(call)
            sealed.add(call)
    assert waiting(ledger) == ([(DAY, sorted(kept))] if kept else [])
    assert {call for call in "abc" if ledger.call_date(call)} == sealed
    ledger.close()
