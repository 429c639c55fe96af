"""Pages of a file that were never written, in formats where any bytes are a sound: zeros where zeros are no silence, or
that begin and end where a page does."""

from __future__ import annotations

import re

PAGE = 4096
NEAR = 8  # bytes of true silence that may adjoin
SILENCE = {"pcm_alaw": b"\xd5", "pcm_mulaw": b"\xff"}
TELLING = re.compile(rb"\0{32,}")  # in G.711 and G.722 zeros are loud
LINEAR = ("pcm_", "adpcm_")


class Holes:
    """Watches the packets of one file go by. lost: seconds of zeros so far."""

    def __init__(self, codec: str) -> None:
        self._codec = codec
        self._loud = codec in SILENCE or codec == "g722"
        self._linear = not self._loud and codec.startswith(LINEAR)
        self._start: int | None = None  # of the run of zeros that goes on
        self.lost = 0.0

    def broken(self, data: bytes) -> bool:
        """Whether a packet of a compressed format is nothing but zeros."""
        return not self._loud and not self._linear and len(data) > 8 and not data.strip(b"\0")

    def silenced(self, data: bytes, seconds: float) -> bytes | None:
        """G.711 with silence for its holes; None where there is nothing to change."""
        if not self._loud or b"\0" * 32 not in data:
            return None
        zeros = sum(len(run) for run in TELLING.findall(data))
        self.lost += seconds * zeros / len(data)
        silence = SILENCE.get(self._codec)
        return TELLING.sub(lambda run: silence * len(run[0]), data) if silence else None

    def watch(self, data: bytes, position: int, seconds: float) -> None:
        """For linear samples: counts a run of zeros that fills whole pages of the file and nothing but those."""
        if not self._linear:
            return
        leading = len(data) - len(data.lstrip(b"\0"))
        if leading == len(data):
            self._start = position if self._start is None else self._start
            return
        if self._start is not None or leading >= PAGE:
            self._ended(position if self._start is None else self._start, position + leading, seconds / len(data))
        trailing = len(data) - len(data.rstrip(b"\0"))
        self._start = position + len(data) - trailing if trailing else None

    def _ended(self, start: int, end: int, seconds: float) -> None:
        first, last = -(-start // PAGE) * PAGE, end // PAGE * PAGE
        if last > first and first - start <= NEAR and end - last <= NEAR:
            self.lost += (last - first) * seconds
