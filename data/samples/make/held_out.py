"""Held-out calls: two voices, slot fills and a line that training never met, made anew whenever a benchmark asks.

    python data/samples/make/held_out.py FOLDER N

Templates are known to the model; what fills their slots, the four voices and the noise of the line are not.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import voices
from calls import FORMATS, Placed, mix, truth, write_audio
from espeak import Voice, speak
from sentences import Sentences
from telephone import RATE, resample

TURNS = 10
TWO_CHANNEL_FORMATS = ("alaw", "mulaw", "pcm", "mp3", "opus")
NOISE_DB = (40.0, 55.0)  # below full scale: some 15-35 dB below the speech


def conversation(r: random.Random, supply: Sentences) -> list[Placed]:
    """Agent and customer by turns, with 0.3-1.2 s between them."""
    agent, customer = r.sample(voices.HELD_OUT, 2)
    at, turns = 1500, []
    for i in range(TURNS):
        channel = i % 2
        role, variant = (("agent", agent), ("customer", customer))[channel]
        voice = Voice(variant, r.randint(150, 250), r.randint(30, 70), r.randint(30, 70))
        said = speak(supply.filled(role), voice)
        times = tuple(at + round(start * 1000) for start, _ in said.spans)
        placed = Placed(role, "customer", channel, at, resample(said.samples, said.sample_rate, RATE), said.text, times)
        turns.append(placed)
        at = placed.end_ms + r.randint(300, 1200)
    return turns


def make_call(path: Path, codec: str, seed: int) -> dict[str, Any]:
    """Writes one recording; its truth is returned."""
    turns = conversation(random.Random(seed), Sentences(seed, held_out=True))
    metadata = {"channels": 2, "duration": turns[-1].end_ms / 1000 + 1, "hangup_party": "customer"}
    script = {"id": path.stem, "metadata": metadata, "events": [], "expected": {}}
    write_audio(path, codec, mix(script, turns, False, NOISE_DB))
    return truth(script, turns, {})


def make_calls(folder: Path, n: int, seed: int = 20) -> list[dict[str, Any]]:
    """n recordings with their call records; their truths are returned. The same words and voices for the same seed;
    espeak carries some state from one utterance to the next, so samples differ by a little within one process."""
    folder.mkdir(parents=True, exist_ok=True)
    truths, rows = [], ["call_id,recording,started_at"]
    for number in range(n):
        suffix, codec = FORMATS[TWO_CHANNEL_FORMATS[number % len(TWO_CHANNEL_FORMATS)]]
        path = folder / f"held-out-{number:02d}.{suffix}"
        truths.append(make_call(path, codec, seed * 1000 + number))
        rows.append(f"{path.stem},{path.name},2024-05-01T{number % 24:02d}:00:00+08:00")
    (folder / "cdr.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return truths


if __name__ == "__main__":
    make_calls(Path(sys.argv[1]), int(sys.argv[2]))
