"""What a run takes on: nothing known, nothing that failed too often, and of each agent's day no more than the plan says."""

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.batch.backlog import Backlog, choose
from qa_pipeline.dataset.ledger import Entry, Ledger
from qa_pipeline.recordings.files import RecordingFiles, one_file
from qa_pipeline.recordings.records.join import Records
from qa_pipeline.recordings.records.record import CallRecord
from qa_pipeline.settings import Night

NONE = Records(())
NOON = datetime(2024, 5, 14, 12, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = Ledger(tmp_path / "ledger.sqlite")
    yield made
    made.close()


@pytest.fixture
def one(tmp_path: Path) -> RecordingFiles:
    (tmp_path / "a.wav").write_text("whatever")
    return one_file(tmp_path / "a.wav")


def fail(ledger: Ledger, one: RecordingFiles, reason: str = "not_audio") -> None:
    size, modified_ns = one.state
    ledger.note(Entry(one.key, "failed", size=size, modified_ns=modified_ns, reason=reason, detail="no sound"))


def names(backlog: Backlog) -> list[str]:
    return [one.paths[0].name for one in backlog.fresh]


def test_what_failed_is_tried_as_often_as_the_settings_say_and_then_set_apart_with_its_reason(
    ledger: Ledger, one: RecordingFiles
) -> None:
    for _ in range(3):
        assert names(choose([one], ledger, NONE, Night(attempts=3))) == ["a.wav"]
        fail(ledger, one)
    told = choose([one], ledger, NONE, Night(attempts=3))
    assert (names(told), [(q.reason, q.detail) for q in told.quarantined]) == ([], [("not_audio", "no sound (tried 3 times)")])
    assert names(choose([one], ledger, NONE, Night(attempts=4))) == ["a.wav"]


def test_a_file_that_was_touched_or_asked_for_is_tried_as_often_again(ledger: Ledger, one: RecordingFiles) -> None:
    for _ in range(2):
        fail(ledger, one)
    assert choose([one], ledger, NONE, Night(attempts=2)).quarantined
    os.utime(one.paths[0], (1, 1))
    assert not choose([one], ledger, NONE, Night(attempts=2)).quarantined
    fail(ledger, one)
    assert names(choose([one], ledger, NONE, Night(attempts=2))) == ["a.wav"]
    fail(ledger, one)
    assert choose([one], ledger, NONE, Night(attempts=2)).quarantined
    assert ledger.try_again() == 1
    assert names(choose([one], ledger, NONE, Night(attempts=2))) == ["a.wav"]


def test_what_a_killed_run_had_in_hand_comes_last_and_alone_and_is_set_apart_when_it_was_there_too_often(
    ledger: Ledger, one: RecordingFiles, tmp_path: Path
) -> None:
    (tmp_path / "b.wav").write_text("another")
    other = one_file(tmp_path / "b.wav")
    for _ in range(2):
        ledger.take_in_hand(one.key, one.state)
        assert ledger.blame_in_hand() == 1
        told = choose([one, other], ledger, NONE, Night(attempts=3))
        assert (names(told), told.alone) == (["b.wav", "a.wav"], {one.key})
    ledger.take_in_hand(one.key, one.state)
    ledger.blame_in_hand()
    told = choose([one, other], ledger, NONE, Night(attempts=3))
    assert (names(told), [q.reason for q in told.quarantined]) == (["b.wav"], ["run_killed"])
    assert ledger.blame_in_hand() == 0


def test_a_killed_run_is_no_blame_to_what_was_put_down_or_kept(ledger: Ledger, one: RecordingFiles) -> None:
    ledger.take_in_hand(one.key, one.state)
    ledger.put_down(one.key)
    assert ledger.blame_in_hand() == 0
    ledger.take_in_hand(one.key, one.state)
    ledger.note(Entry(one.key, "transcribed", "content", *one.state, call_id="c1"))
    ledger.blame_in_hand()
    assert choose([one], ledger, NONE, Night()).known == 1
    assert ledger.attempts(one.key) == 1


def test_a_call_id_that_another_holds_is_looked_at_every_night(ledger: Ledger, one: RecordingFiles) -> None:
    for _ in range(5):
        fail(ledger, one, "call_id_taken")
    assert names(choose([one], ledger, NONE, Night())) == ["a.wav"]


def test_only_who_asks_for_other_settings_hears_a_known_recording_again(ledger: Ledger, one: RecordingFiles) -> None:
    ledger.note(Entry(one.key, "sealed", "content", *one.state, "old model", "c1"))
    assert choose([one], ledger, NONE, Night()).known == 1
    assert choose([one], ledger, NONE, Night(), "old model").known == 1
    told = choose([one], ledger, NONE, Night(), "new model")
    assert (told.known, names(told), told.again) == (0, ["a.wav"], {one.key})


@pytest.mark.parametrize(("order", "expected"), [("oldest", "bcad"), ("newest", "dacb")])
def test_calls_come_in_order_of_their_records_times_else_of_their_files(
    ledger: Ledger, tmp_path: Path, order: str, expected: str
) -> None:
    for i, name in enumerate("abcd"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (NOON.timestamp() + i, NOON.timestamp() + i))
    records = Records(tuple(CallRecord(n, n, started_at=NOON - timedelta(hours=h)) for n, h in (("b", 2), ("c", 1))))
    told = choose([one_file(tmp_path / n) for n in "abcd"], ledger, records, Night(order=order))
    assert "".join(names(told)) == expected


CALLS = st.lists(st.tuples(st.sampled_from(["6001", "6002", None]), st.integers(0, 2)), max_size=12)


@given(CALLS, st.integers(1, 4), st.randoms())
def test_of_an_agents_day_no_more_are_heard_than_planned_always_the_same_and_more_when_it_is_raised(
    calls: list[tuple[str | None, int]], most: int, chance: Random
) -> None:
    files = [one_file(Path(f"/r/call-{i}.wav")) for i in range(len(calls))]
    told = [
        CallRecord(f"c{i}", f"call-{i}.wav", agent_id=a, started_at=NOON + timedelta(days=d)) for i, (a, d) in enumerate(calls)
    ]
    shift = {files[i].key: call for i, call in enumerate(calls)}
    ledger, records = Ledger(Path(":memory:")), Records(tuple(told))

    def plan(n: int, among: list[RecordingFiles]) -> Backlog:
        return choose(among, ledger, records, Night(per_agent=n))

    shuffled = chance.sample(files, len(files))
    first, other = plan(most, files), plan(most, shuffled)
    assert first.fresh == other.fresh
    assert len(first.fresh) + first.not_sampled == len(files)
    taken = Counter(shift[one.key] for one in first.fresh)
    assert taken == {s: min(most, n) for s, n in Counter(calls).items()}
    assert {one.key for one in first.fresh} <= {one.key for one in plan(most + 1, files).fresh}
    assert plan(0, files).not_sampled == 0
    ledger.close()


def test_known_calls_of_an_agents_day_count_among_the_planned(ledger: Ledger, tmp_path: Path) -> None:
    files = []
    for name in "abc":
        (tmp_path / name).write_text(name)
        files.append(one_file(tmp_path / name))
    records = Records(tuple(CallRecord(n, n, agent_id="6001", started_at=NOON) for n in "abc"))
    ledger.note(Entry(files[1].key, "sealed", "content", *files[1].state, "asr", "b"))
    told = choose(files, ledger, records, Night(per_agent=2))
    assert (told.known, len(told.fresh), told.not_sampled) == (1, 1, 1)


def test_a_day_is_one_of_the_house_not_of_greenwich(ledger: Ledger, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).touch()
    midnight = NOON.replace(hour=0)
    times = {"a": midnight.astimezone(UTC), "b": (midnight + timedelta(hours=23)).astimezone(UTC)}
    records = Records(tuple(CallRecord(n, n, agent_id="6001", started_at=at) for n, at in times.items()))
    told = choose([one_file(tmp_path / n) for n in "ab"], ledger, records, Night(per_agent=1))
    assert (len(told.fresh), told.not_sampled) == (1, 1)
