"""Where a dataset lies: a folder here, or whatever pyarrow can address by a URI. Every file is replaced in one step."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.fs as pafs

from qa_pipeline.errors import DatasetError, Place

STAGING = ".staging"
"""Outside every table: a file beside the part would double rows in plain reads."""


@dataclass(frozen=True)
class Store:
    """A folder `base` of a filesystem. Paths are relative to it, with /."""

    fs: pafs.FileSystem
    base: str

    def __str__(self) -> str:
        return self.base if self.is_local else f"{self.fs.type_name}://{self.base}"

    @property
    def is_local(self) -> bool:
        return isinstance(self.fs, pafs.LocalFileSystem)

    def at(self, path: str) -> str:
        return f"{self.base}/{path}"

    def exists(self, path: str) -> bool:
        return bool(self.fs.get_file_info(self.at(path)).type != pafs.FileType.NotFound)

    def folders(self, path: str) -> list[str]:
        """Names of the folders directly in it, sorted; none where it is not there."""
        return self._names(path, pafs.FileType.Directory)

    def files(self, path: str) -> list[str]:
        return self._names(path, pafs.FileType.File)

    def _names(self, path: str, kind: pafs.FileType) -> list[str]:
        found = self.fs.get_file_info(pafs.FileSelector(self.at(path), allow_not_found=True))
        return sorted(f.base_name for f in found if f.type == kind)

    def read(self, path: str) -> bytes:
        with self.fs.open_input_stream(self.at(path)) as file:
            return bytes(file.read())

    def replace(self, path: str, content: pa.Buffer | bytes) -> None:
        """The whole file at once: a reader meets the old one or the new one, and after a crash one of the two is there."""
        with self.written(path) as file:
            file.write(content)

    @contextmanager
    def written(self, path: str) -> Iterator[BinaryIO]:
        """A file for what is to stand at `path`, piece by piece; it takes that place at once when all is written, and never
        where writing raises."""
        if self.is_local:
            with self._staged(Path(self.at(path))) as here:
                yield here
            return
        with tempfile.TemporaryFile() as spool:  # a stream that ends in an error would still become an object
            yield spool
            spool.seek(0)
            with self.fs.open_output_stream(self.at(path)) as there:  # an object appears when it is complete
                shutil.copyfileobj(spool, there, 1 << 20)

    @contextmanager
    def _staged(self, path: Path) -> Iterator[BinaryIO]:
        staging = Path(self.at(STAGING))
        staging.mkdir(parents=True, exist_ok=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        staged = staging / f"{uuid.uuid4().hex}{path.suffix}"
        try:
            with staged.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(staged, path)
        except BaseException:
            staged.unlink(missing_ok=True)
            raise
        _settle(path.parent)

    def remove(self, path: str) -> None:
        """A file, if it is there."""
        if self.exists(path):
            self.fs.delete_file(self.at(path))

    def remove_folder(self, path: str) -> None:
        if self.exists(path):
            self.fs.delete_dir(self.at(path))

    def clear_staging(self) -> None:
        """What a killed writer left behind. Only for who holds the project as its one writer."""
        for name in self.files(STAGING):
            self.remove(f"{STAGING}/{name}")


Where = Path | Store
"""A folder, or a store elsewhere."""


def store_of(where: Where) -> Store:
    return where if isinstance(where, Store) else Store(pafs.LocalFileSystem(), where.absolute().as_posix())


def open_store(uri: str) -> Store:
    """By a URI that pyarrow knows, such as s3://bucket/calls?endpoint_override=…; a key and its secret come from the
    environment as for every S3 tool. Raises DatasetError for any other text."""
    try:
        fs, base = pafs.FileSystem.from_uri(uri)
    except (pa.ArrowInvalid, OSError, ValueError) as problem:
        raise DatasetError(
            f"expected a URI such as s3://bucket/calls: {problem}", Place(file=uri.partition("?")[0])
        ) from problem
    return Store(fs, base.rstrip("/"))


def _settle(folder: Path) -> None:
    """The new name on disk, too, before the ledger forgets what it stands for."""
    if os.name == "nt":  # folders cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
