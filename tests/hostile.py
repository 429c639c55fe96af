"""What the front end's processes meet in the wild: recordings whose names say what decoding them does to the process."""

import os
import signal
import time
from typing import Any

from qa_pipeline.front import prepare


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
    return prepare(job, config, ear)


def lingering(job: Any, config: Any, ear: Any) -> Any:
    """Tells its process id in a file beside the recording, then hangs."""
    job.path.with_suffix(".pid").write_text(str(os.getpid()))
    time.sleep(3600)
