"""Characters in a row that one text has from another, looked for in many pairs of texts, or in all the turns of many legs."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qa_pipeline.kernels import WORTH_COMPILING_ONE, Kernel
from qa_pipeline.text.plain import Plain

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
TURN, PLACE = range(2)
STEPS_A_CHARACTER = 20
"""Characters looked up in the time of a kernel's step."""
STEPS_A_PAIR = 3


def repeating(plain: Plain, leg: Ints, begun: Ints, mine: Flags, theirs: Flags, n: int) -> Flags:
    """Which of my turns hold n characters in a row of one of theirs that began earlier in the leg.

    The texts are those of turns sorted by leg, then by when they were `begun`.
    """
    found = np.zeros(len(leg), bool)
    said = int(np.bincount(leg, np.where(theirs, plain.last - plain.first, 0)).max(initial=0))
    table = np.full((2 << said.bit_length(), 2), -1, np.int64)
    steps = len(plain.codes) // STEPS_A_CHARACTER
    _find_repeating(steps, plain.codes, plain.first, plain.last, leg, begun, mine, theirs, n, table, found)
    return found


def find_repeating(
    codes: Ints, first: Ints, last: Ints, leg: Ints, begun: Ints, mine: Flags, theirs: Flags, n: int, table: Ints, found: Flags
) -> None:
    """Fills in `found`. `table` has rows to spare, a power of 2 of them: in which turn, and at which place, each n characters
    were first said. What stands there of an earlier leg counts as nothing, so that it need not be cleared."""
    leg_first = 0
    for turn in range(len(leg)):
        if leg[turn] != leg[leg_first]:
            leg_first = turn
        for at in range(first[turn], last[turn] - n + 1):
            row = row_of(codes, at, n, table, leg_first)
            known = table[row, TURN] >= leg_first
            if known and mine[turn] and begun[table[row, TURN]] < begun[turn]:
                found[turn] = True
            if theirs[turn] and not known:
                table[row, TURN], table[row, PLACE] = turn, at


def row_of(codes: Ints, at: int, n: int, table: Ints, leg_first: int) -> int:
    """Of the n characters at a place: by their hash, or the next rows that have room or hold them."""
    row = 0
    for i in range(at, at + n):
        row = (row * 40_503 + int(codes[i])) & (len(table) - 1)
    while table[row, TURN] >= leg_first and not same(codes, at, table[row, PLACE], n):
        row = (row + 1) & (len(table) - 1)
    return row


def same(codes: Ints, a: int, b: int, n: int) -> bool:
    """Whether the n characters at two places are the same."""
    i = 0
    while i < n and codes[a + i] == codes[b + i]:
        i += 1
    return i == n


_find_repeating = Kernel(find_repeating, row_of, same, worth=WORTH_COMPILING_ONE)


def shared(plain: Plain, one: Ints, other: Ints, n: int) -> Flags:
    """For each pair of texts, whether the other holds n characters in a row of the one, or all of it where it is shorter."""
    found = np.zeros(len(one), bool)
    _find_shared(STEPS_A_PAIR * len(one), plain.codes, plain.first, plain.last, one, other, n, found)
    return found


def find_shared(codes: Ints, first: Ints, last: Ints, one: Ints, other: Ints, n: int, found: Flags) -> None:
    """Fills in `found`."""
    for pair in range(len(one)):
        begin, end = first[one[pair]], last[one[pair]]
        least = min(n, end - begin)
        for a in range(begin, end - least + 1 if least else begin):
            for b in range(first[other[pair]], last[other[pair]] - least + 1):
                if same(codes, a, b, least):
                    found[pair] = True


_find_shared = Kernel(find_shared, same, worth=WORTH_COMPILING_ONE)
