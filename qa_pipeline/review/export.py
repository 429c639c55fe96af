"""Scorecards as JSON, CSV, or one HTML file that opens anywhere."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from qa_pipeline.review.scorecard import Scorecard
from qa_pipeline.review.terminal import SIGN, clock, shown_percent


def to_json(cards: Sequence[Scorecard]) -> str:
    return json.dumps([asdict(card) for card in cards], ensure_ascii=False, indent=2)


def to_csv(cards: Sequence[Scorecard]) -> str:
    """One row for each agent, rule and piece of evidence; times in milliseconds."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(
        ["agent_id", "percent", "pack", "rule_id", "title", "verdict", "call_id", "start_ms", "end_ms", "quote", "reason"]
    )
    for card in cards:
        for rule in card.rules:
            for p in rule.proofs:
                head = [card.agent_id, "" if card.percent is None else round(card.percent, 1), rule.pack, rule.rule_id]
                rows.writerow(
                    [*map(_plain, [*head, rule.title, p.verdict, p.call_id, p.start_ms, p.end_ms, p.quote, p.reason])]
                )
    return out.getvalue()


def _plain(cell: object) -> object:
    """A spreadsheet runs cells that begin like a formula; a quote mark before them keeps them words."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell[:1] else cell


def to_html(cards: Sequence[Scorecard]) -> str:
    """Everything escaped; no script, no outside file."""
    from jinja2 import Environment, StrictUndefined

    source = (Path(__file__).parent / "scorecard.html").read_text("utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True).from_string(source)
    return page.render(cards=cards, clock=clock, percent=shown_percent, sign=SIGN)
