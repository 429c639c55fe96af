"""Whisper checkpoints through faster-whisper's loader and CTranslate2's documented calls: encode, generate, align.

faster-whisper's own batched pipeline joins turns up to 30 s and loses their order, and pads every clip to 30 s. Here each
window is as long as its speech where the checkpoint allows that (`window = "short"`; the demonstration model does), else 30 s.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_pipeline.errors import QaError
from qa_pipeline.speech.backend import Heard
from qa_pipeline.speech.guards import invented, loops
from qa_pipeline.speech.loudness import measure_loudness, quietest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 16000
FRAME_MS = 10
TOKEN_MS = 20
FULL_MS = 30_000
DOUBT = {"full": 0.5, "short": 0.9}  # below: a second look; dear where every half costs 30 s, cheap where windows are short
HALVABLE_MS = 2000
NO_SPEECH, UNLIKELY = 0.6, -1.0  # the thresholds of OpenAI's Whisper
BUCKET = 100  # frames; short windows are padded to a multiple
VERSION = 2  # of everything here that can change a text


class ModelError(QaError):
    """The speech model cannot be loaded."""


class UnusableAudio(ValueError):
    """A window that holds nothing to recognise; only that window fails."""


@dataclass(frozen=True)
class WhisperSettings:
    """`model`: a name that faster-whisper knows, or a folder. `window`: "full" (30 s) or "short"."""

    model: str
    window: str = "full"
    device: str = "auto"
    precision: str = "default"
    threads: int = 0
    batch: int = 16
    beam: int = 1
    prompt: str = ""


class Whisper:
    """A Recogniser. Nothing is loaded before the first window."""

    def __init__(self, settings: WhisperSettings) -> None:
        self.settings = settings

    @property
    def fingerprint(self) -> str:
        """Changes with the model and with every setting that can change the text."""
        said = {k: v for k, v in asdict(self.settings).items() if k not in ("threads", "batch", "device")}
        said["version"] = VERSION
        weights = Path(self.settings.model) / "model.bin"
        if weights.is_file():
            said["model"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        return "whisper-" + hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def longest_ms(self) -> int:
        if self.settings.window == "full":
            return FULL_MS
        return int(self._model.feature_extractor.chunk_length * 1000)

    @cached_property
    def _model(self) -> Any:
        from faster_whisper import WhisperModel

        s = self.settings
        try:
            return WhisperModel(s.model, device=s.device, compute_type=s.precision, cpu_threads=s.threads)
        except Exception as problem:
            raise ModelError(
                f"the speech model {s.model!r} cannot be loaded: {problem}. Give asr.model in qa.toml a folder with a "
                "CTranslate2 Whisper model, or a size faster-whisper knows on a machine that may fetch it"
            ) from problem

    @cached_property
    def _tokenizer(self) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        m = self._model
        return Tokenizer(m.hf_tokenizer, m.model.is_multilingual, task="transcribe", language="zh")

    def recognise(self, windows: Sequence[NDArray[np.float32]]) -> list[Heard]:
        """See Recogniser. What is doubtful is heard again in two halves, and the likelier answer kept."""
        answers = self._all(windows)
        doubtful = [i for i, (w, h) in enumerate(zip(windows, answers, strict=True)) if self._doubtful(w, h)]
        cuts = [_quiet_middle(windows[i]) for i in doubtful]
        halves = self._all([part for i, cut in zip(doubtful, cuts, strict=True) for part in _halves(windows[i], cut)])
        for i, cut, first, second in zip(doubtful, cuts, halves[::2], halves[1::2], strict=True):
            answers[i] = max(answers[i], _joined(first, second, cut), key=_worth)
        return answers

    def _doubtful(self, window: NDArray[np.float32], heard: Heard) -> bool:
        unsure = heard.confidence is not None and heard.confidence < DOUBT[self.settings.window]
        long = len(window) * 1000 >= HALVABLE_MS * RATE
        return long and (unsure or heard.problem == "repetition" or loops(heard.text))

    def _all(self, windows: Sequence[NDArray[np.float32]]) -> list[Heard]:
        """Windows share a batch only with others of the same padded length, so that none changes another's answer."""
        by_length: dict[int, list[int]] = {}
        for i, window in enumerate(windows):
            by_length.setdefault(self._padded(window), []).append(i)
        answers: dict[int, Heard] = {}
        for length, alike in sorted(by_length.items()):
            for chosen in _batches(alike, self.settings.batch):
                answers.update(zip(chosen, self._safely([windows[i] for i in chosen], length), strict=True))
        return [answers[i] for i in range(len(windows))]

    def _padded(self, window: NDArray[np.float32]) -> int:
        """Frames."""
        frames = len(window) * 1000 // RATE // FRAME_MS + 3
        return 3000 if self.settings.window == "full" else min(3000, -(-frames // BUCKET) * BUCKET)

    def _safely(self, windows: list[NDArray[np.float32]], length: int) -> list[Heard]:
        """A batch that fails is tried window by window."""
        try:
            return self._batch(windows, length)
        except ModelError:
            raise
        except Exception as problem:
            if len(windows) > 1:
                return [heard for w in windows for heard in self._safely([w], length)]
            return [Heard("", (), None, f"failed: {type(problem).__name__}")]

    def _batch(self, windows: list[NDArray[np.float32]], length: int) -> list[Heard]:
        from faster_whisper.transcribe import get_ctranslate2_storage

        model, tokenizer = self._model.model, self._tokenizer
        features, frames = self._features(windows, length)
        encoded = model.encode(get_ctranslate2_storage(features))
        prompt = self._model.get_prompt(tokenizer, tokenizer.encode(self.settings.prompt), without_timestamps=True)
        longest = min(448, len(prompt) + 16 + length // 8)  # about 12 characters a second: no endless loops
        results = model.generate(
            encoded,
            [prompt] * len(windows),
            beam_size=self.settings.beam,
            max_length=longest,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_blank=True,
        )
        tokens = [[t for t in r.sequences_ids[0] if t < tokenizer.eot] for r in results]
        aligned = model.align(encoded, tokenizer.sot_sequence, tokens, list(frames))
        return [
            self._heard(ids, r, alignment.alignments, n)
            for ids, r, alignment, n in zip(tokens, results, aligned, frames, strict=True)
        ]

    def _features(self, windows: list[NDArray[np.float32]], length: int) -> tuple[NDArray[np.float32], list[int]]:
        """[n, mels, length] padded with zeros, as faster-whisper pads; the frames of each window. Raises UnusableAudio."""
        import numpy as np

        if any(len(w) < RATE // 50 for w in windows):
            raise UnusableAudio("shorter than 20 ms")
        if not all(np.isfinite(w).all() for w in windows):
            raise UnusableAudio("not finite")
        mels = [self._model.feature_extractor(w, padding=160)[..., :-1] for w in windows]
        frames = [min(m.shape[-1], length) for m in mels]
        out = np.zeros((len(mels), mels[0].shape[0], length), np.float32)
        for i, (m, n) in enumerate(zip(mels, frames, strict=True)):
            out[i, :, :n] = m[:, :n]
        return out, frames

    def _heard(self, ids: list[int], result: Any, pairs: list[tuple[int, int]], frames: int) -> Heard:
        """`result`: CTranslate2's, with its mean log-probability and that of <|nospeech|>; the gate is OpenAI's."""
        text, char_ms = self._timed(ids, dict(reversed(pairs)), frames)
        if not text:
            return Heard("", (), None, "no_words")
        if result.no_speech_prob > NO_SPEECH and result.scores[0] < UNLIKELY:
            return Heard("", (), None, "no_speech")
        if problem := invented(text, self.settings.prompt):
            return Heard("", (), None, problem)
        return Heard(text, char_ms, math.exp(result.scores[0]))

    def _timed(self, ids: list[int], first: dict[int, int], frames: int) -> tuple[str, tuple[int, ...]]:
        """Text without the blanks around it, and each character's start; several tokens may make one character."""
        text, times, at, last = "", [], 0, 0
        if not ids:
            return "", ()
        for piece, tokens in zip(*self._tokenizer.split_tokens_on_unicode(ids), strict=True):
            last = max(last, min(first.get(at, last // TOKEN_MS) * TOKEN_MS, frames * FRAME_MS))
            text += piece
            times += [last] * len(piece)
            at += len(tokens)
        kept = [(c, t) for c, t in zip(text, times, strict=True) if not c.isspace() and c != "�"]
        return "".join(c for c, _ in kept), tuple(t for _, t in kept)


def _batches(items: list[int], n: int) -> list[list[int]]:
    return [items[i : i + n] for i in range(0, len(items), n)]


def _quiet_middle(window: NDArray[np.float32]) -> int:
    """Milliseconds from the start."""
    whole = len(window) * 1000 // RATE
    return quietest(whole // 3, whole - whole // 3, measure_loudness(window, RATE))


def _halves(window: NDArray[np.float32], cut_ms: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return window[: cut_ms * RATE // 1000], window[cut_ms * RATE // 1000 :]


def _joined(first: Heard, second: Heard, cut_ms: int) -> Heard:
    """One answer out of two halves; confidence stays the geometric mean over the characters."""
    parts = [h for h in (first, second) if h.confidence is not None]
    n = sum(len(h.text) for h in parts)
    if not n:
        return Heard("", (), None, first.problem or second.problem)
    score = sum(math.log(max(h.confidence or 0, 1e-9)) * len(h.text) for h in parts) / n
    times = (*first.char_ms, *(cut_ms + t for t in second.char_ms))
    return Heard(first.text + second.text, times, math.exp(score), None)


def _worth(heard: Heard) -> tuple[bool, bool, float]:
    """Words before none, no loop before a loop, then the likelier."""
    return heard.problem is None, not loops(heard.text), heard.confidence or 0
