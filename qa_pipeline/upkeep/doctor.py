"""What is usable on this machine, what is missing, and the command that installs it. Changes nothing, reads no recording."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from qa_pipeline.config import DEMO, FILE, Config, pack_problems, plain_asr, read_config
from qa_pipeline.errors import QaError
from qa_pipeline.speech.backend import Asr, Check

FULL_GB, LOW_GB = 1, 10
DEMO_OUT = 'for real calls asr.model = "large-v3-turbo", or another backend: docs/speech-models.md'
CODECS = {  # by what a phone system calls it, FFmpeg's decoders for it
    "WAV": ("pcm_s16le", "pcm_alaw", "pcm_mulaw", "adpcm_ima_wav"),
    "GSM": ("gsm", "gsm_ms"),
    "G.722": ("g722",),
    "MP3": ("mp3float", "mp3"),
    "Opus": ("opus", "libopus"),
    "AAC": ("aac",),
    "AMR": ("libopencore_amrnb", "libopencore_amrwb", "amrnb", "amrwb"),
    "Speex": ("libspeex", "speex"),
    "FLAC": ("flac",),
}


@dataclass(frozen=True)
class Section:
    """title: what was looked at."""

    title: str
    checks: tuple[Check, ...]


def examine(root: Path) -> list[Section]:
    """Of this machine, the project in `root` if there is one, its recogniser, and the other recognisers installed."""
    project, config = _project(root)
    asr = config.asr if config else Asr()
    return [
        Section("this machine", tuple(_machine(root))),
        Section("project", tuple(project)),
        Section(f"recogniser {asr.backend}", tuple(_chosen(asr))),
        Section("other recognisers", tuple(_others(asr))),
    ]


def healthy(sections: list[Section]) -> bool:
    """Nothing is wrong; what is merely not installed is not wrong."""
    return not any(check.state == "wrong" for section in sections for check in section.checks)


def _machine(root: Path) -> Iterator[Check]:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = f"qa-pipeline {version('qa-pipeline')}, Python {platform.python_version()}, {cores} processor cores"
    yield Check("machine", "ok", told)
    there = next(p for p in (root.resolve(), *root.resolve().parents) if p.exists())
    free = shutil.disk_usage(there).free / 1e9
    state = "wrong" if free < FULL_GB else "note" if free < LOW_GB else "ok"
    yield Check("disk", state, f"{free:.0f} GB free at {there}", "" if state == "ok" else f"a night may need {LOW_GB} GB")
    yield _codecs()


def _codecs() -> Check:
    try:
        import av
    except ImportError as problem:
        return Check("codecs", "wrong", f"PyAV cannot be loaded: {problem}", "pip install --force-reinstall av")
    here = av.codecs_available
    lacking = [name for name, any_of in CODECS.items() if not any(codec in here for codec in any_of)]
    if lacking:
        remedy = "pip install --force-reinstall av (its own wheel has them)"
        return Check("codecs", "missing", f"PyAV {av.__version__} cannot read {', '.join(lacking)}", remedy)
    return Check("codecs", "ok", f"PyAV {av.__version__} reads {', '.join(CODECS)}")


def _project(root: Path) -> tuple[list[Check], Config | None]:
    if not (root / FILE).is_file():
        said = f"no {FILE} in {root.resolve()}: the defaults are looked at"
        return [Check("settings", "note", said, f"qa init {root}")], None
    try:
        config = read_config(root)
    except QaError as problem:
        return [Check("settings", "wrong", str(problem), f"mend {root / FILE}")], None
    return [Check("settings", "ok", str(root / FILE)), _packs(config), *_folders(config.folders, root)], config


def _packs(config: Config) -> Check:
    from qa_pipeline.rules.pack import load_packs

    try:
        packs = load_packs(config.rules)
    except (QaError, OSError) as problem:
        return Check("rule packs", "wrong", str(problem), "qa rules check")
    if problems := pack_problems(config.packs, sorted(packs)):
        return Check("rule packs", "wrong", "; ".join(problems), f"mend [packs] in {FILE}, or add the pack")
    rules = sum(len(pack.rules) for pack in packs.values())
    return Check("rule packs", "ok", f"{rules} rules in {len(packs)} packs: {', '.join(sorted(packs))}")


def _folders(folders: Mapping[str, str], root: Path) -> Iterator[Check]:
    for name, folder in folders.items():
        there = (root / folder).is_dir()
        remedy = "" if there else f"mount it, or mend [roots] in {FILE}"
        yield Check(f"root {name}", "ok" if there else "wrong", folder if there else f"{folder} is not there", remedy)


def _chosen(asr: Asr) -> list[Check]:
    from qa_pipeline.speech.recognisers import find_backend

    try:
        found = find_backend(asr.backend).check(plain_asr(asr))
    except QaError as problem:
        return [Check("recogniser", "wrong", str(problem), f"mend asr.backend in {FILE}")]
    if asr.backend == "whisper" and asr.model == DEMO:
        found.append(Check("demo", "note", "asr.model is the demonstration model: it knows only the samples' voices", DEMO_OUT))
    return found


def _others(asr: Asr) -> Iterator[Check]:
    from qa_pipeline.speech.recognisers import find_backend, installed

    for name in sorted(set(installed()) - {asr.backend}):
        try:
            yield from find_backend(name).check(asr)[:1]
        except Exception as problem:  # another package's
            yield Check(name, "missing", str(problem), "mend or remove the package that brings it")
