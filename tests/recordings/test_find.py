"""Nothing is passed over in silence: what is no recording is counted, what cannot be read is named."""

import os
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.recordings.find import SUFFIXES, Found, find_recordings


def paths(found: Found) -> list[Path]:
    return [path for one in found.recordings for path in one.paths]


def test_recordings_are_found_at_any_depth_in_order_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("b.wav", "deep/er/a.MP3", "notes.txt", "deep/cdr.csv", ".hidden.wav", ".trash/c.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_recordings([tmp_path])
    assert [p.relative_to(tmp_path).as_posix() for p in paths(found)] == ["b.wav", "deep/er/a.MP3"]
    assert sorted(p.name for p in found.passed_over) == ["cdr.csv", "notes.txt"]
    assert found.failures == ()


names = st.text("abc", min_size=1, max_size=3)
files = st.tuples(st.lists(names, max_size=2), names, st.sampled_from([*sorted(SUFFIXES), ".txt", ""]))


@given(st.sets(files.map(lambda f: "/".join([*(f"d{d}" for d in f[0]), f[1] + f[2]])), max_size=8))
def test_every_file_is_either_a_recording_or_passed_over(wanted: set[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted:
            Path(folder, name).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, name).touch()
        found = find_recordings([Path(folder)])
        seen = {p.relative_to(folder).as_posix() for p in (*paths(found), *found.passed_over)}
        assert seen == wanted and len(paths(found)) + len(found.passed_over) == len(wanted)
        assert {p.suffix for p in paths(found)} <= SUFFIXES


def test_a_file_named_twice_or_linked_is_found_once(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    assert len(paths(find_recordings([tmp_path, tmp_path / "a.wav"]))) == 1


def test_a_linked_folder_is_searched_and_a_circle_ends(tmp_path: Path) -> None:
    (tmp_path / "day" / "a").mkdir(parents=True)
    (tmp_path / "day" / "a" / "x.wav").touch()
    (tmp_path / "day" / "a" / "round").symlink_to(tmp_path / "day")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "today").symlink_to(tmp_path / "day")
    assert [p.name for p in paths(find_recordings([tmp_path / "project"]))] == ["x.wav"]


def test_a_path_that_is_not_there_and_a_link_to_nothing_are_missing(tmp_path: Path) -> None:
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere.wav")
    found = find_recordings([tmp_path, tmp_path / "nope"])
    assert [(f.path.name, f.reason) for f in found.failures] == [("gone.wav", "missing"), ("nope", "missing")]
    assert "nowhere.wav" in found.failures[0].detail


def test_a_pipe_named_like_a_recording_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (failure,) = find_recordings([tmp_path]).failures
    assert failure.reason == "not_audio"


def test_a_file_without_an_audio_suffix_is_passed_over_even_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    found = find_recordings([tmp_path / "a.txt"])
    assert (found.recordings, found.failures, len(found.passed_over)) == ((), (), 1)
