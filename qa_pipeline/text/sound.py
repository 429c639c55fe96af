"""How a text sounds: one class a character, so that what a recogniser or an accent confuses compares equal.

A class is a toneless syllable with confusable initials and finals merged, written as one private-use character; whatever has
no reading stays as it is. The fold keeps the length, so offsets into a normal form hold in its sound as well.
"""

from __future__ import annotations

import os
import re
from functools import cache

DIGIT_NAMES = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
INITIALS = ("zh", "ch", "sh", *"bpmfdtnlgkhjqxrzcsyw")
MERGED_INITIALS = {"zh": "z", "ch": "c", "sh": "s", "n": "l"}
FINALS = (
    *("a", "o", "e", "i", "u", "v", "ai", "ei", "ao", "ou", "an", "en", "in", "un", "vn", "er", "ia", "ie", "iao", "iu"),
    *("ian", "ua", "uo", "uai", "ui", "uan", "ue", "ve", "ong", "iong", "ang", "eng", "ing", "iang", "uang", "ueng"),
    *("ê", "m", "n"),
)
FIRST_CLASS = 0xE000


def sound(text: str) -> str:
    """The sound of a normal form, as long as the text itself."""
    return "".join(map(_class, text))


@cache
def syllable(character: str) -> str | None:
    """The merged toneless syllable of one character in its commonest reading, or None where it has none."""
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")  # its words, which would only take a fifth of a second to load
    from pypinyin import Style, pinyin

    character = DIGIT_NAMES.get(character, character)
    readings = pinyin(character, style=Style.NORMAL, errors="ignore", v_to_u=False)
    return _merge(readings[0][0]) if readings else None


def _merge(plain: str) -> str:
    # 湖南 for 福南: only hu- is heard as f-, ha- and he- keep their h
    plain = re.sub(r"^hu(?=[ao])", "f", plain)
    plain = {"hu": "fu", "hui": "fei", "hun": "fen"}.get(plain, plain)
    initial, final = _split(plain)
    initial = MERGED_INITIALS.get(initial, initial)
    return initial + re.sub(r"(?<=[aei])ng$", "n", final)


def _split(plain: str) -> tuple[str, str]:
    initial = next((each for each in INITIALS if plain.startswith(each)), "")
    return initial, plain[len(initial) :]


@cache
def _class(character: str) -> str:
    spoken = syllable(character)
    if spoken is None:
        return character
    initial, final = _split(spoken)
    if final not in FINALS:
        return character
    row = INITIALS.index(initial) + 1 if initial else 0
    return chr(FIRST_CLASS + row * 64 + FINALS.index(final))
