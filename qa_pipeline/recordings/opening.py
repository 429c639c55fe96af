"""One file, opened as what it is, held to bounds, put right where damage would spread, and its samples spooled."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qa_pipeline.recordings import mp4
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.formats import CODECS, Format, Headerless, identify
from qa_pipeline.recordings.framing import Framed, framing_of
from qa_pipeline.recordings.mpeg import promised_seconds
from qa_pipeline.recordings.ogg import cut_ogg, mend_ogg
from qa_pipeline.recordings.packets import Packets, Source
from qa_pipeline.recordings.placing import Placing, TooLong
from qa_pipeline.recordings.spool import RATE, Spool
from qa_pipeline.recordings.wav import Wav, mend_wav, survey

RATES = (4_000, 192_000)
MOST_CHANNELS = 8
LONGEST = 12 * 3600  # seconds
FEWEST_BYTES = 10  # a second; AMR's silence frames take 50, FLAC's silence 27
CUT = 0.03  # seconds of what was promised that may be missing
SMALL = 4096  # bytes; a WAV that stops within its header has fewer


@dataclass(frozen=True)
class Spooled:
    """A file's samples: `length` int16 frames of `channels` at RATE. lost_ms and flags as in Recording."""

    path: Path
    spool: Path
    channels: int
    codec: str
    length: int
    lost_ms: int
    flags: tuple[str, ...]


def open_file(path: Path, target: Path, headerless: Mapping[str, Headerless]) -> Spooled | Failure:
    """`target`: the spool file to be made. Never raises for what is wrong with the file."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            return Failure(path, "not_audio", "neither a file nor a folder")
        if not found.st_size:
            return Failure(path, "empty", "the file holds no bytes; fetch it again")
        form = identify(path, headerless)
        return form if isinstance(form, Failure) else _opened(path, form, target)
    except FileNotFoundError:
        return Failure(path, "missing", "it was there and is gone; was it moved during the run?")
    except OSError as problem:
        return Failure(path, "unreadable", str(problem))


def _opened(path: Path, form: Format, target: Path) -> Spooled | Failure:
    import av

    try:
        if framing := framing_of(path, form.demuxer):
            return _spooled(path, Framed(path, framing), target, _Mended(path))
        mended = _mended(path, form, target.with_suffix(".mended"))
        if isinstance(mended, Failure):
            return mended
        options = {**form.options, "protocol_whitelist": "file", "codec_whitelist": CODECS}
        address = f"file:{mended.path.resolve()}"  # a path, whatever its name looks like
        with av.open(address, format=form.demuxer, options=options, metadata_errors="replace") as container:
            if not container.streams.audio:
                return Failure(path, "not_audio", f"a {container.format.name} file without an audio stream")
            stream = container.streams.audio[0]
            if wrong := _out_of_bounds(path, stream):
                return wrong
            if stream.codec_context.name == "flac":
                stream.codec_context.options = {"err_detect": "crccheck+explode"}
            told = _promised(path, form, container)
            return _spooled(path, Packets(container, stream, told, mended.suspect), target, mended)
    except (av.error.FFmpegError, ValueError) as problem:
        return _not_opened(path, form, str(problem))
    finally:
        target.with_suffix(".mended").unlink(missing_ok=True)


@dataclass(frozen=True)
class _Mended:
    """The file to read. suspect: packets known to be damaged; wav: what its chunks say, if it is one; flags."""

    path: Path
    suspect: int = 0
    wav: Wav | None = None
    flags: tuple[str, ...] = ()


def _mended(path: Path, form: Format, target: Path) -> _Mended | Failure:
    """Containers whose damage would cost more than itself are put right first, in a copy."""
    if form.demuxer == "mov":
        if mp4.points_elsewhere(path):
            return Failure(path, "not_audio", "a film that takes its sound from other files; only files of sound are read")
        return _Mended(path, flags=("more_follows",) if mp4.more_follows(path) else ())
    if form.demuxer == "ogg":
        flags = ("truncated",) if cut_ogg(path) else ()
        suspect = mend_ogg(path, target)
        return _Mended(path if suspect is None else target, suspect or 0, flags=flags)
    if form.demuxer == "wav" and (wav := survey(path)):
        if wav.plain:
            return _Mended(path, wav=wav)
        mend_wav(path, wav, target)
        return _Mended(target, wav=wav)
    return _Mended(path)


def _out_of_bounds(path: Path, stream: Any) -> Failure | None:
    """What no phone system writes: a damaged header, or one made to exhaust whoever reads it."""
    context = stream.codec_context
    if context is None or context.name not in CODECS.split(","):
        name = "an unknown codec" if context is None else context.name
        return Failure(path, "unsupported", f"sound in {name}, which is not read here; convert it to WAV")
    if not RATES[0] <= (context.sample_rate or 0) <= RATES[1]:
        said = f"the header tells {context.sample_rate} samples a second, expected {RATES[0]:,} to {RATES[1]:,}"
        return Failure(path, "damaged_header", f"{said}; fetch the file again")
    if not 1 <= context.channels <= MOST_CHANNELS:
        said = f"the header tells {context.channels} channels, expected 1 or 2, at most {MOST_CHANNELS}"
        return Failure(path, "damaged_header", f"{said}; fetch the file again")
    return None


def _not_opened(path: Path, form: Format, said: str) -> Failure:
    """FFmpeg's `invalid data`, as far as the file tells what it means."""
    if form.demuxer == "wav" and path.stat().st_size < SMALL and survey(path) is None:
        return Failure(path, "empty", "a WAV header without sound; fetch the file again")
    if form.demuxer == "mov" and mp4.lacks_index(path):
        return Failure(path, "truncated", "an MP4 whose index, written last, is missing: part of a file; fetch it again")
    return Failure(path, "damaged_header", f"{form.demuxer}, but its header cannot be read ({said}); fetch the file again")


def _spooled(path: Path, source: Source, target: Path, found: _Mended) -> Spooled | Failure:
    channels, size = min(2, source.channels), path.stat().st_size
    most = min(LONGEST, 60 + size // FEWEST_BYTES)
    try:
        with Spool(target, channels) as spool:
            lost = Placing(spool, most, source.told).all(source)
    except TooLong:
        return Failure(path, "too_long", f"more than {most / 3600:.1f} hours in {size:,} bytes; split it, or fetch it again")
    if not spool.length:
        return Failure(path, "empty", "a header without sound; fetch the file again")
    seconds = spool.length / RATE
    short = found.wav.missing_s(seconds) if found.wav else max(0.0, (source.told or seconds) - seconds)
    short = short if short > CUT and seconds + short <= LONGEST else 0.0
    flags = (*spool.flags, *found.flags, *(("loss_guessed",) if source.guessed else ()), *(("truncated",) if short else ()))
    lost_ms = round(1000 * (lost.within + max(short, lost.after)))
    return Spooled(path, target, channels, source.codec, spool.length, lost_ms, tuple(dict.fromkeys(flags)))


def _promised(path: Path, form: Format, container: Any) -> float | None:
    """The length in seconds that the header tells, where it is no guess."""
    sure = form.demuxer in ("mov", "flac", "aiff", "au", "w64")
    told: float | None = container.duration / 1_000_000 if container.duration else None
    if form.demuxer == "mp3" and told and (counted := promised_seconds(path)):
        return min(told, counted)  # the count, less the encoder's padding
    return told if sure else None
