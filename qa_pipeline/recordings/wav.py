"""What a WAV's chunks say, and a clean header where they say too little."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MOST_CHUNKS = 1000
STREAMING = (0, 0xFFFFFFFF)  # a length that a recorder writes before it knows
FORGOTTEN = 1 << 16  # bytes after the samples that are no chunk: a recorder that died before it wrote the length
COPIED = 1 << 20  # bytes at a time


@dataclass(frozen=True)
class Wav:
    """form: the content of the format chunk. pieces: where samples lie, and how many bytes. missing: bytes that are declared
    beyond the end. plain: FFmpeg reads it as it stands."""

    form: bytes
    pieces: tuple[tuple[int, int], ...]
    missing: int
    plain: bool

    def missing_s(self, seconds: float) -> float:
        """Of what is declared, the seconds that are not there, where what is there lasts `seconds`; by the header's byte rate,
        unless it is far from true."""
        rate, there = int.from_bytes(self.form[8:12], "little"), sum(length for _, length in self.pieces)
        sound = rate and 0.8 < rate * seconds / max(1, there) < 1.25
        return self.missing / rate if sound else seconds * self.missing / max(1, there)


def survey(path: Path) -> Wav | None:
    """None where there is no format or no sample. Further files appended to a WAV of the same format are pieces of it."""
    size = path.stat().st_size
    form, pieces, missing, plain = b"", list[tuple[int, int]](), 0, True
    with path.open("rb") as file:
        for name, at, length in _chunks(file, size):
            if name == b"fmt ":
                file.seek(at)
                content = file.read(min(length, 1024))
                if form and content != form:
                    plain = False
                    break
                form = content
            elif name == b"data":
                there = min(size - at, length)
                pieces.append((at, there))
                missing += length - there
            elif length < 4 and name == b"LIST" and not pieces:
                plain = False  # FFmpeg takes the next chunk's name for its content
        rest = size - sum(pieces[-1]) if pieces else 0
        if pieces and rest > max(8, min(FORGOTTEN, 16 * pieces[-1][1])) and not _is_chunk(file, sum(pieces[-1]), size):
            pieces[-1] = (pieces[-1][0], size - pieces[-1][0])
            plain = False
    pieces = [(at, length) for at, length in pieces if length]
    return Wav(form, tuple(pieces), missing, plain and len(pieces) < 2) if form and pieces else None


def mend_wav(path: Path, wav: Wav, target: Path) -> None:
    """Writes `target`: one header and all samples."""
    with path.open("rb") as file, target.open("xb") as made:
        made.write(b"RIFF\xff\xff\xff\xffWAVEfmt " + len(wav.form).to_bytes(4, "little") + wav.form + b"data\xff\xff\xff\xff")
        for at, length in wav.pieces:
            file.seek(at)
            _copy(file, made, length)


def _copy(file: BinaryIO, made: BinaryIO, length: int) -> None:
    while length > 0 and (block := file.read(min(length, COPIED))):
        made.write(block)
        length -= len(block)


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, where its content begins, and the declared length of each chunk; of a WAV that follows, too."""
    at = 12
    for _ in range(MOST_CHUNKS):
        file.seek(at)
        head = file.read(12)
        if len(head) < 8:
            return
        if head[:4] == b"RIFF" and head[8:] == b"WAVE":
            at += 12
            continue
        length = int.from_bytes(head[4:8], "little")
        if head[:4] == b"data" and length in STREAMING:
            length = size - at - 8
        yield head[:4], at + 8, length
        at += 8 + length + length % 2


def _is_chunk(file: BinaryIO, at: int, size: int) -> bool:
    """Whether what stands there is a chunk that fits into the file."""
    for place in (at, at + at % 2):
        file.seek(place)
        head = file.read(8)
        name, length = head[:4], int.from_bytes(head[4:], "little")
        if len(head) == 8 and name.isascii() and name.decode().isprintable() and place + 8 + length <= size:
            return True
    return False
