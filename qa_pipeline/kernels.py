"""Inner loops in plain Python that numba compiles once there is enough to do.

A kernel and everything it calls stand in one file, for numba's cache minds changes of that file only. What is compiled is kept
beside the package, or, where that may not be written, in the user's cache folder: the first large run on a machine takes some
seconds longer, later ones do not. A few texts are done by the same functions as they stand, without numba being loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

WORTH_COMPILING = 3000
"""Steps of a loop (characters, hits, rows) that take about as long uncompiled as loading the compiled code does."""


class Kernel:
    """`function`, which may call `parts` and whatever numba knows. `kernel(work, ...)` is `function(...)`."""

    def __init__(self, function: Callable[..., Any], *parts: Callable[..., Any]) -> None:
        self.function, self.parts = function, parts

    def __call__(self, work: int, *args: Any) -> Any:
        ready = work >= WORTH_COMPILING or "compiled" in self.__dict__
        return (self.compiled if ready else self.function)(*args)

    @cached_property
    def compiled(self) -> Callable[..., Any]:
        """Compiled for the argument types of each call as they come. It lets other threads run.

        Tables travel as tuples of arrays; counting references to each of them at each call would cost more than the loops, so
        kernels make no arrays: they fill in those they are given (`_nrt`).
        """
        from numba import njit
        from numba.extending import register_jitable

        options: dict[str, Any] = {"cache": True, "nogil": True, "_nrt": False}
        for part in self.parts:
            register_jitable(forceinline=True, _nrt=False)(part)
        made: Callable[..., Any]
        try:
            made = njit(**options)(self.function)
        except RuntimeError:  # no folder to keep it in may be written: compiled anew in each process
            made = njit(**{**options, "cache": False})(self.function)
        return made
