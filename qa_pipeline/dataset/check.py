"""Whether a dataset is what the contract says: whole parts, one row a key, no row without its call, verdicts of these words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qa_pipeline.dataset.lineage import transcript_versions
from qa_pipeline.dataset.migrate import version_of
from qa_pipeline.dataset.parts import call_dates, part_path, read_part
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, VERDICT_TABLES
from qa_pipeline.dataset.schemas import KEYS, VERSION
from qa_pipeline.dataset.store import Store, Where, store_of
from qa_pipeline.dataset.tables import ORDER, PRUNED, of_calls
from qa_pipeline.errors import DatasetError

TORN, OLD, STRAY, TWICE, ORPHAN, UNJUDGED, OTHER_WORDS, TWO_DATES = (
    *("torn", "old_version", "stray_file", "key_twice", "orphan", "unjudged", "other_words", "two_dates"),
)
SAID = {
    TORN: "the part cannot be read",
    OLD: f"written by an older schema version than {VERSION}",
    STRAY: "a file beside the part: plain readers count its rows too",
    TWICE: "a key is there more than once",
    ORPHAN: "rows whose call or leg is not there",
    UNJUDGED: "legs without a score",
    OTHER_WORDS: "scores of another transcript than the one kept",
    TWO_DATES: "calls kept under two dates",
}


@dataclass(frozen=True)
class Problem:
    """kind: a key of SAID. calls: ids that have it, where it is calls that do."""

    kind: str
    table: str
    day: date
    detail: str = ""
    calls: tuple[str, ...] = ()

    def __str__(self) -> str:
        some = ", ".join(self.calls[:3]) + (f" and {len(self.calls) - 3} more" if len(self.calls) > 3 else "")
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.table} of {self.day}: {SAID[self.kind]}{detail}{f': {some}' if some else ''}"


def check_dataset(dataset: Where) -> Iterator[Problem]:
    """Every date's problems, oldest date first. Memory is that of a date's turns and of all call ids."""
    store, seen = store_of(dataset), dict[str, date]()
    for day in sorted({day for table in ORDER for day in call_dates(store, table)}):
        yield from _check_date(store, day, seen)


def _check_date(store: Store, day: date, seen: dict[str, date]) -> Iterator[Problem]:
    tables: dict[str, pa.Table] = {}
    for name in ORDER:
        yield from _files(store, name, day)
        try:
            tables[name] = read_part(store, name, day)
        except DatasetError as problem:
            yield Problem(TORN, name, day, problem.message.partition(";")[0])
            tables[name] = read_part(store, name, date.min)
    for name, table in tables.items():
        if twice := _twice(table, KEYS[name]):
            yield Problem(TWICE, name, day, calls=twice)
    calls = tables["calls"]["call_id"].combine_chunks()
    moved = [call_id for call_id in calls.to_pylist() if seen.setdefault(call_id, day) != day]
    if moved:
        yield Problem(TWO_DATES, "calls", day, f"also {seen[moved[0]]}", tuple(moved))
    yield from _references(tables, day)
    yield from _lineage(tables, day)


def _files(store: Store, name: str, day: date) -> Iterator[Problem]:
    path = part_path(name, day)
    folder, _, part = path.rpartition("/")
    for file in store.files(folder):
        if file != part:
            yield Problem(STRAY, name, day, file)
    if store.exists(path):
        try:
            with store.fs.open_input_file(store.at(path)) as file:
                version = version_of(pq.read_schema(file))
        except pa.ArrowInvalid:
            return  # told as torn
        if version < VERSION:
            yield Problem(OLD, name, day, f"version {version}")


def _twice(table: pa.Table, keys: tuple[str, ...]) -> tuple[str, ...]:
    counted = table.group_by(list(keys)).aggregate([([], "count_all")])
    return tuple(sorted(set(counted.filter(pc.greater(counted["count_all"], 1))["call_id"].to_pylist())))


def _references(tables: dict[str, pa.Table], day: date) -> Iterator[Problem]:
    calls = tables["calls"]["call_id"].combine_chunks()
    for name in TRANSCRIPT_TABLES[1:]:
        if lost := _missing(tables[name]["call_id"], calls):
            yield Problem(ORPHAN, name, day, calls=lost)
    legs = tables["legs"].select(["call_id", "leg", "pack"])
    for name in VERDICT_TABLES:
        of = tables[name].select(["call_id", "leg", "pack"])
        alone = of.join(legs, ["call_id", "leg", "pack"], join_type="left anti", use_threads=False)
        if len(alone):
            yield Problem(ORPHAN, name, day, calls=tuple(sorted(set(alone["call_id"].to_pylist()))))
    scored = tables["scores"].select(["call_id", "leg", "pack"])
    unjudged = legs.join(scored, ["call_id", "leg", "pack"], join_type="left anti", use_threads=False)
    if len(unjudged):
        yield Problem(UNJUDGED, "scores", day, calls=tuple(sorted(set(unjudged["call_id"].to_pylist()))))


def _missing(ids: pa.ChunkedArray, known: pa.Array) -> tuple[str, ...]:
    lost = ids.filter(pc.invert(pc.is_in(ids, value_set=known)))
    return tuple(sorted(set(lost.to_pylist())))


def _pruned(calls: pa.Table) -> list[str]:
    """Calls whose words are kept no longer."""
    told = zip(calls["call_id"].to_pylist(), calls["flags"].to_pylist(), strict=True)
    return [call_id for call_id, flags in told if PRUNED in (flags or ())]


def _lineage(tables: dict[str, pa.Table], day: date) -> Iterator[Problem]:
    ids = tables["calls"].sort_by("call_id")["call_id"].combine_chunks()
    now = transcript_versions({name: tables[name] for name in TRANSCRIPT_TABLES})
    scores = of_calls(tables["scores"], _pruned(tables["calls"]), others=True)
    expected = now.take(pc.index_in(scores["call_id"].combine_chunks(), value_set=ids))
    other = scores.filter(pc.fill_null(pc.not_equal(scores["transcript_version"], expected), False))
    if len(other):
        yield Problem(OTHER_WORDS, "scores", day, calls=tuple(sorted(set(other["call_id"].to_pylist()))))
