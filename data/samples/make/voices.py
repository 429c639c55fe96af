"""Who speaks: the voices of the sample calls, those the model learns from, and those kept back to measure it."""

from __future__ import annotations

import random
import zlib

from espeak import Voice

SAMPLE_AGENTS = ("f2", "Annie", "f5", "m3", "Alicia", "m6")
SAMPLE_CUSTOMERS = ("m1", "f3", "adam", "belinda", "m8", "f1", "Michael", "linda")
HELD_OUT = ("f4", "m7", "david", "steph3")
OTHERS = (
    *("", "m2", "m4", "m5", "steph", "Alex", "pablo", "grandpa", "aunty", "Andy", "max", "Andrea", "Denis", "Diogo", "Gene"),
    *("Henrique", "Hugo", "Jacky", "Lee", "Marco", "Mario", "Mike", "anika", "antonio", "benjamin", "boris", "caleb", "ed"),
    *("edward", "grandma", "gustave", "ian", "iven", "iven2", "john", "marcelo", "michel", "miguel", "norbert", "paul"),
    *("pedro", "quincy", "rob", "robert", "sandro", "shelby", "steph2", "travis", "victor", "zac"),
)


def of_call(call: str, role: str) -> Voice:
    """The voice of one side of a sample call: the same one every time, at a rate that the script's times then decide."""
    r = random.Random(zlib.crc32(f"{call}/{role}".encode()))
    return Voice(r.choice(SAMPLE_AGENTS if role == "agent" else SAMPLE_CUSTOMERS), 175, r.randint(35, 65), r.randint(35, 65))


def like_samples(r: random.Random) -> Voice:
    return Voice(r.choice(SAMPLE_AGENTS + SAMPLE_CUSTOMERS), r.randint(130, 340), r.randint(30, 70), r.randint(30, 70))


def any_trained(r: random.Random) -> Voice:
    variant = r.choice(SAMPLE_AGENTS + SAMPLE_CUSTOMERS + OTHERS)
    return Voice(variant, r.randint(140, 320), r.randint(20, 85), r.randint(20, 80))


def held_out(r: random.Random) -> Voice:
    return Voice(r.choice(HELD_OUT), r.randint(150, 250), r.randint(30, 70), r.randint(30, 70))
