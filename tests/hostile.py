"""What the front end's processes meet in the wild: recordings whose names say what decoding them does to the process."""

import errno
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qa_pipeline.batch import front
from qa_pipeline.batch.front import prepare


def hostile(job: Any, config: Any, ear: Any) -> Any:
    """`prepare`, but over files of these names."""
    if job.path.parent.name.endswith("slow"):
        time.sleep(1.5)
    match job.path.stem:
        case "dies":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exits":
            os._exit(0)
        case "hangs":
            time.sleep(3600)
        case "stumbles":
            raise ZeroDivisionError("a bug")
        case "growing":
            return prepare_while(job, config, ear, lambda: append(job.path))
    return prepare(job, config, ear)


def prepare_while(job: Any, config: Any, ear: Any, happens: Callable[[], None]) -> Any:
    """`prepare`, while something happens on a thread again and again."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(0.001):
            happens()

    happens()
    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        return prepare(job, config, ear)
    finally:
        over.set()
        thread.join()


def append(path: Path) -> None:
    """A tenth of a second more, as a recorder writes on."""
    with path.open("ab") as file:
        file.write(bytes(1600))


def disk_full(job: Any, config: Any, ear: Any) -> Any:
    """`prepare` on a machine that has no room for samples."""

    def opened(*told: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(config.spool))

    front.decode = opened
    return prepare(job, config, ear)


def lingering(job: Any, config: Any, ear: Any) -> Any:
    """Tells its process id in a file beside the recording, then hangs."""
    job.path.with_suffix(".pid").write_text(str(os.getpid()))
    time.sleep(3600)
