"""Points: what was earned of what applied. `na` and `unsure` count on neither side; prohibitions only deduct."""

from __future__ import annotations

from collections.abc import Sequence

from qa_pipeline.model import Call, Finding, Leg, Score, Verdict
from qa_pipeline.rules.pack import RulePack

LEAST_POSSIBLE = 25
"""Below these points of applicable weight a percentage would mislead (样本不足)."""


def score(findings: Sequence[Finding], pack: RulePack, call: Call, leg: Leg) -> Score:
    """The leg's score under its pack."""
    points, possible = sum(f.points for f in findings), sum(f.possible for f in findings)
    percent = None if possible < LEAST_POSSIBLE else 100 * max(0.0, points) / possible
    unsure = sum(f.verdict is Verdict.UNSURE for f in findings)
    return Score(call.call_id, leg.leg, leg.agent_id, call.team, pack.id, points, possible, percent, unsure, pack.version)
