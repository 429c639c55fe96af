"""What people said is kept, audited, and moves only when its evidence does."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from qa_pipeline.dataset.people import People, PeopleError, after_judging, copy_database, pinned

FINDING: dict[str, Any] = {
    **{"call_id": "c", "leg": 1, "pack": "p", "rule_id": "r", "verdict": "fail"},
    "evidence": [{"verdict": "fail", "turn": 3, "start_ms": 10, "end_ms": 90, "quote": "稍等"}],
}


@pytest.fixture
def people(tmp_path: Path) -> Iterator[People]:
    made = People(tmp_path / "people.sqlite")
    yield made
    made.close()


def test_a_mark_stands_beside_its_finding_and_a_later_one_takes_its_place(people: People) -> None:
    people.mark(FINDING, "pass", "trainer", "说了，听得到")
    people.mark(FINDING, "na", "head")
    (mark,) = people.marks()
    assert (mark.verdict, mark.machine_verdict, mark.by, mark.counts) == ("na", "fail", "head", True)
    assert mark.evidence == pinned(FINDING)


def test_evidence_is_the_same_whatever_its_order_and_its_verdict(people: People) -> None:
    two = [{"verdict": v, "turn": t, "start_ms": 0, "end_ms": 1, "quote": "嗯"} for v, t in (("pass", 1), ("fail", 2))]
    assert pinned({"evidence": two}) == pinned({"evidence": two[::-1]})
    assert pinned({"evidence": two}) != pinned({"evidence": two[:1]})


def test_an_appeal_is_closed_once_and_settles_the_matter(people: People) -> None:
    people.appeal(people.mark(FINDING, "fail", "trainer"), "6001", "我说了")
    (mark,) = people.marks()
    people.close_appeal(mark, "fail", "head", "听过，没有")
    (mark,) = people.marks()
    assert (mark.appeal, mark.closed) == ("dismissed", True)
    with pytest.raises(PeopleError, match="no appeal is open"):
        people.close_appeal(mark, "pass", "head", "")
    with pytest.raises(PeopleError, match="was dismissed"):
        people.mark(FINDING, "pass", "trainer")


def test_an_appeal_upheld_leaves_the_verdict_it_was_closed_with(people: People) -> None:
    people.appeal(people.mark(FINDING, "fail", "trainer"), "6001", "我说了")
    people.close_appeal(people.marks()[0], "pass", "head", "听到了")
    (mark,) = people.marks()
    assert (mark.appeal, mark.verdict) == ("upheld", "pass")


def test_a_stale_mark_counts_no_more_unless_an_appeal_was_closed_on_it(people: People) -> None:
    mark = people.mark(FINDING, "pass", "trainer")
    people.settle([after_judging(mark, None)])
    (stale,) = people.marks()
    assert not stale.counts
    people.appeal(stale, "6001", "再看看")
    people.close_appeal(people.marks()[0], "pass", "head", "")
    assert people.marks()[0].counts


def test_a_mark_is_carried_over_on_the_same_evidence_and_stale_on_other(people: People) -> None:
    mark = people.mark(FINDING, "pass", "trainer")
    assert after_judging(mark, {**FINDING, "verdict": "pass"}).state == "in_force"
    assert after_judging(mark, {**FINDING, "evidence": []}).state == "stale"
    assert after_judging(after_judging(mark, None), FINDING).state == "in_force"


def test_a_closed_appeal_is_flagged_when_its_finding_changes_and_not_before(people: People) -> None:
    people.appeal(people.mark(FINDING, "pass", "trainer"), "6001", "x")
    people.close_appeal(people.marks()[0], "pass", "head", "")
    (closed,) = people.marks()
    assert after_judging(closed, FINDING).flag is None
    changed = after_judging(closed, {**FINDING, "verdict": "na"})
    assert (changed.counts, "the finding is na now" in (changed.flag or "")) == (True, True)


def test_a_verdict_that_is_none_is_refused(people: People) -> None:
    with pytest.raises(PeopleError, match="call c: expected a verdict of pass, fail, na, found 'unsure'"):
        people.mark(FINDING, "unsure", "trainer")


def test_forgetting_a_call_forgets_what_was_said_of_it_and_nothing_else(people: People) -> None:
    people.appeal(people.mark(FINDING, "pass", "trainer"), "6001", "x")
    people.mark({**FINDING, "call_id": "d"}, "pass", "trainer")
    assert people.forget(["c"]) == 1
    assert [m.call_id for m in people.marks()] == ["d"]
    assert people.db.table("appeals").count == 0


def test_a_copy_is_whole_while_someone_writes(people: People, tmp_path: Path) -> None:
    people.mark(FINDING, "pass", "trainer")
    writer = sqlite3.connect(tmp_path / "people.sqlite", isolation_level=None)
    writer.execute("begin immediate")
    writer.execute("update marks set verdict = 'na'")
    copy_database(tmp_path / "people.sqlite", tmp_path / "copy.sqlite")
    writer.execute("rollback")
    copied = People(tmp_path / "copy.sqlite")
    assert [m.verdict for m in copied.marks()] == ["pass"]
    copied.close()


def test_every_word_is_in_the_audit_with_who_said_it(people: People) -> None:
    people.appeal(people.mark(FINDING, "pass", "trainer"), "6001", "x")
    assert [(r["by"], r["did"]) for r in people.db.table("audit").rows] == [("trainer", "marked"), ("6001", "appealed")]


def test_marks_mirror_as_a_table(people: People) -> None:
    people.mark(FINDING, "pass", "trainer", "好")
    assert people.table().select(["call_id", "verdict", "note", "state"]).to_pylist() == [
        {"call_id": "c", "verdict": "pass", "note": "好", "state": "in_force"}
    ]
