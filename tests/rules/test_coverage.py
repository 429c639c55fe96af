"""The matrix of clauses and rules that a policy owner signs."""

from pathlib import Path

import pytest

from qa_pipeline import shipped
from qa_pipeline.rules.coverage import Clause, coverage, read_clauses, unknown_clauses
from qa_pipeline.rules.pack import RulePack, load_packs
from tests.rules.judging import pack_of


def pack(folder: Path, *named: str, status: str = "live") -> dict[str, RulePack]:
    """Rules r0, r1, … each naming the clauses of one string."""
    rules = [
        f"- {{id: r{i}, title: t, weight: 1, status: {status}, clauses: [{clauses}], when: call, expect: {{said: hello}}}}"
        for i, clauses in enumerate(named)
    ]
    return {"p": pack_of(folder, "rules:\n" + "\n".join(rules))}


def problem(packs: dict[str, RulePack], *wanted: str) -> str:
    return coverage([Clause("c1", "先问好", "auto", wanted)], packs)[0].problem


@pytest.mark.parametrize(
    ("named", "wanted", "said"),
    [
        (["c1"], ["r0"], ""),
        (["c1", "c1"], ["r0", "r1"], ""),
        (["c2"], ["r0"], "no rule names it; the list says r0"),
        (["c1"], ["r0", "r1"], "not named by r1"),
        (["c1", "c1"], ["r0"], "named by r1, which the list does not say"),
        (['"c1", "c1"'], ["r0"], "named twice by r0"),
        (["c2"], ["slot.hours", "scope.unit", "pack.severity"], ""),
        (["c1"], [], ""),
    ],
)
def test_naming_that_differs_from_the_list_is_a_problem(tmp_path: Path, named: list[str], wanted: list[str], said: str) -> None:
    assert problem(pack(tmp_path, *named), *wanted) == said


def test_each_rule_is_told_with_its_status(tmp_path: Path) -> None:
    clause = Clause("c1", "先问好", "auto", ("r0",))
    assert coverage([clause], pack(tmp_path, "c1", status="trial"))[0].rules == (("r0", "trial"),)
    checklist = pack_of(tmp_path, "rules:\n- {id: r0, title: t, weight: 0, kind: checklist, clauses: [c1]}")
    assert coverage([clause], {"p": checklist})[0].rules == (("r0", "checklist"),)


def test_a_clause_that_the_list_lacks_is_named_but_the_heart_is_the_houses_own(tmp_path: Path) -> None:
    packs = pack(tmp_path, "c1", "heart.greeting", "c9")
    assert unknown_clauses([Clause("c1", "先问好", "auto", ())], packs) == [("r2", "c9")]


def test_without_a_clause_list_there_are_no_clauses(tmp_path: Path) -> None:
    assert read_clauses(tmp_path) == []


def test_every_clause_of_the_five_policies_is_accounted_for() -> None:
    clauses, packs = read_clauses(shipped.packs()), load_packs(shipped.packs())
    assert len(clauses) == 208
    assert [(row.clause.id, row.problem) for row in coverage(clauses, packs) if row.problem] == []
    assert unknown_clauses(clauses, packs) == []
