"""What is measured becomes events of fixed kinds, each on the channel it belongs to; speech over music stays speech."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from qa_pipeline.model import EVENT_KINDS, EventSource
from qa_pipeline.speech.activity import Stretch
from qa_pipeline.speech.listen import sketch
from qa_pipeline.speech.music import Music
from qa_pipeline.speech.sounds import Sounds, find_sounds, measured
from tests import played

RATE = 8000
MUSIC = Music(Stretch(10_000, 30_000), -30.0, (Stretch(10_000, 30_000),))


def line(seconds: float, rms: float = 20) -> NDArray[np.float64]:
    return np.asarray(np.random.default_rng(1).standard_normal(int(seconds * RATE)) * rms)


def spoken(*found: Stretch, dbfs: float = -30.0) -> list[Stretch]:
    """What is heard of these stretches, at that level, over music at -30 dBFS."""
    samples, voices = (line(40, 32768 * 10 ** (level / 20)).astype(np.int16) for level in (-30.0, dbfs))
    for s in found:
        at = slice(s.start_ms * RATE // 1000, s.end_ms * RATE // 1000)
        samples[at] = voices[at]
    return Sounds((), (), (MUSIC,)).spoken(list(found), samples, RATE)


@pytest.mark.parametrize("call_id", ["ht-01-night-room-good", "pm-01-fee-good", "bs-02-quote-mediocre", "cs-03-complaint-bad"])
def test_every_event_is_of_a_fixed_kind_with_its_attributes_and_source(call_id: str, sample: Any) -> None:
    events = sample(call_id).sketch.events
    assert events
    for e in events:
        kind = EVENT_KINDS[e.kind]
        assert e.source is EventSource.AUDIO and e.channel in (0, 1) and e.value is not None
        assert f"{kind.detector}:{e.channel}" in measured(2)
        assert all(isinstance(e.attrs[name], kind.attrs[name]) for name in e.attrs), e


def test_a_tone_that_leaks_faintly_into_the_other_channel_is_no_event_there() -> None:
    ringing = played.beeps(16, 450)
    samples = np.stack([ringing * 6000, ringing * 300]) + np.stack([line(16), line(16)])
    events = sketch("c", samples.astype(np.int16), RATE, 8000).events
    assert [(e.kind, e.channel, e.value) for e in events] == [("ringback", 0, 4.0)]
    loud = np.stack([ringing * 6000, ringing[::-1] * 5000]) + np.stack([line(16), line(16)])
    assert {e.channel for e in sketch("c", loud.astype(np.int16), RATE, 8000).events} == {0, 1}


def test_specks_in_music_are_its_notes() -> None:
    assert spoken(Stretch(12_000, 12_300), Stretch(15_000, 16_700)) == []


def test_who_speaks_long_or_louder_over_music_or_goes_on_speaking_into_it_is_heard() -> None:
    long, before, on = Stretch(12_000, 15_000), Stretch(9000, 9900), Stretch(10_200, 11_000)
    assert spoken(long) == [long]
    assert spoken(before, on, Stretch(20_000, 20_300)) == [before, on]
    assert spoken(Stretch(15_000, 15_400), dbfs=-20) == [Stretch(15_000, 15_400)]


def test_a_speck_where_the_music_breaks_off_for_a_second_is_one_of_its_notes_unless_somebody_goes_on_speaking() -> None:
    broken = Music(Stretch(10_000, 30_000), -30.0, (Stretch(10_000, 19_500), Stretch(20_500, 30_000)))
    speck, said = Stretch(19_900, 20_200), Stretch(20_300, 21_000)
    samples = line(40, 32768 * 10 ** (-30 / 20)).astype(np.int16)
    assert Sounds((), (), (broken,)).spoken([speck], samples, RATE) == []
    long = Stretch(19_600, 20_300)
    assert Sounds((), (), (broken,)).spoken([long, said], samples, RATE) == [long, said]


def test_a_passage_of_the_music_that_is_louder_than_the_rest_is_no_voice_over_it() -> None:
    samples = line(120, 32768 * 10 ** (-40 / 20))
    samples[60 * RATE :] *= 10
    whole = Music(Stretch(0, 120_000), -40.0, (Stretch(0, 120_000),))
    notes = [Stretch(80_000, 80_300), Stretch(90_000, 91_000)]
    assert Sounds((), (), (whole,)).spoken(notes, samples.astype(np.int16), RATE) == []


def test_long_speech_where_nothing_but_music_can_be_heard_is_notes() -> None:
    samples = line(40, 32768 * 10 ** (-30 / 20)).astype(np.int16)
    alone = Music(MUSIC.stretch, -30.0, MUSIC.cores, (Stretch(11_000, 16_000),))
    notes, voice = Stretch(12_000, 15_000), Stretch(17_000, 20_000)
    assert Sounds((), (), (alone,)).spoken([notes, voice], samples, RATE) == [voice]


def test_a_lone_key_within_music_is_a_chord_of_it_and_several_are_keys() -> None:
    def pressed(times: int) -> list[str]:
        rng = np.random.default_rng(5)
        sound = played.strings(40, rng) * 300 + line(40)
        for number in range(times):
            at = slice((20 * 2 + number) * RATE // 2, (20 * 2 + number) * RATE // 2 + RATE // 5)
            t = np.arange(RATE // 5) / RATE
            sound[at] = 4000 * (np.sin(2 * np.pi * 697 * t) + np.sin(2 * np.pi * 1209 * t))
            sound[at.stop : at.stop + RATE // 10] = 0
            sound[at.start - RATE // 10 : at.start] = 0
        found = find_sounds(sound.astype(np.int16), RATE)
        assert found.music
        return [t.kind for t in found.tones]

    assert (pressed(1), pressed(3)) == ([], ["dtmf"])


def test_a_turn_that_is_cut_off_at_full_scale_is_an_event_with_the_share_of_its_samples(sample: Any) -> None:
    call = sample("dd-04-leak-bad")
    loud = np.clip(call.samples.astype(np.int32) * 12, -32768, 32767).astype(np.int16)
    clipping = [e for e in sketch("c", loud, call.rate, 8000).events if e.kind == "clipping"]
    assert clipping and all(0.001 <= (e.value or 0) < 0.6 for e in clipping)
    assert [e for e in call.sketch.events if e.kind == "clipping"] == []
