"""Whisper checkpoints through CTranslate2's documented calls: encode, generate, align.

faster-whisper's own batched pipeline joins turns up to 30 s and loses their order, or pads every turn to 30 s. Here each
window is as long as its speech where the checkpoint allows that (`window = "short"`; the demonstration model does); else
windows of one call share 30 s, and are told apart by the times of their characters.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qa_pipeline.speech.backend import Asr, Check, Heard, ModelError, Window, failed
from qa_pipeline.speech.checkpoint import WEIGHTS, Checkpoint, find_checkpoint, load_checkpoint
from qa_pipeline.speech.guards import Told, guarded, loops, told_of
from qa_pipeline.speech.mel import FRAME_MS, FULL_FRAMES, SHORT_MS, WhisperEar, ear_of
from qa_pipeline.speech.passes import Pass, join, joined, pack, part, worth

if TYPE_CHECKING:
    from qa_pipeline.speech.vocabulary import Vocabulary

PROMPT = "以下是普通话的句子。"  # simplified characters, with marks (openai/whisper discussion 277)
PROVEN_MS = 1000  # of speech, before a window is told a prompt: over less, Whisper reads the prompt back
TOKEN_MS = 20
DOUBT = {"full": 0.5, "short": 0.9}  # below: a second look; dear where every half costs 30 s, cheap where windows are short
NO_SPEECH, UNLIKELY = 0.6, -1.0  # the thresholds of OpenAI's Whisper
BUCKETS: dict[
    str, tuple[int, ...]
] = {  # frames; what falls into one bucket shares batches and, where windows are short, its length
    "full": (500, 1000, 2000, 3000),
    "short": (*range(100, 1000, 100), *range(1000, 2000, 200), *range(2000, 3001, 250)),
}
LONGEST = 448
NGRAM = 6  # tokens that a loop may not say twice, in the last look
VERSION = 3  # of everything here that can change a text


@dataclass(frozen=True)
class WhisperSettings:
    """`model`: a size that faster-whisper knows, or a folder. `window`: "full" (30 s) or "short"."""

    model: str
    window: str = "full"
    device: str = "auto"
    precision: str = "default"
    threads: int = 0
    batch: int = 16
    beam: int = 1
    told: Told = field(default_factory=Told)


@dataclass(frozen=True)
class Look:
    """How windows are listened to: with the prompt where speech is proven, or steadied against loops."""

    prompted: bool = True
    steady: bool = False


class Whisper:
    """A Recogniser. Nothing is loaded before the first window."""

    def __init__(self, settings: WhisperSettings) -> None:
        self.settings = settings

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the model and with every setting that can change the text."""
        said = {k: v for k, v in asdict(self.settings).items() if k not in ("threads", "batch", "device")}
        said["version"] = VERSION
        weights = Path(self.settings.model) / WEIGHTS
        if weights.is_file():
            with weights.open("rb") as file:
                said["model"] = hashlib.file_digest(file, "sha256").hexdigest()
        return "whisper-" + hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def ear(self) -> WhisperEar:
        return ear_of(find_checkpoint(self.settings.model), self.settings.window)

    @cached_property
    def _checkpoint(self) -> Checkpoint:
        s = self.settings
        return load_checkpoint(s.model, s.device, s.precision, s.threads)

    def recognise(self, windows: Sequence[Window]) -> list[Heard]:
        """See Recogniser. What is doubtful is looked at again, alone among its like, and the likelier answer kept."""
        full = self.settings.window == "full"
        groups = pack(windows) if full else [[i] for i in range(len(windows))]
        passes = [join([windows[i] for i in group]) for group in groups]
        heard = self._listen(passes, Look())
        self._again(passes, heard, self._prompted_in_vain, lambda again: self._listen(again, Look(prompted=False)))
        self._again(passes, heard, _spoilt, self._apart)
        self._again(passes, heard, self._doubtful, self._in_halves)
        self._again(passes, heard, _running_on, lambda again: self._listen(again, Look(False, steady=True)))
        answers: dict[int, Heard] = {}
        for group, one, said in zip(groups, passes, heard, strict=True):
            answers |= zip(group, part(said, [windows[i] for i in group], one.starts), strict=True)
        return [answers[i] for i in range(len(windows))]

    def _again(
        self,
        passes: Sequence[Pass],
        heard: list[Heard],
        wanting: Callable[[Pass, Heard], bool],
        listen: Callable[[list[Pass]], list[Heard]],
    ) -> None:
        """Replaces in `heard` what is wanting and turns out likelier on another look."""
        chosen = [i for i, (one, said) in enumerate(zip(passes, heard, strict=True)) if wanting(one, said)]
        for i, said in zip(chosen, listen([passes[i] for i in chosen]), strict=True):
            heard[i] = max(heard[i], said, key=worth)

    def _proven(self, one: Pass) -> bool:
        return bool(self.settings.told.text) and one.speech_ms >= PROVEN_MS

    def _prompted_in_vain(self, one: Pass, heard: Heard) -> bool:
        return self._proven(one) and heard.problem is not None

    def _doubtful(self, one: Pass, heard: Heard) -> bool:
        unsure = heard.confidence is not None and heard.confidence < DOUBT[self.settings.window]
        return one.cut is not None and (unsure or _running_on(one, heard) or loops(heard.text))

    def _in_halves(self, passes: list[Pass]) -> list[Heard]:
        cuts = [one.cut or 0 for one in passes]
        halves = self._listen([half for one, cut in zip(passes, cuts, strict=True) for half in one.halves(cut)], Look(False))
        return [
            joined(first, second, cut * FRAME_MS) for cut, first, second in zip(cuts, halves[::2], halves[1::2], strict=True)
        ]

    def _apart(self, passes: list[Pass]) -> list[Heard]:
        """Each window of each pass alone."""
        pieces = [one.windows() for one in passes]
        answers = iter(self._listen([piece for some in pieces for piece in some], Look(False)))
        whole = []
        for one in passes:
            said, *others = [next(answers) for _ in one.starts]
            for start, other in zip(one.starts[1:], others, strict=True):
                said = joined(said, other, start * FRAME_MS)
            whole.append(said)
        return whole

    def _listen(self, passes: Sequence[Pass], look: Look) -> list[Heard]:
        """Passes share a batch only with others of the same padded length and prompt, so that none changes another's answer."""
        alike: dict[tuple[int, bool], list[int]] = {}
        for i, one in enumerate(passes):
            alike.setdefault((self._bucket(one), look.prompted and self._proven(one)), []).append(i)
        if not alike:
            return []
        workers = self._checkpoint.workers
        batches = [
            (chosen, prompted)
            for (bucket, prompted), those in sorted(alike.items(), reverse=True)
            for chosen in _batches(those, self._most(bucket), -(-workers // len(alike)))
        ]
        answers: dict[int, Heard] = {}
        with ThreadPoolExecutor(workers) as pool:
            tasks = [([passes[i] for i in chosen], replace(look, prompted=prompted)) for chosen, prompted in batches]
            for (chosen, _), heard in zip(batches, pool.map(lambda task: self._safely(*task), tasks), strict=True):
                answers |= zip(chosen, heard, strict=True)
        return [answers[i] for i in range(len(passes))]

    def _safely(self, passes: list[Pass], look: Look) -> list[Heard]:
        """A batch that fails is tried pass by pass."""
        try:
            return self._batch(passes, look)
        except ModelError:
            raise
        except Exception as problem:
            if len(passes) > 1:
                return [heard for one in passes for heard in self._safely([one], look)]
            return [failed(problem)]

    def _batch(self, passes: list[Pass], look: Look) -> list[Heard]:
        checkpoint = self._checkpoint
        encoded = checkpoint.encode(self._padded(passes))
        prompt = checkpoint.prompt(self.settings.told.text if look.prompted else "")
        results = checkpoint.model.generate(encoded, [prompt] * len(passes), **self._how(passes, look, len(prompt)))
        tokens = [[t for t in r.sequences_ids[0] if t < checkpoint.eot] for r in results]
        aligned = checkpoint.align(encoded, tokens, [one.frames for one in passes])
        return [self._heard(*one) for one in zip(passes, tokens, results, aligned, strict=True)]

    def _bucket(self, one: Pass) -> int:
        return next(b for b in BUCKETS[self.settings.window] if one.frames + 2 <= b or b == FULL_FRAMES)

    def _most(self, bucket: int) -> int:
        """Windows of a batch: twice as many of half the length take no more room, and each a tenth less time."""
        halves = self.settings.window == "short" and bucket * FRAME_MS <= SHORT_MS // 2
        return self.settings.batch * (2 if halves else 1)

    def _how(self, passes: Sequence[Pass], look: Look, prompt: int) -> dict[str, Any]:
        """12 tokens a second and some, so that no loop goes on for long.

        CTranslate2 takes at most half of max_length, and what the prompt leaves of it, for new tokens.
        """
        new = min(LONGEST // 2, 16 + self._bucket(passes[0]) * 12 // 100)
        return {
            "beam_size": max(5, self.settings.beam) if look.steady else self.settings.beam,
            "max_length": min(LONGEST, max(2 * new, new + prompt)),
            "no_repeat_ngram_size": NGRAM if look.steady else 0,
            "return_scores": True,
            "return_no_speech_prob": True,
        }

    def _padded(self, passes: Sequence[Pass]) -> Any:
        """float32 [n, mels, frames], zeros behind each pass, as faster-whisper pads."""
        import numpy as np

        length = FULL_FRAMES if self.settings.window == "full" else self._bucket(passes[0])
        out = np.zeros((len(passes), passes[0].mel.shape[0], length), np.float32)
        for i, one in enumerate(passes):
            out[i, :, : one.frames] = one.mel
        return out

    def _heard(self, one: Pass, ids: list[int], result: Any, pairs: Sequence[tuple[int, int]]) -> Heard:
        """`result`: CTranslate2's, with its mean log-probability and that of <|nospeech|>; the gate is OpenAI's."""
        starts = {token: min(step * TOKEN_MS, one.frames * FRAME_MS) for token, step in reversed(pairs)}
        text, char_ms = self._checkpoint.spelling.timed(ids, starts)
        if text and result.no_speech_prob > NO_SPEECH and result.scores[0] < UNLIKELY:
            return Heard("", (), None, "no_speech")
        return guarded(text, char_ms, min(1.0, math.exp(result.scores[0])), one.frames * FRAME_MS, self.settings.told)


def _spoilt(one: Pass, heard: Heard) -> bool:
    """No words for several windows, of which one may have spoilt the others."""
    return heard.problem is not None and len(one.starts) > 1


def _running_on(one: Pass, heard: Heard) -> bool:
    return heard.problem in ("repetition", "too_fast")


def _batches(items: list[int], most: int, fewest: int) -> list[list[int]]:
    """Of `most` at most, as even as can be; about `fewest` of them where there are as many items."""
    n = max(1, -(-len(items) // max(fewest, -(-len(items) // most))))
    return [items[i : i + n] for i in range(0, len(items), n)]


def make(asr: Asr, vocabulary: Vocabulary) -> Whisper:
    told = told_of(asr, vocabulary, PROMPT)
    return Whisper(WhisperSettings(asr.model, asr.window, asr.device, asr.precision, asr.threads, asr.batch, asr.beam, told))


def check(asr: Asr) -> list[Check]:
    from qa_pipeline.speech.whisper_check import check_whisper

    return check_whisper(asr)
