"""The recogniser beside faster-whisper 1.2.1 on the same calls and the same model folder, turn order kept. See hearing.py.

Tokens are fixed on both sides, so that the same work is compared whatever the weights: the end of a text is suppressed, and
each batch makes as many tokens a window as its mean share of 4 a second of true speech. Second looks are off: random weights
would call for them at every window, and faster-whisper's batched pipeline has none. Both sides decode, find speech and make
features themselves; ours also measures its events and gives every character its time. Loading is not counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qa_pipeline.model import Speaker, Turn
from qa_pipeline.recordings.decode import Recording
from qa_pipeline.speech.listen import Sketch, fill_in, sketch
from qa_pipeline.speech.passes import Pass
from qa_pipeline.speech.whisper import Look, Whisper, WhisperSettings
from tests.spoken import read

TOKENS_A_SECOND = 4
PACKED, CLIPS = "faster-whisper batched, per channel", "faster-whisper batched, a clip per turn"
ROLES = (Speaker.AGENT, Speaker.CUSTOMER)
Truth = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    path: Path
    truth: Truth

    @property
    def seconds(self) -> float:
        return max(t["end_ms"] for t in self.truth["turns"]) / 1000

    @property
    def speech(self) -> float:
        return sum(t["end_ms"] - t["start_ms"] for t in self.truth["turns"]) / 1000


@dataclass
class Tokens:
    """How many tokens a second of a side's own windows make TOKENS_A_SECOND of true speech, and how many were made."""

    rate: float = 0.0
    made: int = 0
    windows: int = 0

    def fix(self, seconds: Sequence[float], prompt: int, eot: int) -> dict[str, Any]:
        """Of a batch: CTranslate2 takes at most half of max_length, and what the prompt leaves of it."""
        new = max(1, round(self.rate * sum(seconds) / len(seconds)))
        self.made += new * len(seconds)
        self.windows += len(seconds)
        return {"max_length": max(2 * new, new + prompt), "suppress_tokens": [eot]}


class FixedWhisper(Whisper):
    """Ours, with its tokens fixed and without second looks."""

    tokens: Tokens

    def _how(self, passes: Sequence[Pass], look: Look, prompt: int) -> dict[str, Any]:
        fixed = self.tokens.fix([one.frames / 100 for one in passes], prompt, self._checkpoint.eot)
        return {**super()._how(passes, look, prompt), **fixed}

    def _again(self, *_: Any) -> None:
        pass


@dataclass
class Theirs:
    """faster-whisper's batched pipeline, with its tokens fixed."""

    folder: Path
    device: str
    beam: int
    tokens: Tokens = field(default_factory=Tokens)

    def __post_init__(self) -> None:
        from faster_whisper import BatchedInferencePipeline, WhisperModel

        threads = 1 if self.device == "cpu" else 0
        self.model = WhisperModel(str(self.folder), device=self.device, cpu_threads=threads)
        self.pipeline = BatchedInferencePipeline(self.model)
        self.seconds: list[float] = []
        self.plain = self.model.model
        self.model.model = self  # the pipeline calls encode, generate, is_multilingual
        forward = self.pipeline.forward

        def noted(features: Any, tokenizer: Any, chunks: Any, options: Any) -> Any:
            self.seconds = [c["duration"] for c in chunks]
            return forward(features, tokenizer, chunks, options)

        self.pipeline.forward = noted

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    def generate(self, encoded: Any, prompts: Any, **how: Any) -> Any:
        fixed = self.tokens.fix(self.seconds, len(prompts[0]), 50257) if self.tokens.rate else {}
        return self.plain.generate(encoded, prompts, **{**how, **fixed})

    def transcribe(self, path: Path, clips: Sequence[Sequence[dict[str, float]]] | None = None) -> list[str]:
        from faster_whisper import decode_audio

        texts = []
        for channel, audio in enumerate(decode_audio(str(path), split_stereo=True)):
            told: dict[str, Any] = {"clip_timestamps": clips[channel]} if clips else {}
            if clips and not clips[channel]:
                continue
            segments, _ = self.pipeline.transcribe(
                np.ascontiguousarray(audio), language="zh", beam_size=self.beam, batch_size=16, **told
            )
            texts.append("".join(s.text for s in segments))
        return texts


def packed_seconds(path: Path) -> float:
    """Of the windows that faster-whisper packs a call into."""
    from faster_whisper import decode_audio
    from faster_whisper.vad import VadOptions, collect_chunks, get_speech_timestamps

    total = 0.0
    for audio in decode_audio(str(path), split_stereo=True):
        found = get_speech_timestamps(audio, VadOptions(max_speech_duration_s=30, min_silence_duration_ms=160))
        total += sum(c["duration"] for c in collect_chunks(audio, found, max_duration=30)[1])
    return total


def sketched(path: Path, recogniser: Whisper) -> Sketch:
    recording = read(path)
    assert isinstance(recording, Recording), recording
    return sketch(path.stem, recording.samples, recording.rate, recogniser.ear.longest_ms)


def ours(calls: Sequence[Call], recogniser: Whisper) -> list[list[Turn]]:
    return fill_in([sketched(c.path, recogniser) for c in calls], recogniser, [ROLES] * len(calls))


def cpu_of(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of processor time of all threads, and of the clock."""
    used, clock = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - used, time.perf_counter() - clock


@dataclass(frozen=True)
class Row:
    name: str
    cpu: float
    wall: float
    tokens: Tokens


def compare(folder: Path, calls: Sequence[Call], turns: Sequence[Call], device: str = "cpu", beam: int = 1) -> Iterator[Row]:
    """Theirs per channel as it packs, over all `calls`; theirs per turn, over `turns`, as if over all; ours with short windows
    and with 30 s windows."""
    speech = sum(c.speech for c in calls)
    theirs = Theirs(folder, device, beam)
    theirs.tokens = Tokens(TOKENS_A_SECOND * speech / sum(packed_seconds(c.path) for c in calls))
    theirs.transcribe(calls[0].path)
    theirs.tokens = Tokens(theirs.tokens.rate)
    yield Row(PACKED, *cpu_of(lambda: [theirs.transcribe(c.path) for c in calls]), theirs.tokens)
    theirs.tokens = Tokens(float(TOKENS_A_SECOND))
    cpu, wall = cpu_of(lambda: [theirs.transcribe(c.path, clips_of(c.truth)) for c in turns])
    share = sum(c.speech for c in turns) / speech
    yield Row(CLIPS, cpu / share, wall / share, theirs.tokens)
    for window in ("short", "full"):
        recogniser = FixedWhisper(WhisperSettings(str(folder), window, device, threads=_threads(), beam=beam))
        heard = sum(len(w) / 16000 for c in calls for w in sketched(c.path, recogniser).windows)
        recogniser.tokens = Tokens(TOKENS_A_SECOND * speech / heard)
        ours(calls[:1], recogniser)  # loads
        recogniser.tokens = Tokens(recogniser.tokens.rate)
        cpu, wall = cpu_of(lambda recogniser=recogniser: ours(calls, recogniser))  # type: ignore[misc]
        yield Row(f"ours, {window} windows", cpu, wall, recogniser.tokens)


def clips_of(truth: Truth) -> list[list[dict[str, float]]]:
    return [
        [{"start": t["start_ms"] / 1000, "end": t["end_ms"] / 1000} for t in truth["turns"] if t["channel"] == channel]
        for channel in range(2)
    ]


def _threads() -> int:
    return len(os.sched_getaffinity(0))
