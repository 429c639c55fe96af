"""A recording that kills the run itself is found out by the runs after it, and costs no other recording anything."""

import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from qa_pipeline.dataset.ledger import Ledger
from tests.spoken import clip, small_project

NIGHT = """
import os, signal, sys
from pathlib import Path
from qa_pipeline import night
from qa_pipeline.cli.projects import open_project
from tests.spoken import Parrot

class Deadly(Parrot):
    def recognise(self, windows):
        if any(w.source == "deadly" for w in windows):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().recognise(windows)

if __name__ == "__main__":
    config, packs = open_project(Path(sys.argv[1]))
    summary = night.run(config, [Path(sys.argv[2])], packs, Deadly())
    print(summary.new, summary.known, [(one.path.name, one.reason) for one in summary.quarantined])
"""


def test_a_recording_that_kills_every_run_is_set_apart_and_the_others_are_heard(tmp_path: Path) -> None:
    root, calls, script = small_project(tmp_path / "project"), tmp_path / "calls", tmp_path / "night.py"
    script.write_text(NIGHT)
    for at, name in enumerate(("deadly", "innocent", "other")):
        clip(calls / f"{name}.wav", 10 + at, 14 + at)
    rows = [f"{name},{name}.wav,2024-05-14T09:00:00,1,true" for name in ("deadly", "innocent", "other")]
    (calls / "cdr.csv").write_text("\n".join(["call_id,recording,started_at,agent_id,answered", *rows]), "utf-8")
    path = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])

    def run() -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, script, root, calls]
        environment = {**os.environ, "PYTHONPATH": path}
        return subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", timeout=300, check=False)

    assert [run().returncode for _ in range(3)] == [-signal.SIGKILL] * 3
    with closing(Ledger(root / "ledger.sqlite")) as ledger:  # by the third run, before it began what had killed two
        heard = [ledger.entry(str(calls / f"{name}.wav")) for name in ("innocent", "other")]
    assert [one and one.call_id for one in heard] == ["innocent", "other"]
    done = run()
    assert (done.returncode, done.stdout.strip()) == (0, "0 2 [('deadly.wav', 'run_killed')]"), done.stderr
