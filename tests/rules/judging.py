"""What the judge's tests share: packs out of a few lines of YAML, and verdicts of mini-dialogues."""

from pathlib import Path
from textwrap import dedent
from typing import Any

from qa_pipeline.rules.examples import read_dialogue, tables_of
from qa_pipeline.rules.judge import judge_tables
from qa_pipeline.rules.pack import RulePack, read_pack
from qa_pipeline.rules.verdict_tables import findings_table

HEAD = """
pack: p
title: 试
slots: {company: [丽洁物业], club: [悦颜会所], surname: [陈, 王], public: ["053188880000"]}
phrases:
  hello: {say: ["您好"], unless: ["您好像"]}
  company: {say: ["<company>"], rungs: [exact, normalised, sound]}
  sorry: {say: ["不好意思", "对不起"]}
  wait: {say: ["请[您]稍等"], rungs: [exact, normalised]}
  more: {say: ["还有其他问题吗"]}
  rude: {say: ["烦不烦"], rungs: [exact, normalised]}
  bye: {say: ["再见"]}
  complaint: {say: ["投诉"]}
  phone: {say: ["<digits:11>"], value: digits}
  surname: {say: ["我姓<surname>"], value: surname}
  titled: {say: ["<surname>(先生|女士)"], value: surname}
"""


def pack_of(folder: Path, body: str, head: str = HEAD) -> RulePack:
    path = folder / "p.yaml"
    path.write_text(head + dedent(body), "utf-8")
    return read_pack(path)


def rule_of(folder: Path, when: str, expect: str, more: str = "", names: str = "") -> RulePack:
    """A pack with one rule `r`, flow YAML for its parts."""
    return pack_of(folder, f"{names}\nrules:\n- {{id: r, title: 规则, weight: 10, when: {when}, expect: {expect}{more}}}\n")


def finding(pack: RulePack, dialogue: str, rule: str = "r") -> dict[str, Any]:
    case, verdicts = judge_tables(tables_of([read_dialogue(dialogue, pack.id)]), pack)
    return next(row for row in findings_table(case, verdicts).to_pylist() if row["rule_id"] == rule)


def verdict(pack: RulePack, dialogue: str) -> str:
    return str(finding(pack, dialogue)["verdict"])
