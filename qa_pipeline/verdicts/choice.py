"""Which stored calls are judged again, and by which rules."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from qa_pipeline.dataset.parts import call_dates
from qa_pipeline.dataset.store import Where
from qa_pipeline.dataset.tables import of_calls


@dataclass(frozen=True)
class Choice:
    """Which stored calls (`ids`: by themselves) and rules; empty: all. A call is chosen with all its legs when one leg is."""

    since: date | None = None
    until: date | None = None
    packs: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def covers(self, day: date) -> bool:
        """`until` is the last date."""
        return (self.since is None or self.since <= day) and (self.until is None or day <= self.until)

    def calls(self, legs: pa.Table) -> pa.Table:
        """The legs of calls that have a chosen leg."""
        chosen = pa.array([True] * len(legs), pa.bool_())
        wanted = ((self.packs, "pack"), (self.agents, "agent_id"), (self.teams, "team"), (self.ids, "call_id"))
        for names, column in wanted:
            if names:
                chosen = pc.and_(chosen, pc.is_in(legs[column], value_set=pa.array(names, pa.string())))
        return of_calls(legs, legs.filter(chosen)["call_id"].unique().to_pylist())

    def dates(self, dataset: Where) -> list[date]:
        """Those it covers that have stored calls."""
        return [day for day in call_dates(dataset, "calls") if self.covers(day)]
