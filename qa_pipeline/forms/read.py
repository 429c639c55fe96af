"""Files of calls, read one object after the other, and each object put into our own form whatever form it came in."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_pipeline.forms import funasr, whisperx
from qa_pipeline.forms.call import FORM, SPEAKERS
from qa_pipeline.forms.check import FormError, Wrong, shown
from qa_pipeline.forms.turns import Bit, to_turns

LONGEST_LINE = 64 * 2**20  # bytes
FOREIGN: Mapping[str, Callable[[Any], list[Bit]]] = {"whisperx": whisperx.read_bits, "funasr": funasr.read_bits}
FORMS = ("lines", *FOREIGN)
FIRST = "first"


@dataclass(frozen=True)
class Roles:
    """Which speaker labels are whose; `first` is whoever speaks first. Who is not named is the other one of agent and
    customer where only one of the two is named, and else unknown."""

    agent: tuple[str, ...] = ()
    customer: tuple[str, ...] = ()
    ivr: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.agent or self.customer)

    def of(self, label: str | None, first: str | None) -> str:
        if label is None:
            return "unknown"
        for role in ("ivr", "agent", "customer"):
            if label in getattr(self, role) or (FIRST in getattr(self, role) and label == first):
                return role
        if bool(self.agent) == bool(self.customer):
            return "unknown"
        return "customer" if self.agent else "agent"


@dataclass(frozen=True)
class How:
    """form: of FORMS; None: by the content."""

    form: str | None = None
    roles: Roles = Roles()


def read_objects(path: Path, form: str | None = None) -> Iterator[tuple[int, Any]]:
    """Each object with its line; a FormError in its place where there is none. Memory: one line.

    A file that is one JSON value over many lines is one object at line 1. Raises OSError.
    """
    with path.open("rb") as file:
        head = file.readline(LONGEST_LINE).removeprefix(b"\xef\xbb\xbf").strip()
    over_lines = head in (b"{", b"[") or (path.suffix == ".json" and isinstance(_parsed(head), FormError))
    if over_lines and path.stat().st_size <= LONGEST_LINE:
        whole = _parsed(path.read_bytes())
        if not isinstance(whole, FormError) or head in (b"{", b"["):
            yield 1, whole
            return
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(LONGEST_LINE):
            number += 1
            if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                yield number, FormError([f"expected a line of less than {LONGEST_LINE} bytes"])
                while raw and not raw.endswith(b"\n"):
                    raw = file.readline(LONGEST_LINE)
            elif raw.removeprefix(b"\xef\xbb\xbf").strip():
                yield number, _parsed(raw)


def _parsed(raw: bytes) -> Any:
    """The value, or a FormError."""
    try:
        told = json.loads(raw.decode("utf-8-sig"), parse_float=_number, parse_constant=_constant)
        json.dumps(told, ensure_ascii=False).encode()
    except UnicodeDecodeError as problem:
        return FormError([f"expected UTF-8 text, found byte 0x{raw[problem.start]:02x} at {problem.start}"])
    except UnicodeEncodeError:
        return FormError(["expected Unicode text, found half of a surrogate pair (\\ud800 to \\udfff)"])
    except json.JSONDecodeError as problem:
        place = f"column {problem.colno}" if problem.lineno == 1 else f"line {problem.lineno}, column {problem.colno}"
        return FormError([f"not JSON: {problem.msg} at {place}"])
    except (ValueError, RecursionError) as problem:
        return FormError([f"not JSON: {problem}"])
    return told


def _number(text: str) -> int | float:
    """2600.0 is a whole number, as JSON has it."""
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text} is too large a number")
    return int(value) if value.is_integer() else value


def _constant(text: str) -> float:
    raise ValueError(f"{text} is no JSON number")


def form_of(told: Any) -> str:
    """By its content; what looks like no other is taken for our own."""
    keys = told[0] if isinstance(told, list) and told else told
    if isinstance(keys, dict) and "turns" not in keys:
        if "segments" in keys:
            return "whisperx"
        if "sentence_info" in keys or {"text", "timestamp"} <= set(keys):
            return "funasr"
    return "lines"


def is_foreign(told: Any, how: How) -> bool:
    return (how.form or form_of(told)) != "lines"


def in_our_form(told: Any, how: How) -> list[dict[str, Any]]:
    """An object's calls in our own form: one, or one for each result of a FunASR list. Raises FormError.

    From elsewhere come turns alone; what else is known of the call may stand beside them, in our own words.
    """
    form = how.form or form_of(told)
    if form == "lines":
        if not isinstance(told, dict):
            raise FormError([Wrong("", "a JSON object with call_id, started_at and turns", shown(told))])
        return [_own_speakers(told, how.roles)]
    results = told if isinstance(told, list) and form == "funasr" else [told]
    return [_foreign(one, form, how.roles, len(results) > 1) for one in results]


def _own_speakers(told: dict[str, Any], roles: Roles) -> dict[str, Any]:
    turns = told.get("turns")
    if not roles or not isinstance(turns, list):
        return told
    labels = [t.get("speaker") for t in turns if isinstance(t, dict)]
    first = next((x for x in labels if isinstance(x, str)), None)
    return {**told, "turns": [_own_speaker(t, roles, first) for t in turns]}


def _own_speaker(turn: Any, roles: Roles, first: str | None) -> Any:
    label = turn.get("speaker") if isinstance(turn, dict) else None
    return {**turn, "speaker": roles.of(label, first)} if isinstance(label, str) and label not in SPEAKERS else turn


def _foreign(told: Any, form: str, roles: Roles, several: bool) -> dict[str, Any]:
    turns = to_turns(FOREIGN[form](told))
    first = next((t["speaker"] for t in turns if t["speaker"] is not None), None)
    beside = {k: v for k, v in told.items() if k in FORM["properties"]}
    if several and "call_id" not in beside:
        if not told.get("key"):
            raise FormError([Wrong("key", "an id, as there are several results", "none")])
        beside["call_id"] = str(told["key"])
    return {
        **{"n_channels": 1, "roles_source": "settings" if roles else "unknown", "asr": form},
        **beside,
        "turns": [{**t, "speaker": roles.of(t["speaker"], first)} for t in turns],
    }
