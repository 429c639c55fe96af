"""What a terminal shows: every word as it is, and nothing that drives the terminal."""

import io

from rich.console import Console, RenderableType

from qa_pipeline.review.annotated import annotate
from qa_pipeline.review.scorecard import RuleTitle, make_scorecards
from qa_pipeline.review.terminal import card, overview, transcript
from tests.review.rows import evidence, finding, score, turn

HOSTILE = "[red]甲[/nothing]\x1b[2J\x9b2J"
SHOWN = "[red]甲[/nothing]\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}2J"


def shown(what: RenderableType) -> str:
    out = io.StringIO()
    Console(file=out, width=200, color_system=None).print(what)
    return out.getvalue()


def test_hostile_words_are_shown_and_not_obeyed() -> None:
    findings = [finding("fail", evidence("fail", HOSTILE), call=HOSTILE, agent=HOSTILE, reason=HOSTILE, rule=HOSTILE)]
    (one,) = make_scorecards([score(0, 50, HOSTILE, HOSTILE)], findings, {("p", HOSTILE): RuleTitle(HOSTILE, HOSTILE)})
    called = annotate(HOSTILE, [turn(0, HOSTILE, speaker=HOSTILE)], findings)
    for text in map(shown, (card(one), overview([one]), transcript(called))):
        assert SHOWN in text
        assert "\x1b" not in text and "\x9b" not in text


def test_the_worst_is_listed_first_and_the_rest_is_counted() -> None:
    findings = [finding(v, evidence(v, "您好"), call=f"{v}-call") for v in ("pass", "unsure", "fail")]
    text = shown(card(make_scorecards([score(50, 100)], findings, {})[0], most=2))
    assert text.index("✗ fail-call") < text.index("? unsure-call") < text.index("另有 1 通")
    assert "pass-call" not in text


def test_too_little_is_said_on_the_terminal() -> None:
    assert "样本不足" in shown(overview(make_scorecards([score(0, 20)], [], {})))


def test_a_transcript_names_each_verdict_and_its_second() -> None:
    findings = [finding("pass", evidence("pass", "您好", 5_100)), finding("unsure", rule="r2", reason="hangup_unknown")]
    text = shown(transcript(annotate("c1", [turn(0, "您好", 5_100), turn(1, "", 9_000)], findings)))
    assert "0:05.1 坐席 您好  ✓r1" in text
    assert "有声音，没听出字" in text
    assert any(line.split() == ["?", "不确定", "r2", "不知道谁先挂机"] for line in text.splitlines())
