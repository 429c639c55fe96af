"""Looking for phrases in windows, hit by hit: how each was heard there, and which of several decides."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.kernels import WORTH_COMPILING_ONE, Kernel
from qa_pipeline.rules.spans import Flags, Ints

NOT_SAID, NEARLY, WEAKLY, SAID = range(4)
"""Nearly: only a lower rung than satisfies hears it. Weakly: the first hit stands on words heard with little confidence."""
LOOKS_A_STEP = 10
"""Looks at a window or a hit in the time of a kernel's step."""
Rows = NDArray[np.integer[Any]]
Small = NDArray[np.int8]


class Places(NamedTuple):
    """Windows, sorted by unit. What begins in one counts (`by_start`), or else what is said in a turn that touches it."""

    unit: Ints
    start: Ints
    end: Ints
    by_start: bool


class SaidHits(NamedTuple):
    """Of each phrase sorted by unit and time. grade: the lower, the more places it satisfies at."""

    unit: Ints
    start: Ints
    turn: Rows
    grade: Small


class SaidTurns(NamedTuple):
    """right: what is said in it counts. weak: heard with little confidence."""

    start: Ints
    end: Ints
    right: Flags
    weak: Flags


class Look(NamedTuple):
    """For what is said at least so many `times` on a grade no worse than `worst`."""

    places: Places
    hits: SaidHits
    turns: SaidTurns
    worst: int
    times: int


class Told(NamedTuple):
    """Of each window: the phrase that decides, how it was heard, the truth (1, 0, -1 unknown) and why it is not true."""

    phrase: NDArray[np.int16]
    how: Small
    value: Small
    reason: Ints


def tell(at: Look, edges: Ints, every: bool, doubt: Ints, roles: Ints, reasons: Ints) -> Told:
    """Whether `every` phrase was said, or any. The first of them that was heard worst, or best, decides.

    edges: of each phrase its first hit and the one behind its last. doubt: of each window, why what was not heard may have been
    said all the same; roles: of each unit, why nothing that was heard tells anything; 0 for no reason. reasons: [phrase, how].
    """
    n = len(at.places.unit)
    told = Told(np.empty(n, np.int16), np.empty(n, np.int8), np.empty(n, np.int8), np.empty(n, np.int64))
    _look_at_all(_steps(at, edges), at, edges, every, doubt, roles, reasons, told)
    return told


def first_said(at: Look, edge: Ints) -> Ints:
    """The first hit of one phrase that satisfies in each window; -1 where it was not said."""
    found = np.empty(len(at.places.unit), np.int64)
    _look_up(_steps(at, edge[None]), at, edge, found)
    return found


def _steps(at: Look, edges: Ints) -> int:
    """As many hits lie in a window's leg as in others."""
    units = int(at.places.unit[-1]) + 1 if len(at.places.unit) else 1
    hits = int((edges[:, 1] - edges[:, 0]).sum())
    return len(at.places.unit) * (len(edges) + hits // units) // LOOKS_A_STEP


def look_at_all(at: Look, edges: Ints, every: bool, doubt: Ints, roles: Ints, reasons: Ints, told: Told) -> None:
    """Fills in what `tell` tells."""
    places, n = at.places, len(at.places.unit)
    for phrase in range(len(edges)):
        hit, stop = edges[phrase]
        for row in range(n):
            hit = reached(at, row, hit, edges[phrase, 0], stop)
            best = rank(told.how[row], doubt[row]) if phrase > 0 else -1
            if best == (0 if every else 2):
                continue
            how = look(at, row, hit, stop)[0]
            mine = rank(how, doubt[row])
            if best == -1 or (mine < best if every else mine > best):
                told.how[row], told.phrase[row] = how, phrase
    for row in range(n):
        how = told.how[row]
        told.value[row] = (0, -1, 1)[rank(how, doubt[row])]
        told.reason[row] = doubt[row] if how == NOT_SAID and doubt[row] != 0 else reasons[told.phrase[row], how]
        if roles[places.unit[row]] != 0:
            told.value[row], told.reason[row] = -1, roles[places.unit[row]]


def look_up(at: Look, edge: Ints, found: Ints) -> None:
    """Fills in what `first_said` finds."""
    hit, stop = edge
    for row in range(len(found)):
        hit = reached(at, row, hit, edge[0], stop)
        how, first = look(at, row, hit, stop)
        found[row] = first if how >= WEAKLY else -1


def reached(at: Look, row: int, hit: int, first: int, stop: int) -> int:
    """The first hit in a window's unit that is not over before the window begins. hit: that of the window before it."""
    places, hits = at.places, at.hits
    unit = places.unit[row]
    if row > 0 and places.start[row] < places.start[row - 1]:
        while hit > first and hits.unit[hit - 1] >= unit:
            hit -= 1
    while hit < stop and (hits.unit[hit] < unit or (hits.unit[hit] == unit and closes(at, hit) < places.start[row])):
        hit += 1
    return hit


def look(at: Look, row: int, hit: int, stop: int) -> tuple[int, int]:
    """How a phrase was heard in one window, and the first hit that satisfies. hit: the first that may lie in it."""
    places, hits, turns = at.places, at.hits, at.turns
    begin, end = max(places.start[row], 0), max(places.end[row], 0)
    n, lower, first = 0, False, hit
    while hit < stop and hits.unit[hit] == places.unit[row] and (places.by_start or turns.start[hits.turn[hit]] <= end):
        if turns.right[hits.turn[hit]] and opens(at, hit) <= end and closes(at, hit) >= begin:
            if hits.grade[hit] > at.worst:
                lower = True
            else:
                if n == 0:
                    first = hit
                n += 1
        hit += 1
    if n < at.times:
        return NEARLY if lower else NOT_SAID, first
    return WEAKLY if turns.weak[hits.turn[first]] else SAID, first


def opens(at: Look, hit: int) -> int:
    """From when on a hit counts; what is said before the recording begins is said as it begins."""
    return int(max(at.hits.start[hit] if at.places.by_start else at.turns.start[at.hits.turn[hit]], 0))


def closes(at: Look, hit: int) -> int:
    """Until when it counts."""
    return int(max(at.hits.start[hit] if at.places.by_start else at.turns.end[at.hits.turn[hit]], 0))


def rank(how: int, doubt: int) -> int:
    """0 false, 1 unknown, 2 true."""
    return 2 if how == SAID else 1 if how != NOT_SAID or doubt != 0 else 0


_look_at_all = Kernel(look_at_all, reached, look, opens, closes, rank, worth=WORTH_COMPILING_ONE)
_look_up = Kernel(look_up, reached, look, opens, closes, worth=WORTH_COMPILING_ONE)
