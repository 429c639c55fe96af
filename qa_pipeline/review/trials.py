"""What a rule finds on stored calls when it is tried as if it were live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from qa_pipeline.model import Verdict
from qa_pipeline.review.changes import report_changes, signed
from qa_pipeline.review.scorecard import RuleTitle
from qa_pipeline.review.terminal import STYLE, WORST_FIRST, plain
from qa_pipeline.review.words import NAME, SIGN, clock, reason_words, shown_percent
from qa_pipeline.rules.changes import Changes

if TYPE_CHECKING:
    from rich.console import RenderableType

Row = Mapping[str, Any]
MOST_AGENTS = 10


def to_terminal(
    rule_id: str,
    verdicts: Mapping[str, int],
    samples: Mapping[str, Sequence[Row]],
    changes: Changes,
    titles: Mapping[tuple[str, str], RuleTitle],
) -> RenderableType:
    """Legs by verdict with calls to listen to, then what agents' percents would be if the rule counted."""
    from rich.console import Group
    from rich.table import Table

    title = next((t for (_, name), t in titles.items() if name == rule_id), RuleTitle(rule_id))
    parts: list[RenderableType] = [plain(f"{title.title} {rule_id}", "bold")]
    legs = sum(verdicts.values())
    counted = "，".join(f"{NAME[v]} {verdicts.get(v, 0)}" for v in (*WORST_FIRST, Verdict.NA))
    parts.append(plain(f"试判 {legs} 段：{counted}"))
    for verdict in WORST_FIRST:
        for row in samples.get(verdict, ()):
            parts.append(plain(f"{SIGN[verdict]} {row['call_id']}  {_proof(row, title.names)}", STYLE[verdict]))
    agents = report_changes("", changes, titles, 0.0).agents
    if agents:
        table = Table("坐席", "段", "现在", "若启用", "差", title="如果正式启用", title_justify="left")
        for m in agents[:MOST_AGENTS]:
            table.add_row(plain(m.name), str(m.legs), shown_percent(m.before), shown_percent(m.after), signed(m.difference))
        parts.append(table)
    return Group(*parts)


def _proof(row: Row, names: Mapping[str, str]) -> str:
    told = next((e for e in row["evidence"] or () if e["verdict"] == row["verdict"]), None)
    where = clock(told["start_ms"]) if told else ""
    quote = f"“{told['quote']}”" if told and told["quote"] else ""
    return " ".join(filter(None, (where, quote, reason_words(row["reason"], names))))
