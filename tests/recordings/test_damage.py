"""Damage costs itself: what is lost is counted, and what follows keeps its time."""

import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_pipeline.recordings.amr import NARROW, amr_length
from qa_pipeline.recordings.decode import Recording, decode
from qa_pipeline.recordings.files import one_file
from qa_pipeline.recordings.find import Failure
from qa_pipeline.recordings.holes import PAGE, Holes
from qa_pipeline.recordings.spool import RATE
from tests.encoded import FORMATS, HEADERLESS, SHORT, encoded, spoken_samples

SECONDS = 12
Damage = Callable[[bytes], bytes]


def read_bytes(folder: Path, name: str, raw: bytes) -> Recording | Failure:
    (folder / name).write_bytes(raw)
    return decode(one_file(folder / name), Path(tempfile.mkdtemp(dir=folder)), HEADERLESS)


def heard(folder: Path, name: str, damage: Damage = lambda raw: raw, seconds: int = SECONDS) -> Recording:
    made = read_bytes(folder, name, damage(encoded(name, seconds)))
    assert isinstance(made, Recording), made
    return made


def pages(raw: bytes) -> list[bytes]:
    """Of an Ogg."""
    found = list[bytes]()
    while raw:
        end = 27 + raw[26] + sum(raw[27 : 27 + raw[26]])
        found.append(raw[:end])
        raw = raw[end:]
    return found


def flipped(raw: bytes) -> bytes:
    """A few bits within one packet."""
    made = bytearray(raw)
    for bit in (3, 9, 17, 30):
        made[len(raw) // 2 + bit // 8] ^= 1 << bit % 8
    return bytes(made)


def swapped_pages(raw: bytes) -> bytes:
    p = pages(raw)
    return b"".join([*p[:5], p[6], p[5], *p[7:]])


def doubled_page(raw: bytes) -> bytes:
    p = pages(raw)
    return b"".join([*p[:6], p[5], *p[6:]])


def late_part(recording: Recording) -> np.ndarray:
    """The last quarter of the first channel, less its end."""
    n = SECONDS * RATE
    return np.array(recording.samples[0, n * 3 // 4 : n - RATE], np.float64)


@pytest.mark.parametrize("name", ["a.opus", "a.spx"])
@pytest.mark.parametrize("damage", [swapped_pages, doubled_page])
def test_pages_out_of_order_or_twice_cost_nothing(tmp_path: Path, name: str, damage: Damage) -> None:
    whole, hurt = heard(tmp_path, name), heard(tmp_path, name, damage)
    assert (hurt.lost_ms, hurt.duration_ms) == (0, whole.duration_ms)
    assert np.array_equal(hurt.samples, whole.samples)


@pytest.mark.parametrize("name", ["a.opus", "mono.opus"])
def test_a_wrong_bit_costs_a_packet_and_not_its_page(tmp_path: Path, name: str) -> None:
    whole, hurt = heard(tmp_path, name), heard(tmp_path, name, flipped)
    assert (hurt.lost_ms, hurt.duration_ms) == (20, whole.duration_ms)
    differ = np.abs(hurt.samples[0].astype(int) - whole.samples[0]).reshape(-1, RATE // 100).max(1) > 100
    assert differ.sum() < 20  # of 10 ms
    assert not np.array_equal(hurt.samples, whole.samples)


def test_a_page_that_is_not_there_is_silence_of_its_length(tmp_path: Path) -> None:
    hurt = heard(tmp_path, "a.opus", lambda raw: b"".join(p for i, p in enumerate(pages(raw)) if i != 6))
    whole = heard(tmp_path, "a.opus")
    assert hurt.lost_ms == 1000 and hurt.duration_ms == whole.duration_ms
    assert np.corrcoef(late_part(hurt), late_part(whole))[0, 1] > 0.99


def zeroed(at: int, size: int = PAGE) -> Damage:
    return lambda raw: raw[:at] + bytes(size) + raw[at + size :]


@pytest.mark.parametrize(
    ("name", "lost_ms"),
    [
        *(("pcm16.wav", 128), ("pcm8.wav", 512), ("pcm24.wav", 171), ("float.wav", 64), ("a.sln", 256), ("a.aiff", 128)),
        *(("alaw.wav", 256), ("a.ul", 512), ("a.au", 256), ("a.g722", 512), ("wav49.wav", 2480), ("a.gsm", 2480)),
        *(("cbr.mp3", 1100), ("a.aac", 1152), ("a.m4a", 1152), ("a.amr", 2560), ("a.3gp", 2560), ("a.flac", 300)),
    ],
)
def test_a_page_of_zeros_is_counted_and_what_follows_keeps_its_time(tmp_path: Path, name: str, lost_ms: int) -> None:
    whole = heard(tmp_path, name)
    hurt = heard(tmp_path, name, zeroed(2 * PAGE))
    assert hurt.lost_ms == pytest.approx(lost_ms, abs=160)
    assert abs(hurt.duration_ms - whole.duration_ms) <= 40
    assert np.corrcoef(late_part(hurt), late_part(whole))[0, 1] > 0.99


@pytest.mark.parametrize("name", ["pcm16.wav", "a.sln", "ima.wav"])
def test_silence_that_was_recorded_is_no_hole(tmp_path: Path, name: str) -> None:
    made = heard(tmp_path, name, zeroed(9000, 7001))
    assert made.lost_ms == 0


def test_a_hole_is_whole_pages_of_zeros_and_nothing_else() -> None:
    for start, end, lost in [
        (PAGE, 3 * PAGE, 2 * PAGE),
        (PAGE + 100, 3 * PAGE, 0),
        (PAGE, 3 * PAGE - 100, 0),
        (PAGE, PAGE + 50, 0),
    ]:
        raw = b"\1" * start + bytes(end - start) + b"\1" * 5000
        holes = Holes("pcm_s16le")
        for at in range(0, len(raw), 1024):
            part = raw[at : at + 1024]
            holes.watch(part, at, len(part) / 16000)
        assert holes.lost == pytest.approx(lost / 16000)


def test_a_hole_in_mu_law_is_silence_and_no_bang(tmp_path: Path) -> None:
    hurt = heard(tmp_path, "a.ul", zeroed(2 * PAGE))
    assert np.abs(hurt.samples[0, 2 * PAGE : 3 * PAGE]).max() < 10


@pytest.mark.parametrize("name", ["a.amr", "a.gsm", "a.awb", "a.aac"])
def test_frames_are_found_again_after_garbage(tmp_path: Path, name: str) -> None:
    garbage = random.Random(4).randbytes(500)
    whole = heard(tmp_path, name)
    hurt = heard(tmp_path, name, lambda raw: raw[:5000] + garbage + raw[5500:])
    assert 20 <= hurt.lost_ms <= 600 and abs(hurt.duration_ms - whole.duration_ms) <= 20
    assert np.corrcoef(late_part(hurt), late_part(whole))[0, 1] > 0.98


def test_silence_frames_of_amr_keep_their_time(tmp_path: Path) -> None:
    talking, saving = heard(tmp_path, "a.amr"), heard(tmp_path, "dtx.amr")
    assert len(encoded("dtx.amr", SECONDS)) < 0.6 * len(encoded("a.amr", SECONDS))
    assert (saving.duration_ms, saving.lost_ms) == (talking.duration_ms, 0)


def test_a_hole_among_frames_of_different_lengths_is_told_for_a_guess(tmp_path: Path) -> None:
    def hole(raw: bytes) -> bytes:
        at = len(raw) // 2
        return raw[:at] + bytes(1000) + raw[at + 1000 :]

    saving, talking = heard(tmp_path, "dtx.amr", hole), heard(tmp_path, "a.amr", hole)
    assert "loss_guessed" in saving.flags and saving.lost_ms > 600
    assert "loss_guessed" not in talking.flags and talking.lost_ms == pytest.approx(620, abs=40)
    assert "loss_guessed" not in heard(tmp_path, "dtx.amr").flags


@pytest.mark.parametrize("share", [0.1, 0.25, 0.4, 0.55, 0.7, 0.85])
def test_a_guessed_loss_is_told_in_full_whether_there_was_speech_or_silence(tmp_path: Path, share: float) -> None:
    """The file's sound stands in it twice, so that what is lost of the one is known by the other."""
    raw = encoded("dtx.amr", SECONDS)
    ends, length = [6], amr_length(NARROW)
    while ends[-1] < len(raw):
        ends.append(ends[-1] + (length(raw, ends[-1]) or 0))
    start = next(end for end in ends if end >= share * (len(raw) - 1000))
    made = heard(tmp_path, "dtx.amr", lambda once: once[:start] + bytes(1000) + once[start + 1000 :] + once[6:])
    gone = sum(start <= end < start + 1000 for end in ends)
    assert "loss_guessed" in made.flags and made.lost_ms >= 20 * gone


@pytest.mark.parametrize("name", ["pcm16.wav", "mulaw.wav", "wav49.wav", "ima.wav", "cbr.mp3", "a.flac", "a.aiff", "a.au"])
@pytest.mark.parametrize("share", [0.4, 0.95])
def test_what_a_header_promises_beyond_the_end_is_lost(tmp_path: Path, name: str, share: float) -> None:
    whole = heard(tmp_path, name)
    made = heard(tmp_path, name, lambda raw: raw[: int(share * len(raw))])
    assert "truncated" in made.flags
    assert made.duration_ms + made.lost_ms == pytest.approx(whole.duration_ms, abs=130)


@pytest.mark.parametrize("name", ["a.opus", "a.spx"])
def test_an_ogg_that_stops_within_a_page_is_truncated_and_junk_behind_it_is_not(tmp_path: Path, name: str) -> None:
    assert "truncated" in heard(tmp_path, name, lambda raw: raw[:-100]).flags
    assert "truncated" not in heard(tmp_path, name, lambda raw: raw + b"\n</html>\n").flags


def test_an_mp4_without_its_index_is_half_a_file(tmp_path: Path) -> None:
    failure = read_bytes(tmp_path, "a.m4a", encoded("a.m4a", SHORT)[:9000])
    assert isinstance(failure, Failure) and (failure.reason, "fetch it again" in failure.detail) == ("truncated", True)


def rewritten_length(length: int) -> Damage:
    def told(raw: bytes) -> bytes:
        at = raw.index(b"data") + 4
        return raw[:at] + length.to_bytes(4, "little") + raw[at + 4 :]

    return told


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 100], ids=["zero", "streaming", "from the first second"])
def test_a_wav_whose_length_was_never_written_is_read_to_its_end(tmp_path: Path, length: int) -> None:
    made = heard(tmp_path, "pcm16.wav", rewritten_length(length))
    assert (made.duration_ms, made.lost_ms, made.flags) == (1000 * SECONDS, 0, ())


@pytest.mark.parametrize("chunk", [b"LIST" + bytes(4), b"junk" + bytes(4), b"bext\x03\0\0\0abc\0"])
def test_odd_chunks_before_the_samples_do_no_harm(tmp_path: Path, chunk: bytes) -> None:
    made = heard(tmp_path, "pcm16.wav", lambda raw: raw.replace(b"data", chunk + b"data", 1))
    assert np.array_equal(made.samples, spoken_samples()[:, : SECONDS * RATE])


@pytest.mark.parametrize("declared", [1, 200])
def test_a_length_that_is_a_few_bytes_off_is_no_cut(tmp_path: Path, declared: int) -> None:
    samples = SECONDS * RATE * 4
    made = heard(tmp_path, "pcm16.wav", rewritten_length(samples + declared))
    assert (made.duration_ms, made.lost_ms, made.flags) == (1000 * SECONDS, 0, ())


def test_a_chunk_behind_the_samples_is_no_sound(tmp_path: Path) -> None:
    made = heard(tmp_path, "pcm8.wav", lambda raw: raw + b"LIST" + (70_000).to_bytes(4, "little") + b"x" * 70_000)
    assert made.duration_ms == 1000 * SECONDS


@pytest.mark.parametrize("name", ["pcm16.wav", "mulaw.wav", "cbr.mp3", "a.opus", "a.gsm", "a.amr", "a.aac", "a.flac"])
def test_of_files_appended_to_each_other_all_is_read(tmp_path: Path, name: str) -> None:
    whole, both = heard(tmp_path, name), heard(tmp_path, name, lambda raw: raw + raw)
    assert both.duration_ms == pytest.approx(2 * whole.duration_ms, abs=400)
    assert "truncated" not in both.flags


def test_a_film_appended_to_another_is_said(tmp_path: Path) -> None:
    assert "more_follows" in heard(tmp_path, "a.m4a", lambda raw: raw + raw).flags


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=12)
@given(st.data())
def test_whatever_becomes_of_a_file_it_is_a_recording_or_a_failure(name: str, data: st.DataObject) -> None:
    raw = bytearray(encoded(name, SHORT))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(0, min(200, len(raw) - 1)), st.integers(0, len(raw) - 1)))
        new = data.draw(st.one_of(st.binary(max_size=40), st.sampled_from([b"", bytes(600), b"\xff" * 8])))
        raw[at : at + data.draw(st.sampled_from([0, len(new), len(new), 700]))] = new
        raw = raw or bytearray(b"\0")
    with tempfile.TemporaryDirectory() as folder:
        made = read_bytes(Path(folder), name, bytes(raw))
        if isinstance(made, Failure):
            assert made.reason and len(made.detail) > 20
        else:
            assert made.duration_ms == made.samples.shape[1] * 1000 // RATE > 0 <= made.lost_ms
