"""qa.toml: every problem at once, with the file's name and what was expected."""

from pathlib import Path

import pytest

from qa_pipeline import shipped
from qa_pipeline.config import Asr, Config, ConfigError, compile_vocabulary, make_recogniser, read_config
from qa_pipeline.recordings.formats import Headerless
from qa_pipeline.recordings.records.columns import named_record
from qa_pipeline.rules.pack import load_packs
from qa_pipeline.settings import TEMPLATE, Packs
from qa_pipeline.speech.vocabulary import Vocabulary


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
    assert all(part in said for part in ("asr.modle", "'wide'", "asr.batch", "[chanels]", "Mars"))
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('asr = "demo"', "[asr] is a section"),
        ("[asr]\nbatch = 0", "asr.batch: expected 1 or more, found 0"),
        ("[asr]\nthreads = -1", "asr.threads: expected 0 or more, found -1"),
        ('[asr]\ndevice = "tpu"', "asr.device: expected one of auto, cpu, cuda"),
        ("[channels]\nagent = 2", "channels.agent: expected 0 or 1, found 2"),
        ("[channels]\nagent = true", "channels.agent: expected such as 0, found True"),
        ("[records]\npattern = 5", "records.pattern: expected a text in quotes, found 5"),
        ("[records]\npattern = '(?P<call_id'", "records.pattern: not a regular expression"),
        ("[records]\npattern = 'a+'", "expected named groups"),
        ("[records]\npattern = '(?P<caller>a)'", "unknown group caller; there are agent_id, agent_name"),
        ("[packs.departments]\nx = 1", "packs.departments: expected names in quotes"),
        ('[roots]\nfile = "/r"', "roots.file: expected two or more letters"),
        ("[roots]\nnas = 1", "[roots] names folders"),
    ],
)
def test_each_wrong_value_says_what_was_expected(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        told(tmp_path, text)
    assert said in str(caught.value)


def test_the_pattern_that_the_template_shows_reads_a_name(tmp_path: Path) -> None:
    shown = next(line.removeprefix("# ") for line in TEMPLATE.splitlines() if line.startswith("# pattern"))
    config = told(tmp_path, f"[records]\n{shown}\n")
    record = named_record(Path("c7_20240514093000.wav"), config.phones)
    assert record is not None and record.call_id == "c7"
    assert record.started_at is not None and record.started_at.isoformat() == "2024-05-14T09:30:00+08:00"


def test_named_roots_may_be_relative_to_the_project(tmp_path: Path) -> None:
    config = told(tmp_path, '[roots]\nnas = "recordings"\n')
    assert config.roots.uri(tmp_path / "recordings" / "a.wav") == "nas:a.wav"
    assert config.roots.uri(tmp_path / "b.wav") == "project:b.wav"


def test_tones_of_another_country_are_written_as_indications_conf_writes_them(tmp_path: Path) -> None:
    (tmp_path / "qa.toml").write_text('[tones]\nringback = "440+480/2000,0/4000"\nbusy_tone = "480+620/500,0/500"\n')
    assert read_config(tmp_path).tones.ringback == "440+480/2000,0/4000"
    (tmp_path / "qa.toml").write_text('[tones]\nringback = "450:1000"\nbusy_tone = 450\n')
    with pytest.raises(ConfigError, match=r"busy_tone: expected such as.*found 450"):
        read_config(tmp_path)
    (tmp_path / "qa.toml").write_text('[tones]\nringback = "450:1000"\n')
    with pytest.raises(
        ConfigError, match=r"tones\.ringback: expected frequency/milliseconds such as 450/1000, found '450:1000'"
    ):
        read_config(tmp_path)


def test_a_table_under_asr_is_its_backends_own(tmp_path: Path) -> None:
    config = told(tmp_path, '[asr]\nbackend = "http"\nmodel = "m"\n[asr.http]\nurl = "http://asr.lan/v1"\n')
    assert config.asr.options == {"http": {"url": "http://asr.lan/v1"}} and config.asr.backend == "http"
    with pytest.raises(ConfigError, match=r"unknown key asr\.options"):
        told(tmp_path, "[asr]\noptions = 1\n")


def test_the_recogniser_is_told_the_names_of_the_packs_in_use() -> None:
    packs = load_packs(shipped.packs())
    hotel = compile_vocabulary(packs, Packs(default="hotel")).names
    assert "盘王谷深航假日酒店" in hotel and "乡野邻家" not in hotel
    assert all(len(name) >= 3 and not name.isascii() for name in hotel)
    assert len(hotel[0]) >= 9, "the house's own name before the titles and departments that any model knows"
    both = compile_vocabulary(packs, Packs(default="farm-cs", departments={"总机": "hotel"}))
    assert both.names[0].startswith("乡野邻家") and set(hotel) <= set(both.names)
    assert both.hash != compile_vocabulary(packs, Packs(default="hotel")).hash


def test_the_names_told_are_part_of_the_fingerprint_and_the_demonstration_is_told_none() -> None:
    stock = Asr(model="large-v3-turbo")
    assert make_recogniser(stock, Vocabulary(("盘王谷酒店",))).fingerprint != make_recogniser(stock).fingerprint
    assert make_recogniser(Asr(), Vocabulary(("盘王谷酒店",))).fingerprint == make_recogniser(Asr()).fingerprint


def test_headerless_formats_are_declared_by_suffix(tmp_path: Path) -> None:
    made = told(tmp_path, '[recordings.headerless]\n".UL" = "mulaw 8000"\n".sln16" = "s16 16000 2"\n').recordings
    assert made.formats == {".ul": Headerless("mulaw", 8000), ".sln16": Headerless("s16", 16000, 2)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[recordings.headerless]\n"ul" = "mulaw 8000"\n', 'a suffix such as ".ul"'),
        ('[recordings.headerless]\n".ul" = "mulaw"\n', "a codec (mulaw, alaw"),
        ('[recordings]\npair = "("\n', "recordings.pair: not a regular expression"),
        ("[recordings]\npair = '(?P<call>.+)'\n", "missing first, second"),
    ],
)
def test_settings_of_recordings_that_cannot_be_meant_are_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        told(tmp_path, text)
    assert said in str(caught.value)
