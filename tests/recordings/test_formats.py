"""Every format is read for what it is, whatever it is called; what has no header is read only as declared."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.recordings.decode import Recording, decode
from qa_pipeline.recordings.files import one_file
from qa_pipeline.recordings.find import SUFFIXES, Failure
from qa_pipeline.recordings.formats import SIGNATURES, Headerless, declared, identify
from qa_pipeline.recordings.spool import RATE
from tests.encoded import FORMATS, HEADERLESS, SHORT, encoded, spoken_samples

BY_HAND = ("a.spx", "a.awb", "wav49.wav", "a.gsm")  # other words, or none


def read(path: Path) -> Recording | Failure:
    return decode(one_file(path), Path(tempfile.mkdtemp(dir=path.parent)), HEADERLESS)


def read_bytes(folder: Path, name: str, raw: bytes) -> Recording | Failure:
    (folder / name).write_bytes(raw)
    return read(folder / name)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_read_in_full_and_nothing_of_it_is_lost(tmp_path: Path, name: str) -> None:
    made = read_bytes(tmp_path, name, encoded(name, SHORT))
    assert isinstance(made, Recording), made
    assert abs(made.duration_ms - 1000 * SHORT) < 300  # codecs begin and end on frames, and with some of their own
    assert (made.lost_ms, set(made.flags) - {"mono"}) == (0, set())
    assert made.samples.shape == (made.channels, made.duration_ms * RATE // 1000 + made.samples.shape[1] % (RATE // 1000))
    if name not in BY_HAND:
        told = spoken_samples()[0, : made.samples.shape[1]].astype(np.float64)
        heard = made.samples[0, : len(told)].astype(np.float64)
        together = np.fft.irfft(np.fft.rfft(heard, 1 << 16) * np.conj(np.fft.rfft(told, 1 << 16)))  # at any shift
        assert together.max() > 0.7 * np.linalg.norm(heard) * np.linalg.norm(told)


@pytest.mark.parametrize("name", [n for n in FORMATS if Path(n).suffix not in HEADERLESS])
def test_a_file_with_a_header_is_what_that_says_and_not_what_it_is_called(tmp_path: Path, name: str) -> None:
    raw = encoded(name, SHORT)
    made, called_otherwise = (
        read_bytes(tmp_path, name, raw),
        read_bytes(tmp_path, "b.wav" if "wav" not in name else "b.ul", raw),
    )
    assert isinstance(made, Recording) and isinstance(called_otherwise, Recording)
    assert (called_otherwise.codec, called_otherwise.duration_ms) == (made.codec, made.duration_ms)


@pytest.mark.parametrize("suffix", HEADERLESS)
def test_samples_without_header_have_the_length_that_their_declared_format_gives(tmp_path: Path, suffix: str) -> None:
    form = HEADERLESS[suffix]
    raw = encoded(f"a{suffix}", SHORT)
    made = read_bytes(tmp_path, f"a{suffix.upper()}", raw)
    assert isinstance(made, Recording)
    bytes_a_second = form.rate * form.channels * {"s16": 2, "g722": 0.5}.get(form.codec, 1)
    assert (made.channels, made.duration_ms) == (form.channels, round(1000 * len(raw) / bytes_a_second))


@pytest.mark.parametrize("called", [".wav", ".mp3", ".gsm", ".amr", ".m4a", ".opus", ".ul", ".sln", ".raw"])
@pytest.mark.parametrize("suffix", HEADERLESS)
def test_samples_without_header_are_never_guessed(tmp_path: Path, suffix: str, called: str) -> None:
    (tmp_path / f"a{called}").write_bytes(encoded(f"a{suffix}", SHORT))
    failure = identify(tmp_path / f"a{called}", {})
    assert isinstance(failure, Failure) and failure.reason == "not_audio"
    assert "qa.toml" in failure.detail and f'"{called}"' in failure.detail


@pytest.mark.parametrize("value", [0xD5, 0x55, 0xFF, 0x7F, 0x00, 0x80])
def test_silence_without_header_is_no_gsm_and_no_mp3(tmp_path: Path, value: int) -> None:
    (tmp_path / "a.gsm").write_bytes(bytes([value]) * 20_000)
    assert isinstance(identify(tmp_path / "a.gsm", {}), Failure)


@settings(max_examples=60)
@given(st.binary(min_size=1, max_size=3000), st.sampled_from(sorted(SUFFIXES)))
def test_any_bytes_are_a_format_by_signature_or_a_failure_that_says_what_to_do(raw: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{suffix}")
        path.write_bytes(raw)
        found = identify(path, {})
        signed = raw[8:12] == b"WAVE" or any(raw[at:].startswith(magic) for at, magic, _ in SIGNATURES)
        assert signed or (isinstance(found, Failure) and len(found.detail) > 20)


WHAT_IT_IS = [
    (b"%PDF-1.7\n1 0 obj", "not_audio", "PDF"),
    (b"PK\x03\x04" + bytes(60), "not_audio", "ZIP"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF" + bytes(60), "not_audio", "JPEG"),
    (b"<!DOCTYPE html><html><body>404</body></html>", "not_audio", "web page"),
    (b'<?xml version="1.0"?><cdr/>', "not_audio", "XML"),
    (b"#EXTM3U\n/etc/hostname\n", "not_audio", "playlist (m3u8)"),
    (b"ffconcat version 1.0\nfile a.wav\n", "not_audio", "playlist (ffconcat)"),
    (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=audio 5004 RTP/AVP 0\r\n", "not_audio", "playlist (SDP)"),
    ("您好，这里是前台\n".encode("gb18030") * 20, "not_audio", "text"),
    (b'{"call_id": "c1"}', "not_audio", "text"),
    (bytes(9000), "not_audio", "zeros"),
    (b"RIFF\x10\0\0\0AVI LIST" + bytes(60), "unsupported", "convert it to WAV"),
    (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(60), "not_audio", "RIFF"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11" + bytes(60), "unsupported", "Windows Media"),
    (b"\x1a\x45\xdf\xa3" + bytes(60), "unsupported", "Matroska"),
    (b"ID3\x04\0\0\0\0\0\x0a" + bytes(80), "not_audio", "ID3"),
    (b"RIFF", "empty", "fetch"),
]


@pytest.mark.parametrize(("raw", "reason", "said"), WHAT_IT_IS, ids=[w[2] for w in WHAT_IT_IS])
def test_what_is_no_recording_is_called_by_its_name(tmp_path: Path, raw: bytes, reason: str, said: str) -> None:
    failure = read_bytes(tmp_path, "a.wav", raw)
    assert isinstance(failure, Failure) and (failure.reason, said in failure.detail) == (reason, True), failure


def test_a_vox_is_not_taken_for_anything_that_could_be_declared(tmp_path: Path) -> None:
    failure = read_bytes(tmp_path, "a.vox", bytes(range(1, 200)) * 20)
    assert isinstance(failure, Failure) and (failure.reason, "VOX" in failure.detail) == ("unsupported", True)


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ("mulaw 8000", Headerless("mulaw", 8000, 1)),
        ("s16 16000 2", Headerless("s16", 16000, 2)),
        ("mulaw", None),
        ("opus 8000", None),
        ("mulaw 8000 3", None),
        ("g722 16000 2", None),
        ("mulaw 80", None),
    ],
)
def test_a_format_is_declared_by_codec_rate_and_channels(told: str, form: Headerless | None) -> None:
    assert declared(told) == form
