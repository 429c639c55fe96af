"""Transcripts made elsewhere, stored and judged as recorded calls are. Reads no audio."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any

from qa_pipeline.config import Config
from qa_pipeline.dataset.ledger import UNHEARD, Entry, Ledger
from qa_pipeline.dataset.parts import clear_staging, read_part
from qa_pipeline.dataset.rows import transcript_rows
from qa_pipeline.dataset.tables import transcript_tables
from qa_pipeline.dataset.writer import one_writer
from qa_pipeline.errors import Place, QaError
from qa_pipeline.exchange.import_form import transcript_of
from qa_pipeline.exchange.import_record import Beside
from qa_pipeline.forms.check import FormError, Wrong
from qa_pipeline.forms.read import How, in_our_form, is_foreign, read_objects
from qa_pipeline.model import Transcript
from qa_pipeline.rules.pack import RulePack, vocabulary
from qa_pipeline.text.segment import Segmenter
from qa_pipeline.upkeep.repairing import rebuild_if_new
from qa_pipeline.verdicts.in_force import PLANS, publish_first
from qa_pipeline.verdicts.judging import Failed, Matchers, seal
from qa_pipeline.verdicts.rescoring import apply_marks

TOGETHER = 200
"""Objects kept in one transaction: a crash costs at most these, and the file is still there."""
SEAL_FROM = 5000
"""Calls. From there on as many wait as are sealed already, so that parts are rewritten ever more rarely."""
Read = tuple[Path, int, Any]
"""A file, the line in it, and the object there or a FormError."""


class ImportProblem(QaError):
    """A line that cannot be taken in, or a call taken in that cannot be judged; the others are."""


@dataclass(frozen=True)
class Superseded:
    """What was kept under the id gave way to this revision, its findings and scores with it."""

    call_id: str
    revision: int


@dataclass(frozen=True)
class Imported:
    """imported: new calls; known: same id and content as one kept before; problems: one for each line or call that has any.

    no_roles: calls in which nobody knows who the agent is, so that rules which must know are unsure.
    """

    imported: int
    known: int
    problems: tuple[QaError, ...]
    superseded: tuple[Superseded, ...] = ()
    no_roles: tuple[str, ...] = ()


def import_files(config: Config, packs: Mapping[str, RulePack], paths: Sequence[Path], how: How | None = None) -> Imported:
    """Every good line becomes a stored and judged call; every bad one a problem with its line number.

    Memory is that of a batch of calls and of the largest call date. Raises BusyError while another command writes in the
    project, and OSError for a file that cannot be read.
    """
    failed, matchers = Failed(), Matchers(config.root / PLANS)
    with one_writer(config.root), closing(Ledger(config.ledger)) as ledger:
        clear_staging(config.dataset)
        publish_first(config)
        rebuild_if_new(config, ledger)
        taker = _Taker(config, packs, how or How(), ledger, Segmenter(vocabulary(packs.values())), Beside(config))
        sealed = waiting = 0
        for batch in _batched(_read(paths, taker.how), TOGETHER):
            with ledger.db.atomic():
                waiting += sum(taker.take(*one) for one in batch)
            if waiting >= max(SEAL_FROM, sealed):
                failed = seal(config.dataset, ledger, packs, matchers)
                taker.sealed.clear()
                sealed, waiting = sealed + waiting, 0
        failed = seal(config.dataset, ledger, packs, matchers)
        apply_marks(config)
    unjudged = [ImportProblem(f"not judged: {said}", Place(call_id=call_id)) for call_id, said in failed.items()]
    return Imported(
        *(taker.imported, taker.known, (*taker.beside.problems, *taker.problems, *unjudged)),
        *(tuple(taker.superseded), tuple(taker.no_roles)),
    )


def _read(paths: Iterable[Path], how: How) -> Iterator[Read]:
    for path in paths:
        for line, told in read_objects(path, how.form):
            yield path, line, told


def _batched(items: Iterator[Read], n: int) -> Iterator[list[Read]]:
    while batch := list(islice(items, n)):
        yield batch


@dataclass
class _Taker:
    """Takes in one object after the other, and counts."""

    config: Config
    packs: Mapping[str, RulePack]
    how: How
    ledger: Ledger
    segmenter: Segmenter
    beside: Beside
    imported: int = 0
    known: int = 0
    problems: list[ImportProblem] = field(default_factory=list)
    superseded: list[Superseded] = field(default_factory=list)
    no_roles: list[str] = field(default_factory=list)
    sealed: dict[date, dict[str, int]] = field(default_factory=dict)

    def take(self, path: Path, line: int, told: Any) -> int:
        """The calls that now wait to be sealed: one, none, or several results of FunASR."""
        try:
            if isinstance(told, FormError):
                raise told
            calls, elsewhere = in_our_form(told, self.how), is_foreign(told, self.how)
        except FormError as problem:
            self.problems.append(ImportProblem(problem.message, Place(str(path), line)))
            return 0
        return sum(self._call(path, line, call, elsewhere) for call in calls)

    def _call(self, path: Path, line: int, call: dict[str, Any], elsewhere: bool) -> bool:
        try:
            if elsewhere and "call_id" not in call and line > 1:
                raise FormError([Wrong("call_id", "an id, as the file holds more than one call", "none")])
            if elsewhere and not {"call_id", "started_at"} <= set(call):
                call = {**self.beside.told(path, call.get("call_id")), **call}
            content = _content(call)
            if self.ledger.heard(content):
                self.known += 1
                return False
            self._keep(transcript_of(call, self.config, self.packs), content)
        except (QaError, ValueError, TypeError, OverflowError) as problem:  # the latter three: what Arrow says of odd values
            said = problem.message if isinstance(problem, QaError) else str(problem)
            self.problems.append(ImportProblem(said, Place(str(path), line)))
            return False
        return True

    def _keep(self, transcript: Transcript, content: str) -> None:
        """Raises FormError for an id that a recording has, and what Arrow raises for values that do not fit the tables."""
        call = transcript.call
        holder = self.ledger.holder(call.call_id)
        if holder and not holder.path.startswith(("import:", UNHEARD)):
            raise FormError([f"call_id {call.call_id!r} is kept already from {holder.path}; give this call its own id"])
        rows = transcript_rows(transcript, self.segmenter.words, self.segmenter.version)
        revision = rows["calls"][0]["revision"] = self._revision(call.call_id) + 1
        transcript_tables(rows)
        entry = Entry(f"import:{call.call_id}", "transcribed", content, asr=transcript.asr, call_id=call.call_id)
        self.ledger.keep(entry, call.started_at.date(), rows)
        if revision > 1:
            self.superseded.append(Superseded(call.call_id, revision))
        else:
            self.imported += 1
        if call.roles_source == "unknown":
            self.no_roles.append(call.call_id)

    def _revision(self, call_id: str) -> int:
        """The kept one, sealed or waiting; 0 where there is none."""
        waiting = self.ledger.pending_revision(call_id)
        day = self.ledger.call_date(call_id)
        if waiting is not None or day is None:
            return waiting or 0
        if day not in self.sealed:
            kept = read_part(self.config.dataset, "calls", day).select(["call_id", "revision"]).to_pydict()
            self.sealed[day] = dict(zip(kept["call_id"], kept["revision"], strict=True))
        return self.sealed[day].get(call_id) or 0


def _content(call: Mapping[str, Any]) -> str:
    """A hash of what is said about the call, whatever the order of keys. A file's own time says nothing about it."""
    flags = call.get("flags")
    by_file = isinstance(flags, list) and "time_from_file" in flags
    told = {k: v for k, v in call.items() if v is not None and not (by_file and k == "started_at")}
    return hashlib.sha256(json.dumps(told, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
