"""A dataset mended from what it can be rebuilt from: verdicts from transcripts, the ledger's index from the parts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.config import Config
from qa_pipeline.dataset import check
from qa_pipeline.dataset.check import Problem, check_dataset
from qa_pipeline.dataset.ledger import Ledger
from qa_pipeline.dataset.parts import call_dates, clear_staging, part_path, read_part, write_part
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, VERDICT_TABLES
from qa_pipeline.dataset.schemas import KEYS, SCHEMAS
from qa_pipeline.dataset.store import Store
from qa_pipeline.dataset.tables import ORDER, of_calls, remove_calls
from qa_pipeline.dataset.writer import one_writer
from qa_pipeline.verdicts.choice import Choice
from qa_pipeline.verdicts.in_force import PLANS, packs_in_force
from qa_pipeline.verdicts.rejudging import Judges, rejudge
from qa_pipeline.verdicts.rescoring import marks_of, put_in_place

SET_ASIDE = "set_aside"
"""In the dataset, outside every table: files that lay where only parts may."""


@dataclass(frozen=True)
class Lost:
    """Calls whose words were torn: the next run hears those with recordings again, the others have to be imported again."""

    recorded: tuple[str, ...] = ()
    imported: tuple[str, ...] = ()

    def __add__(self, other: Lost) -> Lost:
        return Lost(self.recorded + other.recorded, self.imported + other.imported)


@dataclass(frozen=True)
class Repaired:
    """before: what was found; left: what is still wrong; lost: calls whose words are; indexed: calls in the ledger's index."""

    before: tuple[Problem, ...]
    left: tuple[Problem, ...]
    lost: Lost
    indexed: int


def repair(config: Config) -> Repaired:
    """Mends in place, one part at a time. Raises BusyError while another command writes here."""
    with one_writer(config.root), closing(Ledger(config.ledger)) as ledger:
        clear_staging(config.dataset)
        before = tuple(check_dataset(config.dataset))
        by_day: dict[date, list[Problem]] = defaultdict(list)
        for problem in before:
            by_day[problem.day].append(problem)
        judges = Judges(packs_in_force(config), marks_of(config), datetime.now(UTC), config.root / PLANS)
        lost = Lost()
        for day, problems in sorted(by_day.items()):
            lost += _mend_files(config.dataset, ledger, day, problems)
            _mend_rows(config.dataset, ledger, day, problems)
            told = rejudge(config.dataset, day, Choice(), judges)
            if told.changes:
                put_in_place(config.dataset, "repair", told)
        indexed = rebuild(config, ledger)
        return Repaired(before, tuple(check_dataset(config.dataset)), lost, indexed)


def rebuild(config: Config, ledger: Ledger) -> int:
    """The ledger's index and its memory of finished recordings, from the dataset; the number of calls."""
    for day in call_dates(config.dataset, "calls"):
        known = read_part(config.dataset, "calls", day, ["call_id", "asr", "content_key", "content_sha256", "record_mark"])
        ledger.remember(known.to_pylist())
    return ledger.index_anew(_index(config.dataset))


def rebuild_if_new(config: Config, ledger: Ledger) -> None:
    """A ledger that someone deleted, before a run takes finished recordings for new ones."""
    if ledger.is_new and call_dates(config.dataset, "calls"):
        rebuild(config, ledger)


def _mend_files(store: Store, ledger: Ledger, day: date, problems: Sequence[Problem]) -> Lost:
    """Stray files set aside, torn parts emptied; where words were torn the whole date goes aside, to be taken in again."""
    for problem in problems:
        if problem.kind == check.STRAY:
            _set_aside(store, f"{part_path(problem.table, day).rpartition('/')[0]}/{problem.detail}")
    torn = [problem.table for problem in problems if problem.kind == check.TORN]
    words = any(table in TRANSCRIPT_TABLES for table in torn)
    for table in ORDER if words else torn:
        if store.exists(part_path(table, day)):
            _set_aside(store, part_path(table, day))
            write_part(store, table, day, SCHEMAS[table].empty_table())
    return Lost(*ledger.words_lost(day)) if words else Lost()


def _set_aside(store: Store, path: str) -> None:
    store.replace(f"{SET_ASIDE}/{path}", store.read(path))
    store.remove(path)


def _mend_rows(store: Store, ledger: Ledger, day: date, problems: Iterable[Problem]) -> None:
    """Parts of older versions written anew; rows that are too many, or of other words, taken out."""
    for problem in problems:
        if problem.kind in (check.OLD, check.TWICE):
            write_part(store, problem.table, day, _once(read_part(store, problem.table, day), KEYS[problem.table]))
        if problem.kind == check.ORPHAN or problem.kind == check.OTHER_WORDS:
            for table in VERDICT_TABLES if problem.table in VERDICT_TABLES else (problem.table,):
                write_part(store, table, day, of_calls(read_part(store, table, day), problem.calls, others=True))
        if problem.kind == check.TWO_DATES:
            elsewhere = [call for call in problem.calls if ledger.call_date(call) != day]
            remove_calls(store, day, elsewhere)


def _once(table: pa.Table, keys: tuple[str, ...]) -> pa.Table:
    """The last row of every key, as the last write has it."""
    numbered = table.append_column("row", pa.array(range(len(table)), pa.int64()))
    last = numbered.group_by(list(keys)).aggregate([("row", "max")])["row_max"]
    return table.take(last.take(pc.sort_indices(last)))


def _index(store: Store) -> Iterable[tuple[date, pa.Table]]:
    """Every date's first legs, for the ledger."""
    for day in call_dates(store, "legs"):
        legs = read_part(store, "legs", day, ["call_id", "leg", "agent_id", "pack"])
        yield day, legs.filter(pc.equal(legs["leg"], 1))
