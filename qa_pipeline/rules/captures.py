"""The values that hits capture, as words to compare: digits, mobile numbers, numbers, times of day, text of the normal form, or
the house's own words."""

from __future__ import annotations

import re

from qa_pipeline.text.numbers import DIGITS, GREAT, UNITS, read_number

NUMBER = re.compile(rf"[{DIGITS}{''.join(UNITS)}{''.join(GREAT)}点]+")
MOBILE = re.compile("1[3-9][0-9]{9}")
TIME = re.compile(rf"([{DIGITS}十]+)[点时](?:(半)|([13])刻|([{DIGITS}十]*))")


def value_of(kind: str, words: str) -> str | None:
    """The value of a kind (`digits`, `mobile`, `number`, `time`, `text`) in words of the normal form; None where none is."""
    if kind == "digits":
        return "".join(c for c in words if c in DIGITS) or None
    if kind == "mobile":
        mobile = MOBILE.fullmatch("".join(c for c in words if c in DIGITS))
        return mobile[0] if mobile else None
    if kind == "number":
        found = NUMBER.search(words)
        return read_number(found[0]) if found else None
    if kind == "time":
        told = TIME.search(words)
        return _time(told) if told else None
    return words or None


def _time(told: re.Match[str]) -> str | None:
    """On a clock face: 6点半 and 18点30 are both 6:30, since the part of the day is said apart or not at all."""
    hour, half, quarter, minutes = read_number(told[1]), told[2], told[3], read_number(told[4]) if told[4] else "0"
    if hour is None or minutes is None:
        return None
    return f"{int(hour) % 12}:{30 if half else 15 * int(quarter) if quarter else int(minutes):02d}"
