"""How stored calls name their audio: relative to a named root, so that an archive may move without touching the dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Roots:
    """Named folders: `nas:2024/05/14/001.wav` is a file under the folder called `nas`; elsewhere a `file:` address."""

    folders: Mapping[str, Path]

    def uri(self, path: Path) -> str:
        """Under the innermost root that holds the file."""
        real = path.resolve()
        roots = {name: folder.resolve() for name, folder in self.folders.items()}
        holding = [(len(root.parts), name) for name, root in roots.items() if real.is_relative_to(root)]
        if not holding:
            return real.as_uri()
        name = max(holding)[1]
        return f"{name}:{real.relative_to(roots[name]).as_posix()}"

    def path(self, uri: str) -> Path | None:
        """Where the file should be; None for a root that no setting names. Never outside its root."""
        name, _, inside = uri.partition(":")
        if name == "file":
            return Path(unquote(urlsplit(uri).path))
        if name not in self.folders:
            return None
        root = self.folders[name].resolve()
        path = (root / inside).resolve()
        return path if path.is_relative_to(root) else None
