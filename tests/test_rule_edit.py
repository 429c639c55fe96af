"""A rule owner's day on the command line: mark, edit, see what would change, apply it, and tell a trainer why."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from qa_pipeline.cli import main
from qa_pipeline.dataset.history import read_history
from qa_pipeline.dataset.tables import find_call, read_table
from qa_pipeline.dataset.writer import one_writer
from qa_pipeline.exchange import importing
from tests.exchange.test_importing import one_segmenter, turn
from tests.spoken import small_project

MORNING = '"(早上|上午|中午|下午|晚上)好", '


def qa(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


def said(project: Path, *words: object, code: int = 0) -> str:
    done = qa(*words, "--project", project)
    assert done.exit_code == code, done.output
    return done.output


def call(call_id: str, first: str, agent: str) -> dict[str, Any]:
    turns = [turn("agent", 800, 2600, first), turn("customer", 3100, 4200, "我想订鸡蛋")]
    turns += [turn("agent", 5000, 6000, "请问还有什么可以帮您"), turn("agent", 7000, 8000, "感谢您的来电，再见")]
    record = {"direction": "inbound", "hangup_by": "customer", "ended_ms": 9000}
    return {
        "call_id": call_id,
        "started_at": "2024-05-20T09:30:00",
        "agent_id": agent,
        "team": "早班",
        "turns": turns,
        **record,
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(importing, "Segmenter", one_segmenter)
    root = small_project(tmp_path / "project")
    lines = [call("a", "早上好，乡野邻家。", "6001"), call("b", "您好，乡野邻家。", "6002")]
    (tmp_path / "calls.jsonl").write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    said(root, "import", tmp_path / "calls.jsonl")
    return root


def scored(project: Path, call_id: str) -> tuple[float, float]:
    """The machine's percent, and the one that counts."""
    rows = read_table(project / "dataset", "scores").to_pylist()
    return next((r["percent"], r["effective_percent"]) for r in rows if r["call_id"] == call_id)


def edit(project: Path) -> None:
    """早上好 is no greeting any more."""
    path = project / "rules" / "etiquette.yaml"
    text = path.read_text("utf-8")
    assert MORNING in text
    path.write_text(text.replace(MORNING, "", 1), "utf-8")


def run_id(output: str) -> str:
    return output.split("--apply ")[1].split()[0]


def test_an_edit_is_seen_applied_and_explained(project: Path) -> None:
    edit(project)
    shown = said(project, "rescore", "--dry-run")
    assert "2 通电话，1 个结论会变" in shown and "达标 → 未达标" in shown
    assert "早上好，乡野邻家" in said(project, "show", "a")
    assert said(project, "why", "a", "et.greeting").startswith("pass ")  # by the rules in force, not by the draft
    ident = run_id(shown)
    report = (project / "dataset" / "diffs" / ident / "report.html").read_text("utf-8")
    assert "开口问候并报出公司名称" in report and "早上好" in report and "早班" in report
    done = said(project, "rescore", "--apply", ident)
    assert "2 calls judged again, 1 verdicts changed" in done
    past = said(project, "why-changed", "a", "et.greeting")
    assert "最初：达标（25/25 分）" in past and "未达标（0/25 分）" in past
    assert "因为规则改了" in past and ident in past


def test_a_rule_that_the_draft_lacks_is_called_as_it_was(project: Path) -> None:
    path = project / "rules" / "etiquette.yaml"
    path.write_text(path.read_text("utf-8").replace("id: et.greeting", "id: et.hello").replace("开口问候", "先问候"), "utf-8")
    ident = run_id(said(project, "rescore", "--dry-run"))
    report = (project / "dataset" / "diffs" / ident / "report.html").read_text("utf-8")
    assert ">开口问候并报出公司名称" in report and ">先问候并报出公司名称" in report


def test_until_it_is_applied_new_calls_are_judged_by_the_published_rules(project: Path, tmp_path: Path) -> None:
    edit(project)
    (tmp_path / "more.jsonl").write_text(json.dumps(call("c", "早上好，乡野邻家。", "6001")), "utf-8")
    said(project, "import", tmp_path / "more.jsonl")
    assert "达标  " in said(project, "show", "c")
    shown = said(project, "rescore", "--dry-run")
    assert "3 通电话，2 个结论会变" in shown


def test_an_edit_of_words_that_mean_the_same_changes_nothing(project: Path) -> None:
    path = project / "rules" / "etiquette.yaml"
    path.write_text("# 2024 年修订\n" + path.read_text("utf-8"), "utf-8")
    assert "2 通电话，没有变化" in said(project, "rescore", "--dry-run")


def test_publishing_counts_for_calls_to_come_and_leaves_the_others(project: Path) -> None:
    edit(project)
    assert "are in force; before: " in said(project, "rules", "publish")
    assert "are in force already" in said(project, "rules", "publish")
    assert "早上好" in said(project, "show", "a")
    assert "0 verdicts changed" not in said(project, "rescore")


def test_a_mark_an_appeal_and_what_an_edit_does_to_them(project: Path) -> None:
    assert "a et.greeting: fail (the machine says pass)\n" in said(project, "mark", "a", "et.greeting", "fail", "--by", "王")
    assert scored(project, "a") == (100.0, 68.75)
    assert "appeal open" in said(project, "appeal", "a", "et.greeting", "--by", "6001", "--say", "我说了")
    assert "appeal upheld" in said(project, "appeal", "a", "et.greeting", "--by", "李", "--close", "pass", "--answer", "是")
    assert scored(project, "a") == (100.0, 100.0)
    edit(project)
    done = said(project, "rescore")
    assert "1 marks of people lie on evidence that moved" in done
    listed = said(project, "marks", "--stale")
    assert "a et.greeting: pass" in listed and "appeal upheld, and the finding is fail now" in listed
    assert "mark: a et.greeting" in said(project, "why-changed", "a", "et.greeting")


def test_a_trainer_does_not_wait_for_the_night(project: Path) -> None:
    with one_writer(project):
        told = said(project, "mark", "a", "et.greeting", "fail", "--by", "王")
    assert "it counts when the command that is writing here is done" in told
    assert scored(project, "a") == (100.0, 100.0)
    said(project, "mark", "b", "et.greeting", "pass", "--by", "王")
    assert scored(project, "a") == (100.0, 68.75)


def test_a_call_that_is_said_otherwise_keeps_its_past_and_its_marks_look_again(project: Path, tmp_path: Path) -> None:
    said(project, "mark", "a", "et.greeting", "fail", "--by", "王")
    said(project, "mark", "a", "et.closing", "pass", "--by", "王")
    (tmp_path / "again.jsonl").write_text(json.dumps(call("a", "喂，哪位？", "6001")), "utf-8")
    said(project, "import", tmp_path / "again.jsonl")
    listed = said(project, "marks")
    assert "a et.greeting: fail (machine pass), 王" in listed and listed.count("stale") == 1
    day = find_call(project / "dataset", "a")
    assert day and {r["call_id"] for r in read_history(project / "dataset", "findings", day).to_pylist()} == {"a"}
    past = said(project, "why-changed", "a", "et.greeting")
    assert "最初：达标" in past and "因为转写或通话记录改了" in past


def test_wrong_words_are_answered_with_the_right_ones(project: Path) -> None:
    assert "no finding by 'et.x'; there are et.anything_else" in said(project, "mark", "a", "et.x", "pass", "--by", "w", code=1)
    assert "an appeal is against a mark" in said(project, "appeal", "a", "et.closing", "--by", "w", "--say", "x", code=1)
    assert "either --say" in said(project, "appeal", "a", "et.closing", "--by", "w", code=2)
    assert "no call 'zz'" in said(project, "why-changed", "zz", "et.closing", code=1)
    assert "takes no other choice" in said(project, "rescore", "--apply", "x", "--dry-run", code=2)
    assert "no dry run 'x'" in said(project, "rescore", "--apply", "x", code=1)
    assert "0 marks" in said(project, "marks")


def test_a_draft_rule_is_tried_on_the_stored_calls_before_it_counts(project: Path) -> None:
    path = project / "rules" / "etiquette.yaml"
    rule = """
  - id: et.no_morning
    title: 不说早上好
    status: draft
    weight: 10
    kind: prohibition
    clauses: [x]
    when: call
    expect: {never_said: morning}
    coach: 说您好
"""
    text = path.read_text("utf-8").replace("occasions:", '  morning: {say: ["早上好"]}\noccasions:', 1)
    path.write_text(text + rule, "utf-8")
    before = read_table(project / "dataset", "findings").to_pylist()
    told = said(project, "rules", "trial", "et.no_morning")
    assert "不说早上好 et.no_morning" in told and "试判 2 段：未达标 1，不确定 0，达标 1，不适用 0" in told
    assert "✗ a  0:00.8 “早上好”" in told and "如果正式启用" in told and "6001" in told
    assert read_table(project / "dataset", "findings").to_pylist() == before
    assert "试判 0 段" in said(project, "rules", "trial", "et.no_morning", "--since", "2100-01-01")
    assert "no rule 'et.no_mornin'; did you mean 'et.no_morning'?" in said(project, "rules", "trial", "et.no_mornin", code=1)


def test_a_card_says_its_period_and_what_people_made_of_it(project: Path) -> None:
    assert "100%   1 通电话   2024-05-20 至 2024-05-20" in said(project, "scorecard", "6001")
    said(project, "mark", "a", "et.greeting", "fail", "--by", "王")
    assert "人工复核后 69%" in said(project, "scorecard", "6001")
    html = said(project, "scorecard", "6001", "--format", "html")
    assert "人工复核后 <b>69%</b>" in html and "2024-05-20 至 2024-05-20" in html
    (told,) = json.loads(said(project, "scorecard", "6001", "--format", "json"))
    assert (told["since"], round(told["reviewed"])) == ("2024-05-20", 69)
