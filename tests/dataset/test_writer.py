"""Two writers never meet, and a dead one holds nothing up."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qa_pipeline.dataset.writer import BusyError, one_writer

HOLD = """
import sys, time
from pathlib import Path
from qa_pipeline.dataset.writer import one_writer
with one_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_who_comes_second_is_told_at_once_and_may_come_again_when_the_first_was_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE) as first:
        assert first.stdout is not None and first.stdout.readline() == b"held\n"
        with pytest.raises(BusyError, match="another qa command"), one_writer(tmp_path):
            raise AssertionError("two writers")
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    with one_writer(tmp_path):
        pass


def test_one_after_the_other_is_fine(tmp_path: Path) -> None:
    for _ in range(2):
        with one_writer(tmp_path):
            pass


def test_projects_do_not_wait_for_each_other(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with one_writer(tmp_path / "a"), one_writer(tmp_path / "b"):
        pass
