"""Whose channel is whose: by the settings, checked against the words that only agents or only customers say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from qa_pipeline.model import Speaker
from qa_pipeline.text.normal import normalise

SWAPPED, DOUBTFUL = "channels_swapped", "roles_doubtful"
ENOUGH = 3
"""Cues against the settings from which, with none for them, the channels are swapped."""
PREPONDERANCE = 4
"""How many times as many must speak against the settings where some speak for them."""
CONTRADICTION = 2
"""Cues against the settings, and no fewer than for them, from which nobody's role is certain."""
MARGIN = 2
"""Cues by which one speaker of a one-channel call must be the agent rather than another."""


@dataclass(frozen=True)
class RoleCues:
    """Regular expressions over a turn's normal form, one for each thing that only an agent or only a customer says.

    greeting: how only agents open a call; counts double. guards: what voids a cue that it overlaps.
    """

    greeting: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    customer: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()


@dataclass(frozen=True)
class Roles:
    """The speaker of each voice (a channel, or a speaker of one channel). source: settings, words, unknown."""

    speakers: Mapping[int, Speaker]
    source: str
    flags: tuple[str, ...] = ()


def settle_roles(said: Sequence[tuple[int, str]], agent: int | None, cues: RoleCues) -> Roles:
    """Roles of the voices from their turns, (voice, text). `agent`: which of 0 and 1 the settings take for him, if they do.

    On weak evidence the settings stand; where the words contradict them without refuting them, all are unknown.
    """
    voices = sorted({voice for voice, _ in said} | ({0, 1} if agent is not None else set()))
    lean = {voice: _lean([text for v, text in said if v == voice], cues) for voice in voices}
    if agent is None:
        return _by_words(lean)
    other = 1 - agent
    right = lean[agent][0] + lean[other][1]
    wrong = lean[other][0] + lean[agent][1]
    as_set = {agent: Speaker.AGENT, other: Speaker.CUSTOMER}
    if wrong >= ENOUGH and wrong >= PREPONDERANCE * right:
        return Roles({agent: Speaker.CUSTOMER, other: Speaker.AGENT}, "words", (SWAPPED,))
    if wrong >= CONTRADICTION and wrong >= right:
        return Roles({voice: Speaker.UNKNOWN for voice in as_set}, "unknown", (DOUBTFUL,))
    return Roles(as_set, "settings")


def _by_words(lean: Mapping[int, tuple[int, int]]) -> Roles:
    """Without settings: the one voice that talks like an agent, where one clearly does."""
    unknown = Roles({voice: Speaker.UNKNOWN for voice in lean}, "unknown")
    if len(lean) < 2:
        return unknown
    ranked = sorted(lean, key=lambda voice: lean[voice][0] - lean[voice][1], reverse=True)
    scores = [lean[voice][0] - lean[voice][1] for voice in ranked]
    if scores[0] < MARGIN or scores[0] - scores[1] < MARGIN:
        return unknown
    return Roles({v: Speaker.AGENT if v == ranked[0] else Speaker.CUSTOMER for v in ranked}, "words")


def _lean(texts: Sequence[str], cues: RoleCues) -> tuple[int, int]:
    """How many different things these turns say that only an agent, and that only a customer says."""
    normal = [normalise(text).text for text in texts if text]
    for guard in _compiled(cues.guards):
        normal = [guard.sub("|", text) for text in normal]

    def said(patterns: tuple[str, ...]) -> int:
        return sum(any(p.search(text) for text in normal) for p in _compiled(patterns))

    return 2 * min(1, said(cues.greeting)) + said(cues.agent), said(cues.customer)


@lru_cache(8)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(map(re.compile, patterns))
