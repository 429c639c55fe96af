"""How long a rule owner waits for a dry run, and anyone for a status or a call, beside judging everything for the first time.

    python tests/benchmarks/keeping.py [--calls 10000 100000 …]

On N calls of 40 turns (as tests/benchmarks/rescore.py makes them): all rules judged for the first time, then a dry run of one
edited rule with its diff and report, a dry run after every rule was edited, `qa status` and `qa show` of one call. Each is a
process of its own, timed from its start to its end, with the memory of all its processes.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from qa_pipeline.config import read_config
from qa_pipeline.dataset.ledger import Ledger
from qa_pipeline.upkeep.repairing import rebuild
from tests.benchmarks.rescore import FIRST_DAY, Run, make_dataset, timed

PACK = "property"
GOALS = {
    "all rules, first judging": (15, 100_000),
    "one rule edited, dry run": (10, 100_000),
    "all rules edited, dry run": (15, 100_000),
    "status": (1, 1_000_000),
    "show": (1, 1_000_000),
}
"""Seconds by the clock on two cores, and the calls that they are asked for. With fewer they stand as they are, with more those
of the first three grow as the calls do."""
MEMORY = 1500  # MB, however many calls


def edit_one(rules: Path) -> None:
    """The customer's own "that is all" no longer excuses the agent from asking: a wording less, and verdicts that flip."""
    replace(rules, r"(id: pm.anything_else\b.*?expect: )\{any: \[(\{said: anything_else[^}]*\})[^\n]*", r"\1\2", 1)


def edit_all(rules: Path) -> None:
    """Other points for every rule."""
    replace(rules, r"weight: (\d+)", lambda m: f"weight: {int(m[1]) + 1}", 0)


def replace(rules: Path, what: str, by: str | Callable[[re.Match[str]], str], times: int) -> None:
    path = rules / f"{PACK}.yaml"
    text, n = re.subn(what, by, path.read_text("utf-8"), count=times, flags=re.S)
    assert n, f"{path} has nothing like {what}"
    path.write_text(text, "utf-8")


def index(project: Path) -> None:
    """The ledger's index of calls, as a night leaves it."""
    config = read_config(project)
    with closing(Ledger(config.ledger)) as ledger:
        rebuild(config, ledger)


def measure(project: Path) -> dict[str, Run]:
    """Each command's run, the first judging among them."""
    call = f"{FIRST_DAY.timetuple().tm_yday:03d}{FIRST_DAY:%y}"[-4:] + "-000000"
    steps: list[tuple[str, tuple[str, ...], Callable[[Path], None] | None]] = [
        ("all rules, first judging", ("rescore",), None),
        ("one rule edited, dry run", ("rescore", "--dry-run"), edit_one),
        ("all rules edited, dry run", ("rescore", "--dry-run"), edit_all),
        ("status", ("status",), None),
        ("show", ("show", call), None),
    ]
    found = {}
    for name, words, edit in steps:
        if edit:
            edit(project / "rules")
        found[name] = timed(words, project)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="*", default=[10_000])
    args = parser.parse_args()
    for calls in args.calls:
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder) / "project"
            make_dataset(project, calls, PACK)
            index(project)
            found = measure(project)
        print(f"{calls:,} calls:")
        whole = found["all rules, first judging"].wall
        for name, run in found.items():
            said = f"{run.wall:7.2f} s ({run.cpu:.2f} s of processor)"
            print(f"  {name:26} {said}, {whole / run.wall:5.1f} times as fast as the first judging, peak {run.peak:,.0f} MB")
            print(f"  {'':26} {verdict(name, run, calls)}")


def verdict(name: str, run: Run, calls: int) -> str:
    """Whether a command was as fast and as small as it has to be at so many calls."""
    seconds, at = GOALS[name]
    allowed = seconds if at == 1_000_000 else seconds * max(1.0, calls / at)
    time = "met" if run.wall <= allowed else "MISSED"
    memory = "met" if run.peak <= MEMORY else "MISSED"
    return f"goals: {allowed:g} s {time}, {MEMORY:,} MB {memory}"


if __name__ == "__main__":
    main()
