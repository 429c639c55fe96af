"""What judging again would change: findings and scores before and after, side by side."""

from __future__ import annotations

import functools

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from qa_pipeline.dataset.schemas import KEYS, SCHEMAS

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
    """A row for each finding that is not the same on both sides, in FINDING_CHANGES. A new version alone is no change."""
    old, new = _side_by_side(before, after, KEYS["findings"])
    old, new = _unlike(old, new, ("points", "possible", "reason", "fatal_state", "evidence", "verdict"))
    verdicts = [pc.fill_null(t["verdict"], NONE) for t in (old, new)]
    change = pc.if_else(pc.not_equal(*verdicts), pc.binary_join_element_wise(*verdicts, "→"), "evidence")
    columns = {name: pc.coalesce(old[name], new[name]) for name in (*KEYS["findings"], "agent_id")}
    columns |= {"change": change, "verdict_before": verdicts[0], "verdict_after": verdicts[1]}
    for name in _BOTH[1:]:
        columns |= {f"{name}_before": old[name], f"{name}_after": new[name]}
    return _table(columns, FINDING_CHANGES)


def diff_scores(before: pa.Table, after: pa.Table) -> pa.Table:
    """A row for each score whose points, percent, fatal state or number of unsure findings are not the same on both sides."""
    old, new = _side_by_side(before, after, KEYS["scores"])
    names = ("points", "possible", "percent", "fatal_state", "n_unsure")
    old, new = _unlike(old, new, names)
    columns = {name: pc.coalesce(old[name], new[name]) for name in (*KEYS["scores"], "agent_id", "team")}
    for name in names:
        columns |= {f"{name}_before": old[name], f"{name}_after": new[name]}
    return _table(columns, SCORE_CHANGES)


def _side_by_side(before: pa.Table, after: pa.Table, keys: tuple[str, ...]) -> tuple[pa.Table, pa.Table]:
    """Both with a row for every key of either, in the order of keys; null where a side has none."""
    number = _numbered(pa.concat_tables([before.select(keys), after.select(keys)]))
    sides = number[: len(before)], number[len(before) :]
    every = np.sort(np.concatenate(sides), kind="stable")  # there are sorted stretches already
    every = every[np.append(True, every[1:] != every[:-1])[: len(every)]]
    old, new = (_rows_of(every, side, table) for side, table in zip(sides, (before, after), strict=True))
    return old, new


def _numbered(keys: pa.Table) -> NDArray[np.int64]:
    """A number for each key that orders as the keys do."""
    number = np.zeros(len(keys), np.int64)
    for column in keys.columns:
        encoded = pc.dictionary_encode(column).combine_chunks()
        rank = pc.rank(encoded.dictionary, tiebreaker="dense").to_numpy().astype(np.int64)
        code = rank[encoded.indices.to_numpy()] if len(rank) else number
        number = number * (len(rank) + 1) + code
    return number


def _rows_of(every: NDArray[np.int64], mine: NDArray[np.int64], table: pa.Table) -> pa.Table:
    """The table's rows, whose numbers are `mine`, one for each of `every`."""
    if np.array_equal(every, mine):
        return table
    order = np.argsort(mine, kind="stable")
    place = np.minimum(np.searchsorted(mine, every, sorter=order), max(0, len(mine) - 1))
    row = order[place] if len(mine) else place
    return table.take(pa.array(row, mask=(mine[row] != every) if len(mine) else np.ones(len(every), bool)))


def _unlike(old: pa.Table, new: pa.Table, columns: tuple[str, ...]) -> tuple[pa.Table, pa.Table]:
    """The rows in which some of these columns do not hold the same on both sides."""
    same = functools.reduce(pc.and_, [_equal(old[name], new[name]) for name in columns])
    if not pc.any(same).as_py():  # as when calls are judged for the first time
        return old, new
    return old.filter(pc.invert(same)), new.filter(pc.invert(same))


def _equal(a: pa.ChunkedArray, b: pa.ChunkedArray) -> pa.ChunkedArray:
    """Row by row, two nulls being equal."""
    if pa.types.is_list(a.type):
        return _equal_lists(a.combine_chunks(), b.combine_chunks())
    both_null = pc.and_(pc.is_null(a), pc.is_null(b))
    return pc.or_(both_null, pc.fill_null(pc.equal(a, b), False))


def _equal_lists(a: pa.ListArray, b: pa.ListArray) -> pa.Array:
    """Of structs: as many, and each the same in every field."""
    lengths = [pc.fill_null(pc.list_value_length(side), -1).to_numpy(zero_copy_only=False) for side in (a, b)]
    same = lengths[0] == lengths[1]
    rows = np.flatnonzero(same & (lengths[0] > 0))
    if not len(rows):
        return pa.array(same)
    left, right = (side.take(pa.array(rows)).flatten() for side in (a, b))
    fields = [_equal(x, y) for x, y in zip(left.flatten(), right.flatten(), strict=True)]
    unlike = ~functools.reduce(pc.and_, fields).to_numpy(zero_copy_only=False)
    same[np.repeat(rows, lengths[0][rows])[unlike]] = False
    return pa.array(same)


def _table(columns: dict[str, pa.ChunkedArray], schema: pa.Schema) -> pa.Table:
    return pa.table([columns[field.name].cast(field.type) for field in schema], schema=schema)
