"""How well the samples are heard and judged, against their truth, by the path `qa run` takes.

    python tests/benchmarks/samples.py [--model FOLDER] [--held-out N]

Prints the character error rate (punctuation aside), the error of turn starts, seconds taken a second of audio beside
faster-whisper's own batched pipeline on the same model, and agreement for each heart rule. `--held-out N` (needs the extra
`samples`) also hears N sentences with slot fills, voices and noise that training never met.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rapidfuzz.distance import Levenshtein

from qa_pipeline import night, shipped
from qa_pipeline.cli import make_project, open_project
from qa_pipeline.config import make_recogniser
from qa_pipeline.dataset.tables import read_table

SAMPLES = Path(__file__).parents[2] / "data/samples"
SILENT = "，。？！、 "


def plain(text: str) -> str:
    return "".join(c for c in text if c not in SILENT)


def heard_samples(model: str) -> tuple[dict[str, list[dict[str, Any]]], dict[tuple[str, str], str], float]:
    """Turns by call, first-leg verdicts by (call, rule), seconds taken."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "p"
        make_project(root)
        config, packs = open_project(root)
        config = replace(config, asr=replace(config.asr, model=model, window="short"))
        started = time.perf_counter()
        night.run(config, [shipped.sample_calls()], packs, make_recogniser(config.asr))
        taken = time.perf_counter() - started
        turns: dict[str, list[dict[str, Any]]] = {}
        for row in read_table(config.dataset, "turns").to_pylist():
            turns.setdefault(row["call_id"], []).append(row)
        found = read_table(config.dataset, "findings").to_pylist()
        return turns, {(f["call_id"], f["rule_id"]): f["verdict"] for f in found if f["leg"] == 1}, taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--held-out", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    truths = [yaml.safe_load(p.read_text("utf-8")) for p in sorted((SAMPLES / "truth").glob("*.yaml"))]
    turns, verdicts, taken = heard_samples(args.model)
    errors = characters = 0
    starts: list[float] = []
    for truth in truths:
        heard = turns.get(truth["call_id"], [])
        mono = len({t["speaker"] for t in heard} - {"unknown"}) == 0
        for channel in (0,) if mono else (0, 1):
            said = [t for t in truth["turns"] if mono or t["channel"] == channel]
            side = [t for t in heard if mono or t["speaker"] == ("agent", "customer")[channel]]
            want, got = plain("".join(t["text"] for t in said)), plain("".join(t["text"] for t in side))
            wrong = Levenshtein.distance(want, got)
            errors, characters = errors + wrong, characters + len(want)
            if args.verbose and wrong:
                print(f"  {truth['call_id']} {channel} {wrong}/{len(want)}\n    {want}\n    {got}")
            starts += [min(abs(t["start_ms"] - s["start_ms"]) for s in side) for t in said if side]
    audio = sum(max(t["end_ms"] for t in truth["turns"]) for truth in truths) / 1000
    print(f"samples: CER {100 * errors / characters:.2f} % ({errors} of {characters}); goal 3 %")
    middle, high = statistics.median(starts), np.percentile(starts, 95)
    print(f"turn starts: median error {middle:.0f} ms, 95th percentile {high:.0f} ms; goal 300")
    print(f"whole run: {taken:.1f} s for {audio:.0f} s of calls ({audio / taken:.0f} x real time)")
    wanted = [(truth["call_id"], rule, want) for truth in truths for rule, want in truth["expected"].items()]
    pairs = [(call, rule, want, verdicts.get((call, rule))) for call, rule, want in wanted]
    for rule in dict.fromkeys(p[1] for p in pairs):
        of_rule = [p for p in pairs if p[1] == rule]
        print(f"  {rule:20} {sum(p[2] == p[3] for p in of_rule)} of {len(of_rule)}")
    agreed = sum(p[2] == p[3] for p in pairs)
    print(f"heart rules: {agreed} of {len(pairs)} agree ({100 * agreed / len(pairs):.1f} %); goal 95 %")
    for call, rule, want, got in (p for p in pairs if p[2] != p[3]):
        print(f"  {call} {rule}: truth {want}, judged {got}")
    if args.held_out:
        held_out(args.held_out, args.model)


def held_out(n: int, model: str) -> None:
    sys.path.insert(0, str(SAMPLES / "make"))
    import random

    import voices
    from espeak import speak
    from sentences import Sentences
    from telephone import RATE, g711, noise, resample

    from qa_pipeline.config import Asr
    from qa_pipeline.model import Speaker
    from qa_pipeline.speech.listen import fill_in, sketch

    r, rng, recogniser = random.Random(20), np.random.default_rng(20), make_recogniser(Asr(model=model, window="short"))
    supply, errors, characters = Sentences(20, held_out=True), 0, 0
    for _ in range(n):
        text = supply.filled()
        said = speak(text, voices.held_out(r))
        x = resample(said.samples, said.sample_rate, RATE).astype(np.float32)
        x *= 32768 * 10 ** (-r.uniform(6, 14) / 20) / np.abs(x).max()
        x = np.concatenate([np.zeros(RATE // 2, np.float32), x, np.zeros(RATE // 2, np.float32)])
        x += noise(len(x), r.uniform(0, 0.6), rng) * np.sqrt(np.mean(x**2)) * 10 ** (-r.uniform(20, 40) / 20)
        samples = g711(np.clip(x, -32768, 32767).astype(np.int16), r.choice(["alaw", "mulaw"]))[None]
        one = sketch("held-out", samples, RATE, recogniser.longest_ms)
        got = "".join(t.text for t in fill_in([one], recogniser, [[Speaker.UNKNOWN]])[0]) if one.turns else ""
        errors, characters = errors + Levenshtein.distance(plain(text), plain(got)), characters + len(plain(text))
    print(f"held-out sentences, voices and noise: CER {100 * errors / characters:.2f} % ({errors} of {characters}); goal 5 %")


if __name__ == "__main__":
    main()
