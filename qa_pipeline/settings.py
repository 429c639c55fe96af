"""What each section of qa.toml says, with its defaults; and the commented file that `qa init` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from qa_pipeline.recordings.files import PAIR
from qa_pipeline.recordings.formats import Headerless, declared
from qa_pipeline.recordings.records.mapping import RecordMapping


@dataclass(frozen=True)
class Front:
    """The processes that decode and listen. processes: 0 for one a core. timeout_s: for one recording."""

    processes: int = 0
    timeout_s: int = 600


@dataclass(frozen=True)
class Night:
    """attempts: how often a recording that fails and is not touched is tried unasked. order: newest or oldest calls first.
    per_agent: of each agent's calls of a date at most so many, 0 for all. min_free_gb: of disk, for a run to begin."""

    attempts: int = 3
    order: str = "oldest"
    per_agent: int = 0
    min_free_gb: float = 1.0


@dataclass(frozen=True)
class Channels:
    """agent: the channel (0 left, 1 right) of the agent in two-channel recordings."""

    agent: int = 0


@dataclass(frozen=True)
class RecordingsSettings:
    """pair: a regular expression over file names without suffix, for the two sides of a call in two files; "": there are none.
    headerless: codec, rate and channels of files without a header, by suffix; never guessed."""

    pair: str = PAIR
    headerless: Mapping[str, str] = field(default_factory=dict)

    @property
    def formats(self) -> Mapping[str, Headerless]:
        told = {suffix.lower(): declared(said) for suffix, said in self.headerless.items()}
        return {suffix: form for suffix, form in told.items() if form}


@dataclass(frozen=True)
class RecordsSettings:
    """tz: the zone of times without one. pattern: a regular expression with named groups over file names, for calls without
    a record. extensions: which numbers are agents' phones. within_s: how far a file name's time may lie from a record's.
    agents: a CSV of agents' names and teams. unanswered: whether calls that nobody took, without a recording, are judged.
    """

    tz: str = "Asia/Shanghai"
    pattern: str | None = None
    extensions: str = r"\d{3,5}"
    within_s: int = 3
    agents: str | None = None
    unanswered: bool = True
    mapping: tuple[RecordMapping, ...] = ()


@dataclass(frozen=True)
class Packs:
    """Which pack judges a call: the first match among folder, called number, department; else `default`."""

    default: str = "etiquette"
    folders: Mapping[str, str] = field(default_factory=dict)
    called_numbers: Mapping[str, str] = field(default_factory=dict)
    departments: Mapping[str, str] = field(default_factory=dict)

    @property
    def named(self) -> tuple[str, ...]:
        """Every pack that may judge a call, the default first."""
        mapped = (*self.folders.values(), *self.called_numbers.values(), *self.departments.values())
        return tuple(dict.fromkeys((self.default, *mapped)))

    def of(self, folder: Path, called_number: str | None, department: str | None) -> str:
        for name in (folder.name, *(p.name for p in folder.parents)):
            if name in self.folders:
                return self.folders[name]
        by_number = self.called_numbers.get(called_number or "")
        return by_number or self.departments.get(department or "") or self.default


@dataclass(frozen=True)
class ScorecardSettings:
    """pass_mark: percent from which a call is good enough."""

    pass_mark: float = 80.0


@dataclass(frozen=True)
class Keeping:
    """uri: where the dataset lies, if not in the project's folder, such as "s3://bucket/calls"."""

    uri: str | None = None


TEMPLATE = """\
# A call-quality project. Every key is shown with its default.

[asr]                 # which words: see docs/speech-models.md; what is usable here: qa doctor
backend = "whisper"   # "sherpa" (SenseVoice, Paraformer, Zipformer), "http" (your own server), or an installed one
model = "demo"        # "demo": synthetic sample voices only. Real calls: "large-v3-turbo" or a folder
window = "full"       # "full": 30 s, right for every stock Whisper; "short": only for models trained on short windows
device = "auto"       # "cpu", "cuda", "auto"
precision = "default" # CTranslate2's compute type, such as "int8", "float16"
threads = 0           # 0: as many as CTranslate2 likes
batch = 16            # windows recognised at once; of those of up to 6 s twice as many
beam = 5
# prompt = ""         # what Whisper is told beforehand; default 以下是普通话的句子。 (demo: none)
hot_words = true      # tell Whisper the names in the packs' slots (demo: never)

[front]               # decoding and speech detection, in processes beside the recogniser
processes = 0         # 0: one a core
timeout_s = 600       # a recording that takes longer fails as timed_out; the others go on

[night]
attempts = 3          # a recording that failed so often, and was not touched since, waits for: qa retry
order = "oldest"      # which calls first: "oldest" or "newest"
per_agent = 0         # at most so many calls of an agent a day, always the same ones; 0: all
min_free_gb = 1.0     # with less disk free, a run does not begin

[channels]
agent = 0             # the agent's channel: 0 left, 1 right

[recordings]          # two files for one call: its sides by the ends of their names, channel 0 first; "" for none
pair = '^(?P<call>.+)[-_](?:(?P<first>in|rx)|(?P<second>out|tx))$'
[recordings.headerless] # files without a header, by suffix: ".ul" = "mulaw 8000", ".sln16" = "s16 16000", ".al" = "alaw 8000 2"

[records]             # call records beside the recordings: cdr.csv, Asterisk, FreeSWITCH, JSON; see docs/call-records.md
tz = "Asia/Shanghai"  # zone of times that name none
extensions = '\\d{3,5}' # numbers that are agents' phones
within_s = 3          # seconds that a file name's time may lie from its record's
unanswered = true     # keep and judge calls that nobody took, too
# agents = "agents.csv"  # agent_id (工号), name (姓名), team (班组), valid_from, valid_to
# pattern = '(?P<call_id>[^_]+)_(?P<started_at>\\d{14})'   # file names of calls without a record; groups as cdr.csv's columns

# [records.mapping.crm]  # anybody's CSV or JSON: their column = ours
# files = "export-*.csv"
# columns = { "通话编号" = "call_id", "振铃秒数" = { to = "ring_ms", unit = "s" } }

[packs]
default = "etiquette"
[packs.folders]        # "hotel" = "etiquette"
[packs.called_numbers] # "4008001234" = "etiquette"
[packs.departments]    # "前台" = "etiquette"

[scorecard]
pass_mark = 80.0      # percent from which a call is good enough

[tones]               # what the exchange plays, as Asterisk's indications.conf writes it; | between alternatives. China's:
ringback = "450/1000,0/4000"
busy_tone = "450/350,0/350"
congestion_tone = "450/700,0/700"
dial_tone = "450/0"
info_tone = "450/100,0/100,450/100,0/100,450/100,0/100,450/400,0/400"   # no such number

[diarisation]         # calls on one channel: whose turn is whose, by models of yours in sherpa-onnx's form (docs/listening.md)
segmentation = ""     # a pyannote segmentation model, such as "models/segmentation.onnx"
embedding = ""        # a voice model: 3D-Speaker, WeSpeaker, NeMo
speakers = 2          # 0: not known

[dataset]
# uri = "s3://bucket/calls?endpoint_override=storage.example:9000"   # else dataset/ here; keys come from the environment

[roots]                # folders by name: stored calls then say "nas:2024/05/14/001.wav", and the archive may move
# nas = "/recordings"
"""
