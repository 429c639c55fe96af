"""`qa transcribe` with every built-in backend as the settings name it: from a recording to turns with timed words."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from qa_pipeline import shipped
from qa_pipeline.cli import main
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.speech.whisper import Whisper, WhisperSettings
from tests.speech import onnx_models
from tests.speech.endpoint import serving
from tests.speech.whisper_shape import Shape, make_checkpoint
from tests.spoken import clip, small_project


def stock(folder: Path, _: ExitStack) -> str:
    return f'model = "{make_checkpoint(folder, Shape(64, 2, 1, 1))}"\nbeam = 1'


def sherpa(folder: Path, _: ExitStack) -> str:
    return f'backend = "sherpa"\nmodel = "{onnx_models.sense_voice(folder)}"\n[asr.sherpa]\nkind = "sense_voice"'


def http(_: Path, running: ExitStack) -> str:
    behind = Whisper(WhisperSettings(str(shipped.demo_model()), "short", "cpu", "int8", 1))
    server = running.enter_context(serving(behind))
    return f'backend = "http"\nmodel = "demo-behind"\n[asr.http]\nurl = "{server.url}"'


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


@pytest.mark.parametrize("settings", [stock, sherpa, http])
def test_a_night_with_each_backend(settings: Callable[[Path, ExitStack], str], running: ExitStack, tmp_path: Path) -> None:
    project = small_project(tmp_path / "project")
    (project / "qa.toml").write_text(f"[asr]\n{settings(tmp_path / 'model', running)}\n", "utf-8")
    clip(tmp_path / "calls" / "a.wav")
    qa("run", str(tmp_path / "calls"), "--project", str(project))
    turns = read_table(project / "dataset", "turns").to_pylist()
    calls = read_table(project / "dataset", "calls").to_pylist()
    assert turns and all(len(t["char_ms"]) == len(t["text"]) for t in turns)
    assert all(t["start_ms"] <= ms <= t["end_ms"] for t in turns for ms in t["char_ms"])
    assert "times_spread" not in calls[0]["flags"]
    assert calls[0]["asr"].split("-")[0] == {"stock": "whisper"}.get(settings.__name__, settings.__name__)
    if settings is http:
        assert [t["text"] for t in turns] == ["喂，哪位？", "你们那儿做脸多少钱？都有什么项目？"]


def test_characters_whose_times_nobody_told_are_flagged(tmp_path: Path) -> None:
    project = small_project(tmp_path / "project")
    folder = onnx_models.paraformer(tmp_path / "paraformer")
    (project / "qa.toml").write_text(f'[asr]\nbackend = "sherpa"\nmodel = "{folder}"\n', "utf-8")
    clip(tmp_path / "calls" / "a.wav")
    qa("run", str(tmp_path / "calls"), "--project", str(project))
    (call,) = read_table(project / "dataset", "calls").to_pylist()
    assert "times_spread" in call["flags"]


def test_a_backend_that_cannot_be_made_stops_before_any_work(tmp_path: Path) -> None:
    project = small_project(tmp_path / "project")
    (project / "qa.toml").write_text('[asr]\nbackend = "http"\n[asr.http]\nurl = "asr.lan"\n', "utf-8")
    clip(tmp_path / "calls" / "a.wav")
    done = CliRunner().invoke(main, ["run", str(tmp_path / "calls"), "--project", str(project)])
    assert done.exit_code == 1 and "asr.http.url" in done.output and "asr.model: name the model" in done.output


def qa(*words: str) -> Any:
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 0, done.output
    return done
