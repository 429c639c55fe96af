"""SenseVoice, Paraformer, Zipformer-CTC and kin through sherpa-onnx, from a model folder that the user supplies.

They hear a window in one pass, several times faster than Whisper, and better where their training was Chinese.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_pipeline.speech.backend import RATE, Asr, Check, Heard, ModelError, PlainEar, Window, failed
from qa_pipeline.speech.guards import guarded, spread

if TYPE_CHECKING:
    from qa_pipeline.speech.vocabulary import Vocabulary

INSTALL = "pip install 'qa-pipeline[sherpa]'"
VERSION = 1
PARTS = {  # of each kind: the arguments of sherpa-onnx's constructor, each with what its file's name holds
    "sense_voice": {"model": "model"},
    "paraformer": {"paraformer": "model"},
    "zipformer_ctc": {"model": ""},
    "telespeech_ctc": {"model": "model"},
    "dolphin_ctc": {"model": "model"},
    "fire_red_asr_ctc": {"model": "model"},
    "fire_red_asr": {"encoder": "encoder", "decoder": "decoder"},
    "whisper": {"encoder": "encoder", "decoder": "decoder"},
    "transducer": {"encoder": "encoder", "decoder": "decoder", "joiner": "joiner"},
}
NAMED = {  # what a release's folder is called, the narrower name first
    "sense-voice": "sense_voice",
    "sensevoice": "sense_voice",
    "paraformer": "paraformer",
    "telespeech": "telespeech_ctc",
    "dolphin": "dolphin_ctc",
    "fire-red-asr2-ctc": "fire_red_asr_ctc",
    "fire-red-asr": "fire_red_asr",
    "whisper": "whisper",
    "zipformer-ctc": "zipformer_ctc",
    "ctc": "zipformer_ctc",
}


@dataclass(frozen=True)
class SherpaModel:
    """kind: as in PARTS. files: by argument of the constructor, tokens among them."""

    kind: str
    files: tuple[tuple[str, Path], ...]
    provider: str = "cpu"


class Sherpa:
    """A Recogniser. Windows are heard one by one on several threads, so that no neighbour's padding changes an answer."""

    ear = PlainEar()

    def __init__(self, model: SherpaModel, threads: int = 0) -> None:
        self.model, self.threads = model, threads

    @cached_property
    def fingerprint(self) -> str:
        said = hashlib.sha256(f"{self.model.kind} {VERSION}".encode())
        for _, path in self.model.files:
            with path.open("rb") as file:
                said.update(hashlib.file_digest(file, "sha256").digest())
        return "sherpa-" + said.hexdigest()[:16]

    @cached_property
    def _recogniser(self) -> Any:
        return load(self.model)

    @property
    def _workers(self) -> int:
        if self.model.provider != "cpu":
            return 2
        return self.threads or (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)

    def recognise(self, windows: Sequence[Window]) -> list[Heard]:
        """See Recogniser."""
        if not windows:
            return []
        recogniser = self._recogniser
        longest_first = sorted(range(len(windows)), key=lambda i: -len(windows[i].sound))
        with ThreadPoolExecutor(self._workers) as pool:
            answers = pool.map(lambda i: _safely(recogniser, windows[i]), longest_first)
            by_window = dict(zip(longest_first, answers, strict=True))
        return [by_window[i] for i in range(len(windows))]


def _safely(recogniser: Any, window: Window) -> Heard:
    try:
        stream = recogniser.create_stream()
        stream.accept_waveform(RATE, window.sound)
        recogniser.decode_stream(stream)
        return _heard(stream.result, len(window.sound) * 1000 // RATE)
    except Exception as problem:
        return failed(problem)


def _heard(result: Any, ms: int) -> Heard:
    """`result`: sherpa-onnx's text, tokens, and each token's start in seconds (older models tell none)."""
    text = str(result.text)
    tokens, starts = [str(t) for t in result.tokens], [round(t * 1000) for t in result.timestamps]
    timed = len(starts) >= len(tokens) > 0
    times = timed_by_tokens(text, tokens, starts) if timed else spread(len(text), 0, ms)
    heard = guarded(text, times, None, ms)
    return heard if timed or heard.problem else Heard(heard.text, heard.char_ms, heard.confidence, None, "spread")


def timed_by_tokens(text: str, tokens: Sequence[str], starts: Sequence[int]) -> list[int]:
    """A time for each character of `text`: its token's, where the tokens spell it; else by its place among them.

    Tokens of Latin words carry ▁ or @@; byte tokens of a bilingual Zipformer do not spell the text at all.
    """
    times: list[int] = []
    at = 0
    for token, start in zip(tokens, starts, strict=False):
        said = token.replace("▁", "").replace("@@", "").strip()
        found = text.find(said, at, at + len(said) + 2) if said else -1
        if found >= 0:
            times += [start] * (found + len(said) - at)
            at = found + len(said)
    if at >= len(text) - 1:
        return times + [starts[-1]] * (len(text) - at)
    return [starts[i * len(tokens) // len(text)] for i in range(len(text))]


def find_model(asr: Asr) -> SherpaModel:
    """The kind and the files in the folder `asr.model`. Raises ModelError naming every problem."""
    folder, told = Path(asr.model).expanduser(), dict(asr.options.get("sherpa", {}))
    kind = told.pop("kind", "") or next((kind for name, kind in NAMED.items() if name in folder.name.lower()), "")
    problems = [f"unknown key asr.sherpa.{key}; there is kind" for key in told]
    if asr.model == "demo" or not folder.is_dir():
        problems.append(f"asr.model: expected the folder of a sherpa-onnx model, found {asr.model!r}")
    elif not kind and len(list(folder.glob("*joiner*.onnx"))):
        kind = "transducer"
    if kind not in PARTS:
        known = ", ".join(PARTS)
        problems.append(f'asr.sherpa.kind: expected one of {known}, found {kind!r}: write kind = "…" under [asr.sherpa]')
    if problems:
        raise ModelError("; ".join(problems))
    chosen = [("tokens", _tokens(folder))]
    chosen += [(argument, _part(folder, named, asr.precision)) for argument, named in PARTS[kind].items()]
    if lacking := [f"{argument}" for argument, path in chosen if path is None]:
        raise ModelError(f"{folder}: no file for {', '.join(lacking)} of a {kind} model")
    provider = "cuda" if asr.device == "cuda" else "cpu"
    return SherpaModel(kind, tuple((a, p) for a, p in chosen if p is not None), provider)


def _tokens(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("*tokens.txt"))), None)


def _part(folder: Path, named: str, precision: str) -> Path | None:
    """The int8 file where there is one, unless another precision is asked for."""
    found = sorted(p for p in folder.glob("*.onnx") if named in p.name)
    small = [p for p in found if "int8" in p.name]
    wide = [p for p in found if p not in small]
    order = [*small, *wide] if precision in ("default", "auto") or precision.startswith("int8") else [*wide, *small]
    return order[0] if order else None


def load(model: SherpaModel) -> Any:
    """sherpa-onnx's recogniser. A file that is no such model ends the process, as sherpa-onnx does: ask `qa doctor` first."""
    import sherpa_onnx

    files = {argument: str(path) for argument, path in model.files}
    how: dict[str, Any] = {"num_threads": 1, "provider": model.provider}
    if model.kind == "sense_voice":
        how |= {"language": "zh", "use_itn": True}
    if model.kind == "whisper":
        how |= {"language": "zh", "task": "transcribe"}
    try:
        return getattr(sherpa_onnx.OfflineRecognizer, f"from_{model.kind}")(**files, **how)
    except Exception as problem:
        raise ModelError(f"the {model.kind} model in {model.files[0][1].parent} cannot be loaded: {problem}") from problem


def make(asr: Asr, vocabulary: Vocabulary) -> Sherpa:
    """Of the vocabulary these models take nothing. Raises ModelError."""
    if find_spec("sherpa_onnx") is None:
        raise ModelError(f"asr.backend sherpa needs sherpa-onnx: {INSTALL}")
    return Sherpa(find_model(asr), asr.threads)


def check(asr: Asr) -> list[Check]:
    """A model is loaded in a process of its own: one that is none would end this one."""
    if find_spec("sherpa_onnx") is None:
        return [Check("sherpa", "missing", "sherpa-onnx is not installed", INSTALL)]
    from importlib.metadata import version

    found = [Check("sherpa", "ok", f"sherpa-onnx {version('sherpa-onnx')}")]
    if asr.backend != "sherpa":
        return found
    try:
        model = find_model(asr)
    except ModelError as problem:
        return [*found, Check("model", "wrong", problem.message, "see docs/speech-models.md")]
    return [*found, _loads(asr, model)]


def _loads(asr: Asr, model: SherpaModel) -> Check:
    script = "import pickle, sys; from qa_pipeline.speech.sherpa import load; load(pickle.load(sys.stdin.buffer))"
    import pickle

    env = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    done = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(model), capture_output=True, timeout=300, env=env)
    names = ", ".join(path.name for _, path in model.files)
    if done.returncode == 0:
        return Check("model", "ok", f"{asr.model}: {model.kind}, {names}")
    said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
    return Check(
        "model", "wrong", f"{asr.model}: {names} do not load as {model.kind}: {said[-1][:200] if said else 'no word why'}"
    )
