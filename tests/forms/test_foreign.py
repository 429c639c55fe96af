"""WhisperX and FunASR as they write their results, put into our own form."""

import json
from pathlib import Path
from typing import Any

import pytest

from qa_pipeline.forms.call import problems_of
from qa_pipeline.forms.check import FormError
from qa_pipeline.forms.read import How, Roles, form_of, in_our_form, read_objects
from qa_pipeline.forms.turns import spread

MAPPED = How(roles=Roles(agent=("SPEAKER_00", "0")))


def words(text: str, start: float, speaker: str | None = None, step: float = 0.2) -> list[dict[str, Any]]:
    """As WhisperX aligns Chinese: a word a character, no times for what it cannot align."""
    made, at = [], start
    for character in text:
        word: dict[str, Any] = {"word": character}
        if not character.isdigit() and character.isalnum():
            word |= {"start": round(at, 3), "end": round(at + step, 3), "score": 0.5}
            at += step
        made.append(word | ({"speaker": speaker} if speaker else {}))
    return made


def segment(text: str, start: float, end: float, speaker: str | None = None, **more: Any) -> dict[str, Any]:
    told = {"start": start, "end": end, "text": text, "words": words(text, start, speaker)}
    return {**told, **({"speaker": speaker} if speaker else {}), **more}


def turns(told: Any, how: How = MAPPED) -> list[dict[str, Any]]:
    (call,) = in_our_form(told, how)
    named = {"call_id": "a", "started_at": "2024-05-20T09:00:00", **call}
    assert problems_of(named) == []
    return call["turns"]  # type: ignore[no-any-return]


def heard(told: Any, how: How = MAPPED) -> list[tuple[str, str, int, int]]:
    return [(t["speaker"], t["text"], t["start_ms"], t["end_ms"]) for t in turns(told, how)]


def test_whisperx_segments_become_turns_in_milliseconds_with_a_time_for_each_character() -> None:
    told = {"segments": [segment("您好。", 0.5, 1.0, "SPEAKER_00"), segment("你好", 1.5, 1.9, "SPEAKER_01")]}
    assert heard(told) == [("agent", "您好。", 500, 900), ("customer", "你好", 1500, 1900)]
    assert turns(told)[0]["char_ms"] == [500, 700, 900]


def test_a_segment_with_two_speakers_is_parted_where_the_words_say_so() -> None:
    both = {"start": 0.0, "end": 2.0, "text": "您好请讲。嗯我想问"}
    both |= {"speaker": "SPEAKER_00", "words": [*words("您好请讲。", 0, "SPEAKER_00"), *words("嗯我想问", 1.0, "SPEAKER_01")]}
    assert heard({"segments": [both]}) == [("agent", "您好请讲。", 0, 800), ("customer", "嗯我想问", 1000, 1800)]


def test_a_word_without_a_speaker_belongs_to_who_spoke_before() -> None:
    told = words("您好请讲", 0, "SPEAKER_00")
    del told[0]["speaker"], told[2]["speaker"]
    whole = {"start": 0.0, "end": 1.0, "text": "您好请讲", "words": told}
    assert [t[:2] for t in heard({"segments": [whole]})] == [("agent", "您好请讲")]


def test_a_long_pause_parts_a_turn_and_a_short_one_does_not() -> None:
    def said(second: float) -> dict[str, Any]:
        return {"segments": [segment("稍等", 0.0, 0.4, "SPEAKER_00"), segment("查到了", second, second + 0.6, "SPEAKER_00")]}

    assert [t[1] for t in heard(said(1.3))] == ["稍等查到了"]
    assert [t[1] for t in heard(said(1.5))] == ["稍等", "查到了"]


def test_a_pause_inside_a_segment_parts_it_even_behind_a_comma() -> None:
    whole = {"start": 0.0, "end": 5.0, "text": "稍等，查到了", "words": [*words("稍等，", 0), *words("查到了", 4.4)]}
    assert [t[1:] for t in heard({"segments": [whole]})] == [("稍等，", 0, 400), ("查到了", 4400, 5000)]


def test_digits_that_were_not_aligned_have_no_time_and_bridge_their_gap() -> None:
    whole = {"start": 0.0, "end": 4.0, "text": "房间302号", "words": [*words("房间302", 0), *words("号", 3.8)]}
    (turn,) = turns({"segments": [whole]})
    assert turn["char_ms"] == [0, 200, None, None, None, 3800]


def test_english_words_keep_their_blanks_and_segments_are_joined_with_one() -> None:
    def english(text: str, start: float) -> dict[str, Any]:
        timed = [{"word": w, "start": start + i, "end": start + i + 0.5} for i, w in enumerate(text.split())]
        return {"start": start, "end": start + 2, "text": text, "words": timed, "speaker": "SPEAKER_00"}

    (turn,) = turns({"segments": [english(" front desk", 0.0), english("OK go", 2.0)]})
    assert turn["text"] == "front desk OK go"
    assert turn["char_ms"][:6] == [0, None, None, None, None, 500]


def test_segments_that_were_not_aligned_are_turns_without_character_times() -> None:
    told = {"segments": [{"start": 0, "end": 2, "text": "您好", "avg_logprob": -0.1}], "language": "zh"}
    (turn,) = turns(told)
    assert (turn["char_ms"], turn["end_ms"], turn["speaker"]) == ([None, None], 2000, "unknown")
    assert turn["confidence"] == pytest.approx(0.905, abs=0.001)


def test_overlapping_segments_of_one_speaker_still_have_rising_times() -> None:
    told = {"segments": [segment("您好请讲", 0.0, 0.8, "SPEAKER_00"), segment("好的", 0.1, 0.5, "SPEAKER_00")]}
    (turn,) = turns(told)
    assert turn["char_ms"] == sorted(turn["char_ms"])


def test_without_named_labels_nobody_knows_who_is_who() -> None:
    told = {"segments": [segment("您好", 0, 1, "SPEAKER_00"), segment("你好", 2, 3, "SPEAKER_01")]}
    (call,) = in_our_form(told, How())
    assert [t["speaker"] for t in call["turns"]] == ["unknown", "unknown"]
    assert (call["roles_source"], call["n_channels"], call["asr"]) == ("unknown", 1, "whisperx")
    assert in_our_form(told, MAPPED)[0]["roles_source"] == "settings"


@pytest.mark.parametrize(
    ("roles", "speakers"),
    [
        (Roles(agent=("first",)), ["agent", "customer", "customer"]),
        (Roles(customer=("B",)), ["agent", "customer", "agent"]),
        (Roles(agent=("B",), ivr=("A",)), ["ivr", "agent", "customer"]),
        (Roles(agent=("A",), customer=("B",)), ["agent", "customer", "unknown"]),
        (Roles(ivr=("A",)), ["ivr", "unknown", "unknown"]),
    ],
)
def test_labels_are_given_to_roles(roles: Roles, speakers: list[str]) -> None:
    told = {"segments": [segment("嗯", i, i + 0.5, label) for i, label in enumerate("ABC")]}
    assert [t["speaker"] for t in turns(told, How(roles=roles))] == speakers


def test_our_own_form_may_use_labels_too_and_our_own_words_stay() -> None:
    said = [{"speaker": who, "start_ms": 0, "end_ms": 1, "text": "嗯"} for who in ("坐席", "ivr", "客户")]
    (call,) = in_our_form({"turns": said}, How(roles=Roles(agent=("坐席",))))
    assert [t["speaker"] for t in call["turns"]] == ["agent", "ivr", "customer"]
    assert in_our_form({"turns": said}, How()) == [{"turns": said}]


def sentence(text: str, start: int, spk: int | None, step: int = 200, **more: Any) -> dict[str, Any]:
    spoken = sum(c.isalnum() for c in text)
    stamps = [[start + i * step, start + (i + 1) * step] for i in range(spoken)]
    told = {"text": text, "start": start, "end": start + spoken * step, "timestamp": stamps}
    return {**told, **({} if spk is None else {"spk": spk}), **more}


def test_funasr_sentences_of_one_speaker_are_one_turn_with_their_token_times() -> None:
    told = [
        {
            "key": "k",
            "text": "…",
            "sentence_info": [sentence("您好，", 0, 0), sentence("请讲。", 400, 0), sentence("嗯", 900, 1)],
        }
    ]
    assert heard(told) == [("agent", "您好，请讲。", 0, 800), ("customer", "嗯", 900, 1100)]
    assert turns(told)[0]["char_ms"] == [0, 200, 400, 400, 600, 800]


def test_an_english_word_or_a_number_has_one_time() -> None:
    one = {"text": "WiFi密码12", "start": 0, "end": 900, "timestamp": [[0, 300], [300, 500], [500, 700], [700, 900]], "spk": 0}
    assert turns({"sentence_info": [one]})[0]["char_ms"] == [0, None, None, None, 300, 500, 700, None]


def test_times_that_do_not_fit_the_text_are_left_out() -> None:
    one = sentence("一百二", 0, 0) | {"text": "120元整吧"}
    (turn,) = turns({"sentence_info": [one]})
    assert (turn["char_ms"], turn["start_ms"], turn["end_ms"]) == ([None] * 6, 0, 600)


def test_the_tags_of_sensevoice_are_no_words() -> None:
    told = [{"sentence_info": [{"sentence": "<|zh|><|NEUTRAL|><|Speech|>您好", "start": 0, "end": 400, "spk": 0}]}]
    assert heard(told) == [("agent", "您好", 0, 400)]


def test_a_text_with_times_and_no_sentences_is_cut_at_its_pauses() -> None:
    told = [{"key": "k", "text": "您好请讲", "timestamp": [[0, 200], [200, 400], [2000, 2200], [2200, 2400]]}]
    assert heard(told) == [("unknown", "您好", 0, 400), ("unknown", "请讲", 2000, 2400)]


def test_several_results_are_several_calls_by_their_keys() -> None:
    told = [{"key": k, "sentence_info": [sentence("您好", 0, 0)]} for k in ("a", "b")]
    assert [c["call_id"] for c in in_our_form(told, MAPPED)] == ["a", "b"]
    with pytest.raises(FormError, match="key: expected an id, as there are several results, found none"):
        in_our_form([{"sentence_info": []}, {"sentence_info": []}], MAPPED)


def test_what_our_form_knows_of_a_call_may_stand_beside_foreign_turns() -> None:
    (call,) = in_our_form({"call_id": "a", "agent_id": "6001", "n_channels": 2, "segments": [], "language": "zh"}, MAPPED)
    assert (call["call_id"], call["agent_id"], call["n_channels"], call["turns"]) == ("a", "6001", 2, [])
    assert "language" not in call and "segments" not in call


@pytest.mark.parametrize(
    ("told", "how", "message"),
    [
        ({"segments": [{"start": 0, "text": "x"}]}, How(), "segments[0].end: expected seconds, 0 or more, found none"),
        ({"segments": [segment("您", 0, 1) | {"words": [{"start": 1}]}]}, How(), "segments[0].words[0].word: expected a text"),
        ({"segments": {}}, How(), "segments: expected a list, found an object of 0"),
        ({"turns": []}, How("whisperx"), "segments: expected a list, found none"),
        ([1], How("whisperx"), "expected an object, found a list of 1"),
        ([{"sentence_info": [{"text": "x"}]}], How(), "sentence_info[0].start: expected milliseconds, 0 or more, found none"),
        ([{"text": "x"}], How("funasr"), "sentence_info: expected a list of sentences, or text and timestamp, found null"),
        ([{"text": "x", "timestamp": [[1], "2"]}], How("funasr"), "timestamp[1]: expected a pair [start, end], found '2'"),
        (
            [{"text": "x", "timestamp": [[], []]}],
            How("funasr"),
            "timestamp[0]: expected a pair [start, end], found a list of 0",
        ),
        ([{"turns": []}], How(), "expected a JSON object with call_id, started_at and turns, found a list of 1"),
    ],
)
def test_what_is_not_of_its_form_is_said(told: Any, how: How, message: str) -> None:
    with pytest.raises(FormError) as caught:
        in_our_form(told, how)
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ({"segments": []}, "whisperx"),
        ([{"key": "k", "text": "x", "timestamp": []}], "funasr"),
        ({"sentence_info": []}, "funasr"),
        ({"turns": [], "segments": []}, "lines"),
        ({"text": "x"}, "lines"),
        ([], "lines"),
        (3, "lines"),
    ],
)
def test_a_form_is_known_by_its_content(told: Any, form: str) -> None:
    assert form_of(told) == form


def test_missing_times_are_spread_between_neighbours() -> None:
    assert spread([("a", 10, 20), ("bb", None, None), ("c", None, None), ("d", 50, 60)], 0, 99) == [
        ("a", 10, 20, True),
        ("bb", 20, 40, False),
        ("c", 40, 50, False),
        ("d", 50, 60, True),
    ]
    assert spread([("ab", None, None)], 10, 30) == [("ab", 10, 30, False)]
    assert spread([("a", 10, 20), ("，", None, None)], 0, 99)[1] == ("，", 20, 20, True)


def values(path: Path, raw: bytes) -> list[tuple[int, Any]]:
    path.write_bytes(raw)
    return [(n, told.message if isinstance(told, FormError) else told) for n, told in read_objects(path)]


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    raw = b'\xef\xbb\xbf{"a": 1}\r\n\n{"b": 2.0}\nx\n{"c": NaN}\n\xff\n{"d": "\\ud800"}\n[2.5]'
    told = values(tmp_path / "x.jsonl", raw)
    assert [n for n, _ in told] == [1, 3, 4, 5, 6, 7, 8]
    assert [v for _, v in told][:2] == [{"a": 1}, {"b": 2}] and isinstance(told[1][1]["b"], int) and told[-1][1] == [2.5]
    said = [str(v) for _, v in told[2:6]]
    assert [s.split(":")[0].split(",")[0] for s in said] == [
        "not JSON",
        "not JSON",
        "expected UTF-8 text",
        "expected Unicode text",
    ]


def test_a_json_value_over_many_lines_is_one_object(tmp_path: Path) -> None:
    for told in ({"segments": [{"start": 1}]}, [{"sentence_info": []}]):
        assert values(tmp_path / "x.json", json.dumps(told, indent=1).encode()) == [(1, told)]
    assert values(tmp_path / "x.json", b'{"a":\n1}') == [(1, {"a": 1})]


def test_a_broken_one_says_where(tmp_path: Path) -> None:
    ((line, said),) = values(tmp_path / "x.json", b'{\n"a": 1,\n"b" 2\n}')
    assert (line, said) == (1, "not JSON: Expecting ':' delimiter at line 3, column 5")


def test_a_bad_first_line_hides_no_others(tmp_path: Path) -> None:
    for name in ("x.jsonl", "x.json"):
        assert [n for n, _ in values(tmp_path / name, b'{"a": \n{"b": 1}\n{"c": 1}')] == [1, 2, 3]


def test_a_line_without_end_is_passed_over_without_being_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qa_pipeline.forms.read.LONGEST_LINE", 20)
    raw = b'{"a": 1}\n' + b'"' + b"x" * 70 + b'"\n{"b": 2}\n'
    told = values(tmp_path / "x.jsonl", raw)
    assert told == [(1, {"a": 1}), (2, "expected a line of less than 20 bytes"), (3, {"b": 2})]


def test_deep_nesting_is_a_problem_of_its_line(tmp_path: Path) -> None:
    told = values(tmp_path / "x.jsonl", b"[" * 100_000 + b"\n{}")
    assert str(told[0][1]).startswith("not JSON") and told[1] == (2, {})


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    assert values(tmp_path / "x.json", b"") == []
