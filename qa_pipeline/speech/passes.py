"""Passes of the model: several windows of one call in one pass where every pass costs 30 s, and their words apart again.

faster-whisper joins the turns of one channel in the same way and gives back one text. Here both sides of a conversation follow
each other in a pass, as they do where a call is recorded in mono, and each character's time says whose it is.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qa_pipeline.speech.backend import Heard, Window
from qa_pipeline.speech.guards import loops
from qa_pipeline.speech.mel import FRAME_MS, FULL_FRAMES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

GAP = 20  # frames of quiet between two windows of a pass
SNAP_MS = 300  # a sentence's end this near to a joint is the joint
HALVABLE = 200  # frames
STOPS, MARKS = "。？！?!", "，。？！、；：,.?!;:"


@dataclass(frozen=True, eq=False)
class Pass:
    """What the model hears at once: float32 [mels, frames]. starts: the first frame of each window in it."""

    mel: NDArray[np.float32]
    starts: tuple[int, ...]
    speech_ms: int

    @property
    def frames(self) -> int:
        return int(self.mel.shape[-1])

    @property
    def cut(self) -> int | None:
        """The frame to halve it at: a joint, or the quietest moment of its middle third; None where too short."""
        if len(self.starts) > 1:
            return min(self.starts[1:], key=lambda at: abs(at - self.frames / 2))
        return _quietest(self.mel) if self.frames >= HALVABLE else None

    def windows(self) -> list[Pass]:
        """Each window as a pass of its own."""
        ends = [*(start - GAP for start in self.starts[1:]), self.frames]
        share = self.speech_ms // len(self.starts)
        return [Pass(self.mel[:, a:b], (0,), share) for a, b in zip(self.starts, ends, strict=True)]

    def halves(self, cut: int) -> tuple[Pass, Pass]:
        share = self.speech_ms * cut // max(1, self.frames)
        first = Pass(self.mel[:, :cut], tuple(s for s in self.starts if s < cut), share)
        later = tuple(s - cut for s in self.starts if s >= cut) or (0,)
        return first, Pass(self.mel[:, cut:], later, self.speech_ms - share)


def pack(windows: Sequence[Window], room: int = FULL_FRAMES) -> list[list[int]]:
    """Which windows share a pass of `room` frames: neighbours of one source, as many as fit, in order."""
    groups: list[list[int]] = []
    used: dict[str, tuple[list[int], int]] = {}
    for i, window in enumerate(windows):
        frames = int(window.sound.shape[-1])
        group, taken = used.get(window.source, ([], room))
        if not window.source or taken + GAP + frames > room:
            groups.append(group := [])
            taken = -GAP
        group.append(i)
        used[window.source] = (group, taken + GAP + frames)
    return groups


def join(windows: Sequence[Window]) -> Pass:
    """One pass of them, with quiet as deep as each window's own between."""
    import numpy as np

    pieces: list[NDArray[np.float32]] = []
    starts, at = [], 0
    for window in windows:
        if pieces:
            pieces.append(np.full((window.sound.shape[0], GAP), window.sound.min(), np.float32))
            at += GAP
        pieces.append(window.sound)
        starts.append(at)
        at += int(window.sound.shape[-1])
    mel = pieces[0] if len(pieces) == 1 else np.concatenate(pieces, 1)
    return Pass(mel, tuple(starts), sum(w.speech_ms for w in windows))


def part(heard: Heard, windows: Sequence[Window], starts: Sequence[int]) -> list[Heard]:
    """The answer of a pass as one for each of its windows; marks stay with the word before them."""
    if len(windows) == 1:
        return [heard]
    if not heard.text:
        return [heard] * len(windows)
    lengths = [int(w.sound.shape[-1]) * FRAME_MS for w in windows]
    begins = [s * FRAME_MS for s in starts]
    bounds: list[int] = [0, *(_bound(heard, start - GAP * FRAME_MS // 2) for start in begins[1:]), len(heard.text)]
    bounds = [max(bounds[: i + 1]) for i in range(len(bounds))]
    parts = []
    for begin, length, (a, b) in zip(begins, lengths, itertools.pairwise(bounds), strict=True):
        times = tuple(min(max(t - begin, 0), length) for t in heard.char_ms[a:b])
        said = heard.text[a:b]
        parts.append(Heard(said, times, heard.confidence) if said else Heard("", (), None, "no_words"))
    return parts


def _bound(heard: Heard, at_ms: int) -> int:
    """The first character of what follows `at_ms`; where that breaks a sentence, its end close by is taken for the joint."""
    text, times = heard.text, heard.char_ms
    at: int = bisect.bisect_left(times, at_ms)
    if at and text[at - 1] not in MARKS:
        ends = [i + 1 for i, c in enumerate(text) if c in STOPS and abs(times[i] - at_ms) <= SNAP_MS]
        at = min(ends, key=lambda end: abs(end - at), default=at)
    while 0 < at < len(text) and text[at] in MARKS:
        at += 1
    return at


def joined(first: Heard, second: Heard, cut_ms: int) -> Heard:
    """One answer out of two halves; confidence stays the geometric mean over the characters."""
    parts = [h for h in (first, second) if h.confidence is not None]
    n = sum(len(h.text) for h in parts)
    if not n:
        return Heard("", (), None, first.problem or second.problem)
    score = sum(math.log(max(h.confidence or 0, 1e-9)) * len(h.text) for h in parts) / n
    times = (*first.char_ms, *(cut_ms + t for t in second.char_ms))
    return Heard(first.text + second.text, times, math.exp(score), None)


def worth(heard: Heard) -> tuple[bool, bool, float]:
    """Words before none, no loop before a loop, then the likelier."""
    return heard.problem is None, not loops(heard.text), heard.confidence or 0


def _quietest(mel: NDArray[np.float32]) -> int:
    """The frame in the middle third around which 60 ms are quietest."""
    import numpy as np

    third = int(mel.shape[-1]) // 3
    loudness = np.convolve(mel.mean(0), np.ones(6, np.float32), "same")[third:-third]
    return third + int(np.argmin(loudness))
