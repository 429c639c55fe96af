"""Hearing, measured: one command for every figure of the left half, as ratios within one run.

    python tests/benchmarks/hearing.py [stock] [demo] [front] [decode] [damage] [events] [memory]
                                        [--quick] [--calls N] [--shapes …]

stock    CPU-seconds beside faster-whisper 1.2.1 on true-shape random-weight checkpoints made here (seconds, not kept), beam 1,
         4 tokens a second of speech on both sides; on a GPU, where there is one, wall seconds too
demo     the demonstration model beside it: characters wrong, and time, second looks included
front    decode, speech activity, features and events: two processes against one, call-seconds a CPU-second
decode   seconds of call decoded per CPU-second and memory for an hour, beside faster-whisper's decode_audio
damage   made damages over all formats: what is kept, what is reported
events   rings, holds, tones, who hung up; turns dropped, short answers kept, turn times; an hour of what is not speech
memory   2,000 short calls with 5 % bad files in one process
Without a name all of them, some three quarters of an hour on two idle cores; --quick: less of each, some minutes. Each part
prints its goals; the last lines say which were reached, and the exit code is 1 where one was missed.
"""

from __future__ import annotations

import argparse
import importlib
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import yaml

from qa_pipeline import shipped
from tests.benchmarks.front import as_a_night, cpu_s
from tests.benchmarks.stock import CLIPS, PACKED, Call, Row, by_length, compare
from tests.speech.whisper_shape import SHAPES, make_checkpoint

SAMPLES = Path(__file__).parents[2] / "data/samples"
BEFORE = ("decoding, events, speech", "decoding, its own speech detector")
GOALS = {"ours, short windows": (1.5, 8.0), "ours, full windows": (1.0, 0.0)}


def two_channel_calls() -> list[Call]:
    """The samples with both people on their own channels, shuffled once."""
    paths = {p.stem: p for p in shipped.sample_calls().iterdir()}
    truths = [yaml.load(p.read_text("utf-8"), yaml.CSafeLoader) for p in sorted((SAMPLES / "truth").glob("*.yaml"))]
    calls = [Call(paths[t["call_id"]], t) for t in truths if {turn["channel"] for turn in t["turns"]} == {0, 1}]
    random.Random(1).shuffle(calls)
    return calls


def show_stock(calls: Sequence[Call], shapes: Sequence[str]) -> bool:
    reached = True
    for name in shapes:
        with tempfile.TemporaryDirectory() as made:
            folder = make_checkpoint(Path(made) / name, SHAPES[name], quantization="int8_float16")
            for device in devices():
                print(f"\n{name} shape, random weights, {device}, {len(calls)} calls, from their bytes to text")
                reached &= show_rows(compare(folder, calls, device), calls, device)
            show_lengths(folder, calls)
    return reached


def show_lengths(folder: Path, calls: Sequence[Call]) -> None:
    """What 30 s for each turn cost goes by how short the turns are."""
    print("  features and recognition alone, by the length of turns, CPU ms a turn: a clip per turn / ours, short windows")
    for seconds, theirs, mine in by_length(folder, calls):
        print(f"    {seconds:3} s {1000 * theirs:7.0f} / {1000 * mine:6.0f}   {theirs / mine:5.1f}x", flush=True)


def show_rows(rows: Iterable[Row], calls: Sequence[Call], device: str) -> bool:
    """Ratios are of processor time on the processor, of the clock on a GPU; each row is printed when it is known.

    Whether the goals, which are for the processor, are reached.
    """
    reached = True
    audio, spent, alone = sum(c.seconds for c in calls), dict[str, float](), dict[str, float]()
    kind, of = ("CPU s", "cpu") if device == "cpu" else ("seconds", "wall")
    print(f"  {'':40} {kind:>8} {'call-s a s':>10} {'passes':>7} {'tokens':>7} {'per channel':>12} {'per turn':>9}")
    for row in rows:
        taken = spent[row.name] = getattr(row.whole, of)
        ratios = [f"{spent[name] / taken:.2f}x" if name in spent else "" for name in (PACKED, CLIPS)]
        wanted = ""
        for title, base, goal in zip(("channel", "turn"), (PACKED, CLIPS), GOALS.get(row.name, ()), strict=False):
            if goal and device == "cpu":
                right = spent[base] / taken >= goal
                reached &= right
                wanted += f"   per {title}: goal {goal:g}x, {'reached' if right else 'MISSED'}"
        t = row.tokens
        told = f"  {row.name:40} {taken:8.2f} {audio / taken:10.1f} {t.windows:7} {t.made:7}"
        print(f"{told} {ratios[0]:>12} {ratios[1]:>9}{wanted}", flush=True)
        if row.front is not None:
            before = getattr(row.front, of)
            alone[row.name] = taken - before
            print(f"    of it {before:.2f} before features and recognition: {BEFORE[row.name == CLIPS]}", flush=True)
            print(
                f"    {'both given their turns':38} {alone[row.name]:8.2f} {alone[CLIPS] / alone[row.name]:47.2f}x", flush=True
            )
    return reached


def devices() -> list[str]:
    import ctranslate2

    return ["cpu", "cuda"] if ctranslate2.get_cuda_device_count() else ["cpu"]


def show_demo(calls: Sequence[Call], quick: bool) -> bool:
    """A comparison; without a goal."""
    from qa_pipeline.config import Asr
    from tests.benchmarks.samples import compare as compare_demo

    print("\nthe demonstration model, short windows, second looks included")
    for beam in (1,) if quick else (1, 5):
        print(f"beam {beam}")
        asr = Asr(model="demo", window="short", precision="int8", threads=1, beam=beam)
        compare_demo([c.truth for c in calls], shipped.sample_calls(), asr)
    return True


OTHERS: dict[str, tuple[str, list[list[str]], list[list[str]]]] = {
    "front": (
        "front",
        [["--only", "throughput"], ["--only", "overhead"]],
        [["--only", "throughput", "--rounds", "1", "--copies", "1"]],
    ),
    "decode": ("decode", [[]], [["--hours", "0.5", "--formats", "pcm.wav", "a.opus"]]),
    "damage": ("damage", [[]], [[]]),
    "events": ("events", [[]], [["--quick"]]),
    "memory": ("front", [["--only", "night"]], [["--only", "night", "--calls", "200"]]),
}
"""Parts with a module of their own: its name, the words it is called with, and those for --quick."""


def show_part(name: str, quick: bool) -> bool:
    module, full, little = OTHERS[name]
    print(f"\n{name}", flush=True)
    return not any([importlib.import_module(f"tests.benchmarks.{module}").main(words) for words in (little if quick else full)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts: dict[str, Callable[[argparse.Namespace], bool]] = {
        "stock": lambda args: show_stock(two_channel_calls()[: args.calls], ["tiny"] if args.quick else args.shapes),
        "demo": lambda args: show_demo(two_channel_calls(), args.quick),
    }
    parts |= {name: lambda args, name=name: show_part(name, args.quick) for name in OTHERS}  # type: ignore[misc]
    parser.add_argument("parts", nargs="*", default=[*parts], metavar="part", help=", ".join(parts))
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--calls", type=int, default=8)
    parser.add_argument("--shapes", nargs="+", default=["tiny", "small"], choices=[*SHAPES])
    args = parser.parse_args()
    if unknown := set(args.parts) - set(parts):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    as_a_night()
    warnings.simplefilter("ignore")
    reached, taken = dict[str, bool](), dict[str, str]()
    for name in args.parts:
        started, used = time.monotonic(), cpu_s()
        reached[name] = parts[name](args)
        taken[name] = f"{(time.monotonic() - started) / 60:.1f} minutes, {(cpu_s() - used) / 60:.1f} of processor time"
        print(f"  {name}: {taken[name]}", flush=True)
    print()
    for name, right in reached.items():
        print(f"{name:8} {'goals reached' if right else 'GOAL MISSED'}, {taken[name]}")
    return 0 if all(reached.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
