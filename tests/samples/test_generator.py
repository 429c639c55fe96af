"""The generator: spoken numbers, espeak with a time for every character, held-out calls that are held out."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

MAKE = Path(__file__).parents[2] / "data/samples/make"


@pytest.fixture(scope="module")
def make() -> Iterator[Any]:
    """The modules that need nothing but numpy, yaml and av."""
    sys.path.insert(0, str(MAKE))
    try:
        import sentences
        import sounds
        import telephone

        yield SimpleNamespace(sentences=sentences, sounds=sounds, telephone=telephone)
    finally:
        sys.path.remove(str(MAKE))


@pytest.fixture(scope="module")
def voiced() -> Iterator[Any]:
    """The modules that speak."""
    loader = pytest.importorskip("espeakng_loader", reason="needs the extra `samples`")
    sys.path.insert(0, str(MAKE))
    try:
        import espeak
        import held_out
        import voices

        yield SimpleNamespace(espeak=espeak, held_out=held_out, voices=voices, data=Path(loader.get_data_path()))
    finally:
        sys.path.remove(str(MAKE))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("24小时", "二十四小时"),
        ("10点40分", "十点四十分"),
        ("806房", "八零六房"),
        ("1390531", "一三九零五三一"),
        ("B栋", "比栋"),
        ("好…好", "好，好"),
    ],
)
def test_written_text_becomes_what_is_said(make: Any, written: str, said: str) -> None:
    assert make.sentences.spoken(written) == said


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "零"),
        (10, "十"),
        (12, "十二"),
        (20, "二十"),
        (110, "一百一十"),
        (105, "一百零五"),
        (1203, "一千二百零三"),
        (9009, "九千零九"),
    ],
)
def test_numbers_are_said_as_people_say_them(make: Any, n: int, said: str) -> None:
    assert make.sentences.number(n) == said


@given(st.integers(0, 9999), st.integers(0, 9999))
def test_different_numbers_are_said_differently(make: Any, a: int, b: int) -> None:
    assert (make.sentences.number(a) == make.sentences.number(b)) == (a == b)


def test_held_out_sentences_are_never_in_training(make: Any) -> None:
    trained, kept = make.sentences.Sentences(1), make.sentences.Sentences(2, held_out=True)
    assert not {trained.filled() for _ in range(2000)} & {kept.filled() for _ in range(200)}


def test_a_role_says_only_its_own_templates(make: Any) -> None:
    supply = make.sentences.Sentences(3)
    assert any("我要投诉" in supply.filled("customer") for _ in range(300))
    assert not any("我要投诉" in supply.filled("agent") for _ in range(300))


def test_every_sentence_can_be_spelt_with_the_vocabulary(make: Any) -> None:
    known, supply = make.sentences.characters() | set("，。？！、"), make.sentences.Sentences(4)
    assert not {c for _ in range(500) for c in supply.filled()} - known


@pytest.mark.parametrize("law", ["alaw", "mulaw"])
def test_g711_keeps_the_signal_within_its_quantum(make: Any, law: str) -> None:
    samples = (8000 * np.sin(np.arange(8000) / 9)).astype(np.int16)
    error = make.telephone.g711(samples, law).astype(float) - samples
    assert 0 < np.sqrt(np.mean(error**2)) < 0.03 * np.sqrt(np.mean(samples.astype(float) ** 2))


def test_noise_has_unit_power_and_its_tilt(make: Any) -> None:
    rng = np.random.default_rng(1)
    flat, tilted = make.telephone.noise(80_000, 0.0, rng), make.telephone.noise(80_000, 1.0, rng)
    assert abs(flat.std() - 1) < 0.01 and abs(tilted.std() - 1) < 0.01

    def low_share(x: Any) -> float:
        power = np.abs(np.fft.rfft(x)) ** 2
        return float(power[: len(power) // 8].sum() / power.sum())

    assert low_share(flat) < 0.2 < 0.6 < low_share(tilted)


def test_ringback_is_made_of_whole_rings(make: Any) -> None:
    rings = make.sounds.ringback(8)
    loud = [float(np.abs(rings[int(s * 8000) :][:400]).max()) > 0.5 for s in (0.5, 2, 4.5, 5.5, 7)]
    assert loud == [True, False, False, True, False]


def test_espeak_gives_every_character_a_time_inside_the_sound(voiced: Any) -> None:
    said = voiced.espeak.speak("您好，很高兴为您服务。", voiced.espeak.Voice("f2"))
    length = len(said.samples) / said.sample_rate
    assert len(said.spans) == len(said.text) and 1 < length < 6
    assert all(0 <= a <= b <= length + 0.01 for a, b in said.spans)
    assert [a for a, _ in said.spans] == sorted(a for a, _ in said.spans)


def test_a_faster_voice_takes_less_time(voiced: Any) -> None:
    slow, fast = (voiced.espeak.speak("请您稍等一下", voiced.espeak.Voice("m1", rate)) for rate in (140, 300))
    assert len(fast.samples) < 0.7 * len(slow.samples)


def test_what_cannot_be_spoken_is_an_error(voiced: Any) -> None:
    with pytest.raises(ValueError, match="nothing to speak"):
        voiced.espeak.speak("，", voiced.espeak.Voice())


def test_every_voice_that_is_named_is_there(voiced: Any) -> None:
    """espeak itself passes over a variant that it doesn't know, and speaks on in the plain voice."""
    there = {p.name for p in (voiced.data / "voices/!v").iterdir()}
    v = voiced.voices
    assert {*v.SAMPLE_AGENTS, *v.SAMPLE_CUSTOMERS, *v.OTHERS, *v.HELD_OUT} - {""} <= there


def test_held_out_voices_are_in_no_trained_set(voiced: Any) -> None:
    trained = {*voiced.voices.SAMPLE_AGENTS, *voiced.voices.SAMPLE_CUSTOMERS, *voiced.voices.OTHERS}
    assert not trained & set(voiced.voices.HELD_OUT)


def test_held_out_calls_have_two_voices_by_turns_and_say_the_same_for_a_seed(voiced: Any, tmp_path: Path) -> None:
    (truth,) = voiced.held_out.make_calls(tmp_path / "a", 1)
    assert [t["channel"] for t in truth["turns"]] == [0, 1] * 5
    assert all(a["end_ms"] < b["start_ms"] for a, b in zip(truth["turns"], truth["turns"][1:], strict=False))
    (again,) = voiced.held_out.make_calls(tmp_path / "b", 1)
    assert [t["text"] for t in again["turns"]] == [t["text"] for t in truth["turns"]]
    assert [p.name for p in sorted((tmp_path / "a").iterdir())] == ["cdr.csv", "held-out-00.wav"]
