"""Every shipped format in full and in its channels; every damage a typed reason."""

import csv
from pathlib import Path

import numpy as np
import pytest
import yaml

from qa_pipeline import shipped
from qa_pipeline.recordings.decode import Recording
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.spool import RATE
from tests.spoken import SAMPLES, clip, read

TRUTH = Path(__file__).parents[2] / "data" / "samples" / "truth"
SHIPPED = sorted(p for p in SAMPLES.iterdir() if p.suffix != ".csv")
CODECS = {"pcm_s16le", "pcm_alaw", "pcm_mulaw", "gsm_ms", "mp3float", "opus"}


def told_duration(call_id: str) -> int:
    with (shipped.sample_calls() / "cdr.csv").open(encoding="utf-8") as file:
        return next(int(row["duration_ms"]) for row in csv.DictReader(file) if row["call_id"] == call_id)


def decoded(path: Path) -> Recording:
    made = read(path)
    assert isinstance(made, Recording), made
    return made


def test_all_formats_are_among_the_samples() -> None:
    assert {decoded(p).codec for p in SHIPPED} == CODECS


@pytest.mark.parametrize("path", SHIPPED, ids=lambda p: p.stem)
def test_a_sample_is_as_long_as_its_record_and_each_speaker_stays_on_his_channel(path: Path) -> None:
    made = decoded(path)
    truth = yaml.safe_load((TRUTH / f"{path.stem}.yaml").read_text("utf-8"))
    assert abs(made.duration_ms - told_duration(path.stem)) <= 20  # a GSM frame
    assert max(t["end_ms"] for t in truth["turns"]) <= made.duration_ms
    assert made.lost_ms == 0
    if made.flags == ("mono",):
        assert made.samples.shape[0] == 1
        return
    assert made.samples.shape[0] == 2 and made.flags == ()
    louder = []
    for turn in truth["turns"]:
        span = made.samples[:, turn["start_ms"] * RATE // 1000 : turn["end_ms"] * RATE // 1000].astype(np.float64)
        louder.append(int(np.argmax((span**2).mean(1))) == turn["channel"])
    assert np.mean(louder) > 0.9  # people overlap


def cut(path: Path, of: Path, share: float) -> Path:
    raw = of.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    return path


@pytest.mark.parametrize("name", ["bs-01-script-good.mp3", "ht-01-night-room-good.opus", "cs-04-mono-mediocre.wav"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_of_a_cut_file_what_is_there_is_read_and_said_to_be_truncated(tmp_path: Path, name: str, share: float) -> None:
    whole, made = decoded(SAMPLES / name), decoded(cut(tmp_path / name, SAMPLES / name, share))
    assert "truncated" in made.flags
    assert made.duration_ms == pytest.approx(share * whole.duration_ms, rel=0.1)
    if made.codec != "opus":  # an Ogg promises no length
        assert made.duration_ms + made.lost_ms == pytest.approx(whole.duration_ms, abs=100)


def test_a_file_of_no_bytes_and_a_header_without_sound_are_empty(tmp_path: Path) -> None:
    (tmp_path / "none.wav").touch()
    header = cut(tmp_path / "header.wav", SAMPLES / "dd-04-leak-bad.wav", 0.0001)
    no_samples = clip(tmp_path / "no-samples.wav", 5, 5)
    for path in (tmp_path / "none.wav", header, no_samples):
        failure = read(path)
        assert isinstance(failure, Failure) and failure.reason == "empty", failure


@pytest.mark.parametrize("text", ["just words\n" * 200, "#EXTM3U\n/etc/hostname\n", "ffconcat version 1.0\nfile a.wav\n"])
def test_text_named_like_a_recording_is_not_audio(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.wav").write_text(text)
    failure = read(tmp_path / "a.wav")
    assert isinstance(failure, Failure) and failure.reason == "not_audio"


def test_a_file_that_went_away_is_missing(tmp_path: Path) -> None:
    failure = read(tmp_path / "a.wav")
    assert isinstance(failure, Failure) and failure.reason == "missing"


def test_a_format_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    renamed = tmp_path / "a.wav"
    renamed.write_bytes((SAMPLES / "ht-01-night-room-good.opus").read_bytes())
    assert decoded(renamed).codec == "opus"


@pytest.mark.parametrize("size", [300, 3000])
@pytest.mark.parametrize("name", ["pm-05-relay-good.mp3", "bs-01-script-good.mp3", "ht-05-wakeup-hold-good.opus"])
def test_damaged_packets_cost_themselves_and_what_follows_keeps_its_time(tmp_path: Path, name: str, size: int) -> None:
    whole, raw = decoded(SAMPLES / name), bytearray((SAMPLES / name).read_bytes())
    raw[len(raw) // 2 : len(raw) // 2 + size] = bytes(size)
    (tmp_path / name).write_bytes(raw)
    hurt = decoded(tmp_path / name)
    assert 0 < hurt.lost_ms <= 2000
    assert abs(hurt.duration_ms - whole.duration_ms) < 100
    late = slice(int(whole.samples.shape[1] * 0.8), int(whole.samples.shape[1] * 0.9))
    assert np.corrcoef(hurt.samples[0, late].astype(float), whole.samples[0, late].astype(float))[0, 1] > 0.99


def test_one_side_silent_and_the_same_audio_on_both_are_flagged(tmp_path: Path) -> None:
    import wave

    both = decoded(clip(tmp_path / "a.wav")).samples
    for name, samples in {"silent": both * np.array([[1], [0]], np.int16), "same": np.stack([both[0], both[0]])}.items():
        with wave.open(str(tmp_path / f"{name}.wav"), "wb") as file:
            file.setparams((2, 2, RATE, 0, "NONE", ""))
            file.writeframes(samples.T.tobytes())
    assert decoded(tmp_path / "silent.wav").flags == ("silent_channel_1",)
    assert decoded(tmp_path / "same.wav").flags == ("same_channels",)
    assert decoded(tmp_path / "a.wav").flags == ()


def test_of_three_channels_the_first_two_are_taken(tmp_path: Path) -> None:
    import wave

    three = np.stack([np.full(RATE, level, np.int16) for level in (1000, 2000, 3000)])
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((3, 2, RATE, 0, "NONE", ""))
        file.writeframes(three.T.tobytes())
    assert decoded(tmp_path / "a.wav").samples.mean(1).tolist() == [1000.0, 2000.0]
