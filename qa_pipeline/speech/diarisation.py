"""Who speaks when on a channel that several share: sherpa-onnx with segmentation and voice models that the user supplies.

It tells voices apart and names none; whose voice is the agent's is told by the words (`roles`), where they tell it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_pipeline.speech.activity import Stretch

if TYPE_CHECKING:
    from qa_pipeline.speech.channel import Channel

INSTALL = "pip install 'qa-pipeline[sherpa]'"
LEAST_MS = 200
"""A piece of speech shorter than this goes with its neighbour: models blur a change of speakers by as much."""


@dataclass(frozen=True)
class Diarisation:
    """segmentation: a pyannote segmentation model. embedding: a voice model (3D-Speaker, WeSpeaker, NeMo). Both are ONNX files
    in sherpa-onnx's form; "": calls of one channel stay without speakers. speakers: how many talk, 0 where it is not known."""

    segmentation: str = ""
    embedding: str = ""
    speakers: int = 2

    @property
    def wanted(self) -> bool:
        return bool(self.segmentation or self.embedding)

    def problems(self) -> list[str]:
        """What is wrong with it here, each with what to do."""
        if not self.wanted:
            return []
        found = [] if find_spec("sherpa_onnx") else [f"sherpa-onnx is not installed: {INSTALL}"]
        for name in ("segmentation", "embedding"):
            path = getattr(self, name)
            if not path:
                found.append(f"{name}: expected an ONNX file, found nothing; both models are needed")
            elif not Path(path).is_file():
                found.append(f"{name}: there is no file {path}")
        if not 0 <= self.speakers <= 10:
            found.append(f"speakers: expected 0 to 10, found {self.speakers}")
        return found


def part_speakers(channel: Channel, speech: Sequence[Stretch], settings: Diarisation) -> list[list[Stretch]]:
    """The stretches of speech of each voice, cut where another begins. The whole channel is in memory as float32 meanwhile.

    Where the models hear nobody, speech goes to the voice that is nearest in time.
    """
    if not speech:
        return []
    heard = _diariser(settings).process(channel.wide(0, channel.length_ms)).sort_by_start_time()
    voiced = [(Stretch(round(s.start * 1000), round(s.end * 1000)), int(s.speaker)) for s in heard]
    if not voiced:
        return [list(speech)]
    parts: dict[int, list[Stretch]] = {}
    for stretch in speech:
        for piece, speaker in _parted(stretch, voiced):
            parts.setdefault(speaker, []).append(piece)
    return [parts[speaker] for speaker in sorted(parts)]


def _parted(stretch: Stretch, voiced: Sequence[tuple[Stretch, int]]) -> list[tuple[Stretch, int]]:
    """The stretch cut into pieces of one voice each, in order, without a gap."""
    inside = [(s, who) for s, who in voiced if s.start_ms < stretch.end_ms and stretch.start_ms < s.end_ms]
    if not inside:
        nearest = min(voiced, key=lambda v: max(v[0].start_ms - stretch.end_ms, stretch.start_ms - v[0].end_ms))
        return [(stretch, nearest[1])]
    pieces = [(stretch.start_ms, inside[0][1])]
    for (before, who), (after, other) in pairwise(inside):
        border = (before.end_ms + after.start_ms) // 2
        if other != who and border - pieces[-1][0] >= LEAST_MS and stretch.end_ms - border >= LEAST_MS:
            pieces.append((border, other))
    ends = [start for start, _ in pieces[1:]] + [stretch.end_ms]
    return [(Stretch(start, end), who) for (start, who), end in zip(pieces, ends, strict=True)]


@lru_cache(1)
def _diariser(settings: Diarisation) -> Any:
    """Loaded once a process, with one thread, as the front end has a process for each core."""
    import sherpa_onnx as so

    pyannote = so.OfflineSpeakerSegmentationPyannoteModelConfig(model=settings.segmentation)
    config = so.OfflineSpeakerDiarizationConfig(
        segmentation=so.OfflineSpeakerSegmentationModelConfig(pyannote=pyannote, num_threads=1),
        embedding=so.SpeakerEmbeddingExtractorConfig(model=settings.embedding, num_threads=1),
        clustering=so.FastClusteringConfig(num_clusters=settings.speakers or -1),
    )
    if not config.validate():
        raise ValueError(f"sherpa-onnx cannot use {settings.segmentation} and {settings.embedding} for telling speakers apart")
    return so.OfflineSpeakerDiarization(config)
