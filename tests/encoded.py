"""A minute of a call in every format that is read, made in the tests: encoded where an encoder is at hand, else by hand."""

from __future__ import annotations

import functools
import random
import struct
import wave
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.recordings.formats import Headerless
from tests.spoken import PCM, SAMPLES

WAV49 = SAMPLES / "cs-04-mono-mediocre.wav"
HEADERLESS = {
    ".ul": Headerless("mulaw", 8000),
    ".al": Headerless("alaw", 8000, 2),
    ".sln": Headerless("s16", 8000),
    ".sln16": Headerless("s16", 16000),
    ".g722": Headerless("g722", 16000),
}


@functools.cache
def spoken_samples() -> NDArray[np.int16]:
    """int16 [2, n] at 8 kHz, 61 s."""
    with wave.open(str(PCM)) as told:
        once = np.frombuffer(told.readframes(told.getnframes()), np.int16).reshape(-1, 2).T
    return np.concatenate([once, once], 1)


def encode(
    path: Path, codec: str, channels: int = 1, rate: int = 8000, bits: int = 0, container: str | None = None, **options: str
) -> Path:
    """By PyAV's encoder `codec`."""
    import av
    from av.audio.resampler import AudioResampler

    layout = ("mono", "stereo")[channels - 1]
    samples = np.ascontiguousarray(spoken_samples()[:channels].T.reshape(1, -1))
    frame: Any = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
    frame.sample_rate = 8000
    with av.open(str(path), "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=rate, options=options)
        stream.layout = layout
        if bits:
            stream.bit_rate = bits
        kind, size = stream.codec_context.format, stream.codec_context.frame_size
        resampler = AudioResampler(format=kind, layout=layout, rate=rate, frame_size=size or 4096)
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return path


def wav49(path: Path) -> Path:
    path.write_bytes(WAV49.read_bytes())
    return path


def raw_gsm(path: Path) -> Path:
    """The frames of a WAV49, each of its pairs packed as two: other bit order, and a signature in the first half byte."""
    raw = WAV49.read_bytes()
    at = raw.index(b"data") + 8
    widths = (6, 6, 5, 5, 4, 4, 3, 3, *(4 * (7, 2, 2, 6, *(13 * (3,)))))
    frames = bytearray()
    for block in (raw[i : i + 65] for i in range(at, len(raw) - 64, 65)):
        bits = int.from_bytes(block, "little")
        for _ in range(2):
            packed = 0xD
            for width in widths:
                packed, bits = packed << width | bits & (1 << width) - 1, bits >> width
            frames += packed.to_bytes(33, "big")
    path.write_bytes(frames)
    return path


def amr_wb(path: Path) -> Path:
    """Frames of 23.85 kbit/s with random bits: noise, but as good as any to a decoder that must keep its place."""
    r = random.Random(1)
    frames = (bytes([0x44]) + r.randbytes(60) for _ in range(61 * 50))
    path.write_bytes(b"#!AMR-WB\n" + b"".join(frames))
    return path


def speex(path: Path) -> Path:
    """Ogg with narrow-band frames of 15 kbit/s (mode 5) and random bits."""
    r = random.Random(2)
    header = struct.pack("<8s20s13i", b"Speex   ", b"1.2", 1, 80, 8000, 0, 4, 1, -1, 160, 0, 1, 0, 0, 0)
    frames = [((5 << 295 | r.getrandbits(295)) << 4 | 0b0111).to_bytes(38, "big") for _ in range(61 * 50)]
    path.write_bytes(b"".join(_pages([header], [_comments()], *(frames[i : i + 50] for i in range(0, len(frames), 50)))))
    return path


def _comments() -> bytes:
    return struct.pack("<I4sI", 4, b"test", 0)


def _pages(*pages: list[bytes]) -> Iterator[bytes]:
    """Ogg pages of one stream; 160 samples a packet from the third page on."""
    granule = 0
    for number, packets in enumerate(pages):
        granule += 160 * len(packets) if number > 1 else 0
        kind = 2 if number == 0 else 4 if number == len(pages) - 1 else 0
        lacing = b"".join(bytes([255] * (len(p) // 255) + [len(p) % 255]) for p in packets)
        head = struct.pack("<4sBBqIIIB", b"OggS", 0, kind, granule, 7, number, 0, len(lacing)) + lacing
        page = head + b"".join(packets)
        yield page[:22] + ogg_sum(page).to_bytes(4, "little") + page[26:]


_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def ogg_sum(page: bytes) -> int:
    """The check sum of an Ogg page whose own field is zero: CRC-32 from the other end of each byte."""
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


FORMATS: dict[str, Callable[[Path], Path]] = {
    "pcm16.wav": lambda p: encode(p, "pcm_s16le", 2),
    "pcm8.wav": lambda p: encode(p, "pcm_u8"),
    "pcm24.wav": lambda p: encode(p, "pcm_s24le"),
    "pcm32.wav": lambda p: encode(p, "pcm_s32le", 2),
    "float.wav": lambda p: encode(p, "pcm_f32le", 2),
    "alaw.wav": lambda p: encode(p, "pcm_alaw", 2),
    "mulaw.wav": lambda p: encode(p, "pcm_mulaw", 2),
    "wav49.wav": wav49,
    "g722.wav": lambda p: encode(p, "g722", rate=16000),
    "ima.wav": lambda p: encode(p, "adpcm_ima_wav", 2),
    "mp3.wav": lambda p: encode(p, "libmp3lame", bits=16000),
    "a.gsm": raw_gsm,
    "a.ul": lambda p: encode(p, "pcm_mulaw", container="mulaw"),
    "a.al": lambda p: encode(p, "pcm_alaw", 2, container="alaw"),
    "a.sln": lambda p: encode(p, "pcm_s16le", container="s16le"),
    "a.sln16": lambda p: encode(p, "pcm_s16le", rate=16000, container="s16le"),
    "a.g722": lambda p: encode(p, "g722", rate=16000, container="g722"),
    "cbr.mp3": lambda p: encode(p, "libmp3lame", 2, bits=32000),
    "vbr.mp3": lambda p: encode(p, "libmp3lame", 2, compression_level="5", q="6", abr="1", b="24000"),
    "a.opus": lambda p: encode(p, "libopus", 2, rate=48000, bits=32000),
    "mono.opus": lambda p: encode(p, "libopus", 1, rate=48000, bits=16000),
    "a.spx": speex,
    "a.m4a": lambda p: encode(p, "aac", 2, bits=32000),
    "a.aac": lambda p: encode(p, "aac", 2, bits=32000, container="adts"),
    "a.amr": lambda p: encode(p, "libopencore_amrnb", bits=12200),
    "dtx.amr": lambda p: encode(p, "libopencore_amrnb", bits=12200, dtx="1"),
    "a.3gp": lambda p: encode(p, "libopencore_amrnb", bits=12200),
    "a.awb": amr_wb,
    "a.flac": lambda p: encode(p, "flac", 2),
    "a.aiff": lambda p: encode(p, "pcm_s16be", 2),
    "a.au": lambda p: encode(p, "pcm_mulaw", 2),
}
"""By a file's name, what makes it."""
