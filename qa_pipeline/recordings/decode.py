"""A file's samples. Files are hostile: only audio containers, only this file; a damaged packet costs only itself."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_pipeline.recordings.find import Failure

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 8000
CONTAINERS = "wav,mp3,ogg,gsm,mov,aac,amr,amrnb,amrwb,flac,w64,aiff,au"
WHOLE = 0.98  # of what the header declares
GAP = 0.03  # seconds between frames that are more than rounding
HEADER = 4096  # bytes; a WAV's chunks before its samples take less


@dataclass(frozen=True)
class Recording:
    """samples: int16 [channels, n] at `rate`. flags: mono, same_channels, silent_channel_0, silent_channel_1."""

    path: Path
    sha256: str
    samples: NDArray[np.int16]
    rate: int
    codec: str
    duration_ms: int
    lost_ms: int
    flags: tuple[str, ...]


def content_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def decode(path: Path) -> Recording | Failure:
    """The whole recording at 8 kHz, or why not. Two channels stay two; of more, the first two are taken."""
    import av

    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        if path.stat().st_size == 0:
            return Failure(path, "empty", "the file holds no bytes; fetch it again")
        digest = content_hash(path)
        with av.open(str(path), options=options, metadata_errors="replace") as container:
            if not container.streams.audio:
                return Failure(path, "not_audio", f"a {container.format.name} file without an audio stream")
            stream = container.streams.audio[0]
            codec, told = stream.codec_context.name, _told_seconds(container)
            samples, lost = _samples(container, stream)
        short = None if samples is None else _shortfall(path, samples.shape[1] / RATE, told)
    except FileNotFoundError:
        return Failure(path, "missing", "it was there and is gone; was it moved during the run?")
    except (av.error.InvalidDataError, av.error.ArgumentError) as problem:
        return _not_opened(path, problem.strerror)
    except (OSError, av.error.FFmpegError) as problem:
        return Failure(path, "unreadable", str(problem))
    if samples is None:
        return Failure(path, "empty", "a header without sound; fetch the file again")
    if short:
        return Failure(path, "truncated", short)
    duration_ms = samples.shape[1] * 1000 // RATE
    return Recording(path, digest, samples, RATE, codec, duration_ms, round(1000 * lost), _flags(samples))


def _not_opened(path: Path, said: str | None) -> Failure:
    """FFmpeg calls a WAV that stops within its header invalid; a header is no wrong format, it is half a file."""
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] == b"RIFF" and head[8:] in (b"WAVE", b"") and path.stat().st_size < HEADER:
        return Failure(path, "empty", "a WAV header without sound; fetch the file again")
    return Failure(path, "not_audio", f"not a recording in a known format ({said})")


def _samples(container: Any, stream: Any) -> tuple[NDArray[np.int16] | None, float]:
    """int16 [channels, n] at 8 kHz, None if there are none, and the seconds that are missing between what could be decoded.

    By the time that each frame says: what is missing becomes silence of its length, and what follows keeps its time.
    """
    import numpy as np
    from av.audio.resampler import AudioResampler

    resampler = AudioResampler(format="s16p", rate=RATE)
    pieces: list[Any] = []
    clock, lost, first = 0.0, 0.0, None
    for frame, skipped in _decoded(_packets(container, stream), container.format.name == "mp3"):
        first = frame.time if first is None else first
        gap = 0.0 if frame.time is None or first is None else frame.time - first + skipped - clock
        if gap > GAP:
            pieces.append(np.zeros((min(2, frame.layout.nb_channels), round(gap * RATE)), np.int16))
            lost += gap
            clock += gap
        clock += frame.samples / frame.sample_rate
        frame.pts = None  # the resampler is to join, not to place
        pieces += [out.to_ndarray()[:2] for out in resampler.resample(frame)]
    if pieces:
        pieces += [out.to_ndarray()[:2] for out in resampler.resample(None)]
    samples = np.concatenate(pieces, 1) if pieces else None
    return (None if samples is None or not samples.shape[1] else samples), lost


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Packets up to the end, or to where the container itself is broken."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.error.FFmpegError):
            return


def _decoded(packets: Iterator[Any], by_bytes: bool) -> Iterator[tuple[Any, float]]:
    """Frames, each with the seconds that its own time leaves out: an MP3 has no clock but the count of its packets, so
    bytes between two good ones stand for as many packets as fit there."""
    import av

    skipped, end, size, n = 0.0, None, 0, 0
    for packet in packets:
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            frames = None
        if by_bytes and packet.pos is not None and packet.duration:
            hole = max(0, packet.pos - (packet.pos if end is None else end)) + (packet.size if frames is None else 0)
            if hole and n:
                skipped += max(0, round(hole * n / size) - (frames is None)) * float(packet.duration * packet.time_base)
            if frames is not None:
                size, n = size + packet.size, n + 1
            end = packet.pos + packet.size
        yield from ((frame, skipped) for frame in frames or ())


def _told_seconds(container: Any) -> float | None:
    """The length that a header tells; FFmpeg takes an Ogg's from its last page, which a cut file lacks."""
    told = container.duration if container.format.name in ("mp3", "mov,mp4,m4a,3gp,3g2,mj2", "flac") else None
    return told / 1_000_000 if told else None


def _shortfall(path: Path, seconds: float, told: float | None) -> str | None:
    """What the header, or an Ogg's last page, promises beyond what is there."""
    if told and seconds < WHOLE * told:
        return f"{seconds:.1f} s of {told:.1f} s are there; fetch the file again"
    return _cut_wav(path, seconds) or _cut_ogg(path, seconds)


def _cut_ogg(path: Path, seconds: float) -> str | None:
    """Whether the last page is there in full, with nothing begun after it."""
    with path.open("rb") as file:
        if file.read(4) != b"OggS":
            return None
        file.seek(max(0, path.stat().st_size - 66_000))  # a page has at most 65,307 bytes
        tail = file.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    segments = page[27 : 27 + page[26]] if len(page) > 26 else b""
    if segments and len(page) == 27 + page[26] + sum(segments):
        return None
    return f"{seconds:.1f} s are there and the last page is cut; fetch the file again"


def _cut_wav(path: Path, seconds: float) -> str | None:
    """What a WAV's header promises beyond what is there; streaming headers (0, 0xFFFFFFFF) promise nothing."""
    with path.open("rb") as file:
        head = file.read(HEADER)
    at = head.find(b"data")
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE" or at < 0 or at + 8 > len(head):
        return None
    declared = int.from_bytes(head[at + 4 : at + 8], "little")
    there = path.stat().st_size - at - 8
    if declared in (0, 0xFFFFFFFF) or there >= WHOLE * declared:
        return None
    whole = seconds * declared / max(1, there)
    return f"{seconds:.1f} s of {whole:.1f} s are there; fetch the file again"


def _flags(samples: NDArray[np.int16]) -> tuple[str, ...]:
    import numpy as np

    if len(samples) == 1:
        return ("mono",)
    if np.array_equal(samples[0], samples[1]):
        return ("same_channels",)
    peaks = np.abs(samples.astype(np.int32)).max(1)
    return tuple(f"silent_channel_{i}" for i in range(2) if peaks[i] < 33)  # -60 dBFS
