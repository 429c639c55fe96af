"""`qa.toml`, read once into frozen values; names become parts (a model's name a recogniser) here and nowhere else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from qa_pipeline import shipped
from qa_pipeline.errors import Place, QaError

if TYPE_CHECKING:
    from qa_pipeline.speech.backend import Recogniser

FILE = "qa.toml"
DEMO = "demo"


class ConfigError(QaError):
    """`qa.toml` is not as it should be; the message lists every problem."""


@dataclass(frozen=True)
class Asr:
    """model: "demo", a size that faster-whisper knows, or a folder. window: "full" (30 s, any Whisper) or "short"."""

    model: str = DEMO
    window: str = "full"
    device: str = "auto"
    precision: str = "default"
    threads: int = 0
    batch: int = 16
    beam: int = 3


@dataclass(frozen=True)
class Channels:
    """agent: the channel (0 left, 1 right) of the agent in two-channel recordings."""

    agent: int = 0


@dataclass(frozen=True)
class RecordsSettings:
    """tz: the zone of times without one. pattern: a regular expression with named groups over file names, for calls
    without a record."""

    tz: str = "Asia/Shanghai"
    pattern: str | None = None


@dataclass(frozen=True)
class Packs:
    """Which pack judges a call: the first match among folder, called number, department; else `default`."""

    default: str = "etiquette"
    folders: Mapping[str, str] = field(default_factory=dict)
    called_numbers: Mapping[str, str] = field(default_factory=dict)
    departments: Mapping[str, str] = field(default_factory=dict)

    def of(self, folder: Path, called_number: str | None, department: str | None) -> str:
        for name in (folder.name, *(p.name for p in folder.parents)):
            if name in self.folders:
                return self.folders[name]
        by_number = self.called_numbers.get(called_number or "")
        return by_number or self.departments.get(department or "") or self.default


@dataclass(frozen=True)
class Config:
    """A project folder and its settings."""

    root: Path
    asr: Asr = field(default_factory=Asr)
    channels: Channels = field(default_factory=Channels)
    records: RecordsSettings = field(default_factory=RecordsSettings)
    packs: Packs = field(default_factory=Packs)

    @property
    def dataset(self) -> Path:
        return self.root / "dataset"

    @property
    def rules(self) -> Path:
        return self.root / "rules"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.records.tz)


def read_config(root: Path) -> Config:
    """Raises ConfigError naming every unknown key and wrong value, and where there is no project."""
    path = root / FILE
    if not path.is_file():
        raise ConfigError(f"no {FILE} here. Make a project with `qa init {root}`, or name one with --project", Place(str(root)))
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"not valid TOML: {problem}", Place(str(path))) from problem
    sections = {"asr": Asr, "channels": Channels, "records": RecordsSettings, "packs": Packs}
    problems = [f"unknown section [{name}]; there are {', '.join(sections)}" for name in told if name not in sections]
    made = {name: _section(name, kind, told.get(name, {}), problems) for name, kind in sections.items()}
    problems += _wrong_values(made)
    if problems:
        raise ConfigError("; ".join(problems), Place(str(path)))
    return Config(root, **made)


def _section(name: str, kind: Any, told: Any, problems: list[str]) -> Any:
    if not isinstance(told, dict):
        problems.append(f"[{name}] is a section, found {told!r}")
        return kind()
    plain, taken = kind(), {}
    for key, value in told.items():
        known = {f.name: getattr(plain, f.name) for f in fields(kind)}
        if key not in known:
            problems.append(f"unknown key {name}.{key}; there are {', '.join(known)}")
        elif known[key] is not None and not _same_kind(value, known[key]):
            problems.append(f"{name}.{key} is like {known[key]!r}, found {value!r}")
        else:
            taken[key] = value
    return kind(**taken)


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, Mapping):
        return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
    return type(value) is type(default)


def _wrong_values(made: Mapping[str, Any]) -> list[str]:
    problems = []
    if made["asr"].window not in ("full", "short"):
        problems.append(f'asr.window is "full" or "short", found {made["asr"].window!r}')
    if made["channels"].agent not in (0, 1):
        problems.append(f"channels.agent is 0 or 1, found {made['channels'].agent}")
    try:
        ZoneInfo(made["records"].tz)
    except (KeyError, ValueError, OSError):
        problems.append(f'records.tz is a zone such as "Asia/Shanghai", found {made["records"].tz!r}')
    try:
        re.compile(made["records"].pattern or "")
    except re.error as wrong:
        problems.append(f"records.pattern is not a regular expression: {wrong}")
    return problems


def make_recogniser(asr: Asr) -> Recogniser:
    """The recogniser that `asr` names; nothing heavy is loaded before its first window."""
    from qa_pipeline.speech.whisper import Whisper, WhisperSettings

    demo = asr.model == DEMO
    model, window = (str(shipped.demo_model()), "short") if demo else (asr.model, asr.window)
    return Whisper(WhisperSettings(model, window, asr.device, asr.precision, asr.threads, asr.batch, asr.beam))


def pack_problems(packs: Packs, known: Sequence[str]) -> list[str]:
    """Packs that the settings name and the rules folder lacks."""
    named = {packs.default, *packs.folders.values(), *packs.called_numbers.values(), *packs.departments.values()}
    return [f"packs: {name!r} is not in rules/; there are {', '.join(known) or 'none'}" for name in sorted(named - set(known))]


TEMPLATE = """\
# A call-quality project. Every key is shown with its default.

[asr]
model = "demo"        # "demo": synthetic sample voices only. Real calls: "large-v3-turbo" or a folder
window = "full"       # "full": 30 s, right for every stock Whisper; "short": only for models trained on short windows
device = "auto"       # "cpu", "cuda", "auto"
precision = "default" # CTranslate2's compute type, such as "int8", "float16"
threads = 0           # 0: as many as CTranslate2 likes
batch = 16            # windows recognised at once
beam = 3

[channels]
agent = 0             # the agent's channel: 0 left, 1 right

[records]             # call records: cdr.csv or *.cdr.csv beside the recordings
tz = "Asia/Shanghai"  # zone of times that name none
# pattern = '(?P<call_id>[^_]+)_(?P<started_at>\\d{14})'   # file names of calls without a record

[packs]
default = "etiquette"
[packs.folders]        # "hotel" = "etiquette"
[packs.called_numbers] # "4008001234" = "etiquette"
[packs.departments]    # "前台" = "etiquette"
"""
