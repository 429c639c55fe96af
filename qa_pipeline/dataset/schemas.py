"""Arrow schemas of the tables; the partition's date lives in the path only."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

VERSION = 2
_METADATA = {"qa_schema_version": str(VERSION)}

KEYS: dict[str, tuple[str, ...]] = {
    "calls": ("call_id",),
    "legs": ("call_id", "leg"),
    "events": ("call_id", "event"),
    "turns": ("call_id", "turn"),
    "findings": ("call_id", "leg", "pack", "rule_id"),
    "scores": ("call_id", "leg", "pack"),
    "agents": ("agent_id", "valid_from"),
}
ORDER_OF_ROWS: dict[str, tuple[str, ...]] = {
    **KEYS,
    "findings": ("agent_id", *KEYS["findings"]),
    "scores": ("agent_id", *KEYS["scores"]),
}
"""An agent's verdicts lie together: who reads one card reads a few row groups."""

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
_RECORDING = pa.struct([("uri", pa.string()), ("sha256", pa.string()), ("channel", pa.int32()), ("offset_ms", pa.int64())])
_TOKEN = pa.struct([("text", pa.string()), ("end", pa.int32())])

_COLUMNS: dict[str, list[tuple[str, Any]]] = {
    "calls": [
        ("call_id", pa.string()),
        ("revision", pa.int32()),
        ("conversation_id", pa.string()),
        ("source", pa.string()),
        ("recordings", pa.list_(_RECORDING)),
        ("direction", pa.string()),
        ("caller_number", pa.string()),
        ("called_number", pa.string()),
        ("department", pa.string()),
        ("team", pa.string()),
        ("started_at", pa.timestamp("ms", tz="UTC")),
        ("tz", pa.string()),
        ("answered", pa.bool_()),
        ("answered_ms", pa.int64()),
        ("recording_starts", pa.string()),
        ("ended_ms", pa.int64()),
        ("duration_ms", pa.int64()),
        ("ring_count", pa.int32()),
        ("ring_ms", pa.int64()),
        ("hangup_by", pa.string()),
        ("hangup_source", pa.string()),
        ("end_reason", pa.string()),
        ("n_channels", pa.int32()),
        ("roles_source", pa.string()),
        ("flags", pa.list_(pa.string())),
        ("measured", pa.list_(pa.string())),
        ("lost_ms", pa.int64()),
        ("agent_level_dbfs", pa.float32()),
        ("agent_snr_db", pa.float32()),
        ("fields", pa.string()),
        ("asr", pa.string()),
        ("text_version", pa.string()),
        ("content_key", pa.string()),
        ("content_sha256", pa.string()),
        ("record_mark", pa.string()),
        ("masked", pa.bool_()),
    ],
    "legs": [
        ("call_id", pa.string()),
        ("leg", pa.int32()),
        ("agent_id", pa.string()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("pack", pa.string()),
        ("transfer_target", pa.string()),
        ("transfer_result", pa.string()),
    ],
    "events": [
        ("call_id", pa.string()),
        ("event", pa.int32()),
        ("kind", pa.string()),
        ("channel", pa.int32()),
        ("start_ms", pa.int64()),
        ("end_ms", pa.int64()),
        ("source", pa.string()),
        ("value", pa.float64()),
        ("attrs", pa.string()),
    ],
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
        ("started_at", pa.timestamp("ms", tz="UTC")),
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
    "agents": [
        ("agent_id", pa.string()),
        ("name", pa.string()),
        ("team", pa.string()),
        ("valid_from", pa.date32()),
        ("valid_to", pa.date32()),
    ],
}


def coded(schema: pa.Schema) -> pa.Schema:
    """As the columns of many rows are compared and copied fast: a name (any text but `text`) is a number among the distinct
    ones. Only in memory: a file has the texts, whatever is written to it.
    """
    code = pa.dictionary(pa.int32(), pa.string())
    names = [f.with_type(code) if pa.types.is_string(f.type) and f.name != "text" else f for f in schema]
    return pa.schema(names, metadata=schema.metadata)


SCHEMAS: dict[str, pa.Schema] = {
    table: pa.schema([pa.field(name, kind, name not in KEYS[table]) for name, kind in columns], metadata=_METADATA)
    for table, columns in _COLUMNS.items()
}
