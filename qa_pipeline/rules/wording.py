"""Readable wordings, `^[可选](甲|乙)<槽位>…<digits:11>$`, read into parts.

    [可选]  (甲|乙)     may be left out; one of several; both may be nested
    <company>          one of the words of the pack's slot `company`
    <digits>  <digits:11>  <digits:3-4>  <number>
                       a whole run of digits, however they are spoken; with <number> also 十百千万亿点
    …  …{8}  …{2,4}    a gap of at most 6, at most 8, or 2 to 4 characters of the normal form
    ^ at the start, $ at the end: the turn starts or ends there

A comma makes no difference but in a guard, which then reaches across punctuation.

Full-width ［］（）｜＜＞｛｝＾＄ and `...` are read as the narrow ones. Nothing repeats without bound, so the time to match
stays linear in the text.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from qa_pipeline.text.normal import is_silent
from qa_pipeline.text.numbers import DIGITS

GAP = 6
LONGEST_GAP = 60
LONGEST_RUN = 25
MOST_FORMS = 2000
WIDE = frozenset("［］（）｜＜＞｛｝＾＄")
NARROW = str.maketrans("［］（）｜＜＞｛｝＾＄", "[]()|<>{}^$")
RUNS = {"digits": DIGITS, "number": DIGITS + "十百千万亿点"}
GAP_MARK = re.compile(r"(?:…+|⋯+|\.{3,})(?P<bounds>\{[^}]*\}?)?")
GAP_BOUNDS = re.compile(r"\{\s*(?:(\d+)\s*[,，]\s*)?(\d+)\s*\}")
RUN_MARK = re.compile(r"(digits|number)(?:\s*[:：]\s*(.*))?")
RUN_BOUNDS = re.compile(r"(\d+)(?:\s*[-－~～]\s*(\d+))?")
REGEX_HABITS = "*+\\"
LITERAL = re.compile(r"[^\[\](){}<>|^$.…⋯*+\\]+")
"""Characters that are never anything but themselves."""
_WORDS = rf"({LITERAL.pattern}(?:\|{LITERAL.pattern})*)"
FLAT = re.compile(rf"\[{_WORDS}\]|\({_WORDS}\)")
"""A bracket with nothing but words in it, as most are: read at once."""


class WordingError(ValueError):
    """A wording that cannot be read; the message shows where, and what was expected."""


@dataclass(frozen=True)
class Gap:
    """`least` to `most` characters of the normal form, whatever they are."""

    least: int
    most: int


@dataclass(frozen=True)
class Run:
    """A run of `least` to `most` characters of `letters`, with none of them before or behind it."""

    letters: str
    least: int
    most: int


@dataclass(frozen=True)
class Edge:
    """The start of the turn, or its end."""

    at_end: bool


@dataclass(frozen=True)
class Choice:
    """One of several sequences; an optional part is a choice with an empty one. `slot`: whose words they are."""

    options: tuple[tuple[Part, ...], ...]
    slot: str | None = None


Part = str | Gap | Run | Edge | Choice
"""Literal characters, a gap, a run of digits, an end of the turn, or a choice."""


def parse(wording: str, slots: Mapping[str, Sequence[str]]) -> tuple[Part, ...]:
    """Raises WordingError on unbalanced brackets, an unknown slot, or a gap or anchor out of place."""
    return _Reader(wording, slots).whole()


class _Reader:
    """Recursive descent over one wording; `at` is the next character."""

    def __init__(self, wording: str, slots: Mapping[str, Sequence[str]]) -> None:
        narrow = wording if WIDE.isdisjoint(wording) else wording.translate(NARROW)
        self.wording, self.text, self.slots, self.at = wording, narrow, slots, 0

    def whole(self) -> tuple[Part, ...]:
        start: tuple[Part, ...] = ()
        if self.text.startswith("^"):
            start, self.at = (Edge(False),), 1
        body = self.sequence("")
        edges = (0, "begins", start + body), (-1, "ends", body)
        for end, word, parts in edges:
            if parts and isinstance(rim := parts[end], Gap) and not rim.least:
                self.wrong(f"a gap says nothing where a wording {word}; leave it out or give it a least, …{{1,6}}", end)
        if _silent(start + body):
            raise WordingError(f"{self.wording!r} can be said with no words at all")
        return start + body

    def sequence(self, closers: str) -> tuple[Part, ...]:
        """Parts up to one of `closers`, or to the end where there are none."""
        parts: list[Part] = []
        while self.at < len(self.text):
            part: Part
            if literal := LITERAL.match(self.text, self.at):
                part, self.at = literal[0], literal.end()
            elif self.text[self.at] in closers:
                break
            else:
                part = self.part(bool(closers))
            if isinstance(part, str) and parts and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
        return tuple(parts)

    def part(self, nested: bool) -> Part:
        """What begins here with a character that may be more than itself."""
        c = self.text[self.at]
        if c in "[(":
            return self.bracket()
        if c == "<":
            return self.angle()
        if gap := GAP_MARK.match(self.text, self.at):
            return self.gap(gap)
        if c == "$" and not nested and self.at == len(self.text) - 1:
            self.at += 1
            return Edge(True)
        if c in "^$":
            self.wrong(f"{c!r} stands only at the very {'start' if c == '^' else 'end'} of a wording")
        if c in "])>}":
            self.wrong(f"{c!r} closes nothing")
        if c == "|":
            self.wrong("alternatives go in brackets, (甲|乙)")
        if c == "{":
            self.wrong("'{' stands only behind a gap, …{8}")
        if c in REGEX_HABITS:
            self.wrong(f"{c!r} means nothing here; write … for a gap, [可选] for what may be left out")
        self.at += 1
        return c

    def bracket(self) -> Choice:
        if flat := FLAT.match(self.text, self.at):
            self.at = flat.end()
            words = [(word,) for word in (flat[1] or flat[2]).split("|")]
            return Choice((*words, ()) if flat[1] else tuple(words))
        start, closer, options = self.at, {"[": "]", "(": ")"}[self.text[self.at]], []
        while True:
            self.at += 1
            options.append(self.sequence(f"|{closer}"))
            if self.at >= len(self.text):
                self.wrong(f"{self.text[start]!r} is never closed; expected {closer!r}", start)
            if self.text[self.at] == closer:
                break
        self.at += 1
        return Choice((*options, ())) if closer == "]" else Choice(tuple(options))

    def angle(self) -> Part:
        start, end = self.at, self.text.find(">", self.at)
        if end < 0:
            self.wrong("'<' is never closed; expected '>'")
        name, self.at = self.text[start + 1 : end].strip(), end + 1
        if run := RUN_MARK.fullmatch(name):
            return self.run(run, start)
        if name not in self.slots:
            known = ", ".join([*self.slots, *RUNS])
            self.wrong(f"no slot {name!r}; there are {known}", start)
        if not self.slots[name]:
            self.wrong(f"slot {name!r} lists no words", start)
        return Choice(tuple((value,) for value in sorted(self.slots[name], key=len, reverse=True)), name)

    def run(self, found: re.Match[str], start: int) -> Run:
        least, most = 1, LONGEST_RUN
        if found[2] is not None:
            bounds = RUN_BOUNDS.fullmatch(found[2].strip())
            if not bounds:
                self.wrong(f"expected a count, <{found[1]}:11> or <{found[1]}:3-4>, found {found[2]!r}", start)
            least = int(bounds[1])
            most = int(bounds[2] or least)
        if not 1 <= least <= most <= LONGEST_RUN:
            self.wrong(f"a run has 1 to {LONGEST_RUN} characters, the smaller number first", start)
        return Run(RUNS[found[1]], least, most)

    def gap(self, found: re.Match[str]) -> Gap:
        least, most = 0, GAP
        if found["bounds"] is not None:
            bounds = GAP_BOUNDS.fullmatch(found["bounds"])
            if not bounds:
                self.wrong(f"expected …{{8}} or …{{2,4}}, found …{found['bounds']}")
            least, most = int(bounds[1] or 0), int(bounds[2])
        if not least <= most <= LONGEST_GAP:
            self.wrong(f"a gap has at most {LONGEST_GAP} characters, the smaller number first")
        self.at = found.end()
        return Gap(least, most)

    def wrong(self, what: str, at: int | None = None) -> NoReturn:
        """`at`: place from 0; negative for the last character."""
        place = self.at if at is None else at % max(1, len(self.text))
        raise WordingError(f"{self.wording!r}, character {min(place, len(self.text) - 1) + 1}: {what}")


def _silent(parts: Iterable[Part]) -> bool:
    """Whether a turn without a word of its own could satisfy `parts`. The part that is soonest told is asked first."""
    return all(map(_part_silent, sorted(parts, key=_width)))


def _width(part: Part) -> tuple[bool, int]:
    """Whether it may be left out, and how many options it has."""
    return (() in part.options, len(part.options)) if isinstance(part, Choice) else (False, 0)


def _part_silent(part: Part) -> bool:
    if isinstance(part, Choice):
        return any(_silent(option) for option in part.options)
    return is_silent(part) if isinstance(part, str) else not isinstance(part, Run)


def reaches_across(wording: str) -> bool:
    """Whether a comma stands in it, beside those in the bounds of gaps: what a guard says that punctuation does not break."""
    bare = re.sub(r"[{｛][^}｝]*[}｝]", "", wording)
    return "，" in bare or "," in bare


def pattern(parts: Iterable[Part], fold: Callable[[str], str]) -> str:
    """A regular expression over text folded by `fold`: the plain meaning of a wording, one text at a time."""
    return "".join(_pattern(part, fold) for part in parts)


def _pattern(part: Part, fold: Callable[[str], str]) -> str:
    match part:
        case Gap(least, most):
            return f".{{{least},{most}}}?"
        case Run(letters, least, most):
            return f"(?<![{letters}])[{letters}]{{{least},{most}}}(?![{letters}])"
        case Edge(at_end):
            return r"\Z" if at_end else r"\A"
        case Choice(options):
            return "(?:" + "|".join(pattern(option, fold) for option in options) + ")"
        case _:
            return re.escape(fold(part))


def spelled(parts: Sequence[Part]) -> Iterator[str]:
    """Every form without its gaps, runs and anchors, for measuring how near a text comes."""
    if not parts:
        yield ""
        return
    head, rest = parts[0], parts[1:]
    heads: Iterable[str] = [head] if isinstance(head, str) else [""]
    if isinstance(head, Choice):
        heads = itertools.chain.from_iterable(spelled(option) for option in head.options)
    for first in heads:
        for last in spelled(rest):
            yield first + last
