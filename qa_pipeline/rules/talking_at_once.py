"""Two who talk at once: a sign of listening, a completion, a simultaneous start, or an interruption.

A turn that begins within the other's turn is, in this order:

- a *back-channel* where it is shorter than 4 characters, or holds at most 6 that are all words of listening (嗯, 对，我明白,
  好的好的): the other keeps the floor. Alibaba's quality inspection takes 4 characters for the least interrupting sentence;
- a *completion* where the other has less than 0.5 s to go: the listener has seen the end coming (the terminal overlap of
  Schegloff, Overlapping talk and the organization of turn-taking, 2000);
- a *simultaneous start* where the other has spoken for less than 1 s: both took the floor;
- an *interruption* where both then speak at once for 0.5 s or more and the turn lasts 1 s or more (products count from 0.5 to
  3 s: Alibaba, Huawei, MiiTel); else it is no more than *brief*.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from qa_pipeline.rules.spans import Ints, Spans, no_spans
from qa_pipeline.text.normal import normalise

if TYPE_CHECKING:
    from qa_pipeline.rules.case import Case

BACK_CHANNEL, COMPLETION, SIMULTANEOUS, BRIEF, INTERRUPTION = range(5)
LEAST_CHARACTERS, MOST_LISTENING = 4, 6
LEAST_MS, INTO_MS, BEFORE_END_MS, TOGETHER_MS = 1_000, 1_000, 500, 500
LISTENING = re.compile(
    "(?:我|那|就|都|也|很|这个)?(?:明白|知道|了解|理解|清楚|懂|记住|记下|听到|听见)(?:了|啦|的|呢|呀|啊)*"
    "|(?:对|是|好|行|可以|没错|没问题|没事|ok|哦|噢|喔|哎|唉|诶|哈|嗯|恩|呵|啊|呀)(?:的|了|啦|吧|呢|呀|啊|嘞|咧|哒)*"
)


def talking_at_once(case: Case, by: str) -> tuple[Spans, Ints]:
    """The turns of `by` (agent, customer) that begin within a turn of the other side, and the kind of each."""
    mine = case.turns_of(by, "anyone" if by == "customer" else None)
    other = case.turns_of("customer" if by == "agent" else "agent", "anyone")
    if not len(other) or not len(mine):
        return no_spans(), np.zeros(0, np.int64)
    under = np.maximum(np.searchsorted(other.starts, mine.starts, "right") - 1, 0)
    inside = (other.unit[under] == mine.unit) & (other.start[under] <= mine.start) & (other.end[under] > mine.start)
    mine, under = mine.take(inside), under[inside]
    start, end = other.start[under], other.end[under]
    together = np.minimum(end, mine.end) - mine.start
    kind = np.select(
        [
            _listening(case, mine),
            end - mine.start < BEFORE_END_MS,
            mine.start - start < INTO_MS,
            (together >= TOGETHER_MS) & (mine.end - mine.start >= LEAST_MS),
        ],
        [BACK_CHANNEL, COMPLETION, SIMULTANEOUS, INTERRUPTION],
        BRIEF,
    )
    return mine, np.asarray(kind, np.int64)


def _listening(case: Case, turns: Spans) -> NDArray[np.bool_]:
    """Which turns are no more than signs of listening; a turn without words is none of which anything could be said."""
    short = case.spoken_length[turns.item] < LEAST_CHARACTERS
    texts = case.corpus.turns.texts
    return np.array([bool(s) or only_listens(texts[int(t)].as_py()) for s, t in zip(short, turns.item, strict=True)], bool)


def only_listens(text: str) -> bool:
    """Whether a turn's text is made of words of listening alone; 我知道了我知道了 is longer than that takes, and breaks in."""
    rest = normalise(text).text
    if len(rest) > MOST_LISTENING:
        return False
    while rest:
        word = LISTENING.match(rest)
        if word is None or not word.end():
            return False
        rest = rest[word.end() :]
    return True
