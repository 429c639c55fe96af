"""Files replaced whole, in a folder and on a real S3 API alike."""

from datetime import date
from pathlib import Path

import pytest

from qa_pipeline.dataset.parts import call_dates, read_part, write_part
from qa_pipeline.dataset.store import Store, open_store, store_of
from qa_pipeline.dataset.tables import find_call, read_table, remove_calls

DAY, NEXT = date(2024, 5, 14), date(2024, 5, 15)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return store_of(tmp_path)
    return open_store(request.getfixturevalue("s3_uri").replace("/night", f"/{tmp_path.name}"))


def test_a_file_is_there_with_all_its_bytes_or_not_at_all(store: Store) -> None:
    assert not store.exists("a/b.json")
    store.replace("a/b.json", b"one")
    store.replace("a/b.json", b"two")
    assert (store.read("a/b.json"), store.files("a"), store.folders("")) == (b"two", ["b.json"], store.folders(""))
    store.remove("a/b.json")
    assert not store.exists("a/b.json")
    store.remove("a/b.json")


def test_partitions_are_written_found_and_emptied(store: Store) -> None:
    for day, call in ((DAY, "a"), (NEXT, "b")):
        write_part(store, "scores", day, [{"call_id": call, "leg": 1, "pack": "p", "points": 1.0}])
        write_part(store, "calls", day, [{"call_id": call}])
    assert call_dates(store, "scores") == [DAY, NEXT]
    assert read_table(store, "scores")["call_id"].to_pylist() == ["a", "b"]
    assert find_call(store, "b") == NEXT
    remove_calls(store, NEXT, ["b"])
    assert find_call(store, "b") is None
    assert len(read_part(store, "scores", NEXT)) == 0


def test_what_a_failed_write_leaves_is_the_old_file(store: Store) -> None:
    store.replace("x", b"old")
    with pytest.raises(TypeError):
        store.replace("x", 7)  # type: ignore[arg-type]
    assert store.read("x") == b"old"


def test_names_of_a_place_that_is_not_there_are_none(store: Store) -> None:
    assert (store.files("nowhere"), store.folders("nowhere")) == ([], [])
