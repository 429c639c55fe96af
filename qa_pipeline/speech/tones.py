"""Tones of the exchange and of machines, by frequency and cadence, told apart from music that holds the same notes.

China's plan is GB 3380 (450 Hz ± 25: ringback 1 s on 4 s off, busy 0.35 s on and off, congestion 0.7 s on and off); other plans
are written as Asterisk's indications.conf writes them. Fax tones: ITU-T T.30; special information tones: ITU-T E.180; keys:
ITU-T Q.23.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.spectrum import STEP_MS, Block, blocks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OFF_HZ = 25.0  # how far from its nominal frequency a tone may lie
BAND_HZ = 48.0  # half the width in which a 32 ms frame shows one frequency
ALONE = 0.8  # of all power above the noise that a tone makes up
OVER_NOISE = 8.0  # times the noise in its band
TWIST = 16.0  # power by which one of two frequencies may exceed the other
BRIDGE_FRAMES, LEAST_FRAMES = 2, 3
EDGE_FRAMES, EDGE = 4, 0.06  # before and after a burst it is quiet within so many: at most this share of its power
FADED = 0.1
STEADY_DB = 3.0  # standard deviation of a burst's level; a plucked note dies away
DIAL_MS = 2500
TOLERANCE, LEAST_TOLERANCE_MS = 0.2, 60
KEY_PAUSE_MS, LONE_KEY_MS = 3000, 90  # a shorter one alone may be a vowel


class ToneError(ValueError):
    """A cadence that is not written as indications.conf writes it."""


@dataclass(frozen=True)
class Tone:
    """One kind of tone on one channel, from its first burst to the end of its last, with the number of bursts."""

    kind: str
    stretch: Stretch
    bursts: int


@dataclass(frozen=True)
class Step:
    """hertz: the frequencies that sound together. off_ms: the quiet after it."""

    hertz: tuple[float, ...]
    on_ms: int
    off_ms: int


@dataclass(frozen=True)
class Cadence:
    """Steps that repeat; one step of 0 ms sounds on and on. least: bursts below which it is not known for one."""

    kind: str
    steps: tuple[Step, ...]
    least: int


def read_cadences(kind: str, written: str, least: int) -> tuple[Cadence, ...]:
    """`450/1000,0/4000` as in indications.conf; `440+480/2000,0/4000` for two at once; `|` between alternatives.

    Raises ToneError naming the part that does not fit.
    """
    return tuple(_cadence(kind, one.strip(), least) for one in written.split("|") if one.strip())


def _cadence(kind: str, written: str, least: int) -> Cadence:
    steps: list[Step] = []
    for part in written.split(","):
        told = re.fullmatch(r"\s*(\d{1,4}(?:\+\d{1,4})?)(?:/(\d{1,5}))?\s*", part)
        if told is None:
            raise ToneError(f"expected frequency/milliseconds such as 450/1000, found {part.strip()!r}")
        hertz, ms = tuple(float(f) for f in told[1].split("+")), int(told[2] or 0)
        if hertz == (0.0,):
            if not steps or steps[-1].off_ms:
                raise ToneError(f"expected a tone before the quiet {part.strip()!r}")
            steps[-1] = Step(steps[-1].hertz, steps[-1].on_ms, ms)
        elif not all(250 <= f <= 3400 for f in hertz):
            raise ToneError(f"expected frequencies of 250 to 3400 Hz, found {part.strip()!r}")
        else:
            steps.append(Step(hertz, ms, 0))
    if len(steps) > 1 and not all(s.on_ms for s in steps):
        raise ToneError(f"expected milliseconds with every tone, found {written!r}")
    return Cadence(kind, tuple(steps), max(least, len(steps)) if len(steps) > 1 else least)


LEAST = {"ringback": 1, "busy_tone": 3, "congestion_tone": 3, "dial_tone": 1, "info_tone": 3, "fax_tone": 1}
"""Bursts from which a kind is known. An info tone's three notes and a fax's call are unmistakable alone."""
FIXED = (
    *read_cadences("info_tone", "950/330,1400/330,1800/330,0/1000", LEAST["info_tone"]),
    *read_cadences("fax_tone", "1100/500,0/3000", 2),
    *read_cadences("fax_tone", "2100/0", 1),
)
KEYS = ((697, 770, 852, 941), (1209, 1336, 1477, 1633))


@dataclass(frozen=True)
class TonePlan:
    """What an exchange plays, as indications.conf writes it. The default is China's; info_tone: no such number (空号)."""

    ringback: str = "450/1000,0/4000"
    busy_tone: str = "450/350,0/350"
    congestion_tone: str = "450/700,0/700"
    dial_tone: str = "450/0"
    info_tone: str = "450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400"

    @cached_property
    def cadences(self) -> tuple[Cadence, ...]:
        """Raises ToneError."""
        told = [read_cadences(kind, written, LEAST[kind]) for kind, written in vars(self).items() if kind in LEAST]
        return (*(c for some in told for c in some), *FIXED)


CHINA = TonePlan()


@dataclass(frozen=True)
class Burst:
    """One tone between two silences. `cut`: it lies at a rim of the recording, so its length tells nothing."""

    start_ms: int
    end_ms: int
    steady: bool
    alone_before: bool
    alone_after: bool
    cut: bool

    @property
    def length_ms(self) -> int:
        return self.end_ms - self.start_ms


def find_tones(samples: NDArray[np.int16], rate: int, plan: TonePlan = CHINA) -> list[Tone]:
    """Tones in mono int16 audio [n], in order of time. A pressed key is `dtmf`; which key is not kept, it may be a card's."""
    import numpy as np

    chords = sorted({s.hertz for c in plan.cadences for s in c.steps})
    parts = [_Heard.of(block, chords) for block in blocks(samples, rate)]
    if not parts:
        return []
    heard = _Heard(*(np.concatenate([getattr(p, name) for p in parts], -1) for name in ("on", "band", "total", "key")))
    bursts = {chord: _bursts(heard.on[i], heard.band[i], heard.total) for i, chord in enumerate(chords)}
    found = [tone for cadence in plan.cadences for tone in _tones(cadence, bursts)]
    return sorted([*_least_doubtful(found), *_keys(heard)], key=lambda t: (t.stretch, t.kind))


@dataclass(frozen=True)
class _Heard:
    """Per frame: which chords sound alone [chords, n], their power, all power above the noise [n], the key or -1 [n]."""

    on: NDArray[np.bool_]
    band: NDArray[np.float32]
    total: NDArray[np.float32]
    key: NDArray[np.int8]

    @staticmethod
    def of(block: Block, chords: Sequence[tuple[float, ...]]) -> _Heard:
        import numpy as np

        excess = block.excess
        total = excess.sum(1)
        on, band = np.zeros((len(chords), len(total)), bool), np.zeros((len(chords), len(total)), np.float32)
        for i, chord in enumerate(chords):
            on[i], band[i] = _sounds(block, excess, total, chord)
        return _Heard(on, band, total, _key(block, excess, total))


def _near(block: Block, hertz: float) -> NDArray[np.int64]:
    import numpy as np

    return np.flatnonzero(np.abs(block.hertz - hertz) <= BAND_HZ)


def _sounds(
    block: Block, excess: NDArray[np.float32], total: NDArray[np.float32], chord: tuple[float, ...]
) -> tuple[NDArray[np.bool_], NDArray[np.float32]]:
    """Frames in which a chord's frequencies sound together and little else does; and their power."""
    import numpy as np

    rows = [_near(block, hertz) for hertz in chord]
    each = np.array([excess[:, row].sum(1) for row in rows])
    together = excess[:, np.unique(np.concatenate(rows))].sum(1)
    noise = np.array([block.noise[row].sum() for row in rows])
    on = (together > ALONE * total) & (each > OVER_NOISE * noise[:, None]).all(0) & (each.max(0) <= TWIST * each.min(0))
    for row, hertz, power in zip(rows, chord, each, strict=True):
        at = (excess[:, row] * block.hertz[row]).sum(1) / np.maximum(power, 1e-9)
        on &= np.abs(at - hertz) <= OFF_HZ
    return on, together


def _key(block: Block, excess: NDArray[np.float32], total: NDArray[np.float32]) -> NDArray[np.int8]:
    """The key whose two frequencies make up the frame; -1 where none does."""
    import numpy as np

    groups = [np.array([excess[:, _near(block, f)[:3]].sum(1) for f in group]) for group in KEYS]
    best = [g.argmax(0) for g in groups]
    power = [g.max(0) for g in groups]
    on = (power[0] + power[1] > ALONE * total) & (total > 0)
    on &= (power[0] <= TWIST * power[1]) & (power[1] <= TWIST * power[0])
    on &= np.minimum(*power) > OVER_NOISE * 3 * float(np.median(block.noise))
    return np.where(on, best[0] * 4 + best[1], -1).astype(np.int8)


def _runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Frames [start, end) of what is on, over gaps of at most BRIDGE_FRAMES, from LEAST_FRAMES."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate([[0], on.astype(np.int8), [0]]))).reshape(-1, 2)
    joined: list[tuple[int, int]] = []
    for start, end in edges.tolist():
        if joined and start - joined[-1][1] <= BRIDGE_FRAMES:
            start = joined.pop()[0]
        joined.append((start, end))
    return [(a, b) for a, b in joined if b - a >= LEAST_FRAMES]


def _bursts(on: NDArray[np.bool_], band: NDArray[np.float32], total: NDArray[np.float32]) -> list[Burst]:
    import numpy as np

    found = []
    for first, last in _runs(on):
        loud = np.flatnonzero(band[first:last] >= FADED * np.median(band[first:last]))
        start, end = first + int(loud[0]), first + int(loud[-1]) + 1  # a codec lets a tone ring on, faintly
        level = 10 * np.log10(np.maximum(band[start + 1 : max(end - 1, start + 2)], 1))
        most = EDGE * float(total[start:end].mean())
        before, after = total[max(0, start - EDGE_FRAMES) : start], total[end : end + EDGE_FRAMES]
        found.append(
            Burst(
                *(start * STEP_MS + 6, end * STEP_MS + 6, float(level.std()) <= STEADY_DB),
                *(
                    bool(before.min(initial=np.inf if len(before) else most) <= most),
                    bool(after.min(initial=np.inf if len(after) else most) <= most),
                ),
                cut=start <= 1 or end >= len(on) - 1,
            )
        )
    return found


def _fits(ms: int, wanted: int) -> bool:
    return abs(ms - wanted) <= max(LEAST_TOLERANCE_MS, TOLERANCE * wanted)


def _tones(cadence: Cadence, bursts: dict[tuple[float, ...], list[Burst]]) -> Iterator[Tone]:
    if len(cadence.steps) == 1 and not cadence.steps[0].on_ms:
        for b in bursts[cadence.steps[0].hertz]:
            if b.length_ms >= DIAL_MS and b.steady and (b.alone_before or b.alone_after):
                yield Tone(cadence.kind, Stretch(b.start_ms, b.end_ms), 1)
        return
    chords = {s.hertz for s in cadence.steps}
    mixed = sorted(((b, chord) for chord in chords for b in bursts[chord]), key=lambda x: x[0].start_ms)
    at = 0
    while at < len(mixed):
        taken = max((_walk(mixed, at, cadence, phase) for phase in range(len(cadence.steps))), default=0)
        if taken >= cadence.least:
            yield Tone(cadence.kind, Stretch(mixed[at][0].start_ms, mixed[at + taken - 1][0].end_ms), taken)
        at += max(1, taken)


def _walk(mixed: Sequence[tuple[Burst, tuple[float, ...]]], at: int, cadence: Cadence, phase: int) -> int:
    """How many bursts from `at` on keep the cadence from its step `phase` on, one of them at its full length."""
    n = wholes = 0
    while at + n < len(mixed):
        burst, chord = mixed[at + n]
        step = cadence.steps[(phase + n) % len(cadence.steps)]
        before = cadence.steps[(phase + n - 1) % len(cadence.steps)].off_ms
        if n and not _fits(burst.start_ms - mixed[at + n - 1][0].end_ms, before):
            break
        whole = _fits(burst.length_ms, step.on_ms) and burst.alone_after | (step.off_ms == 0)
        shortened = burst.length_ms < step.on_ms and (n > 0 or burst.cut)
        begins = burst.alone_before or (n > 0 and before == 0)
        if chord != step.hertz or not burst.steady or not begins or not (whole or shortened):
            break
        n, wholes = n + 1, wholes + whole
        if not whole and not (burst.cut and n == 1):
            break  # cut short by an answer: the last
    return n if wholes else 0


def _least_doubtful(found: Sequence[Tone]) -> list[Tone]:
    """Where two kinds claim one time, the one of more bursts: a busy tone's bursts are no rings."""
    kept: list[Tone] = []
    for tone in sorted(found, key=lambda t: (-t.bursts, t.stretch)):
        if not any(t.stretch.start_ms < tone.stretch.end_ms and tone.stretch.start_ms < t.stretch.end_ms for t in kept):
            kept.append(tone)
    return kept


def _keys(heard: _Heard) -> Iterator[Tone]:
    """Keys pressed within KEY_PAUSE_MS of each other, as one. A key stands alone; vowels that look like one do not."""
    pressed = [b for k in set(heard.key.tolist()) - {-1} for b in _bursts(heard.key == k, heard.total, heard.total)]
    pressed = sorted((b for b in pressed if b.steady and b.alone_before and b.alone_after), key=lambda b: b.start_ms)
    group: list[Burst] = []
    for one in [*pressed, None]:
        if group and (one is None or one.start_ms - group[-1].end_ms > KEY_PAUSE_MS):
            if len(group) > 1 or group[0].length_ms >= LONE_KEY_MS:
                yield Tone("dtmf", Stretch(group[0].start_ms, group[-1].end_ms), len(group))
            group = []
        if one is not None:
            group.append(one)
