"""The reference of the rule language says what the grammar says, and every snippet in it can be read."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from qa_pipeline import shipped
from qa_pipeline.rules.examples import read_dialogue
from qa_pipeline.rules.grammar import (
    BUILT_IN_SPANS,
    COMPARE,
    CONDITIONS,
    PACK_KEYS,
    PHRASE_KEYS,
    PICKING,
    RULE_KEYS,
    SPANS,
    SPEECH,
    WINDOW,
    Kind,
    Operator,
)
from qa_pipeline.rules.measures import MEASURES
from qa_pipeline.rules.pack import RUNGS, RulePack, read_pack

DOCS = Path(__file__).parents[1] / "docs"
NAMES = ["rules.md", "rules.zh-CN.md"]
SHARED_KEYS = {"window": WINDOW, "picking": PICKING}
BASE = """
slots: {company: [丽洁物业], surname: [王, 李], hotel_numbers: ["07726331888"]}
phrases:
  hello: {say: ["您好"]}
  company: {say: ["<company>"]}
  wait: {say: ["请[您]稍等"]}
  sorry: {say: ["不好意思"]}
  thanks: {say: ["谢谢"]}
  more: {say: ["还有其他问题吗"]}
  bye: {say: ["再见"]}
  rude: {say: ["烦不烦"], rungs: [exact, normalised]}
  complaint: {say: ["投诉"]}
  still_there: {say: ["还愿意等吗"]}
  ask_name: {say: ["您贵姓"]}
  ask_phone: {say: ["您的电话是多少"]}
  surname: {say: ["我姓<surname>"], value: surname}
  phone: {say: ["<digits:11>"], value: mobile}
  room: {say: ["<digits:3-4>"], value: digits}
occasions: {wait_time: {holds: {announced_by: wait}}}
conditions: {ad: {said: complaint, by: customer, look: whole}}
"""


def text(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def cell(kind: Kind, help: str) -> str:
    """Meaning and choices, as they stand in a table."""
    said = "; ".join(part for part in (help, kind.help) if part)
    return said + (f": {', '.join(f'`{c}`' for c in kind.choices)}" if kind.choices else "")


def beside(operator: Operator) -> str:
    """The keys of its own, and the names of the sets of keys that it shares with others."""
    shared = [name for name, keys in SHARED_KEYS.items() if set(keys) <= set(operator.beside)]
    own = {k: v for k, v in operator.beside.items() if not any(k in SHARED_KEYS[name] for name in shared)}
    compared = ["comparison"] if set(COMPARE) - {"feed", "in_field"} <= set(own) else []
    told = [f"`{k}`" + (f" ({v.help})" if v.help and k not in SPEECH else "") for k, v in own.items() if not compared]
    return ", ".join([*told, *compared, *shared]) or "—"


def operator_rows(operators: Mapping[str, Operator]) -> list[str]:
    """All but the last cell, which holds the example."""
    return [f"| `{o.name}` | {cell(o.argument, o.help)} | {beside(o)} |" for o in operators.values()]


def key_rows(keys: Mapping[str, Kind]) -> list[str]:
    return [f"| `{name}` | {cell(kind, '') or kind.form} |" for name, kind in keys.items()]


def tables() -> dict[str, list[str]]:
    return {
        "built-in occasions": [f"| `{name}` | {what} |" for name, what in BUILT_IN_SPANS.items()],
        "occasions": operator_rows(SPANS),
        "picking": key_rows(PICKING),
        "conditions": operator_rows(CONDITIONS),
        "windows": key_rows(WINDOW | SPEECH),
        "comparison": key_rows(COMPARE),
        "measures": [f"| `{name}` | {m.help} | {m.unit} |" for name, m in MEASURES.items()],
        "keys of a rule": key_rows(RULE_KEYS),
    }


def example(name: str, operator: str) -> str:
    """The last cell of an operator's row."""
    (found,) = re.findall(rf"(?m)^\| `{operator}` \|.*\| `(\{{.*\}})` \|$", text(name))
    return str(found)


@pytest.mark.parametrize("table", list(tables()))
def test_the_tables_say_what_the_grammar_says(table: str) -> None:
    missing = [row for row in tables()[table] if row not in text("rules.md")]
    assert not missing, "docs/rules.md lacks\n" + "\n".join(missing)


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_the_language_is_in_both_languages(name: str) -> None:
    words: Iterable[str] = {*BUILT_IN_SPANS, *SPANS, *PICKING, *CONDITIONS, *WINDOW, *SPEECH, *MEASURES, *RULE_KEYS, *RUNGS}
    told = set(re.findall(r"[a-z][a-z_]+", " ".join(re.findall(r"`[^`]+`|```.*?```", text(name), re.S))))
    assert {*words, *PACK_KEYS, *PHRASE_KEYS} - told == set()


def read(folder: Path, snippet: str) -> RulePack:
    """A whole pack, some of its keys, or rules, with the reference's phrases shared."""
    (folder / "shared").mkdir(exist_ok=True)
    (folder / "shared" / "base.yaml").write_text(BASE, "utf-8")
    (folder / "shared" / "calls.yaml").write_text((shipped.packs() / "shared" / "calls.yaml").read_text("utf-8"), "utf-8")
    if snippet.startswith("- "):
        snippet = f"rules:\n{snippet}"
    head = "" if "pack:" in snippet else "pack: doc\ntitle: 试\n"
    path = folder / "doc.yaml"
    path.write_text(head + snippet + ("" if "rules:" in snippet else "\nrules: []\n"), "utf-8")
    return read_pack(path)


SNIPPETS = [(name, block) for name in NAMES for block in re.findall(r"(?ms)^```yaml\n(.*?)^```", text(name))]


@pytest.mark.parametrize(("name", "snippet"), SNIPPETS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(SNIPPETS)])
def test_every_snippet_can_be_read(tmp_path: Path, name: str, snippet: str) -> None:
    assert read(tmp_path, snippet).id


@pytest.mark.parametrize("operator", CONDITIONS)
def test_every_condition_has_an_example_that_can_be_read(tmp_path: Path, operator: str) -> None:
    rule = f"- {{id: r, title: t, weight: 1, when: {{transfer: {{}}}}, expect: {example('rules.md', operator)}}}"
    expect = read(tmp_path, rule).rules[0].expect
    assert expect is not None and expect.op == operator


@pytest.mark.parametrize("operator", SPANS)
def test_every_occasion_has_an_example_that_can_be_read(tmp_path: Path, operator: str) -> None:
    rule = f"- {{id: r, title: t, weight: 1, when: {example('rules.md', operator)}, expect: {{said: hello}}}}"
    when = read(tmp_path, rule).rules[0].when
    assert when is not None and when.op == operator


@pytest.mark.parametrize("name", NAMES)
def test_the_dialogue_in_the_reference_can_be_read(name: str) -> None:
    found = re.findall(r'qa rules try "([^"]+)"', text(name))
    assert found
    for dialogue in found:
        assert read_dialogue(dialogue, "p").turns


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text(name)) if "://" not in link]
    assert links and [link for link in links if not (DOCS / link).exists()] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_command_in_it_exists(name: str) -> None:
    from qa_pipeline.cli import main
    from qa_pipeline.cli.rules import rules

    assert set(re.findall(r"qa rules ([a-z]+)", text(name))) == set(rules.commands)
    assert set(re.findall(r"`qa (?!rules)([a-z]+)", text(name))) <= set(main.commands)


@pytest.mark.parametrize(("readme", "name"), [("README.md", "docs/rules.md"), ("README.zh-CN.md", "docs/rules.zh-CN.md")])
def test_the_readme_leads_to_it(readme: str, name: str) -> None:
    assert f"({name})" in (DOCS.parent / readme).read_text("utf-8")
