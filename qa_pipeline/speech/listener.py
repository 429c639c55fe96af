"""One recogniser on a thread of its own: while it works through one portion of windows, the next one gathers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Generic, Self, TypeVar

from qa_pipeline.errors import QaError
from qa_pipeline.speech.backend import Heard, Recogniser, Window
from qa_pipeline.speech.listen import recognise

FEWEST, MOST = 8, 512  # windows of a portion: 256 take 6 % more CPU time in half-filled batches, 1,024 take 1 % less
PORTION_S = 30.0  # of recognition, enough for full batches; what a crash can cost, and what a stop waits for
GROWTH = 4  # times the last portion: a night's memory is at its most within some hundred calls
WAITING_BYTES = 256 * 2**20
Key = TypeVar("Key")
Windows = Sequence[Window | Heard]


@dataclass(frozen=True)
class Answers(Generic[Key]):
    """One portion: for each call the answers to all of its windows, or what the recogniser raised over that call alone."""

    calls: tuple[tuple[Key, list[Heard] | Exception], ...]
    problem: QaError | None = None


class Listener(Generic[Key]):
    """Recognises whole calls, first come, first served, many at once; `arrive` is called with each portion's Answers."""

    def __init__(self, recogniser: Recogniser, arrive: Callable[[Answers[Key]], None]) -> None:
        self._recogniser, self._arrive = recogniser, arrive
        self._waiting: list[tuple[Key, Windows]] = []
        self._portion = FEWEST
        self._a_window_s = 0.0
        self._thread = ThreadPoolExecutor(1, "recogniser")
        self.busy = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        self._thread.shutdown()

    @property
    def room(self) -> bool:
        """Whether another call may gather: no more than the largest portion waits for the one in work, so memory stays flat."""
        return self.waiting < MOST and sum(_bytes(windows) for _, windows in self._waiting) < WAITING_BYTES

    @property
    def waiting(self) -> int:
        """Windows that no portion holds yet, one at least for each call."""
        return sum(max(1, len(windows)) for _, windows in self._waiting)

    @property
    def next_s(self) -> float:
        """Seconds that the next portion may take, going by the last one: PORTION_S before there was any."""
        if not self._a_window_s:
            return PORTION_S
        taken = 0
        for _, windows in self._waiting:
            if taken < self._portion:
                taken += max(1, len(windows))
        return taken * self._a_window_s

    def take(self, key: Key, windows: Windows) -> None:
        self._waiting.append((key, windows))

    def go_on(self, at_once: bool = False) -> None:
        """Starts the next portion where none is in work and enough has gathered, or with what there is."""
        if self.busy or not self._waiting or not (at_once or self.waiting >= self._portion or not self.room):
            return
        portion, taken = list[tuple[Key, Windows]](), 0
        while self._waiting and taken < self._portion:
            portion.append(self._waiting.pop(0))
            taken += max(1, len(portion[-1][1]))
        self.busy = True
        self._thread.submit(self._work, portion)

    def rest(self) -> None:
        """The last portion has been dealt with."""
        self.busy = False

    def _work(self, portion: list[tuple[Key, Windows]]) -> None:
        started = time.monotonic()
        try:
            answers = Answers(tuple(self._answered(portion)))
        except QaError as problem:
            answers = Answers((), problem)
        taken = max(time.monotonic() - started, 1e-3)
        n_windows = sum(len(windows) for _, windows in portion)
        wanted = n_windows * PORTION_S / taken
        self._a_window_s = taken / max(1, n_windows)
        self._portion = round(max(FEWEST, min(MOST, GROWTH * self._portion, wanted)))
        self._arrive(answers)

    def _answered(self, portion: list[tuple[Key, Windows]]) -> list[tuple[Key, list[Heard] | Exception]]:
        """Where the recogniser raises over all of them, each call is tried alone."""
        try:
            said = recognise([windows for _, windows in portion], self._recogniser)
            return [(key, answers) for (key, _), answers in zip(portion, said, strict=True)]
        except QaError:
            raise
        except Exception as problem:
            if len(portion) == 1:
                return [(portion[0][0], problem)]
        return [answer for one in portion for answer in self._answered([one])]


def _bytes(windows: Windows) -> int:
    return sum(w.sound.nbytes for w in windows if isinstance(w, Window))
