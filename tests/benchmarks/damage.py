"""What damage costs: every format, damaged in every way, beside the same file whole.

    python tests/benchmarks/damage.py [--all]

`kept` is the share of the whole file's sound that is still at its time (20 ms by 20 ms); `lost` what the recording itself says.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[2]))

from qa_pipeline.recordings.decode import Recording, decode
from qa_pipeline.recordings.files import one_file
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.spool import RATE
from tests.encoded import FORMATS, HEADERLESS

BLOCK = RATE // 50  # 20 ms
QUIET = 60.0  # rms; differences below are no loss
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
            path = FORMATS[name](Path(folder, name))
            whole, raw = read(path), path.read_bytes()
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
    off = np.sqrt(((x - y) ** 2).mean(1))
    loud = np.sqrt((x**2).mean(1))
    return off < np.maximum(QUIET, 0.7 * loud)


def _lag(a: NDArray[np.float64], b: NDArray[np.float64]) -> int:
    """Samples by which b is later, at most 5 s, by correlation."""
    n = 1 << (2 * len(a)).bit_length()
    both = np.fft.irfft(np.fft.rfft(b, n) * np.conj(np.fft.rfft(a, n)), n)
    reach = 5 * RATE
    window = np.concatenate([both[-reach:], both[: reach + 1]])
    return int(np.argmax(window)) - reach


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    words.add_argument("--all", action="store_true", help="every file, not only where something is amiss")
    words.add_argument("names", nargs="*", default=list(FORMATS))
    told = words.parse_args()
    for one in outcomes(told.names):
        print(one, flush=True)


if __name__ == "__main__":
    main()
