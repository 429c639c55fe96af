"""No command loads pandas; a night's process keeps little of what it gave back, one of its front end what it takes again."""

import os
import platform
import subprocess
import sys

import pytest

SAID = "from qa_pipeline.processes import keep_little, give_back; keep_little(); import pyarrow as pa; give_back(); "


@pytest.mark.parametrize(("chosen", "used"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_takes_its_memory_from_the_system_unless_somebody_chose_otherwise(chosen: str | None, used: str) -> None:
    env = {k: v for k, v in os.environ.items() if k != "ARROW_DEFAULT_MEMORY_POOL"}
    env |= {"ARROW_DEFAULT_MEMORY_POOL": chosen} if chosen else {}
    words = [sys.executable, "-c", SAID + "print(pa.default_memory_pool().backend_name)"]
    assert subprocess.run(words, env=env, check=True, capture_output=True, text=True).stdout.strip() == used


AGAIN = """
import resource
import numpy as np
for _ in range(100):
    some = [np.ones(1 << 17) for _ in range(8)]
    del some
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_the_front_end_takes_no_memory_afresh_that_it_has_just_given_back() -> None:
    keep = "from qa_pipeline.processes import keep_at_hand; keep_at_hand()"
    afresh, kept = (
        int(subprocess.run([sys.executable, "-c", said + AGAIN], check=True, capture_output=True, text=True).stdout)
        for said in ("", keep)
    )
    assert afresh > 100_000 > 30_000 > kept


ASKED = """
import sys
from qa_pipeline.processes import without_pandas
with without_pandas():
    import pyarrow as pa
    import sqlite_utils
    column = pa.table({"word": pa.array(["您好"])})
print("pandas" in sys.modules)
print(list(column.to_pandas()["word"]), len(pa.Table.from_pandas(column.to_pandas())))
"""


def test_nothing_loads_pandas_unasked_and_who_asks_later_has_it() -> None:
    said = subprocess.run([sys.executable, "-c", ASKED], check=True, capture_output=True, text=True, encoding="utf-8").stdout
    assert said.splitlines() == ["False", "['您好'] 1"]
