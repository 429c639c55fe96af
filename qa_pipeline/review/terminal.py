"""Scorecards and transcripts for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from qa_pipeline.model import Verdict
from qa_pipeline.review.annotated import AnnotatedCall, AnnotatedTurn
from qa_pipeline.review.scorecard import Scorecard

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

STYLE = {Verdict.PASS: "green", Verdict.FAIL: "bold red", Verdict.UNSURE: "yellow", Verdict.NA: "dim"}
SIGN = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNSURE: "?", Verdict.NA: "·"}
SPEAKER = {"agent": "坐席", "customer": "客户", "ivr": "语音", "unknown": "不明"}
TOO_LITTLE = "样本不足"


def clock(ms: int) -> str:
    """Minutes and seconds with a tenth: 65300 → 1:05.3."""
    return f"{ms // 60000}:{ms % 60000 / 1000:04.1f}"


def shown_percent(percent: float | None) -> str:
    return TOO_LITTLE if percent is None else f"{percent:.0f} %"


def overview(cards: Sequence[Scorecard]) -> RenderableType:
    """A line for each agent."""
    from rich.table import Table

    table = Table("坐席", "得分", "通话", "达标", "未达标", "不确定", title="评分卡", title_justify="left")
    for card in cards:
        counts = [sum(getattr(rule, k) for rule in card.rules) for k in ("passed", "failed", "unsure")]
        table.add_row(card.agent_id, shown_percent(card.percent), str(len(card.calls)), *map(str, counts))
    return table


def card(one: Scorecard, proofs: int = 2) -> RenderableType:
    """An agent's card: every rule with its counts and, for the misses, where to listen."""
    from rich.table import Table

    title = f"坐席 {one.agent_id}   {shown_percent(one.percent)}   {len(one.calls)} 通"
    table = Table("规则", "✓", "✗", "?", "·", "听这里", title=title, title_justify="left", show_lines=True)
    for rule in one.rules:
        name = f"{rule.title}\n[dim]{rule.rule_id}[/dim]"
        table.add_row(name, *(str(n) for n in (rule.passed, rule.failed, rule.unsure, rule.na)), _proofs(rule.proofs, proofs))
    return table


def _proofs(proofs: Sequence[object], most: int) -> Text:
    from rich.text import Text

    from qa_pipeline.review.scorecard import Proof

    worst = {Verdict.FAIL: 0, Verdict.UNSURE: 1, Verdict.PASS: 2, Verdict.NA: 3}
    found = sorted((p for p in proofs if isinstance(p, Proof)), key=lambda p: (worst[p.verdict], p.call_id))
    text = Text()
    for p in found[:most]:
        said = f"“{p.quote}”" if p.quote else f"（{p.reason or '未说'}）"
        text.append(f"{SIGN[p.verdict]} {p.call_id} {clock(p.start_ms)} {said}\n", STYLE[p.verdict])
    text.rstrip()
    return text


def transcript(call: AnnotatedCall) -> RenderableType:
    """The words in order, evidence coloured by verdict, then every rule's verdict."""
    from rich.console import Group
    from rich.text import Text

    lines = [Text(call.call_id, "bold"), *(_turn(turn) for turn in call.turns), Text("")]
    for rule, verdict, reason, start in call.verdicts:
        where = f" {clock(start)}" if start is not None else ""
        lines.append(Text(f"{SIGN[verdict]} {rule}{where}{'  ' + reason if reason else ''}", STYLE[verdict]))
    return Group(*lines)


def _turn(turn: AnnotatedTurn) -> Text:
    from rich.text import Text

    line = Text(f"{clock(turn.start_ms):>7} {SPEAKER.get(turn.speaker, turn.speaker)} ", "dim")
    at = len(line)
    line.append(turn.text or "（有声音，没听出字）", "default" if turn.text else "dim")
    for h in turn.highlights:
        line.stylize(f"{STYLE[h.verdict]} underline", at + h.first, at + h.last)
    rules = list(dict.fromkeys(f"{SIGN[h.verdict]}{h.rule_id}" for h in turn.highlights))
    return line.append("  " + " ".join(rules), "cyan") if rules else line
