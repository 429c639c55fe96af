"""Killed at any moment, a project loses no call, doubles none, hears nothing twice, and no reader ever meets half of anything.

    python tests/benchmarks/faults.py [--runs 200] [--seed 1]

Half of the runs kill `qa run` over short recordings with SIGKILL at a random moment, half kill `qa rescore --apply`; then
the same command runs again until it ends by itself, and may be killed again before. Meanwhile another process polls every
table with pandas, DuckDB and Polars. At the end the tables are compared with those of a project that nobody disturbed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from qa_pipeline.dataset.schemas import KEYS
from qa_pipeline.dataset.tables import read_table
from tests.spoken import clip, small_project

QA = [sys.executable, "-c", "from qa_pipeline.cli import main; main(prog_name='qa')"]
TABLES = tuple(sorted(set(KEYS) - {"agents"}))
ORDER = ("scores", "findings", "legs", "calls")
"""As a reader follows a score back to what it stands on."""
WORDING = ('say: ["再见", ', "say: [")
"""The rule edit that is applied: 再见 alone ends no call politely any more."""


@dataclass
class Tally:
    """What went wrong over all runs; all of it should stay empty."""

    kills: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    heard_twice: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> int:
        return sum(len(told) for told in (self.lost, self.doubled, self.heard_twice, self.different, self.commands))


@dataclass(frozen=True)
class Scene:
    """A command on a project as it is before, and the rows as they are when nobody disturbs it."""

    name: str
    before: Path
    command: tuple[str, ...]
    expected: dict[str, list[dict[str, Any]]]
    seconds: float


def rows(root: Path) -> dict[str, list[dict[str, Any]]]:
    """All but the stamps of the run."""
    told = {table: read_table(root / "dataset", table).to_pylist() for table in TABLES}
    return {table: [{k: v for k, v in row.items() if k != "scored_at"} for row in found] for table, found in told.items()}


def make_scenes(folder: Path) -> list[Scene]:
    """`run` over four recordings of two dates, and `rescore --apply` of an edit that flips verdicts of them."""
    recordings = folder / "recordings"
    lines = ["call_id,recording,started_at,agent_id,answered"]
    for at, name in enumerate("abcd"):
        clip(recordings / f"{name}.wav", 10 + 2 * at, 14 + 2 * at)
        lines.append(f"{name},{name}.wav,2024-05-1{4 + at % 2}T0{9 + at // 2 - 1}:00:00,{at % 2},true")
    (recordings / "cdr.csv").write_text("\n".join(lines), "utf-8")
    empty = small_project(folder / "empty")
    settings = empty / "qa.toml"  # none of the recordings is to blame for the kills
    settings.write_text(settings.read_text("utf-8").replace("attempts = 3", "attempts = 1000", 1), "utf-8")
    run = _scene("run", empty, ("run", str(recordings)), folder / "run")
    draft = Path(shutil.copytree(folder / "run", folder / "draft"))
    pack = draft / "rules" / "etiquette.yaml"
    pack.write_text(pack.read_text("utf-8").replace(*WORDING, 1), "utf-8")
    said = subprocess.run([*QA, "rescore", "--dry-run", "--project", draft], capture_output=True, encoding="utf-8", check=True)
    ident = said.stdout.split("--apply ")[1].split()[0]
    return [run, _scene("apply", draft, ("rescore", "--apply", ident), folder / "applied")]


def _scene(name: str, before: Path, command: tuple[str, ...], done: Path) -> Scene:
    shutil.copytree(before, done)
    started = time.perf_counter()
    subprocess.run([*QA, *command, "--project", done], capture_output=True, check=True)
    return Scene(name, before, command, rows(done), time.perf_counter() - started)


def disturb(scene: Scene, root: Path, chance: random.Random, tally: Tally) -> None:
    """One run: killed once or more, then left alone, then compared."""
    while True:
        command = [*QA, *scene.command, "--project", str(root)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(chance.uniform(0.3, 1.1) * scene.seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            tally.kills += 1
        if chance.random() < 0.7:
            break
    told = subprocess.run([*QA, *scene.command, "--project", root], capture_output=True, encoding="utf-8", check=False)
    if told.returncode and "is applied already" not in told.stderr:
        tally.commands.append(f"{scene.name}: {told.stderr.strip()[-300:]}")
    _compare(scene, root, tally)


def _compare(scene: Scene, root: Path, tally: Tally) -> None:
    found = rows(root)
    for table in TABLES:
        keys = [tuple(row[k] for k in KEYS[table]) for row in found[table]]
        wanted = {tuple(row[k] for k in KEYS[table]) for row in scene.expected[table]}
        tally.lost += [f"{scene.name} {table} {key}" for key in wanted - set(keys)]
        tally.doubled += [f"{scene.name} {table} {key}" for key, n in Counter(keys).items() if n > 1]
        if set(keys) == wanted and found[table] != scene.expected[table]:
            tally.different.append(f"{scene.name} {table}")
    with closing(sqlite3.connect(root / "ledger.sqlite")) as ledger:
        again = ledger.execute("select path from recordings where attempts > 1 and state = 'sealed'").fetchall()
    tally.heard_twice += [f"{scene.name} {Path(path).name}" for (path,) in again]


def poll(shared: Any, stop: Event) -> None:
    """Until told to stop, read what the project named in `shared` holds with three readers, and note whatever is not whole."""
    import duckdb
    import pandas as pd
    import polars as pl

    readers = {
        "pandas": lambda folder: pd.read_parquet(folder),
        "duckdb": lambda folder: duckdb.sql(f"select * from read_parquet('{folder}/*/*.parquet', hive_partitioning=true)").df(),
        "polars": lambda folder: pl.read_parquet(f"{folder}/*/*.parquet", hive_partitioning=True).to_pandas(),
    }
    polls, wrong = 0, list[str]()
    while not stop.is_set():
        root = Path(shared.value.decode())
        for name, read in readers.items():
            try:
                seen = {t: read(root / "dataset" / t) for t in ORDER if [*(root / "dataset" / t).glob("*/*.parquet")]}
                found = [*_not_whole(seen)]
            except Exception as problem:
                found = [f"{type(problem).__name__}: {str(problem)[:200]}"]
            if Path(shared.value.decode()) == root:  # else it was being deleted meanwhile
                polls += root.exists()
                wrong += [f"{name}: {said}" for said in found]
        time.sleep(0.02)
    shared.value = json.dumps({"polls": polls, "wrong": wrong[:20], "n": len(wrong)}).encode()[:60_000]


def _not_whole(seen: dict[str, Any]) -> Iterator[str]:
    for table, frame in seen.items():
        if frame.duplicated(list(KEYS[table])).any():
            yield f"{table} has a key twice"
    if "scores" in seen:
        for table in ("findings", "legs", "calls"):
            if table not in seen or not set(seen["scores"].call_id) <= set(seen[table].call_id):
                yield f"scores of calls that {table} lacks"
        versions = seen["scores"].groupby(["call_date", "pack"]).rules_version.nunique()
        if (versions > 1).any():
            yield "one date's scores are of two rules"


@contextmanager
def polled() -> Iterator[Any]:
    """A process that polls; `value` names the project to look at, and holds what was seen at the end."""
    spawn = multiprocessing.get_context("spawn")
    shared, stop = spawn.Array("c", 65_536), spawn.Event()
    process = spawn.Process(target=poll, args=(shared, stop), daemon=True)
    shared.value = b"/nowhere"
    process.start()
    try:
        yield shared
    finally:
        stop.set()
        process.join()


def run_faults(folder: Path, runs: int, seed: int, say: Any = lambda line: None) -> tuple[Tally, dict[str, Any]]:
    """The tally, and what the poller saw: `polls`, and `n` of them `wrong`."""
    chance, tally, scenes = random.Random(seed), Tally(), make_scenes(folder)
    with polled() as shared:
        for number in range(runs):
            root = folder / f"run-{number}"
            shutil.copytree(scenes[number % 2].before, root)
            shared.value = str(root).encode()  # only now: a folder that is being copied is not whole
            disturb(scenes[number % 2], root, chance, tally)
            shared.value = b"/nowhere"
            shutil.rmtree(root)
            if number % 20 == 19:
                say(f"{number + 1} runs, {tally.kills} kills, {tally.wrong} wrong")
    return tally, json.loads(shared.value.decode())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally, polls = run_faults(Path(folder), args.runs, args.seed, lambda line: print(line, flush=True))
    for name in ("lost", "doubled", "heard_twice", "different", "commands"):
        told = getattr(tally, name)
        print(f"{name}: {len(told)}" + "".join(f"\n  {line}" for line in told[:5]))
    print(f"{args.runs} runs, {tally.kills} kills; {polls['polls']} polls by pandas, DuckDB and Polars, {polls['n']} not whole")
    for line in polls["wrong"]:
        print(f"  {line}")
    sys.exit(1 if tally.wrong or polls["n"] else 0)


if __name__ == "__main__":
    main()
