"""What a dry run showed, for the rule owner: rule by rule with calls to listen to, then agents, teams and the pass mark."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from qa_pipeline.dataset.people import Mark
from qa_pipeline.model import Verdict
from qa_pipeline.review.scorecard import UNKNOWN_AGENT, RuleTitle
from qa_pipeline.review.terminal import plain
from qa_pipeline.review.words import NAME, clock, reason_words, shown_percent
from qa_pipeline.rules.changes import Changes, Crossing, Points
from qa_pipeline.rules.diff import NONE

SIDES = ("before", "after")
SAME = "结论不变"
"""The change of a finding that only rests on other evidence now."""
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """One call on which a rule's finding changes, with what proved it before and what proves it after."""

    call_id: str
    leg: int
    before: str
    after: str


@dataclass(frozen=True)
class FlipLine:
    """change: in Chinese, such as 未达标 → 达标."""

    change: str
    count: int
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class RuleChange:
    """flips: the most frequent first; what leaves the verdict as it is comes last."""

    rule_id: str
    pack: str
    title: str
    flips: tuple[FlipLine, ...]


@dataclass(frozen=True)
class Moved:
    """An agent or a team: percents before and after."""

    name: str
    legs: int
    before: float | None
    after: float | None

    @property
    def difference(self) -> float | None:
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True)
class ChangeReport:
    """rules: those with most changed verdicts first; agents and teams: those that move most first, the unmoved left out."""

    run_id: str
    calls: int
    flipped: int
    rules: tuple[RuleChange, ...]
    agents: tuple[Moved, ...]
    teams: tuple[Moved, ...]
    pass_mark: float
    over: tuple[int, tuple[str, ...]]
    under: tuple[int, tuple[str, ...]]
    marks: tuple[str, ...]


def report_changes(
    run_id: str, changes: Changes, titles: Mapping[tuple[str, str], RuleTitle], pass_mark: float, marks: Sequence[Mark] = ()
) -> ChangeReport:
    """`titles` by (pack, rule id), of the draft and of what was in force."""
    by_rule: dict[tuple[str, str], list[FlipLine]] = defaultdict(list)
    for (pack, rule_id, change), flip in changes.flips.items():
        names = titles.get((pack, rule_id), RuleTitle(rule_id)).names
        samples = tuple(_sample(row, names) for row in flip.samples)
        by_rule[pack, rule_id].append(FlipLine(change_words(change), flip.count, samples))
    rules = [
        RuleChange(rule_id, pack, titles.get((pack, rule_id), RuleTitle(rule_id)).title, tuple(sorted(lines, key=_most)))
        for (pack, rule_id), lines in by_rule.items()
    ]
    rules.sort(key=lambda r: (-sum(line.count for line in r.flips if line.change != SAME), r.pack, r.rule_id))
    agents, teams = _moved(changes.agents), _moved(changes.teams) if changes.teams.keys() - {None} else ()
    flagged = tuple(_mark_line(mark) for mark in marks if mark.flag or mark.state == "stale")
    over, under = (_crossing(c) for c in (changes.over, changes.under))
    return ChangeReport(run_id, changes.calls, changes.flipped, tuple(rules), agents, teams, pass_mark, over, under, flagged)


def _most(line: FlipLine) -> tuple[bool, int, str]:
    return line.change == SAME, -line.count, line.change


def change_words(change: str) -> str:
    """fail→pass as 未达标 → 达标."""
    if change == "evidence":
        return SAME
    return " → ".join("无" if side == NONE else NAME[Verdict(side)] for side in change.split("→"))


def _sample(row: Row, names: Mapping[str, str]) -> Sample:
    return Sample(row["call_id"], row["leg"], *(_proof(row, side, names) for side in SIDES))


def _proof(row: Row, side: str, names: Mapping[str, str]) -> str:
    """Where and what: the first quote that decides, else the reason."""
    verdict = row[f"verdict_{side}"]
    if verdict == NONE:
        return "无"
    told = [e for e in row[f"evidence_{side}"] or () if e["verdict"] == verdict]
    quoted = next((e for e in told if e["quote"] and not (verdict == "fail" and e["similarity"])), None)
    place = quoted or next(iter(told), None)
    where = "" if place is None else clock(place["start_ms"])
    quote = f"“{quoted['quote']}”" if quoted else ""
    words = f"{quote} {'' if verdict == 'pass' else reason_words(row[f'reason_{side}'], names)}".strip()
    points = row[f"points_{side}"]
    return " ".join(filter(None, (NAME[Verdict(verdict)], where, words, f"{points:g} 分" if points else "")))


def _moved(points: Mapping[str | None, Points]) -> tuple[Moved, ...]:
    all_of_them = [Moved(name or UNKNOWN_AGENT, p.legs, p.percent_before, p.percent_after) for name, p in points.items()]
    moved = [m for m in all_of_them if m.before != m.after]
    return tuple(sorted(moved, key=lambda m: (-abs(m.difference or 0.0), m.name)))


def _crossing(crossing: Crossing) -> tuple[int, tuple[str, ...]]:
    told = (
        f"{r['call_id']} {shown_percent(r['percent_before'])} → {shown_percent(r['percent_after'])}" for r in crossing.samples
    )
    return crossing.count, tuple(told)


def _mark_line(mark: Mark) -> str:
    return f"{mark.call_id} {mark.rule_id}（{mark.by} 判{NAME[Verdict(mark.verdict)]}）：{mark.flag or '依据变了，标注暂不计'}"


def to_html(report: ChangeReport) -> str:
    """Everything escaped; no script, no outside file."""
    source = (Path(__file__).parent / "changes.html").read_text("utf-8")
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.globals |= {"percent": shown_percent, "signed": signed}
    return page.from_string(source).render(report=report)


def signed(difference: float | None) -> str:
    return "" if difference is None else f"{difference:+.1f}"


def to_terminal(report: ChangeReport) -> RenderableType:
    parts: list[RenderableType] = [plain(headline(report), "bold")]
    if report.rules:
        rules = Table(show_lines=True, expand=True)
        for heading, ratio in (("规则", 2), ("变化", None), ("段", None), ("听这几通", 4)):
            rules.add_column(heading, ratio=ratio, overflow="fold", no_wrap=heading == "变化")
        for rule in report.rules:
            for at, line in enumerate(rule.flips):
                name = plain_lines(f"{rule.title}\n{rule.rule_id}" if at == 0 else "")
                told = "\n".join(f"{s.call_id}\n  前 {s.before}\n  后 {s.after}" for s in line.samples)
                rules.add_row(name, plain_lines(line.change), str(line.count), plain_lines(told))
        parts.append(rules)
    for heading, moved in (("坐席", report.agents), ("班组", report.teams)):
        if moved:
            table = Table(heading, "段", "前", "后", "差")
            for m in moved[:20]:
                table.add_row(plain(m.name), str(m.legs), shown_percent(m.before), shown_percent(m.after), signed(m.difference))
            parts.append(table)
    for words, (count, calls) in (("升过及格线", report.over), ("跌破及格线", report.under)):
        if count:
            parts.append(plain(f"{words} {report.pass_mark:g}%：{count} 段，如 {'，'.join(calls)}"))
    parts += [plain(f"标注 {line}", "yellow") for line in report.marks]
    return Group(*parts)


def plain_lines(words: str) -> RenderableType:
    return Text("\n").join(plain(line) for line in words.split("\n"))


def headline(report: ChangeReport) -> str:
    if not report.rules:
        return f"{report.calls} 通电话，没有变化"
    return f"{report.calls} 通电话，{report.flipped} 个结论会变"
