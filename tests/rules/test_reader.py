"""Packs are read as their owners mean them, and what is wrong is told with its line, all at once."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.rules.pack import PackError, load_packs, read_pack
from qa_pipeline.rules.reader import scalar
from tests.rules.judging import HEAD, pack_of

RULES = "rules:\n- {id: r, title: 规则, weight: 10, when: call, expect: {said: hello}}\n"


def problems(folder: Path, text: str) -> str:
    path = folder / "p.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(PackError) as caught:
        read_pack(path)
    return caught.value.message


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("12:30", "12:30"),
        ("0123", "0123"),
        ("3", 3),
        ("2.5", 2.5),
        ("true", True),
        ("", None),
        ("2025-01-31", "2025-01-31"),
    ],
)
def test_a_plain_value_is_what_its_owner_typed(written: str, meant: object) -> None:
    assert scalar(yaml.ScalarNode("x", written)) == meant


def test_all_problems_come_at_once_with_line_and_column(tmp_path: Path) -> None:
    said = problems(
        tmp_path,
        HEAD + "rules:\n"
        "- {id: a, title: t, weight: heavy, when: cal, expect: {said: helo}}\n"
        "- {id: b, title: t, weight: 1, when: call, expekt: {said: hello}}\n"
        "- {id: b, title: t, weight: 1, when: call, expect: {measure: ring, at_most: 3}}\n",
    )
    assert all(
        part in said for part in ("'heavy'", "'cal'", "did you mean 'call'", "did you mean 'hello'", "'expekt'", "'ring'")
    )
    lines = said.splitlines()
    assert len(lines) >= 6
    assert all(":" in line and line.split(":")[1].isdigit() and line.split(":")[2].isdigit() for line in lines)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("pack： p\ntitle: x\n", "full-width ："),
        (HEAD + "rules:\n- {id: r，title: x}\n", "full-width ，"),
        (HEAD + RULES + "title: twice\n", "given twice"),
        ("pack: p\n\ttitle: x\n", "not valid YAML"),
        (HEAD + "rules: &a [*a]\n", "aliases"),
        ("", "empty"),
        ("- 1\n", "expected"),
    ],
)
def test_the_traps_of_typing_are_explained(tmp_path: Path, text: str, hint: str) -> None:
    assert hint in problems(tmp_path, text)


def test_a_nest_of_aliases_is_refused_before_it_grows(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20))
    assert "aliases" in problems(tmp_path, bomb)


def test_a_second_document_in_a_file_is_told_with_its_place(tmp_path: Path) -> None:
    assert "p.yaml:4:1: not valid YAML: a second document begins" in problems(tmp_path, "pack: p\ntitle: t\n---\npack: q\n")


def test_a_mapping_whose_end_is_missing_is_told(tmp_path: Path) -> None:
    assert "not valid YAML" in problems(tmp_path, "pack: {a: b\ntitle: t\n")


def test_names_that_lead_back_to_themselves_are_refused(tmp_path: Path) -> None:
    said = problems(tmp_path, HEAD + "conditions: {a: {not: b}, b: {not: a}}\n" + RULES)
    assert "defined by itself" in said


def test_a_shared_phrase_is_there_for_every_pack_and_minds_only_the_packs_that_use_it(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "phrases.yaml").write_text('phrases: {room: {say: ["<hotel>"]}, thanks: {say: ["谢谢"]}}\n', "utf-8")
    assert "thanks" in pack_of(tmp_path, "rules:\n- {id: r, title: t, weight: 1, when: call, expect: {said: thanks}}\n").phrases
    said = problems(tmp_path, HEAD + "rules:\n- {id: r, title: t, weight: 1, when: call, expect: {said: room}}\n")
    assert "hotel" in said and "shared" in said


def test_two_packs_of_one_id_are_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(HEAD + RULES, "utf-8")
    with pytest.raises(PackError, match="already read"):
        load_packs(tmp_path)


def test_only_the_packs_whose_files_changed_are_read_again(tmp_path: Path) -> None:
    told = {name: HEAD.replace("pack: p", f"pack: {name}") + RULES for name in ("a", "b")}
    for name, text in told.items():
        (tmp_path / f"{name}.yaml").write_text(text, "utf-8")
    before = load_packs(tmp_path)
    (tmp_path / "b.yaml").write_text(told["b"].replace("weight: 10", "weight: 20"), "utf-8")
    after = load_packs(tmp_path)
    assert after["a"] is before["a"]
    assert [packs["b"].rules[0].weight for packs in (before, after)] == [10, 20]
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "phrases.yaml").write_text('phrases: {thanks: {say: ["谢谢"]}}\n', "utf-8")
    assert load_packs(tmp_path)["a"] is not before["a"]


def test_a_rule_s_version_is_what_it_means_and_earns_and_not_how_it_is_told(tmp_path: Path) -> None:
    rule = "- {id: r, title: %s, weight: %d, when: call, expect: {said: %s}, coach: %s}\n"
    plain = pack_of(tmp_path, "rules:\n" + rule % ("甲", 10, "hello", "x")).rules[0].version
    assert pack_of(tmp_path, "rules:\n" + rule % ("乙", 10, "hello", "y")).rules[0].version == plain
    assert pack_of(tmp_path, "rules:\n" + rule % ("甲", 20, "hello", "x")).rules[0].version != plain
    assert pack_of(tmp_path, "rules:\n" + rule % ("甲", 10, "bye", "x")).rules[0].version != plain
    other_wording = HEAD.replace('["您好"]', '["您好", "你们好"]')
    assert pack_of(tmp_path, "rules:\n" + rule % ("甲", 10, "hello", "x"), other_wording).rules[0].version != plain
    unrelated = HEAD.replace('["再见"]', '["拜拜"]')
    assert pack_of(tmp_path, "rules:\n" + rule % ("甲", 10, "hello", "x"), unrelated).rules[0].version == plain


SEED = (HEAD + RULES).encode()


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(SEED) - 1), st.sampled_from([b"", b":", b"{", b"]", b"- ", "：".encode(), b"&a ", b"*a", b"\t"])
        ),
        max_size=6,
    )
)
def test_a_mutated_pack_gives_problems_with_places_or_a_pack(
    tmp_path_factory: pytest.TempPathFactory, edits: list[tuple[int, bytes]]
) -> None:
    text = bytearray(SEED)
    for at, put in edits:
        text[at : at + 1] = put
    path = tmp_path_factory.mktemp("fuzz") / "p.yaml"
    path.write_bytes(bytes(text))
    try:
        assert read_pack(path).rules is not None
    except PackError as wrong:
        assert all(line.startswith(f"{path}:") for line in wrong.message.splitlines())
