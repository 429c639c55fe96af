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
    import numpy as np

    if path.stat().st_size == 0:
        return Failure(path, "empty", "the file holds no bytes; fetch it again")
    digest = content_hash(path)
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "file"}
    try:
        with av.open(str(path), options=options, metadata_errors="replace") as container:
            if not container.streams.audio:
                return Failure(path, "not_audio", f"a {container.format.name} file without an audio stream")
            stream = container.streams.audio[0]
            codec, channels = stream.codec_context.name, min(2, stream.channels)
            chunks, lost = _frames(container, stream, channels)
    except (av.error.InvalidDataError, av.error.ArgumentError) as problem:
        return Failure(path, "not_audio", f"not a recording in a known format ({problem.strerror})")
    except (OSError, av.error.FFmpegError) as problem:
        return Failure(path, "unreadable", str(problem))
    if not chunks:
        return Failure(path, "empty", "a header without sound; fetch the file again")
    samples = np.concatenate(chunks, 1)
    lost_ms = round(1000 * lost)
    if short := _shortfall(path, samples.shape[1] / RATE):
        return Failure(path, "truncated", short)
    flags = _flags(samples)
    return Recording(path, digest, samples, RATE, codec, samples.shape[1] * 1000 // RATE, lost_ms, flags)


def _frames(container: Any, stream: Any, channels: int) -> tuple[list[NDArray[np.int16]], float]:
    """int16 pieces [channels, n] at 8 kHz, and the seconds of packets that could not be decoded."""
    import av
    from av.audio.resampler import AudioResampler

    resampler = AudioResampler(format="s16p", layout="stereo" if channels == 2 else "mono", rate=RATE)
    pieces: list[Any] = []
    lost = 0.0
    for packet in _packets(container, stream):
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            lost += float((packet.duration or 0) * (packet.time_base or 0))
            continue
        pieces += [out.to_ndarray() for frame in frames for out in resampler.resample(frame)]
    if pieces:
        pieces += [out.to_ndarray() for out in resampler.resample(None)]
    return pieces, lost


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """Packets up to the end, or to where the container itself is broken."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.error.FFmpegError):
            return


def _shortfall(path: Path, seconds: float) -> str | None:
    """What a WAV's header promises beyond what is there; streaming headers (0, 0xFFFFFFFF) promise nothing."""
    with path.open("rb") as file:
        head = file.read(4096)
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
