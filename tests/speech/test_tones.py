"""Tones are known by frequency and cadence; speech, music that holds their notes, and other tones are not taken for them."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from qa_pipeline.speech.tones import FIXED, ToneError, TonePlan, find_tones, read_cadences
from tests import played

RATE = 8000
Samples = NDArray[np.int16]
AMERICA = TonePlan(
    "440+480/2000,0/4000", "480+620/500,0/500", "480+620/250,0/250", "350+440/0", "950/330,1400/330,1800/330,0/1000"
)
BRITAIN = TonePlan("400+450/400,0/200,400+450/400,0/2000", "400/375,0/375", "400/400,0/350,400/225,0/525", "350+440/0")


def tone(seconds: float, *hertz: float, peak: float = 6000) -> Samples:
    t = np.arange(int(seconds * RATE)) / RATE
    return (peak / len(hertz) * sum(np.sin(2 * np.pi * f * t) for f in hertz)).astype(np.int16)


def quiet(seconds: float, rms: float = 12) -> Samples:
    return (np.random.default_rng(1).standard_normal(int(seconds * RATE)) * rms).astype(np.int16)


def line(*parts: Samples, rms: float = 12) -> Samples:
    """The parts one after the other over a line's noise."""
    sound = np.concatenate(parts).astype(float)
    return np.clip(sound + quiet(len(sound) / RATE + 1, rms)[: len(sound)], -32768, 32767).astype(np.int16)


def kinds(samples: Samples, plan: TonePlan | None = None) -> list[tuple[str, int]]:
    return [(t.kind, t.bursts) for t in find_tones(samples, RATE, plan or TonePlan())]


def rings(n: int) -> Samples:
    return np.concatenate([part for _ in range(n) for part in (tone(1, 450), quiet(4))])


@pytest.mark.parametrize("n", [1, 2, 3, 7])
def test_rings_are_counted(n: int) -> None:
    assert kinds(line(quiet(0.5), rings(n))) == [("ringback", n)]


def test_a_ring_cut_short_by_the_answer_counts_and_its_times_are_the_bursts() -> None:
    (found,) = find_tones(line(quiet(1), rings(2), tone(0.4, 450), quiet(3)), RATE)
    assert (found.kind, found.bursts) == ("ringback", 3)
    assert abs(found.stretch.start_ms - 1000) <= 40 and abs(found.stretch.end_ms - 11_400) <= 40


def test_a_recording_that_begins_within_a_ring_counts_it() -> None:
    assert kinds(line(tone(0.5, 450), quiet(4), rings(1))) == [("ringback", 2)]


def test_busy_and_congestion_are_told_apart_by_their_length() -> None:
    busy = [part for _ in range(5) for part in (tone(0.35, 450), quiet(0.35))]
    congestion = [part for _ in range(5) for part in (tone(0.7, 450), quiet(0.7))]
    assert kinds(line(quiet(2), *busy, quiet(3), *congestion)) == [("busy_tone", 5), ("congestion_tone", 5)]


def test_a_tone_that_goes_on_is_the_dial_tone() -> None:
    assert kinds(line(tone(3, 450), quiet(1))) == [("dial_tone", 1)] == kinds(line(tone(90, 450)))


def test_no_such_number_has_a_tone_of_its_own() -> None:
    steps = [part for _ in range(2) for on in (0.1, 0.1, 0.1, 0.4) for part in (tone(on, 450), quiet(on))]
    assert kinds(line(quiet(1), *steps)) == [("info_tone", 8)]
    assert kinds(line(quiet(1), tone(0.33, 950), tone(0.33, 1400), tone(0.33, 1800), quiet(1))) == [("info_tone", 3)]


def test_a_fax_calls_or_answers() -> None:
    assert kinds(line(quiet(1), tone(0.5, 1100), quiet(3), tone(0.5, 1100), quiet(2))) == [("fax_tone", 2)]
    assert kinds(line(quiet(1), tone(3, 2100), quiet(1))) == [("fax_tone", 1)]


def test_keys_are_counted_and_not_named() -> None:
    keys = [(697, 1209), (770, 1336), (852, 1477), (697, 1209)]
    pressed = [part for low, high in keys for part in (tone(0.08, low, high), quiet(0.1))]
    (found,) = find_tones(line(quiet(1), *pressed), RATE)
    assert (found.kind, found.bursts) == ("dtmf", 4)


def test_one_key_is_known_where_it_is_held_and_a_blip_is_none() -> None:
    assert kinds(line(quiet(1), tone(0.15, 770, 1336), quiet(1))) == [("dtmf", 1)]
    assert kinds(line(quiet(1), tone(0.06, 770, 1336), quiet(1))) == []


def test_other_countries_tones_are_found_by_their_own_plan_only() -> None:
    us_ring, us_busy = [tone(2, 440, 480), quiet(4)] * 2, [tone(0.5, 480, 620), quiet(0.5)] * 4
    assert kinds(line(quiet(1), *us_ring, quiet(2), *us_busy), AMERICA) == [("ringback", 2), ("busy_tone", 4)]
    assert kinds(line(quiet(1), *us_ring, *us_busy)) == []
    uk_ring = [part for _ in range(3) for part in (tone(0.4, 400, 450), quiet(0.2), tone(0.4, 400, 450), quiet(2))]
    assert kinds(line(quiet(1), *uk_ring), BRITAIN) == [("ringback", 6)]


@pytest.mark.parametrize("rms", [12, 300, 1000])
@pytest.mark.parametrize("peak", [600, 3000, 20_000])
def test_level_and_noise_change_nothing_while_the_tone_is_as_loud_as_the_noise(rms: float, peak: float) -> None:
    if peak < rms:
        pytest.skip("fainter than the noise")
    busy = [part for _ in range(5) for part in (tone(0.35, 450, peak=peak), np.zeros(2800, np.int16))]
    ring = [tone(1, 450, peak=peak), np.zeros(32_000, np.int16)] * 2
    assert kinds(line(quiet(1), *ring, quiet(2), *busy, rms=rms)) == [("ringback", 2), ("busy_tone", 5)]


@pytest.mark.parametrize("hertz", [350, 400, 500, 620, 800, 1000])
def test_beeps_of_another_frequency_are_no_tones(hertz: float) -> None:
    assert kinds(line((played.beeps(30, hertz) * 6000).astype(np.int16))) == []


@pytest.mark.parametrize(("on", "off"), [(1.0, 4.0), (0.35, 0.35), (0.7, 0.7)])
def test_notes_of_450_hz_between_other_notes_are_music(on: float, off: float) -> None:
    assert kinds(line((played.chord_beeps(30, on, off) * 6000).astype(np.int16))) == []


@pytest.mark.parametrize("style", played.MUSIC)
def test_music_holds_no_tones(style: str) -> None:
    assert kinds(line((played.MUSIC[style](40, np.random.default_rng(5)) * 9000).astype(np.int16))) == []


@pytest.mark.parametrize("on", [0.2, 0.5, 2.0])
def test_450_hz_in_another_rhythm_is_no_cadence(on: float) -> None:
    assert not {"ringback", "busy_tone"} & {k for k, _ in kinds(line(quiet(1), *[tone(on, 450), quiet(1.6)] * 4))}


def test_two_short_beeps_are_no_busy_tone() -> None:
    assert kinds(line(tone(0.35, 450), quiet(0.35), tone(0.35, 450), quiet(2))) == []


def test_silence_noise_and_nothing_hold_no_tone() -> None:
    assert kinds(quiet(5)) == kinds(quiet(5, 5000)) == kinds(np.zeros(8000, np.int16)) == kinds(quiet(0.01)) == []


@pytest.mark.parametrize("call_id", ["dd-04-leak-bad", "pm-03-rude-bad", "ht-08-privacy-bad", "cs-02-complaint-good"])
def test_speech_is_no_tone_and_presses_no_keys(call_id: str, sample: Any) -> None:
    call = sample(call_id)
    for channel in call.samples:
        assert {t.kind for t in find_tones(channel, call.rate)} <= {"ringback", "busy_tone"}


def test_a_long_recording_is_heard_block_by_block_as_a_short_one_is() -> None:
    long = line(quiet(57.5), rings(3), quiet(60))  # a ring lies on the border of two blocks
    assert kinds(long) == [("ringback", 3)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([300, 450, 1100, 2100]), st.integers(20, 1500), st.integers(20, 3000)), max_size=8))
def test_tones_are_in_order_and_never_overlap_whatever_beeps(beeps: Sequence[tuple[int, int, int]]) -> None:
    sound = line(quiet(0.2), *(part for f, on, off in beeps for part in (tone(on / 1000, f), quiet(off / 1000))))
    found = [t.stretch for t in find_tones(sound, RATE) if t.kind != "dtmf"]
    assert all(a.end_ms <= b.start_ms for a, b in pairwise(found))
    assert all(0 <= s.start_ms < s.end_ms <= len(sound) // 8 + 40 for s in found)


def test_cadences_are_written_as_in_indications_conf() -> None:
    (one,) = read_cadences("ringback", "440+480/2000,0/4000", 1)
    assert (one.steps[0].hertz, one.steps[0].on_ms, one.steps[0].off_ms) == ((440.0, 480.0), 2000, 4000)
    assert [c.kind for c in read_cadences("busy_tone", "450/350,0/350 | 425/500,0/500", 3)] == ["busy_tone"] * 2
    assert {c.kind for c in (*TonePlan().cadences, *FIXED)} >= {"ringback", "busy_tone", "fax_tone"}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("450-1000", "450/1000"),
        ("0/400", "before the quiet"),
        ("50/100", "250 to 3400"),
        ("450/0,500/100", "milliseconds with every"),
    ],
)
def test_what_is_no_cadence_is_told(written: str, said: str) -> None:
    with pytest.raises(ToneError, match=said):
        read_cadences("ringback", written, 1)
