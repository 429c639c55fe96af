"""Training windows: pieces of turns, a pause before and after, over a random line, as the speech detector will cut them."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from speech_store import Spoken, read_shard
from telephone import RATE, line, resample

PAUSES = "，。？！、"


@dataclass(frozen=True)
class Window:
    """samples int16 8 kHz; chars: (character, start s, end s) within the window."""

    samples: NDArray[np.int16]
    chars: tuple[tuple[str, float, float], ...]

    @property
    def text(self) -> str:
        return "".join(c for c, _, _ in self.chars)


def piece(u: Spoken, longest: float, r: random.Random) -> tuple[NDArray[np.float32], list[tuple[str, float, float]]] | None:
    """Whole clauses in a row out of one utterance, at most `longest` seconds; None when no clause is that short."""
    cuts = [0, *(i + 1 for i, c in enumerate(u.text) if c in PAUSES)]
    if cuts[-1] != len(u.text):
        cuts.append(len(u.text))
    whole = len(u.samples) / RATE
    if whole <= longest and r.random() < 0.6:
        first, last = 0, len(u.text)
    else:
        pairs = [
            (a, b)
            for i, a in enumerate(cuts)
            for b in cuts[i + 1 :]
            if 0.15 < u.spans[b - 1][1] - u.spans[a][0] <= longest - 0.1
        ]
        if not pairs:
            return None
        first, last = r.choice(pairs)
    begin = 0.0 if first == 0 else max(0.0, float(u.spans[first][0]) - 0.02)
    end = whole if last == len(u.text) else float(u.spans[last - 1][1]) + 0.05
    chars = [(u.text[i], float(u.spans[i][0]) - begin, float(u.spans[i][1]) - begin) for i in range(first, last)]
    return u.samples[int(begin * RATE) : int(end * RATE)].astype(np.float32), chars


class Windows:
    """An endless supply from the newest shards of a store, re-read as they are replaced."""

    def __init__(self, store: Path, seed: int, held: int = 10) -> None:
        self.store, self.random, self.noise = store, random.Random(seed), np.random.default_rng(seed)
        self.held, self.pool, self.drawn = held, [], 0  # type: int, list[list[Spoken]], int

    def _utterance(self) -> Spoken:
        self.drawn += 1
        if len(self.pool) < self.held or self.drawn % 150 == 0:
            with contextlib.suppress(OSError):  # replaced while read
                self.pool.append(read_shard(self.random.choice(sorted(self.store.glob("[0-9][0-9][0-9][0-9].npz")))))
            self.pool = self.pool[-self.held :]
        return self.random.choice(self.random.choice(self.pool))

    def _loudness(self) -> float:
        """A peak level of -22 to -3 dBFS."""
        return float(10 ** (self.random.uniform(-22, -3) / 20) * 32768)

    def window(self, longest: float) -> Window:
        r = self.random
        at = r.choice([r.uniform(0, 0.3), r.uniform(0, 0.5), 0.0])
        parts: list[tuple[int, NDArray[np.float32]]] = []
        chars: list[tuple[str, float, float]] = []
        loudness = self._loudness()
        wanted = r.choices([1, 2, 3], [60, 25, 15])[0]
        for _ in range(12):
            if len(parts) == wanted or longest - at < 0.5:
                break
            if (cut := piece(self._utterance(), longest - at, r)) is None:
                continue
            sound, said = cut
            if parts and r.random() < 0.3:
                loudness = self._loudness()
            parts.append((int(at * RATE), sound * loudness / max(1.0, float(np.abs(sound).max()))))
            chars += [(c, a + at, b + at) for c, a, b in said]
            at += len(sound) / RATE + r.uniform(0.1, 1.0)
        end = max((o + len(s) for o, s in parts), default=RATE)
        y = np.zeros(end + int(r.uniform(0, 0.5) * RATE), np.float32)
        for offset, sound in parts:
            y[offset : offset + len(sound)] += sound
        return Window(line(y, self.noise), tuple(chars))

    def silence(self) -> Window:
        n = int(self.random.uniform(0.5, 5) * RATE)
        return Window(line(self.noise.standard_normal(n) * 10 ** self.random.uniform(-1, 2.5), self.noise), ())

    def __iter__(self) -> Iterator[Window]:
        while True:
            yield self.window(8.0)


def mel(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """[80, frames] as faster-whisper computes it from an 8 kHz file."""
    from faster_whisper.feature_extractor import FeatureExtractor

    wide = resample(samples, RATE, 16000).astype(np.float32) / 32768
    return np.asarray(FeatureExtractor()(wide, padding=160)[..., :-1], np.float32)
