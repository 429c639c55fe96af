"""From a recording to turns with words: order, times, levels, leakage, quiet stretches, and one bad window among good ones."""

from dataclasses import replace
from typing import Any

import numpy as np
from rapidfuzz.distance import Levenshtein

from qa_pipeline.model import Speaker, Turn
from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.listen import fill_in, sketch

ROLES = [Speaker.AGENT, Speaker.CUSTOMER]


def words(turns: list[Turn], speaker: Speaker) -> str:
    return "".join(c for t in turns if t.speaker == speaker for c in t.text if c.isalnum())


def error_rate(truth: dict[str, Any], turns: list[Turn]) -> float:
    wrong = length = 0
    for channel, speaker in enumerate(ROLES):
        said = "".join(c for t in truth["turns"] if t["channel"] == channel for c in t["text"] if c.isalnum())
        wrong, length = wrong + Levenshtein.distance(said, words(turns, speaker)), length + len(said)
    return wrong / length


def test_calls_become_their_words_in_conversation_order(recogniser: Any, sample: Any) -> None:
    calls = [sample(name) for name in ("dd-04-leak-bad", "pm-06-ivr-bounce-cut", "pm-02-late-transfer")]
    for call, turns in zip(calls, fill_in([c.sketch for c in calls], recogniser, [ROLES] * 3), strict=True):
        assert error_rate(call.truth, turns) < 0.12
        assert [t.turn for t in turns] == list(range(len(turns)))
        assert [t.span.start_ms for t in turns] == sorted(t.span.start_ms for t in turns)
        order = [ROLES[t["channel"]] for t in call.truth["turns"]]
        assert [t.speaker for t in turns] == order


def test_every_character_has_a_time_inside_its_turn(recogniser: Any, sample: Any) -> None:
    call = sample("dd-04-leak-bad")
    (turns,) = fill_in([call.sketch], recogniser, [ROLES])
    for turn in turns:
        assert list(turn.char_ms) == sorted(turn.char_ms)
        assert all(turn.span.start_ms <= ms <= turn.span.end_ms for ms in turn.char_ms)
    first = next(t for t in turns if t.text.startswith("您好"))
    assert abs(first.char_ms[0] - call.truth["turns"][0]["char_ms"][0]) < 300


def test_a_bad_window_never_harms_its_neighbours(recogniser: Any, sample: Any) -> None:
    good = sample("pm-02-late-transfer").sketch
    (before,) = fill_in([good], recogniser, [ROLES])
    broken = replace(good, windows=(*good.windows[:2], np.full(16000, np.nan, np.float32), *good.windows[3:]))
    (after,) = fill_in([broken], recogniser, [ROLES])
    lost = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert len(lost) == 1
    assert before[lost[0]].text and not after[lost[0]].text and after[lost[0]].confidence is None


def test_words_of_many_calls_do_not_depend_on_each_other(recogniser: Any, sample: Any) -> None:
    calls = [sample(name).sketch for name in ("pm-02-late-transfer", "pm-06-ivr-bounce-cut")]
    alone = [fill_in([one], recogniser, [ROLES])[0] for one in calls]
    assert fill_in(calls, recogniser, [ROLES] * 2) == alone


def test_speech_that_leaks_into_the_other_channel_is_not_spoken_there(sample: Any) -> None:
    call = sample("dd-04-leak-bad")
    faint = call.samples.copy()
    faint[1] = (faint[0] * 0.02).astype(np.int16)
    assert {t.channel for t in sketch("c", faint, call.rate, 8000).turns} == {0}


def test_a_quiet_speaker_on_the_own_channel_is_kept(sample: Any) -> None:
    call = sample("dd-04-leak-bad")
    faint = call.samples.copy()
    faint[1] = (faint[1] * 0.1).astype(np.int16)
    found = [t for t in sketch("c", faint, call.rate, 8000).turns if t.channel == 1]
    assert len(found) == len([t for t in call.truth["turns"] if t["channel"] == 1])


def test_a_stretch_known_to_be_quiet_holds_no_turn_and_the_others_stand(sample: Any) -> None:
    call = sample("dd-04-leak-bad")
    first = next(t for t in call.sketch.turns if t.channel == 1)
    quiet = [(1, Stretch(first.start_ms - 100, first.end_ms + 100))]
    assert sketch("c", call.samples, call.rate, 8000, quiet).turns == tuple(t for t in call.sketch.turns if t != first)


def test_the_ringing_before_the_answer_is_an_event_and_no_turn(sample: Any) -> None:
    call = sample("ht-02-night-room-bad")
    rings = [e for e in call.sketch.events if e.kind == "ringback"]
    assert rings and rings[0].channel == 0
    assert all(t.channel != 0 or t.start_ms >= rings[0].span.end_ms for t in call.sketch.turns)


def test_the_busy_tone_stands_on_the_side_that_hung_up(sample: Any) -> None:
    events = sample("ht-05-wakeup-hold-good").sketch.events
    assert [e.channel for e in events if e.kind == "busy_tone"] == [1]


def test_levels_are_those_of_the_turns_speech(sample: Any) -> None:
    call = sample("dd-04-leak-bad")
    halved = sketch("c", (call.samples // 2), call.rate, 8000)
    pairs = list(zip(call.sketch.levels, halved.levels, strict=True))
    assert all(-60 < a < 0 and abs(a - b - 6.02) < 0.1 for a, b in pairs)


def test_silence_has_no_turns(recogniser: Any) -> None:
    silent = sketch("c", np.zeros((2, 40_000), np.int16), 8000, 8000)
    assert (silent.turns, len(silent.windows), silent.events) == ((), 0, ())
    assert fill_in([silent], recogniser, [ROLES]) == [[]]
