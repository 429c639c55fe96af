"""qa.toml: every problem at once, with the file's name and what was expected."""

from pathlib import Path

import pytest

from qa_pipeline.config import TEMPLATE, Config, ConfigError, Packs, read_config


def told(folder: Path, text: str) -> Config:
    (folder / "qa.toml").write_text(text, "utf-8")
    return read_config(folder)


def test_the_template_shows_the_defaults(tmp_path: Path) -> None:
    assert told(tmp_path, TEMPLATE) == Config(tmp_path)


def test_an_empty_file_is_a_project(tmp_path: Path) -> None:
    assert told(tmp_path, "").channels.agent == 0


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        told(tmp_path, '[asr]\nmodle = "x"\nwindow = "wide"\nbatch = "8"\n[chanels]\nagent = 1\n[records]\ntz = "Mars/Base"\n')
    said = str(caught.value)
    assert all(
        part in said for part in ("asr.modle", '"wide"' if '"wide"' in said else "'wide'", "asr.batch", "[chanels]", "Mars")
    )
    assert str(tmp_path / "qa.toml") in said


def test_no_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="qa init"):
        read_config(tmp_path)


def test_broken_toml_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="line 1"):
        told(tmp_path, "[asr\n")


def test_a_call_goes_to_the_pack_of_its_folder_then_number_then_department() -> None:
    packs = Packs("d", {"hotel": "ht"}, {"400": "cs"}, {"前台": "fd"})
    assert packs.of(Path("/x/hotel/day1"), "400", "前台") == "ht"
    assert packs.of(Path("/x"), "400", "前台") == "cs"
    assert packs.of(Path("/x"), None, "前台") == "fd"
    assert packs.of(Path("/x"), "1", None) == "d"
