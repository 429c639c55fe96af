"""How fast all phrases are found in many turns, beside a loop of compiled regular expressions over the same wordings.

    python tests/benchmarks/matching.py [--turns N] [--looped N] [--near]

Turns are the samples' sentences, cut, joined and filled at random until all differ; wordings are cut from the same sentences.
Both ways must find the same (phrase, turn) pairs on the normalised rung in the turns that the loop reads.
"""

from __future__ import annotations

import argparse
import random
import re
import resource
import time
from pathlib import Path

import pyarrow as pa

from qa_pipeline.rules.hits import Matcher
from qa_pipeline.rules.phrase import NORMALISED, RUNGS, Phrase
from qa_pipeline.rules.wording import pattern
from qa_pipeline.text.normal import normalise

MAKE = Path(__file__).parents[2] / "data/samples/make"
PHRASES, WORDINGS_EACH, CHARACTERS = 150, 20, 15


def sentences() -> list[str]:
    lines = (MAKE / "phrases.txt").read_text("utf-8").splitlines() + (MAKE / "templates.txt").read_text("utf-8").splitlines()
    return [re.sub(r"\{\w+\}", "", line) for line in lines if line.strip() and line[0] not in "#["]


def some_turns(count: int, r: random.Random) -> list[str]:
    """All different, about 15 characters long."""
    said, letters = sentences(), sorted({c for s in sentences() for c in s})
    turns: dict[str, None] = {}
    while len(turns) < count:
        text = r.choice(said)
        while len(text) < CHARACTERS - 5:
            text += r.choice(["", "，", "嗯，"]) + r.choice(said)
        text = text[: r.randint(CHARACTERS - 5, CHARACTERS + 6)]
        for _ in range(3):
            at = r.randrange(len(text))
            text = text[:at] + r.choice(letters) + text[at + r.randint(0, 1) :]
        turns[text] = None
    return list(turns)


def some_wording(r: random.Random, said: list[str]) -> str:
    """A stretch of a sentence with an optional character, two alternatives or a gap in it."""
    while True:
        plain = normalise(r.choice(said)).text
        length = r.randint(3, 9)
        if len(plain) < length:
            continue
        start = r.randrange(len(plain) - length + 1)
        cut = plain[start : start + length]
        if cut.isascii():
            continue
        at = r.randrange(1, length - 1)
        kind = r.random()
        if kind < 0.4:
            return cut
        if kind < 0.6:
            return f"{cut[:at]}[{cut[at]}]{cut[at + 1 :]}"
        if kind < 0.8:
            other = normalise(r.choice(said)).text[:2] or "好"
            return f"{cut[:at]}({cut[at]}|{other}){cut[at + 1 :]}"
        if length < 5:
            continue
        return f"{cut[: max(2, at)]}…{{{r.randint(2, 8)}}}{cut[max(2, at) + 1 :] or cut[-1]}"


def some_phrases(r: random.Random, near: bool) -> list[Phrase]:
    said = sentences()
    rungs = RUNGS if near else RUNGS[:3]
    return [
        Phrase(f"phrase {i}", tuple(some_wording(r, said) for _ in range(WORDINGS_EACH)), rungs=rungs) for i in range(PHRASES)
    ]


def looped(phrases: list[Phrase], turns: list[str]) -> set[tuple[int, int]]:
    """(phrase, turn) pairs found one text and one phrase at a time."""
    compiled = [re.compile("|".join(pattern(p, lambda c: normalise(c).text) for p in phrase.said)) for phrase in phrases]
    started, found = time.perf_counter(), set()
    for row, turn in enumerate(turns):
        text = normalise(turn).text
        found |= {(number, row) for number, each in enumerate(compiled) if each.search(text)}
    taken = time.perf_counter() - started
    print(f"loop: {len(turns)} turns in {taken:.1f} s, {len(turns) / taken:,.0f} turns a second")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--looped", type=int, default=5_000)
    parser.add_argument("--near", action="store_true")
    args = parser.parse_args()
    r = random.Random(7)
    phrases = some_phrases(r, args.near)
    turns = some_turns(args.turns, r)
    started = time.perf_counter()
    matcher = Matcher(phrases)
    wordings = sum(len(p.say) for p in phrases)
    print(f"compiled {wordings} wordings of {len(phrases)} phrases in {time.perf_counter() - started:.1f} s")
    column = pa.array(turns)
    matcher.find(column[:1000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, worked = time.perf_counter(), time.process_time()
    hits = matcher.find(column)
    taken, worked = time.perf_counter() - started, time.process_time() - worked
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    characters = sum(map(len, turns)) / len(turns)
    print(f"matcher: {len(turns)} turns of {characters:.1f} characters in {taken:.2f} s ({worked:.2f} s of processor)")
    print(f"  {len(turns) / taken:,.0f} turns a second, {len(hits):,} hits, {after - before:,.0f} MiB on top of {before:,.0f}")
    print("  by rung: " + ", ".join(f"{name} {(hits.rung == rung).sum():,}" for rung, name in enumerate(RUNGS)))
    loop_started = time.perf_counter()
    wanted = looped(phrases, turns[: args.looped])
    each = (time.perf_counter() - loop_started) / args.looped
    print(f"ratio: {each * len(turns) / taken:,.0f} times the loop")
    mine = hits.take((hits.rung <= NORMALISED) & (hits.text < args.looped))
    got = set(zip(mine.phrase.tolist(), mine.text.tolist(), strict=True))
    print(f"pairs in the looped turns: {len(wanted)}, found by both {len(got & wanted)}, by one only {len(got ^ wanted)}")
    assert got == wanted


if __name__ == "__main__":
    main()
