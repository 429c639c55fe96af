"""Partitions read, and calls replaced in them, each table's part in one step."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from qa_pipeline.dataset.names import among
from qa_pipeline.dataset.parts import call_dates, chosen, in_order, merge_part, part_path, read_part, stream_part
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, VERDICT_TABLES, Rows
from qa_pipeline.dataset.schemas import SCHEMAS, coded
from qa_pipeline.dataset.store import Where, store_of

Tables = Mapping[str, pa.Table]
PRUNED = "words_pruned"
"""Flag of a call whose words are kept no longer: its verdicts stand, and nothing judges it again."""
_LOOKED_AT = {table: [name for name in SCHEMAS[table].names if name != "tokens"] for table in TRANSCRIPT_TABLES}
_STREAMED = chosen(coded(SCHEMAS["turns"]), _LOOKED_AT["turns"])
ORDER = (*TRANSCRIPT_TABLES, *VERDICT_TABLES)
"""Who follows a finding back finds its call: calls come first, scores last."""


def count_rows(dataset: Where, table: str) -> int:
    """Rows of all partitions, by their footers."""
    store, total = store_of(dataset), 0
    for day in call_dates(store, table):
        with store.fs.open_input_file(store.at(part_path(table, day))) as file:
            total += pq.read_metadata(file).num_rows
    return total


def read_table(dataset: Where, table: str) -> pa.Table:
    """Every partition's rows, oldest date first."""
    dates = [None] if table == "agents" else call_dates(dataset, table)
    parts = [read_part(dataset, table, day) for day in dates]
    return pa.concat_tables([SCHEMAS[table].empty_table(), *parts])


def read_transcripts(dataset: Where, call_date: date) -> dict[str, pa.Table]:
    """The four transcript tables of a date, as rules look at them; for whole words the text is cut again."""
    return {table: read_part(dataset, table, call_date, _LOOKED_AT[table]) for table in TRANSCRIPT_TABLES}


def transcript_blocks(dataset: Where, call_date: date, call_ids: Sequence[str], calls: int) -> Iterator[dict[str, pa.Table]]:
    """The four transcript tables of these calls, so many calls at most at a time, as by `in_blocks`.

    Turns, which are nearly all of a transcript, are read as their block comes: memory does not grow with a date's calls.
    """
    few = len(call_ids) <= calls
    small = {
        table: of_calls(read_part(dataset, table, call_date, _LOOKED_AT[table]), call_ids)
        for table in TRANSCRIPT_TABLES
        if table != "turns"
    }
    if few or not in_order(dataset, "turns", call_date):
        turns = read_part(dataset, "turns", call_date, _LOOKED_AT["turns"], call_ids if few else None)
        yield from in_blocks({**small, "turns": of_calls(turns, call_ids)}, calls)
        return
    blocks = list(in_blocks(small, calls))
    ids = [block["calls"]["call_id"].to_pylist() for block in blocks]
    streamed = stream_part(dataset, "turns", call_date, _STREAMED)
    for block, its, turns in zip(blocks, ids, _cut_behind(streamed, [its[-1] for its in ids]), strict=True):
        yield {**block, "turns": of_calls(turns, its)}


def _cut_behind(streamed: Iterator[pa.Table], calls: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of a stream in the order of calls, up to each of these calls and from there to the next."""
    held = next(streamed, None)
    for call in calls:
        parts = [_STREAMED.empty_table()]
        while held is not None and held["call_id"][-1].as_py() <= call:
            parts.append(held)
            held = next(streamed, None)
        if held is not None:
            before = pc.sum(pc.less_equal(held["call_id"], call)).as_py()
            parts.append(held.slice(0, before))
            held = held.slice(before)
        yield pa.concat_tables(parts).combine_chunks()


def find_call(dataset: Where, call_id: str) -> date | None:
    """The date that a call is kept under, by looking through the parts: for when no index is at hand."""
    dates = reversed(call_dates(dataset, "calls"))
    return next((day for day in dates if len(read_part(dataset, "calls", day, ["call_id"], [call_id]))), None)


def revision(dataset: Where, call_date: date, call_id: str) -> int:
    """The kept revision of a call; 0 where that date has none."""
    rows = read_part(dataset, "calls", call_date, ["call_id", "revision"], [call_id])
    return int(rows["revision"][0].as_py() or 0) if len(rows) else 0


def of_calls(table: pa.Table, call_ids: Collection[str], *, others: bool = False) -> pa.Table:
    """The rows of these calls, or of all others."""
    if not len(table) or (others and not call_ids):
        return table
    wanted = among(table["call_id"], pa.array(list(call_ids), pa.string()))
    wanted = pc.invert(wanted) if others else wanted
    return table if pc.all(wanted).as_py() else table.filter(wanted)


def in_blocks(tables: Tables, calls: int) -> Iterator[dict[str, pa.Table]]:
    """The tables in the fewest blocks of so many calls at most, as equal as may be, in the order of call ids; one at least.

    What is a block already comes as it is.
    """
    if len(tables["calls"]) <= calls:
        yield dict(tables)
        return
    sorted_tables = {name: _by_call(table) for name, table in tables.items()}
    ids = sorted_tables["calls"]["call_id"].combine_chunks()
    blocks = -(-len(ids) // calls)
    bounds = [len(ids) * block // blocks for block in range(blocks + 1)]
    for start, stop in pairwise(bounds):
        wanted = ids.slice(start, stop - start)
        yield {name: _between(table, wanted) for name, table in sorted_tables.items()}


def _by_call(table: pa.Table) -> pa.Table:
    """Sorted by call id, the calls of most tables stored being so already."""
    ids = table["call_id"]
    sorted_already = len(ids) < 2 or pc.all(pc.less_equal(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py()
    return table if sorted_already else table.sort_by("call_id")


def _between(table: pa.Table, ids: pa.Array) -> pa.Table:
    """Rows, in a table sorted by call, from the first of these calls to the last."""
    if not len(ids) or not len(table):
        return table.slice(0, 0)
    column = table["call_id"]
    first = pc.sum(pc.less(column, ids[0])).as_py() or 0
    last = pc.sum(pc.less_equal(column, ids[-1])).as_py() or 0
    return table.slice(first, last - first)


def replace_calls(dataset: Where, call_date: date, tables: Tables, call_ids: Collection[str]) -> None:
    """Put the rows in place of all that these calls had in those tables, in ORDER; other calls' rows stay."""
    for name in ORDER:
        if name in tables:
            merge_part(dataset, name, call_date, tables[name].cast(SCHEMAS[name]), call_ids)


def remove_calls(dataset: Where, call_date: date, call_ids: Collection[str]) -> None:
    """Out of every table of a date that has them; verdicts first, so that none is ever there without its call."""
    for name in reversed(ORDER):
        if len(read_part(dataset, name, call_date, ["call_id"], call_ids)):
            merge_part(dataset, name, call_date, SCHEMAS[name].empty_table(), call_ids)


def transcript_tables(rows: Rows) -> dict[str, pa.Table]:
    """Rows of the four transcript tables as Arrow tables. Raises ArrowInvalid or ArrowTypeError where a value does not fit."""
    timed = {**rows, "calls": [_typed(row) for row in rows["calls"]]}
    return {name: pa.Table.from_pylist(timed[name], schema=SCHEMAS[name]) for name in TRANSCRIPT_TABLES}


def _typed(row: Mapping[str, object]) -> dict[str, object]:
    """Wall times from the ledger's JSON are text until here."""
    start = row["started_at"]
    return {**row, "started_at": datetime.fromisoformat(start) if isinstance(start, str) else start}
