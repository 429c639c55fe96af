"""All stored calls judged again: a dry run says what would change, and is applied as it was shown or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.dataset import dry_runs
from qa_pipeline.dataset.dry_runs import COVERED, DryRun
from qa_pipeline.dataset.history import keep_superseded
from qa_pipeline.dataset.ledger import Ledger
from qa_pipeline.dataset.parts import clear_staging, read_as, read_part, write_part
from qa_pipeline.dataset.people import Mark, People
from qa_pipeline.dataset.published import hash_rules, keep, kept_rules, publish, published
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.dataset.store import Store
from qa_pipeline.dataset.tables import find_call, of_calls
from qa_pipeline.dataset.writer import one_writer
from qa_pipeline.errors import Place, QaError
from qa_pipeline.rules.changes import Changes, SideBySide, add_up, count_changes
from qa_pipeline.rules.diff import diff_findings, diff_scores
from qa_pipeline.rules.pack import RulePack, load_packs
from qa_pipeline.verdicts.choice import Choice
from qa_pipeline.verdicts.cores import each_date, many_calls
from qa_pipeline.verdicts.in_force import CACHE, PLANS, draft_packs, packs_in_force
from qa_pipeline.verdicts.judging import Failed, Matchers, seal
from qa_pipeline.verdicts.rejudging import Judges, Rejudged, rejudge

if TYPE_CHECKING:
    from qa_pipeline.config import Config

Progress = Callable[[int, int], None]
_VERSIONS = pa.schema([SCHEMAS["scores"].field(name) for name in COVERED])


class StaleError(QaError):
    """What a dry run showed is no longer what applying it would do."""


@dataclass(frozen=True)
class Outcome:
    """What judging again changes, or changed. added: calls that came after the dry run. marks: as they stand after it."""

    run: DryRun
    changes: Changes
    added: Changes
    marks: tuple[Mark, ...]
    failed: Failed


@dataclass(frozen=True)
class _Day:
    """One date's part of an outcome."""

    changes: Changes
    added: Changes
    marks: tuple[Mark, ...]
    failed: Failed


@dataclass(frozen=True)
class _Job:
    """One date judged again; with `write` the new verdicts take the place of the old ones, else the difference is kept."""

    dataset: Store
    run: DryRun
    choice: Choice
    judges: Judges
    pass_mark: float
    write: bool
    planned: bool

    def __call__(self, day: date) -> _Day:
        told = rejudge(self.dataset, day, self.choice, self.judges)
        findings = diff_findings(told.findings_before, told.findings_after)
        scores = diff_scores(told.scores_before, told.scores_after)
        if self.write:
            if told.changes:
                put_in_place(self.dataset, self.run.id, told)
        else:
            for name, rows in (
                ("findings", findings),
                ("scores", scores),
                ("covered", told.scores_after.select(list(COVERED))),
            ):
                dry_runs.keep_table(self.dataset, self.run.id, name, day, rows)
        calls = told.scores_after["call_id"].unique().to_pylist()
        added = self._added(day, calls) if self.write and self.planned else []
        tables = (findings, scores, told.scores_before, told.scores_after)
        shown, later = (
            count_changes(SideBySide(*(of_calls(rows, added, others=others) for rows in tables)), self.pass_mark)
            for others in (True, False)
        )
        return _Day(shown, later, told.marks, told.failed)

    def _added(self, day: date, calls: Sequence[str]) -> list[str]:
        covered = set(dry_runs.read_kept(self.dataset, self.run.id, "covered", day, _VERSIONS)["call_id"].to_pylist())
        return [call for call in calls if call not in covered]


def put_in_place(dataset: Store, run_id: str, told: Rejudged) -> None:
    """Old rows to history, then findings, then scores: whoever follows a score to its findings meets none that are older."""
    sides = (("findings", told.findings_before, told.findings_after), ("scores", told.scores_before, told.scores_after))
    calls = told.scores_after["call_id"].unique().to_pylist()
    for table, old, new in sides:
        keep_superseded(dataset, table, told.day, run_id, old)
        others = of_calls(read_as(new.schema, dataset, table, told.day), calls, others=True)
        same = [told.kept] if table == "findings" else []
        write_part(dataset, table, told.day, pa.concat_tables([others, *same, new]))


def plan(config: Config, choice: Choice, report: Callable[[Outcome], dict[str, str]], progress: Progress) -> Outcome:
    """A dry run by the draft in rules/: nothing that anyone reads changes. `report` makes the files to keep beside it.

    Raises PackError for a draft that cannot be used, and BusyError while another command writes here.
    """
    packs = draft_packs(config)
    with one_writer(config.root):
        clear_staging(config.dataset)
        in_force = published(config.dataset)
        told = {k: [*v] if isinstance(v, tuple) else str(v) for k, v in asdict(choice).items() if v}
        run = dry_runs.new_run(keep(config.dataset, config.rules), in_force.hash if in_force else None, told)
        outcome = _run(config, run, choice, packs, (False, True), progress)
        dry_runs.finish(config.dataset, run, report(outcome))
    return outcome


def apply(config: Config, run_id: str, progress: Progress) -> Outcome:
    """What the dry run showed becomes the truth, and its rules are published.

    Calls that came since are judged too. Raises StaleError, with nothing changed, where the draft, the published rules or a
    covered transcript is another than then; DatasetError for a dry run that is not there.
    """
    with one_writer(config.root):
        clear_staging(config.dataset)
        run = dry_runs.dry_run(config.dataset, run_id)
        _refuse_stale(config, run)
        packs = load_packs(kept_rules(config.dataset, run.rules, config.root / CACHE))
        _seal_waiting(config, packs)
        choice = _choice(run)
        outcome = _run(config, run, choice, packs, (True, True), progress)
        _settle(config, outcome)
        publish(config.dataset, kept_rules(config.dataset, run.rules, config.root / CACHE))
    return outcome


def rescore(config: Config, choice: Choice, progress: Progress) -> Outcome:
    """The draft in rules/ is published and judged by, without a dry run before."""
    packs = draft_packs(config)
    with one_writer(config.root):
        clear_staging(config.dataset)
        run = dry_runs.new_run(keep(config.dataset, config.rules), None, {})
        _seal_waiting(config, packs)
        outcome = _run(config, run, choice, packs, (True, False), progress)
        _settle(config, outcome)
        publish(config.dataset, config.rules)
    return outcome


def _run(
    config: Config, run: DryRun, choice: Choice, packs: dict[str, RulePack], how: tuple[bool, bool], progress: Progress
) -> Outcome:
    """how: whether to write, and whether there is a dry run behind it."""
    days = choice.dates(config.dataset)
    judges = Judges(packs, marks_of(config), datetime.now(UTC), config.root / PLANS)
    job = _Job(config.dataset, run, choice, judges, config.scorecard.pass_mark, *how)
    done: list[_Day] = []
    for one in each_date(job, days, many_calls(config.dataset, days)):
        done.append(one)
        progress(len(done), len(days))
    failed = {call: said for part in done for call, said in part.failed.items()}
    changes, added = (add_up(getattr(part, side) for part in done) for side in ("changes", "added"))
    return Outcome(run, changes, added, tuple(mark for part in done for mark in part.marks), failed)


def _seal_waiting(config: Config, packs: dict[str, RulePack]) -> None:
    """Transcripts that no one judged yet, as `qa transcribe` leaves them."""
    if config.ledger.exists():
        with closing(Ledger(config.ledger)) as ledger:
            seal(config.dataset, ledger, packs, Matchers(config.root / PLANS))


def _refuse_stale(config: Config, run: DryRun) -> None:
    """Every reason at once."""
    in_force, wrong = published(config.dataset), list[str]()
    now = in_force.hash if in_force else None
    if now == run.rules:
        raise StaleError(f"dry run {run.id} is applied already: its rules are those in force", Place(str(config.root)))
    if now != run.published:
        wrong.append(f"other rules were published since ({now}; then {run.published})")
    if hash_rules(config.rules) != run.rules:
        wrong.append("rules/ was edited since")
    moved = [
        f"{call} of {day}"
        for day in dry_runs.kept_dates(config.dataset, run.id, "covered")
        for call in _moved(config, run, day)
    ]
    if moved:
        more = f" and {len(moved) - 3} more" if len(moved) > 3 else ""
        wrong.append(f"the transcript of {', '.join(moved[:3])}{more} is another than then, or gone")
    if wrong:
        said = f"dry run {run.id} no longer says what would happen: {'; '.join(wrong)}. See again with: qa rescore --dry-run"
        raise StaleError(said, Place(str(config.root)))


def _moved(config: Config, run: DryRun, day: date) -> list[str]:
    """Covered calls whose transcript is not the one that was looked at."""
    covered = dry_runs.read_kept(config.dataset, run.id, "covered", day, _VERSIONS)
    now = read_part(config.dataset, "scores", day, list(COVERED))
    same = covered.join(now, list(COVERED), join_type="left semi", use_threads=False)
    gone = covered.filter(pc.invert(pc.is_in(covered["call_id"], value_set=same["call_id"].combine_chunks().unique())))
    return sorted(set(gone["call_id"].to_pylist()))


def _choice(run: DryRun) -> Choice:
    told: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else date.fromisoformat(v) for k, v in run.choice.items()}
    return Choice(**told)


def marks_of(config: Config) -> tuple[Mark, ...]:
    """All that people said."""
    if not config.people.exists():
        return ()
    with closing(People(config.people)) as people:
        return tuple(people.marks())


def _settle(config: Config, outcome: Outcome) -> None:
    if outcome.marks:
        with closing(People(config.people)) as people:
            people.settle(outcome.marks)
            mirror_marks(config.dataset, people)


def apply_marks(config: Config) -> int:
    """Stored scores go by every mark from now on; the number of calls that were looked at.

    Marks on calls that were renamed or sealed anew since are settled by their evidence. Only for who holds the writer's lock.
    """
    if not config.people.exists():
        return 0
    with closing(People(config.people)) as people, closing(Ledger(config.ledger)) as ledger:
        replaced = ledger.replaced()
        for call_id, former in replaced.items():
            people.rename_call(former, call_id)
        people.judged_anew(replaced)
        waiting, by_day = people.waiting(), dict[date, list[str]]()
        for call_id in waiting:
            if day := ledger.call_date(call_id) or find_call(config.dataset, call_id):
                by_day.setdefault(day, []).append(call_id)
        if by_day:
            judges = Judges(packs_in_force(config), tuple(people.marks()), datetime.now(UTC), config.root / PLANS)
            run = dry_runs.new_run("marks", None, {})
            for day, ids in sorted(by_day.items()):
                told = rejudge(config.dataset, day, Choice(ids=tuple(ids)), judges)
                if told.changes:
                    put_in_place(config.dataset, run.id, told)
                people.settle(told.marks)
        people.applied(waiting)
        ledger.forget_replaced(replaced)
        if waiting:
            mirror_marks(config.dataset, people)
    return len(waiting)


def mirror_marks(dataset: Store, people: People) -> None:
    """`dataset/marks`, for whoever reads the dataset alone."""
    import pyarrow.parquet as pq

    out = pa.BufferOutputStream()
    pq.write_table(people.table(), out)
    dataset.replace("marks/part-0.parquet", out.getvalue())
