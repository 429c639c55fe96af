"""What cannot be rebuilt, copied to a safe place: what people said, the settings, and the draft of the rules."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from qa_pipeline.config import FILE, Config
from qa_pipeline.dataset.people import People, copy_database


def back_up(config: Config, into: Path) -> Path:
    """The new folder under `into`, complete or not there at all, whoever writes meanwhile. Raises OSError."""
    into.mkdir(parents=True, exist_ok=True)
    made = into / f"qa-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    half = into / f".{made.name}.half"
    half.mkdir(mode=0o700)
    try:
        with closing(People(config.people)) as people:
            people.note_backup(made.resolve())
        copy_database(config.people, half / config.people.name)
        shutil.copy2(config.root / FILE, half / FILE)
        shutil.copytree(config.rules, half / config.rules.name)
        os.replace(half, made)
    except BaseException:
        shutil.rmtree(half, ignore_errors=True)
        raise
    return made
