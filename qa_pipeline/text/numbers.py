"""Numbers as they are read aloud, in a normal form: 2十 and 20, 6百4十8 and 648 are the same number."""

from __future__ import annotations

import re
from functools import lru_cache

DIGITS = "0123456789"
UNITS = {"十": 10, "百": 100, "千": 1_000}
GREAT = {"万": 10_000, "亿": 100_000_000}
SPOKEN = re.compile(r"[0-9]*[千百十][0-9千百十]*")


def read_numbers(normal: str) -> str:
    """The normal form with its spoken numbers below ten thousand as digits; anything else stays as it is."""
    return SPOKEN.sub(lambda match: _read(match.group()), normal)


@lru_cache(10_000)
def _read(words: str) -> str:
    """Few numbers are said, and those again and again."""
    return read_number(words) or words


def read_number(words: str) -> str | None:
    """`1百2十` is 120, `3千5` is 3500, `10` is 10, `3点5` is 3.5; digits in a row are read as they stand. None: no number."""
    whole, dot, rest = words.partition("点")
    if not any(c in DIGITS or c in UNITS for c in whole):
        return None
    total = section = 0
    digits, unit = "", 1
    for c in whole:
        if c in DIGITS:
            digits += c
        elif c in UNITS:
            section += int(digits or 1) * UNITS[c]
            digits, unit = "", UNITS[c]
        else:
            total = (total + section + int(digits or 0)) * GREAT[c]
            section, digits, unit = 0, "", GREAT[c]
    elliptic = len(digits) == 1 and unit >= 100 and "0" not in whole[-2:]
    value = total + section + int(digits or 0) * (unit // 10 if elliptic else 1)
    fraction = "".join(c for c in rest if c in DIGITS)
    return f"{value}.{fraction}" if dot and fraction else str(value)
