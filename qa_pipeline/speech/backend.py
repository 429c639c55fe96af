"""The contract of a recogniser: windows in, timed characters out; one window's failure is its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Heard:
    """What one window says. char_ms: start of each character of `text` from the window's start; confidence in 0-1.

    `problem` names why there is no text (`repetition`, `failed: …`) where speech was certain but words are not.
    """

    text: str
    char_ms: tuple[int, ...]
    confidence: float | None
    problem: str | None = None


class Recogniser(Protocol):
    """A speech recogniser. `fingerprint` changes with whatever changes its answers; `longest_ms` is its widest window."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def longest_ms(self) -> int: ...

    def recognise(self, windows: Sequence[NDArray[np.float32]]) -> list[Heard]:
        """One answer for each window (mono float32 [samples], 16 kHz), in the order given."""
        ...
