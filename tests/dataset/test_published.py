"""Published packs are what the night judges with, whatever happens to rules/ meanwhile."""

from pathlib import Path

import pytest

from qa_pipeline.dataset.published import hash_rules, keep, kept_rules, publish, published
from qa_pipeline.dataset.store import open_store
from qa_pipeline.errors import DatasetError


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    (tmp_path / "rules" / "shared").mkdir(parents=True)
    (tmp_path / "rules" / "p.yaml").write_text("pack: p")
    (tmp_path / "rules" / "shared" / "phrases.yaml").write_text("phrases: {}")
    return tmp_path / "rules"


def test_what_is_published_stays_as_it_was_when_the_draft_is_edited(tmp_path: Path, rules: Path) -> None:
    assert published(tmp_path) is None
    first = publish(tmp_path / "d", rules)
    (rules / "p.yaml").write_text("pack: p # edited")
    assert published(tmp_path / "d") == first
    kept = kept_rules(tmp_path / "d", first.hash, tmp_path)
    assert (kept / "p.yaml").read_text() == "pack: p"
    assert (kept / "shared" / "phrases.yaml").is_file()
    assert publish(tmp_path / "d", rules).hash != first.hash
    assert kept_rules(tmp_path / "d", first.hash, tmp_path) == kept


def test_rules_kept_for_a_dry_run_are_not_published_by_it(tmp_path: Path, rules: Path) -> None:
    assert kept_rules(tmp_path, keep(tmp_path, rules), tmp_path).is_dir()
    assert published(tmp_path) is None


def test_the_hash_tells_names_and_contents_apart(tmp_path: Path, rules: Path) -> None:
    before = hash_rules(rules)
    (rules / "p.yaml").rename(rules / "q.yaml")
    assert hash_rules(rules) != before


def test_published_rules_that_someone_changed_are_refused(tmp_path: Path, rules: Path) -> None:
    name = publish(tmp_path, rules).hash
    (tmp_path / "rules" / name / "p.yaml").write_text("pack: other")
    with pytest.raises(DatasetError, match=r"gone or changed.*qa rules publish"):
        kept_rules(tmp_path, name, tmp_path)


def test_packs_published_elsewhere_are_fetched_when_they_are_used(tmp_path: Path, rules: Path, s3_uri: str) -> None:
    store = open_store(s3_uri.replace("/night", "/published"))
    name = publish(store, rules).hash
    folder = kept_rules(store, name, tmp_path / "cache")
    assert hash_rules(folder) == name
    assert folder.parent == tmp_path / "cache"
