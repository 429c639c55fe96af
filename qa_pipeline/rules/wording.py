"""Readable wordings, `[可选](甲|乙)<槽位>…`, compiled to patterns over the text, its normal form and its sound.

`…` is a gap of at most six characters, `…{n}` of at most n. Nothing in a wording repeats without bound, so the time to match
stays linear in the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

GAP = 6
SPECIAL = "[](|)<>"
MOST_FORMS = 400


class WordingError(ValueError):
    """A wording that cannot be read; the message shows where."""


@dataclass(frozen=True)
class Gap:
    most: int


@dataclass(frozen=True)
class Choice:
    """One of several sequences; an optional part is a choice with an empty one."""

    options: tuple[tuple[Part, ...], ...]


Part = str | Gap | Choice
"""Literal characters, a gap, or a choice."""


def parse(wording: str, slots: Mapping[str, Sequence[str]]) -> tuple[Part, ...]:
    """Raises WordingError on unbalanced brackets, an unknown slot, or a wording that says nothing."""
    parts, at = _sequence(wording, 0, "", slots)
    if at != len(wording):
        raise WordingError(f"{wording!r}: {wording[at]!r} at character {at + 1} closes nothing")
    if not any(forms := list(itertools.islice(spelled(parts), MOST_FORMS))) or not all(forms):
        raise WordingError(f"{wording!r} can be said with no words at all")
    return parts


def _sequence(text: str, at: int, closers: str, slots: Mapping[str, Sequence[str]]) -> tuple[tuple[Part, ...], int]:
    parts: list[Part] = []
    while at < len(text) and text[at] not in closers:
        c = text[at]
        if c in "[(":
            choice, at = _bracket(text, at, slots)
            parts.append(choice)
        elif c == "<":
            end = text.find(">", at)
            name = text[at + 1 : end]
            if end < 0 or name not in slots:
                raise WordingError(f"{text!r}: no slot {name!r}; there are {', '.join(slots) or 'none'}")
            parts.append(Choice(tuple((value,) for value in sorted(slots[name], key=len, reverse=True))))
            at = end + 1
        elif c == "…":
            match = re.compile(r"…(?:\{(\d+)\})?").match(text, at)
            assert match
            parts.append(Gap(int(match.group(1) or GAP)))
            at = match.end()
        elif c in SPECIAL:
            raise WordingError(f"{text!r}: {c!r} at character {at + 1} closes nothing")
        else:
            parts.append(c)
            at += 1
    return tuple(parts), at


def _bracket(text: str, at: int, slots: Mapping[str, Sequence[str]]) -> tuple[Choice, int]:
    closer, options, start = {"[": "]", "(": ")"}[text[at]], [], at
    while True:
        option, at = _sequence(text, at + 1, f"|{closer}", slots)
        options.append(option)
        if at >= len(text):
            raise WordingError(f"{text!r}: {text[start]!r} at character {start + 1} is never closed")
        if text[at] == closer:
            break
    if closer == "]":
        options.append(())
    return Choice(tuple(options)), at + 1


def pattern(parts: Iterable[Part], fold: Callable[[str], str]) -> str:
    """A regular expression over text folded by `fold`."""
    made = []
    for part in parts:
        if isinstance(part, Gap):
            made.append(f".{{0,{part.most}}}?")
        elif isinstance(part, Choice):
            made.append("(?:" + "|".join(pattern(option, fold) for option in part.options) + ")")
        else:
            made.append(re.escape(fold(part)))
    return "".join(made)


def spelled(parts: Sequence[Part]) -> Iterator[str]:
    """Every form without its gaps, for measuring how near a text comes."""
    if not parts:
        yield ""
        return
    head, rest = parts[0], parts[1:]
    heads: Iterable[str] = [""] if isinstance(head, Gap) else [head] if isinstance(head, str) else ()
    if isinstance(head, Choice):
        heads = itertools.chain.from_iterable(spelled(option) for option in head.options)
    for first in heads:
        for last in spelled(rest):
            yield first + last
