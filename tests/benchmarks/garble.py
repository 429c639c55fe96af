"""How the packs judge scripted calls when a recogniser has garbled their words.

    python tests/benchmarks/garble.py [--pack ID] [--rules FOLDER] [--seeds N] [FOLDER …]

Of the characters 10 % are replaced by others of the same or a near sound, the commoner the likelier, and 3 % are dropped. Each
seed garbles every call anew. A heart rule is one tagged `heart`; `unsure` counts as `na`.
"""

from __future__ import annotations

import argparse
import collections
import random
import re
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.scripts import SCRIPTS, findings_of, read_scripts, shipped_or

REPLACED, DROPPED, SAME = 0.10, 0.03, 0.6
"""SAME: the share of replacements that keep the syllable."""
CHOICES = 8
HAN = re.compile("[一-鿿]")
CONFUSED = (
    *(("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"), ("f", "h"), ("r", "l")),
    *((("ang", "an"), ("eng", "en"), ("ing", "in"))),
)


@cache
def by_syllable() -> Mapping[str, list[tuple[str, int]]]:
    """Toneless syllable → its characters in common use with their counts, the commonest first."""
    import jieba

    jieba.setLogLevel("WARNING")
    jieba.initialize()
    counts: collections.Counter[str] = collections.Counter()
    for word, count in jieba.dt.FREQ.items():
        for character in word:
            counts[character] += count
    common = [(c, n) for c, n in counts.most_common(5000) if HAN.match(c)][:3500]
    found: dict[str, list[tuple[str, int]]] = collections.defaultdict(list)
    for character, count in common:
        found[syllable(character)].append((character, count))
    return found


@cache
def syllable(character: str) -> str:
    from pypinyin import Style, pinyin

    return str(pinyin(character, style=Style.NORMAL, v_to_u=False)[0][0])


@cache
def near_sounds(spoken: str) -> tuple[str, ...]:
    """The syllables that differ from it in one confusion: zh/z, ch/c, sh/s, n/l, f/h, r/l, -ang/-an, -eng/-en, -ing/-in."""
    near: dict[str, None] = {}
    for one, other in CONFUSED:
        for old, new in ((one, other), (other, one)):
            final = old[0] in "aei"
            pattern = rf"{old}$" if final else rf"^{old}(?!h)"
            near[re.sub(pattern, new, spoken)] = None
    return tuple(each for each in near if each != spoken and each in by_syllable())


def sound_alikes(character: str, same: bool) -> list[tuple[str, int]]:
    """Other characters of the same syllable, or of those near it, the commonest of each."""
    spoken = syllable(character)
    syllables = (spoken,) if same else near_sounds(spoken)
    return [(c, n) for each in syllables for c, n in by_syllable().get(each, ())[: CHOICES + 1] if c != character][:CHOICES]


def garble(text: str, r: random.Random) -> str:
    """What a recogniser may have made of the text; marks and digits are replaced by nothing."""
    heard = []
    for character in text:
        chance = r.random()
        if chance < DROPPED and character.isalnum():
            continue
        if DROPPED <= chance < DROPPED + REPLACED and HAN.match(character):
            same = r.random() < SAME
            choices = sound_alikes(character, same) or sound_alikes(character, not same)
            if choices:
                characters, counts = zip(*choices, strict=True)
                character = r.choices(characters, counts)[0]
        heard.append(character)
    return "".join(heard)


def garbled(script: dict[str, Any], seed: int) -> dict[str, Any]:
    """The script with the words of every turn garbled; the same seed garbles it the same way."""
    r = random.Random(f"{seed} {script['id']}")
    return {**script, "turns": [{**turn, "text": garble(turn["text"], r)} for turn in script["turns"]]}


class Tally:
    """Agreements and pairs, in all and by rule."""

    def __init__(self) -> None:
        self.right: collections.Counter[str] = collections.Counter()
        self.all: collections.Counter[str] = collections.Counter()
        self.wrong: collections.Counter[tuple[str, str, str, str]] = collections.Counter()

    def add(self, scripts: list[dict[str, Any]], found: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
        for script in scripts:
            for rule, wanted in script["expected"].items():
                row = found[script["id"], rule]
                verdict = "na" if row["verdict"] == "unsure" else row["verdict"]
                self.all[rule] += 1
                self.right[rule] += verdict == wanted
                if verdict != wanted:
                    self.wrong[rule, wanted, row["verdict"], row["reason"] or ""] += 1

    def percent(self, wanted: Callable[[str], bool] = lambda rule: True) -> float:
        rules = [rule for rule in self.all if wanted(rule)]
        return 100 * sum(self.right[r] for r in rules) / max(1, sum(self.all[r] for r in rules))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, default=[SCRIPTS])
    parser.add_argument("--pack")
    parser.add_argument("--rules", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    packs = shipped_or(args.rules, args.pack)
    scripts = [s for s in read_scripts(args.folders) if s["pack"] in packs]
    heart = {rule.id for pack in packs.values() for rule in pack.rules if "heart" in rule.tags}
    clean, noisy = Tally(), Tally()
    clean.add(scripts, findings_of(scripts, packs))
    for seed in range(args.seeds):
        heard = [garbled(script, seed) for script in scripts]
        noisy.add(heard, findings_of(heard, packs))
    print(f"{len(scripts)} calls, {sum(clean.all.values())} (call, rule) pairs, {args.seeds} seeds")
    for name, tally in (("clean", clean), ("garbled", noisy)):
        print(f"{name:8} all {tally.percent():5.1f} %   heart {tally.percent(heart.__contains__):5.1f} %")
    print("goals    all  95.0 %   heart  97.0 %   garbled")
    lost = sorted(noisy.all, key=lambda rule: noisy.right[rule] - noisy.all[rule])
    for rule in [rule for rule in lost if noisy.right[rule] < noisy.all[rule]][:25]:
        print(f"  {rule:24} {100 * noisy.right[rule] / noisy.all[rule]:5.1f} %{'  heart' if rule in heart else ''}")
        for (_, wanted, verdict, reason), n in noisy.wrong.most_common():
            if _ == rule and n > 1:
                print(f"    {n:3} × {wanted} judged {verdict} ({reason})")


if __name__ == "__main__":
    main()
