"""What a file really is, by its first bytes and never by its name; headerless samples only by a format that is declared."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.mpeg import adts_length, mp3_length

HEAD = 1 << 16  # bytes looked at
PACKET = {b"\1\0": "4096", b"\6\0": "16384", b"\7\0": "16384"}  # bytes, where no packet can be damaged: PCM, A-law, µ-law
GSM_FRAMES = 50  # looked at: two in three half bytes of A-law silence are like their signature
CHAIN = 4  # frames in a row, each where the one before says, before anything without a signature is believed
CODECS = (
    "pcm_s16le,pcm_s16be,pcm_u8,pcm_s8,pcm_s24le,pcm_s24be,pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_alaw,pcm_mulaw,"
    "gsm,gsm_ms,g722,g726,g726le,g729,adpcm_ima_wav,adpcm_ima_qt,adpcm_ms,mp3float,mp3,mp2,mp2float,libopus,opus,vorbis,speex,flac,"
    "aac,alac,libopencore_amrnb,libopencore_amrwb,amrnb,amrwb"
)
"""Decoders that may run; a container that holds anything else is refused."""


@dataclass(frozen=True)
class Headerless:
    """Samples without a header, as `qa.toml` declares them. codec: a name of HEADERLESS; rate in samples a second."""

    codec: str
    rate: int
    channels: int = 1


HEADERLESS = {
    "mulaw": "mulaw",
    "alaw": "alaw",
    "s16": "s16le",
    "s16be": "s16be",
    "u8": "u8",
    "g722": "g722",
    "gsm": "gsm",
}
"""What may be declared, and how FFmpeg calls it."""


@dataclass(frozen=True)
class Format:
    """How FFmpeg is to read a file: its demuxer and what no header tells it."""

    demuxer: str
    options: Mapping[str, str] = field(default_factory=dict)


def declared(told: str) -> Headerless | None:
    """From a codec, a rate and, if not 1, the number of channels, such as `mulaw 8000 2`; None where it is something else."""
    match = re.fullmatch(r"(\w+) (\d{4,6})(?: ([12]))?", told)
    if match is None or match[1] not in HEADERLESS or (match[1] in ("g722", "gsm") and match[3] == "2"):
        return None
    return Headerless(match[1], int(match[2]), int(match[3] or 1))


def identify(path: Path, headerless: Mapping[str, Headerless]) -> Format | Failure:
    """`headerless`: what is declared, by suffix. A file that has a signature is what that says, whatever it is called."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    for at, magic, demuxer in SIGNATURES:
        if head[at : at + len(magic)] == magic:
            return Format(demuxer)
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64"):
        return _riff(path, head)
    if head[:3] == b"ID3":
        return _after_tag(path)
    if plain := headerless.get(path.suffix.lower()):
        channels = {} if plain.codec in ("g722", "gsm") else {"ch_layout": ("mono", "stereo")[plain.channels - 1]}
        rate = {} if plain.codec == "g722" else {"sample_rate": str(plain.rate)}
        return Format(HEADERLESS[plain.codec], {**rate, **channels})
    return _by_frames(head) or _something_else(path, head)


SIGNATURES = (
    (0, b"OggS", "ogg"),
    (0, b"fLaC", "flac"),
    (0, b"#!AMR", "amr"),
    (0, b".snd", "au"),
    (0, b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb", "w64"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    *((4, kind, "mov") for kind in (b"ftyp", b"moov", b"mdat", b"wide")),
)


def _riff(path: Path, head: bytes) -> Format | Failure:
    if head[8:12] == b"WAVE":
        size = PACKET.get(head[20:22]) if head[12:16] == b"fmt " else None
        return Format("wav", {"max_size": size} if size else {})
    if len(head) < 12:
        return Failure(path, "empty", "a WAV header without sound; fetch the file again")
    if head[8:12] == b"AVI ":
        return _unsupported(path, "an AVI film")
    return Failure(path, "not_audio", "a RIFF file, but not a WAV; export it again as WAV")


def _after_tag(path: Path) -> Format | Failure:
    """What follows an ID3 tag, whose length is told in four times seven bits."""
    with path.open("rb") as file:
        tag = file.read(10)
        size = sum((byte & 0x7F) << shift for byte, shift in zip(tag[6:10], (21, 14, 7, 0), strict=False))
        file.seek(10 + size)
        after = file.read(HEAD)
    if after[:4] == b"fLaC":
        return Format("flac")
    return _by_frames(after) or Failure(path, "not_audio", "a music tag (ID3) without sound after it; fetch the file again")


def _by_frames(head: bytes) -> Format | None:
    """Formats whose only sign is the shape of their frames: MP3, AAC (ADTS), raw GSM."""
    for match in re.finditer(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb]|\xff[\xf0\xf1\xf8\xf9]", head):
        length = mp3_length if match[0][1] & 6 else adts_length
        if _chained(head, match.start(), length):
            return Format("mp3" if match[0][1] & 6 else "aac")
    return Format("gsm") if any(_is_gsm(head[start : start + 33 * GSM_FRAMES]) for start in range(33)) else None


def _is_gsm(head: bytes) -> bool:
    frames = [byte >> 4 == 0xD for byte in head[::33]]
    if len(frames) < CHAIN or sum(frames) < 0.9 * len(frames):
        return False
    others = [byte >> 4 == 0xD for i in range(1, 33) for byte in head[i::33]]
    return sum(others) < 0.5 * len(others)


def _chained(head: bytes, at: int, length: Callable[[bytes], int | None]) -> bool:
    """Whether frames follow each other at the distance that each one tells, to the end or CHAIN times."""
    kind = head[at + 1]
    for number in range(CHAIN):
        if at + 7 > len(head):
            return number > 1
        size = length(head[at : at + 7])
        if size is None or head[at] != 0xFF or head[at + 1] | 1 != kind | 1:
            return False
        at += size
    return True


PLAYLISTS = ((rb"\s*#EXTM3U", "m3u8"), (rb"\s*ffconcat", "ffconcat"), (rb"v=0\r?\no=", "SDP"), (rb"\s*\[playlist\]", "PLS"))
OTHERS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive (or an Office document); unpack it"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\x1f\x8b", "a gzip archive; unpack it"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it"),
    (b"Rar!", "a RAR archive; unpack it"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"SQLite format 3", "a database"),
)
UNREAD = (
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media (WMA)"),
    (b"\x1a\x45\xdf\xa3", "Matroska (WebM)"),
    (b"wvpk", "WavPack"),
    (b"MAC ", "Monkey's Audio"),
    (b"caff", "Core Audio (CAF)"),
    (b"FLV\x01", "Flash video"),
    (b"Creative Voice", "Creative VOC"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),
)


def _something_else(path: Path, head: bytes) -> Failure:
    for shape, name in PLAYLISTS:
        if re.match(shape, head):
            return Failure(path, "not_audio", f"a playlist ({name}) that names other files; only files of sound are read")
    for magic, name in OTHERS:
        if head.startswith(magic):
            return Failure(path, "not_audio", f"{name}, not a recording; remove it or rename it")
    for magic, name in UNREAD:
        if head.startswith(magic):
            return _unsupported(path, name)
    if re.match(rb"\s*<(!doctype|html|\?xml|\w+[ >])", head, re.IGNORECASE):
        return Failure(path, "not_audio", "a web page or XML, often a server's error message; fetch the file again")
    if _is_text(head):
        return Failure(path, "not_audio", "text, not a recording; fetch the file again or rename it")
    if not head.strip(b"\0"):
        return Failure(path, "not_audio", "it begins with zeros, where a header should be; fetch the file again")
    suffix = path.suffix.lower() or ".raw"
    if suffix == ".vox":
        return _unsupported(path, "headerless ADPCM (Dialogic VOX)")
    said = "no known header. If these are headerless samples, declare them in qa.toml, such as"
    return Failure(path, "not_audio", f'{said} [recordings.headerless] "{suffix}" = "mulaw 8000"')


def _unsupported(path: Path, name: str) -> Failure:
    return Failure(path, "unsupported", f"{name}, which is not read here; convert it to WAV")


def _is_text(head: bytes) -> bool:
    head = head[:4096]
    if not head or b"\0" in head:
        return False
    for encoding, short in itertools.product(("utf-8", "gb18030"), range(4)):  # a character may be cut
        try:
            text = head[: len(head) - short].decode(encoding)
        except UnicodeDecodeError:
            continue
        return sum(c.isprintable() or c.isspace() for c in text) > 0.99 * len(text)
    return False
