"""A call in every format that is read, made here: encoded where an encoder is at hand, else frame by frame."""

from __future__ import annotations

import functools
import random
import struct
import tempfile
import wave
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.recordings.formats import Headerless
from qa_pipeline.recordings.ogg import page_sum
from tests.spoken import PCM, SAMPLES

Maker = Callable[[Path, int], Path]
"""Writes a file of at most so many seconds."""
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


def by_encoder(
    codec: str, channels: int = 1, rate: int = 8000, bits: int = 0, container: str | None = None, **options: str
) -> Maker:
    """A maker by PyAV's encoder `codec`."""
    return lambda path, seconds: encode(
        path, spoken_samples()[:channels, : seconds * 8000], codec, rate, bits, container, options
    )


def encode(
    path: Path,
    samples: NDArray[np.int16],
    codec: str,
    rate: int = 8000,
    bits: int = 0,
    container: str | None = None,
    options: Mapping[str, str] | None = None,
) -> Path:
    """int16 [channels, n] at 8 kHz into a file at `rate`."""
    import av
    from av.audio.resampler import AudioResampler

    layout = ("mono", "stereo")[len(samples) - 1]
    minutes = range(0, samples.shape[1], 60 * 8000)  # an hour in one frame is more than FFmpeg resamples
    frames: list[Any] = [
        av.AudioFrame.from_ndarray(samples[:, at : at + 60 * 8000].T.reshape(1, -1).copy(), format="s16", layout=layout)
        for at in minutes
    ]
    for frame in frames:
        frame.sample_rate = 8000
    with av.open(str(path), "w", format=container) as file:
        stream: Any = file.add_stream(codec, rate=rate, options=dict(options or {}))
        stream.layout = layout
        if bits:
            stream.bit_rate = bits
        kind, size = stream.codec_context.format, stream.codec_context.frame_size
        resampler = AudioResampler(format=kind, layout=layout, rate=rate, frame_size=size or 4096)
        for frame in [*frames, None]:
            for piece in resampler.resample(frame):
                file.mux(stream.encode(piece))
        file.mux(stream.encode(None))
    return path


def wav49(path: Path, seconds: int) -> Path:
    """A sample's, shortened."""
    raw = WAV49.read_bytes()
    at = raw.index(b"data")
    sound = raw[at + 8 :][: seconds * 25 * 65]
    path.write_bytes(raw[: at + 4] + len(sound).to_bytes(4, "little") + sound)
    return path


def raw_gsm(path: Path, seconds: int) -> Path:
    """The frames of a WAV49, each of its pairs packed as two: other bit order, and a signature in the first half byte."""
    raw = WAV49.read_bytes()
    at = raw.index(b"data") + 8
    widths = (6, 6, 5, 5, 4, 4, 3, 3, *(4 * (7, 2, 2, 6, *(13 * (3,)))))
    frames = bytearray()
    for block in (raw[i : i + 65] for i in range(at, len(raw) - 64, 65)[: seconds * 25]):
        bits = int.from_bytes(block, "little")
        for _ in range(2):
            packed = 0xD
            for width in widths:
                packed, bits = packed << width | bits & (1 << width) - 1, bits >> width
            frames += packed.to_bytes(33, "big")
    path.write_bytes(frames)
    return path


def amr_wb(path: Path, seconds: int) -> Path:
    """Frames of 23.85 kbit/s with random bits: noise, but as good as any to a decoder that must keep its place."""
    r = random.Random(1)
    frames = (bytes([0x44]) + r.randbytes(60) for _ in range(seconds * 50))
    path.write_bytes(b"#!AMR-WB\n" + b"".join(frames))
    return path


def speex(path: Path, seconds: int) -> Path:
    """Ogg with narrow-band frames of 15 kbit/s (mode 5) and random bits."""
    r = random.Random(2)
    header = struct.pack("<8s20s13i", b"Speex   ", b"1.2", 1, 80, 8000, 0, 4, 1, -1, 160, 0, 1, 0, 0, 0)
    frames = [((5 << 295 | r.getrandbits(295)) << 4 | 0b0111).to_bytes(38, "big") for _ in range(seconds * 50)]
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
        yield page[:22] + page_sum(page).to_bytes(4, "little") + page[26:]


FORMATS: dict[str, Maker] = {
    "pcm16.wav": by_encoder("pcm_s16le", 2),
    "pcm8.wav": by_encoder("pcm_u8"),
    "pcm24.wav": by_encoder("pcm_s24le"),
    "pcm32.wav": by_encoder("pcm_s32le", 2),
    "float.wav": by_encoder("pcm_f32le", 2),
    "alaw.wav": by_encoder("pcm_alaw", 2),
    "mulaw.wav": by_encoder("pcm_mulaw", 2),
    "wav49.wav": wav49,
    "g722.wav": by_encoder("g722", rate=16000),
    "ima.wav": by_encoder("adpcm_ima_wav", 2),
    "mp3.wav": by_encoder("libmp3lame", bits=16000),
    "a.gsm": raw_gsm,
    "a.ul": by_encoder("pcm_mulaw", container="mulaw"),
    "a.al": by_encoder("pcm_alaw", 2, container="alaw"),
    "a.sln": by_encoder("pcm_s16le", container="s16le"),
    "a.sln16": by_encoder("pcm_s16le", rate=16000, container="s16le"),
    "a.g722": by_encoder("g722", rate=16000, container="g722"),
    "cbr.mp3": by_encoder("libmp3lame", 2, bits=32000),
    "vbr.mp3": by_encoder("libmp3lame", 2, compression_level="5", q="6", abr="1", b="24000"),
    "a.opus": by_encoder("libopus", 2, rate=48000, bits=32000),
    "mono.opus": by_encoder("libopus", 1, rate=48000, bits=16000),
    "a.spx": speex,
    "a.m4a": by_encoder("aac", 2, bits=32000),
    "a.aac": by_encoder("aac", 2, bits=32000, container="adts"),
    "a.amr": by_encoder("libopencore_amrnb", bits=12200),
    "dtx.amr": by_encoder("libopencore_amrnb", bits=12200, dtx="1"),
    "a.3gp": by_encoder("libopencore_amrnb", bits=12200),
    "a.awb": amr_wb,
    "a.flac": by_encoder("flac", 2),
    "a.aiff": by_encoder("pcm_s16be", 2),
    "a.au": by_encoder("pcm_mulaw", 2),
}
"""By a file's name, what makes it."""
LONG, SHORT = 61, 3  # seconds


@functools.cache
def encoded(name: str, seconds: int = LONG) -> bytes:
    """The file of FORMATS that is called `name`, of at most so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        return FORMATS[name](Path(folder, name), seconds).read_bytes()
