"""Files are hostile: nothing is followed, nothing is believed without bounds."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from qa_pipeline.recordings.decode import Recording, decode
from qa_pipeline.recordings.files import one_file
from qa_pipeline.recordings.find import Failure
from tests.encoded import SHORT, encode, encoded


def read(path: Path) -> Recording | Failure:
    spool = path.parent / f"{path.name}.spool"
    spool.mkdir()
    return decode(one_file(path), spool)


def failure(path: Path, raw: bytes) -> Failure:
    path.write_bytes(raw)
    made = read(path)
    assert isinstance(made, Failure), made
    return made


def patched(at: int, value: int, size: int) -> bytes:
    raw = encoded("pcm16.wav", SHORT)
    return raw[:at] + value.to_bytes(size, "little") + raw[at + size :]


@pytest.mark.parametrize(
    ("at", "value", "size", "said"),
    [
        (24, 1, 4, "1 samples a second"),
        (24, 10**9, 4, "1000000000 samples a second"),
        (22, 255, 2, "255 channels"),
        (22, 0, 2, "0 channels"),
    ],
)
def test_a_header_that_no_phone_system_writes_is_refused(tmp_path: Path, at: int, value: int, size: int, said: str) -> None:
    made = failure(tmp_path / "a.wav", patched(at, value, size))
    assert (made.reason, said in made.detail) == ("damaged_header", True), made


def test_a_wav_of_a_codec_that_is_not_on_the_list_is_named(tmp_path: Path) -> None:
    made = failure(tmp_path / "a.wav", patched(20, 0x0161, 2))  # Windows Media Audio
    assert (made.reason, "convert it to WAV" in made.detail) == ("unsupported", True), made


def test_a_few_bytes_that_hold_hours_are_not_unpacked(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.flac", np.zeros((1, 3600 * 8000), np.int16), "flac", options={"frame_size": "65535"})
    made = read(path)
    assert path.stat().st_size < 20_000
    assert isinstance(made, Failure) and made.reason == "too_long"


def test_a_header_that_promises_days_is_not_believed(tmp_path: Path) -> None:
    raw = encoded("a.flac", SHORT)
    (tmp_path / "a.flac").write_bytes(raw[:21] + bytes([raw[21] | 0x0F]) + b"\xff" * 4 + raw[26:])
    made = read(tmp_path / "a.flac")
    assert isinstance(made, Recording) and (made.duration_ms, made.lost_ms) == (1000 * SHORT, 0)


def test_a_film_that_takes_its_sound_from_elsewhere_is_refused(tmp_path: Path) -> None:
    raw = encoded("a.m4a", SHORT)
    at = raw.index(b"url \0\0\0\1")
    made = failure(tmp_path / "a.m4a", raw[: at + 7] + b"\0" + raw[at + 8 :])
    assert (made.reason, "other files" in made.detail) == ("not_audio", True)


@pytest.mark.parametrize("name", ["concat:a.wav|b.wav", "http:a.wav", "pipe:0", "-", "file:a.wav", "a%d.wav", "中文 录音.wav"])
def test_a_name_is_never_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(encoded("pcm16.wav", SHORT))
    Path("spool").mkdir()
    made = decode(one_file(Path(name)), Path("spool"))
    assert isinstance(made, Recording) and made.duration_ms == 1000 * SHORT


def test_a_pipe_and_a_folder_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    (tmp_path / "b.wav").mkdir()
    for name in ("a.wav", "b.wav"):
        made = read(tmp_path / name)
        assert isinstance(made, Failure) and made.reason == "not_audio"


def test_samples_are_for_their_owner_alone_and_gone_with_their_folder(tmp_path: Path) -> None:
    (tmp_path / "a.opus").write_bytes(encoded("a.opus", SHORT))
    made = read(tmp_path / "a.opus")
    assert isinstance(made, Recording)
    assert stat.S_IMODE(made.spool.stat().st_mode) == 0o600
    assert [p.name for p in made.spool.parent.iterdir()] == [made.spool.name]  # no mended copy stays behind
