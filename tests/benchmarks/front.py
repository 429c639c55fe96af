"""The front end and the night around the recogniser: throughput, memory, bad files, overhead.

    python tests/benchmarks/front.py [--calls N] [--rounds N] [--copies N] [--only throughput|overhead|night]

`throughput`: the sample calls through the front end with two processes, beside two independent processes that prepare half
of them each in a plain loop; rounds take turns, wall clock and CPU time (user and system, all processes) of each are printed,
the ratios are the medians'. Starting the processes is not counted, on either side.
`overhead`: the sample calls through `night.run` with the demonstration model and every pack: the CPU time of the night itself
(its main thread: finding, hashing, joining, ledger, words into tables, judging, sealing) beside front end and recogniser; what
is paid once, the process's start included, is told apart.
`night`: N short calls, cut from the samples at other places each, a twentieth of them damaged, in one process: memory every 50
calls, what became of the damaged ones, ten of the others again alone.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from qa_pipeline import night, shipped
from qa_pipeline.batch.front import FrontEnd, Job, Prepared, prepare
from qa_pipeline.batch.progress import Progress
from qa_pipeline.batch.reporting import Summary
from qa_pipeline.batch.shift import Watch
from qa_pipeline.cli.projects import make_project, open_project
from qa_pipeline.config import Config, make_recogniser
from qa_pipeline.dataset.tables import read_table
from qa_pipeline.processes import keep_little
from qa_pipeline.recordings.decode import Recording, content_hash
from qa_pipeline.recordings.files import one_file
from qa_pipeline.settings import Front
from qa_pipeline.speech.backend import Ear
from tests.spoken import read, small_project

GOAL_PARALLEL, GOAL_OVERHEAD, GOAL_GROWTH = 0.9, 0.03, 0.02
SETTLED = 600
"""Calls after which a night holds all that it ever will: model, dictionary, rules (at the first sealing), full portions."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one way over the same calls."""

    wall: float
    cpu: float


def cpu_s() -> float:
    """Of this process and of its children that have ended."""
    own, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime


def jobs_of(folder: Path, copies: int) -> list[Job]:
    jobs = []
    for path in sample_paths():
        for copy in range(copies):
            files = one_file(Path(shutil.copy(path, folder / f"{copy}-{path.name}")))
            jobs.append(Job(files, content_hash(files.paths), files.state, files.paths[0].stem))
    return jobs


def alone(jobs: Sequence[Job], config: Config, ear: Ear, ready: Any, go: Any) -> None:
    """One of the independent processes."""
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    prepare(jobs[0], config, ear)
    ready.release()
    go.wait()
    for job in jobs:
        assert isinstance(prepare(job, config, ear), Prepared)


def two_alone(jobs: Sequence[Job], config: Config, ear: Ear) -> Cost:
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    halves = [context.Process(target=alone, args=(jobs[i::2], config, ear, ready, go)) for i in range(2)]
    before = cpu_s()
    for process in halves:
        process.start()
    for _ in halves:
        ready.acquire()
    started, warm = time.perf_counter(), sum(_cpu_of(p.pid or 0) for p in halves)
    go.set()
    for process in halves:
        process.join()
    return Cost(time.perf_counter() - started, cpu_s() - before - warm)


def together(jobs: Sequence[Job], config: Config, ear: Ear) -> Cost:
    """As the night gives them: in order, a few ahead, results taken as they come."""
    inbox: SimpleQueue[Any] = SimpleQueue()
    before = cpu_s()
    there = {p.pid for p in multiprocessing.active_children()}
    with FrontEnd(config, ear, inbox.put) as front:
        for job in jobs[:2]:
            front.give(job)
        for _ in range(2):
            front.taken(inbox.get()[0])
        started = time.perf_counter()
        warm = sum(_cpu_of(p.pid or 0) for p in multiprocessing.active_children() if p.pid not in there)
        waiting = list(jobs)
        while waiting or front.busy:
            while waiting and front.room:
                front.give(waiting.pop(0))
            job, made = inbox.get()
            assert isinstance(made, Prepared), made
            front.taken(job)
        taken = time.perf_counter() - started
    return Cost(taken, cpu_s() - before - warm)


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def throughput(rounds: int, copies: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        config = Config(Path(folder), front=Front(processes=2))
        config.spool.mkdir()
        ear = make_recogniser(config.asr).ear
        calls = Path(folder) / "calls"
        calls.mkdir()
        jobs = jobs_of(calls, copies)
        first = [prepare(job, config, ear) for job in jobs[::copies]]
        seconds = copies * sum(one.call.duration_ms for one in first if isinstance(one, Prepared)) / 1000
        ways: dict[str, Callable[..., Cost]] = {"two alone": two_alone, "front end": together}
        costs = {name: [Cost(0, 0)] * 0 for name in ways}
        for _ in range(rounds):
            for name, way in ways.items():
                costs[name].append(way(jobs, config, ear))
    print(f"front end: {len(jobs)} calls, {seconds:.0f} s of two channels (decode, events, speech, features), 2 processes")
    for name, found in costs.items():
        wall, cpu = statistics.median(c.wall for c in found), statistics.median(c.cpu for c in found)
        print(f"  {name:10} {wall:6.2f} s wall, {cpu:6.2f} s CPU: {seconds / cpu:.0f} call-seconds a CPU-second")
    wall, cpu = (_ratio(costs, of) for of in ("wall", "cpu"))
    print(f"  throughput beside two alone: {100 * wall:.1f} % by wall clock, {100 * cpu:.1f} % by CPU; goal 90 %")
    return max(wall, cpu) >= GOAL_PARALLEL


def _ratio(costs: dict[str, list[Cost]], of: str) -> float:
    two, one = (statistics.median(getattr(c, of) for c in costs[name]) for name in ("two alone", "front end"))
    return two / one


def short_calls(folder: Path, n: int, seed: int = 1) -> dict[str, str]:
    """`n` recordings, each twentieth damaged; the damaged ones' names with the reason that is expected."""
    rng, bad = random.Random(seed), dict[str, str]()
    paths = sample_paths()
    sources = [one for path in paths if isinstance(one := read(path), Recording)]
    for number in range(n):
        source, path = sources[number % len(sources)], folder / f"{number:05}.wav"
        start = rng.randrange(source.samples.shape[1] - 7 * source.rate)
        with wave.open(str(path), "wb") as made:
            made.setparams((source.channels, 2, source.rate, 0, "NONE", ""))
            made.writeframes(source.samples[:, start : start + rng.randrange(3, 7) * source.rate].T.tobytes())
        if number % 20 == 7:
            kind = ("empty", "not_audio", "empty")[number // 20 % 3]
            whole = path.read_bytes()
            path.write_bytes({0: b"", 1: b"no sound\n" * 100, 2: whole[:44]}[number // 20 % 3])
            bad[path.name] = kind
    return bad


def rss_mib() -> float:
    """Of this process and its children, in MiB."""
    pids = [os.getpid(), *(p.pid for p in multiprocessing.active_children() if p.pid)]
    return sum(_rss(pid) for pid in pids) / 1024


def _rss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0)


def whole_night(n: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        calls, project = Path(folder) / "calls", small_project(Path(folder) / "project")
        calls.mkdir()
        bad = short_calls(calls, n)
        memory: list[float] = []

        def show(p: Progress) -> None:
            if p.done // 50 > len(memory):
                memory.append(rss_mib())
                print(f"  {p.done:5} calls: {memory[-1]:6.0f} MiB", flush=True)

        summary, spent = timed_night(project, calls, show)
        print(f"night: {n} short calls in {spent.wall:.0f} s; {spent}")
        told = {f.path.name: f.reason for f in summary.failures}
        print(f"  damaged: {len(bad)}, each a row with its reason: {told == bad}; kept: {summary.new} of {n - len(bad)}")
        twins = {d.path.name: d.call_id for d in summary.duplicates}
        config, packs = open_project(project)
        same = same_alone(calls, config, packs, make_recogniser(config.asr), set(bad) | set(twins))
        print(f"  texts of ten of them alone: {'the same' if same else 'DIFFERENT'}")
        flat = memory_flat(memory)
        whole_count = summary.new + len(twins) == n - len(bad)
        return told == bad and same and whole_count and flat


def memory_flat(memory: Sequence[float]) -> bool:
    """MiB after every 50 calls. True where there were too few to tell."""
    later = memory[SETTLED // 50 - 1 :]
    if len(later) < 2:
        print(f"  memory: nothing to tell before call {SETTLED + 50}")
        return True
    growth = max(later) / later[0] - 1
    met = growth <= GOAL_GROWTH
    told = f"{later[0]:.0f} MiB at call {SETTLED}, {max(later):.0f} at most afterwards: {100 * growth:+.1f} %"
    print(f"  memory: {told}; goal {100 * GOAL_GROWTH:+.0f} %: {'met' if met else 'MISSED'}")
    return met


@dataclass(frozen=True)
class Spent:
    """CPU seconds of a run by who took them, and its seconds of wall clock."""

    wall: float
    front: float
    recogniser: float
    night: float
    once: float

    @property
    def overhead(self) -> float:
        """Of the night beside front end and recogniser."""
        return self.night / (self.front + self.recogniser)

    def __str__(self) -> str:
        told = f"CPU: front end {self.front:.1f} s, recogniser {self.recogniser:.1f} s, the night {self.night:.1f} s"
        return (
            f"{told}: {100 * self.overhead:.2f} % beside both, {100 * self.night / self.recogniser:.1f} % of the recogniser's"
        )


def timed_night(
    project: Path, calls: Path, show: Callable[[Progress], None], make: Callable[[Path], Path] = small_project
) -> tuple[Summary, Spent]:
    """What a night pays once, however many calls it has (dictionary, rules), is told apart: a night with one call."""
    one = Path(shutil.copy(shipped.sample_calls() / "bs-03-cold-bad.wav", project.parent / "one.wav"))
    recogniser = make_recogniser(open_project(project)[0].asr)
    once = 0.0
    for name in ("first", "second"):  # the first also loads the model and Python's modules
        config, packs = open_project(make(project.parent / name))
        once = -time.thread_time()
        night.run(config, [one], packs, recogniser)
        once += time.thread_time()
    config, packs = open_project(project)
    wall, own, whole, children = time.perf_counter(), time.thread_time(), time.process_time(), _children()
    summary = night.run(config, [calls], packs, recogniser, Watch(show))
    own, whole = time.thread_time() - own, time.process_time() - whole
    print(f"  paid once by any night, not counted below: {once:.2f} s CPU")
    spent = Spent(time.perf_counter() - wall, _children() - children, whole - own, max(0.0, own - once), once)
    return summary, spent


def overhead(copies: int) -> bool:
    """Over calls as long as calls are, with every pack: the samples, each copy with other silence in front, so that none is
    another's twin; and from how many calls on a night is under the goal with all that it pays once, its start included."""
    with tempfile.TemporaryDirectory() as folder:
        calls, project = Path(folder) / "calls", whole_project(Path(folder) / "project")
        calls.mkdir()
        started = start_cpu(project, calls)
        for path in sample_paths():
            source = read(path)
            for copy in range(copies):
                assert isinstance(source, Recording)
                with wave.open(str(calls / f"{copy}-{path.stem}.wav"), "wb") as made:
                    made.setparams((source.channels, 2, source.rate, 0, "NONE", ""))
                    made.writeframes(bytes(copy * 800 * source.channels) + source.samples.T.tobytes())
        summary, spent = timed_night(project, calls, lambda progress: None, whole_project)
    print(f"overhead: {summary.new} calls as long as the samples; {spent}; goal 3 %")
    once, heard = started + spent.once, (spent.front + spent.recogniser) / summary.new
    print(f"  qa run without a call {started:.2f} s CPU, the first call {spent.once:.2f} s more: with both")
    print(f"  {100 * (spent.night + once) / (heard * summary.new):.1f} % over these {summary.new} calls,", end=" ")
    spare = GOAL_OVERHEAD * heard - spent.night / summary.new
    print(f"under 3 % from {once / spare:.0f} such calls on" if spare > 0 else "never under 3 %")
    return spent.overhead < GOAL_OVERHEAD


def whole_project(root: Path) -> Path:
    """As `qa init` makes it, with every pack."""
    make_project(root)
    return root


def start_cpu(project: Path, nothing: Path) -> float:
    """Of `qa run` over a folder without a recording: Python, modules, settings, rules, ledger."""
    said = "from qa_pipeline.cli import main; main()"
    words = [sys.executable, "-c", said, "run", str(nothing), "--project", str(project)]
    before = _children()
    subprocess.run(words, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    return _children() - before


def sample_paths() -> list[Path]:
    return sorted(p for p in shipped.sample_calls().iterdir() if p.suffix not in (".csv", ".json", ".md"))


def _children() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime


def same_alone(calls: Path, config: Config, packs: Any, recogniser: Any, other: set[str]) -> bool:
    found: dict[str, list[str]] = {}
    uris = {r["uri"]: c["call_id"] for c in read_table(config.dataset, "calls").to_pylist() for r in c["recordings"]}
    for turn in read_table(config.dataset, "turns").sort_by([("call_id", "ascending"), ("turn", "ascending")]).to_pylist():
        found.setdefault(turn["call_id"], []).append(turn["text"])
    good = sorted(p for p in calls.iterdir() if p.name not in other)
    for number, path in enumerate(random.Random(2).sample(good, 10)):
        lone = small_project(config.root.parent / f"alone{number}")
        (config_alone, _), call_id = open_project(lone), uris[config.roots.uri(path)]
        night.run(config_alone, [path], packs, recogniser)
        turns = read_table(config_alone.dataset, "turns").sort_by("turn").to_pylist()
        if [t["text"] for t in turns] != found.get(call_id, []):
            return False
    return True


def as_a_night() -> None:
    """Memory kept as `qa run` keeps it. Arrow is loaded already, so the command begins once more: to be called first of all."""
    if os.environ.get("ARROW_DEFAULT_MEMORY_POOL") is None:
        keep_little()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    keep_little()


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--copies", type=int, default=2, help="of each sample call, for the throughput")
    parser.add_argument("--only", choices=("throughput", "overhead", "night"))
    args = parser.parse_args(argv)
    as_a_night()
    parts: dict[str, Callable[[], bool]] = {
        "throughput": lambda: throughput(args.rounds, args.copies),
        "overhead": lambda: overhead(args.copies),
        "night": lambda: whole_night(args.calls),
    }
    reached = [part() for name, part in parts.items() if args.only in (None, name)]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
