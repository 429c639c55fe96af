"""A kernel does the same compiled or not, is compiled only where that pays, and loads no compiler for a few steps."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from qa_pipeline import kernels
from qa_pipeline.kernels import WORTH_COMPILING, WORTH_FETCHING, WORTH_LOADING, Kernel, ahead

SOURCE = "def twice(numbers):\n    numbers *= 2\n    return len(numbers)\n"


def triangle(n: int) -> int:
    return n * (n + 1) // 2


def fill(numbers: np.ndarray) -> int:
    for i in range(len(numbers)):
        numbers[i] = triangle(i)
    return len(numbers)


def twice_in(folder: Path) -> Kernel:
    """As each new process has it; at first nothing was compiled from that source."""
    source = folder / "twice.py"
    if not source.exists():
        folder.mkdir(exist_ok=True)
        source.write_text(SOURCE, "utf-8")
    spec = importlib.util.spec_from_file_location("twice", source)
    assert spec and spec.loader
    module = sys.modules["twice"] = importlib.util.module_from_spec(spec)  # numba pickles what it keeps
    spec.loader.exec_module(module)
    return Kernel(module.twice)


def test_compiled_or_not_it_does_the_same() -> None:
    few, many = np.zeros(10, np.int64), np.zeros(1000, np.int64)
    kernel = Kernel(fill, triangle)
    assert kernel(len(few), few) == 10
    assert not kernel.runs_compiled
    assert kernel(WORTH_COMPILING, many) == 1000
    assert kernel.compiled.nopython_signatures
    assert few.tolist() == many[:10].tolist() == [0, 1, 3, 6, 10, 15, 21, 28, 36, 45]


def test_what_was_never_compiled_here_is_not_for_middling_work(tmp_path: Path) -> None:
    kernel = twice_in(tmp_path)
    assert kernel(WORTH_LOADING, np.ones(3)) == 3
    assert not kernel.runs_compiled and "compiled" not in kernel.__dict__


def test_a_small_kernel_is_compiled_for_less() -> None:
    kernel, numbers = Kernel(fill, triangle, worth=100), np.zeros(3, np.int64)
    kernel(99, numbers)
    assert not kernel.runs_compiled
    assert kernel(1, numbers) == 3 and kernel.runs_compiled


def test_what_was_compiled_once_is_loaded_for_middling_work_but_not_for_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice_in(tmp_path)(WORTH_COMPILING, np.ones(3))
    again, numbers = twice_in(tmp_path), np.ones(3)
    monkeypatch.setattr(kernels, "sys", SimpleNamespace(modules={}))  # as in a process that has not loaded numba
    again(WORTH_LOADING - 1, numbers)
    assert not again.runs_compiled
    again(1, numbers)
    assert again.runs_compiled and again.compiled.stats.cache_hits
    assert numbers.tolist() == [4, 4, 4]


def test_where_numba_is_loaded_already_what_is_kept_serves_for_less(tmp_path: Path) -> None:
    twice_in(tmp_path)(WORTH_COMPILING, np.ones(3))
    assert "numba" in sys.modules
    again = twice_in(tmp_path)
    assert again.pays(WORTH_FETCHING) and not again.pays(WORTH_FETCHING - 1)
    assert not twice_in(tmp_path / "never").pays(WORTH_FETCHING)


def test_a_source_edited_since_counts_as_never_compiled(tmp_path: Path) -> None:
    twice_in(tmp_path)(WORTH_COMPILING, np.ones(3))
    later = (tmp_path / "twice.py").stat().st_mtime + 60
    os.utime(tmp_path / "twice.py", (later, later))
    assert not twice_in(tmp_path).pays(WORTH_LOADING)


def test_a_number_changed_in_another_file_counts_as_never_compiled(tmp_path: Path) -> None:
    def times(factor: int) -> Kernel:
        kernel = twice_in(tmp_path)
        kernel.function.__globals__["FACTOR"] = factor  # as `from elsewhere import FACTOR` does
        return kernel

    numbers = np.ones(3)
    (tmp_path / "twice.py").write_text("def twice(numbers):\n    numbers *= FACTOR\n    return len(numbers)\n", "utf-8")
    times(2)(WORTH_COMPILING, numbers)
    assert times(2).is_kept and not times(5).is_kept
    times(5)(WORTH_COMPILING, numbers)
    assert numbers.tolist() == [10, 10, 10]


def test_many_small_portions_are_worth_it_in_the_end_and_a_large_whole_at_once(tmp_path: Path) -> None:
    kernel = twice_in(tmp_path)
    for _ in range(10):
        kernel(WORTH_COMPILING // 10 + 1, np.ones(3))
    assert kernel.runs_compiled
    other = twice_in(tmp_path / "other")
    with ahead(WORTH_COMPILING):
        other(1, np.ones(3))
    assert other.runs_compiled


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same() -> None:
    scope: dict[str, object] = {}
    exec(compile("def twice(numbers):\n    numbers *= 2\n    return 7", "<nowhere>", "exec"), scope)
    numbers = np.ones(3)
    kernel = Kernel(scope["twice"])  # type: ignore[arg-type]
    assert kernel(WORTH_COMPILING, numbers) == 7
    assert kernel.runs_compiled and numbers.tolist() == [2, 2, 2]


def test_trying_a_sentence_loads_no_compiler() -> None:
    script = (
        "import sys; from qa_pipeline.rules.hits import Matcher; from qa_pipeline.rules.phrase import Phrase;"
        "hits = Matcher([Phrase('hello', ('您好',))]).find(['您好，请讲']); print(len(hits), 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
