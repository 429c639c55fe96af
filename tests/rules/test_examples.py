"""Mini-dialogues: every step makes what it says, a wrong step is told, and examples are judged as they were written."""

from pathlib import Path

import pytest

from qa_pipeline.model import Speaker, Transcript
from qa_pipeline.rules.examples import GAP_MS, MS_PER_CHARACTER, DialogueError, read_dialogue, run_examples
from tests.rules.judging import pack_of


def call(text: str) -> Transcript:
    return read_dialogue(text, "p")


def test_turns_follow_one_another_at_a_speaking_pace() -> None:
    first, second = call("A 您好 / C 喂").turns
    assert (first.speaker, second.speaker) == (Speaker.AGENT, Speaker.CUSTOMER)
    assert (first.text, second.text) == ("您好", "喂")
    assert (first.span.start_ms, first.span.end_ms) == (GAP_MS, GAP_MS + 2 * MS_PER_CHARACTER)
    assert second.span.start_ms == first.span.end_ms + GAP_MS
    assert first.char_ms == (GAP_MS, GAP_MS + MS_PER_CHARACTER)


@pytest.mark.parametrize(
    ("who", "speaker", "addressee"),
    [
        ("A", Speaker.AGENT, "customer"),
        ("A>", Speaker.AGENT, "colleague"),
        ("B", Speaker.AGENT, "colleague"),
        ("C", Speaker.CUSTOMER, "customer"),
        ("I", Speaker.IVR, "customer"),
        ("?", Speaker.UNKNOWN, "customer"),
    ],
)
def test_a_letter_says_who_speaks_and_to_whom(who: str, speaker: Speaker, addressee: str) -> None:
    (turn,) = call(f"{who} 你好").turns
    assert (turn.speaker, turn.addressee) == (speaker, addressee)


def test_a_number_is_a_pause_and_a_negative_one_an_overlap() -> None:
    first, second = call("A 您好 / 20 / C 喂").turns
    assert second.span.start_ms - first.span.end_ms == 20_000 + GAP_MS
    first, second = call("A 您好请讲 / -0.9 / C 喂").turns
    assert first.span.start_ms < second.span.start_ms < first.span.end_ms


def test_turns_come_in_the_order_of_their_time() -> None:
    assert [t.text for t in call("5 / A 我先说 / -3 / C 喂").turns] == ["喂", "我先说"]


def test_pace_and_heard_hold_from_here_on() -> None:
    slow, weak = call("pace 300 / A 您好 / heard 0.6 / C 喂").turns
    assert slow.span.end_ms - slow.span.start_ms == 600
    assert (slow.confidence, weak.confidence) == (None, 0.6)


def test_hold_is_a_hold_on_record() -> None:
    (event,) = call("A 请稍等 / hold 20 / A 久等了").events
    assert (event.kind, event.source) == ("hold", "record")
    assert event.span.end_ms - event.span.start_ms == 20_000


@pytest.mark.parametrize(
    ("step", "by"), [("customer hangs up", "customer"), ("agent hangs up", "agent"), ("system hangs up", "system")]
)
def test_who_hangs_up_is_on_record(step: str, by: str) -> None:
    made = call(f"A 再见 / {step}")
    assert (made.call.hangup_by, made.call.hangup_source) == (by, "record")
    assert made.call.ended_ms == made.turns[-1].span.end_ms + 200


def test_without_a_word_of_it_nobody_knows_who_hung_up() -> None:
    assert call("A 再见").call.hangup_source is None


def test_a_cut_line_ends_the_call_there() -> None:
    made = call("A 您好 / network cut").call
    assert (made.end_reason, made.ended_ms) == ("network_cut", made.duration_ms)


def test_call_tells_what_the_record_says() -> None:
    made = call("call {ring_ms: 16000, department: 前台, fields: {pms: {dnd: full}}, room: 806} / A 您好").call
    assert (made.ring_ms, made.department) == (16_000, "前台")
    assert made.fields["pms"] == {"dnd": "full"}
    assert made.fields["room"] == 806


def test_what_no_step_says_is_a_whole_answered_inbound_call_at_noon() -> None:
    made = call("A 您好").call
    assert (made.direction, made.answered, made.answered_ms, made.end_reason) == ("inbound", True, 0, "normal")
    assert (made.started_at.hour, made.measured) == (12, ("all",))


def test_the_clock_may_be_set() -> None:
    assert call("call {started_at: '2025-03-03T23:30:00'} / A 您好").call.started_at.hour == 23


def test_a_transfer_stands_where_it_is_told() -> None:
    made = call("A 给您转 / 3 / transfer {target: 财务部, result: busy}")
    assert made.call.fields["transfers"] == [
        {"at_ms": GAP_MS + 3 * MS_PER_CHARACTER + 3000, "result": "busy", "target": "财务部"}
    ]
    assert call("A 给您转 / transfer {}").call.fields["transfers"][0]["result"] == "answered"


def test_an_event_has_its_kind_length_and_attributes() -> None:
    (event,) = call("A 您好 / event {kind: noise, label: impact, peak_dbfs: -1, seconds: 0.5} / A 好").events
    assert (event.kind, event.source) == ("noise", "audio")
    assert event.span.end_ms - event.span.start_ms == 500
    assert event.attrs == {"label": "impact", "peak_dbfs": -1}


@pytest.mark.parametrize(
    "step",
    ["您好", "A", "X 您好", "hold", "hold long", "pace 0", "heard 2", "hangs up", "call", "call 5", "transfer [1]", "event {a"],
)
def test_a_step_that_cannot_be_read_is_told(step: str) -> None:
    with pytest.raises(DialogueError) as problem:
        call(f"A 您好 / {step} / C 喂")
    assert repr(step) in str(problem.value)


EXAMPLES = """
rules:
- id: r
  title: t
  weight: 1
  when: first_utterance
  expect: {said: hello}
  examples: %s
"""


def test_a_near_miss_must_not_be_taken_for_the_real_thing(tmp_path: Path) -> None:
    (near,) = run_examples(pack_of(tmp_path, EXAMPLES % "{near: [A 您好像打错了]}"))
    assert (near.wanted, near.verdict, near.right) == ("fail", "fail", True)
    ban = "rules:\n- {id: b, title: t, weight: 1, kind: prohibition, when: call, expect: {never_said: rude}, examples: %s}"
    (near,) = run_examples(pack_of(tmp_path, ban % "{near: [A 麻烦不麻烦您]}"))
    assert (near.wanted, near.right) == ("pass", True)


def test_an_example_judged_otherwise_is_not_right_and_says_why(tmp_path: Path) -> None:
    results = run_examples(pack_of(tmp_path, EXAMPLES % "{pass: [A 喂], fail: [A 您好]}"))
    assert [(r.wanted, r.verdict, r.right, r.reason) for r in results] == [
        ("pass", "fail", False, "not_said:hello"),
        ("fail", "pass", False, None),
    ]


def test_a_draft_has_no_verdicts_to_try(tmp_path: Path) -> None:
    draft = EXAMPLES.replace("  weight: 1", "  weight: 1\n  status: draft")
    assert run_examples(pack_of(tmp_path, draft % "{pass: [A 您好]}")) == []
