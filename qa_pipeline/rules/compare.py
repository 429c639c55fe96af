"""Values of records and events against what a rule wants of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

BOUNDS = ("at_least", "at_most", "more_than", "less_than")


def fits(value: Any, wanted: Any) -> bool:
    """Equal, one of a list, or within the bounds of {at_least: …, contains: …, known: …}; text and number compare as text."""
    if isinstance(wanted, Mapping):
        return all(_one(value, name, bound) for name, bound in wanted.items())
    if isinstance(wanted, list | tuple):
        return any(same(value, one) for one in wanted)
    return same(value, wanted)


def same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool) or value is None or wanted is None:
        return value is wanted
    return bool(value == wanted or str(value) == str(wanted))


def within(value: float, name: str, bound: float) -> bool:
    match name:
        case "at_least":
            return value >= bound
        case "at_most":
            return value <= bound
        case "more_than":
            return value > bound
        case _:
            return value < bound


def _one(value: Any, name: str, bound: Any) -> bool:
    match name:
        case "is":
            return same(value, bound)
        case "is_not":
            return not same(value, bound)
        case "in":
            return any(same(value, one) for one in bound)
        case "contains":
            return isinstance(value, list | tuple) and any(same(one, bound) for one in value)
        case "known":
            return bool((value is not None) == bound)
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(within(value, name, bound))
