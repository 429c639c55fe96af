"""The rule packs that the night judges with, kept by the hash of their files. A project's rules/ is a draft of the next."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from qa_pipeline.dataset.store import Where, store_of
from qa_pipeline.errors import DatasetError, Place

FOLDER = "rules"
POINTER = f"{FOLDER}/published.json"


@dataclass(frozen=True)
class Published:
    """hash: of the files; at: UTC, ISO."""

    hash: str
    at: str


def hash_rules(folder: Path) -> str:
    """16 hex digits over names and bytes of every YAML file in it, at any depth."""
    seen = hashlib.sha256()
    for name, content in _files(folder):
        seen.update(f"{len(name)} {name} {len(content)}\n".encode() + content)
    return seen.hexdigest()[:16]


def _files(folder: Path) -> list[tuple[str, bytes]]:
    return [(p.relative_to(folder).as_posix(), p.read_bytes()) for p in sorted(folder.rglob("*.yaml"))]


def published(dataset: Where) -> Published | None:
    """Which packs the night judges with; None in a project that has judged nothing yet."""
    store = store_of(dataset)
    if not store.exists(POINTER):
        return None
    try:
        return Published(**json.loads(store.read(POINTER)))
    except (ValueError, TypeError) as problem:
        raise DatasetError(f"not what qa wrote ({problem}); mend it with: qa rules publish", Place(f"{store}/{POINTER}")) from (
            problem
        )


def publish(dataset: Where, folder: Path) -> Published:
    """Keep the folder's packs and name them as those to judge with; the files are all there before the name is."""
    store, found = store_of(dataset), Published(hash_rules(folder), datetime.now(UTC).isoformat(timespec="seconds"))
    keep(dataset, folder)
    store.replace(POINTER, json.dumps({"hash": found.hash, "at": found.at}).encode())
    return found


def keep(dataset: Where, folder: Path) -> str:
    """Keep the folder's packs under their hash without publishing them, as a dry run does."""
    store, name = store_of(dataset), hash_rules(folder)
    for file, content in _files(folder):
        if not store.exists(f"{FOLDER}/{name}/{file}"):
            store.replace(f"{FOLDER}/{name}/{file}", content)
    return name


def kept_rules(dataset: Where, name: str, here: Path) -> Path:
    """The folder of the packs with this hash: in the dataset where that is a folder, else copied under `here`.

    Raises DatasetError where they are not kept, or are no longer what their name says.
    """
    store = store_of(dataset)
    folder = Path(store.at(f"{FOLDER}/{name}")) if store.is_local else here / name
    if not store.is_local and not (folder.is_dir() and hash_rules(folder) == name):
        _fetch(dataset, f"{FOLDER}/{name}", folder)
    if not folder.is_dir() or hash_rules(folder) != name:
        said = "these published rules are gone or changed; publish those in rules/ with: qa rules publish"
        raise DatasetError(said, Place(file=f"{store}/{FOLDER}/{name}"))
    return folder


def _fetch(dataset: Where, path: str, folder: Path) -> None:
    store = store_of(dataset)
    folder.mkdir(parents=True, exist_ok=True)
    for name in store.files(path):
        (folder / name).write_bytes(store.read(f"{path}/{name}"))
    for name in store.folders(path):
        _fetch(store, f"{path}/{name}", folder / name)
