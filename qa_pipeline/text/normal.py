"""The normal form of a text: what stays the same when only the writing differs, and where each character came from.

Simplified characters, one width, no punctuation, no hesitation sounds, 您 as 你, digits as 0-9 however they were spoken.
Characters are folded one at a time, so that a stretch of the normal form always leads back to a stretch of the original.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Any

FILLERS = frozenset("嗯啊呃唔呣哼")
SAME = {"您": "你", "妳": "你", "牠": "它", "她": "他"}
DIGITS = {digit: str(value) for value, digit in enumerate("零一二三四五六七八九")} | {"〇": "0", "幺": "1", "两": "2"}
SILENT = frozenset("PZCSM")
"""First letters of the Unicode categories that nobody pronounces: punctuation, separators, control, symbols, marks."""


@dataclass(frozen=True)
class Normal:
    """A normal form. `offsets[i]`: index in the original text of the character that gave `text[i]`; never decreasing."""

    text: str
    offsets: tuple[int, ...]

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The original's [start, end) from which the non-empty [start, end) of the normal form came."""
        return self.offsets[start], self.offsets[end - 1] + 1


def normalise(text: str) -> Normal:
    """Never fails; a text of nothing but punctuation and hesitation gives an empty normal form."""
    letters: list[str] = []
    offsets: list[int] = []
    for index, character in enumerate(text):
        folded = "点" if _is_decimal_point(text, index) else _fold(character)
        letters.append(folded)
        offsets.extend([index] * len(folded))
    return Normal("".join(letters), tuple(offsets))


def is_silent(text: str) -> bool:
    """Whether its normal form is empty."""
    return not any(map(_fold, text))


def simplified(text: str) -> str:
    """In simplified characters, as many as before: where a phrase would change its length, character by character."""
    whole = _simplify(text)
    return whole if len(whole) == len(text) else "".join(one if len(one := _simplify(c)) == 1 else c for c in text)


def has_pause(text: str) -> bool:
    """Whether `text` is broken by punctuation, which a guard does not reach across."""
    return any(unicodedata.category(character).startswith("P") for character in text)


def _is_decimal_point(text: str, index: int) -> bool:
    return text[index] in ".．" and 0 < index < len(text) - 1 and text[index - 1].isdigit() and text[index + 1].isdigit()


@cache
def _fold(character: str) -> str:
    """Folded until nothing changes, so that the normal form of a normal form is itself."""
    wide = unicodedata.normalize("NFKC", character).casefold()
    folded = "".join(_fold_one(simple) for part in wide for simple in _simplify(part))
    return folded if folded == character else "".join(_fold(part) for part in folded)


def _fold_one(character: str) -> str:
    if character in FILLERS or unicodedata.category(character)[0] in SILENT:
        return ""
    return DIGITS.get(character) or SAME.get(character, character)


def _simplify(text: str) -> str:
    if any("\ud800" <= c <= "\udfff" for c in text):
        return text  # half a character, from a broken file: OpenCC refuses it
    simple: str = _converter().convert(text)
    return simple


@cache
def _converter() -> Any:
    """Imported on first use: the dictionaries take a moment to load."""
    from opencc import OpenCC

    return OpenCC("t2s")
