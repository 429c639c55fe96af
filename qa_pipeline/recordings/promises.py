"""What a file's header promises, beside what is there: cut files are known by it, and films that point elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

HEADER = 1 << 16  # bytes; a WAV's chunks before its samples take less
MOST_ATOMS = 10_000
STREAMING = (0, 0xFFFFFFFF)  # a length that a recorder writes before it knows


def cut_wav(path: Path) -> float | None:
    """The share of its declared samples that a WAV holds, where that is less than all."""
    size, block = path.stat().st_size, 1
    with path.open("rb") as file:
        for name, at, length in _chunks(file):
            if name == b"fmt ":
                file.seek(at + 12)
                block = int.from_bytes(file.read(2), "little") or 1
            if name == b"data":
                there = (size - at) // block * block
                return there / length if length not in STREAMING and there < length else None
    return None


def wav_stops_before_sound(path: Path) -> bool:
    """Whether a WAV ends within its header, or declares that it holds nothing."""
    size = path.stat().st_size
    with path.open("rb") as file:
        data = [at for name, at, _ in _chunks(file) if name == b"data"]
    return not data or data[0] >= size


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Name, where its content begins, and the declared length of each chunk of a WAV up to `data`."""
    at = 12
    while at < HEADER:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], "little")
        yield head[:4], at + 8, length
        if head[:4] == b"data":
            return
        at += 8 + length + length % 2


def cut_ogg(path: Path) -> bool:
    """Whether the last page of an Ogg is not there in full."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 66_000))  # a page has at most 65,307 bytes
        tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    segments = page[27 : 27 + page[26]] if len(page) > 26 else b""
    return not segments or len(page) != 27 + page[26] + sum(segments)


def promises_frames(path: Path) -> bool:
    """Whether an MP3 counts its frames in its first one (Xing, Info); without, FFmpeg guesses its length from a bit rate."""
    with path.open("rb") as file:
        head = file.read(HEADER)
    return b"Xing" in head or b"Info" in head[:4096]


def lacks_index(path: Path) -> bool:
    """Whether an MP4 has no index: it is written last, so a file without one was cut."""
    with path.open("rb") as file:
        return all(name != b"moov" for name, _, _ in _atoms(file, 0, path.stat().st_size))


def points_elsewhere(path: Path) -> bool:
    """Whether an MP4 takes samples from other files or addresses."""
    with path.open("rb") as file:
        for name, at, end in _atoms(file, 0, path.stat().st_size):
            if name != b"moov":
                continue
            file.seek(at)
            index = file.read(min(end - at, 1 << 26))
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
    """Name and extent of the content of each atom of an MP4's top level."""
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
