"""The speech detector that travels with the package answers as the one that faster-whisper ships."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime
import pytest

from qa_pipeline import shipped
from qa_pipeline.recordings.decode import Recording
from qa_pipeline.speech.channel import Channel
from tests.spoken import read

MAKER = Path(__file__).parents[2] / "data/detector/make.py"


@cache
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_detector", MAKER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def probabilities(model: Path, frames: Any) -> Any:
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    nothing = np.zeros((1, 1, 128), np.float32)
    return session.run(None, {"input": frames, "h": nothing, "c": nothing})


def frames_of(audio: Any) -> Any:
    return audio[: len(audio) // 576 * 576].reshape(-1, 576).astype(np.float32)


def both(frames: Any) -> Any:
    """What either detector says, and what it remembers."""
    return zip(probabilities(shipped.detector(), frames), probabilities(maker().shipped(), frames), strict=True)


@pytest.mark.parametrize("call_id", ["dd-02-shirk-bad", "bs-03-cold-bad"])
@pytest.mark.parametrize("channel", [0, 1])
def test_it_says_and_remembers_what_faster_whispers_does_over_a_call(call_id: str, channel: int) -> None:
    recording = read(shipped.sample_calls() / f"{call_id}.wav")
    assert isinstance(recording, Recording)
    audio = Channel(recording.samples[channel], recording.rate).wide(0, 60_000)
    (_, said), *_ = both(frames_of(audio))
    assert said.min() < 0.05 and said.max() > 0.7  # somebody speaks
    for ours, theirs in both(frames_of(audio)):
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(1, np.abs(theirs).max()))


@pytest.mark.parametrize("level", [0.0, 1e-4, 0.1, 1.0])
def test_it_says_what_faster_whispers_does_over_silence_and_noise(level: float) -> None:
    audio = level * np.random.default_rng(3).standard_normal(576 * 50)
    for ours, theirs in both(frames_of(audio)):
        np.testing.assert_allclose(ours, theirs, atol=2e-5 * max(1, np.abs(theirs).max()))


def test_it_can_be_made_again_out_of_faster_whispers() -> None:
    assert maker().made() == shipped.detector().read_bytes()
