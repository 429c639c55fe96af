"""Wordings taken apart for the matcher: chains of literals, runs and turn ends with bounded gaps between them.

All literals that may stand at one place make one link, so that `还有(什么|别的)…(问题|事)` is one chain of two links, not four.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qa_pipeline.rules.wording import MOST_FORMS, Choice, Edge, Gap, Part, Run, WordingError, parse
from qa_pipeline.text.normal import normalise


@dataclass(frozen=True)
class Form:
    """Characters in a row, as `written` and in their `normal` form. `values`: (slot, word) for the slots filled in it."""

    written: str
    normal: str
    values: tuple[tuple[str, str], ...] = ()
    is_name: bool = False
    """Nothing but one slot's word."""


@dataclass(frozen=True)
class Link:
    """What must stand `least` to `most` characters behind the link before it: one of several forms, a run, a turn end."""

    least: int
    most: int
    body: tuple[Form, ...] | Run | Edge


@dataclass(frozen=True)
class Chain:
    """`before`, `after`: how many characters of any kind, at least and at most, belong to the hit on either side."""

    links: tuple[Link, ...]
    before: tuple[int, int] = (0, 0)
    after: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class _Piece:
    """A literal under construction."""

    written: str = ""
    values: tuple[tuple[str, str], ...] = ()
    is_name: bool = False

    def then(self, other: _Piece) -> _Piece:
        if not (self.written and other.written):
            return self if self.written else other
        return _Piece(self.written + other.written, self.values + other.values)


_Segment = tuple[_Piece, ...]
_Item = _Segment | Gap | Run | Edge
_Row = tuple[_Item, ...]


def chains(wording: str, slots: Mapping[str, Sequence[str]]) -> tuple[Chain, ...]:
    """Raises WordingError as `parse` does, and on more than 2000 forms."""
    rows = _rows(parse(wording, slots), wording)
    return tuple(dict.fromkeys(_linked(bare) for row in rows for bare in _without_silence(row)))


def _rows(parts: Sequence[Part], wording: str) -> list[_Row]:
    """Sequences without choices; neighbouring literals are multiplied out."""
    rows: list[_Row] = [()]
    for part in parts:
        rows = [_joined(row, tail) for row, tail in itertools.product(rows, list(_options(part, wording)))]
        if _size(rows) > MOST_FORMS:
            raise WordingError(f"{wording!r} has more than {MOST_FORMS} forms; write its alternatives as wordings of their own")
    return rows


def _options(part: Part, wording: str) -> Iterator[_Row]:
    """The ways to say one part: all that are plain words as one segment, the others one by one."""
    if isinstance(part, str):
        yield ((_Piece(part),),)
    elif isinstance(part, Choice):
        plain: list[_Piece] = []
        for option in part.options:
            for row in _rows(option, wording):
                if not row:
                    plain.append(_Piece())
                elif len(row) == 1 and isinstance(row[0], tuple):
                    plain += row[0]
                else:
                    yield row
        if plain and part.slot:
            plain = [_Piece(p.written, ((part.slot, p.written),), True) for p in plain]
        if plain:
            yield (tuple(dict.fromkeys(plain)),)
    else:
        yield (part,)


def _joined(row: _Row, tail: _Row) -> _Row:
    if row and tail and isinstance(row[-1], tuple) and isinstance(tail[0], tuple):
        if len(row[-1]) * len(tail[0]) > MOST_FORMS:
            return (*row[:-1], row[-1] * (MOST_FORMS + 1))  # too many, and never looked at
        both = tuple(dict.fromkeys(a.then(b) for a in row[-1] for b in tail[0]))
        return (*row[:-1], both, *tail[1:])
    return (*row, *tail)


def _size(rows: Iterable[_Row]) -> int:
    return sum(max(1, sum(len(item) for item in row if isinstance(item, tuple))) for row in rows)


def _without_silence(row: _Row) -> Iterator[_Row]:
    """A segment that may be empty, or is nothing but punctuation, may be left out: the row without it as well."""
    for i, item in enumerate(row):
        if isinstance(item, tuple):
            loud = tuple(p for p in item if _normal(p.written))
            if len(loud) < len(item):
                if loud:
                    yield from _without_silence((*row[:i], loud, *row[i + 1 :]))
                yield from _without_silence((*row[:i], *row[i + 1 :]))
                return
    yield row


def _linked(row: _Row) -> Chain:
    """Gaps become distances; one that reaches over the rim counts only if it must hold something."""
    links: list[Link] = []
    least = most = 0
    for item in row:
        if isinstance(item, Gap):
            least, most = least + item.least, most + item.most
            continue
        body = tuple(dict.fromkeys(map(_form, item))) if isinstance(item, tuple) else item
        links.append(Link(least, most, body))
        least = most = 0
    before = (links[0].least, links[0].most) if links[0].least else (0, 0)
    return Chain((Link(0, 0, links[0].body), *links[1:]), before, (least, most) if least else (0, 0))


@lru_cache(MOST_FORMS)
def _normal(written: str) -> str:
    return normalise(written).text


def _form(piece: _Piece) -> Form:
    return Form(piece.written.strip(), _normal(piece.written), piece.values, piece.is_name)
