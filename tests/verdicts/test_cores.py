"""Dates shared among processes: the same answers in the same order, from processes that begin with everything loaded."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from qa_pipeline.dataset.parts import write_part
from qa_pipeline.kernels import Kernel
from qa_pipeline.verdicts import cores

DAYS = [date(2026, 1, 1) + timedelta(days=n) for n in range(5)]


def told(day: date) -> tuple[date, int]:
    """A date, and the process that was asked."""
    return day, os.getpid()


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


@pytest.mark.usefixtures("two_cores")
def test_answers_come_in_the_order_of_dates_from_other_processes() -> None:
    answers = list(cores.each_date(told, DAYS))
    assert [day for day, _ in answers] == DAYS
    assert os.getpid() not in {process for _, process in answers}


def test_a_few_calls_need_no_other_process() -> None:
    assert {process for _, process in cores.each_date(told, DAYS, worth_sharing=False)} == {os.getpid()}


@pytest.mark.parametrize(
    ("calls", "since", "loads"),
    [(cores.WORTH_SHARING, None, True), (cores.WORTH_SHARING, DAYS[1], False), (20, None, False)],
)
def test_processes_load_what_they_need_ahead_where_many_calls_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, calls: int, since: date | None, loads: bool
) -> None:
    begun = list[str]()
    monkeypatch.setattr(cores, "_stand_by", lambda: begun.append("loading"))
    nine = datetime(2026, 1, 1, 9, tzinfo=UTC)
    rows = [{"call_id": f"{n:08}", "started_at": nine + timedelta(seconds=n), "duration_ms": 97 * n} for n in range(calls)]
    write_part(tmp_path, "calls", DAYS[0], rows)
    cores.ready(tmp_path, since, None)
    assert bool(begun) == loads == cores.many_calls(tmp_path, [day for day in DAYS if day >= (since or DAYS[0])])


def run(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


SHARED = """
import os
from tests.verdicts.test_cores import DAYS, {job}
from qa_pipeline.verdicts import cores
os.cpu_count = lambda: 2
print(*cores.each_date({job}, DAYS), sep='\\n', flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="processes are copies of one on Linux alone")
def test_processes_that_were_waited_for_begin_with_kernels_and_dictionaries() -> None:
    with run(SHARED.format(job="loaded")) as process:
        assert process.stdout
        assert set(process.stdout.read().split()) == {"True"}


def loaded(day: date) -> bool:
    """Whether this process had loaded what matching needs, and no more, before it was asked for anything."""
    there = {*sys.modules} >= {"pypinyin", "qa_pipeline.verdicts.rescoring", "qa_pipeline.verdicts.trial"}
    spared = not {*sys.modules} & {"pandas", "qa_pipeline.config", "qa_pipeline.speech"}
    from qa_pipeline.rules import growth, overlaps, scan

    kernels: list[Kernel] = [growth._grow, scan._scan, overlaps._choose]
    return there and spared and gc.isenabled() and all(kernel.runs_compiled or not kernel.is_kept for kernel in kernels)


def sleeping(day: date) -> None:
    print(os.getpid(), flush=True)
    time.sleep(600)


def test_processes_end_with_a_command_that_is_killed() -> None:
    with run(SHARED.format(job="sleeping")) as process:
        assert process.stdout
        workers = [int(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGKILL)
        process.wait()
        ends = time.monotonic() + 30
        while any(map(alive, workers)) and time.monotonic() < ends:
            time.sleep(0.05)
        assert not any(map(alive, workers))


def alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
