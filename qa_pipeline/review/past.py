"""A finding's past in plain words: each verdict it had, when it gave way, and whether rules or words had changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from qa_pipeline.model import Verdict
from qa_pipeline.review.words import NAME, clock, reason_words

Row = Mapping[str, Any]


def tell_past(
    past: Sequence[Row], now: Sequence[Row], scores: Sequence[Sequence[Row]], names: Mapping[str, Mapping[str, str]]
) -> list[str]:
    """`past` and `now`: one rule's findings on one call, superseded and standing; `scores`: the call's, likewise.

    `names`: by pack, what its phrases and fields are called. One block a leg, oldest first.
    """
    lines = []
    for leg in sorted({row["leg"] for row in (*past, *now)}):
        mine = [row for row in past if row["leg"] == leg] + [row for row in now if row["leg"] == leg]
        lines.append(f"{mine[-1]['call_id']}，{mine[-1]['rule_id']}" + (f"，第 {leg} 段" if leg > 1 else ""))
        lines.append(f"  {_when(mine[0], None)}{_verdict(mine[0], names)}")
        for before, after in pairwise(mine):
            lines.append(f"  {_when(after, before)}{_verdict(after, names)}")
            lines.append(f"    {_cause(before, after, leg, scores)}")
        if not any(row["leg"] == leg for row in now):
            lines.append(f"  {_date(mine[-1])} 起这条规则不再判这通电话")
    return lines


def _when(row: Row, before: Row | None) -> str:
    return f"{_date(before)} 起：" if before is not None else "最初："


def _date(row: Row) -> str:
    return f"{row['superseded_at']:%Y-%m-%d %H:%M} UTC" if row.get("superseded_at") else "现在"


def _verdict(row: Row, names: Mapping[str, Mapping[str, str]]) -> str:
    quoted = next((e for e in row["evidence"] or () if e["quote"] and e["verdict"] == row["verdict"]), None)
    words = f"，{clock(quoted['start_ms'])}“{quoted['quote']}”" if quoted else ""
    why = reason_words(row["reason"], names.get(row["pack"]))
    points = f"{row['points'] or 0:g}/{row['possible'] or 0:g} 分"
    return f"{NAME[Verdict(row['verdict'])]}（{points}）{words}{f'，{why}' if why else ''}"


def _cause(before: Row, after: Row, leg: int, scores: Sequence[Sequence[Row]]) -> str:
    """What was another: the rule's meaning, by its version; the transcript, by the versions of the scores of that time."""
    causes = []
    if before["rule_version"] != after["rule_version"]:
        causes.append(f"规则改了（{before['rule_version'][:8]} → {after['rule_version'][:8]}）")
    versions = [s["transcript_version"] for side in scores for s in side if s["leg"] == leg and s["pack"] == after["pack"]]
    if not causes and len(set(versions)) > 1:
        causes.append("转写或通话记录改了")
    run = before.get("superseded_by")
    return f"因为{'，'.join(causes) or '判定程序改了'}" + (f"；由 {run} 换上" if run else "")
