"""A night's process keeps little of what it has given back."""

import os
import subprocess
import sys

import pytest

SAID = "from qa_pipeline.batch.heap import keep_little, give_back; keep_little(); import pyarrow as pa; give_back(); "


@pytest.mark.parametrize(("chosen", "used"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_takes_its_memory_from_the_system_unless_somebody_chose_otherwise(chosen: str | None, used: str) -> None:
    env = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"}
    env |= {"ARROW_DEFAULT_MEMORY_POOL": chosen} if chosen else {}
    words = [sys.executable, "-c", SAID + "print(pa.default_memory_pool().backend_name)"]
    assert subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout.strip() == used
