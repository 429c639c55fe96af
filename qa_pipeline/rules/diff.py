"""What judging again would change: findings and scores before and after, side by side."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qa_pipeline.dataset.names import encoded, numbered
from qa_pipeline.dataset.schemas import KEYS, SCHEMAS
from qa_pipeline.rules.spans import expand

Rows = NDArray[np.int64]
Side = tuple[Any, Rows]
"""A column, and rows of it."""
NONE = "none"
"""In place of a verdict: there is no such finding on that side, as before a rule was written."""
_F, _S = SCHEMAS["findings"], SCHEMAS["scores"]
_BOTH = ("verdict", "points", "possible", "reason", "fatal_state", "evidence", "rule_version")
FINDING_CHANGES = pa.schema(
    [
        *(_F.field(name) for name in KEYS["findings"]),
        _F.field("agent_id"),
        pa.field("change", pa.string()),
        *(pa.field(f"{name}_{side}", _F.field(name).type) for name in _BOTH for side in ("before", "after")),
    ]
)
"""change: "fail→pass" and the like; "evidence" where the verdict stays and its points, reason or evidence do not."""
SCORE_CHANGES = pa.schema(
    [
        *(_S.field(name) for name in KEYS["scores"]),
        _S.field("agent_id"),
        _S.field("team"),
        *(
            pa.field(f"{name}_{side}", _S.field(name).type)
            for name in ("points", "possible", "percent", "fatal_state", "n_unsure")
            for side in ("before", "after")
        ),
    ]
)


def diff_findings(before: pa.Table, after: pa.Table) -> pa.Table:
    """A row for each finding that is not the same on both sides, in FINDING_CHANGES, names coded. A new version alone is no
    change."""
    judged = ("points", "possible", "reason", "fatal_state", "evidence", "verdict")
    old, new = _unlike(before, after, KEYS["findings"], judged)
    verdicts, change = _changes(old["verdict"], new["verdict"])
    columns = {name: _either(new[name], old[name]) for name in (*KEYS["findings"], "agent_id")}
    columns |= {"change": change, "verdict_before": verdicts[0], "verdict_after": verdicts[1]}
    for name in _BOTH[1:]:
        columns |= {f"{name}_before": old[name], f"{name}_after": new[name]}
    return _table(columns, FINDING_CHANGES)


def diff_scores(before: pa.Table, after: pa.Table) -> pa.Table:
    """A row for each score whose points, percent, fatal state or number of unsure findings are not the same on both sides."""
    names = ("points", "possible", "percent", "fatal_state", "n_unsure")
    old, new = _unlike(before, after, KEYS["scores"], names)
    columns = {name: _either(new[name], old[name]) for name in (*KEYS["scores"], "agent_id", "team")}
    for name in names:
        columns |= {f"{name}_before": old[name], f"{name}_after": new[name]}
    return _table(columns, SCORE_CHANGES)


def _changes(old: pa.ChunkedArray, new: pa.ChunkedArray) -> tuple[list[pa.Array], pa.Array]:
    """The verdicts of both sides, NONE where there is none, and what the change of each row is called."""
    (names, before), (others, after) = (_codes(side, NONE) for side in (old, new))
    called = pa.array([f"{a}→{b}" if a != b else "evidence" for a in names for b in others]).dictionary_encode()
    verdicts = [
        pa.DictionaryArray.from_arrays(pa.array(rows, pa.int32()), texts) for rows, texts in ((before, names), (after, others))
    ]
    return verdicts, called.take(pa.array(before * len(others) + after))


def _codes(column: pa.ChunkedArray, missing: str) -> tuple[list[str], Rows]:
    """The distinct names, `missing` being the last, and each row's number among them."""
    codes = encoded(column)
    names = [*codes.dictionary.to_pylist(), missing]
    return names, pc.fill_null(codes.indices, len(names) - 1).to_numpy().astype(np.int64)


def _either(first: pa.ChunkedArray, second: pa.ChunkedArray) -> pa.ChunkedArray:
    """Row by row, the first that is there."""
    if not first.null_count:
        return first
    return second if not second.null_count else pc.coalesce(first, second)


def _unlike(before: pa.Table, after: pa.Table, keys: tuple[str, ...], columns: tuple[str, ...]) -> tuple[pa.Table, pa.Table]:
    """A row for each key, in their order, under which some of these columns do not hold the same on both sides; null where a
    side has no such key. Nothing else is copied."""
    rows = _side_by_side(before, after, keys)
    unlike = (rows[0] < 0) | (rows[1] < 0)
    both = np.flatnonzero(~unlike)
    mine, theirs = (row[both] for row in rows)
    for name in columns:
        unlike[both] |= ~_equal((before[name], mine), (after[name], theirs))
    old, new = (_taken(table, row[unlike]) for table, row in zip((before, after), rows, strict=True))
    return old, new


def _side_by_side(before: pa.Table, after: pa.Table, keys: tuple[str, ...]) -> tuple[Rows, Rows]:
    """For every key of either side, in the order of keys, its row on each side; -1 where there is none."""
    number = numbered(pa.concat_tables([before.select(keys), after.select(keys)]))
    numbers = number[: len(before)], number[len(before) :]
    orders = [np.argsort(side, kind="stable") for side in numbers]  # there are sorted stretches already
    old, new = (side[order] for side, order in zip(numbers, orders, strict=True))
    if np.array_equal(old, new):
        return orders[0], orders[1]
    every = np.sort(np.concatenate([old, new]), kind="stable")
    every = every[np.append(True, every[1:] != every[:-1])]
    return _rows_of(every, old, orders[0]), _rows_of(every, new, orders[1])


def _rows_of(every: Rows, mine: Rows, order: Rows) -> Rows:
    """For each of `every` number its row, `mine` being the sorted numbers of a table and `order` the rows that have them."""
    if not len(mine):
        return np.full(len(every), -1)
    place = np.minimum(np.searchsorted(mine, every), len(mine) - 1)
    return np.where(mine[place] == every, order[place], -1)


def _taken(rows: Any, wanted: Rows) -> Any:
    """These rows of a table or a column, with nulls for -1."""
    if np.array_equal(wanted, np.arange(len(rows))):
        return rows
    none = wanted < 0
    return rows.take(pa.array(wanted, mask=none if none.any() else None))


def _equal(a: Side, b: Side) -> NDArray[np.bool_]:
    """Whether two columns, in these rows of each, hold the same; two nulls do."""
    kind = a[0].type
    if pa.types.is_list(kind):
        return _equal_lists(a, b)
    if pa.types.is_dictionary(kind):
        both = encoded(pa.chunked_array([*a[0].chunks, *b[0].chunks], kind))
        codes = pc.fill_null(both.indices, -1).to_numpy()
        return np.asarray(codes[a[1]] == codes[len(a[0]) + b[1]], bool)
    values, others = (_taken(*side) for side in (a, b))
    both_null = pc.and_(pc.is_null(values), pc.is_null(others))
    same = pc.or_(both_null, pc.fill_null(pc.equal(values, others), False))
    return np.asarray(same.to_numpy(zero_copy_only=False), bool)


def _equal_lists(a: Side, b: Side) -> NDArray[np.bool_]:
    """Of structs: as many, and each the same in every field."""
    (left, mine), (right, theirs) = ((column.combine_chunks(), rows) for column, rows in (a, b))
    lengths = [pc.fill_null(pc.list_value_length(side), -1).to_numpy() for side in (left, right)]
    counts, others = lengths[0][mine], lengths[1][theirs]
    same = np.asarray(counts == others, bool)
    rows = np.flatnonzero(same & (counts > 0))
    if not len(rows):
        return same
    (_, at), (_, beside) = (
        expand(begin, begin + counts[rows])
        for begin in (left.offsets.to_numpy()[mine[rows]], right.offsets.to_numpy()[theirs[rows]])
    )
    fields = [_equal((x, at), (y, beside)) for x, y in zip(left.values.flatten(), right.values.flatten(), strict=True)]
    same[np.repeat(rows, counts[rows])[~functools.reduce(np.logical_and, fields)]] = False
    return same


def _table(columns: dict[str, Any], schema: pa.Schema) -> pa.Table:
    """Names that are coded stay so."""
    coded = {name: column.type for name, column in columns.items() if pa.types.is_dictionary(column.type)}
    named = pa.schema([field.with_type(coded.get(field.name, field.type)) for field in schema], metadata=schema.metadata)
    return pa.table([columns[field.name].cast(field.type) for field in named], schema=named)
