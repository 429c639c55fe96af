"""Inner loops in plain Python that numba compiles once there is enough to do.

A kernel and everything it calls stand in one file, for numba's cache minds changes of that file only; numbers that they take
from other files are minded here. What is compiled is kept beside the package, or, where that may not be written, in the user's
cache folder. So the first large run on a machine takes
some seconds longer, and later ones do not; small runs take what is kept or the functions as they stand, and for a few texts
numba is not even loaded.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from numbers import Number
from pathlib import Path
from types import FunctionType
from typing import Any

WORTH_LOADING = 20_000
"""Steps (of about 20 µs uncompiled) that take about as long uncompiled as loading numba and kept code does."""
WORTH_FETCHING = 1_000
"""Steps that take longer uncompiled than loading kept code does, once numba is there."""
WORTH_COMPILING = 750_000
"""Steps that take longer uncompiled (15 s) than compiling all kernels of the matcher does (9 s)."""
WORTH_COMPILING_ONE = 20_000
"""Steps that take longer uncompiled than compiling a small kernel alone does (0.4 s)."""
_AHEAD: ContextVar[int] = ContextVar("steps ahead", default=0)


@contextmanager
def ahead(steps: int) -> Iterator[None]:
    """For who hands out work in portions: that it is so much altogether, or more where who handed it to him said so."""
    before = _AHEAD.set(max(steps, _AHEAD.get()))
    try:
        yield
    finally:
        _AHEAD.reset(before)


class Kernel:
    """`function`, which may call `parts` and whatever numba knows. `kernel(steps, ...)` is `function(...)`.

    Steps are counted over the life of the process: who comes often with little is served compiled, too, in the end.
    `worth`: steps that take longer uncompiled than compiling does; a small kernel is soon compiled.
    """

    def __init__(self, function: Callable[..., Any], *parts: Callable[..., Any], worth: int = WORTH_COMPILING) -> None:
        self.function, self.parts, self.worth = function, parts, worth
        self.steps, self.runs_compiled = 0, False

    def __call__(self, steps: int, *args: Any) -> Any:
        self.steps += steps
        self.runs_compiled = self.runs_compiled or self.pays(max(self.steps, _AHEAD.get()))
        return (self.compiled if self.runs_compiled else self.function)(*args)

    def pays(self, steps: int) -> bool:
        """Whether so many steps are done sooner compiled."""
        worth_loading = WORTH_FETCHING if "numba" in sys.modules else WORTH_LOADING
        return steps >= self.worth or (steps >= worth_loading and self.is_kept)

    @cached_property
    def is_kept(self) -> bool:
        """Whether this source was compiled on this machine before."""
        code = self.function.__code__
        source = Path(code.co_filename)
        beside = os.access(source.parent, os.W_OK) and "NUMBA_CACHE_DIR" not in os.environ
        try:
            folder = source.parent / "__pycache__" if beside else Path(self.compiled.stats.cache_path or "nowhere")
            kept = folder.glob(f"{source.stem}.{self.kept_name}-{code.co_firstlineno}.py*.nbi")
            return any(each.stat().st_mtime >= source.stat().st_mtime for each in kept)
        except OSError:
            return False

    @cached_property
    def kept_name(self) -> str:
        """By which numba knows what it keeps: the function, and a hash of the numbers it finds in its module as constants."""
        read = {name: f.__globals__.get(name) for f in (self.function, *self.parts) for name in f.__code__.co_names}
        numbers = [(name, value) for name, value in sorted(read.items()) if isinstance(value, Number | tuple)]
        return f"{self.function.__qualname__}_{hashlib.sha256(repr(numbers).encode()).hexdigest()[:8]}"

    @cached_property
    def compiled(self) -> Any:
        """Compiled for the argument types of each call as they come. It lets other threads run.

        Tables travel as tuples of arrays; counting references to each of them at each call would cost more than the loops, so
        kernels make no arrays: they fill in those they are given (`_nrt`).
        """
        from numba import njit
        from numba.extending import register_jitable

        options: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}
        for part in self.parts:
            register_jitable(forceinline=True, _nrt=False)(part)
        function = FunctionType(self.function.__code__, self.function.__globals__)
        function.__qualname__ = self.kept_name
        try:
            return njit(**options)(function)
        except RuntimeError:  # no folder to keep it in may be written: compiled anew in each process
            return njit(**{**options, "cache": False})(function)
