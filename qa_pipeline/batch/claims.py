"""Who goes first where recordings of one run have the same content, or would be the same call."""

from __future__ import annotations

from pathlib import Path

from qa_pipeline.batch.front import Job
from qa_pipeline.recordings.files import RecordingFiles


class Claims:
    """Of recordings with one content or one call id, only the first is on its way; the others are looked at after it."""

    def __init__(self) -> None:
        self._held: dict[str, Path] = {}
        self._behind: dict[Path, list[RecordingFiles]] = {}

    def made(self, job: Job) -> bool:
        for name in job.claims:
            if holder := self._held.get(name):
                self._behind[holder].append(job.files)
                return False
        self._held |= dict.fromkeys(job.claims, job.path)
        self._behind[job.path] = []
        return True

    def given_up(self, job: Job) -> list[RecordingFiles]:
        """Those that waited for it, in order of their paths."""
        for name in job.claims:
            self._held.pop(name, None)
        return self._behind.pop(job.path)
