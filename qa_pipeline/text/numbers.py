"""Numbers as they are read aloud, in a normal form: 2十 and 20, 6百4十8 and 648 are the same number."""

from __future__ import annotations

import re

UNITS = {"千": 1000, "百": 100, "十": 10}
SPOKEN = re.compile(r"[0-9]?[千百十][0-9千百十]*")


def read_numbers(normal: str) -> str:
    """The normal form with its spoken numbers below ten thousand as digits; anything else stays as it is."""
    return SPOKEN.sub(lambda match: _value(match.group()) or match.group(), normal)


def _value(spoken: str) -> str | None:
    """None for what is no number as people say it, such as 十百."""
    total, digit, last = 0, None, 10_000
    for character in spoken:
        unit = UNITS.get(character)
        if unit is None:
            if digit not in (None, 0):
                return None
            digit = int(character)
            continue
        if unit >= last or (digit is None and unit != 10):
            return None
        total, digit, last = total + (1 if digit is None else digit) * unit, None, unit
    if digit is not None:
        colloquial = last >= 100 and spoken[-2] in UNITS  # 三百八 is 380
        total += digit * (last // 10 if colloquial else 1)
    return str(total)
