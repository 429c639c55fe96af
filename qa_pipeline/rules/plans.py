"""Plans kept beside a project: compiling a pack's wordings takes a second in every process, reading its columns milliseconds.

A file holds plain arrays and can run nothing. Its name hashes the phrases and the source that compiles them, so that a changed
wording and a changed compiler each have their own; deleting any of them loses nothing.
"""

from __future__ import annotations

import hashlib
import io
import typing
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from qa_pipeline.dataset.store import store_of
from qa_pipeline.rules.phrase import Phrase
from qa_pipeline.rules.plan import Plan, compile_plan

MOST = 24
"""Plans kept: a project's packs and some narrowed ones. The oldest go first."""
READERS = ("opencc", "pypinyin")
"""Whose dictionaries decide how characters are written and sound."""


def kept_plan(phrases: Sequence[Phrase], folder: Path) -> Plan:
    """As `compile_plan`, read from the folder where it is kept there; else compiled, and kept there if that can be."""
    path = folder / f"{_name(phrases)}.plan"
    with suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, pa.ArrowInvalid):
        return _read(path)
    plan = compile_plan(phrases)
    with suppress(OSError):
        _write(path, plan)
    return plan


def _name(phrases: Sequence[Phrase]) -> str:
    said = [(p.name, p.say, p.unless, p.rungs, p.word, p.value, sorted(p.slots.items())) for p in phrases]
    return hashlib.sha256(f"{_compiler()}{said}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


@cache
def _compiler() -> str:
    """A hash of all that a plan depends on but its phrases."""
    rooms = (Path(__file__).parent, Path(__file__).parents[1] / "text")
    seen = hashlib.sha256(" ".join(version(name) for name in READERS).encode())
    for path in sorted(path for room in rooms for path in room.glob("*.py")):
        seen.update(path.read_bytes())
    return seen.hexdigest()


def _read(path: Path) -> Plan:
    """Raises OSError, ValueError and the like for a file that is not there or not whole."""
    with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as file:
        content = io.BytesIO(file.read())
    with np.load(content, allow_pickle=False) as kept:
        plan: Plan = _made(Plan, "plan", kept)
    return plan


def _write(path: Path, plan: Plan) -> None:
    out = io.BytesIO()
    np.savez(out, **dict(_columns("plan", plan)))
    store_of(path.parent).replace(path.name, pa.compress(out.getbuffer(), "zstd"))
    for old in sorted(path.parent.glob("*.plan"), key=lambda each: each.stat().st_mtime)[:-MOST]:
        old.unlink(missing_ok=True)


def _fields(kind: Any) -> list[str]:
    """Of a named tuple or of the plan itself."""
    return list(getattr(kind, "_fields", ())) or ([f.name for f in fields(kind)] if kind is Plan else [])


def _columns(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Every array inside, by its path."""
    if inner := _fields(type(value)):
        for field in inner:
            yield from _columns(f"{name}.{field}", getattr(value, field))
    else:
        yield name, value


def _made(kind: Any, name: str, kept: Any) -> Any:
    """The way back, by the types that the fields are declared with."""
    if inner := _fields(kind):
        hints = typing.get_type_hints(kind)
        return kind(**{field: _made(hints[field], f"{name}.{field}", kept) for field in inner})
    column = kept[name]
    return int(column) if kind is int else tuple(column.tolist()) if typing.get_origin(kind) is tuple else column
