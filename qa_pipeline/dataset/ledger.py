"""What happened to each recording, and finished transcripts not yet sealed into Parquet. Deleting it loses no verdict."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from qa_pipeline.dataset.rows import Row, Rows

CHUNK = 1000  # calls
UNHEARD = "record:"
"""Before the id, the path of a call that is known by its record alone."""
KILLED = "run_killed"
HELD = "state in ('transcribed', 'sealed', 'unjudged')"
HEARD = "state in ('transcribed', 'sealed', 'unjudged', 'forgotten')"


@dataclass(frozen=True)
class Entry:
    """One recording (its resolved path), or one imported call (`import:` and its id).

    state: transcribed (kept here until sealed), sealed (in Parquet), unjudged (kept here; judging it raised), duplicate (the
    content of another recording), failed, forgotten (on request: not to be heard again). `reason` is a code, `detail` a
    sentence, `record` the mark of the call record that the call was made with.
    """

    path: str
    state: str
    sha256: str | None = None
    size: int | None = None
    modified_ns: int | None = None
    asr: str | None = None
    call_id: str | None = None
    reason: str | None = None
    detail: str | None = None
    record: str | None = None


class Ledger:
    """`<project>/ledger.sqlite`, in WAL mode: readers never wait for the night."""

    def __init__(self, path: Path) -> None:
        from sqlite_utils import Database  # processes that only judge can do without it

        self.db = Database(str(path))
        self.db.enable_wal()
        names = ("path", "state", "sha256", "asr", "call_id", "reason", "detail", "record", "at")
        text: dict[str, Any] = dict.fromkeys(names, str)
        columns = {**text, "size": int, "modified_ns": int, "attempts": int}
        self.db.table("recordings").create(columns, pk="path", transform=True)
        self.db.table("recordings").create_index(["sha256"], if_not_exists=True)
        self.db.table("recordings").create_index(["call_id"], if_not_exists=True)
        self.db.table("recordings").create_index(["state", "reason"], if_not_exists=True)
        self.db.table("pending").create({"call_id": str, "call_date": str, "rows": str}, pk="call_id", if_not_exists=True)
        self.db.table("pending").create_index(["call_date", "call_id"], if_not_exists=True)
        self.db.table("superseded").create({"call_id": str, "successor": str}, pk="call_id", if_not_exists=True)
        self.db.table("replaced").create({"call_id": str, "former": str}, pk="call_id", if_not_exists=True)
        self.db.table("runs").create({"id": int, "began": str, "ended": str, "told": str}, pk="id", if_not_exists=True)
        self.db.table("in_hand").create({"path": str, "size": int, "modified_ns": int}, pk="path", if_not_exists=True)
        shown = {"call_id": str, "call_date": str, "agent_id": str, "pack": str}
        self.db.table("calls").create(shown, pk="call_id", if_not_exists=True)

    @property
    def is_new(self) -> bool:
        """Whether it knows of nothing yet."""
        return not any(self.db.table(name).count for name in ("recordings", "calls"))

    def close(self) -> None:
        self.db.close()

    def note(self, entry: Entry) -> None:
        """One row a path, however often it is tried; `attempts` counts, from 1 again when the file was touched, or when what
        failed before does not."""
        with self.db.atomic():
            before = self.entry(entry.path)
            same = before and (before.size, before.modified_ns) == (entry.size, entry.modified_ns)
            same = same and not (before and before.state == "failed" != entry.state)
            tried = self.attempts(entry.path) if same else 0
            told = {**asdict(entry), "at": datetime.now(UTC).isoformat(), "attempts": tried + 1}
            self.db.table("recordings").upsert(told, pk="path")

    def take_in_hand(self, path: str, state: tuple[int | None, int | None]) -> None:
        """Before anything is done with a recording of this size and time of change: whatever that does to this process, the
        next one knows."""
        self.db.table("in_hand").upsert({"path": path, "size": state[0], "modified_ns": state[1]}, pk="path")

    def put_down(self, path: str | None = None) -> None:
        """It was dealt with; without a path, all that is in hand: the run ends as it should."""
        with self.db.atomic():
            self.db.execute("delete from in_hand where path = coalesce(?, path)", [path])

    def blame_in_hand(self) -> int:
        """What a run had in hand that ended without a word has failed with KILLED, unless it was kept before; its number."""
        with self.db.atomic():
            found = list(self.db.table("in_hand").rows)
            for row in found:
                before = self.entry(row["path"])
                if before is None or before.state == "failed":
                    detail = "a run ended without a word while it had this in hand"
                    self.note(Entry(**row, state="failed", reason=KILLED, detail=detail))
            self.db.execute("delete from in_hand")
        return len(found)

    def attempts(self, path: str) -> int:
        found = self.db.execute("select attempts from recordings where path = ?", [path]).fetchone()
        return (found[0] or 0) if found else 0

    def rename(self, before: str, now: Entry) -> None:
        """A finished recording has another path, size and time; all else that is known of it stays."""
        told = {"path": now.path, "size": now.size, "modified_ns": now.modified_ns}
        with self.db.atomic():
            self.db.table("recordings").delete_where("path = ?", [now.path])
            changed = ", ".join(f"{name} = ?" for name in told)
            self.db.execute(f"update recordings set {changed} where path = ?", [*told.values(), before])

    def forget(self, path: str) -> None:
        """Of something that failed: it is no longer what it was."""
        with self.db.atomic():
            self.db.table("recordings").delete_where("path = ? and state = 'failed'", [path])

    def entry(self, path: str) -> Entry | None:
        return self._first("path = ?", path)

    def heard(self, sha256: str) -> Entry | None:
        """The finished entry with this content, under whatever name it was read."""
        return self._first(f"sha256 = ? and {HEARD}", sha256)

    def holder(self, call_id: str) -> Entry | None:
        """The recording that gave this call."""
        return self._first(f"call_id = ? and {HELD}", call_id)

    def counts(self) -> dict[str, int]:
        """Recordings and imported calls by state; those that failed by `failed:reason`."""
        kind = "case state when 'failed' then 'failed:' || reason else state end"
        return dict(self.db.execute(f"select {kind} as kind, count(*) from recordings group by kind").fetchall())

    def n_calls(self) -> int:
        """Sealed."""
        return int(self.db.execute("select count(*) from calls").fetchone()[0])

    def n_waiting(self) -> int:
        """Transcripts that are not sealed yet."""
        return int(self.db.execute("select count(*) from pending").fetchone()[0])

    def try_again(self, paths: Sequence[str] = (), reason: str | None = None) -> int:
        """Failed recordings (of these paths or call ids, of this reason) are as new to the next run; their number."""
        among = "in (select value from json_each(?))"
        where, given = "state = 'failed'", list[str]()
        if paths:
            where, given = f"{where} and (path {among} or call_id {among})", [json.dumps([*paths])] * 2
        if reason:
            where, given = f"{where} and reason = ?", [*given, reason]
        with self.db.atomic():
            return int(self.db.execute(f"update recordings set attempts = 0 where {where}", given).rowcount)

    def failures(self) -> list[Entry]:
        where = "state in ('failed', 'unjudged')"
        return [self._entry(r) for r in self.db.table("recordings").rows_where(where, order_by="path")]

    def _first(self, where: str, value: str) -> Entry | None:
        return next((self._entry(r) for r in self.db.table("recordings").rows_where(where, [value], order_by="path")), None)

    @staticmethod
    def _entry(row: dict[str, Any]) -> Entry:
        return Entry(**{k: row[k] for k in Entry.__dataclass_fields__})

    def joinable(self, call_ids: Sequence[str], paths: Sequence[str]) -> list[Entry]:
        """Finished recordings that no record was joined with, and those of these calls or paths."""
        these = f"{HELD} and sha256 is not null and path not like 'import:%'"
        among = "in (select value from json_each(?))"
        wanted = f"(record is null or call_id {among} or path {among})"
        given = [json.dumps(list(call_ids)), json.dumps(list(paths))]
        rows = self.db.table("recordings").rows_where(f"{these} and {wanted}", given, order_by="path")
        return [self._entry(r) for r in rows]

    def keep(self, entry: Entry, call_date: date, rows: Rows, instead_of: str | None = None) -> None:
        """A finished transcript and its recording's state, in one transaction: a crash leaves both or neither.

        `instead_of`: the id that the same recording's call was kept under before; its rows go when the new ones are sealed.
        What was known of the call without a recording is forgotten. The rows say what the ledger knows of them, so that it can
        be rebuilt from the dataset.
        """
        known = {"content_key": entry.path, "content_sha256": entry.sha256, "record_mark": entry.record}
        told = {**rows, "calls": [{**call, **known} for call in rows["calls"]]}
        said = {"call_id": entry.call_id, "call_date": call_date.isoformat(), "rows": json.dumps(told, ensure_ascii=False)}
        with self.db.atomic():
            self.db.table("pending").upsert(said, pk="call_id")
            self.db.table("superseded").delete_where("call_id = ?", [entry.call_id])
            self.db.table("recordings").delete_where("path = ? and path <> ?", [f"{UNHEARD}{entry.call_id}", entry.path])
            if instead_of:
                self.db.table("pending").delete_where("call_id = ?", [instead_of])
                self.db.table("superseded").upsert({"call_id": instead_of, "successor": entry.call_id}, pk="call_id")
                self.db.execute("update recordings set call_id = ? where call_id = ?", [entry.call_id, instead_of])
            self.note(entry)

    def pending_rows(self, call_id: str) -> Rows | None:
        """Of an unsealed transcript."""
        found = self.db.execute("select rows from pending where call_id = ?", [call_id]).fetchone()
        return json.loads(found[0]) if found else None

    def superseded(self, call_ids: Sequence[str]) -> dict[str, date]:
        """Former ids of these calls that are still sealed, and under which date."""
        query = "select s.call_id, c.call_date from superseded s join calls c on c.call_id = s.call_id where s.successor in"
        found = self.db.execute(f"{query} (select value from json_each(?))", [json.dumps(list(call_ids))]).fetchall()
        return {call_id: date.fromisoformat(day) for call_id, day in found}

    def pending(self) -> Iterator[tuple[date, dict[str, Rows]]]:
        """Unsealed transcripts by call id, in order of date and id, at most CHUNK of one date at a time."""
        for (day,) in self.db.execute("select distinct call_date from pending order by call_date").fetchall():
            query = "select call_id, rows from pending where call_date = ? and call_id > ? order by call_id limit ?"
            last = ""
            while found := self.db.execute(query, [day, last, CHUNK]).fetchall():
                yield date.fromisoformat(day), {call_id: json.loads(rows) for call_id, rows in found}
                last = found[-1][0]

    def pending_revision(self, call_id: str) -> int | None:
        """Of an unsealed transcript."""
        query = "select json_extract(rows, '$.calls[0].revision') from pending where call_id = ?"
        found = self.db.execute(query, [call_id]).fetchone()
        return found[0] if found else None

    def sealed(self, call_date: date, calls: Iterable[str], legs: Iterable[Row]) -> None:
        """The calls' parts are in place: forget their pending rows and index them."""
        ids = json.dumps(list(calls))
        first = {leg["call_id"]: leg for leg in legs if leg["leg"] == 1}
        index = [
            {"call_id": c, "call_date": call_date.isoformat(), "agent_id": leg.get("agent_id"), "pack": leg.get("pack")}
            for c in json.loads(ids)
            for leg in [first.get(c, {})]
        ]
        these = "call_id in (select value from json_each(?))"  # one parameter, however many calls
        with self.db.atomic():
            self.db.execute(f"delete from pending where {these}", [ids])
            again = "select call_id, call_id from calls where"
            self.db.execute(f"insert or replace into replaced {again} {these}", [ids])
            successors = these.replace("call_id", "successor")
            self.db.execute(
                f"insert or replace into replaced select successor, call_id from superseded where {successors}", [ids]
            )
            gone = f"call_id in (select call_id from superseded where {successors})"
            self.db.execute(f"delete from calls where {gone}", [ids])
            self.db.table("calls").upsert_all(index, pk="call_id")
            now_sealed = "update recordings set state = 'sealed', reason = null, detail = null"
            self.db.execute(f"{now_sealed} where state in ('transcribed', 'unjudged') and {these}", [ids])

    def replaced(self) -> dict[str, str]:
        """Calls sealed in place of earlier rows, each with the id that those had; for who keeps marks on them."""
        return dict(self.db.execute("select call_id, former from replaced").fetchall())

    def forget_replaced(self, call_ids: Iterable[str]) -> None:
        with self.db.atomic():
            self.db.execute("delete from replaced where call_id in (select value from json_each(?))", [json.dumps([*call_ids])])

    def words_lost(self, call_date: date) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The transcripts of a date are gone: its recordings and imports are as new. Ids of recorded and of imported calls."""
        sealed, day = "call_id in (select call_id from calls where call_date = ?)", [call_date.isoformat()]
        kinds = ("path not like 'import:%'", "path like 'import:%'")
        found = [self.db.execute(f"select call_id from recordings where {sealed} and {kind}", day).fetchall() for kind in kinds]
        with self.db.atomic():
            self.db.execute(f"delete from recordings where {sealed}", day)
            self.db.execute("delete from calls where call_date = ?", day)
        recorded, imported = (tuple(sorted({row[0] for row in rows})) for rows in found)
        return recorded, imported

    def waiting_of(self, target: str) -> list[str]:
        """Unsealed calls with this id, or from or to this number."""
        number = "json_extract(rows, '$.calls[0].caller_number') = ? or json_extract(rows, '$.calls[0].called_number') = ?"
        found = self.db.execute(f"select call_id from pending where call_id = ? or {number}", [target] * 3)
        return [row[0] for row in found]

    def forget_calls(self, call_ids: Iterable[str]) -> None:
        """Nothing is left but the hash of their content, in state `forgotten`, so that no later run hears it again.

        Of a call that only a record told of, the record's id and mark are left: else it would be born again.
        """
        ids, these = json.dumps(list(call_ids)), "call_id in (select value from json_each(?))"
        with self.db.atomic():
            for table in ("pending", "calls", "superseded", "replaced"):
                self.db.execute(f"delete from {table} where {these}", [ids])
            unneeded = "(state = 'duplicate' or sha256 is null) and path not like 'record:%'"
            self.db.execute(f"delete from recordings where {these} and {unneeded}", [ids])
            blank = "asr = null, reason = null, detail = null, call_id = null"
            named = "path = case when sha256 is null then path else 'forgotten:' || sha256 end"
            self.db.execute(f"update or replace recordings set state = 'forgotten', {named}, {blank} where {these}", [ids])

    def begin_run(self) -> int:
        """Its number; what a killed run leaves is a beginning without an end."""
        with self.db.atomic():
            began = datetime.now(UTC).isoformat(timespec="seconds")
            return int(self.db.execute("insert into runs (began) values (?)", [began]).lastrowid or 0)

    def end_run(self, number: int, told: Row) -> None:
        with self.db.atomic():
            ended = {"ended": datetime.now(UTC).isoformat(timespec="seconds"), "told": json.dumps(told, ensure_ascii=False)}
            self.db.table("runs").update(number, ended)

    def last_run(self) -> Row | None:
        """When it began and ended, and its counts; `ended` is None where it was killed, or is still going on."""
        found = self.db.execute("select began, ended, told from runs order by id desc limit 1").fetchone()
        return {"began": found[0], "ended": found[1], **json.loads(found[2] or "{}")} if found else None

    def last_success(self) -> datetime | None:
        """When the last run ended that came to its end without a failure."""
        whole = "json_extract(told, '$.failed') = 0 and json_extract(told, '$.stopped') is null"
        found = self.db.execute(f"select max(ended) from runs where {whole}").fetchone()
        return datetime.fromisoformat(found[0]) if found[0] else None

    def remember(self, calls: Iterable[Row]) -> None:
        """Sealed calls, from rows of `calls`: the next run hashes their recordings once more and hears none again."""
        known = [row for row in calls if row["content_key"]]
        with self.db.atomic():
            there = {row[0] for row in self.db.execute("select path from recordings")}
            for row in known:
                if row["content_key"] not in there:
                    told = {"asr": row["asr"], "call_id": row["call_id"], "record": row["record_mark"]}
                    self.note(Entry(row["content_key"], "sealed", row["content_sha256"], **told))

    def index_anew(self, dates: Iterable[tuple[date, Any]]) -> int:
        """From the first legs of every date (a table of call_id, agent_id, pack); the number of calls."""
        with self.db.atomic():
            self.db.execute("delete from calls")
            for day, legs in dates:
                rows = [{**row, "call_date": day.isoformat()} for row in legs.drop_columns(["leg"]).to_pylist()]
                self.db.table("calls").upsert_all(rows, pk="call_id")
        return int(self.db.table("calls").count)

    def unjudged(self, call_id: str, detail: str) -> None:
        """Judging raised: the transcript stays here and is tried again at every sealing."""
        with self.db.atomic():
            told = "update recordings set state = 'unjudged', reason = 'judging_failed', detail = ?"
            self.db.execute(f"{told} where call_id = ? and state in ('transcribed', 'unjudged')", [detail, call_id])

    def call_date(self, call_id: str) -> date | None:
        """Of a sealed call."""
        found = self.db.execute("select call_date from calls where call_id = ?", [call_id]).fetchone()
        return date.fromisoformat(found[0]) if found else None
