"""Whisper's ear: the log-mel picture of a window, made by faster-whisper's extractor, so that other processes can make it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_pipeline.speech.backend import usable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FRAME_MS = 10
FULL_FRAMES = 3000
SHORT_MS = 12_000  # a longer window costs more than its halves: attention grows with the square
PREPROCESSOR = "preprocessor_config.json"


@dataclass(frozen=True)
class WhisperEar:
    """mels: 80, or 128 from large-v3 on. longest_ms: what the checkpoint hears at once."""

    mels: int = 80
    longest_ms: int = FULL_FRAMES * FRAME_MS

    def hear(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [mels, frames of 10 ms], not padded. Raises UnusableAudio."""
        import numpy as np

        mel: NDArray[np.float32] = _extractor(self.mels)(usable(audio), padding=160)[..., :-1]
        return np.ascontiguousarray(mel[:, :FULL_FRAMES])


def ear_of(folder: Path, window: str) -> WhisperEar:
    """As the checkpoint's preprocessor_config.json says; OpenAI's own values where there is none."""
    path = folder / PREPROCESSOR
    told = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    longest = FULL_FRAMES * FRAME_MS if window == "full" else min(SHORT_MS, int(told.get("chunk_length", 30)) * 1000)
    return WhisperEar(int(told.get("feature_size", 80)), longest)


@lru_cache
def _extractor(mels: int) -> Any:
    from faster_whisper.feature_extractor import FeatureExtractor

    return FeatureExtractor(feature_size=mels)
