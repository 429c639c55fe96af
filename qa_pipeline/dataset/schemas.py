"""Arrow schemas of the tables; the partition's date lives in the path only."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

VERSION = 1
_METADATA = {"qa_schema_version": str(VERSION)}

KEYS: dict[str, tuple[str, ...]] = {
    "turns": ("call_id", "turn"),
    "findings": ("call_id", "leg", "pack", "rule_id"),
    "scores": ("call_id", "leg", "pack"),
}

_EVIDENCE = pa.struct(
    [
        ("verdict", pa.string()),
        ("turn", pa.int32()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("quote", pa.string()),
        ("rung", pa.string()),
        ("similarity", pa.float32()),
    ]
)
_TOKEN = pa.struct([("text", pa.string()), ("end", pa.int32())])

_COLUMNS: dict[str, list[tuple[str, Any]]] = {
    "turns": [
        ("call_id", pa.string()),
        ("turn", pa.int32()),
        ("leg", pa.int32()),
        ("speaker", pa.string()),
        ("addressee", pa.string()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("text", pa.string()),
        ("char_ms", pa.list_(pa.int64())),
        ("confidence", pa.float32()),
        ("level_dbfs", pa.float32()),
        ("tokens", pa.list_(_TOKEN)),
    ],
    "findings": [
        ("call_id", pa.string()),
        ("leg", pa.int32()),
        ("agent_id", pa.string()),
        ("pack", pa.string()),
        ("rule_id", pa.string()),
        ("verdict", pa.string()),
        ("points", pa.float64()),
        ("possible", pa.float64()),
        ("fatal_state", pa.string()),
        ("needs_person", pa.bool_()),
        ("reason", pa.string()),
        ("evidence", pa.list_(_EVIDENCE)),
        ("rule_version", pa.string()),
    ],
    "scores": [
        ("call_id", pa.string()),
        ("leg", pa.int32()),
        ("agent_id", pa.string()),
        ("team", pa.string()),
        ("pack", pa.string()),
        ("points", pa.float64()),
        ("possible", pa.float64()),
        ("percent", pa.float64()),
        ("effective_percent", pa.float64()),
        ("fatal_state", pa.string()),
        ("n_unsure", pa.int32()),
        ("rules_version", pa.string()),
        ("transcript_version", pa.string()),
        ("scored_at", pa.timestamp("us", tz="UTC")),
    ],
}

SCHEMAS: dict[str, pa.Schema] = {
    table: pa.schema([pa.field(name, kind, name not in KEYS[table]) for name, kind in columns], metadata=_METADATA)
    for table, columns in _COLUMNS.items()
}
