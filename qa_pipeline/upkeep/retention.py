"""What is kept no longer: everything of a call or a number, or whatever is older than a date, in every copy there is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.config import Config
from qa_pipeline.dataset.dry_runs import FOLDER as DIFFS
from qa_pipeline.dataset.dry_runs import forget_in_dry_runs
from qa_pipeline.dataset.history import FOLDER as HISTORY
from qa_pipeline.dataset.history import forget_history
from qa_pipeline.dataset.ledger import Ledger
from qa_pipeline.dataset.parts import call_dates, read_part, write_part
from qa_pipeline.dataset.people import People
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.dataset.store import Store
from qa_pipeline.dataset.tables import ORDER, PRUNED, remove_calls
from qa_pipeline.dataset.writer import one_writer
from qa_pipeline.errors import Place, QaError
from qa_pipeline.verdicts.rescoring import mirror_marks

AUDIO, TRANSCRIPTS, SCORES = "audio", "transcripts", "scores"


@dataclass(frozen=True)
class Gone:
    """calls: ids, or their number by date; files: recordings deleted; kept_files: those that are not under a named root;
    marks: of people; backups: that still hold some of it."""

    calls: tuple[str, ...] = ()
    dates: tuple[date, ...] = ()
    files: tuple[Path, ...] = ()
    kept_files: tuple[str, ...] = ()
    marks: int = 0
    backups: tuple[Path, ...] = ()


def forget(config: Config, target: str, keep_audio: bool = False) -> Gone:
    """Everything of the call with this id, or of all calls from or to this number.

    Recordings are deleted where they lie under a root that qa.toml names. What is left in the ledger is the hash of the
    content, so that no later run hears it again. Raises QaError where there is no such call, and BusyError.
    """
    with one_writer(config.root), closing(Ledger(config.ledger)) as ledger:
        by_day, waiting = _calls_of(config.dataset, target), ledger.waiting_of(target)
        ids = [call for calls in by_day.values() for call in calls] + waiting
        if not ids:
            said = f"no call {target!r}, and none from or to such a number; nothing was deleted"
            raise QaError(said, Place(str(config.root)))
        files, kept = ([], []) if keep_audio else _delete_audio(config, by_day)
        for day, calls in by_day.items():
            remove_calls(config.dataset, day, calls)
            forget_history(config.dataset, day, calls)
            forget_in_dry_runs(config.dataset, day, calls)
        ledger.forget_calls(ids)
        marks, backups = _forget_people(config, ids)
        return Gone(tuple(sorted(set(ids))), tuple(by_day), tuple(files), tuple(kept), marks, backups)


def _calls_of(dataset: Store, target: str) -> dict[date, list[str]]:
    found = {}
    for day in call_dates(dataset, "calls"):
        calls = read_part(dataset, "calls", day, ["call_id", "caller_number", "called_number"])
        hit = [pc.fill_null(pc.equal(calls[name], target), False) for name in calls.column_names]
        ids = calls.filter(pc.or_(pc.or_(hit[0], hit[1]), hit[2]))["call_id"].to_pylist()
        if ids:
            found[day] = ids
    return found


def _delete_audio(config: Config, by_day: dict[date, list[str]]) -> tuple[list[Path], list[str]]:
    """Files that are gone now, and addresses of those that qa may not touch."""
    gone, kept = [], []
    for day, ids in by_day.items():
        told = read_part(config.dataset, "calls", day, ["call_id", "recordings"], ids)["recordings"].to_pylist()
        for uri in sorted({recording["uri"] for recordings in told for recording in recordings or ()}):
            path = None if uri.startswith(("file:", "samples:")) else config.roots.path(uri)
            if path is None:
                kept.append(uri)
            elif path.exists():
                path.unlink()
                gone.append(path)
    return gone, kept


def _forget_people(config: Config, ids: Sequence[str]) -> tuple[int, tuple[Path, ...]]:
    if not config.people.exists():
        return 0, ()
    with closing(People(config.people)) as people:
        marks = people.forget(ids)
        mirror_marks(config.dataset, people)
        holding = [path for path in people.backups() if path.exists() and _mentions(path, ids)]
        return marks, tuple(holding)


def _mentions(backup: Path, ids: Collection[str]) -> bool:
    """Whether a backup's copy of what people said has something on these calls."""
    copy = backup / "people.sqlite"
    if not copy.exists():
        return False
    with closing(People(copy)) as people:
        return any(mark.call_id in set(ids) for mark in people.marks())


@dataclass(frozen=True)
class Retention:
    """What goes of calls before the date."""

    before: date
    kinds: frozenset[str] = frozenset({AUDIO, TRANSCRIPTS, SCORES})


def prune(config: Config, retention: Retention, dry_run: bool = False) -> Gone:
    """Whole dates, oldest first. Without transcripts verdicts stand but are never judged again; without scores nothing is left.

    Raises BusyError while another command writes here.
    """
    with one_writer(config.root), closing(Ledger(config.ledger)) as ledger:
        days = [day for day in call_dates(config.dataset, "calls") if day < retention.before]
        done = Gone()
        for day in days:
            calls = read_part(config.dataset, "calls", day, ["call_id", "flags"])
            ids = calls["call_id"].to_pylist()
            if dry_run:
                done = replace(done, calls=(*done.calls, *ids), dates=(*done.dates, day))
                continue
            done = _prune_date(config, ledger, day, ids, retention.kinds, done)
        return done


def _prune_date(
    config: Config, ledger: Ledger, day: date, ids: list[str], kinds: frozenset[str], done: Gone
) -> Gone:  # one date, so that a stop in between leaves whole dates
    files, kept = _delete_audio(config, {day: ids}) if AUDIO in kinds else ([], [])
    marks, backups = 0, done.backups
    if SCORES in kinds:
        remove_calls(config.dataset, day, ids)
        _remove_copies(config.dataset, day, ("findings", "scores", "covered"))
        for table in reversed(ORDER):
            config.dataset.remove_folder(f"{table}/call_date={day.isoformat()}")
        ledger.forget_calls(ids)
        marks, backups = _forget_people(config, ids)
    elif TRANSCRIPTS in kinds:
        _remove_words(config.dataset, day)
        _remove_copies(config.dataset, day, ("findings",))
    return Gone(
        (*done.calls, *ids),
        (*done.dates, day),
        (*done.files, *files),
        (*done.kept_files, *kept),
        done.marks + marks,
        tuple(dict.fromkeys((*done.backups, *backups))),
    )


def _remove_copies(dataset: Store, day: date, tables: Iterable[str]) -> None:
    """Of a date, in history and in dry runs, whose reports quote calls."""
    for table in tables:
        dataset.remove_folder(f"{HISTORY}/{table}/call_date={day.isoformat()}")
        for run in dataset.folders(DIFFS):
            folder = f"{DIFFS}/{run}/{table}/call_date={day.isoformat()}"
            if dataset.exists(folder):
                dataset.remove_folder(folder)
                for name in dataset.files(f"{DIFFS}/{run}"):
                    if name.startswith("report"):
                        dataset.remove(f"{DIFFS}/{run}/{name}")


def _remove_words(dataset: Store, day: date) -> None:
    """First the flag, so that nothing takes a call without words for a call in which nobody spoke."""
    calls = read_part(dataset, "calls", day)
    flags = [[*(told or ()), *([] if PRUNED in (told or ()) else [PRUNED])] for told in calls["flags"].to_pylist()]
    field = calls.schema.field("flags")
    flagged = calls.set_column(calls.schema.get_field_index("flags"), field, pa.array(flags, field.type))
    write_part(dataset, "calls", day, flagged)
    rows = read_part(dataset, "findings", day).to_pylist()
    for row in rows:
        row["evidence"] = [{**told, "quote": None} for told in row["evidence"] or ()]
    write_part(dataset, "findings", day, pa.Table.from_pylist(rows, schema=SCHEMAS["findings"]))
    write_part(dataset, "turns", day, SCHEMAS["turns"].empty_table())
