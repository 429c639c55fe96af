"""Built-in recognisers and those of other packages are found the same way."""

import sys
from pathlib import Path

import pytest

from qa_pipeline.config import make_recogniser
from qa_pipeline.speech.backend import Asr, ModelError
from qa_pipeline.speech.recognisers import find_backend, installed

PLUGIN = """
from qa_pipeline.speech.backend import Check, Heard, PlainEar

class Parrot:
    ear = PlainEar(5000)
    fingerprint = "parrot"

    def __init__(self, word):
        self.word = word

    def recognise(self, windows):
        return [Heard(self.word, tuple(range(len(self.word))), None) for _ in windows]

def make(asr, vocabulary):
    return Parrot(asr.options["parrot"]["word"])

def check(asr):
    return [Check("parrot", "ok", "always")]
"""


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As pip installs a package that names recognisers."""
    told = tmp_path / "parrot-1.0.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: parrot\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(
        "[qa_pipeline.recognisers]\nparrot = parrot_asr\nwhisper = parrot_asr\n"
        "broken = no_such_module\nhollow = parrot_asr:Check\n"
    )
    (tmp_path / "parrot_asr.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "parrot_asr", raising=False)
    return tmp_path


def test_the_built_in_ones_are_entry_points() -> None:
    assert {"whisper", "sherpa", "http"} <= set(installed())
    for name in ("whisper", "sherpa", "http"):
        assert all(callable(getattr(find_backend(name), part)) for part in ("make", "check"))


def test_another_packages_recogniser_is_made_with_its_own_table(distribution: Path) -> None:
    recogniser = make_recogniser(Asr(backend="parrot", options={"parrot": {"word": "您好"}}))
    assert recogniser.fingerprint == "parrot" and recogniser.ear.longest_ms == 5000


def test_nobody_takes_the_name_of_a_built_in_one(distribution: Path) -> None:
    assert installed()["whisper"].value == "qa_pipeline.speech.whisper"


def test_an_unknown_name_lists_what_is_there(distribution: Path) -> None:
    with pytest.raises(ModelError, match="no 'funasr' here; there are broken, hollow, http, parrot, sherpa, whisper"):
        find_backend("funasr")


def test_one_that_does_not_load_or_lacks_a_part_is_named(distribution: Path) -> None:
    with pytest.raises(ModelError, match=r"'broken' \(no_such_module\) cannot be loaded: No module"):
        find_backend("broken")
    with pytest.raises(ModelError, match="has no make and no check"):
        find_backend("hollow")


def test_a_table_of_nobody_is_a_mistake() -> None:
    with pytest.raises(ModelError, match=r"\[asr.sherpo\] in qa.toml is the table of no recogniser here"):
        make_recogniser(Asr(options={"sherpo": {"kind": "paraformer"}}))
