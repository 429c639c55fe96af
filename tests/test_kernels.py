"""A kernel does the same compiled or not, and loads no compiler for a few steps."""

import subprocess
import sys

import numpy as np

from qa_pipeline.kernels import WORTH_COMPILING, Kernel


def triangle(n: int) -> int:
    return n * (n + 1) // 2


def fill(numbers: np.ndarray) -> int:
    for i in range(len(numbers)):
        numbers[i] = triangle(i)
    return len(numbers)


def test_little_is_done_as_it_stands_and_much_compiled() -> None:
    few, many = np.zeros(10, np.int64), np.zeros(WORTH_COMPILING, np.int64)
    kernel = Kernel(fill, triangle)
    assert kernel(len(few), few) == 10
    assert "compiled" not in kernel.__dict__
    assert kernel(len(many), many) == WORTH_COMPILING
    assert kernel.compiled.nopython_signatures
    assert few.tolist() == many[:10].tolist() == [0, 1, 3, 6, 10, 15, 21, 28, 36, 45]


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same() -> None:
    scope: dict[str, object] = {}
    exec(compile("def twice(numbers):\n    numbers *= 2\n    return 7", "<nowhere>", "exec"), scope)
    numbers = np.ones(3)
    kernel = Kernel(scope["twice"])  # type: ignore[arg-type]
    assert kernel(WORTH_COMPILING, numbers) == 7
    assert "compiled" in kernel.__dict__ and numbers.tolist() == [2, 2, 2]


def test_trying_a_sentence_loads_no_compiler() -> None:
    script = (
        "import sys; from qa_pipeline.rules.hits import Matcher; from qa_pipeline.rules.phrase import Phrase;"
        "hits = Matcher([Phrase('hello', ('您好',))]).find(['您好，请讲']); print(len(hits), 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "False"]
