"""`qa doctor`: what is there, what is wrong and what to do; only what is wrong makes it fail."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from qa_pipeline.cli import main
from qa_pipeline.upkeep.doctor import examine, healthy
from tests.spoken import small_project


def doctor(*told: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *told])


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return small_project(tmp_path / "project")


def settings(project: Path, text: str) -> None:
    (project / "qa.toml").write_text(text, "utf-8")


def checks(project: Path) -> dict[str, Any]:
    return {check.what: check for section in examine(project) for check in section.checks}


def test_a_fresh_project_is_healthy_and_says_what_is_here(project: Path) -> None:
    done = doctor("--project", str(project))
    assert done.exit_code == 0, done.output
    for said in (
        "this machine",
        "GB free",
        "reads WAV",
        "1 packs: etiquette",
        "short windows up to 8 s",
        "precision int8",
        "sherpa",
    ):
        assert said in done.output
    assert "it knows only the samples' voices" in done.output


def test_without_a_project_the_defaults_are_looked_at(tmp_path: Path) -> None:
    done = doctor("--project", str(tmp_path / "none"))
    assert done.exit_code == 0 and "qa init" in done.output


def test_json_holds_the_same(project: Path) -> None:
    told = json.loads(doctor("--project", str(project), "--format", "json").output)
    assert told["healthy"] is True
    assert {c["what"] for c in told["sections"]["this machine"]} == {"machine", "disk", "codecs"}


def test_a_model_that_is_not_here_is_wrong_and_the_command_is_told(project: Path) -> None:
    settings(project, '[asr]\nmodel = "large-v3-turbo"\n')
    done = doctor("--project", str(project))
    assert done.exit_code == 1
    assert "not on this machine yet" in done.output and "download_model('large-v3-turbo')" in done.output


def test_a_precision_that_is_not_to_be_had_says_which_is_taken(project: Path) -> None:
    settings(project, '[asr]\ndevice = "cpu"\nprecision = "float16"\n')
    assert "float32 is taken" in checks(project)["device"].detail and checks(project)["device"].state == "note"
    settings(project, '[asr]\nprecision = "int3"\n')
    assert checks(project)["device"].state == "wrong"


def test_an_unknown_recogniser_lists_those_that_are_here(project: Path) -> None:
    settings(project, '[asr]\nbackend = "kaldi"\n')
    done = doctor("--project", str(project))
    assert done.exit_code == 1 and "there are http, sherpa, whisper" in done.output


def test_broken_settings_and_packs_are_told_with_their_place(project: Path) -> None:
    (project / "rules/etiquette.yaml").write_text("id: etiquette\nrules: 5\n", "utf-8")
    assert checks(project)["rule packs"].state == "wrong"
    settings(project, "[asr]\nmodle = 'x'\n")
    assert "unknown key asr.modle" in checks(project)["settings"].detail
    assert not healthy(examine(project))


def test_a_root_that_is_not_mounted_is_wrong(project: Path) -> None:
    settings(project, '[roots]\nnas = "gone"\n')
    assert checks(project)["root nas"].state == "wrong"
    (project / "gone").mkdir()
    assert checks(project)["root nas"].state == "ok"


def test_a_recogniser_that_cannot_be_loaded_is_only_missing(project: Path, tmp_path: Path, monkeypatch: Any) -> None:
    told = tmp_path / "extra-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[qa_pipeline.recognisers]\nextra = no_such_module\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert checks(project)["extra"].state == "missing" and healthy(examine(project))
