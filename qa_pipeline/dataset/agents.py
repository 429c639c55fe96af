"""Who the agents are, as last told: names are resolved when somebody reads, a team is that of the call's own day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from qa_pipeline.dataset.parts import read_part, write_part
from qa_pipeline.dataset.store import Where

ALWAYS = date(1970, 1, 1)
"""`valid_from` of an agent without one."""


def keep_agents(dataset: Where, told: Iterable[Mapping[str, Any]]) -> None:
    """Rows of agents in place of all that was kept of those ids; others stay. Written only where something changed."""
    rows = [{**row, "valid_from": row["valid_from"] or ALWAYS} for row in told]
    ids = {row["agent_id"] for row in rows}
    kept = read_part(dataset, "agents", None).to_pylist()
    made = [row for row in kept if row["agent_id"] not in ids] + rows
    key = ("agent_id", "valid_from")
    made.sort(key=lambda row: tuple(row[k] for k in key))
    if made != kept:
        write_part(dataset, "agents", None, made)


def agent_names(dataset: Where) -> dict[str, str]:
    """The latest known name of each agent."""
    rows = sorted(read_part(dataset, "agents", None).to_pylist(), key=lambda row: row["valid_from"])
    return {row["agent_id"]: row["name"] for row in rows if row["name"]}
