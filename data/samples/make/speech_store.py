"""Synthesised utterances on disk, made in a child process: espeak-ng may end it with a protection fault, and a new one goes on.

One shard is one `.npz`: int16 samples at 8 kHz of many utterances end to end, their texts and character times.
"""

from __future__ import annotations

import itertools
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHARD_SIZE = 400


@dataclass(frozen=True)
class Spoken:
    """An utterance at 8 kHz with (start, end) seconds per character: spans [len(text), 2]."""

    text: str
    samples: NDArray[np.int16]
    spans: NDArray[np.float32]


def _utterances(seed: int) -> list[Spoken]:
    import voices
    from espeak import speak
    from sentences import Sentences
    from telephone import RATE, resample

    r, sentences, made = random.Random(seed), Sentences(seed), []
    while len(made) < SHARD_SIZE:
        text = r.choices([sentences.turn, sentences.phrase, sentences.filled], [40, 25, 35])[0]()
        voice = voices.like_samples(r) if r.random() < 0.45 else voices.any_trained(r)
        u = speak(text, voice, r.uniform(0.92, 1.08) if r.random() < 0.6 else 1.0)
        made.append(Spoken(text, resample(u.samples, u.sample_rate, RATE), np.array(u.spans, np.float32)))
    return made


def write_shard(path: Path, seed: int) -> None:
    made = _utterances(seed)
    staged = path.with_suffix(".tmp.npz")
    np.savez(
        staged,
        samples=np.concatenate([u.samples for u in made]),
        lengths=np.array([len(u.samples) for u in made]),
        texts=np.array([u.text for u in made]),
        spans=np.concatenate([u.spans for u in made]),
    )
    os.replace(staged, path)


def read_shard(path: Path) -> list[Spoken]:
    with np.load(path) as z:
        samples, spans = z["samples"], z["spans"]
        found, at, char = [], 0, 0
        for text, n in zip(z["texts"].tolist(), z["lengths"].tolist(), strict=True):
            found.append(Spoken(text, samples[at : at + n], spans[char : char + len(text)]))
            at, char = at + n, char + len(text)
    return found


def fill(folder: Path, shards: int, pause: float = 0.0) -> None:
    """Writes shards for ever, the oldest replaced first; run as a child by `keep_filling`."""
    folder.mkdir(parents=True, exist_ok=True)
    for _ in itertools.count():
        held = sorted(folder.glob("[0-9]*.npz"), key=lambda p: p.stat().st_mtime)
        name = held[0] if len(held) >= shards else folder / f"{len(held):04d}.npz"
        write_shard(name, random.SystemRandom().randrange(2**31))
        if len(held) >= shards:
            time.sleep(pause)


def keep_filling(folder: Path, shards: int, pause: float) -> None:
    """Restarts the filling child whenever it dies."""
    while True:
        subprocess.run([sys.executable, __file__, str(folder), str(shards), str(pause)], check=False)
        time.sleep(1)


if __name__ == "__main__":
    fill(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
