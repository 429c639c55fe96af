"""Kleene's logic, row by row, with the reasons and witnesses that go with it."""

import itertools

import numpy as np
import pytest

from qa_pipeline.rules import truth
from qa_pipeline.rules.spans import spans
from qa_pipeline.rules.truth import FALSE, TRUE, UNKNOWN, Truth, Witnesses, all_of, any_of, at_least, not_, spread

VALUES = (FALSE, UNKNOWN, TRUE)
RANK = {FALSE: 0, UNKNOWN: 1, TRUE: 2}
PAIRS = list(itertools.product(VALUES, VALUES))


def part(values: list[int], reason: int) -> Truth:
    rows = np.arange(len(values))
    told = np.array(values, np.int8)
    return Truth(
        told, np.where(told == TRUE, 0, reason), Witnesses(rows, spans(rows, rows * 10 + reason, rows * 10 + reason)).of
    )


def columns() -> tuple[Truth, Truth]:
    return part([a for a, _ in PAIRS], 3), part([b for _, b in PAIRS], 5)


def test_all_is_the_worse_and_any_the_better_of_two() -> None:
    one, other = columns()
    assert all_of([one, other]).value.tolist() == [min(pair, key=lambda v: RANK[v]) for pair in PAIRS]
    assert any_of([one, other]).value.tolist() == [max(pair, key=lambda v: RANK[v]) for pair in PAIRS]


def test_compiled_it_weighs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [*columns(), part([UNKNOWN] * len(PAIRS), 7)]
    plainly = [(found.value.tolist(), found.reason.tolist()) for found in (all_of(parts), any_of(parts))]
    compiled = truth._outweigh.compiled
    monkeypatch.setattr(truth, "_outweigh", lambda steps, *args: compiled(*args))
    assert [(found.value.tolist(), found.reason.tolist()) for found in (all_of(parts), any_of(parts))] == plainly


def test_not_turns_true_and_false_and_leaves_the_unknown() -> None:
    assert not_(part(list(VALUES), 3), 7).value.tolist() == [TRUE, UNKNOWN, FALSE]
    assert not_(part(list(VALUES), 3), 7).reason.tolist() == [0, 3, 7]


def test_all_that_holds_shows_every_witness_and_a_miss_only_its_own() -> None:
    one, other = columns()
    found = all_of([one, other])
    both, only_second = PAIRS.index((TRUE, TRUE)), PAIRS.index((TRUE, FALSE))
    proof = found.proof(np.ones(len(PAIRS), bool))
    shown = {row: sorted(s % 10 for s in proof.spans.start[proof.row == row].tolist()) for row in (both, only_second)}
    assert shown == {both: [3, 5], only_second: [5]}
    assert found.reason[only_second] == 5 and found.reason[both] == 0


def test_at_least_n_is_unknown_only_while_the_unknown_could_decide() -> None:
    three = [part([v], 3 + i) for i, v in enumerate((TRUE, UNKNOWN, FALSE))]
    assert [int(at_least(n, three, 9).value[0]) for n in (1, 2, 3)] == [TRUE, UNKNOWN, FALSE]


def test_what_is_unknown_of_several_is_told_by_the_first_of_them() -> None:
    parts = [part([FALSE], 9), part([UNKNOWN], 8), part([UNKNOWN], 3)]
    assert at_least(2, parts, 1).reason.tolist() == [8]


def test_what_was_told_of_some_rows_alone_leaves_the_others_without_witnesses() -> None:
    whole = spread(part([TRUE, FALSE], 3), np.array([1, 3]), 4, elsewhere=TRUE)
    assert whole.value.tolist() == [TRUE, TRUE, TRUE, FALSE]
    assert whole.reason.tolist() == [0, 0, 0, 3]
    assert whole.proof(np.array([True, True, False, True])).row.tolist() == [1, 3]
