"""Whisper's ear makes what faster-whisper's extractor makes, and sets no other threads to work."""

import subprocess
import sys

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.speech.backend import RATE, UnusableAudio
from qa_pipeline.speech.mel import FULL_FRAMES, WhisperEar, filters, log_mel


def noise(n: int, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).standard_normal(n) * 0.1).astype(np.float32)


@pytest.mark.parametrize("mels", [80, 128])
def test_the_filters_are_those_of_faster_whisper(mels: int) -> None:
    theirs = FeatureExtractor(feature_size=mels).mel_filters
    np.testing.assert_allclose(filters(mels), theirs, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(320, 40_000), st.sampled_from([80, 128]), st.floats(0, 1), st.integers(0, 9))
def test_a_window_of_any_length_and_level_looks_as_faster_whisper_sees_it(n: int, mels: int, level: float, seed: int) -> None:
    audio = (noise(n, seed) * level).astype(np.float32)
    theirs = FeatureExtractor(feature_size=mels)(audio, padding=160)[..., :-1]
    mine = log_mel(audio, mels)
    assert mine.shape == (mels, n // 160) and mine.dtype == np.float32 and mine.flags.c_contiguous
    np.testing.assert_allclose(mine, theirs, atol=2e-4)


def test_silence_is_the_floor_and_nothing_else() -> None:
    seen = log_mel(np.zeros(RATE, np.float32), 80)
    np.testing.assert_allclose(seen, -1.5, atol=1e-6)


def test_no_more_than_30_s_are_heard() -> None:
    assert WhisperEar().hear(noise(31 * RATE)).shape == (80, FULL_FRAMES)


def test_what_is_no_sound_is_refused() -> None:
    for audio in (noise(319), np.full(RATE, np.nan, np.float32)):
        with pytest.raises(UnusableAudio):
            WhisperEar().hear(audio)


def test_nothing_heavy_is_imported_for_it() -> None:
    said = (
        "import sys, numpy as np; from qa_pipeline.speech.mel import WhisperEar; "
        "WhisperEar().hear(np.zeros(16000, np.float32)); "
        "print([m for m in ('faster_whisper', 'ctranslate2', 'av', 'onnxruntime') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
