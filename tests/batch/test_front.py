"""The front end: processes that die, hang or stumble cost their own recording alone, and none outlives its parent."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest

from qa_pipeline.batch.front import AHEAD, FrontEnd, Job, Prepared, prepare
from qa_pipeline.config import Config
from qa_pipeline.recordings.decode import content_hash
from qa_pipeline.recordings.files import one_file
from qa_pipeline.recordings.find import Failure
from qa_pipeline.settings import Front
from qa_pipeline.speech.backend import PlainEar, Window
from tests.hostile import hostile
from tests.spoken import clip


def job(path: Path) -> Job:
    files = one_file(path)
    return Job(files, content_hash(files.paths), files.state, path.stem)


def clips(folder: Path, *names: str) -> list[Job]:
    return [job(clip(folder / f"{name}.wav", 10 + i / 4, 14 + i / 4)) for i, name in enumerate(names)]


def settings(root: Path, front: Front | None = None) -> Config:
    config = Config(root, front=front or Front())
    config.spool.mkdir(exist_ok=True)
    return config


def outcomes(config: Config, jobs: list[Job]) -> dict[str, Any]:
    """What became of each job, and how many were on their way at most."""
    arrived: SimpleQueue[Any] = SimpleQueue()
    found: dict[str, Any] = {}
    waiting = list(jobs)
    with FrontEnd(config, PlainEar(), arrived.put, prepare=hostile) as front:
        while waiting or front.busy:
            while waiting and front.room:
                front.give(waiting.pop(0))
            assert len(jobs) - len(waiting) - len(found) <= AHEAD * config.front.processes
            done, made = arrived.get(timeout=60)
            front.taken(done)
            found[done.path.stem] = made
    return found


def test_whatever_a_recording_does_to_its_process_the_others_are_prepared(tmp_path: Path) -> None:
    config = settings(tmp_path, front=Front(processes=2, timeout_s=20))
    found = outcomes(config, clips(tmp_path, "a", "dies", "b", "hangs", "c", "stumbles", "d", "exits", "e"))
    reasons = {name: made.reason for name, made in found.items() if isinstance(made, Failure)}
    assert reasons == {
        "dies": "decoding_died",
        "exits": "decoding_died",
        "hangs": "timed_out",
        "stumbles": "listening_failed",
    }
    assert "a bug" in found["stumbles"].detail and "20 s" in found["hangs"].detail
    assert "exit code 0" in found["exits"].detail and "exit code -9" in found["dies"].detail
    assert sorted(name for name, made in found.items() if isinstance(made, Prepared)) == ["a", "b", "c", "d", "e"]


def test_what_arrives_is_what_this_process_would_have_made(tmp_path: Path) -> None:
    config, (one,) = settings(tmp_path), clips(tmp_path, "a")
    here, there = prepare(one, config, PlainEar()), outcomes(settings(tmp_path, Front(1)), [one])["a"]
    assert isinstance(here, Prepared)
    assert (here.call, here.told, here.sketch) == (there.call, there.told, there.sketch)
    assert len(here.windows) == len(there.windows) > 0
    for a, b in zip(here.windows, there.windows, strict=True):
        assert isinstance(a, Window) and (a.source, a.speech_ms) == (b.source, b.speech_ms)
        assert (a.sound == b.sound).all()


def longer(path: Path) -> None:
    clip(path, 10, 15)


def half(path: Path) -> None:
    path.write_text("no sound any more")


def unnoticed(path: Path) -> None:
    """Other sound of the same length and time."""
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    clip(path, 11, 15)
    os.utime(path, ns=times)


@pytest.mark.parametrize("written", [longer, half, unnoticed])
def test_a_recording_that_changes_while_it_is_read_is_told_whatever_was_made_of_it(tmp_path: Path, written: Any) -> None:
    (one,) = clips(tmp_path, "a")
    written(one.path)
    made = prepare(one, settings(tmp_path), PlainEar())
    assert isinstance(made, Failure) and made.reason == "changing"


def test_a_recording_that_a_recorder_writes_on_is_changing(tmp_path: Path) -> None:
    (one,) = clips(tmp_path, "growing")
    made = hostile(one, settings(tmp_path), PlainEar())
    assert isinstance(made, Failure) and made.reason == "changing"


def test_processes_that_were_killed_between_two_recordings_are_replaced(tmp_path: Path) -> None:
    arrived: SimpleQueue[Any] = SimpleQueue()
    first, second, third = clips(tmp_path, "a", "b", "c")
    before = {p.pid for p in multiprocessing.active_children()}
    with FrontEnd(settings(tmp_path, front=Front(2)), PlainEar(), arrived.put) as front:
        front.give(first)
        assert isinstance(arrived.get(timeout=60)[1], Prepared)
        for process in multiprocessing.active_children():
            if process.pid not in before and process.pid:
                os.kill(process.pid, signal.SIGKILL)
        for one in (second, third):
            front.give(one)
        assert all(isinstance(arrived.get(timeout=60)[1], Prepared) for _ in range(2))


PARENT = """
import sys, time
from pathlib import Path
from queue import SimpleQueue
from qa_pipeline.config import Config
from qa_pipeline.settings import Front
from qa_pipeline.batch.front import FrontEnd, Job
from qa_pipeline.recordings.files import one_file
from qa_pipeline.speech.backend import PlainEar
from tests.hostile import lingering

if __name__ == "__main__":
    path = Path(sys.argv[1])
    front = FrontEnd(Config(path.parent, front=Front(1)), PlainEar(), SimpleQueue().put, prepare=lingering)
    front.give(Job(one_file(path), "", (0, 0), "c"))
    time.sleep(60)
"""


def test_a_process_that_hangs_ends_with_its_parent_however_that_ends(tmp_path: Path) -> None:
    script, told = tmp_path / "parent.py", tmp_path / "a.pid"
    script.write_text(PARENT)
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    parent = subprocess.Popen([sys.executable, script, clip(tmp_path / "a.wav")], env={**os.environ, "PYTHONPATH": path})
    wait_for(lambda: told.exists() and told.read_text())
    child = int(told.read_text())
    parent.kill()
    parent.wait()
    wait_for(lambda: not alive(child))


def wait_for(what: Any, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Any:
    before = {p.pid for p in multiprocessing.active_children()}
    yield
    assert {p.pid for p in multiprocessing.active_children()} <= before
