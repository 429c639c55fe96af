"""Who the agents are: `records.agents` in qa.toml names a table of ids, names and teams, and from when to when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from qa_pipeline.errors import Place
from qa_pipeline.recordings.records.cells import clean, shown
from qa_pipeline.recordings.records.record import CallRecord, RecordError
from qa_pipeline.recordings.records.tables import csv_rows, headed, read_text

COLUMNS = {
    **{
        "agent_id": "agent_id",
        "工号": "agent_id",
        "name": "name",
        "姓名": "name",
        "team": "team",
        "班组": "team",
        "团队": "team",
    },
    **{"valid_from": "valid_from", "生效日期": "valid_from", "valid_to": "valid_to", "失效日期": "valid_to"},
}


@dataclass(frozen=True)
class Agent:
    """An agent's name and team from `valid_from` to `valid_to`, both days included; None: open."""

    agent_id: str
    name: str | None = None
    team: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    def on(self, day: date) -> bool:
        return (self.valid_from or date.min) <= day <= (self.valid_to or date.max)


@dataclass(frozen=True)
class Roster:
    agents: tuple[Agent, ...] = ()

    def of(self, agent_id: str | None, day: date) -> Agent | None:
        """Who had this id on that day."""
        return next((a for a in self._by_id.get(agent_id or "", ()) if a.on(day)), None)

    def team_of(self, agent_id: str | None, day: date) -> str | None:
        found = self.of(agent_id, day)
        return found.team if found else None

    def with_names_of(self, records: Iterable[CallRecord]) -> Roster:
        """Ids that stand in no roster, by the name that their call records give, the latest first."""
        told: dict[str, CallRecord] = {}
        for r in records:
            if r.agent_id and r.agent_name and r.agent_id not in self._by_id:
                before = told.get(r.agent_id)
                newer = before is None or (
                    r.began_at is not None and (before.began_at is None or r.began_at >= before.began_at)
                )
                told[r.agent_id] = r if newer or before is None else before
        return Roster((*self.agents, *(Agent(i, r.agent_name, r.team) for i, r in sorted(told.items()))))

    @cached_property
    def _by_id(self) -> dict[str, list[Agent]]:
        made: dict[str, list[Agent]] = defaultdict(list)
        for agent in self.agents:
            made[agent.agent_id].append(agent)
        return made


def read_roster(path: Path, problems: list[RecordError]) -> Roster:
    """A CSV with agent_id (工号), name (姓名), team (班组), valid_from, valid_to; a bad row is a problem, the others stand."""
    text = read_text(path, problems)
    rows = csv_rows(text or "", path, problems)
    line, header = next(rows, (1, list[str]()))
    names = [COLUMNS.get(clean(h).lower(), "") for h in header]
    if text is not None and "agent_id" not in names:
        said = f"expected a column agent_id or 工号, found {', '.join(header[:5]) or 'nothing'}"
        problems.append(RecordError(said, Place(str(path), line)))
        return Roster()
    agents: list[Agent] = []
    for number, cells, _ in headed(rows, names):
        place = Place(str(path), number)
        told = {k: clean(v) for k, v in cells.items() if k and clean(v)}
        days = {k: _day(told[k], k, place, problems) for k in ("valid_from", "valid_to") if k in told}
        if "agent_id" not in told:
            problems.append(RecordError("expected an agent_id, found none; the row is left out", place))
            continue
        one = Agent(told["agent_id"], told.get("name"), told.get("team"), days.get("valid_from"), days.get("valid_to"))
        if other := _overlapping(one, agents):
            said = (
                f"agent {one.agent_id} is {one.name or 'there'} and {other.name or 'there'} at the same time; the first stands"
            )
            problems.append(RecordError(said, place))
        else:
            agents.append(one)
    return Roster(tuple(agents))


def _overlapping(one: Agent, agents: Sequence[Agent]) -> Agent | None:
    mine = (one.valid_from or date.min, one.valid_to or date.max)
    same = (a for a in agents if a.agent_id == one.agent_id)
    return next((a for a in same if (a.valid_from or date.min) <= mine[1] and mine[0] <= (a.valid_to or date.max)), None)


def _day(value: str, name: str, place: Place, problems: list[RecordError]) -> date | None:
    try:
        year, month, day = (int(part) for part in value.replace("/", "-").replace(".", "-").split("-"))
        return date(year, month, day)
    except ValueError:
        problems.append(RecordError(f"{name}: expected a day such as 2024-05-14, found {shown(value)}; it is left open", place))
        return None
