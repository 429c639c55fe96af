"""The tables of `people.sqlite`, and the steps from each older form of them to the next."""

from __future__ import annotations

from typing import Any

from sqlite_utils import Database, Migrations

migrations = Migrations("people")
_KEY = ("call_id", "leg", "pack", "rule_id")


@migrations()
def marks_and_appeals(db: Database) -> None:
    text = dict.fromkeys(("call_id", "pack", "rule_id", "verdict", "machine_verdict", "note", "by", "at", "state"), str)
    marks: dict[str, Any] = {"id": int, "leg": int, **text, "evidence": str, "transcript_version": str, "flag": str}
    db.table("marks").create(marks, pk="id", not_null={"call_id", "leg", "pack", "rule_id", "verdict", "by", "at", "state"})
    db.table("marks").create_index(list(_KEY))
    said: dict[str, Any] = {"id": int, "mark": int, "state": str, **dict.fromkeys(("by", "at", "said"), str)}
    said |= dict.fromkeys(("closed_by", "closed_at", "answer"), str)
    db.table("appeals").create(said, pk="id", foreign_keys=[("mark", "marks")])
    db.table("audit").create({"id": int, "at": str, "by": str, "did": str, "about": str}, pk="id")


@migrations()
def applied(db: Database) -> None:
    """Whether the stored scores go by the mark yet."""
    db.table("marks").add_column("applied", int, not_null_default=0)
