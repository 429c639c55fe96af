"""The error family: each says what was expected, what was found, and where."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a problem stands; whatever is unknown is left out when shown."""

    file: str | None = None
    line: int | None = None
    call_id: str | None = None

    def __str__(self) -> str:
        spot = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return ", ".join(part for part in (spot, f"call {self.call_id}" if self.call_id else "") if part)


class QaError(Exception):
    """A problem its reader can act on."""

    def __init__(self, message: str, place: Place | None = None) -> None:
        self.message = message
        self.place = place or Place()
        super().__init__(f"{self.place}: {message}" if str(self.place) else message)


class DatasetError(QaError):
    """Rows that break the data contract; nothing was written."""
