"""The contract of a recogniser: windows in, timed characters out; one window's failure is its own.

A backend is a module (or any object) with `make` and `check`, named by an entry point of the group `qa_pipeline.recognisers`;
the built-in ones are found the same way (see `recognisers`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from qa_pipeline.errors import QaError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from qa_pipeline.speech.vocabulary import Vocabulary

RATE = 16000
SHORTEST_MS = 20


class ModelError(QaError):
    """The speech model cannot be loaded, or answers nothing at all; no recording is to blame."""


class UnusableAudio(ValueError):
    """A window that holds nothing to recognise; only that window fails."""


@dataclass(frozen=True)
class Asr:
    """`[asr]` of qa.toml. backend: an entry point's name. model: "demo", a size, or a folder. window: "full" (30 s) or "short".

    prompt: what a Whisper is told it has heard before, None for the usual sentence. hot_words: names from the packs' slots with
    it. options: the tables `[asr.<backend>]`, each checked by its own backend.
    """

    backend: str = "whisper"
    model: str = "demo"
    window: str = "full"
    device: str = "auto"
    precision: str = "default"
    threads: int = 0
    batch: int = 16
    beam: int = 5
    prompt: str | None = None
    hot_words: bool = True
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    """What one window says. char_ms: start of each character of `text` from the window's start; confidence in 0-1.

    `problem` names why there is no text (`repetition`, `failed: …`) where speech was certain but words are not. `timing`:
    "heard", or "spread" where the recogniser told no times and the characters were laid evenly over the window.
    """

    text: str
    char_ms: tuple[int, ...]
    confidence: float | None
    problem: str | None = None
    timing: str = "heard"


@dataclass(frozen=True, eq=False)
class Window:
    """What a recogniser takes. sound: made of the window's audio by its Ear; its length is the last axis.

    source: the call. Windows of one source come in conversation order and may share a pass of the model; windows of other
    sources never change an answer. speech_ms: how much of it the speech detector was sure of.
    """

    sound: NDArray[Any]
    source: str = ""
    speech_ms: int = 0


class Ear(Protocol):
    """What the front end needs of a recogniser: a small value that other processes can be sent; it holds no weights."""

    @property
    def longest_ms(self) -> int:
        """The widest window."""
        ...

    def hear(self, audio: NDArray[np.float32]) -> NDArray[Any]:
        """A window's audio (mono [samples], 16 kHz) as the recogniser takes it. Raises UnusableAudio."""
        ...


class Recogniser(Protocol):
    """A speech recogniser. `fingerprint` changes with whatever changes its answers; nothing is loaded before it is needed."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def ear(self) -> Ear: ...

    def recognise(self, windows: Sequence[Window]) -> list[Heard]:
        """One answer for each window, in the order given. Best given many at once: what is alike in length shares a batch.

        Raises ModelError only; whatever is wrong with a window is its own answer's `problem`.
        """
        ...


@dataclass(frozen=True)
class Check:
    """One line of `qa doctor`. state: "ok", "note" (works, worth knowing), "missing" (an option not installed), "wrong"."""

    what: str
    state: str
    detail: str
    remedy: str = ""


class Backend(Protocol):
    """What an entry point of `qa_pipeline.recognisers` names."""

    def make(self, asr: Asr, vocabulary: Vocabulary) -> Recogniser:
        """Raises ModelError naming every problem of its settings at once; loads nothing heavy."""
        ...

    def check(self, asr: Asr) -> list[Check]:
        """What is there and what is missing on this machine. Reaches no network; never raises."""
        ...


@dataclass(frozen=True)
class PlainEar:
    """The ear of a recogniser that takes the samples themselves."""

    longest_ms: int = 30_000

    def hear(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        return usable(audio)


def usable(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """The audio itself. Raises UnusableAudio for what is too short to hold a sound, or not finite."""
    import numpy as np

    if len(audio) * 1000 < SHORTEST_MS * RATE:
        raise UnusableAudio(f"shorter than {SHORTEST_MS} ms")
    if not np.isfinite(audio).all():
        raise UnusableAudio("not finite")
    return audio


def failed(problem: Exception) -> Heard:
    return Heard("", (), None, f"failed: {type(problem).__name__}")


def heard(recogniser: Recogniser, audio: Sequence[NDArray[np.float32]]) -> list[Heard]:
    """Ear and recogniser in one process: one answer for each piece of audio, each a source of its own."""
    ear, answers, windows, at = recogniser.ear, dict[int, Heard](), list[Window](), list[int]()
    for i, piece in enumerate(audio):
        try:
            windows.append(Window(ear.hear(piece), str(i), len(piece) * 1000 // RATE))
            at.append(i)
        except Exception as problem:
            answers[i] = failed(problem)
    answers |= dict(zip(at, recogniser.recognise(windows), strict=True))
    return [answers[i] for i in range(len(audio))]
