"""A call in one file, and a call whose sides were recorded apart."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.recordings.decode import Recording, content_hash, decode
from qa_pipeline.recordings.files import PAIR, RecordingFiles, pair_up, wrong_pair
from qa_pipeline.recordings.find import Failure, find_recordings
from qa_pipeline.recordings.spool import RATE
from tests.encoded import encode, spoken_samples

DATED = r"(?P<start>\d{10,14})_(?P<call>\d+)_(?:(?P<first>agent)|(?P<second>customer))"


def side(path: Path, channel: int, start: int = 0, end: int = 3, codec: str = "pcm_s16le") -> Path:
    """Seconds of one channel of the sample."""
    return encode(path, spoken_samples()[channel : channel + 1, start * RATE : end * RATE], codec)


def only(folder: Path, pattern: str = PAIR) -> RecordingFiles:
    (one,) = find_recordings([folder], pair=pattern).recordings
    return one


def spool(folder: Path) -> Path:
    (folder / ".spool").mkdir()
    return folder / ".spool"


@pytest.mark.parametrize(("first", "second"), [("-in", "-out"), ("-rx", "-tx"), ("_in", "_out")])
def test_two_files_become_one_recording_with_a_side_on_each_channel(tmp_path: Path, first: str, second: str) -> None:
    side(tmp_path / f"c1{first}.wav", 0)
    side(tmp_path / f"c1{second}.wav", 1)
    made = decode(only(tmp_path), spool(tmp_path))
    assert isinstance(made, Recording)
    assert (made.channels, made.duration_ms, made.flags, made.lost_ms) == (2, 3000, (), 0)
    assert np.array_equal(made.samples, spoken_samples()[:, : 3 * RATE])
    assert [(f.path.name, f.channel, f.offset_ms) for f in made.files] == [(f"c1{first}.wav", 0, 0), (f"c1{second}.wav", 1, 0)]
    assert made.sha256 == content_hash([f.path for f in made.files]) not in {f.sha256 for f in made.files}


def test_sides_of_different_length_and_format_end_in_silence(tmp_path: Path) -> None:
    side(tmp_path / "c1-in.wav", 0, codec="pcm_mulaw")
    side(tmp_path / "c1-out.wav", 1, 0, 2)
    made = decode(only(tmp_path), spool(tmp_path))
    assert isinstance(made, Recording)
    assert (made.duration_ms, made.samples[1, 2 * RATE :].any(), made.samples[0, 2 * RATE :].any()) == (3000, False, True)


@pytest.mark.parametrize("starts", [("20240514093000", "20240514093002"), ("1715650200", "1715650202")])
def test_sides_that_begin_at_different_times_are_laid_where_they_belong(tmp_path: Path, starts: tuple[str, str]) -> None:
    side(tmp_path / f"{starts[0]}_77_agent.wav", 0, 0, 4)
    side(tmp_path / f"{starts[1]}_77_customer.wav", 1, 2, 5)
    files = only(tmp_path, DATED)
    made = decode(files, spool(tmp_path))
    assert isinstance(made, Recording)
    assert files.offsets_ms == (0, 2000) == tuple(f.offset_ms for f in made.files)
    wanted = spoken_samples()[:, : 5 * RATE].copy()
    wanted[0, 4 * RATE :], wanted[1, : 2 * RATE] = 0, 0
    assert np.array_equal(made.samples, wanted)


@pytest.mark.parametrize(("there", "channel"), [("-in", 0), ("-out", 1)])
def test_a_side_alone_is_one_channel_and_says_that_the_other_is_missing(tmp_path: Path, there: str, channel: int) -> None:
    side(tmp_path / f"c1{there}.wav", channel)
    files = only(tmp_path)
    state, made = files.state, decode(files, spool(tmp_path))
    assert isinstance(made, Recording)
    assert (made.channels, made.flags) == (1, ("mono", f"channel_{1 - channel}_missing"))
    assert [(f.path.name, f.channel) for f in made.files] == [(f"c1{there}.wav", channel)]
    side(tmp_path / ("c1-out.wav" if channel == 0 else "c1-in.wav"), 1 - channel)
    both = only(tmp_path)
    assert both.key == files.key and both.state != state  # to the ledger the same recording, changed


def test_a_side_that_cannot_be_read_costs_its_own_channel_only(tmp_path: Path) -> None:
    (tmp_path / "c1-in.wav").touch()
    side(tmp_path / "c1-out.wav", 1)
    made = decode(only(tmp_path), spool(tmp_path))
    assert isinstance(made, Recording) and made.flags == ("mono", "channel_0_empty")
    (tmp_path / "c1-out.wav").write_text("no sound")
    (tmp_path / ".spool" / "1.s16").unlink()
    failure = decode(only(tmp_path), tmp_path / ".spool")
    assert isinstance(failure, Failure) and failure.reason == "empty"


def test_damage_on_either_side_is_counted(tmp_path: Path) -> None:
    raw = side(tmp_path / "c1-in.wav", 0).read_bytes()
    (tmp_path / "c1-in.wav").write_bytes(raw[: len(raw) // 2])
    side(tmp_path / "c1-out.wav", 1)
    made = decode(only(tmp_path), spool(tmp_path))
    assert isinstance(made, Recording)
    assert "truncated" in made.flags and made.lost_ms == pytest.approx(1500, abs=20) and made.duration_ms == 3000


def test_two_whole_calls_that_are_named_like_sides_are_not_merged(tmp_path: Path) -> None:
    for name in ("check-in.wav", "check-out.wav"):
        encode(tmp_path / name, spoken_samples()[:, : 2 * RATE], "pcm_s16le")
    failure = decode(only(tmp_path), spool(tmp_path))
    assert isinstance(failure, Failure) and failure.reason == "not_a_side" and "qa.toml" in failure.detail
    assert len(find_recordings([tmp_path], pair="").recordings) == 2
    (tmp_path / "check-out.wav").unlink()
    (tmp_path / ".spool" / "0.s16").unlink()
    alone = decode(only(tmp_path), tmp_path / ".spool")
    assert isinstance(alone, Recording) and (alone.channels, alone.flags) == (2, ())


def test_sides_pair_within_a_folder_and_a_suffix_only(tmp_path: Path) -> None:
    for name in ("1/c1-in.wav", "2/c1-out.wav", "3/c1-in.wav", "3/c1-out.gsm"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [len(one.paths) for one in find_recordings([tmp_path]).recordings] == [1, 1, 1, 1]


def test_more_than_one_file_for_a_side_is_said_and_not_chosen(tmp_path: Path) -> None:
    for name in ("c1-in.wav", "c1-rx.wav", "c1-out.wav"):
        (tmp_path / name).touch()
    found = find_recordings([tmp_path])
    assert (found.recordings, {f.reason for f in found.failures}, len(found.failures)) == ((), {"pair_unclear"}, 3)


def test_a_call_record_may_name_either_side_or_the_two_together(tmp_path: Path) -> None:
    side(tmp_path / "c1-in.wav", 0)
    side(tmp_path / "c1-out.wav", 1)
    assert [p.name for p in only(tmp_path).named] == ["c1-in.wav", "c1-out.wav", "c1.wav"]


names = st.lists(st.from_regex(r"\A[ab]{1,2}(-in|-out|)\.wav\Z"), max_size=8, unique=True)


@given(names)
def test_every_file_is_in_one_recording_and_every_key_is_its_own(given_names: list[str]) -> None:
    made, unclear = pair_up([Path("/r", name) for name in sorted(given_names)])
    assert sorted(p.name for one in made for p in one.paths) == sorted(given_names) and not unclear
    assert len({one.key for one in made}) == len(made)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", "not a regular expression"),
        ("(?P<call>.*)-(?P<first>a)", "second"),
        ("(?P<other>.)", "unknown other"),
        (PAIR, None),
    ],
)
def test_a_pattern_from_the_settings_is_checked(pattern: str, said: str | None) -> None:
    wrong = wrong_pair(pattern)
    assert wrong is None if said is None else said in (wrong or "")


def test_files_and_recordings_travel_between_processes(tmp_path: Path) -> None:
    side(tmp_path / "c1-in.wav", 0)
    files = pickle.loads(pickle.dumps(only(tmp_path)))
    made = decode(files, spool(tmp_path))
    assert isinstance(made, Recording)
    assert len(pickle.dumps(made)) < 2000  # its samples stay where they are
    assert np.array_equal(pickle.loads(pickle.dumps(made)).samples, made.samples)
