"""What sealing costs as one date fills up: memory and time of 200 calls more, however many the date holds.

    python tests/benchmarks/sealing.py [--calls 10000]

The rows of 200 calls of 40 turns with their verdicts go into one date again and again, as a night does it: merged with what is
there piece by piece, and beside it with the whole date in memory, each way in a process of its own. Printed are resident
memory, in which what was freed lingers, and the most that tables ever took of it (Arrow's count). The goal is that this grows
by less than a tenth of what the whole date takes.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from qa_pipeline.cli.projects import make_project, open_project
from qa_pipeline.dataset.parts import read_part, write_part
from qa_pipeline.dataset.tables import ORDER, of_calls, replace_calls
from qa_pipeline.verdicts.judging import verdict_tables
from tests.benchmarks.front import rss_mib
from tests.benchmarks.rescore import FIRST_DAY, day_tables

A_TIME, PACK, SHOWN, GOAL = 200, "etiquette", 20, 0.1
Tables = dict[str, pa.Table]


def wholly(dataset: Path, tables: Tables, ids: Sequence[str]) -> None:
    for name in ORDER:
        kept = of_calls(read_part(dataset, name, FIRST_DAY), ids, others=True)
        write_part(dataset, name, FIRST_DAY, pa.concat_tables([kept, tables[name]]))


def in_pieces(dataset: Path, tables: Tables, ids: Sequence[str]) -> None:
    replace_calls(dataset, FIRST_DAY, tables, ids)


WAYS: dict[str, Callable[[Path, Tables, Sequence[str]], None]] = {
    "the whole date in memory": wholly,
    "piece by piece": in_pieces,
}


def named(tables: Tables, step: int) -> Tables:
    """The same rows under other ids, which lie among those that are there as a night's do."""
    made = {}
    for name, table in tables.items():
        at, ids = table.schema.get_field_index("call_id"), table["call_id"].to_pylist()
        renamed = pa.array([f"{hash_of(call, step)}-{step:05}-{call}" for call in ids], pa.string())
        made[name] = table.set_column(at, table.schema.field("call_id"), renamed)
    return made


def hash_of(call: str, step: int) -> str:
    return f"{(int(call[-6:]) * 7919 + step * 104729) % 10007:05}"


def measure(way: str, tables: Tables, calls: int, told: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for step in range(calls // A_TIME):
            more = named(tables, step)
            started = time.process_time()
            WAYS[way](Path(folder), more, more["calls"]["call_id"].to_pylist())
            spent, most = time.process_time() - started, pa.default_memory_pool().max_memory() / 2**20
            told.put((A_TIME * (step + 1), rss_mib(), most, spent))
    told.put(None)


def grown(way: str, tables: Tables, calls: int) -> float:
    """MiB of tables at the end, beyond those after the first tenth."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    process = context.Process(target=measure, args=(way, tables, calls, told))
    process.start()
    print(f"{way}:")
    seen = list[tuple[int, float, float, float]]()
    while one := told.get():
        seen.append(one)
        done, resident, most, spent = one
        if done // A_TIME % max(1, calls // A_TIME // SHOWN) == 0:
            cost = f"{resident:6.0f} MiB resident, tables at most {most:6.1f} MiB, {spent:5.2f} s CPU for {A_TIME} more"
            print(f"  {done:6} calls: {cost}", flush=True)
    process.join()
    return seen[-1][2] - seen[len(seen) // 10][2]


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        make_project(Path(folder))
        _, packs = open_project(Path(folder))
        tables = day_tables(FIRST_DAY, A_TIME, PACK, 0)
        tables |= verdict_tables(tables, packs)
        found = {way: grown(way, tables, args.calls) for way in WAYS}
    print("growth to the end: " + "; ".join(f"{way} {mib:+.0f} MiB" for way, mib in found.items()))
    whole, pieces = found.values()
    reached = pieces < GOAL * whole
    print(f"goal: less than a tenth of the whole date's: {'reached' if reached else 'MISSED'}")
    return int(not reached)


if __name__ == "__main__":
    sys.exit(main())
