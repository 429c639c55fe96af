"""Scorecards as JSON, CSV, or one HTML file that opens anywhere."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from qa_pipeline.model import Verdict
from qa_pipeline.review.scorecard import Judged, RuleLine, Scorecard
from qa_pipeline.review.words import NAME, SIGN, clock, shown_percent

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes the Chinese for another encoding."""
COLUMNS = (
    *("agent_id", "name", "percent", "pack", "rule_id", "title", "call_id", "leg", "verdict", "needs_person"),
    *("occasion", "start", "start_ms", "end_ms", "quote", "nearest", "reason", "reason_code"),
)


def to_json(cards: Sequence[Scorecard]) -> str:
    return json.dumps([asdict(card) for card in cards], ensure_ascii=False, indent=2, default=str)


def to_csv(cards: Sequence[Scorecard]) -> str:
    """One row for each piece of evidence, and one for each verdict without any."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    rows = csv.writer(out)
    rows.writerow(COLUMNS)
    for card in cards:
        percent = "" if card.percent is None else round(card.percent, 1)
        for rule in card.rules:
            head = (card.agent_id, card.name or "", percent, rule.pack, rule.rule_id, rule.title)
            rows.writerows([_plain(cell) for cell in (*head, *row)] for f in rule.findings for row in _rows(f))
    return out.getvalue()


def _rows(f: Judged) -> Iterator[tuple[object, ...]]:
    head = (f.call_id, f.leg, str(f.verdict), f.needs_person)
    why = (f.why, f.reason or "")
    if not f.proofs:
        yield (*head, "", "", "", "", "", "", *why)
    for p in f.proofs:
        where = (str(p.verdict), clock(p.start_ms), p.start_ms, p.end_ms)
        yield (*head, *where, p.quote, p.nearest, *(why if p.verdict is f.verdict else ("", "")))


def _plain(cell: object) -> object:
    """A spreadsheet runs cells that begin like a formula; a quote mark before them keeps them words."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip(" ").startswith(tuple("=+-@\t\r\n＝＋－＠")) else cell


def to_html(cards: Sequence[Scorecard]) -> str:
    """Everything escaped; no script, no outside file."""
    from jinja2 import Environment, StrictUndefined

    source = (Path(__file__).parent / "scorecard.html").read_text("utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.globals |= {"clock": clock, "percent": shown_percent, "sign": SIGN, "named": NAME}
    page.globals |= {"of": _of, "not_applied": _not_applied, "shares": _shares}
    return page.from_string(source).render(cards=cards)


def _of(rule: RuleLine, verdict: str) -> list[Judged]:
    return [f for f in rule.findings if f.verdict == verdict]


def _not_applied(rule: RuleLine) -> list[tuple[str, int]]:
    """Why the rule did not apply, the most frequent reason first."""
    return Counter(f.why for f in _of(rule, Verdict.NA)).most_common()


def _shares(line: RuleLine | Scorecard) -> list[tuple[str, float]]:
    """Width in percent of each verdict's piece of the bar; what did not apply is left out."""
    counts = {"pass": line.passed, "unsure": line.unsure, "fail": line.failed}
    return [(name, round(100 * n / sum(counts.values()), 2)) for name, n in counts.items() if n]
