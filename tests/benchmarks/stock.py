"""The recogniser beside faster-whisper 1.2.1 on the same calls and the same model folder, turn order kept. See hearing.py.

Tokens are fixed on both sides, so that the same work is compared whatever the weights: the end of a text is suppressed, and
each batch makes as many tokens a window as its mean share of 4 a second of true speech. Second looks are off: random weights
would call for them at every window, and faster-whisper's batched pipeline has none. Both sides go from a recording's bytes to
text: they decode, find speech and make features; ours also measures its events and gives every character its time. Who gives
faster-whisper a clip per turn must find the turns: its own speech detector over each channel is counted. The clips are then the
true turns, so that both sides hear the same words. Loading is not counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qa_pipeline.model import Turn
from qa_pipeline.recordings.decode import Recording
from qa_pipeline.speech.backend import RATE, heard
from qa_pipeline.speech.listen import Sketch, hear, recognise, sketch, with_words
from qa_pipeline.speech.passes import Pass
from qa_pipeline.speech.whisper import Look, Whisper, WhisperSettings
from tests.spoken import read

TOKENS_A_SECOND = 4
PACKED, CLIPS = "faster-whisper batched, per channel", "faster-whisper batched, a clip per turn"
LENGTHS_S, CLIPS_EACH = (1, 2, 4, 8, 16), 3  # of turns, and how many of each faster-whisper is given; ours gets a batch
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

    def transcribe(self, path: Path) -> list[str]:
        """Each channel, as its own packing joins the turns."""
        return [self.hear(audio) for audio in decoded(path)]

    def transcribe_turns(self, channels: Sequence[Any], clips: Sequence[Sequence[dict[str, float]]]) -> list[str]:
        return [self.hear(audio, said) for audio, said in zip(channels, clips, strict=True) if said]

    def hear(self, audio: Any, clips: Sequence[dict[str, float]] | None = None) -> str:
        told: dict[str, Any] = {"clip_timestamps": clips} if clips else {}
        segments, _ = self.pipeline.transcribe(audio, language="zh", beam_size=self.beam, batch_size=16, **told)
        return "".join(s.text for s in segments)


def decoded(path: Path) -> list[Any]:
    """Both channels, by faster-whisper."""
    from faster_whisper import decode_audio

    return [np.ascontiguousarray(audio) for audio in decode_audio(str(path), split_stereo=True)]


def found(audio: Any) -> list[Any]:
    """Where its own detector hears speech, set as its batched pipeline sets it."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    return list(get_speech_timestamps(audio, VadOptions(max_speech_duration_s=30, min_silence_duration_ms=160)))


def packed_seconds(path: Path) -> float:
    """Of the windows that faster-whisper packs a call into."""
    from faster_whisper.vad import collect_chunks

    packs = [pack for audio in decoded(path) for pack in collect_chunks(audio, found(audio), max_duration=30)[1]]
    return float(sum(pack["duration"] for pack in packs))


def sketched(path: Path, recogniser: Whisper) -> Sketch:
    recording = read(path)
    assert isinstance(recording, Recording), recording
    return sketch(path.stem, recording.samples, recording.rate, recogniser.ear.longest_ms)


def ours(sketches: Sequence[Sketch], recogniser: Whisper) -> list[list[Turn]]:
    """The turns of all calls with their words: features and recognition."""
    windows = [hear(one, recogniser.ear) for one in sketches]
    return [with_words(one, said) for one, said in zip(sketches, recognise(windows, recogniser), strict=True)]


@dataclass
class Cost:
    """Seconds of processor time of all threads, and of the clock, within `with`; each time more."""

    cpu: float = 0.0
    wall: float = 0.0

    def __enter__(self) -> None:
        self.cpu -= time.process_time()
        self.wall -= time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.cpu += time.process_time()
        self.wall += time.perf_counter()

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wall + other.wall)


@dataclass(frozen=True)
class Row:
    """front: what was spent before features and recognition, where that is told apart; `whole` has it all."""

    name: str
    whole: Cost
    tokens: Tokens
    front: Cost | None = None


def compare(folder: Path, calls: Sequence[Call], device: str = "cpu", beam: int = 1) -> Iterator[Row]:
    """Theirs per channel as it packs, and per turn; ours with short windows and with 30 s windows; each over all `calls`."""
    speech = sum(c.speech for c in calls)
    theirs = Theirs(folder, device, beam)
    theirs.tokens = Tokens(TOKENS_A_SECOND * speech / sum(packed_seconds(c.path) for c in calls))
    theirs.transcribe(calls[0].path)
    theirs.tokens = Tokens(theirs.tokens.rate)
    with (packed := Cost()):
        for call in calls:
            theirs.transcribe(call.path)
    yield Row(PACKED, packed, theirs.tokens)
    theirs.tokens = Tokens(float(TOKENS_A_SECOND))
    yield _by_turns(theirs, calls)
    for window in ("short", "full"):
        recogniser = FixedWhisper(WhisperSettings(str(folder), window, device, threads=_threads(), beam=beam))
        yield _ours(recogniser, calls, speech)


def _by_turns(theirs: Theirs, calls: Sequence[Call]) -> Row:
    """A call at a time, as decoded audio takes room."""
    front, words = Cost(), Cost()
    for call in calls:
        with front:
            channels = decoded(call.path)
            for audio in channels:
                found(audio)
        with words:
            theirs.transcribe_turns(channels, clips_of(call.truth))
    return Row(CLIPS, front + words, theirs.tokens, front)


def _ours(recogniser: FixedWhisper, calls: Sequence[Call], speech: float) -> Row:
    sketches = [sketched(c.path, recogniser) for c in calls]
    recogniser.tokens = Tokens(TOKENS_A_SECOND * speech / sum(len(w) / RATE for one in sketches for w in one.windows))
    ours(sketches[:1], recogniser)  # loads
    recogniser.tokens = Tokens(recogniser.tokens.rate)
    with (front := Cost()):
        sketches = [sketched(c.path, recogniser) for c in calls]
    with (words := Cost()):
        ours(sketches, recogniser)
    return Row(f"ours, {recogniser.settings.window} windows", front + words, recogniser.tokens, front)


def by_length(folder: Path, calls: Sequence[Call], beam: int = 1) -> Iterator[tuple[int, float, float]]:
    """For turns of so many seconds: CPU-seconds a turn of faster-whisper with a clip per turn, and of ours with short windows.

    The very samples of the calls, cut anywhere; features and recognition alone, on a processor.
    """
    sound = np.concatenate([decoded(c.path)[0] for c in calls])
    theirs = Theirs(folder, "cpu", beam, Tokens(float(TOKENS_A_SECOND)))
    recogniser = FixedWhisper(WhisperSettings(str(folder), "short", "cpu", threads=_threads(), beam=beam))
    recogniser.tokens = Tokens(float(TOKENS_A_SECOND))
    heard(recogniser, [sound[: 2 * RATE]])  # loads
    for seconds in LENGTHS_S:
        starts = [i * seconds % (len(sound) // RATE - seconds) for i in range(recogniser.settings.batch)]
        clips = [{"start": float(s), "end": float(s + seconds)} for s in starts[:CLIPS_EACH]]
        with (base := Cost()):
            theirs.hear(sound, clips)
        longest = recogniser.ear.longest_ms // 1000
        pieces = [
            sound[at * RATE : min(at + longest, s + seconds) * RATE] for s in starts for at in range(s, s + seconds, longest)
        ]
        with (mine := Cost()):
            heard(recogniser, pieces)
        yield seconds, base.cpu / len(clips), mine.cpu / len(starts)


def clips_of(truth: Truth) -> list[list[dict[str, float]]]:
    return [
        [{"start": t["start_ms"] / 1000, "end": t["end_ms"] / 1000} for t in truth["turns"] if t["channel"] == channel]
        for channel in range(2)
    ]


def _threads() -> int:
    return len(os.sched_getaffinity(0))
