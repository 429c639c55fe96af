"""What the atoms of an MP4 (M4A, 3GP, QuickTime) say before anyone follows them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MOST_ATOMS = 10_000
MOST_INDEX = 1 << 26  # bytes


def lacks_index(path: Path) -> bool:
    """Whether there is no index where one should be: it is written last, so a cut file has none."""
    with path.open("rb") as file:
        return all(name != b"moov" for name, _, _ in _atoms(file, 0, path.stat().st_size))


def more_follows(path: Path) -> bool:
    """Whether another film is appended, which no player plays."""
    with path.open("rb") as file:
        return sum(name == b"ftyp" for name, _, _ in _atoms(file, 0, path.stat().st_size)) > 1


def points_elsewhere(path: Path) -> bool:
    """Whether samples are to be taken from other files or addresses (a data reference that is not `in this file`)."""
    with path.open("rb") as file:
        for name, at, end in _atoms(file, 0, path.stat().st_size):
            if name == b"moov":
                file.seek(at)
                if _refers(file.read(min(end - at, MOST_INDEX))):
                    return True
    return False


def _refers(index: bytes) -> bool:
    found = index.find(b"dref")
    while found >= 0:
        entries, place = int.from_bytes(index[found + 8 : found + 12], "big"), found + 12
        for _ in range(min(entries, 64)):
            size = int.from_bytes(index[place : place + 4], "big")
            if place + 12 > len(index) or size < 12:
                break
            if not index[place + 11] & 1:
                return True
            place += size
        found = index.find(b"dref", found + 4)
    return False


def _atoms(file: BinaryIO, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name and extent of the content of each atom of the top level."""
    for _ in range(MOST_ATOMS):
        file.seek(at)
        head = file.read(16)
        if len(head) < 8 or at >= end:
            return
        size, header = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, header = int.from_bytes(head[8:16], "big"), 16
        size = end - at if size == 0 else size
        if size < header:
            return
        yield head[4:8], at + header, min(end, at + size)
        at += size
