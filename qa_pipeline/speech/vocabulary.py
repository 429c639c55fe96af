"""What listening is told of the rule packs: the names that no general model expects, and by what words roles are known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from qa_pipeline.speech.roles import RoleCues


@dataclass(frozen=True)
class Vocabulary:
    """Names from the packs' slots, the most telling first. Frozen when a run begins: words already heard stay as they are."""

    names: tuple[str, ...] = ()
    cues: RoleCues = field(default_factory=RoleCues)

    @property
    def hash(self) -> str:
        """Of what a recogniser hears by: the names."""
        return hashlib.sha256("\n".join(self.names).encode()).hexdigest()[:16] if self.names else ""
