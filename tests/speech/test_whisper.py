"""The demonstration model through CTranslate2: the contract of a recogniser, and nothing invented."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from qa_pipeline.speech.backend import ModelError, heard
from qa_pipeline.speech.guards import Told


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
