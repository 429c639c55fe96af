"""A project whose dataset lies on a real S3 API: taken in, shown, judged again, repaired and forgotten as in a folder."""

import json
from datetime import date
from pathlib import Path

import pytest

from qa_pipeline.config import read_config
from qa_pipeline.dataset.parts import part_path
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.exchange import importing
from tests.exchange.test_importing import one_segmenter
from tests.spoken import small_project
from tests.test_rule_edit import call, edit, run_id, said


@pytest.fixture
def project(tmp_path: Path, s3_uri: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(importing, "Segmenter", one_segmenter)
    root = small_project(tmp_path / "project")
    told = (root / "qa.toml").read_text("utf-8")
    uri = s3_uri.replace("/night", f"/{tmp_path.name}")
    (root / "qa.toml").write_text(told.replace("[dataset]\n", f'[dataset]\nuri = "{uri}"\n', 1), "utf-8")
    lines = [call("a", "早上好，乡野邻家。", "6001"), call("b", "您好，乡野邻家。", "6002")]
    (tmp_path / "calls.jsonl").write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    said(root, "import", tmp_path / "calls.jsonl")
    return root


def test_every_command_works_as_in_a_folder_and_nothing_of_it_lies_there(project: Path) -> None:
    assert not (project / "dataset").exists()
    assert "2 calls, 2024-05-20 to 2024-05-20" in said(project, "status")
    assert "早上好" in said(project, "show", "a")
    assert "6001" in said(project, "scorecard")
    edit(project)
    assert "1 verdicts changed" in said(project, "rescore", "--apply", run_id(said(project, "rescore", "--dry-run")))
    assert "未达标" in said(project, "why-changed", "a", "et.greeting")
    said(project, "mark", "b", "et.greeting", "fail", "--by", "王")
    assert said(project, "dataset", "check") == "0 problems\n"
    said(project, "forget", "a", "--yes")
    config = read_config(project)
    assert read_table(config.dataset, "scores")["call_id"].to_pylist() == ["b"]


def test_a_torn_object_is_mended(project: Path) -> None:
    dataset = read_config(project).dataset
    path = part_path("scores", date(2024, 5, 20))
    dataset.replace(path, b"PAR1 torn")
    assert "cannot be read" in said(project, "dataset", "check", code=1)
    assert "0 left" in said(project, "dataset", "check", "--repair")
    assert dataset.read(f"set_aside/{path}") == b"PAR1 torn"
