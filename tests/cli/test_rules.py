"""`qa rules …` and `qa why` as a newcomer types them, each in a process of its own."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Qa

PACK = """
pack: house
title: 试
phrases: {hello: {say: [您好]}}
rules:
- id: h.hello
  title: 先问好
  weight: 100
  clauses: [c1]
  when: first_utterance
  expect: {said: hello}
  coach: 先说您好
  examples: {pass: [A 您好], fail: [A 喂], near: [A 几点]}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one small pack."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "qa.toml").write_text("", "utf-8")
    (tmp_path / "rules" / "house.yaml").write_text(PACK, "utf-8")
    return tmp_path


def change(project: Path, old: str, new: str) -> None:
    path = project / "rules" / "house.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def test_check_finds_nothing_in_a_sound_pack(qa: Qa, project: Path) -> None:
    done = qa("rules", "check", "--project", project)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 packs, 1 rules: readable\n", "")


def test_check_tells_every_problem_with_its_place(qa: Qa, project: Path) -> None:
    change(project, "weight: 100", "wieght: 100")
    change(project, "said: hello", "said: helo")
    done = qa("rules", "check", "--project", project)
    assert done.returncode == 1
    assert "house.yaml:8:11: a rule has no key 'wieght'; did you mean 'weight'?" in done.stderr
    assert "house.yaml:6:3: a rule lacks 'weight'" in done.stderr
    assert "did you mean 'hello'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_warning_is_no_error(qa: Qa, project: Path) -> None:
    change(project, "coach: 先说您好", "tags: [heart]")
    done = qa("rules", "check", "--project", project)
    assert done.returncode == 0
    assert "warning: house h.hello: no coaching words" in done.stdout


def test_check_looks_at_the_stored_calls_of_the_last_days(qa: Qa, demo_project: Path) -> None:
    said = [qa("rules", "check", *days, "--project", demo_project) for days in ((), ("--days", "1"))]
    assert [done.returncode for done in said] == [0, 0]
    everything, last_day = ({line for line in done.stdout.splitlines() if "never arose" in line} for done in said)
    assert everything <= last_day
    assert qa("rules", "check", "--days", "0", "--project", demo_project).returncode == 2


def test_test_runs_the_examples(qa: Qa, project: Path) -> None:
    done = qa("rules", "test", "--project", project)
    assert (done.returncode, done.stdout) == (0, "3 examples, 0 problems\n")


def test_test_tells_a_wrong_example_and_a_missing_kind(qa: Qa, project: Path) -> None:
    change(project, "fail: [A 喂], near: [A 几点]", "fail: [A 您好吗]")
    done = qa("rules", "test", "h.hello", "--project", project)
    assert done.returncode == 1
    assert "h.hello: wanted fail, got pass (None): A 您好吗" in done.stdout
    assert "h.hello: a live rule needs examples under near" in done.stdout


def test_test_refuses_a_step_that_it_cannot_read(qa: Qa, project: Path) -> None:
    change(project, "fail: [A 喂]", "fail: [甲 喂]")
    done = qa("rules", "test", "--project", project)
    assert done.returncode == 1
    assert "'甲 喂'" in done.stderr and "Traceback" not in done.stderr


def test_test_of_an_unknown_rule_is_an_error(qa: Qa, project: Path) -> None:
    done = qa("rules", "test", "h.helo", "--project", project)
    assert done.returncode == 1
    assert "no rule 'h.helo'; did you mean 'h.hello'?" in done.stderr


def test_try_judges_a_sentence(qa: Qa, project: Path) -> None:
    done = qa("rules", "try", "A 您好 / C 喂", "--project", project)
    assert (done.returncode, done.stdout.split()) == (0, ["pass", "h.hello", "“您好”(exact)"])
    assert qa("rules", "try", "A 喂", "--project", project).stdout.split()[:3] == ["fail", "h.hello", "not_said:hello"]


def test_try_shows_what_did_not_apply_when_asked(qa: Qa, project: Path) -> None:
    assert qa("rules", "try", "C 喂", "--project", project).stdout == ""
    assert "no_agent_speech" in qa("rules", "try", "C 喂", "--all", "--project", project).stdout


def test_list_shows_id_weight_status_and_title(qa: Qa, project: Path) -> None:
    done = qa("rules", "list", "--project", project)
    assert done.stdout.splitlines()[0] == "house  试"
    assert done.stdout.splitlines()[1].split() == ["h.hello", "100", "live", "先问好"]


def test_explain_says_a_rule_in_chinese(qa: Qa, project: Path) -> None:
    done = qa("rules", "explain", "h.hello", "--project", project)
    assert done.stdout.splitlines()[:3] == [
        "h.hello  先问好（100 分，生效）",
        "  什么时候：坐席的第一句话",
        "  要求：坐席说“hello”",
    ]


@pytest.mark.parametrize("words", [("explain", "h.helo"), ("list", "--pack", "hous"), ("test", "--pack", "hous")])
def test_a_wrong_name_is_one_line_and_exit_code_1(qa: Qa, project: Path, words: tuple[str, ...]) -> None:
    done = qa("rules", *words, "--project", project)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "h.hello" in done.stderr or "house" in done.stderr


def test_coverage_tells_what_the_list_and_the_rules_say_differently(qa: Qa, project: Path) -> None:
    assert "h.hello names clause c1, which is not in the list" in qa("rules", "coverage", "--project", project).stdout
    (project / "rules" / "shared").mkdir()
    clauses = project / "rules" / "shared" / "clauses.yaml"
    clauses.write_text("clauses:\n- {id: c1, text: 先问好, class: auto, rules: [h.hello]}\n", "utf-8")
    done = qa("rules", "coverage", "--project", project)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 clauses, 1 named by a rule, 0 problems")
    clauses.write_text("clauses:\n- {id: c1, text: 先问好, class: auto, rules: [h.other]}\n", "utf-8")
    assert qa("rules", "coverage", "--problems", "--project", project).returncode == 1


def test_without_a_project_the_shipped_packs_are_read(qa: Qa, tmp_path: Path) -> None:
    done = qa("rules", "coverage", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("208 clauses")


def test_schema_prints_json(qa: Qa) -> None:
    assert json.loads(qa("rules", "schema").stdout)["title"] == "Rule pack"


def test_why_tells_one_rule_of_a_stored_call_in_full(qa: Qa, demo_project: Path) -> None:
    done = qa("why", "cs-02-complaint-good", "et.closing", "--project", demo_project)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0].split()[1] == "et.closing"
    assert "什么时候：坐席最后十五秒" in done.stdout


def test_why_of_an_unknown_call_or_rule_is_one_line(qa: Qa, demo_project: Path) -> None:
    for words in (("cs-99",), ("cs-02-complaint-good", "et.closng")):
        done = qa("why", *words, "--project", demo_project)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1


def test_why_names_a_pack_that_is_no_longer_there(qa: Qa, demo_project: Path, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    shutil.copytree(demo_project, copy)
    for path in (copy / "rules").glob("*.yaml"):
        path.unlink()
    (copy / "rules" / "house.yaml").write_text(PACK, "utf-8")
    assert "'etiquette' is not in rules/" in qa("rules", "publish", "--project", copy).stderr
    (copy / "qa.toml").write_text('[packs]\ndefault = "house"\n', "utf-8")
    assert qa("rules", "publish", "--project", copy).returncode == 0
    done = qa("why", "cs-02-complaint-good", "--project", copy)
    assert done.returncode == 1
    assert "leg 1 is judged by pack 'etiquette'" in done.stderr
