"""Ogg pages put right before they are read: FFmpeg drops a page of a second of sound for one wrong bit."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LARGEST = 65_307  # bytes of a page
HEADER = 27  # bytes of a page before its table
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class _Page:
    """serial and sequence as its header tells; first: it begins a stream."""

    data: bytes
    serial: int
    sequence: int
    first: bool
    whole: bool


def page_sum(page: bytes) -> int:
    """The check sum of a page whose own field is zero: CRC-32 without its inversions, from the other end of each byte."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


def mend_ogg(path: Path, target: Path) -> int | None:
    """Writes `target` with pages in order, each once, and their sums put right; None where nothing is to be mended.

    Returns how many pages had a wrong sum: at least a packet of each is damaged.
    """
    import mmap

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as raw:
        wrong, last, orderly = 0, (-1, -1), True
        for page in _pages(raw):
            wrong += not page.whole
            orderly = orderly and (page.first or page.serial != last[0] or page.sequence == last[1] + 1)
            last = (page.serial, page.sequence)
        if not wrong and orderly:
            return None
        with target.open("xb") as made:
            for page in _ordered(_pages(raw)):
                made.write(page.data)
    return wrong


def cut_ogg(path: Path) -> bool:
    """Whether the last page is not there in full."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - LARGEST))
        tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    table = page[HEADER : HEADER + page[26]] if len(page) >= HEADER else b""
    end = HEADER + len(table) + sum(table)
    return not table or len(page) < end or (len(page) > end and b"OggS".startswith(page[end : end + 4]))


def _pages(raw: Any) -> Iterator[_Page]:
    """Every page whose table of lengths leads to the next one or to the end."""
    at = raw.find(b"OggS")
    while at >= 0:
        head = raw[at : at + HEADER]
        table = raw[at + HEADER : at + HEADER + head[26]] if len(head) == HEADER else b""
        end = at + HEADER + len(table) + sum(table)
        follows = raw.find(b"OggS", at + 4)
        if len(head) == HEADER and not head[4] and end <= len(raw):  # version 0
            data = raw[at:end]
            bare = data[:22] + bytes(4) + data[26:]
            total = page_sum(bare).to_bytes(4, "little")
            whole = total == head[22:26]
            if whole or end == (len(raw) if follows < 0 else follows):
                serial, sequence = (int.from_bytes(head[i : i + 4], "little") for i in (14, 18))
                yield _Page(data[:22] + total + data[26:], serial, sequence, bool(head[5] & 2), whole)
                follows = end if raw[end : end + 4] == b"OggS" else raw.find(b"OggS", end)
        at = follows


def _ordered(pages: Iterator[_Page]) -> Iterator[_Page]:
    """In the order of their numbers within a stream, each number once; a page out of place is waited for, but not long."""
    waiting: dict[int, _Page] = {}
    expected, serial = 0, None
    for page in pages:
        if page.first or page.serial != serial:
            yield from (waiting[n] for n in sorted(waiting))
            waiting, expected, serial = {}, page.sequence, page.serial
        if page.sequence < expected or page.sequence in waiting:
            continue
        waiting[page.sequence] = page
        while expected in waiting or len(waiting) > 3:
            number = min(waiting)
            yield waiting.pop(number)
            expected = number + 1
    yield from (waiting[n] for n in sorted(waiting))
