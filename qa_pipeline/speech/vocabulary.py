"""What a recogniser is told of the rule packs: the names that no general model expects."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Vocabulary:
    """Names from the packs' slots, the most telling first. Frozen when a run begins: words already heard stay as they are."""

    names: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()[:16] if self.names else ""
