"""Which clause of the source policies is judged by which rule: the matrix that a policy owner signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_pipeline.rules.pack import SHARED, RulePack
from qa_pipeline.rules.reader import Problems, compose, plain


@dataclass(frozen=True)
class Clause:
    """A sentence of a policy. kind: auto, assist or manual; wanted: the rules that the clause list says it feeds."""

    id: str
    text: str
    kind: str
    wanted: tuple[str, ...]


@dataclass(frozen=True)
class Covered:
    """A clause and the rules that name it, by status. problem: what is wrong with that, empty where nothing is."""

    clause: Clause
    rules: tuple[tuple[str, str], ...]
    problem: str


def read_clauses(rules: Path) -> list[Clause]:
    """The clause list in the rules folder's `shared/clauses.yaml`; none where there is no such file."""
    path = rules / SHARED / "clauses.yaml"
    if not path.is_file():
        return []
    node = compose(path, Problems(str(path)))
    told: Any = plain(node) if node is not None else []
    rows = told["clauses"] if isinstance(told, dict) else told
    return [Clause(str(r["id"]), str(r["text"]), str(r["class"]), tuple(map(str, r.get("rules") or ()))) for r in rows]


def coverage(clauses: Sequence[Clause], packs: Mapping[str, RulePack]) -> list[Covered]:
    """Every clause with the rules that name it: unnamed clauses, and naming that differs from the clause list, are problems."""
    naming: dict[str, list[tuple[str, str]]] = {}
    for pack in packs.values():
        for rule in pack.rules:
            status = "checklist" if rule.kind == "checklist" else rule.status
            for named in rule.clauses:
                naming.setdefault(named, []).append((rule.id, status))
    rows = []
    for clause in clauses:
        rules = tuple(sorted(naming.get(clause.id, ())))
        rows.append(Covered(clause, rules, _problem(clause, [name for name, _ in rules])))
    return rows


def _problem(clause: Clause, named: Sequence[str]) -> str:
    wanted = {rule for rule in clause.wanted if not rule.startswith(("scope.", "slot.", "pack."))}
    missing, extra = sorted(wanted - set(named)), sorted(set(named) - wanted) if wanted else []
    twice = sorted({rule for rule in named if list(named).count(rule) > 1})
    said = [f"no rule names it; the list says {', '.join(missing)}"] if wanted and not named else []
    if named and missing:
        said.append(f"not named by {', '.join(missing)}")
    if extra:
        said.append(f"named by {', '.join(extra)}, which the list does not say")
    if twice:
        said.append(f"named twice by {', '.join(twice)}")
    return "; ".join(said)


def unknown_clauses(clauses: Sequence[Clause], packs: Mapping[str, RulePack]) -> list[tuple[str, str]]:
    """(rule, clause) pairs that name a clause which the list does not have; clauses of the heart rules are the house's own."""
    known = {clause.id for clause in clauses}
    return [
        (rule.id, clause)
        for pack in packs.values()
        for rule in pack.rules
        for clause in rule.clauses
        if clause not in known and not clause.startswith("heart.")
    ]
