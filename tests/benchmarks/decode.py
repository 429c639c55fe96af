"""What decoding costs: seconds of call per CPU-second, and memory for hours of call, beside faster-whisper's `decode_audio`.

    python tests/benchmarks/decode.py [--hours H]

Each file is decoded in a process of its own; both ways read the same files, two channels where there are two.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from qa_pipeline.recordings.decode import Recording, decode
from qa_pipeline.recordings.files import one_file
from tests.encoded import encode, spoken_samples

FORMATS = {
    "pcm.wav": ("pcm_s16le", 8000, 0),
    "alaw.wav": ("pcm_alaw", 8000, 0),
    "a.mp3": ("libmp3lame", 8000, 32000),
    "a.opus": ("libopus", 48000, 32000),
    "a.m4a": ("aac", 8000, 32000),
    "a.flac": ("flac", 8000, 0),
}


def ours(path: Path) -> None:
    with tempfile.TemporaryDirectory() as spool:
        made = decode(one_file(path), Path(spool))
        assert isinstance(made, Recording), made


def theirs(path: Path) -> None:
    from faster_whisper import decode_audio

    decode_audio(str(path), split_stereo=True)


def measured(way: str, path: Path) -> tuple[float, float]:
    """CPU-seconds of decoding alone, and MB of memory at the most beyond what was loaded before."""
    done = subprocess.run([sys.executable, __file__, "--one", way, str(path)], stdout=subprocess.PIPE, text=True, check=True)
    seconds, megabytes = done.stdout.split()
    return float(seconds), float(megabytes)


def one(way: str, path: Path) -> None:
    import av  # noqa: F401  # as both ways need it

    if way == "theirs":
        import faster_whisper  # noqa: F401
    before, start = most_memory(), time.process_time()
    {"ours": ours, "theirs": theirs}[way](path)
    print(time.process_time() - start, (most_memory() - before) / 1024)


def most_memory() -> int:
    """kB that this process ever had at once (Linux)."""
    told = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return int(told[1]) if told else 0


def main(words: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--hours", type=float, default=1)
    parser.add_argument("--formats", nargs="*", default=list(FORMATS))
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    told = parser.parse_args(words)
    if told.one:
        one(told.one[0], Path(told.one[1]))
        return
    minute = spoken_samples()[:, : 60 * 8000]
    seconds = {"ten minutes": 600, f"{told.hours:g} hours": round(told.hours * 3600)}
    print("decoding, two channels: seconds of call per CPU-second, and MB beyond what is loaded; decode_audio's in brackets")
    with tempfile.TemporaryDirectory() as folder:
        for name in told.formats:
            codec, rate, bits = FORMATS[name]
            row = []
            for title, length in seconds.items():
                path = Path(folder, name)
                encode(path, np.tile(minute, length // 60), codec, rate, bits)
                (own, memory), (other, their_memory) = measured("ours", path), measured("theirs", path)
                speed = f"{length / own:6.0f} [{length / other:5.0f}] s/s, {memory:4.0f} [{their_memory:5.0f}] MB"
                row.append(f"{title}: {speed}")
                path.unlink()
            print(f"  {name:9} {';  '.join(row)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
