"""Headers of MP3 and AAC frames, which have no container: how long each is, and what the first of a file promises."""

from __future__ import annotations

from pathlib import Path

_KBITS = {  # by whether it is MPEG 1; layer III
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}  # by version bits
HEAD = 1 << 16  # bytes


def mp3_length(header: bytes) -> int | None:
    """Bytes of an MPEG layer III frame, from its first four; None where this is no header of one."""
    version, kbits, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if header[0] != 0xFF or header[1] & 0xE6 != 0xE2 or version == 1 or kbits in (0, 15) or rate == 3:
        return None
    first = version == 3
    return (144 if first else 72) * 1000 * _KBITS[first][kbits] // _RATES[version][rate] + (header[2] >> 1 & 1)


def adts_length(header: bytes) -> int | None:
    """Bytes of an AAC frame, from its first six; None where this is no header of one."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return None
    size = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return size if size > 7 else None


def promised_seconds(path: Path) -> float | None:
    """The length that an MP3's first frame tells (Xing, Info: a count of frames); without, any length is a guess."""
    with path.open("rb") as file:
        tag = file.read(10)
        if tag[:3] == b"ID3":
            file.seek(10 + sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:10], (21, 14, 7, 0), strict=False)))
        else:
            file.seek(0)
        head = file.read(HEAD)
    found = min((at for at in (head.find(b"Xing"), head.find(b"Info")) if at >= 0), default=None)
    start = None if found is None else head.rfind(b"\xff", 0, found)
    if found is None or start is None or start < 0 or found - start > 64 or not head[found + 7] & 1:
        return None
    version, rate = head[start + 1] >> 3 & 3, head[start + 2] >> 2 & 3
    if mp3_length(head[start : start + 4]) is None:
        return None
    return int.from_bytes(head[found + 8 : found + 12], "big") * (1152 if version == 3 else 576) / _RATES[version][rate]
