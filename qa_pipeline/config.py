"""`qa.toml`, read once into frozen values; names become parts (a model's name a recogniser) here and nowhere else."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from qa_pipeline import shipped
from qa_pipeline.errors import Place, QaError
from qa_pipeline.recordings.files import wrong_pair
from qa_pipeline.recordings.formats import HEADERLESS, declared
from qa_pipeline.recordings.records.mapping import RecordMapping, read_mapping
from qa_pipeline.recordings.records.record import COLUMNS, PhoneSystem
from qa_pipeline.recordings.roots import Roots
from qa_pipeline.settings import (
    Channels,
    Front,
    Keeping,
    Night,
    Packs,
    RecordingsSettings,
    RecordsSettings,
    ScorecardSettings,
)
from qa_pipeline.speech.backend import Asr, ModelError
from qa_pipeline.speech.diarisation import Diarisation
from qa_pipeline.speech.roles import RoleCues
from qa_pipeline.speech.tones import ToneError, TonePlan, read_cadences
from qa_pipeline.speech.vocabulary import Vocabulary

if TYPE_CHECKING:
    from qa_pipeline.dataset.store import Store
    from qa_pipeline.rules.pack import RulePack
    from qa_pipeline.speech.backend import Recogniser

FILE = "qa.toml"
DEMO = "demo"


class ConfigError(QaError):
    """`qa.toml` is not as it should be; the message lists every problem."""


@dataclass(frozen=True)
class Config:
    """A project folder and its settings. folders: named roots of recordings, by which stored calls remember their audio."""

    root: Path
    asr: Asr = field(default_factory=Asr)
    front: Front = field(default_factory=Front)
    night: Night = field(default_factory=Night)
    channels: Channels = field(default_factory=Channels)
    recordings: RecordingsSettings = field(default_factory=RecordingsSettings)
    records: RecordsSettings = field(default_factory=RecordsSettings)
    packs: Packs = field(default_factory=Packs)
    tones: TonePlan = field(default_factory=TonePlan)
    diarisation: Diarisation = field(default_factory=Diarisation)
    keeping: Keeping = field(default_factory=Keeping)
    scorecard: ScorecardSettings = field(default_factory=ScorecardSettings)
    folders: Mapping[str, str] = field(default_factory=dict)

    @property
    def roots(self) -> Roots:
        told = {name: self.root / folder for name, folder in self.folders.items()}
        return Roots({"project": self.root, "samples": shipped.sample_calls(), **told})

    @property
    def dataset(self) -> Store:
        """Where the tables lie: in the project's folder, or at `dataset.uri`. Raises DatasetError for an unknown URI."""
        from qa_pipeline.dataset.store import open_store, store_of

        return open_store(self.keeping.uri) if self.keeping.uri else store_of(self.root / "dataset")

    @property
    def people(self) -> Path:
        return self.root / "people.sqlite"

    @property
    def rules(self) -> Path:
        return self.root / "rules"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    @property
    def spool(self) -> Path:
        """Where samples lie while a run listens to them."""
        return self.root / ".spool"

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.records.tz)

    @property
    def phones(self) -> PhoneSystem:
        r = self.records
        agents = self.root / r.agents if r.agents else None
        return PhoneSystem(self.tz, re.compile(r.extensions), r.pattern, r.mapping, timedelta(seconds=r.within_s), agents)


SECTIONS: dict[str, Any] = {
    "asr": Asr,
    "front": Front,
    "night": Night,
    "channels": Channels,
    "recordings": RecordingsSettings,
    "records": RecordsSettings,
    "packs": Packs,
    "tones": TonePlan,
    "diarisation": Diarisation,
    "dataset": Keeping,
    "scorecard": ScorecardSettings,
}


KINDS: dict[type, tuple[type, ...]] = {float: (float, int)}
"""What else a value may be than its default's type."""
ATTRIBUTE = {"dataset": "keeping"}
"""Of Config, where it is not the section's name."""


def read_config(root: Path) -> Config:
    """Raises ConfigError naming every unknown key and wrong value, and where there is no project."""
    path = root / FILE
    if not path.is_file():
        said = f"no {FILE} here. Make a project with: qa init {shlex.quote(str(root))}   or name one with --project"
        raise ConfigError(said, Place(str(root.resolve())))
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise ConfigError(f"not valid TOML: {problem}", Place(str(path))) from problem
    problems: list[str] = []
    known = (*SECTIONS, "roots")
    problems += [f"unknown section [{name}]; there are {', '.join(known)}" for name in told if name not in known]
    tables, mappings = _take_tables(told), _take_mappings(told, problems)
    made = {name: _section(name, kind, told.get(name, {}), problems) for name, kind in SECTIONS.items()}
    made["asr"] = replace(made["asr"], options=tables)
    made["records"] = replace(made["records"], mapping=mappings)
    folders = _folders(told.get("roots", {}), problems)
    made["diarisation"] = _placed(made["diarisation"], root)
    problems += _wrong_values(made)
    problems += [f"diarisation.{problem}" for problem in made["diarisation"].problems()]
    if problems:
        raise ConfigError("; ".join(problems), Place(str(path)))
    return Config(root, **{ATTRIBUTE.get(name, name): value for name, value in made.items()}, folders=folders)


def _take_tables(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The tables under [asr]: each a backend's own, which it checks itself."""
    asr = told.get("asr")
    if not isinstance(asr, dict):
        return {}
    told["asr"] = {key: value for key, value in asr.items() if not isinstance(value, dict)}
    return {key: value for key, value in asr.items() if isinstance(value, dict)}


def _take_mappings(told: dict[str, Any], problems: list[str]) -> tuple[RecordMapping, ...]:
    """The tables under [records.mapping], one for each kind of file, in the order written."""
    records = told.get("records")
    if not isinstance(records, dict) or "mapping" not in records:
        return ()
    told["records"] = {key: value for key, value in records.items() if key != "mapping"}
    if not isinstance(records["mapping"], dict):
        problems.append(f"[records.mapping.NAME] is a section, found {records['mapping']!r}")
        return ()
    made = (read_mapping(name, how, problems) for name, how in records["mapping"].items())
    return tuple(mapping for mapping in made if mapping)


def _section(name: str, kind: Any, told: Any, problems: list[str]) -> Any:
    if not isinstance(told, dict):
        problems.append(f"[{name}] is a section, found {told!r}")
        return kind()
    plain, taken = kind(), {}
    known = {f.name: getattr(plain, f.name) for f in fields(kind) if f.name not in ("options", "mapping")}
    for key, value in told.items():
        if key not in known:
            problems.append(f"unknown key {name}.{key}; there are {', '.join(known)}")
        elif not _same_kind(value, known[key]):
            problems.append(f"{name}.{key}: expected {_kind(known[key])}, found {value!r}")
        else:
            taken[key] = value
    return kind(**taken)


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, Mapping):
        return isinstance(value, dict) and all(isinstance(v, str) for v in value.values())
    return isinstance(value, str) if default is None else type(value) in KINDS.get(type(default), (type(default),))


def _kind(default: Any) -> str:
    if isinstance(default, Mapping):
        return 'names in quotes, such as "前台" = "etiquette"'
    return "a text in quotes" if default is None else f"such as {default!r}"


def _folders(told: Any, problems: list[str]) -> Mapping[str, str]:
    if not isinstance(told, dict) or not all(isinstance(v, str) for v in told.values()):
        problems.append('[roots] names folders, such as nas = "/recordings"')
        return {}
    taken = ("file", "project", "samples")
    wrong = [name for name in told if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]+", name) or name in taken]
    problems += [f"roots.{name}: expected two or more letters, digits, - or _, other than {', '.join(taken)}" for name in wrong]
    return told


def _wrong_values(made: Mapping[str, Any]) -> list[str]:
    asr, records = made["asr"], made["records"]
    problems = [
        f"asr.{key}: expected 1 or more, found {getattr(asr, key)}" for key in ("batch", "beam") if getattr(asr, key) < 1
    ]
    if asr.threads < 0:
        problems.append(f"asr.threads: expected 0 or more, found {asr.threads}")
    problems += [f"front.processes: expected 0 or more, found {made['front'].processes}"] * (made["front"].processes < 0)
    problems += [f"front.timeout_s: expected 1 or more, found {made['front'].timeout_s}"] * (made["front"].timeout_s < 1)
    night = made["night"]
    for key, least in (("attempts", 1), ("per_agent", 0), ("min_free_gb", 0)):
        if getattr(night, key) < least:
            problems.append(f"night.{key}: expected {least} or more, found {getattr(night, key)}")
    choices = (
        ("asr.window", asr.window, ("full", "short")),
        ("asr.device", asr.device, ("auto", "cpu", "cuda")),
        ("night.order", night.order, ("oldest", "newest")),
    )
    problems += [f"{key}: expected one of {', '.join(of)}, found {value!r}" for key, value, of in choices if value not in of]
    if made["channels"].agent not in (0, 1):
        problems.append(f"channels.agent: expected 0 or 1, found {made['channels'].agent}")
    problems += _wrong_tones(made["tones"])
    try:
        ZoneInfo(records.tz)
    except (KeyError, ValueError, OSError):
        problems.append(f'records.tz: expected a zone such as "Asia/Shanghai", found {records.tz!r}')
    if records.within_s < 0:
        problems.append(f"records.within_s: expected 0 or more, found {records.within_s}")
    try:
        re.compile(records.extensions)
    except re.error as wrong:
        problems.append(f"records.extensions: not a regular expression: {wrong}")
    return problems + _wrong_pattern(records.pattern) + _wrong_recordings(made["recordings"])


def _wrong_recordings(told: RecordingsSettings) -> list[str]:
    problems = [f"recordings.pair: {wrong}"] if told.pair and (wrong := wrong_pair(told.pair)) else []
    for suffix, said in told.headerless.items():
        if not re.fullmatch(r"\.\w+", suffix):
            problems.append(f'recordings.headerless: expected a suffix such as ".ul", found {suffix!r}')
        if declared(said) is None:
            kinds = ", ".join(HEADERLESS)
            known = f'expected a codec ({kinds}), a rate and, if not 1, the channels, such as "mulaw 8000 2"'
            problems.append(f"recordings.headerless.{suffix}: {known}, found {said!r}")
    return problems


def _placed(told: Diarisation, root: Path) -> Diarisation:
    """With paths from the project's folder."""
    segmentation, embedding = (str(root / file) if file else "" for file in (told.segmentation, told.embedding))
    return replace(told, segmentation=segmentation, embedding=embedding)


def _wrong_tones(plan: TonePlan) -> list[str]:
    problems = []
    for kind, written in vars(plan).items():
        try:
            read_cadences(kind, written, 1)
        except ToneError as wrong:
            problems.append(f"tones.{kind}: {wrong}")
    return problems


def _wrong_pattern(pattern: str | None) -> list[str]:
    try:
        groups = re.compile(pattern or "").groupindex
    except re.error as wrong:
        return [f"records.pattern: not a regular expression: {wrong}"]
    if pattern is not None and not groups:
        return ["records.pattern: expected named groups such as (?P<call_id>[^_]+)"]
    unknown = [name for name in groups if name not in COLUMNS]
    return [f"records.pattern: unknown group {name}; there are {', '.join(sorted(COLUMNS))}" for name in unknown]


def make_recogniser(asr: Asr, vocabulary: Vocabulary | None = None) -> Recogniser:
    """The recogniser that `asr` names; nothing heavy is loaded before its first window.

    The demonstration model takes short windows, its stored precision and no prompt, whatever else is set.
    """
    from qa_pipeline.speech.recognisers import find_backend, installed

    strange = sorted(set(asr.options) - set(installed()))
    if strange:
        known = ", ".join(sorted(installed()))
        raise ModelError(f"[asr.{strange[0]}] in {FILE} is the table of no recogniser here; there are {known}")
    return find_backend(asr.backend).make(plain_asr(asr), vocabulary or Vocabulary())


def plain_asr(asr: Asr) -> Asr:
    """With the demonstration model as a folder and its own ways."""
    if asr.model != DEMO or asr.backend != "whisper":
        return asr
    precision = "int8" if asr.precision == "default" else asr.precision  # as it is stored
    return replace(asr, model=str(shipped.demo_model()), window="short", precision=precision, prompt="", hot_words=False)


def compile_vocabulary(packs: Mapping[str, RulePack], used: Packs) -> Vocabulary:
    """Names of three characters and more in the slots of the packs in use; shorter ones are everyday words.

    The longest first: a house's own names are long, the titles and departments that any model knows are short.
    """
    from qa_pipeline.rules.cues import role_patterns

    names = (name for pack in used.named if pack in packs for fills in packs[pack].slots.values() for name in fills)
    cues = RoleCues(**vars(role_patterns(packs.values())))
    told = dict.fromkeys(n for n in names if len(n) >= 3 and not n.isascii())
    return Vocabulary(tuple(sorted(told, key=lambda n: -len(n))), cues)


def pack_problems(packs: Packs, known: Sequence[str]) -> list[str]:
    """Packs that the settings name and the rules folder lacks."""
    strange = sorted(set(packs.named) - set(known))
    return [f"packs: {name!r} is not in rules/; there are {', '.join(known) or 'none'}" for name in strange]
