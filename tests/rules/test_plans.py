"""A plan that is read back finds what the compiled one finds; whatever is wrong with the file, it is compiled anew."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from numba import typeof

from qa_pipeline import shipped
from qa_pipeline.rules import plans
from qa_pipeline.rules.hits import Hits
from qa_pipeline.rules.judge import make_matcher
from qa_pipeline.rules.pack import RulePack, load_packs, narrowed
from qa_pipeline.rules.phrase import Phrase

TEXTS = ["您好，百家洁物业，请问有什么可以帮您？", "请稍等，我帮您查一下", "电话一三八一二三四五六七八", "好的再见", ""]


@pytest.fixture(scope="module")
def pack() -> RulePack:
    return load_packs(shipped.packs())["etiquette"]


def same(one: Hits, other: Hits) -> bool:
    return all(np.array_equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(Hits))


def only_reading() -> object:
    return mock.patch.object(plans, "compile_plan", side_effect=AssertionError("compiled again"))


def test_a_kept_plan_is_not_compiled_again_and_finds_the_same(pack: RulePack, tmp_path: Path) -> None:
    compiled = make_matcher(pack).find(TEXTS)
    assert len(compiled)
    assert same(make_matcher(pack, tmp_path).find(TEXTS), compiled)
    with only_reading():  # type: ignore[attr-defined]
        assert same(make_matcher(pack, tmp_path).find(TEXTS), compiled)


def test_a_rule_s_points_and_title_need_no_other_plan(pack: RulePack, tmp_path: Path) -> None:
    make_matcher(pack, tmp_path)
    with only_reading():  # type: ignore[attr-defined]
        make_matcher(replace(pack, rules=tuple(replace(rule, weight=9, title="别的") for rule in pack.rules)), tmp_path)


@pytest.mark.parametrize("damage", [b"", b"no plan at all", None])
def test_a_damaged_file_is_compiled_anew_and_mended(pack: RulePack, tmp_path: Path, damage: bytes | None) -> None:
    small = narrowed(pack, {pack.rules[0].id})
    sound = make_matcher(small, tmp_path).find(TEXTS)
    (path,) = tmp_path.glob("*.plan")
    path.write_bytes(path.read_bytes()[:-40] if damage is None else damage)
    assert same(make_matcher(small, tmp_path).find(TEXTS), sound)
    with only_reading():  # type: ignore[attr-defined]
        make_matcher(small, tmp_path)


def test_another_wording_or_another_compiler_has_its_own(tmp_path: Path) -> None:
    phrase = Phrase("hello", ("您好",))
    plans.kept_plan([phrase], tmp_path)
    plans.kept_plan([replace(phrase, say=("您好", "你好啊"))], tmp_path)
    with mock.patch.object(plans, "_compiler", return_value="another"):
        plans.kept_plan([phrase], tmp_path)
    assert len(list(tmp_path.glob("*.plan"))) == 3


def test_only_the_latest_are_kept(tmp_path: Path) -> None:
    for number in range(plans.MOST + 3):
        plans.kept_plan([Phrase("hello", (f"您好{'好' * number}",))], tmp_path)
    assert len(list(tmp_path.glob("*.plan"))) == plans.MOST


def test_where_nothing_can_be_kept_it_is_compiled(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    assert plans.kept_plan([Phrase("hello", ("您好",))], tmp_path / "taken").chain_phrase.tolist() == [0]


def test_a_kept_plan_is_of_the_same_types_to_a_kernel(pack: RulePack, tmp_path: Path) -> None:
    """Another type would have every kernel compiled again."""
    phrases = [pack.phrases[name] for name in sorted(pack.phrases)]
    compiled, kept = plans.kept_plan(phrases, tmp_path), plans.kept_plan(phrases, tmp_path)
    assert [typeof(part) for part in (compiled.finding, compiled.chains, compiled.code)] == [
        typeof(part) for part in (kept.finding, kept.chains, kept.code)
    ]
