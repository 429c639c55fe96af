"""Sample calls out of the scripts: two-channel recordings, their call records, and the truth about them.

    python data/samples/make/calls.py [CALL_ID …]

Every script in `scripts/` becomes `calls/<id>.<suffix>`, a row of `calls/cdr.csv` and `truth/<id>.yaml`. The agent is on the
left channel. A voice speaks at the rate at which its words take the scripted time, so all scripted times hold.
"""

from __future__ import annotations

import csv
import json
import random
import sys
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import sounds
import voices
import yaml
from espeak import Utterance, Voice, speak
from numpy.typing import NDArray
from sentences import HERE, SCRIPTS, spoken
from telephone import RATE, noise, resample

CALLS, TRUTH = HERE.parent / "calls", HERE.parent / "truth"
SLOWEST, FASTEST = 120, 330
BUSY_S = 2.8
FORMATS = {"alaw": ("wav", "pcm_alaw"), "mulaw": ("wav", "pcm_mulaw"), "pcm": ("wav", "pcm_s16le")}
FORMATS |= {"mp3": ("mp3", "libmp3lame"), "opus": ("opus", "libopus"), "gsm": ("wav", "gsm_ms")}
BIT_RATES = {"libmp3lame": 32000, "libopus": 24000}
COLUMNS = (
    *("call_id", "recording", "direction", "caller_number", "called_number", "department", "team", "agent_id", "started_at"),
    *("answered", "answered_ms", "ended_ms", "duration_ms", "ring_ms", "hangup_by", "end_reason", "recording_starts"),
    *("holds", "transfers"),
)
CALLED = {"duty": "110", "salon": "220", "farm": "330", "hotel": "440"}


@dataclass(frozen=True)
class Placed:
    """A turn of the script as it is heard: 8 kHz samples from `start_ms`, one time a character."""

    speaker: str
    addressee: str
    channel: int
    start_ms: int
    samples: NDArray[np.int16]
    text: str
    char_ms: tuple[int, ...]

    @property
    def end_ms(self) -> int:
        return self.start_ms + len(self.samples) * 1000 // RATE


def fitted(text: str, voice: Voice, seconds: float) -> Utterance:
    """`text` at the rate at which it takes `seconds`, or as near as the voice comes."""
    low, high = SLOWEST, FASTEST
    while high - low > 3:
        rate = (low + high) // 2
        said = speak(text, replace(voice, rate=rate))
        low, high = (rate, high) if len(said.samples) / said.sample_rate > seconds else (low, rate)
    return speak(text, replace(voice, rate=high))


def place(call: str, told: Mapping[str, Any], channels: int) -> Placed:
    who = told.get("speaker")
    speaker = "ivr" if who == "ivr" else told["role"]
    voice = voices.of_call(call, who or speaker if who else told["role"])
    text = spoken(told["text"])
    said = fitted(text, voice, told["end"] - told["start"])
    start = round(told["start"] * 1000)
    samples = resample(said.samples, said.sample_rate, RATE)
    times = tuple(start + round(a * 1000) for a, _ in said.spans)
    colleague = "colleague" if told.get("aside") or told.get("leg") == "consult" else "customer"
    channel = 1 if told["role"] == "customer" and channels == 2 else 0
    return Placed(speaker, colleague, channel, start, samples, text, times)


def mix(
    script: Mapping[str, Any], turns: list[Placed], busy: bool, noise_db: tuple[float, float] = (50, 60)
) -> NDArray[np.int16]:
    """[channels, samples] with tones, music and line noise; levels differ from side to side. `noise_db`: below full scale."""
    call, channels = script["id"], script["metadata"]["channels"]
    rng = np.random.default_rng(zlib.crc32(call.encode()))
    end = max([script["metadata"]["duration"] * 1000, *(t.end_ms for t in turns)]) / 1000 + 0.3
    out = np.zeros((channels, int((end + (BUSY_S if busy else 0)) * RATE)), np.float32)
    gains = 32768 * 10 ** (rng.uniform(-14, -8, 2) / 20)
    for turn in turns:
        x = turn.samples.astype(np.float32)
        at = turn.start_ms * RATE // 1000
        out[turn.channel, at : at + len(x)] += x[: out.shape[1] - at] * gains[turn.channel] / max(1.0, float(np.abs(x).max()))
    tones = {"ring": sounds.ringback, "hold_music": sounds.hold_music, "busy_tone": sounds.busy_tone}
    for kind, make in tones.items():
        for e in (e for e in script["events"] if e["type"] == kind):
            x = make(e["end"] - e["start"]) * 32768 * 10 ** (-20 / 20)
            channel, at = 1 if e["channel"] == "customer" and channels == 2 else 0, int(e["start"] * RATE)
            out[channel, at : at + len(x)] += x[: out.shape[1] - at]
    if busy:
        x = sounds.busy_tone(BUSY_S) * 32768 * 10 ** (-20 / 20)
        at = int(end * RATE)
        out[-1, at : at + len(x)] += x[: out.shape[1] - at]
    for channel in range(channels):
        level = 10 ** (-rng.uniform(*noise_db) / 20) * 32768
        out[channel] += noise(out.shape[1], rng.uniform(0, 0.6), rng) * level
    return np.clip(out, -32768, 32767).astype(np.int16)


def write_audio(path: Path, codec: str, samples: NDArray[np.int16]) -> None:
    """Through the real codec; MP3 at 32 and Opus at 24 kbit/s, GSM 6.10 by libsndfile (PyAV can only read it)."""
    if codec == "gsm_ms":
        import soundfile

        soundfile.write(path, samples.T, RATE, format="WAV", subtype="GSM610")
        return
    import av
    from av.audio.resampler import AudioResampler

    layout = "stereo" if len(samples) == 2 else "mono"
    with av.open(str(path), "w") as container:
        rate = 48000 if codec == "libopus" else RATE
        stream = container.add_stream(codec, rate=rate, layout=layout)
        if codec in BIT_RATES:
            stream.bit_rate = BIT_RATES[codec]
        frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1).copy(), format="s16", layout=layout)
        frame.sample_rate = RATE
        size = stream.codec_context.frame_size or 160
        resampler = AudioResampler(format=stream.format.name, layout=layout, rate=rate, frame_size=size)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))


def chosen_format(script: Mapping[str, Any]) -> str:
    """Long calls compressed, one-channel ones as GSM (which knows one channel only), short ones by turns."""
    if script["metadata"]["channels"] == 1:
        return "gsm"
    number = zlib.crc32(script["id"].encode())
    if script["metadata"]["duration"] > 60:
        return ("mp3", "opus")[number % 2]
    return ("alaw", "mulaw", "pcm")[number % 3]


def busy_at_end(script: Mapping[str, Any]) -> bool:
    """A customer who hangs up first leaves a busy tone on the line in every other such call."""
    told = script["metadata"]
    left = told["hangup_party"] == "customer" and told["end_reason"] == "normal" and told["channels"] == 2
    return left and zlib.crc32(b"busy" + script["id"].encode()) % 2 == 0


def record(script: Mapping[str, Any], recording: str, duration_ms: int, busy: bool) -> dict[str, Any]:
    """The call's row of the CDR; with a busy tone to hear, the row leaves open who hung up."""
    told, r = script["metadata"], random.Random(script["id"])
    answered = told["answer_at"]
    before = answered or 0 if told["recording_starts"] == "ring" else 0
    started = datetime.fromisoformat(told["local_time"]) - timedelta(seconds=before)
    return {
        "call_id": script["id"],
        "recording": recording,
        "direction": told["direction"],
        "caller_number": told.get("caller_number") or f"1{r.choice('358')}000000{r.randrange(1000):03d}",
        "called_number": CALLED.get(script["pack"].split("-")[0], "550"),
        "department": told["department"],
        "team": script["pack"],
        "agent_id": told["agent_id"],
        "started_at": started.isoformat(),
        "answered": str(told["answered"]).lower(),
        "answered_ms": None if answered is None else round(answered * 1000),
        "ended_ms": round(told["hangup_at"] * 1000) if told["hangup_at"] else None,
        "duration_ms": duration_ms,
        "ring_ms": None if told["ring_seconds"] is None else round(told["ring_seconds"] * 1000),
        "hangup_by": None if busy else told["hangup_party"],
        "end_reason": told["end_reason"],
        "recording_starts": told["recording_starts"],
        "holds": json.dumps([[round(h["start"] * 1000), round(h["end"] * 1000)] for h in told["holds"]]),
        "transfers": json.dumps(
            [{"at_ms": round(t["at"] * 1000), **{k: v for k, v in t.items() if k != "at"}} for t in told["transfers"]],
            ensure_ascii=False,
        ),
    }


def truth(script: Mapping[str, Any], turns: list[Placed], judged: Mapping[str, Any]) -> dict[str, Any]:
    """What was said when, and what a person who read the script says of the five heart rules."""
    return {
        "call_id": script["id"],
        "hangup_by": script["metadata"]["hangup_party"],
        "turns": [
            {
                **{"speaker": t.speaker, "addressee": t.addressee, "channel": t.channel},
                **{"start_ms": t.start_ms, "end_ms": t.end_ms, "text": t.text, "char_ms": list(t.char_ms)},
            }
            for t in sorted(turns, key=lambda t: t.start_ms)
        ],
        "events": [
            {"kind": e["type"], "channel": e["channel"], "start_ms": round(e["start"] * 1000), "end_ms": round(e["end"] * 1000)}
            for e in script["events"]
        ],
        "expected": dict(judged),
        "expected_pack": script["expected"],
    }


def make(script: Mapping[str, Any], judged: Mapping[str, Any]) -> dict[str, Any]:
    """One call's recording and truth; its CDR row is returned."""
    turns = [place(script["id"], told, script["metadata"]["channels"]) for told in script["turns"]]
    busy = busy_at_end(script)
    samples = mix(script, turns, busy)
    suffix, codec = FORMATS[chosen_format(script)]
    path = CALLS / f"{script['id']}.{suffix}"
    write_audio(path, codec, samples)
    told = truth(script, turns, judged)
    written = yaml.safe_dump(told, allow_unicode=True, sort_keys=False, width=2**20, default_flow_style=None)
    (TRUTH / f"{script['id']}.yaml").write_text(written, "utf-8")
    return record(script, path.name, samples.shape[1] * 1000 // RATE, busy)


def main(only: list[str]) -> None:
    for folder in (CALLS, TRUTH):
        folder.mkdir(exist_ok=True)
    judged = yaml.safe_load((HERE / "heart_truth.yaml").read_text("utf-8"))
    scripts = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(SCRIPTS.glob("*.yaml"))]
    rows = [make(s, judged.get(s["id"], {})) for s in scripts if not only or s["id"] in only]
    if not only:
        with (CALLS / "cdr.csv").open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            table.writeheader()
            table.writerows(rows)


if __name__ == "__main__":
    main(sys.argv[1:])
