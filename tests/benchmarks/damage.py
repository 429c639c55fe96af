"""What damage costs: every format, damaged in every way, beside the same file whole.

    python tests/benchmarks/damage.py [--all]

`kept` is the share of the whole file's sound that is still at its time (20 ms by 20 ms); `lost` what the recording itself says.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from qa_pipeline.recordings.decode import Recording, decode
from qa_pipeline.recordings.files import one_file
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.spool import RATE
from tests.encoded import FORMATS, HEADERLESS, encoded

BLOCK = RATE // 50  # 20 ms
QUIET, NOISE = 60.0, 300.0  # rms; differences below the one are no loss, nor levels alike below the other
Damage = Callable[[bytes], bytes]


def flipped(raw: bytes) -> bytes:
    """Four bits within one packet."""
    made = bytearray(raw)
    for bit in (3, 90, 170, 300):
        made[len(raw) // 2 + bit // 8] ^= 1 << bit % 8
    return bytes(made)


def zeroed(raw: bytes, size: int = 4096) -> bytes:
    """A page that was never written to disk."""
    at = int(0.6 * len(raw)) // size * size
    return raw[:at] + bytes(size) + raw[at + size :]


def garbled(raw: bytes, size: int = 512) -> bytes:
    at = int(0.4 * len(raw))
    return raw[:at] + random.Random(4).randbytes(size) + raw[at + size :]


def cut(raw: bytes) -> bytes:
    return raw[: int(0.9 * len(raw))]


def gap(raw: bytes, size: int = 4096) -> bytes:
    """Bytes that are not there at all."""
    at = int(0.3 * len(raw)) // size * size
    return raw[:at] + raw[at + size :]


def doubled(raw: bytes, size: int = 4096) -> bytes:
    at = int(0.7 * len(raw)) // size * size
    return raw[:at] + raw[at - size : at] + raw[at:]


def appended(raw: bytes) -> bytes:
    """Two files in one, as a copy with >> makes them."""
    return raw + raw


def headless(raw: bytes) -> bytes:
    """The first kilobyte is not there."""
    return raw[1024:]


def trailed(raw: bytes) -> bytes:
    return raw + b"\n</body></html>\n" * 20


GENERAL: tuple[Damage, ...] = (flipped, garbled, zeroed, gap, doubled, cut, appended, headless, trailed)


def pages(raw: bytes) -> list[bytes]:
    """Of an Ogg."""
    found, at = list[bytes](), 0
    while at < len(raw):
        end = at + 27 + raw[at + 26] + sum(raw[at + 27 : at + 27 + raw[at + 26]])
        found.append(raw[at:end])
        at = end
    return found


def swapped_pages(raw: bytes) -> bytes:
    p = pages(raw)
    half = len(p) // 2
    return b"".join([*p[:half], p[half + 1], p[half], *p[half + 2 :]])


def doubled_page(raw: bytes) -> bytes:
    p = pages(raw)
    return b"".join([*p[: len(p) // 2], p[len(p) // 2], *p[len(p) // 2 :]])


def lost_page(raw: bytes) -> bytes:
    p = pages(raw)
    return b"".join([*p[: len(p) // 2], *p[len(p) // 2 + 1 :]])


def no_first_page(raw: bytes) -> bytes:
    return b"".join(pages(raw)[1:])


def wav_length(length: int) -> Damage:
    def told(raw: bytes) -> bytes:
        at = raw.index(b"data") + 4
        return raw[:at] + length.to_bytes(4, "little") + raw[at + 4 :]

    told.__name__ = f"length_{length:x}"
    return told


def no_format(raw: bytes) -> bytes:
    return raw.replace(b"fmt ", b"junk", 1)


def empty_chunk(raw: bytes) -> bytes:
    """A chunk of no length before the samples."""
    at = raw.index(b"data")
    return raw[:at] + b"LIST" + bytes(4) + raw[at:]


def patched(name: str, at: int, value: bytes) -> Damage:
    def damage(raw: bytes) -> bytes:
        return raw[:at] + value + raw[at + len(value) :]

    damage.__name__ = name
    return damage


def no_index(raw: bytes) -> bytes:
    return raw.replace(b"moov", b"xxxx", 1)


def elsewhere(raw: bytes) -> bytes:
    """The samples are in another file, says the index."""
    at = raw.index(b"url \0\0\0\1")
    return raw[: at + 7] + b"\0" + raw[at + 8 :]


def days(raw: bytes) -> bytes:
    """A FLAC that tells of more samples than a hundred days have."""
    return raw[:21] + bytes([raw[21] | 0x0F]) + b"\xff" * 4 + raw[26:]


SPECIAL: dict[str, tuple[Damage, ...]] = {
    "pcm16.wav": (
        *(wav_length(n) for n in (0, 0xFFFFFFFF, 100)),
        *(no_format, empty_chunk),
        patched("rate_1", 24, (1).to_bytes(4, "little")),
        patched("rate_1e9", 24, (10**9).to_bytes(4, "little")),
        patched("channels_255", 22, (255).to_bytes(2, "little")),
        patched("channels_0", 22, bytes(2)),
        patched("align_0", 32, bytes(2)),
    ),
    "a.opus": (swapped_pages, doubled_page, lost_page, no_first_page),
    "a.spx": (swapped_pages, doubled_page, lost_page, no_first_page),
    "a.m4a": (no_index, elsewhere),
    "a.amr": (patched("no_signature", 0, bytes(6)), patched("wrong_size_byte", 6 + 32 * 500, b"\x7c")),
    "a.gsm": (patched("wrong_signature", 33 * 600, b"\x11"),),
    "a.flac": (days,),
}


@dataclass(frozen=True)
class Outcome:
    """Of one damaged file. share: of the sound kept; none where it is a Failure."""

    name: str
    damage: str
    made: Recording | Failure | Exception
    kept: float | None = None
    late_ms: float = 0.0
    before_ms: int = 0

    def __str__(self) -> str:
        if isinstance(self.made, Failure):
            return f"{self.name:10} {self.damage:16} {self.made.reason}: {self.made.detail[:90]}"
        if isinstance(self.made, Exception):
            return f"{self.name:10} {self.damage:16} RAISED {self.made!r}"
        told = f"lost {self.made.lost_ms:5} ms, {self.made.duration_ms} ms of {self.before_ms}, late {self.late_ms:+.0f} ms"
        return f"{self.name:10} {self.damage:16} kept {100 * (self.kept or 0):6.2f} %  {told}  {' '.join(self.made.flags)}"


def read(path: Path) -> Recording | Failure:
    return decode(one_file(path), Path(tempfile.mkdtemp(dir=path.parent)), HEADERLESS)


def outcomes(names: list[str]) -> Iterator[Outcome]:
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path, raw = Path(folder, name), encoded(name)
            path.write_bytes(raw)
            whole = read(path)
            assert isinstance(whole, Recording), whole
            for damage in (*GENERAL, *SPECIAL.get(name, ())):
                path.write_bytes(damage(raw))
                try:
                    made = read(path)
                except Exception as problem:
                    yield Outcome(name, damage.__name__, problem)
                    continue
                if isinstance(made, Failure):
                    yield Outcome(name, damage.__name__, made)
                else:
                    yield Outcome(name, damage.__name__, made, *compared(whole, made), whole.duration_ms)


def compared(whole: Recording, hurt: Recording) -> tuple[float, float]:
    """The share of 20 ms blocks that sound as before, and by how many milliseconds the last third is late."""
    a, b = (np.array(r.samples[0], np.float64) for r in (whole, hurt))
    length = min(len(a), len(b)) // BLOCK * BLOCK
    late = _lag(a[length * 2 // 3 : length], b[length * 2 // 3 : length])
    x, y = a[:length].reshape(-1, BLOCK), b[:length].reshape(-1, BLOCK)
    same = _same(x, y)
    if late:  # what follows damage in a file without clock or check is all there, if not at its time
        moved = np.roll(b, -late)[:length].reshape(-1, BLOCK)
        same |= _same(x, moved)
    return float(same.sum() / (len(a) // BLOCK)), 1000 * late / RATE


def _same(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.bool_]:
    off, loud, now = (np.sqrt((z**2).mean(1)) for z in (x - y, x, y))
    noise = (loud < NOISE) & (now < 1.4 * loud) & (now > 0.7 * loud)  # AMR's silence is noise by chance: its level is all
    return np.asarray((off < np.maximum(QUIET, 0.7 * loud)) | noise, bool)


def _lag(a: NDArray[np.float64], b: NDArray[np.float64]) -> int:
    """Samples by which b is later, at most 5 s, by correlation."""
    n = 1 << (2 * len(a)).bit_length()
    both = np.fft.irfft(np.fft.rfft(b, n) * np.conj(np.fft.rfft(a, n)), n)
    reach = 5 * RATE
    window = np.concatenate([both[-reach:], both[: reach + 1]])
    return int(np.argmax(window)) - reach


ONE_PACKET = ("flipped", "swapped_pages", "doubled_page", "wrong_size_byte", "wrong_signature")
"""Damages that leave all packets but one as they were."""
UNTELLING = ("pcm", "float", "alaw", "mulaw", "wav49", "g722", "a.ul", "a.al", "a.sln", "a.g722", "a.aiff", "a.au")
"""Formats in which any bytes are a sound: what was overwritten cannot be told from what was said."""
UNCOUNTED = (".gsm", ".aac", ".amr", ".awb", ".ul", ".al", ".sln", ".sln16", ".g722")
"""Suffixes of files whose header, if any, promises no length: where they were cut, only the frame in two halves tells."""
MEMORY_MS = {"a.spx": 1_100}
"""Sound after a loss that still differs, since codecs build on what went before; longer where bits are random. Else 300."""


def untold(one: Outcome) -> bool:
    """Whether more is gone than the recording says, or will ever be able to say.

    Bytes that are missing or doubled between whole frames leave no trace where nothing counts them; nor does a changed byte
    where any byte is a sound.
    """
    if one.kept is None or not isinstance(one.made, Recording):
        return False
    if one.damage == "cut":
        return "truncated" not in one.made.flags and not one.name.endswith(UNCOUNTED)
    traceless = one.damage in ("gap", "doubled", "headless") or (one.name.startswith(UNTELLING) and one.damage != "zeroed")
    gone = (1 - one.kept) * one.before_ms
    return not traceless and gone > one.made.lost_ms + MEMORY_MS.get(one.name, 300)


def main(words: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--all", action="store_true", help="every file, not only the sums")
    parser.add_argument("names", nargs="*", default=list(FORMATS), help="formats, such as a.opus")
    told = parser.parse_args(words)
    seen = list[Outcome]()
    for one in outcomes(told.names):
        seen.append(one)
        if told.all or isinstance(one.made, Exception):
            print(one, flush=True)
    kinds = {one.damage for one in seen}
    raised = [one for one in seen if isinstance(one.made, Exception)]
    failed = [one for one in seen if isinstance(one.made, Failure)]
    single = sorted((one for one in seen if one.damage in ONE_PACKET and one.kept is not None), key=lambda one: one.kept or 0)
    silent = [one for one in seen if untold(one)]
    print(f"damage: {len(seen)} files, {len(kinds)} kinds of damage, {len(told.names)} formats; {len(raised)} exceptions")
    print(f"  one bad packet: at least {100 * min((one.kept or 0 for one in single), default=1):.2f} % kept; goal 99.5 %")
    print(f"    least: {single[0] if single else '-'}")
    print(f"  losses not told: {len(silent)}; goal 0")
    for one in silent:
        print(f"    {one}")
    print(f"  not read, each with its reason: {len(failed)}")
    for reason in sorted({one.made.reason for one in failed if isinstance(one.made, Failure)}):
        those = [f"{one.name} {one.damage}" for one in failed if isinstance(one.made, Failure) and one.made.reason == reason]
        print(f"    {reason}: {len(those)}, such as {'; '.join(those[:3])}")
    wrong = misread()
    print(f"  headerless files misread: {wrong} of {len(HEADERLESS) * len(NAMES)}; goal 0")
    kept = min((one.kept or 0 for one in single), default=1)
    return int(bool(raised or silent or wrong) or kept < 0.995)


NAMES = (".wav", ".mp3", ".opus", ".gsm", ".amr", ".m4a", ".aac", ".flac", ".raw")


def misread() -> int:
    """Headerless samples under other names and undeclared, that are read as anything."""
    count = 0
    for suffix in HEADERLESS:
        for name in NAMES:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, f"a{name}")
                path.write_bytes(encoded(f"a{suffix}"))
                spool = Path(folder, "spool")
                spool.mkdir()
                count += isinstance(decode(one_file(path), spool), Recording)
    return count


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
