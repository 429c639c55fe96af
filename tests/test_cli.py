"""The commands as a newcomer meets them: what they say, and their exit codes."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from qa_pipeline.cli import main
from tests.conftest import Qa
from tests.spoken import SAMPLES, clip, small_project


def qa_here(*words: object) -> Result:
    return CliRunner().invoke(main, [*map(str, words)])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return small_project(tmp_path / "my calls")


@pytest.fixture(scope="module")
def judged(demo_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo with the one pack that judged it."""
    copied = Path(shutil.copytree(demo_project, tmp_path_factory.mktemp("judged") / "project"))
    for pack in (copied / "rules").glob("*.yaml"):
        if pack.stem != "etiquette":
            pack.unlink()
    return copied


def test_init_makes_a_project_and_says_what_comes_next(tmp_path: Path) -> None:
    done = qa_here("init", tmp_path / "p q")
    assert done.exit_code == 0
    assert f"next: qa run RECORDINGS --project '{tmp_path / 'p q'}'" in done.stdout
    assert (tmp_path / "p q" / "qa.toml").is_file() and (tmp_path / "p q" / "rules" / "etiquette.yaml").is_file()


def test_init_overwrites_nothing(project: Path) -> None:
    (project / "qa.toml").write_text("# mine")
    done = qa_here("init", project)
    assert done.exit_code == 1 and "there is a project here already; choose another folder" in done.stderr
    assert (project / "qa.toml").read_text() == "# mine"


def test_init_beside_other_files_is_fine_and_on_a_rules_folder_is_not(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    assert qa_here("init", tmp_path).exit_code == 0
    (tmp_path / "qa.toml").unlink()
    done = qa_here("init", tmp_path)
    assert done.exit_code == 1 and "there is a rules folder here already" in done.stderr


@pytest.mark.parametrize(
    "words", [["scorecard"], ["rescore"], ["show", "x"], ["run", "."]], ids=lambda w: w[0] if isinstance(w, list) else w
)
def test_without_a_project_every_command_says_how_to_make_one(tmp_path: Path, words: list[str]) -> None:
    done = qa_here(*words, "--project", tmp_path)
    assert done.exit_code == 1
    assert done.stderr.startswith(f"qa: {tmp_path}: no qa.toml here. Make a project with: qa init")


@pytest.mark.parametrize("words", [["run"], ["show"], ["scorecard", "--format", "xml"], ["import", "nowhere.jsonl"], ["bogus"]])
def test_a_wrong_command_line_is_exit_code_2(words: list[str]) -> None:
    assert qa_here(*words).exit_code == 2


def test_all_problems_of_the_settings_come_at_once(project: Path) -> None:
    (project / "qa.toml").write_text('[asr]\nbeem = 3\nbatch = 0\n[packs]\ndefault = 5\n[roots]\nx = "/r"\n')
    done = qa_here("rescore", "--project", project)
    assert done.exit_code == 1
    for said in ("asr.beem", "asr.batch: expected 1 or more", "packs.default", "roots.x"):
        assert said in done.stderr


def test_a_pack_that_the_settings_name_and_rules_lacks_is_named(project: Path) -> None:
    (project / "qa.toml").write_text('[packs.departments]\n"前台" = "frontdesk"\n')
    done = qa_here("rescore", "--project", project)
    assert done.exit_code == 1 and "'frontdesk' is not in rules/; there are" in done.stderr


def test_commands_on_an_empty_project_say_what_to_do(project: Path) -> None:
    for words in (["scorecard"], ["show", "x"]):
        done = qa_here(*words, "--project", project)
        assert done.exit_code == 1 and "qa run RECORDINGS" in done.stderr
    done = qa_here("rescore", "--project", project)
    assert (done.exit_code, done.stdout) == (0, "0 calls judged again, 0 verdicts changed\n")


def test_a_run_over_nothing_but_trouble_is_exit_code_3(project: Path, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "none.wav").touch()
    (tmp_path / "r" / "notes.txt").touch()
    done = qa_here("run", tmp_path / "r", tmp_path / "gone", "--project", project)
    assert done.exit_code == 3
    assert done.stdout.splitlines() == [
        "2 recordings: 0 new, 0 known, 0 duplicate, 2 failed; 1 other files passed over",
        "  no call records: put them beside the recordings to join agents, times and who hung up (docs/call-records.md)",
        f"  failed missing: {tmp_path / 'gone'}: no such file or folder; check the path",
        f"  failed empty: {tmp_path / 'r' / 'none.wav'}: the file holds no bytes; fetch it again",
    ]


def test_a_run_in_the_project_folder_hears_a_real_recording_and_warns_of_the_demonstration_model(
    project: Path, tmp_path: Path, qa: Qa
) -> None:
    clip(tmp_path / "r" / "a.wav")
    (tmp_path / "r" / "cdr.csv").write_text("call_id,recording,answered_ms\nc1,a.wav,soon\n")
    done = qa("run", "../r", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "NOTICE" in done.stderr and "1 of 1 recordings" in done.stderr
    assert "cards: qa scorecard --project ." in done.stdout
    assert "call record: ../r/cdr.csv:2: answered_ms: expected whole milliseconds, found 'soon'" in done.stdout
    again = qa("run", "../r", cwd=project)
    assert "1 recordings: 0 new, 1 known" in again.stdout and "cards:" not in again.stdout


def test_the_demonstration_model_is_not_warned_of_on_its_own_samples(project: Path, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert "NOTICE" not in qa_here("run", tmp_path / "gone", "--project", project).stderr
    assert "NOTICE" in qa_here("run", tmp_path / "none", "--project", project).stderr


def test_long_lists_do_not_bury_what_needs_a_hand(project: Path, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    shutil.copy(SAMPLES / "cdr.csv", tmp_path / "r")
    done = qa_here("run", tmp_path / "r", "--project", project)
    assert done.exit_code == 0
    assert done.stdout.count("  missing: call") == 10 and "  and 15 more like it" in done.stdout


def test_a_scorecard_in_every_format(judged: Path) -> None:
    table, as_json, as_csv, html = (
        qa_here("scorecard", "6001", "--project", judged, "--format", form) for form in ("table", "json", "csv", "html")
    )
    assert [done.exit_code for done in (table, as_json, as_csv, html)] == [0, 0, 0, 0]
    assert "6001" in table.stdout
    assert [card["agent_id"] for card in json.loads(as_json.stdout)] == ["6001"]
    assert "6001" in as_csv.stdout.splitlines()[1]
    assert html.stdout.lstrip().lower().startswith("<!doctype html>") and "cs-03-complaint-bad" in html.stdout


def test_an_agent_or_a_call_that_is_not_there_is_answered_with_those_that_are(judged: Path) -> None:
    agent = qa_here("scorecard", "66", "--project", judged)
    assert agent.exit_code == 1 and "6001" in agent.stderr
    call = qa_here("show", "cs-02-complaint", "--project", judged)
    assert call.exit_code == 1 and "cs-02-complaint-good" in call.stderr


def test_a_call_is_shown_with_its_words_and_verdicts_even_without_the_ledger(judged: Path, tmp_path: Path) -> None:
    shown = qa_here("show", "cs-01-order-good", "--project", judged)
    assert shown.exit_code == 0 and "客户" in shown.stdout and "et.greeting" in shown.stdout
    copied = shutil.copytree(judged, tmp_path / "p", ignore=shutil.ignore_patterns("ledger*"))
    assert qa_here("show", "cs-01-order-good", "--project", copied).stdout == shown.stdout


def test_an_import_with_a_bad_line_takes_in_the_rest_and_is_exit_code_3(project: Path, tmp_path: Path) -> None:
    turn = {"speaker": "agent", "start_ms": 0, "end_ms": 900, "text": "您好"}
    good = json.dumps({"call_id": "a", "started_at": "2024-05-20T09:00:00", "turns": [turn]})
    (tmp_path / "x.jsonl").write_text(f"{good}\nbad\n")
    done = qa_here("import", tmp_path / "x.jsonl", "--project", project)
    assert (done.exit_code, done.stdout) == (3, "1 calls imported, 0 known, 1 with problems\n")
    assert f"{tmp_path / 'x.jsonl'}:2: " in done.stderr


def test_what_the_system_refuses_is_one_line(project: Path) -> None:
    (project / "ledger.sqlite").mkdir()
    (project / "qa.toml").unlink()
    (project / "qa.toml").symlink_to(project / "qa.toml")
    done = qa_here("rescore", "--project", project)
    assert done.exit_code == 1 and done.stderr.count("\n") == 1
