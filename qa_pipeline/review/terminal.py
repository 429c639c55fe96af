"""Scorecards and transcripts for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qa_pipeline.model import Verdict
from qa_pipeline.review.annotated import AnnotatedCall, AnnotatedTurn
from qa_pipeline.review.scorecard import Judged, Proof, RuleLine, Scorecard
from qa_pipeline.review.words import NAME, SIGN, SPEAKER, clock, shown_percent

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

STYLE = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.UNSURE: "yellow", Verdict.NA: "dim"}
WORST_FIRST = (Verdict.FAIL, Verdict.UNSURE, Verdict.PASS)


def plain(words: str, style: str = "") -> Text:
    """Words as they are: no markup, and no control characters, which could drive the terminal."""
    from rich.text import Text

    return Text("".join("\N{REPLACEMENT CHARACTER}" if ord(c) < 32 or 127 <= ord(c) < 160 else c for c in words), style)


def overview(cards: Sequence[Scorecard]) -> RenderableType:
    """A line for each agent."""
    from rich.table import Table

    table = Table("坐席", title="评分卡", title_justify="left")
    for heading in ("得分", "通话", *NAME.values()):
        table.add_column(heading, justify="right")
    for c in cards:
        numbers = (c.n_calls, c.passed, c.failed, c.unsure, c.na)
        table.add_row(plain(c.who), shown_percent(c.percent), *map(str, numbers))
    return table


def facts(one: Scorecard) -> list[str]:
    """Percent, people's word on it, how many calls of which days, and what waits for a person."""
    told = [shown_percent(one.percent), f"{one.n_calls} 通电话"]
    told += [f"{one.since} 至 {one.until}"] if one.since else []
    told += [f"人工复核后 {shown_percent(one.reviewed)}"] if one.reviewed is not None else []
    return told + ([f"{one.pending} 个致命项待人确认"] if one.pending else [])


def card(one: Scorecard, most: int = 2) -> RenderableType:
    """An agent's card: every rule with its counts and, worst first, where to listen on at most `most` calls."""
    from rich.table import Table

    title = plain(f"坐席 {one.who}   {'   '.join(facts(one))}")
    table = Table(title=title, title_justify="left", caption_justify="left", show_lines=True)
    table.add_column("规则", overflow="fold")
    for sign in SIGN.values():
        table.add_column(sign, justify="right")
    table.add_column("听这里", overflow="fold")
    for rule in one.rules:
        counts = (rule.passed, rule.failed, rule.unsure, rule.na)
        table.add_row(_named(rule), *map(str, counts), _findings(rule.findings, most))
    table.caption = "  ".join(f"{sign} {NAME[verdict]}" for verdict, sign in SIGN.items())
    return table


def _named(rule: RuleLine) -> Text:
    text = plain(rule.title).append("\n").append_text(plain(rule.rule_id, "dim"))
    return text.append("\n").append_text(plain(rule.coach, "italic")) if rule.failed and rule.coach else text


def _findings(findings: Sequence[Judged], most: int) -> Text:
    from rich.text import Text

    told = [f for verdict in WORST_FIRST for f in findings if f.verdict is verdict]
    lines = [_finding(f) for f in told[:most]]
    if len(told) > most:
        lines.append(Text(f"另有 {len(told) - most} 通", "dim"))
    return Text("\n").join(lines)


def _finding(f: Judged) -> Text:
    text = plain(f"{SIGN[f.verdict]} {f.call_id}{' 请人听' if f.needs_person else ''}", STYLE[f.verdict])
    for proof in f.proofs:
        text.append("\n  ").append_text(plain(_said(f, proof), STYLE[proof.verdict]))
    return text if f.proofs else text.append("\n  ").append_text(plain(f.why, "dim"))


def _said(f: Judged, proof: Proof) -> str:
    why = f.why if proof.verdict is f.verdict else NAME[proof.verdict]
    words = f"“{proof.quote}”" if proof.quote else ""
    near = f"最近似“{proof.nearest}”" if proof.nearest else ""
    return " ".join(filter(None, (clock(proof.start_ms), words, why, near)))


def transcript(call: AnnotatedCall) -> RenderableType:
    """The words in order, evidence coloured by verdict, then every rule's verdict."""
    from rich.console import Group
    from rich.table import Table

    words = Table.grid(padding=(0, 1))
    words.add_column(justify="right")
    words.add_column(no_wrap=True)
    words.add_column(overflow="fold")
    for turn in call.turns:
        words.add_row(clock(turn.start_ms), plain(SPEAKER.get(turn.speaker, turn.speaker), "dim"), _turn(turn))
    verdicts = Table.grid(padding=(0, 1))
    several = len({v.leg for v in call.verdicts}) > 1
    for v in call.verdicts:
        where = "" if v.start_ms is None else clock(v.start_ms)
        name = plain(f"{v.title} {v.rule_id}".strip() + (f"（第 {v.leg} 段）" if several else ""))
        verdicts.add_row(f"{SIGN[v.verdict]} {NAME[v.verdict]}", where, name, plain(v.why), style=STYLE[v.verdict])
    return Group(plain(call.call_id, "bold"), words, "", verdicts)


def _turn(turn: AnnotatedTurn) -> Text:
    text = plain(turn.text) if turn.text else plain("（有声音，没听出字）", "dim")
    for h in turn.highlights:
        text.stylize(f"{STYLE[h.verdict]} underline", h.first, h.last)
    rules = dict.fromkeys(f"{SIGN[h.verdict]}{h.rule_id}" for h in turn.highlights)
    return text.append("  ").append_text(plain(" ".join(rules), "cyan")) if rules else text
