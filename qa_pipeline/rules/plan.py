"""All wordings of all phrases compiled into one plan of columns, which the matcher carries out.

A *literal* is something to find in the stream, of fixed length: a sequence of sound codes, one character of the normal form, a
run of so many digits, an end of the turn, or a sound sequence with one edit. A *form* is a literal as some wording writes it.
A chain is found from its rarest link (the anchor) and grown link by link: its *steps*, the last of which is `done`. The
*members* of a step are the forms that may stand there.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qa_pipeline.rules.chains import Chain, Form, Link, chains
from qa_pipeline.rules.near import NearTrie
from qa_pipeline.rules.phrase import RUNGS, Phrase
from qa_pipeline.rules.trie import NONE, Ints, Lookup, Trie
from qa_pipeline.rules.wording import Edge, Run
from qa_pipeline.text.columns import POINTS
from qa_pipeline.text.sound import sound

NEAR_FROM = 5
NEAR_FROM_NAME = 4
"""Characters a literal has at least to be heard with one edit; a slot's word is rarer than other words, so shorter."""
NEGATIONS = "不没别无未非"
EDITS = (0, 1, -1)
"""How much longer than its literal a stretch with one edit is."""
NO_CAPTURE, CAPTURE_GAP, CAPTURE_LINK = 0, 1, 2


@dataclass(frozen=True)
class Literals:
    """What to find. `length` by literal; sound sequences come first, numbered as in `trie`."""

    length: Ints
    trie: Trie
    code: npt.NDArray[np.uint16]
    """Code of each sound's code point in `trie`, 0 for sounds no literal has."""
    single: Ints
    """Literal of each code point that is one by itself, else NONE."""
    runs: dict[str, Ints]
    """By letters: the literal for a run of each length, else NONE."""
    edges: tuple[int, int]
    near: NearTrie
    """Sound literals that may be heard with one edit, numbered as in `near_literal`."""
    near_literal: Ints
    """[how much longer than its literal the stretch is: 0, 1, -1; number in `near`]: the literal that stands for it."""
    negated: npt.NDArray[np.bool_]
    """[number in `near`, place]: whether some form has a negation there, where an edit would turn the sense."""
    joined: Ints
    """Number of each literal that some step looks for, else NONE."""


@dataclass(frozen=True)
class Forms:
    """Sorted by literal; those of literal l are `first[l]:first[l + 1]`. `chars`: spoken literal characters in it."""

    first: Ints
    literal: Ints
    chars: Ints
    compared: npt.NDArray[np.bool_]
    """Whether `normal` and `written` decide the rung."""
    near: npt.NDArray[np.bool_]
    normal: Ints
    """[place, form] code points, 0 behind the last."""
    written: Ints
    written_length: Ints


@dataclass(frozen=True)
class Steps:
    """`side`: +1 where the next link stands behind what is found so far, -1 before. `done`: the chain is complete."""

    chain: Ints
    done: npt.NDArray[np.bool_]
    side: Ints
    least: Ints
    most: Ints
    capture: Ints
    shortest: Ints
    longest: Ints
    """Lengths of its members."""
    members: Lookup
    """The members of each (step, joined literal)."""


@dataclass(frozen=True)
class Plan:
    """`use_*`: for each form the chains it anchors, as the step to go on with. `chain_*`: columns by chain."""

    phrases: tuple[Phrase, ...]
    literals: Literals
    forms: Forms
    steps: Steps
    member_form: Ints
    member_value: Ints
    use_first: Ints
    use_step: Ints
    use_value: Ints
    use_capture: npt.NDArray[np.bool_]
    chain_phrase: Ints
    chain_guard: npt.NDArray[np.bool_]
    chain_worst: Ints
    chain_margin: Ints
    """[chain, (before least, before most, after least, after most)]"""
    chain_capture_margin: npt.NDArray[np.bool_]
    values: tuple[str, ...]
    """Slot words that hits stand for."""


def compile_plan(phrases: Sequence[Phrase]) -> Plan:
    """Raises WordingError for the first wording that cannot be read."""
    builder = _Builder()
    for number, phrase in enumerate(phrases):
        for guard, wordings in ((False, phrase.say), (True, phrase.unless)):
            for wording in wordings:
                for chain in chains(wording, phrase.slots):
                    builder.add(chain, number, phrase, guard)
    return builder.plan(tuple(phrases))


class _Numbered:
    """Things numbered as they come."""

    def __init__(self) -> None:
        self.numbers: dict[Hashable, int] = {}

    def __getitem__(self, thing: Hashable) -> int:
        return self.numbers.setdefault(thing, len(self.numbers))


@dataclass(frozen=True)
class _Literal:
    """`kind`: sound, single, run, edge or near; `key` tells it from others of its kind."""

    kind: str
    key: tuple[str, int]
    length: int


@dataclass(frozen=True)
class _Written:
    """A form with its literal; `normal` is empty where nothing is compared."""

    literal: _Literal
    chars: int
    normal: str = ""
    written: str = ""


class _Builder:
    def __init__(self) -> None:
        self.forms, self.values = _Numbered(), _Numbered()
        self.steps: list[tuple[int, ...]] = []
        self.members: list[tuple[int, int, int]] = []
        self.uses: list[tuple[int, int, int, bool]] = []
        self.chains: list[tuple[int, bool, int, tuple[int, ...], bool]] = []
        self.negated: set[tuple[str, int]] = set()

    def add(self, chain: Chain, number: int, phrase: Phrase, guard: bool) -> None:
        own = len(self.chains)
        worst = max(RUNGS.index(rung) for rung in phrase.rungs)
        captured, kind = _captured(chain, None if guard else phrase.value)
        margins = (*chain.before, *chain.after)
        self.chains.append((number, guard, worst, margins, captured is None and any(margins)))
        anchor = max(range(len(chain.links)), key=lambda i: _rarity(chain.links[i]))
        near = "near" in phrase.rungs
        for form, value in self.bodies(chain.links[anchor], phrase, near):
            self.uses.append((form, len(self.steps), value, kind == CAPTURE_LINK and captured == anchor))
        right = [(i, 1, chain.links[i]) for i in range(anchor + 1, len(chain.links))]
        left = [(i, -1, chain.links[i + 1]) for i in range(anchor - 1, -1, -1)]
        for i, side, gap in right + left:
            # the gap stands before its link: on the way left that is the link already found
            takes = kind if captured == (i if kind == CAPTURE_LINK or side > 0 else i + 1) else NO_CAPTURE
            self.members += [(len(self.steps), *body) for body in self.bodies(chain.links[i], phrase, near)]
            self.steps.append((own, 0, side, gap.least, gap.most, takes))
        self.steps.append((own, 1, 0, 0, 0, NO_CAPTURE))

    def bodies(self, link: Link, phrase: Phrase, near: bool) -> list[tuple[int, int]]:
        """(form, value) of everything that may stand at a link."""
        if isinstance(link.body, Edge):
            return [(self.forms[_Written(_Literal("edge", ("", link.body.at_end), 0), 0)], NONE)]
        if isinstance(link.body, Run):
            run = link.body
            lengths = range(run.least, run.most + 1)
            return [(self.forms[_Written(_Literal("run", (run.letters, n), n), 0)], NONE) for n in lengths]
        made = []
        for form in link.body:
            value = next((self.values[word] for slot, word in form.values if slot == phrase.value), NONE)
            made += [(self.forms[each], value) for each in self.written(form, near)]
        return made

    def written(self, form: Form, near: bool) -> list[_Written]:
        n = len(form.normal)
        if n == 1:
            return [_Written(_Literal("single", (form.normal, 0), 1), 1, form.normal, form.written)]
        spoken = sound(form.normal)
        self.negated |= {(spoken, i) for i, c in enumerate(form.normal) if c in NEGATIONS}
        said = [_Written(_Literal("sound", (spoken, 0), n), n, form.normal, form.written)]
        if near and n >= (NEAR_FROM_NAME if form.is_name else NEAR_FROM):
            said += [_Written(_Literal("near", (spoken, longer), n + longer), n) for longer in EDITS]
        return said

    def plan(self, phrases: tuple[Phrase, ...]) -> Plan:
        forms: list[_Written] = list(self.forms.numbers)  # type: ignore[arg-type]
        kinds = ("sound", "single", "run", "edge", "near")
        literals = sorted(dict.fromkeys(f.literal for f in forms), key=lambda each: kinds.index(each.kind))
        number = {literal: i for i, literal in enumerate(literals)}
        order = sorted(range(len(forms)), key=lambda i: number[forms[i].literal])
        place = np.empty(len(forms), np.int32)
        place[order] = np.arange(len(forms))
        members = _columns(self.members, 3)
        finding = _Finding(literals, number, self.negated).literals([forms[f].literal for _, f, _ in self.members])
        of_member = np.array([number[forms[f].literal] for _, f, _ in self.members], np.int32)
        uses = _columns(self.uses, 4)
        uses[0] = place[uses[0]]
        uses = uses[:, np.argsort(uses[0], kind="stable")]
        chain = self.chains
        return Plan(
            phrases,
            finding,
            _forms([forms[i] for i in order], number),
            _steps(self.steps, members[0], of_member, finding),
            *(place[members[1]], members[2]),
            _bounds(uses[0], len(forms)),
            *(uses[1], uses[2], uses[3].astype(bool)),
            np.array([c[0] for c in chain], np.int32),
            np.array([c[1] for c in chain], bool),
            np.array([c[2] for c in chain], np.int32),
            np.array([c[3] for c in chain], np.int32).reshape(-1, 4),
            np.array([c[4] for c in chain], bool),
            tuple(map(str, self.values.numbers)),
        )


def _captured(chain: Chain, value: str | None) -> tuple[int | None, int]:
    """The link that holds a hit's value, or whose gap does: for text a gap, for digits and numbers a run, if there is one."""
    if value not in ("digits", "number", "text"):
        return None, NO_CAPTURE
    runs = [(i, CAPTURE_LINK) for i, link in enumerate(chain.links) if isinstance(link.body, Run)]
    gaps = [(i, CAPTURE_GAP) for i, link in enumerate(chain.links) if link.most]
    if value == "text" and not gaps and any(chain.before + chain.after):
        return None, NO_CAPTURE
    found = gaps + runs if value == "text" else runs + gaps
    return found[0] if found else (None, NO_CAPTURE)


def _rarity(link: Link) -> tuple[float, int]:
    """Links are looked for from the longest; among equals the one with the fewest forms."""
    if isinstance(link.body, Edge):
        return 0, 0
    if isinstance(link.body, Run):
        return 1 + min(link.body.least, 8) / 4, -1
    return min(len(form.normal) for form in link.body), -len(link.body)


class _Finding:
    """How to find the literals."""

    def __init__(self, literals: list[_Literal], number: dict[_Literal, int], negated: set[tuple[str, int]]) -> None:
        self.all, self.number, self.negated = literals, number, negated

    def kind(self, kind: str) -> list[_Literal]:
        return [each for each in self.all if each.kind == kind]

    @cached_property
    def sounds(self) -> list[str]:
        return [each.key[0] for each in self.kind("sound")]

    def literals(self, joined: list[_Literal]) -> Literals:
        alphabet = sorted({c for spoken in self.sounds for c in spoken})
        code = np.zeros(POINTS, np.uint16)
        code[[ord(c) for c in alphabet]] = np.arange(1, len(alphabet) + 1)
        trie = Trie([[int(code[ord(c)]) for c in spoken] for spoken in self.sounds], len(alphabet) + 1)
        single = np.full(POINTS, NONE, np.int32)
        for each in self.kind("single"):
            single[ord(each.key[0])] = self.number[each]
        wanted = list(dict.fromkeys(self.number[each] for each in joined))
        is_joined = np.full(len(self.all), NONE, np.int32)
        is_joined[wanted] = np.arange(len(wanted))
        edges = [self.number.get(_Literal("edge", ("", at_end), 0), NONE) for at_end in (False, True)]
        near = list(dict.fromkeys(each.key[0] for each in self.kind("near")))
        near_literal = np.array([[self.number[self.edited(spoken, longer)] for spoken in near] for longer in EDITS], np.int32)
        negated = np.zeros((len(near), max(map(len, near), default=0)), bool)
        for number, spoken in enumerate(near):
            negated[number, [i for i in range(len(spoken)) if (spoken, i) in self.negated]] = True
        return Literals(
            np.array([each.length for each in self.all], np.int32),
            *(trie, code, single, self.runs(), (edges[0], edges[1])),
            NearTrie([[int(code[ord(c)]) for c in spoken] for spoken in near], len(alphabet) + 1),
            *(near_literal, negated, is_joined),
        )

    def edited(self, spoken: str, longer: int) -> _Literal:
        return _Literal("near", (spoken, longer), len(spoken) + longer)

    def runs(self) -> dict[str, Ints]:
        longest = max((each.length for each in self.kind("run")), default=0)
        made: dict[str, Ints] = {}
        for each in self.kind("run"):
            made.setdefault(each.key[0], np.full(longest + 2, NONE, np.int32))[each.length] = self.number[each]
        return made


def _forms(forms: list[_Written], number: dict[_Literal, int]) -> Forms:
    literal = np.array([number[f.literal] for f in forms], np.int32)
    return Forms(
        _bounds(literal, len(number)),
        literal,
        np.array([f.chars for f in forms], np.int32),
        np.array([bool(f.normal) for f in forms], bool),
        np.array([f.literal.kind == "near" for f in forms], bool),
        _matrix([f.normal for f in forms]),
        _matrix([f.written for f in forms]),
        np.array([len(f.written) for f in forms], np.int32),
    )


def _steps(rows: list[tuple[int, ...]], step: Ints, literal: Ints, literals: Literals) -> Steps:
    """`step`, `literal`: of each member."""
    chain, done, side, least, most, capture = _columns(rows, 6)
    shortest, longest = np.full(len(rows), np.iinfo(np.int16).max, np.int32), np.zeros(len(rows), np.int32)
    np.minimum.at(shortest, step, literals.length[literal])
    np.maximum.at(longest, step, literals.length[literal])
    joined = literals.joined[literal]
    members = Lookup(step, joined, np.arange(len(step), dtype=np.int32), len(rows), int(joined.max(initial=0)) + 1)
    return Steps(chain, done.astype(bool), side, least, most, capture, shortest, longest, members)


def _columns(rows: Sequence[tuple[int, ...]], width: int) -> Ints:
    return np.array(rows, np.int32).reshape(-1, width).T.copy()


def _bounds(sorted_keys: Ints, count: int) -> Ints:
    """Where each key 0..count-1 begins."""
    return np.searchsorted(sorted_keys, np.arange(count + 1)).astype(np.int32)


def _matrix(texts: Sequence[str]) -> Ints:
    made = np.zeros((max(map(len, texts), default=0), len(texts)), np.int32)
    for i, text in enumerate(texts):
        made[: len(text), i] = [ord(c) for c in text]
    return made
