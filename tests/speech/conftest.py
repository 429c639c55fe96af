"""The demonstration model, real sample calls, and the contract that every recogniser keeps."""

import functools
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray

from qa_pipeline import shipped
from qa_pipeline.recordings.decode import Recording
from qa_pipeline.speech.backend import Heard, Recogniser, heard
from qa_pipeline.speech.listen import Sketch, sketch
from qa_pipeline.speech.whisper import Whisper, WhisperSettings
from tests.spoken import read

SAMPLES = Path(__file__).parents[2] / "data/samples"
Audio = NDArray[np.float32]
Contract = Callable[[Recogniser, Sequence[Audio]], list[Heard]]


@dataclass(frozen=True)
class Sample:
    """A shipped call: what was said, what was recorded, and all of it but the words."""

    truth: dict[str, Any]
    samples: NDArray[np.int16]
    rate: int
    sketch: Sketch


def demo(**settings: Any) -> Whisper:
    told = {"model": str(shipped.demo_model()), "window": "short", "device": "cpu", "threads": 1, "beam": 5}
    return Whisper(WhisperSettings(**{**told, **settings}))


@pytest.fixture(scope="session")
def make_demo() -> Callable[..., Whisper]:
    return demo


@pytest.fixture(scope="session")
def recogniser() -> Whisper:
    return demo()


@functools.lru_cache
def read_sample(call_id: str) -> Sample:
    (path,) = shipped.sample_calls().glob(call_id + ".*")
    recording = read(path)
    assert isinstance(recording, Recording)
    truth = yaml.load((SAMPLES / f"truth/{call_id}.yaml").read_text("utf-8"), yaml.CSafeLoader)
    one = sketch(call_id, recording.samples, recording.rate, 8000)
    return Sample(truth, recording.samples, recording.rate, one)


@pytest.fixture(scope="session")
def sample() -> Callable[[str], Sample]:
    return read_sample


@pytest.fixture
def sounds() -> Iterator[Any]:
    """The generator's ringback, busy tone and hold music."""
    sys.path.insert(0, str(SAMPLES / "make"))
    try:
        import sounds  # type: ignore[import-not-found]

        yield sounds
    finally:
        sys.path.remove(str(SAMPLES / "make"))


def keeps_contract(recogniser: Recogniser, windows: Sequence[Audio]) -> list[Heard]:
    """Asserts what listeners rely on, over windows of speech; returns the answers."""
    answers = heard(recogniser, windows)
    assert len(answers) == len(windows)
    for window, said in zip(windows, answers, strict=True):
        assert len(said.char_ms) == len(said.text)
        assert list(said.char_ms) == sorted(said.char_ms)
        assert all(0 <= ms <= len(window) * 1000 // 16000 + 20 for ms in said.char_ms)
        assert said.confidence is None or 0 < said.confidence <= 1
        assert bool(said.text) == (said.problem is None)
        assert said.timing in ("heard", "spread")
    assert heard(recogniser, windows[::-1]) == answers[::-1], "answers go with their windows, whatever the order"
    assert [heard(recogniser, [w])[0] for w in windows] == answers, "alone as in a batch"
    broken = np.full(16000, np.nan, np.float32)
    first, bad, *rest = heard(recogniser, [windows[0], broken, *windows[1:]])
    assert [first, *rest] == answers, "a bad window never harms its neighbours"
    assert bad.text == "" and (bad.problem or "").startswith("failed")
    assert heard(recogniser, []) == []
    assert pickle.loads(pickle.dumps(recogniser.ear)) == recogniser.ear, "other processes can be sent the ear"
    assert len(pickle.dumps(recogniser.ear)) < 1000, "and it holds no weights"
    assert 1000 <= recogniser.ear.longest_ms <= 30_000
    assert recogniser.fingerprint and recogniser.fingerprint == recogniser.fingerprint
    return answers


@pytest.fixture(scope="session")
def contract() -> Contract:
    return keeps_contract
