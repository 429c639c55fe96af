"""What is said in the demonstration calls: templates with their slots filled, phrases of the policies, turns of the scripts.

Everything is in spoken form: one and two digits are a number (24 → 二十四), three and more are read one by one
(806 → 八零六), as people read room and telephone numbers.
"""

from __future__ import annotations

import functools
import random
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).parent
SCRIPTS = HERE.parent / "scripts"
DIGITS = "零一二三四五六七八九"
HELD_OUT_SHARE = 6  # percent of the filled templates that training never sees
LETTERS = {"B": "比"}  # the one Latin letter of the scripts, as espeak's Mandarin voice can say it


def number(n: int) -> str:
    """0-9999 as it is said: 1203 → 一千二百零三."""
    if n < 10:
        return DIGITS[n]
    if n < 20:
        return "十" + (DIGITS[n % 10] if n % 10 else "")
    for size, unit in ((1000, "千"), (100, "百"), (10, "十")):
        if n >= size:
            head, rest = divmod(n, size)
            if not rest:
                return DIGITS[head] + unit
            gap = "零" if rest < size // 10 else ""
            tail = "一" + number(rest) if 10 <= rest < 20 else number(rest)
            return DIGITS[head] + unit + gap + tail
    raise ValueError(n)


def spoken(text: str) -> str:
    """Written text as it is said; what the truth of a sample call holds."""

    def say(match: re.Match[str]) -> str:
        run = match.group()
        return number(int(run)) if len(run) < 3 else "".join(DIGITS[int(c)] for c in run)

    text = "".join(LETTERS.get(c, c) for c in text)
    return re.sub(r"\d+", say, text).replace("…", "，").replace("：", "，")


@functools.lru_cache
def _slots() -> dict[str, list[str]]:
    return {key: list(value) for key, value in yaml.safe_load((HERE / "slots.yaml").read_text("utf-8")).items()}


@functools.lru_cache
def _templates() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in (HERE / "templates.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            lines = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return found


@functools.lru_cache
def phrases() -> list[str]:
    """Sentences of the clause tables and scripts, in spoken form."""
    return [spoken(line) for line in (HERE / "phrases.txt").read_text("utf-8").splitlines() if line]


@functools.lru_cache
def script_turns() -> list[tuple[str, str, str]]:
    """(call id, role, text in spoken form) of every turn of every script."""
    scripts = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(SCRIPTS.glob("*.yaml"))]
    return [(s["id"], t["role"], spoken(t["text"])) for s in scripts for t in s["turns"]]


def characters() -> set[str]:
    """Every character that any of these sentences can hold."""
    text = "".join(["".join(phrases()), *(t for _, _, t in script_turns()), *(x for v in _slots().values() for x in v)])
    fixed = re.sub(r"\{\w+\}", "", "".join(line for lines in _templates().values() for line in lines))
    return set(text + fixed + DIGITS + "十百千月号点半分钟栋单元")


@dataclass
class Sentences:
    """An endless supply. `held_out` fills templates only with what training never sees."""

    seed: int
    held_out: bool = False

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)

    def _digits(self, n: int) -> str:
        return "".join(self.random.choice(DIGITS) for _ in range(n))

    def _slot(self, name: str) -> str:
        r, slots = self.random, _slots()
        made = {
            "sur": lambda: r.choice(slots["surname"]),
            "name": lambda: r.choice(slots["surname"]) + r.choice(slots["given"]),
            "rno": lambda: self._digits(r.choice([3, 4])),
            "tel": lambda: "一" + r.choice("三五八九") + self._digits(9),
            "price": lambda: number(r.choice([r.randrange(20, 100), r.randrange(100, 1000), r.randrange(1, 40) * 50])),
            "n": lambda: number(r.randrange(3, 30)),
            "t": lambda: number(r.randrange(1, 13)) + "点" + r.choice(["", "半", "十分", "二十分", "四十分"]),
            "date": lambda: f"{number(r.randrange(1, 13))}月{number(r.randrange(1, 32))}号",
            "bld": lambda: number(r.randrange(1, 21)) + "栋" + r.choice(["", number(r.randrange(1, 5)) + "单元"]),
            "no": lambda: number(r.randrange(1, 100)) + "号",
            "min": lambda: number(r.choice([3, 5, 10, 15, 20, 30])) + "分钟",
            "co": lambda: r.choice(slots["held_out_co"] if self.held_out and r.random() < 0.3 else slots["co"]),
        }
        return made[name]() if name in made else r.choice(slots[name])

    def filled(self, role: str | None = None) -> str:
        """A template of that role (None: of either) with its slots filled; from the held-out share or from the rest."""
        while True:
            template = self.random.choice(_templates()[role or self.random.choice(["agent", "customer"])])
            text = re.sub(r"\{(\w+)\}", lambda m: self._slot(m.group(1)), template)
            held = "{" in template and zlib.crc32(text.encode()) % 100 < HELD_OUT_SHARE
            if held == self.held_out:
                return text

    def phrase(self) -> str:
        return self.random.choice(phrases())

    def turn(self) -> str:
        return self.random.choice(script_turns())[2]
