"""A transcript's version tells every change that a rule can look at, and nothing else."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.dataset import lineage
from qa_pipeline.dataset.lineage import hash_texts, transcript_versions
from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.kernels import Kernel

CALL = {"call_id": "a", "direction": "inbound", "flags": ["no_record"], "measured": ["tones", "levels"], "ring_ms": 4000}
ROWS: dict[str, list[dict[str, Any]]] = {
    "calls": [CALL, {"call_id": "b", "flags": [], "measured": None}],
    "legs": [{"call_id": c, "leg": 1, "agent_id": "7", "start_ms": 0, "end_ms": 9000, "pack": "p"} for c in "ab"],
    "turns": [
        {"call_id": c, "turn": n, "leg": 1, "speaker": "agent", "start_ms": n * 900, "end_ms": n * 900 + 800, "text": text}
        for c in "ab"
        for n, text in enumerate(["您好，请问有什么可以帮您？", "", "请稍等"])
    ],
    "events": [{"call_id": "a", "event": 0, "kind": "ring", "start_ms": 0, "end_ms": 90, "source": "audio", "value": 1.5}],
}


def versions(**other: list[dict[str, Any]]) -> list[str]:
    told = ROWS | other
    return transcript_versions({n: pa.Table.from_pylist(told[n], SCHEMAS[n]) for n in TRANSCRIPT_TABLES}).to_pylist()


def test_versions_are_those_that_were_stored_years_ago() -> None:
    """A change here makes every stored transcript look as if it were another one, and every dry run stale."""
    assert versions() == ["0c7ecd9bd633e77f", "3ce428445a591f4c"]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("calls", "direction", "outbound"),
        ("calls", "flags", ["no_record", "truncated"]),
        ("calls", "flags", ["no_recordtruncated"]),
        ("calls", "measured", ["levels", "tones"]),
        ("legs", "agent_id", None),
        ("turns", "text", "您好，请问有什么可以帮您"),
        ("turns", "speaker", "customer"),
        ("turns", "end_ms", 801),
        ("events", "value", 1.25),
    ],
)
def test_what_a_rule_can_look_at_changes_the_version_of_its_call_alone(table: str, column: str, value: Any) -> None:
    first, *rest = ROWS[table]
    before, after = versions(), versions(**{table: [{**first, column: value}, *rest]})
    assert (after[0] == before[0], after[1] == before[1]) == (False, True)


def test_the_order_of_rows_and_where_a_transcript_came_from_do_not_change_it() -> None:
    assert versions(turns=ROWS["turns"][::-1], legs=ROWS["legs"][::-1]) == versions()
    assert versions(calls=[{**call, "asr": "other", "revision": 9} for call in ROWS["calls"]]) == versions()


@given(st.lists(st.none() | st.lists(st.none() | st.sampled_from(["", "a", "b", "ab"]), max_size=3), max_size=8))
def test_lists_of_names_are_told_apart_whatever_they_hold(lists: list[list[str | None] | None]) -> None:
    assert lineage._lists_told(pa.array(lists, pa.list_(pa.string()))).to_pylist() == [repr(names) for names in lists]


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_texts_are_hashed_the_same_compiled_and_as_the_loop_stands(texts: list[bytes]) -> None:
    ends = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    data = np.frombuffer(b"".join(texts), np.uint8)
    told = []
    for kernel in (Kernel(hash_texts, lineage.mix, lineage.word, worth=0), Kernel(hash_texts, worth=1 << 40)):
        hashed = np.zeros(len(texts), np.uint64)
        with np.errstate(over="ignore"):
            kernel(1, data, ends, hashed)
        told.append(hashed.tolist())
    assert told[0] == told[1]
    assert len(set(told[0])) == len(set(texts))
