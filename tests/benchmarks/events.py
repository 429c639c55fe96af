"""What is heard besides words, against the truth of the samples: turns, rings, holds, tones, who hung up.

    python tests/benchmarks/events.py [--quick] [--verbose]

On the samples as they are, and through noise, codecs and level changes; and an hour each of silence, ringing, busy tone, music,
beeps and noise, of which not a character may be recognised. --quick: the samples as they are, and five minutes of each.
Writing GSM takes soundfile: pip install -e '.[samples]'.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from qa_pipeline import shipped
from qa_pipeline.batch.heard import as_heard
from qa_pipeline.config import Asr, make_recogniser
from qa_pipeline.model import Call, Event, Speaker
from qa_pipeline.speech.backend import Heard
from qa_pipeline.speech.channels import compare_channels
from qa_pipeline.speech.listen import Sketch, fill_in, sketch, with_words
from qa_pipeline.speech.roles import RoleCues
from qa_pipeline.speech.sounds import find_sounds
from tests import played
from tests.speech.whisper_shape import SHAPES, make_checkpoint
from tests.spoken import read

SAMPLES = Path(__file__).parents[2] / "data/samples"
RATE = 8000
LONGEST_MS = 8000
SHORT = ("嗯", "对", "好", "好的", "是", "是的", "嗯嗯", "对对", "哦", "行", "喂")
HOLD_OFF_MS = 3000
NO_WORDS = Heard("", (), None)
Samples = NDArray[np.int16]


@dataclass(frozen=True)
class Said:
    """A shipped call with its truth and its row of cdr.csv."""

    call_id: str
    samples: Samples
    truth: Mapping[str, Any]
    record: Mapping[str, str]


@dataclass
class Counts:
    """Right and all, by what is counted; and what was wrong, in words."""

    right: dict[str, int] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def count(self, what: str, right: bool, said: str) -> None:
        self.right[what] = self.right.get(what, 0) + right
        self.total[what] = self.total.get(what, 0) + 1
        if not right:
            self.wrong.append(f"{what}: {said}")

    def share(self, what: str) -> float:
        return 100 * self.right.get(what, 0) / max(1, self.total.get(what, 0))


def read_samples() -> list[Said]:
    with (shipped.sample_calls() / "cdr.csv").open(encoding="utf-8") as file:
        records = {row["call_id"]: row for row in csv.DictReader(file)}
    found = []
    for path in sorted((SAMPLES / "truth").glob("*.yaml")):
        (audio,) = shipped.sample_calls().glob(path.stem + ".*")
        truth = yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)
        found.append(Said(path.stem, np.array(read(audio).samples), truth, records[path.stem]))
    return found


def with_noise(snr_db: float) -> Callable[[Samples], Samples]:
    """White noise below the call's loud parts (its 90th percentile of power in 20 ms) on every channel."""

    def add(samples: Samples) -> Samples:
        steps = samples[:, : samples.shape[1] // 160 * 160].astype(np.float64).reshape(len(samples), -1, 160)
        loud = float(np.percentile((steps**2).mean(2), 90))
        noise = np.random.default_rng(7).standard_normal(samples.shape) * np.sqrt(loud) * 10 ** (-snr_db / 20)
        return np.clip(samples + noise, -32768, 32767).astype(np.int16)

    return add


def louder(db: float) -> Callable[[Samples], Samples]:
    return lambda samples: np.clip(samples * 10 ** (db / 20), -32768, 32767).astype(np.int16)


def through(suffix: str, codec: str, bit_rate: int | None = None, rate: int = RATE) -> Callable[[Samples], Samples]:
    """Encoded, written, and read as the night reads it; a codec of one channel takes a file for each side."""

    def coded(samples: Samples) -> Samples:
        alone = codec in ("gsm", "libopencore_amrnb")
        parts = [samples[c : c + 1] for c in range(len(samples))] if alone else [samples]
        with tempfile.TemporaryDirectory() as folder:
            paths = [Path(folder, f"{i}.{suffix}") for i in range(len(parts))]
            for path, part in zip(paths, parts, strict=True):
                encode(path, part, codec, bit_rate, rate)
            heard = [np.array(read(path).samples) for path in paths]
        n = min(h.shape[1] for h in heard)
        return np.concatenate([h[:, :n] for h in heard])

    return coded


def encode(path: Path, samples: Samples, codec: str, bit_rate: int | None, rate: int) -> None:
    if codec == "gsm":  # PyAV reads it and cannot write it
        import soundfile

        soundfile.write(path, samples.T, RATE, format="WAV", subtype="GSM610")
        return
    import av
    from av.audio.resampler import AudioResampler

    layout = "stereo" if len(samples) == 2 else "mono"
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate, layout=layout)
        if bit_rate:
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="s16", layout=layout)
        frame.sample_rate = RATE
        size = stream.codec_context.frame_size or 160
        resampler = AudioResampler(format=stream.format.name, layout=layout, rate=rate, frame_size=size)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


VARIANTS: dict[str, Callable[[Samples], Samples]] = {
    "as they are": lambda samples: samples,
    "noise 20 dB": with_noise(20),
    "noise 10 dB": with_noise(10),
    "gsm": through("wav", "gsm"),
    "alaw": through("wav", "pcm_alaw"),
    "mp3 16k": through("mp3", "libmp3lame", 16_000),
    "opus 24k": through("opus", "libopus", 24_000, 48_000),
    "amr-nb 12.2k": through("amr", "libopencore_amrnb", 12_200),
    "-20 dB": louder(-20),
    "-10 dB": louder(-10),
    "+6 dB": louder(6),
}


def rings_in(event: Mapping[str, Any]) -> int:
    """Whole rings of 1 s, one every 5 s, as make/sounds.py plays them."""
    seconds = (event["end_ms"] - event["start_ms"]) / 1000
    return int((max(seconds - 1, 0) + 0.001) // 5) + 1


def channel_of(event: Mapping[str, Any], channels: int) -> int:
    return 1 if event["channel"] == "customer" and channels == 2 else 0


def check_events(said: Said, heard: Sketch, counts: Counts) -> None:
    """Rings, busy tone and hold music one by one, what else was heard as one of them, and who hung up."""
    channels = len(said.samples)
    left = [e for e in heard.events if e.kind not in ("noise", "clipping")]
    for true in said.truth["events"]:
        kinds = {"ring": ("ringback",), "hold_music": ("hold_music",)}.get(true["kind"])
        if kinds is None:
            continue
        found = _overlapping(left, kinds, true, channel_of(true, channels))
        left = [e for e in left if e not in found]
        told = f"{said.call_id} {true['kind']} {true['start_ms']}-{true['end_ms']}: {[_short(e) for e in found]}"
        if true["kind"] == "ring":
            counts.count("rings", sum(int(e.value or 0) for e in found) == rings_in(true), told)
        else:
            counts.count("holds", len(found) == 1 and _near(found[0], true, HOLD_OFF_MS), told)
    busy = [e for e in left if e.kind == "busy_tone"]
    ends = not said.record["hangup_by"] and said.truth["hangup_by"] == "customer"
    ends |= any(e["kind"] == "busy_tone" for e in said.truth["events"])
    right = [e.channel for e in busy] == ([1] if ends and channels == 2 else []) or (channels == 1 and len(busy) == ends)
    counts.count("busy tone", right, f"{said.call_id}: {[_short(e) for e in busy]}, expected {ends}")
    false = [e for e in left if e.kind != "busy_tone"]
    counts.count("tones told apart", not false, f"{said.call_id}: {[_short(e) for e in false]}")
    want = said.record["hangup_by"] or ("customer" if ends and channels == 2 else "unknown")
    call = made_call(said, heard)
    counts.count("who hung up", call.hangup_by == want, f"{said.call_id}: {call.hangup_by}, expected {want}")


def made_call(said: Said, heard: Sketch) -> Call:
    record = said.record
    call = Call(
        *(said.call_id, datetime(2024, 5, 14, tzinfo=UTC), said.samples.shape[1] * 1000 // RATE),
        n_channels=len(said.samples),
        answered_ms=int(record["answered_ms"] or 0),
        hangup_by=record["hangup_by"] or "unknown",
    )
    return as_heard(call, heard, with_words(heard, [NO_WORDS] * sum(map(len, heard.cuts))), 0, RoleCues())[0]


def _overlapping(events: Sequence[Event], kinds: Sequence[str], true: Mapping[str, Any], channel: int) -> list[Event]:
    return [
        e
        for e in events
        if e.kind in kinds and e.channel == channel and e.span.start_ms < true["end_ms"] and true["start_ms"] < e.span.end_ms
    ]


def _near(event: Event, true: Mapping[str, Any], off_ms: int) -> bool:
    return abs(event.span.start_ms - true["start_ms"]) <= off_ms and abs(event.span.end_ms - true["end_ms"]) <= off_ms


def _short(e: Event) -> tuple[Any, ...]:
    return e.kind, e.channel, e.span.start_ms, e.span.end_ms, e.value


def check_turns(said: Said, heard: Sketch, counts: Counts, errors: list[int]) -> None:
    """A true turn is kept where half of it lies in stretches that were heard as speech."""
    for true in said.truth["turns"]:
        stretches = [s for t in heard.turns if t.channel == true["channel"] for s in t.stretches]
        covered = sum(max(0, min(s.end_ms, true["end_ms"]) - max(s.start_ms, true["start_ms"])) for s in stretches)
        kept = covered >= 0.5 * (true["end_ms"] - true["start_ms"])
        words = "".join(c for c in true["text"] if c.isalnum())
        counts.count("turns kept", kept, f"{said.call_id} {true['start_ms']} {true['text']}")
        if words in SHORT:
            counts.count("short answers kept", kept, f"{said.call_id} {true['start_ms']} {true['text']}")
        near = [t for t in heard.turns if t.channel == true["channel"]]
        near = [t for t in near if t.start_ms < true["end_ms"] and true["start_ms"] < t.end_ms]
        if near:
            errors.append(min(abs(t.start_ms - true["start_ms"]) for t in near))
            errors.append(min(abs(t.end_ms - true["end_ms"]) for t in near))


GOALS = {"turns kept": 99.7, "short answers kept": 98.0}
"""On the samples as they are; events 98 % on every variant."""
EVENTS_GOAL, MEDIAN_MS, HIGH_MS = 98.0, 150, 500


def missed(name: str, counts: Counts, errors: Sequence[int]) -> list[str]:
    """What falls short of its goal."""
    said = name == "as they are"
    short = [c for c in counts.total if (said or c not in GOALS) and counts.share(c) < GOALS.get(c, EVENTS_GOAL)]
    late = said and (np.median(errors) > MEDIAN_MS or np.percentile(errors, 95) > HIGH_MS)
    return [*short, *(["times"] if late else [])]


def on_variants(said: Sequence[Said], names: Sequence[str], verbose: bool) -> bool:
    reached = True
    columns = ("turns kept", "short answers kept", "rings", "holds", "busy tone", "tones told apart", "who hung up")
    print(f"{'':14}{'':>4}" + "".join(f"{c:>20}" for c in columns) + f"{'times: median, 95 %':>24}")
    for name in names:
        counts, errors = Counts(), list[int]()
        for one in said:
            samples = VARIANTS[name](one.samples)
            heard = sketch(one.call_id, samples, RATE, LONGEST_MS)
            check_turns(one, heard, counts, errors)
            check_events(one, heard, counts)
        cells = (f"{counts.share(c):.2f} % of {counts.total.get(c, 0)}" for c in columns)
        times = f"{np.median(errors):.0f} ms, {np.percentile(errors, 95):.0f} ms"
        print(f"{name:18}" + "".join(f"{cell:>20}" for cell in cells) + f"{times:>24}")
        short = missed(name, counts, errors)
        reached &= not short
        if short:
            print(f"    MISSED: {', '.join(short)}")
        for line in counts.wrong if verbose else ():
            print(f"    {line}")
    print("goals, as they are: 99.7 % of turns, 98 % of short answers, 150 and 500 ms; events on every variant: 98 %")
    return reached


def no_speech(seconds: float, rng: np.random.Generator) -> Iterator[tuple[str, Samples]]:
    """(kind, int16 [1, n]), each over a line's noise, at levels that change by the minute."""

    def line(make: Callable[[float], NDArray[np.float64]], each_s: float = 60.0) -> Samples:
        parts = [make(each_s) * 32768 * 10 ** (rng.uniform(-32, -6) / 20) for _ in range(max(1, int(seconds / each_s)))]
        sound = np.concatenate(parts)
        noise = rng.standard_normal(len(sound)) * 32768 * 10 ** (-60 / 20)
        return np.clip(sound + noise, -32768, 32767).astype(np.int16)[None]

    yield "silence", np.zeros((1, int(seconds * RATE)), np.int16)
    yield "a quiet line", line(lambda s: np.zeros(int(s * RATE)))
    yield "noise", line(lambda s: played.noise(s, rng, float(rng.uniform(0, 0.8))))
    yield "ringback", line(lambda s: played.beeps(s, 450))
    yield "busy tone", line(lambda s: played.beeps(s, 450, 0.35, 0.35))
    yield "other beeps", line(lambda s: played.beeps(s, float(rng.uniform(300, 2000)), 1, 4))
    yield "450 Hz between notes", line(lambda s: played.chord_beeps(s, 1, 4))
    for style, play in played.MUSIC.items():
        yield f"music: {style}", line(lambda s, play=play: play(s, rng))


def hour_of_no_speech(seconds: float) -> bool:
    """Characters that are recognised where nobody speaks, and what was taken for speech or for another tone.

    By the demonstration model, and by a Whisper of true shape with random weights, which says something of whatever it is
    given: so it must be given nothing.
    """
    wanted = {"ringback": {"ringback"}, "busy tone": {"busy_tone"}}
    silent = True
    print(f"\n{seconds / 60:.0f} minutes of each, nobody speaks; characters by the demo model, by a random Whisper; goal 0")
    with tempfile.TemporaryDirectory() as folder:
        random = make_checkpoint(Path(folder) / "tiny", SHAPES["tiny"], quantization="int8")
        recognisers = [make_recogniser(Asr(model=name, window="short")) for name in ("demo", str(random))]
        for kind, samples in no_speech(seconds, np.random.default_rng(11)):
            started = time.process_time()
            one = sketch(kind, samples, RATE, LONGEST_MS)
            taken = time.process_time() - started
            told = [fill_in([one], recogniser, [[Speaker.UNKNOWN]])[0] for recogniser in recognisers]
            characters = [sum(len(t.text) for t in turns) for turns in told]
            silent &= not any(characters)
            tones = {e.kind for e in one.events if e.kind not in ("hold_music", "noise", "clipping", "dtmf")}
            music = sum(e.span.duration_ms for e in one.events if e.kind == "hold_music") / 1000 / seconds
            false = sorted(tones - wanted.get(kind, set())) + sorted({e.kind for e in one.events} & {"noise", "dtmf"})
            share = f"{100 * music:3.0f} % music; false: {', '.join(false) or 'none'}"
            heard = f"{characters[0]:3}, {characters[1]:3} characters in {len(one.turns)} stretches"
            print(f"  {kind:22} {heard}; {share}; {1000 * taken / seconds:.2f} ms CPU a second", flush=True)
    return silent


def cost(said: Sequence[Said]) -> None:
    seconds = sum(one.samples.shape[1] for one in said) / RATE
    print(f"\nCPU a second of call ({seconds:.0f} s, two channels):")
    parts: dict[str, Callable[[Said], Any]] = {
        "tones and music": lambda one: [find_sounds(channel, RATE) for channel in one.samples],
        "channels compared": lambda one: compare_channels(one.samples, RATE),
        "all of the front end but decoding and features": lambda one: sketch(one.call_id, one.samples, RATE, LONGEST_MS),
    }
    for name, work in parts.items():
        started = time.process_time()
        for one in said:
            work(one)
        print(f"  {name}: {1000 * (time.process_time() - started) / seconds:.2f} ms")


def main(argv: Sequence[str] = ()) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args(argv)
    said = read_samples()
    reached = on_variants(said, [*VARIANTS][:1] if args.quick else [*VARIANTS], args.verbose)
    cost(said)
    silent = hour_of_no_speech(300 if args.quick else 3600)
    return 0 if reached and silent else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
