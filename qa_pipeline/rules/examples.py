"""Mini-dialogues as calls: `A 您好 / C 喂 / 20 / A 查到了 / customer hangs up`.

Steps are parted by ` / `. A: the agent, C: the customer, I: an announcement, B: a colleague of the agent, A>: the agent to a
colleague; a number: a pause in seconds (negative: the next turn begins before the last one ends). `hold 20`,
`pace 300` (milliseconds a character) and `heard 0.6` (confidence) from here on, `customer hangs up`, `agent hangs up`,
`network cut`, and three with YAML behind them: `call {ring_ms: 16000, fields: {…}}`,
`transfer {target_type: room, result: busy}`, `event {kind: noise, label: impact, peak_dbfs: -1, seconds: 0.2}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import yaml

from qa_pipeline.dataset.rows import TRANSCRIPT_TABLES, transcript_rows
from qa_pipeline.dataset.schemas import SCHEMAS
from qa_pipeline.errors import QaError
from qa_pipeline.model import Call, Event, EventSource, Leg, Span, Speaker, Transcript, Turn
from qa_pipeline.rules.judge import Verdicts, judge_tables, make_matcher
from qa_pipeline.rules.pack import Rule, RulePack

MS_PER_CHARACTER = 220
GAP_MS = 400
NOON = datetime(2025, 3, 3, 12, 0, tzinfo=timezone(timedelta(hours=8)))
STEPS = re.compile(r"\s+/\s+")
WHO = {
    "A": Speaker.AGENT,
    "A>": Speaker.AGENT,
    "B": Speaker.AGENT,
    "C": Speaker.CUSTOMER,
    "I": Speaker.IVR,
    "?": Speaker.UNKNOWN,
}
ENDINGS = {"customer hangs up": "customer", "agent hangs up": "agent", "system hangs up": "system"}


class DialogueError(QaError):
    """A step that cannot be read."""


@dataclass
class _Scene:
    call_id: str
    at: int = 0
    turns: list[Turn] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    transfers: list[dict[str, Any]] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    pace: int = MS_PER_CHARACTER
    heard: float | None = None

    def say(self, who: str, text: str) -> None:
        start, n = max(0, self.at + GAP_MS), max(1, len(text))
        times = tuple(start + i * self.pace for i in range(len(text)))
        span = Span(self.call_id, start, start + n * self.pace)
        addressee = "colleague" if who in ("A>", "B") else "customer"
        self.turns.append(Turn(span, len(self.turns), 1, WHO[who], text, times, self.heard, addressee=addressee))
        self.at = span.end_ms


def read_dialogue(text: str, pack: str, call_id: str = "example") -> Transcript:
    """A whole, answered, inbound call at noon with everything measured; steps say what differs. Raises DialogueError."""
    scene = _Scene(call_id)
    scene.record = {"direction": "inbound", "answered": True, "answered_ms": 0, "end_reason": "normal"}
    for step in STEPS.split(text.strip()):
        _step(scene, step.strip(), text)
    told = dict(scene.record)
    fields = {"transfers": scene.transfers, **told.pop("fields", {})} if scene.transfers else told.pop("fields", {})
    started = datetime.fromisoformat(str(told.pop("started_at"))) if "started_at" in told else NOON
    end = max(scene.at, told.get("ended_ms") or 0)
    known = set(Call.__dataclass_fields__)
    call = Call(
        call_id,
        started if started.tzinfo else started.replace(tzinfo=NOON.tzinfo),
        end,
        source="imported",
        measured=tuple(told.pop("measured", ("all",))),
        hangup_source=EventSource.RECORD if "hangup_by" in told else None,
        fields={**fields, **{k: v for k, v in told.items() if k not in known}},
        **{k: v for k, v in told.items() if k in known},
    )
    turns = tuple(sorted(scene.turns, key=lambda t: t.span.start_ms))
    agent = str(fields.get("agent_id", "1001"))
    return Transcript(call, (Leg(Span(call_id, 0, end), 1, agent, pack),), turns, tuple(scene.events), "example")


def _step(scene: _Scene, step: str, text: str) -> None:
    who, _, said = step.partition(" ")
    if re.fullmatch(r"-?\d+(\.\d+)?", step):
        scene.at = max(0, scene.at + round(float(step) * 1000))
    elif step in ENDINGS:
        scene.record |= {"hangup_by": ENDINGS[step], "ended_ms": scene.at + 200}
    elif step == "network cut":
        scene.record |= {"end_reason": "network_cut", "ended_ms": scene.at}
    elif who == "hold" and re.fullmatch(r"\d+(\.\d+)?", said):
        end = scene.at + round(float(said) * 1000)
        scene.events.append(Event(Span(scene.call_id, scene.at, end), "hold", EventSource.RECORD))
        scene.at = end
    elif who == "pace" and re.fullmatch(r"[1-9]\d*", said):
        scene.pace = int(said)
    elif who == "heard" and re.fullmatch(r"[01](\.\d+)?", said):
        scene.heard = float(said)
    elif who in ("call", "transfer", "event"):
        _told(scene, who, _mapping(said, step, text))
    elif who in WHO and said:
        scene.say(who, said)
    else:
        raise DialogueError(
            f"{step!r} in {text!r} is no step; expected A, C, I, B or A> and words, a pause in seconds, hold SECONDS, "
            f"pace MS, heard CONFIDENCE, {', '.join(ENDINGS)}, network cut, or call/transfer/event with {{…}}"
        )


def _mapping(said: str, step: str, text: str) -> dict[str, Any]:
    try:
        told = yaml.safe_load(said)
    except yaml.YAMLError as wrong:
        raise DialogueError(f"{step!r} in {text!r}: {str(wrong).splitlines()[0]}") from wrong
    if not isinstance(told, dict):
        raise DialogueError(f"{step!r} in {text!r}: expected {{key: value, …}}, found {told!r}")
    return told


def _told(scene: _Scene, what: str, told: dict[str, Any]) -> None:
    if what == "call":
        scene.record |= told
    elif what == "transfer":
        scene.transfers.append({"at_ms": scene.at, "result": "answered", **told})
    else:
        seconds = float(told.pop("seconds", 0.2))
        span = Span(scene.call_id, scene.at, scene.at + round(seconds * 1000))
        kind, value = str(told.pop("kind")), told.pop("value", None)
        scene.events.append(Event(span, kind, EventSource.AUDIO, None, value, told))
        scene.at = span.end_ms


def tables_of(transcripts: Iterable[Transcript]) -> dict[str, pa.Table]:
    """Transcripts as the tables that the judge reads."""
    parts = [transcript_rows(t, lambda text: [(text, len(text))] if text else [], "example") for t in transcripts]
    rows = {table: [row for part in parts for row in part[table]] for table in TRANSCRIPT_TABLES}
    for row in rows["calls"]:
        row["started_at"] = datetime.fromisoformat(row["started_at"])
    return {table: pa.Table.from_pylist(rows[table], schema=SCHEMAS[table]) for table in TRANSCRIPT_TABLES}


@dataclass(frozen=True)
class ExampleResult:
    """One example's verdict beside what it was written for (`near`: must not be taken for the real thing)."""

    rule_id: str
    wanted: str
    dialogue: str
    verdict: str
    reason: str | None

    @property
    def right(self) -> bool:
        return self.verdict == self.wanted


def run_examples(pack: RulePack, rules: Sequence[Rule] | None = None) -> list[ExampleResult]:
    """Every example of the rules (of all rules) judged at once. Raises DialogueError on one that cannot be read."""
    chosen = [
        (rule, wanted, dialogue)
        for rule in (pack.rules if rules is None else rules)
        if rule.judged
        for wanted, dialogues in rule.examples.items()
        for dialogue in dialogues
    ]
    if not chosen:
        return []
    calls = [read_dialogue(d, pack.id, f"{i:06d}") for i, (_, _, d) in enumerate(chosen)]
    case, verdicts = judge_tables(tables_of(calls), pack, make_matcher(pack))
    return [_result(i, *one, verdicts, case.reasons.names) for i, one in enumerate(chosen)]


def _result(
    unit: int, rule: Rule, wanted: str, dialogue: str, verdicts: Sequence[Verdicts], reasons: Sequence[str]
) -> ExampleResult:
    from qa_pipeline.rules.judge import VERDICT_NAMES

    found = next(v for v in verdicts if v.rule.id == rule.id)
    near = "pass" if rule.kind == "prohibition" else "fail"
    verdict = VERDICT_NAMES[found.verdict[unit]]
    return ExampleResult(rule.id, near if wanted == "near" else wanted, dialogue, verdict, reasons[found.reason[unit]] or None)
