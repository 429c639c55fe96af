"""How long an AMR frame is, by its first byte: in a file of its own, in a 3GP, narrow and wide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

NARROW = (13, 14, 16, 18, 20, 21, 27, 32, 6)
WIDE = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6)
"""Bytes of a frame by its mode, the last one silence (3GPP TS 26.101 and 26.201, storage format of RFC 4867)."""
NO_DATA = (14, 15)


def amr_length(sizes: tuple[int, ...]) -> Callable[[Any, int], int | None]:
    """Tells the bytes of the frame that begins at a place, None where none does."""

    def length(raw: Any, at: int) -> int | None:
        mode = raw[at] >> 3 & 15
        if raw[at] & 0x83 or not raw[at]:
            return None
        return sizes[mode] if mode < len(sizes) else 1 if mode in NO_DATA else None

    return length


def is_amr(data: bytes, wide: bool) -> bool:
    """Whether a container's packet is frames to its last byte."""
    at, length = 0, amr_length(WIDE if wide else NARROW)
    while at < len(data) and (own := length(data, at)):
        at += own
    return at == len(data)
