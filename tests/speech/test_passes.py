"""Windows of one call share a pass, and the words come apart again where the turns do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qa_pipeline.speech.backend import Heard, Window
from qa_pipeline.speech.passes import GAP, Pass, join, joined, pack, part, worth


def window(frames: int, source: str = "c", loud: float = 1.0) -> Window:
    return Window(np.full((4, frames), loud, np.float32), source, frames * 10)


def text(*spoken: tuple[str, int]) -> Heard:
    """Each of the words at a time and 100 ms a character after it."""
    said = "".join(word for word, _ in spoken)
    return Heard(said, tuple(at + 100 * i for word, at in spoken for i in range(len(word))), 0.9)


windows = st.lists(st.tuples(st.integers(1, 3000), st.sampled_from("abc")), max_size=20)


@given(windows)
def test_every_window_is_in_one_pass_of_its_call_in_order_and_passes_never_overflow(told: list[tuple[int, str]]) -> None:
    given_windows = [window(frames, source) for frames, source in told]
    groups = pack(given_windows)
    assert sorted(i for group in groups for i in group) == list(range(len(told)))
    for group in groups:
        assert group == sorted(group) and len({told[i][1] for i in group}) == 1
        assert join([given_windows[i] for i in group]).frames <= 3000


@given(windows)
def test_the_passes_of_a_call_are_those_it_has_alone(told: list[tuple[int, str]]) -> None:
    together = pack([window(frames, source) for frames, source in told])
    for source in {s for _, s in told}:
        own = [i for i, (_, s) in enumerate(told) if s == source]
        alone = pack([window(told[i][0], source) for i in own])
        assert [group for group in together if told[group[0]][1] == source] == [[own[i] for i in group] for group in alone]


def test_a_window_without_a_call_is_alone() -> None:
    assert pack([window(100, ""), window(100, "")]) == [[0], [1]]


def test_between_two_windows_is_quiet_as_deep_as_theirs() -> None:
    one = join([window(100), window(50, loud=-0.5)])
    assert one.starts == (0, 100 + GAP) and one.frames == 150 + GAP and one.speech_ms == 1500
    assert (one.mel[:, 100 : 100 + GAP] == -0.5).all()


def test_words_go_to_the_turn_in_which_they_were_said() -> None:
    both = [window(200), window(300)]
    start = (200 + GAP) * 10
    first, second = part(text(("您好。", 200), ("请问一下。", start + 150)), both, join(both).starts)
    assert (first.text, first.char_ms) == ("您好。", (200, 300, 400))
    assert (second.text, second.char_ms) == ("请问一下。", (150, 250, 350, 450, 550))


def test_a_sentences_end_close_to_the_joint_is_the_joint() -> None:
    both = [window(200), window(300)]
    heard = text(("我知道了。", 1850), ("好的。", 2300))  # the end of the first is timed past the joint
    assert [h.text for h in part(heard, both, join(both).starts)] == ["我知道了。", "好的。"]


def test_a_short_answer_right_after_a_sentence_keeps_its_own_turn() -> None:
    both = [window(200), window(60)]
    heard = text(("可以吗？", 1500), ("嗯。", 2250))
    assert [h.text for h in part(heard, both, join(both).starts)] == ["可以吗？", "嗯。"]


def test_marks_stay_with_the_word_before_them() -> None:
    both = [window(100), window(100)]
    heard = Heard("嗯，好的", (500, 1300, 1350, 1500), 0.9)
    assert [h.text for h in part(heard, both, join(both).starts)] == ["嗯，", "好的"]


def test_a_turn_without_words_says_so_and_a_pass_without_any_says_why() -> None:
    three = [window(100), window(100), window(100)]
    assert [h.problem for h in part(text(("好", 10)), three, join(three).starts)] == [None, "no_words", "no_words"]
    assert [h.problem for h in part(Heard("", (), None, "repetition"), three, join(three).starts)] == ["repetition"] * 3


@given(st.lists(st.integers(20, 900), min_size=2, max_size=6), st.lists(st.integers(0, 9000), max_size=30), st.data())
def test_no_character_is_lost_doubled_or_moved(lengths: list[int], times: list[int], data: st.DataObject) -> None:
    some = [window(n) for n in lengths]
    said = data.draw(st.text("您好嗯对。，？", min_size=len(times), max_size=len(times)))
    parts = part(Heard(said, tuple(sorted(times)), 0.9), some, join(some).starts)
    assert "".join(p.text for p in parts) == said and len(parts) == len(some)
    for heard, one in zip(parts, some, strict=True):
        assert list(heard.char_ms) == sorted(heard.char_ms)
        assert all(0 <= t <= one.sound.shape[-1] * 10 for t in heard.char_ms)


def test_a_pass_is_halved_at_a_joint_and_a_single_window_at_its_quietest() -> None:
    one = join([window(500), window(400), window(100)])
    assert one.cut == 500 + GAP
    first, second = one.halves(500 + GAP)
    assert (first.starts, second.starts) == ((0,), (0, 400 + GAP))
    assert first.frames + second.frames == one.frames
    mel = np.ones((4, 900), np.float32)
    mel[:, 400:410] = 0
    assert Pass(mel, (0,), 9000).cut == pytest.approx(405, abs=3)
    assert Pass(mel[:, :150], (0,), 1500).cut is None


def test_a_pass_comes_apart_into_the_windows_it_was_made_of() -> None:
    some = [window(300, loud=0.1), window(50, loud=0.2), window(120, loud=0.3)]
    pieces = join(some).windows()
    assert [(p.frames, round(float(p.mel[0, 0]), 1)) for p in pieces] == [(300, 0.1), (50, 0.2), (120, 0.3)]


def test_two_halves_become_one_answer_in_their_order() -> None:
    whole = joined(Heard("您好", (0, 200), 0.9), Heard("再见", (100, 300), 0.4), 1000)
    assert (whole.text, whole.char_ms, whole.problem) == ("您好再见", (0, 200, 1100, 1300), None)
    assert whole.confidence == pytest.approx(0.6)


def test_a_half_without_words_leaves_the_other_as_it_is() -> None:
    whole = joined(Heard("", (), None, "no_words"), Heard("好", (20,), 0.5), 700)
    assert (whole.text, whole.char_ms, whole.confidence) == ("好", (720,), pytest.approx(0.5))
    assert joined(Heard("", (), None, "repetition"), Heard("", (), None, "no_words"), 1).problem == "repetition"


def test_the_likelier_answer_is_kept_and_words_before_none() -> None:
    sure, unsure, none = Heard("好", (0,), 0.9), Heard("不好", (0, 1), 0.3), Heard("", (), None, "repetition")
    loop = Heard("丽丽丽丽", (0, 1, 2, 3), 0.99)
    assert max([unsure, sure, none], key=worth) == sure
    assert max([none, unsure], key=worth) == unsure
    assert max([loop, unsure], key=worth) == unsure
