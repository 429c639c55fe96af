"""A stored call names its audio so that the archive may move."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.recordings.roots import Roots

parts = st.lists(st.text("ab 录音%#:", min_size=1, max_size=4).filter(lambda s: s.strip()), min_size=1, max_size=3)


@given(parts, st.booleans())
def test_a_name_leads_back_to_the_file_it_was_made_from(inside: list[str], rooted: bool) -> None:
    roots = Roots({"nas": Path("/srv/nas")} if rooted else {})
    path = Path("/srv/nas", *inside)
    uri = roots.uri(path)
    assert uri.startswith("nas:" if rooted else "file:///")
    assert roots.path(uri) == path


def test_the_innermost_root_names_it(tmp_path: Path) -> None:
    roots = Roots({"all": tmp_path, "day": tmp_path / "2024"})
    assert roots.uri(tmp_path / "2024" / "a.wav") == "day:a.wav"
    assert roots.uri(tmp_path / "b.wav") == "all:b.wav"


def test_an_archive_that_moved_is_found_under_its_new_root(tmp_path: Path) -> None:
    uri = Roots({"nas": tmp_path / "old"}).uri(tmp_path / "old" / "1" / "a.wav")
    assert Roots({"nas": tmp_path / "new"}).path(uri) == tmp_path / "new" / "1" / "a.wav"


def test_a_name_never_leads_out_of_its_root(tmp_path: Path) -> None:
    assert Roots({"nas": tmp_path}).path("nas:../../etc/passwd") is None


def test_an_unknown_root_leads_nowhere() -> None:
    assert Roots({}).path("nas:a.wav") is None
