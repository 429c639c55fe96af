"""How well the samples are heard and judged, against their truth, by the path `qa run` takes.

    python tests/benchmarks/samples.py [--model FOLDER] [--beam N] [--held-out N] [--verbose]

Prints the character error rate (punctuation aside), the error of turn starts, agreement for each heart rule, and error rate
and seconds a second of call beside faster-whisper's own batched pipeline (a channel at a time, its default packing) on the
same model. `--held-out N` (needs the extra `samples`) also hears N whole calls whose slot fills, voices and noise training
never met.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rapidfuzz.distance import Levenshtein

from qa_pipeline import night, shipped
from qa_pipeline.cli.projects import make_project, open_project
from qa_pipeline.config import Asr, make_recogniser
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.model import Speaker
from qa_pipeline.recordings.decode import Recording, decode
from qa_pipeline.recordings.files import one_file
from qa_pipeline.speech.listen import fill_in, sketch

SAMPLES = Path(__file__).parents[2] / "data/samples"
SILENT = "，。？！、 "
SIDES = ("agent", "customer")
Truth = Mapping[str, Any]
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Side:
    """One channel of a call, or all of a one-channel call: what was said, what was heard."""

    name: str
    said: Rows
    heard: Rows

    @property
    def want(self) -> str:
        return plain("".join(t["text"] for t in self.said))

    @property
    def got(self) -> str:
        return plain("".join(t["text"] for t in self.heard))

    @property
    def wrong(self) -> int:
        return Levenshtein.distance(self.want, self.got)

    @property
    def start_errors(self) -> list[int]:
        """Milliseconds from each true turn's start to the nearest start that was heard."""
        return [min(abs(t["start_ms"] - h["start_ms"]) for h in self.heard) for t in self.said if self.heard]


def plain(text: str) -> str:
    return "".join(c for c in text if c not in SILENT)


def sides(truths: Sequence[Truth], turns: Mapping[str, Rows]) -> Iterator[Side]:
    for truth in truths:
        heard = turns.get(truth["call_id"], [])
        if heard and all(t["speaker"] == "unknown" for t in heard):
            yield Side(truth["call_id"], truth["turns"], heard)
            continue
        for channel, speaker in enumerate(SIDES):
            said = [t for t in truth["turns"] if t["channel"] == channel]
            yield Side(f"{truth['call_id']} {speaker}", said, [t for t in heard if t["speaker"] == speaker])


def run_night(calls: Path, asr: Asr) -> tuple[dict[str, list[dict[str, Any]]], dict[tuple[str, str], str], float]:
    """Turns by call, first-leg verdicts by (call, rule), seconds taken."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        make_project(root)
        config, packs = open_project(root)
        config = replace(config, asr=asr)
        started = time.perf_counter()
        night.run(config, [calls], packs, make_recogniser(asr))
        taken = time.perf_counter() - started
        turns: dict[str, list[dict[str, Any]]] = {}
        for row in read_table(config.dataset, "turns").to_pylist():
            turns.setdefault(row["call_id"], []).append(row)
        found = read_table(config.dataset, "findings").to_pylist()
        return turns, {(f["call_id"], f["rule_id"]): f["verdict"] for f in found if f["leg"] == 1}, taken


def show_words(title: str, heard: Sequence[Side], goal: float, verbose: bool) -> None:
    wrong, characters = sum(s.wrong for s in heard), sum(len(s.want) for s in heard)
    if verbose:
        for side in (s for s in heard if s.wrong):
            print(f"  {side.name} {side.wrong}/{len(side.want)}\n    {side.want}\n    {side.got}")
    starts = [e for s in heard for e in s.start_errors]
    print(f"{title}: CER {100 * wrong / characters:.2f} % ({wrong} of {characters}); goal {goal:g} %")
    middle, high = statistics.median(starts), np.percentile(starts, 95)
    print(f"  turn starts: median error {middle:.0f} ms, 95th percentile {high:.0f} ms; goal 300")


def show_rules(truths: Sequence[Truth], verdicts: Mapping[tuple[str, str], str]) -> None:
    wanted = [(truth["call_id"], rule, want) for truth in truths for rule, want in truth["expected"].items()]
    pairs = [(call, rule, want, verdicts.get((call, rule))) for call, rule, want in wanted]
    for rule in dict.fromkeys(p[1] for p in pairs):
        of_rule = [p for p in pairs if p[1] == rule]
        print(f"  {rule:20} {sum(p[2] == p[3] for p in of_rule)} of {len(of_rule)}")
    agreed = sum(p[2] == p[3] for p in pairs)
    print(f"heart rules: {agreed} of {len(pairs)} agree ({100 * agreed / len(pairs):.1f} %); goal 95 %")
    for call, rule, want, got in (p for p in pairs if p[2] != p[3]):
        print(f"  {call} {rule}: truth {want}, judged {got}")


def our_words(path: Path, recogniser: Any) -> list[str]:
    """Each channel's text, decoded, detected and recognised here, one call at a time."""
    with tempfile.TemporaryDirectory() as spool:
        recording = decode(one_file(path), Path(spool))
        assert isinstance(recording, Recording), recording
        one = sketch(path.stem, recording.samples, recording.rate, recogniser.ear.longest_ms)
    roles = [Speaker.AGENT, Speaker.CUSTOMER][: recording.channels]
    (turns,) = fill_in([one], recogniser, [roles])
    return ["".join(t.text for t in turns if t.speaker == role) for role in roles]


def their_words(path: Path, pipeline: Any, beam: int) -> list[str]:
    """Each channel's text by faster-whisper alone: its decoder, its speech detection, its packing."""
    from faster_whisper import decode_audio

    channels = decode_audio(str(path), split_stereo=True)
    texts = []
    for audio in channels:
        segments, _ = pipeline.transcribe(np.ascontiguousarray(audio), language="zh", beam_size=beam, batch_size=16)
        texts.append("".join(s.text for s in segments))
    return texts


def compare(truths: Sequence[Truth], calls: Path, asr: Asr) -> None:
    """Words and time of both ways over the two-channel calls, on the same model, beam and threads; loading not counted."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    recogniser = make_recogniser(asr)
    folder = str(shipped.demo_model()) if asr.model == "demo" else asr.model
    pipeline = BatchedInferencePipeline(WhisperModel(folder, compute_type=asr.precision, cpu_threads=asr.threads))
    paths = {p.stem: p for p in calls.iterdir()}
    pairs = [(truth, paths[truth["call_id"]]) for truth in truths]
    pairs = [(truth, path) for truth, path in pairs if {t["channel"] for t in truth["turns"]} == {0, 1}]
    seconds = sum(max(t["end_ms"] for t in truth["turns"]) for truth, _ in pairs) / 1000
    taken = []
    for name, words in (
        ("this path", lambda path: our_words(path, recogniser)),
        ("faster-whisper batched", lambda path: their_words(path, pipeline, asr.beam)),
    ):
        words(pairs[0][1])  # loads the model
        started = time.perf_counter()
        texts = [words(path) for _, path in pairs]
        taken.append(time.perf_counter() - started)
        said = ["".join(t["text"] for t in truth["turns"] if t["channel"] == c) for truth, _ in pairs for c in (0, 1)]
        got = [text for pair in texts for text in pair]
        wrong = sum(Levenshtein.distance(plain(a), plain(b)) for a, b in zip(said, got, strict=True))
        rate = 100 * wrong / sum(len(plain(a)) for a in said)
        print(f"  {name}: CER {rate:.2f} %, {taken[-1] / seconds:.4f} s a second of call")
    print(f"  this path takes {taken[0] / taken[1]:.2f} times as long")


def held_out(n: int, asr: Asr, verbose: bool) -> None:
    sys.path.insert(0, str(SAMPLES / "make"))
    from held_out import make_calls  # type: ignore[import-not-found]

    with tempfile.TemporaryDirectory() as folder:
        truths = make_calls(Path(folder), n)
        turns, _, _ = run_night(Path(folder), asr)
    show_words(f"{n} held-out calls", list(sides(truths, turns)), 5, verbose)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="demo")
    parser.add_argument("--beam", type=int, default=Asr().beam)
    parser.add_argument("--held-out", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    asr, calls = Asr(model=args.model, window="short", beam=args.beam), shipped.sample_calls()
    truths = [yaml.safe_load(p.read_text("utf-8")) for p in sorted((SAMPLES / "truth").glob("*.yaml"))]
    turns, verdicts, taken = run_night(calls, asr)
    show_words("samples", list(sides(truths, turns)), 3, args.verbose)
    audio = sum(max(t["end_ms"] for t in truth["turns"]) for truth in truths) / 1000
    print(f"whole run: {taken:.1f} s for {audio:.0f} s of calls ({audio / taken:.0f} x real time)")
    show_rules(truths, verdicts)
    compare(truths, calls, asr)
    if args.held_out:
        held_out(args.held_out, asr, args.verbose)


if __name__ == "__main__":
    main()
