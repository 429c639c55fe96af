"""Guards against invented text: loops, and the boiler-plate that Whisper learnt from subtitles.

Over silence and music Whisper says what its subtitles end with, over unclear speech it repeats itself. Repetition alone is
no proof (对对对, telephone numbers), so short loops only call for a second look.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from qa_pipeline.speech.backend import Asr, Heard
from qa_pipeline.speech.vocabulary import Vocabulary
from qa_pipeline.text.normal import simplified

COMPRESSED = 2.4  # the threshold of OpenAI's Whisper
LOOP = re.compile(r"(.{1,8}?)\1{3,}")
# Whole windows of it, as reported by users of Whisper in Chinese (faster-whisper 267 and 587, whisper_streaming 68).
BOILER_PLATE = re.compile(
    r"(中文)?字幕(由|by|志愿者|製作|制作|提供)?.*(amara|社[群区區]|志愿者|索兰娅|李宗盛).*"
    r"|.*(请|請)不吝点?[赞讚點].*|.*明[镜鏡](需要)?[与與][点點]{2}.*"
    r"|(谢谢|謝謝|感谢|感謝)(大家)?(的)?(观看|觀看|收看|收听|收聽)|.*amara\.?org.*|(请|請)?(订阅|訂閱)我的频道",
    re.IGNORECASE,
)
FASTEST, SLACK = 12, 6  # characters a second, and some; hurried Mandarin has 7 or 8 syllables a second
HOT_CHARACTERS = 80
MARKS = re.compile(r"[\s，。？！、,.?!]+")


def loops(text: str) -> bool:
    """Something said four times in a row."""
    return LOOP.search(text) is not None


def invented(text: str, prompt: str = "") -> str | None:
    """Why all of a window's text is invented: `repetition`, `boiler_plate`, or `prompt` read back; None for speech."""
    raw, bare = text.encode(), MARKS.sub("", text)
    if len(text) > 20 and len(raw) / len(zlib.compress(raw)) > COMPRESSED:
        return "repetition"
    if prompt and bare == MARKS.sub("", prompt):
        return "prompt"
    return "boiler_plate" if BOILER_PLATE.fullmatch(bare) else None


def echoes(text: str, names: Sequence[str]) -> str | None:
    """`prompt` where a text is two or more of the hot words and nothing else: heard in silence (FunASR 3718), not said."""
    bare, found = MARKS.sub("", text), 0
    for name in sorted(names, key=len, reverse=True):
        found += bare.count(name)
        bare = bare.replace(name, "")
    return "prompt" if found > 1 and not bare else None


def too_fast(text: str, ms: int) -> str | None:
    """`too_fast`: more characters than anybody says in so much sound."""
    return "too_fast" if len(MARKS.sub("", text)) > SLACK + FASTEST * ms / 1000 else None


@dataclass(frozen=True)
class Told:
    """What a recogniser was told beforehand: heard in the answer alone, it is invented."""

    prompt: str = ""
    names: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "，".join(self.names) + ("。" if self.names else "") + self.prompt


def guarded(text: str, char_ms: Sequence[int], confidence: float | None, ms: int, told: Told | None = None) -> Heard:
    """A recogniser's words for `ms` of sound as an answer of the contract: simplified, times in order and inside, or a problem.

    `char_ms`: a time for each character of `text`; blanks are left out with theirs.
    """
    told = told or Told()
    kept = [(c, t) for c, t in zip(simplified(text), char_ms, strict=True) if not c.isspace() and c.isprintable()]
    said = "".join(c for c, _ in kept)
    problem = "no_words" if not MARKS.sub("", said) else None
    problem = problem or invented(said, told.prompt) or echoes(said, told.names) or too_fast(said, ms)
    if problem:
        return Heard("", (), None, problem)
    times, last = [], 0
    for _, at in kept:
        last = max(last, min(at, ms))
        times.append(last)
    return Heard(said, tuple(times), confidence)


def spread(n: int, start_ms: int, end_ms: int) -> list[int]:
    """Times of `n` characters laid evenly over a stretch."""
    return [start_ms + (end_ms - start_ms) * i // n for i in range(n)]


def told_of(asr: Asr, vocabulary: Vocabulary, prompt: str = "") -> Told:
    """The prompt that the settings name, else `prompt`; of the names the first, up to HOT_CHARACTERS.

    A longer list slows every window and is read back more often.
    """
    taken, room = list[str](), HOT_CHARACTERS if asr.hot_words else 0
    for name in vocabulary.names:
        if len(name) + 1 <= room and not any(name in longer for longer in taken):
            taken.append(name)
            room -= len(name) + 1
    return Told(prompt if asr.prompt is None else asr.prompt, tuple(taken))
