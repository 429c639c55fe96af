"""What people said of verdicts: marks and appeals, with who said it and when. `people.sqlite` cannot be rebuilt: back it up."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from qa_pipeline.errors import Place, QaError

VERDICTS = ("pass", "fail", "na")
IN_FORCE, STALE, WITHDRAWN = "in_force", "stale", "withdrawn"
OPEN, UPHELD, DISMISSED = "open", "upheld", "dismissed"
KEY = ("call_id", "leg", "pack", "rule_id")
MARKS = pa.schema(
    [
        *(("call_id", pa.string()), ("leg", pa.int32()), ("pack", pa.string()), ("rule_id", pa.string())),
        *((name, pa.string()) for name in ("verdict", "machine_verdict", "note", "by", "at", "state", "appeal", "flag")),
    ]
)

THESE = "call_id in (select value from json_each(?))"
"""One parameter, however many calls."""


class PeopleError(QaError):
    """Something said of a verdict that cannot be kept."""


@dataclass(frozen=True)
class Mark:
    """A person's verdict on a finding, pinned to the evidence it was made on.

    state: in_force; stale (the evidence moved or went); withdrawn. appeal: open, upheld, dismissed or None. flag: why a person
    should look again, such as a closed appeal whose finding has changed. applied: whether the stored scores go by it yet.
    """

    id: int
    call_id: str
    leg: int
    pack: str
    rule_id: str
    verdict: str
    machine_verdict: str
    by: str
    at: str
    note: str | None
    state: str
    evidence: str
    flag: str | None = None
    appeal: str | None = None
    applied: int = 0

    @property
    def key(self) -> tuple[str, int, str, str]:
        return self.call_id, self.leg, self.pack, self.rule_id

    @property
    def closed(self) -> bool:
        return self.appeal in (UPHELD, DISMISSED)

    @property
    def counts(self) -> bool:
        """Whether its verdict stands in place of the machine's: while its evidence does, after a closed appeal for good."""
        return self.state == IN_FORCE or (self.closed and self.state == STALE)


def pinned(finding: Mapping[str, Any]) -> str:
    """What a mark holds on to: where the evidence lies and what it says, one text for the same evidence."""
    seen = [[e["turn"], e["start_ms"], e["end_ms"], e["quote"]] for e in finding.get("evidence") or ()]
    return json.dumps(sorted(seen, key=str), ensure_ascii=False)


def after_judging(mark: Mark, finding: Mapping[str, Any] | None) -> Mark:
    """The mark beside the finding as it is now: carried over on the same evidence, stale where it moved or is gone.

    A closed appeal is never changed by that; where its finding is another now, it is flagged for a person.
    """
    same = finding is not None and pinned(finding) == mark.evidence
    flag = mark.flag
    if mark.closed and (finding is None or not same or finding["verdict"] != mark.machine_verdict):
        flag = (
            f"appeal {mark.appeal}, and the finding is {finding['verdict'] if finding else 'gone'} now on other rules or words"
        )
    return replace(mark, state=IN_FORCE if same else STALE, flag=flag)


class People:
    """`<project>/people.sqlite`, in WAL mode and apart from the ledger: the night never blocks a trainer."""

    def __init__(self, path: Path) -> None:
        from sqlite_utils import Database  # processes that only judge can do without it

        from qa_pipeline.dataset.people_tables import migrations

        self.path = path
        self.db = Database(str(path))
        self.db.enable_wal()
        self.db.execute("pragma busy_timeout = 10000")
        migrations.apply(self.db)

    def close(self) -> None:
        self.db.close()

    def mark(self, finding: Mapping[str, Any], verdict: str, by: str, note: str | None = None) -> Mark:
        """Put a person's verdict beside a finding (a row of `findings`); an earlier one is withdrawn.

        Raises PeopleError for a verdict that is none, and where a closed appeal has settled the matter.
        """
        call_id, leg, pack, rule_id = (finding[name] for name in KEY)
        place = Place(call_id=call_id)
        _known(verdict, call_id)
        before = self.marks(call_id=call_id, leg=leg, pack=pack, rule_id=rule_id)
        if settled := next((m for m in before if m.closed and m.counts), None):
            raise PeopleError(
                f"{rule_id}: an appeal of {settled.at[:10]} was {settled.appeal}; reopen it before marking anew", place
            )
        row = {name: finding[name] for name in KEY} | {"verdict": verdict, "machine_verdict": finding["verdict"], "note": note}
        row |= {"by": by, "at": _now(), "state": IN_FORCE, "evidence": pinned(finding), "flag": None}
        with self.db.atomic():
            for old in before:
                self.db.table("marks").update(old.id, {"state": WITHDRAWN, "applied": 0})
            made = self.db.table("marks").insert(row).last_pk
            self._audit(by, "marked", {"mark": made, "call_id": call_id, "rule_id": rule_id, "verdict": verdict})
        return next(m for m in self.marks(call_id=call_id, leg=leg, pack=pack, rule_id=rule_id) if m.id == made)

    def appeal(self, mark: Mark, by: str, said: str) -> None:
        """Raises PeopleError where one is open or closed already."""
        if mark.appeal:
            raise PeopleError(f"{mark.rule_id}: there is an appeal already, it is {mark.appeal}", Place(call_id=mark.call_id))
        with self.db.atomic():
            self.db.table("appeals").insert({"mark": mark.id, "state": OPEN, "by": by, "at": _now(), "said": said})
            self._audit(by, "appealed", {"mark": mark.id})

    def close_appeal(self, mark: Mark, verdict: str, by: str, answer: str) -> None:
        """With the verdict that stands from now on: upheld where it is another than the mark's, else dismissed.

        Raises PeopleError where none is open.
        """
        if mark.appeal != OPEN:
            raise PeopleError(f"{mark.rule_id}: no appeal is open", Place(call_id=mark.call_id))
        state = DISMISSED if _known(verdict, mark.call_id) == mark.verdict else UPHELD
        told = "update appeals set state = ?, closed_by = ?, closed_at = ?, answer = ? where mark = ? and state = ?"
        with self.db.atomic():
            self.db.execute(told, [state, by, _now(), answer, mark.id, OPEN])
            self.db.table("marks").update(mark.id, {"verdict": verdict, "applied": 0})
            self._audit(by, f"appeal {state}", {"mark": mark.id, "verdict": verdict})

    def marks(self, **where: Any) -> list[Mark]:
        """Not withdrawn, oldest first; `where`: columns and their values."""
        wanted = " and ".join(["state != ?", *(f"{name} = ?" for name in where)])
        appeal = "(select a.state from appeals a where a.mark = marks.id order by a.id desc limit 1) as appeal"
        query = f"select *, {appeal} from marks where {wanted} order by id"
        names = Mark.__dataclass_fields__
        return [
            Mark(**{k: v for k, v in row.items() if k in names}) for row in self.db.query(query, [WITHDRAWN, *where.values()])
        ]

    def settle(self, marks: Iterable[Mark]) -> None:
        """States and flags of marks as they are after their calls were judged again and scored by them."""
        before = {mark.id: mark for mark in self.marks()}
        with self.db.atomic():
            for mark in marks:
                had = before.get(mark.id)
                if had and (had.state, had.flag) != (mark.state, mark.flag):
                    self._audit("qa", f"mark is {mark.state}", {"mark": mark.id, "flag": mark.flag})
                if had:
                    self.db.table("marks").update(mark.id, {"state": mark.state, "flag": mark.flag, "applied": 1})

    def waiting(self) -> list[str]:
        """Calls whose stored scores do not go by every mark on them yet, withdrawn ones included."""
        return [row[0] for row in self.db.execute("select distinct call_id from marks where applied = 0 order by call_id")]

    def judged_anew(self, call_ids: Iterable[str]) -> None:
        """These calls' findings took the place of others, by other words or another record."""
        with self.db.atomic():
            self.db.execute(f"update marks set applied = 0 where {THESE}", [json.dumps(list(call_ids))])

    def applied(self, call_ids: Iterable[str]) -> None:
        """The stored scores of these calls go by all that was said of them."""
        with self.db.atomic():
            self.db.execute(f"update marks set applied = 1 where {THESE}", [json.dumps(list(call_ids))])

    def rename_call(self, old: str, new: str) -> None:
        """A late record gave the call its own id."""
        with self.db.atomic():
            moved = self.db.execute("update marks set call_id = ?, applied = 0 where call_id = ?", [new, old]).rowcount
            if moved:
                self._audit("qa", "call renamed", {"old": old, "new": new})

    def note_backup(self, folder: Path, by: str = "qa") -> None:
        self._audit(by, "backed up", {"folder": str(folder)})

    def backups(self) -> list[Path]:
        """Folders that `qa backup` wrote to, whether or not they are still there."""
        query = "select distinct json_extract(about, '$.folder') from audit where did = 'backed up'"
        return [Path(row[0]) for row in self.db.execute(query)]

    def forget(self, call_ids: Iterable[str]) -> int:
        """Everything said of these calls; the number of marks that went."""
        ids = json.dumps(list(call_ids))
        with self.db.atomic():
            self.db.execute(f"delete from appeals where mark in (select id from marks where {THESE})", [ids])
            gone = self.db.execute(f"delete from marks where {THESE}", [ids]).rowcount
            self.db.execute(
                "delete from audit where json_extract(about, '$.call_id') in (select value from json_each(?))", [ids]
            )
        return int(gone)

    def table(self) -> pa.Table:
        """As `dataset/marks` mirrors them."""
        rows = [{name: getattr(mark, name) for name in MARKS.names} for mark in self.marks()]
        return pa.Table.from_pylist(rows, schema=MARKS)

    def _audit(self, by: str, did: str, about: Mapping[str, Any]) -> None:
        self.db.table("audit").insert({"at": _now(), "by": by, "did": did, "about": json.dumps(about)})


def _known(verdict: str, call_id: str) -> str:
    if verdict not in VERDICTS:
        raise PeopleError(f"expected a verdict of {', '.join(VERDICTS)}, found {verdict!r}", Place(call_id=call_id))
    return verdict


def copy_database(path: Path, to: Path) -> None:
    """A consistent copy of an SQLite file, whoever is writing to it (SQLite's online backup)."""
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
