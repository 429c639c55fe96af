"""How fast stored calls are judged again, beside a loop over calls with the same wordings as compiled regular expressions.

    python tests/benchmarks/rescore.py [--calls 10000 100000 …] [--pack property] [--loop-calls 200]

Makes N calls of 40 turns, times `qa rescore` of all rules as a process of its own, from its start to the findings written, and
adds up the memory of all its processes while it runs. Within a date at least 80 % of the texts are distinct; later dates hold
the same words under other call ids, which saves making them and nothing else: a date knows nothing of another. The loop judges
nothing: it only searches every turn for every phrase of the pack, and so flatters itself.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from qa_pipeline.cli.projects import make_project
from qa_pipeline.dataset.parts import write_part
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.rules.pack import RulePack, load_packs
from qa_pipeline.rules.wording import parse, pattern
from qa_pipeline.text.normal import normalise

TURNS = 40
SPEED, TIMES, MEMORY = 20_000, 10, 1500
"""Goals on two cores: calls a second, times the loop, MB; and the same µs a call at every size."""
A_DAY = 5000
FIRST_DAY = date(2025, 1, 1)
SCRIPTS = Path(__file__).parents[2] / "data/samples/scripts"
PR_SET_CHILD_SUBREAPER = 36
COMMON = "的一是了我不在人有他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里"


def texts(n: int, r: random.Random) -> list[str]:
    """n turns as they are in the sample calls, most of them with a few characters that make them one of a kind."""
    known = [t["text"] for path in sorted(SCRIPTS.glob("*.yaml")) for t in yaml.safe_load(path.read_text("utf-8"))["turns"]]
    return [s if r.random() < 0.15 else s + "".join(r.choices(COMMON, k=4)) for s in r.choices(known, k=n)]


def day_tables(day: date, calls: int, pack: str, seed: int) -> dict[str, pa.Table]:
    """One date's calls, legs, turns and events."""
    r, n = random.Random(seed), calls * TURNS
    said = texts(n, r)
    length = np.fromiter(map(len, said), np.int64, n)
    call, number = np.repeat(np.arange(calls), TURNS), np.tile(np.arange(TURNS), calls)
    took = length * 220 + 400
    end = np.cumsum(took.reshape(calls, TURNS), 1).ravel()
    start = end - took + 400
    ids = pa.array([f"{day:%m%d}-{i:06d}" for i in range(calls)])
    bounds = np.concatenate(([0], np.cumsum(length)))
    character = np.arange(bounds[-1]) - np.repeat(bounds[:-1], length)
    char_ms = pa.ListArray.from_arrays(pa.array(bounds, pa.int32()), pa.array(np.repeat(start, length) + character * 220))
    speaker = pa.array(["agent", "customer"]).take(pa.array(number % 2))
    started = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    ring = pa.array(np.random.default_rng(seed).integers(2000, 20000, calls))
    last = end.reshape(calls, TURNS)[:, -1]
    many = {
        "calls": {
            **{"call_id": ids, "started_at": pa.array([started] * calls), "tz": pa.array(["Asia/Shanghai"] * calls)},
            **{"direction": pa.array(["inbound"] * calls), "answered": pa.array([True] * calls), "ring_ms": ring},
            **{"answered_ms": pa.array([0] * calls), "ended_ms": pa.array(last), "duration_ms": pa.array(last)},
            **{"hangup_by": pa.array(["customer", "agent"]).take(pa.array(np.arange(calls) % 2))},
            **{
                "end_reason": pa.array(["normal"] * calls),
                "n_channels": pa.array([2] * calls),
                "fields": pa.array(["{}"] * calls),
            },
            **{"measured": pa.array([["all"]] * calls), "flags": pa.array([[]] * calls, pa.list_(pa.string()))},
        },
        "legs": {
            **{"call_id": ids, "leg": pa.array([1] * calls), "start_ms": pa.array([0] * calls), "end_ms": pa.array(last)},
            **{"pack": pa.array([pack] * calls), "agent_id": pa.array([str(i % 50) for i in range(calls)])},
        },
        "turns": {
            **{"call_id": ids.take(pa.array(call)), "turn": pa.array(number), "leg": pa.array(np.ones(n, int))},
            **{
                "speaker": speaker,
                "addressee": pa.array(["customer"] * n),
                "start_ms": pa.array(start),
                "end_ms": pa.array(end),
            },
            **{"text": pa.array(said), "char_ms": char_ms},
        },
        "events": {},
    }
    return {name: _filled(name, columns) for name, columns in many.items()}


def _filled(name: str, columns: dict[str, pa.Array]) -> pa.Table:
    schema = SCHEMAS[name]
    rows = len(next(iter(columns.values()))) if columns else 0
    made = [columns[f.name].cast(f.type) if f.name in columns else pa.nulls(rows, f.type) for f in schema]
    return pa.table(dict(zip(schema.names, made, strict=True)), schema=schema)


def make_dataset(project: Path, calls: int, pack: str) -> None:
    make_project(project)
    first = day_tables(FIRST_DAY, min(A_DAY, calls), pack, 0)
    for number in range(-(-calls // A_DAY)):
        day = FIRST_DAY + timedelta(days=number)
        for name, table in first.items():
            some = pc.starts_with(table["call_id"], f"{FIRST_DAY:%m%d}")
            if calls - number * A_DAY < A_DAY and number:
                some = pc.less(table["call_id"], f"{FIRST_DAY:%m%d}-{calls - number * A_DAY:06d}")
            write_part(project / "dataset", name, day, _on(day, table.filter(some)))


def _on(day: date, table: pa.Table) -> pa.Table:
    """The same rows under call ids of that day."""
    ids = pc.binary_replace_slice(table["call_id"], 0, 4, f"{day.timetuple().tm_yday:03d}{day:%y}"[-4:])
    return table.set_column(table.schema.get_field_index("call_id"), table.schema.field("call_id"), ids)


LOOK = 0.4
"""Seconds between two looks at the memory; a date's work sees several. A look walks the pages of all processes, which wait for
new ones meanwhile: with twenty a second, a rescore that has both cores takes a tenth longer."""


@dataclass(frozen=True)
class Run:
    """Wall and processor seconds, and the most memory that all its processes had at one time, in MB."""

    wall: float
    cpu: float
    peak: float


def timed(words: Sequence[str], project: Path) -> Run:
    """`qa` with these words, on this project, as a process of its own."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)  # the server that its processes are copies of outlives it, and counts
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started, peak, pause = time.perf_counter(), 0.0, LOOK / 20
    code = "from qa_pipeline.cli import main; main()"
    command = [sys.executable, "-c", code, *words, "--project", str(project)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.returncode is None:
            peak = max(peak, sum(map(_memory, _family(process.pid))))
            with suppress(subprocess.TimeoutExpired):
                process.wait(pause)
            pause = min(LOOK, 1.2 * pause)  # a short command is looked at, too
    wall = time.perf_counter() - started
    with suppress(ChildProcessError):
        while True:
            os.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if process.returncode:
        raise SystemExit(f"qa {words[0]} ended with {process.returncode}")
    return Run(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peak)


def _family(process: int) -> list[int]:
    """A process and all below it."""
    try:
        threads = list(Path(f"/proc/{process}/task").iterdir())
        below = [int(child) for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:  # it has just ended
        return []
    return [process, *(each for child in below for each in _family(child))]


def _memory(process: int) -> float:
    """MB, pages that several processes share divided among them."""
    try:
        told = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return int(re.search(r"^Pss:\s+(\d+)", told, re.M)[1]) / 1024  # type: ignore[index]


def loop(pack: RulePack, calls: int) -> float:
    """Processor seconds a call of a plain loop: every turn against one expression for each phrase, on the normal form."""
    compiled = [
        re.compile("|".join(pattern(parse(w, p.slots), lambda c: normalise(c).text) for w in p.say))
        for p in pack.phrases.values()
    ]
    said = texts(calls * TURNS, random.Random(1))
    started = time.process_time()
    for text in said:
        normal = normalise(text).text
        for expression in compiled:
            expression.search(normal)
    return (time.process_time() - started) / calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="*", default=[10_000])
    parser.add_argument("--pack", default="property")
    parser.add_argument("--loop-calls", type=int, default=200)
    args = parser.parse_args()
    each = 0.0
    for calls in args.calls:
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder) / str(calls)
            make_dataset(project, calls, args.pack)
            pack = load_packs(project / "rules")[args.pack]
            run = timed(["rescore"], project)
            size = sum(p.stat().st_size for p in (project / "dataset").rglob("*.parquet"))
        each = each or loop(pack, args.loop_calls)
        print(f"{calls} calls, {len(pack.rules)} rules, {os.cpu_count()} cores, {size / 1e6:.0f} MB of Parquet:")
        print(f"  {run.wall:.1f} s, {calls / run.wall:,.0f} calls/s; {1e6 * run.wall / calls:.0f} µs a call,", end=" ")
        print(f"{1e6 * run.cpu / calls:.0f} µs of processor; peak {run.peak:,.0f} MB in all processes")
        print(f"  {each * calls / run.wall:.1f} times the loop ({1 / each:,.0f} calls/s on one core) by the clock,", end=" ")
        print(f"{each * calls / run.cpu:.1f} times for each second of processor")
        told = (
            (f"{SPEED:,} calls/s", calls / run.wall >= SPEED),
            (f"{TIMES} times the loop", each * calls / run.wall >= TIMES),
            (f"{MEMORY:,} MB", run.peak <= MEMORY),
        )
        print("  goals: " + ", ".join(f"{goal} {'met' if met else 'MISSED'}" for goal, met in told))


if __name__ == "__main__":
    main()
