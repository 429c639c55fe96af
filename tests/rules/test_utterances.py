"""The shared phrases hear what every clause of the policies must hear, and nothing that it must not."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.phrase import NORMALISED, RUNGS, Phrase

HERE = Path(__file__).parent
SHARED = HERE.parents[1] / "rules" / "shared"
HOUSES = {
    "company": ("丽洁物业", "丽洁客服", "乡野邻家农业科技有限公司", "乡野邻家农业科技公司", "乡野邻家农业科技"),
    "company_short": ("乡野邻家",),
    "club": ("悦颜会所", "悦颜美容会所"),
    "hotel": ("盘王谷深航假日酒店", "盘王谷深航酒店", "盘王谷假日酒店", "盘王谷酒店", "盘王谷深航假日"),
    "hotel_short": ("盘王谷",),
    "persons": ("王经理", "张会计", "李主管", "小李"),
}


def rows(name: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = yaml.safe_load((HERE / name).read_text("utf-8"))
    return read


@cache
def shared_phrases() -> dict[str, Phrase]:
    told = yaml.safe_load((SHARED / "phrases.yaml").read_text("utf-8"))
    slots = {**told["slots"], **HOUSES}
    return {
        name: Phrase(
            name,
            tuple(said["say"]),
            tuple(said.get("unless", ())),
            tuple(said.get("rungs", RUNGS)),
            slots,
            value=said.get("value"),
        )
        for name, said in told["phrases"].items()
    }


def heard(texts: list[str]) -> list[set[str]]:
    """The names of the phrases that each text says; short words by sound count only in a rule's window, so not here."""
    matcher = the_matcher()
    found: list[set[str]] = [set() for _ in texts]
    hits = matcher.find(texts)
    for phrase, text, short in zip(hits.phrase, hits.text, hits.short, strict=True):
        if not short:
            found[text].add(matcher.phrases[phrase].name)
    return found


@cache
def the_matcher() -> Matcher:
    return Matcher(list(shared_phrases().values()))


def mistakes(name: str) -> Iterator[str]:
    """`MISSED` or `WRONG`, the row's lists and the sentence, for each sentence of a fixture that is not heard as told."""
    told = [(row, kind, said) for row in rows(name) for kind in ("match", "miss") for said in row.get(kind, ())]
    for (row, kind, said), names in zip(told, heard([said for *_, said in told]), strict=True):
        satisfied = (all if row.get("mode") == "all" else any)(each in names for each in row["lists"])
        if satisfied != (kind == "match"):
            lists = "/".join(row["lists"])
            yield f"{'MISSED' if kind == 'match' else 'WRONG'} {row.get('clause', '')} {lists}: {said}"


@pytest.mark.parametrize("fixture", ["utterances.yaml", "variants.yaml"])
def test_every_sentence_is_heard_as_its_row_says(fixture: str) -> None:
    wrong = list(mistakes(fixture))
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_row_names_phrases_that_exist() -> None:
    known = shared_phrases()
    told = [*rows("utterances.yaml"), *rows("variants.yaml")]
    assert not {name for row in told for name in row["lists"]} - set(known)


def test_nobody_is_accused_by_a_sound_alike() -> None:
    prohibited = {name for row in rows("utterances.yaml") if row.get("prohibited") for name in row["lists"]}
    loose = {name for name in prohibited if set(shared_phrases()[name].rungs) - set(RUNGS[: NORMALISED + 1])}
    assert prohibited and not loose


def test_the_clause_list_has_every_clause_once() -> None:
    clauses = yaml.safe_load((SHARED / "clauses.yaml").read_text("utf-8"))["clauses"]
    assert len({clause["id"] for clause in clauses}) == len(clauses) == 208
    assert {row["clause"] for row in rows("utterances.yaml")} <= {clause["id"] for clause in clauses}
    assert all(clause["rules"] and clause["text"] and clause["class"] in ("auto", "assist", "manual") for clause in clauses)
