"""The demonstration model through CTranslate2: the contract of a recogniser, and nothing invented."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from qa_pipeline.speech.backend import Heard, ModelError, Window, heard
from qa_pipeline.speech.guards import Told
from qa_pipeline.speech.passes import Pass, join, pack, part
from qa_pipeline.speech.whisper import Look, Whisper, WhisperSettings, _batches


def test_the_demonstration_model_keeps_the_contract(recogniser: Any, contract: Any, sample: Any) -> None:
    answers = contract(recogniser, sample("dd-04-leak-bad").sketch.windows)
    assert sum(len(h.text) for h in answers) > 100


def test_nothing_too_little_and_not_finite_are_failures_by_name(recogniser: Any) -> None:
    empty, short, broken = heard(
        recogniser, [np.zeros(0, np.float32), np.zeros(100, np.float32), np.full(3 * 16000, np.inf, np.float32)]
    )
    assert {empty.problem, short.problem, broken.problem} == {"failed: UnusableAudio"}


def test_silence_and_line_noise_say_nothing(recogniser: Any) -> None:
    rng = np.random.default_rng(1)
    quiet = [np.zeros(16000, np.float32), rng.normal(0, 0.001, 48000).astype(np.float32)]
    assert [h.text for h in heard(recogniser, quiet)] == ["", ""]


def test_a_window_longer_than_thirty_seconds_harms_nobody(recogniser: Any, sample: Any) -> None:
    good = sample("pm-02-late-transfer").sketch.windows[0]
    rng = np.random.default_rng(1)
    assert heard(recogniser, [rng.normal(0, 0.1, 35 * 16000).astype(np.float32), good])[1] == heard(recogniser, [good])[0]


def test_the_fingerprint_follows_what_changes_the_text(make_demo: Any) -> None:
    plain = make_demo().fingerprint
    assert make_demo(beam=1).fingerprint != plain
    assert make_demo(told=Told("以下是普通话的句子。")).fingerprint != plain
    assert make_demo(window="full").fingerprint != plain
    assert make_demo(precision="float32").fingerprint != plain
    assert make_demo(model="large-v3-turbo").fingerprint != plain


def test_the_fingerprint_does_not_follow_where_it_runs(make_demo: Any) -> None:
    assert make_demo(threads=7, batch=1, device="auto").fingerprint == make_demo().fingerprint


def test_the_fingerprint_follows_the_weights_and_not_their_folder(make_demo: Any, tmp_path: Path) -> None:
    for name, weights in (("here", b"a"), ("there", b"a"), ("other", b"b")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.bin").write_bytes(weights)
    here, there, other = (make_demo(model=str(tmp_path / n)).fingerprint for n in ("here", "there", "other"))
    assert here == there != other


def test_full_windows_are_thirty_seconds_and_short_ones_as_the_model_says(make_demo: Any) -> None:
    assert (make_demo(window="full").ear.longest_ms, make_demo().ear.longest_ms) == (30_000, 8000)


def test_padding_to_thirty_seconds_still_hears_the_words(make_demo: Any, recogniser: Any, sample: Any) -> None:
    windows = sample("pm-02-late-transfer").sketch.windows[:4]
    full, short = ("".join(h.text for h in heard(r, windows)) for r in (make_demo(window="full"), recogniser))
    assert Levenshtein.normalized_similarity(full, short) > 0.5


def test_a_model_that_is_not_there_is_named(make_demo: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="there is no folder"):
        heard(make_demo(model=str(tmp_path / "none")), [np.zeros(16000, np.float32)])


class Scripted(Whisper):
    """Whisper with the model's answers told beforehand: which windows spoil a pass. Everything around the model is real."""

    spoilt = 7.0

    def _listen(self, passes: Sequence[Pass], look: Look) -> list[Heard]:
        self.looks = [*getattr(self, "looks", []), *((len(one.starts), look) for one in passes)]
        return [self._said(one) for one in passes]

    def _said(self, one: Pass) -> Heard:
        if (one.mel == self.spoilt).any():
            return Heard("", (), None, "boiler_plate")
        return Heard("好。" * len(one.starts), tuple(t for s in one.starts for t in (s * 10 + 100, s * 10 + 200)), 0.9)


def test_one_window_that_spoils_a_pass_costs_the_others_of_its_call_nothing() -> None:
    windows = [Window(np.full((80, 200), loud, np.float32), "c", 2000) for loud in (1.0, 1.0, 7.0, 1.0, 1.0)]
    recogniser = Scripted(WhisperSettings("nowhere", "full"))
    answers = recogniser.recognise(windows)
    assert [h.text for h in answers] == ["好。", "好。", "", "好。", "好。"]
    assert [h.problem for h in answers][2] == "no_words"
    assert recogniser.looks[0] == (5, Look())


def test_a_pass_without_doubt_is_heard_once() -> None:
    recogniser = Scripted(WhisperSettings("nowhere", "full"))
    recogniser.recognise([Window(np.ones((80, 200), np.float32), "c", 2000) for _ in range(3)])
    assert recogniser.looks == [(3, Look())]


def test_a_prompt_in_vain_is_left_out_the_second_time() -> None:
    recogniser = Scripted(WhisperSettings("nowhere", "full", told=Told("以下是普通话的句子。")))
    recogniser.recognise([Window(np.full((80, 150), 7.0, np.float32), "c", 1500)])
    assert recogniser.looks == [(1, Look()), (1, Look(prompted=False))]


def test_turns_that_share_a_pass_come_apart_by_the_times_of_their_characters(recogniser: Whisper, sample: Any) -> None:
    """With real sound and a real model, in passes of 7.8 s, since that is what the demonstration model hears at once."""
    sound = [recogniser.ear.hear(w) for call in ("dd-04-leak-bad", "ht-08-privacy-bad") for w in sample(call).sketch.windows]
    windows = [Window(s, "c", 1000) for s in sound if s.shape[-1] < 500]
    groups = [group for group in pack(windows, 780) if len(group) > 1]
    passes = [join([windows[i] for i in group]) for group in groups]
    together = {}
    for group, one, said in zip(groups, passes, recogniser._listen(passes, Look()), strict=True):
        together |= zip(group, part(said, [windows[i] for i in group], one.starts), strict=True)
    alone = recogniser.recognise([Window(windows[i].sound, str(i), 1000) for i in together])
    assert len(together) >= 8
    wrong = sum(Levenshtein.distance(a.text, t.text) for a, t in zip(alone, together.values(), strict=True))
    assert wrong <= 0.03 * sum(len(a.text) for a in alone)
    for a, t in zip(alone, together.values(), strict=True):
        assert abs(a.char_ms[0] - t.char_ms[0]) <= 400, "alone, the first character takes the lead-in to itself"


@given(st.integers(0, 200), st.integers(1, 32), st.integers(1, 8))
def test_batches_keep_the_order_and_are_as_even_as_can_be(n: int, most: int, fewest: int) -> None:
    made = _batches(list(range(n)), most, fewest)
    assert [i for batch in made for i in batch] == list(range(n))
    assert all(0 < len(batch) <= most for batch in made)
    assert len({len(batch) for batch in made[:-1]}) <= 1


@pytest.mark.parametrize(("window", "frames", "most"), [("short", 600, 8), ("short", 700, 4), ("full", 500, 4)])
def test_a_batch_holds_twice_as_many_windows_of_half_the_length(window: str, frames: int, most: int) -> None:
    assert Whisper(WhisperSettings("demo", window, batch=4))._most(frames) == most


def test_a_few_windows_are_shared_among_the_workers_and_many_fill_their_batches() -> None:
    assert [len(b) for b in _batches(list(range(10)), 16, 2)] == [5, 5]
    assert [len(b) for b in _batches(list(range(20)), 16, 1)] == [10, 10]
    assert [len(b) for b in _batches(list(range(32)), 16, 1)] == [16, 16]
