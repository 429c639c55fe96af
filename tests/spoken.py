"""A small project, short real recordings cut from the samples, and a recogniser of the contract that answers at once."""

import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qa_pipeline import shipped
from qa_pipeline.cli.projects import make_project
from qa_pipeline.recordings.decode import Recording, decode
from qa_pipeline.recordings.files import one_file
from qa_pipeline.recordings.find import Failure
from qa_pipeline.speech.backend import Heard, PlainEar, Window

SAMPLES = shipped.sample_calls()
PCM = SAMPLES / "bs-03-cold-bad.wav"

_SPOOL = tempfile.TemporaryDirectory(prefix="qa-tests-")


def read(path: Path) -> Recording | Failure:
    """One file decoded; its samples last as long as the tests."""
    return decode(one_file(path), Path(tempfile.mkdtemp(dir=_SPOOL.name)))


def small_project(root: Path) -> Path:
    """As `qa init` makes it, with the pack `etiquette` alone: the others take seconds to compile."""
    make_project(root)
    for pack in (root / "rules").glob("*.yaml"):
        if pack.stem != "etiquette":
            pack.unlink()
    return root


def clip(path: Path, start_s: float = 10.0, end_s: float = 16.0, of: Path = PCM) -> Path:
    """A 16-bit WAV with those seconds of a sample; both people speak in the ones chosen by default."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(of)) as told, wave.open(str(path), "wb") as made:
        made.setparams(told.getparams())
        told.setpos(round(start_s * told.getframerate()))
        made.writeframes(told.readframes(round((end_s - start_s) * told.getframerate())))
    return path


@dataclass
class Parrot:
    """A Recogniser that says the same about every window, and raises at windows of `poison` samples or more."""

    text: str = "您好"
    poison: int | None = None
    heard: list[int] = field(default_factory=list)
    fingerprint: str = "parrot"
    ear: PlainEar = field(default_factory=PlainEar)

    def recognise(self, windows: Sequence[Window]) -> list[Heard]:
        self.heard += [len(w.sound) for w in windows]
        if self.poison is not None and any(len(w.sound) >= self.poison for w in windows):
            raise RuntimeError("this window cannot be heard")
        return [Heard(self.text, tuple(range(len(self.text))), 0.9) for _ in windows]
