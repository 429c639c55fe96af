"""Which recognisers are installed: the entry points of one group, the built-in ones among them."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from qa_pipeline.speech.backend import ModelError

if TYPE_CHECKING:
    from qa_pipeline.speech.backend import Backend

GROUP = "qa_pipeline.recognisers"


def installed() -> dict[str, EntryPoint]:
    """By name; where two packages claim one, the built-in stands."""
    found = sorted(entry_points(group=GROUP), key=lambda e: e.value.startswith("qa_pipeline."))
    return {e.name: e for e in found}


def find_backend(name: str) -> Backend:
    """Raises ModelError naming what is installed, or what its package lacks."""
    known = installed()
    if not known:
        raise ModelError("asr.backend: no recogniser is installed, not even the built-in ones: install qa-pipeline again")
    if name not in known:
        raise ModelError(f"asr.backend: there is no {name!r} here; there are {', '.join(sorted(known))}")
    try:
        backend: Backend = known[name].load()
    except Exception as problem:
        raise ModelError(f"asr.backend: {name!r} ({known[name].value}) cannot be loaded: {problem}") from problem
    lacking = [part for part in ("make", "check") if not callable(getattr(backend, part, None))]
    if lacking:
        raise ModelError(
            f"asr.backend: {name!r} ({known[name].value}) has no {' and no '.join(lacking)}; see docs/speech-models.md"
        )
    return backend
