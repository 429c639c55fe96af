"""All wordings of all phrases compiled into one plan of columns, which the matcher carries out.

A *literal* is something to find in the stream, of fixed length: a sequence of sound codes, one character of the normal form, a
run of so many digits, an end of the turn, or a sound sequence with one edit. A *form* is a literal as some wording writes it.
A chain is found from its rarest link (the anchor) and grown link by link: its *steps*, the last of which has no side to look
to. The *members* of a place are the forms that may stand there; steps that look for the same share a place.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qa_pipeline.rules.chain_tables import anchored, columns, group_members, lengths_at, step_tables, table
from qa_pipeline.rules.chains import Chain, Form, Link, chains
from qa_pipeline.rules.growth import CAPTURE_GAP, CAPTURE_LINK, FORM_LETTERS, NO_CAPTURE, Chains
from qa_pipeline.rules.near import near_tables
from qa_pipeline.rules.phrase import RUNGS, Phrase
from qa_pipeline.rules.scan import KINDS, Finding
from qa_pipeline.rules.trie import NONE, Codes, Ints, Trie
from qa_pipeline.rules.wording import Edge, Run, reaches_across
from qa_pipeline.text.columns import POINTS
from qa_pipeline.text.sound import sound

NEAR_FROM = 5
NEAR_FROM_NAME = 4
"""Characters a literal has at least to be heard with one edit; a slot's word is rarer than other words, so shorter."""
NEGATIONS = "不没别无未非"
EDITS = (0, 1, -1)
"""How much longer than its literal a stretch with one edit is."""

COMMON = "你好我的是了有不下们请这么问个再谢来那到电没什上见以吗对可在给天号里打帮人话点家等机要看就先吧时过说他会还行去想得"
"""The commonest characters of calls, the commonest first, as counted in the sample scripts."""
OFTEN, SELDOM, TOGETHER = 0.05, 0.0004, 5.0
"""The share of the commonest character, and of one that is not common, and how much likelier characters come together."""


@dataclass(frozen=True)
class Plan:
    """What to find, how literals make chains, and which phrases the chains are."""

    finding: Finding
    code: Codes
    """Sound code of each code point in the tries, 0 for sounds that no literal has."""
    chains: Chains
    chain_phrase: Ints
    chain_guard: npt.NDArray[np.bool_]
    chain_links: Ints
    chain_crosses: npt.NDArray[np.bool_]
    """Guards that reach across punctuation."""
    chain_rims: Ints
    """[chain, (before least, before most, after least, after most)] of guards, which `overlaps` widens."""
    values: tuple[str, ...]
    """Slot words that hits stand for."""


def compile_plan(phrases: Sequence[Phrase]) -> Plan:
    """Raises WordingError for the first wording that cannot be read."""
    builder = _Builder()
    for number, phrase in enumerate(phrases):
        for guard, wordings in ((False, phrase.say), (True, phrase.unless)):
            for wording in wordings:
                crosses = guard and reaches_across(wording)
                for chain in chains(wording, phrase.slots):
                    builder.add(chain, number, phrase, guard, crosses)
    return builder.plan()


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
        self.forms, self.values, self.places = _Numbered(), _Numbered(), _Numbered()
        self.steps: list[tuple[int, ...]] = []
        self.uses: list[tuple[int, int, int, bool, int]] = []
        self.chains: list[tuple[int, bool, int, tuple[int, ...], bool, int, bool]] = []
        self.negated: set[tuple[str, int]] = set()

    def add(self, chain: Chain, number: int, phrase: Phrase, guard: bool, crosses: bool) -> None:
        own = len(self.chains)
        worst = max(RUNGS.index(rung) for rung in phrase.rungs)
        captured, kind = _captured(chain, None if guard else phrase.value)
        margins = (*chain.before, *chain.after)
        self.chains.append((number, guard, worst, margins, captured is None and any(margins), len(chain.links), crosses))
        anchor = max(range(len(chain.links)), key=lambda i: _rarity(chain.links[i]))
        near = "near" in phrase.rungs
        for form, value in self.bodies(chain.links[anchor], phrase, near):
            # the better heard of two forms decides, unless a worse rung is allowed and a better one is not
            alone = NONE if set(phrase.rungs) == set(RUNGS[: worst + 1]) else form
            self.uses.append((form, len(self.steps), value, kind == CAPTURE_LINK and captured == anchor, alone))
        right = [(i, 1, chain.links[i]) for i in range(anchor + 1, len(chain.links))]
        left = [(i, -1, chain.links[i + 1]) for i in range(anchor - 1, -1, -1)]
        for i, side, gap in right + left:
            # the gap stands before its link: on the way left that is the link already found
            takes = kind if captured == (i if kind == CAPTURE_LINK or side > 0 else i + 1) else NO_CAPTURE
            place = self.places[tuple(self.bodies(chain.links[i], phrase, near))]
            self.steps.append((own, place, side, gap.least, gap.most, takes, _at_rim(chain.links[i], side)))
        self.steps.append((own, self.places[()], 0, 0, 0, NO_CAPTURE, False))

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

    def plan(self) -> Plan:
        forms: list[_Written] = list(self.forms.numbers)  # type: ignore[arg-type]
        kinds = ("sound", "single", "run", "edge", "near")
        literals = sorted(dict.fromkeys(f.literal for f in forms), key=lambda each: kinds.index(each.kind))
        number = {literal: i for i, literal in enumerate(literals)}
        order = sorted(range(len(forms)), key=lambda i: number[forms[i].literal])
        renumbered = np.empty(len(forms), np.int32)
        renumbered[order] = np.arange(len(forms))
        finding, code = _Finding(literals, number, self.negated).tables()
        length = np.array([each.length for each in literals], np.int32)
        chain = self.chains
        held: list[tuple[tuple[int, int], ...]] = list(self.places.numbers)  # type: ignore[arg-type]
        place, form, value = columns([(i, *member) for i, members in enumerate(held) for member in members], 3)
        literal = np.array([number[forms[f].literal] for f in form], np.int32)
        worst = np.array([c[2] for c in chain], np.int32)
        guard = np.array([c[1] for c in chain], bool)
        margin = np.array([c[3] for c in chain], np.int32).reshape(-1, 4)
        asked = np.where(guard[:, None], 0, margin)
        grouped = group_members(literal, place, len(literals), len(held))
        steps, needs = step_tables(self.steps, worst, asked, lengths_at(place, length[literal], len(held)), grouped.first)
        anchors = [(number[forms[form].literal], int(renumbered[form]), *use) for form, *use in self.uses]
        begun = anchored(sorted(anchors, key=lambda use: use[1]), needs, len(literals))
        members = [(each,) for each in renumbered[form].tolist()]
        begins, letters = _lettered([forms[i] for i in order], [*begun.forms, *members])
        return Plan(
            *(finding, code),
            Chains(
                table(length, grouped.number, grouped.rank, *begun.of_literal),
                begun.starts,
                table([begins[each] for each in begun.forms], [*map(len, begun.forms)], begun.value),
                *(steps, grouped.takers, grouped.groups, grouped.held),
                table([begins[each] for each in members], value)[grouped.order],
                *(letters, asked),
                np.array([c[4] for c in chain], bool) & ~guard,
            ),
            np.array([c[0] for c in chain], np.int32),
            guard,
            np.array([c[5] for c in chain], np.int32),
            np.array([c[6] for c in chain], bool),
            np.where(guard[:, None], margin, 0),
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


def _at_rim(link: Link, side: int) -> bool:
    """Whether nothing of a text lies beyond it on that side."""
    return isinstance(link.body, Edge) and link.body.at_end == (side > 0)


def _rarity(link: Link) -> tuple[float, int]:
    """Links are looked for from the one least often heard; among equals the one with the fewest forms."""
    if isinstance(link.body, Edge):
        return -OFTEN, 0
    if isinstance(link.body, Run):
        return -OFTEN / 4 / max(link.body.least, 1), 0
    said = {form.normal if len(form.normal) == 1 else sound(form.normal): form.normal for form in link.body}
    return -sum(map(_commonness, said.values())), -len(link.body)


def _commonness(normal: str) -> float:
    """About how often a literal begins at a position of a call: characters fall off with their rank, and one of a literal comes
    more often after another than by itself."""
    ranks = (COMMON.find(c) for c in normal)
    shares = (OFTEN / (1 + rank) ** 0.75 if rank != NONE else SELDOM for rank in ranks)
    return math.prod(shares) * TOGETHER ** (len(normal) - 1)


class _Finding:
    """How to find the literals."""

    def __init__(self, literals: list[_Literal], number: dict[_Literal, int], negated: set[tuple[str, int]]) -> None:
        self.all, self.number, self.negated = literals, number, negated

    def kind(self, kind: str) -> list[_Literal]:
        return [each for each in self.all if each.kind == kind]

    @cached_property
    def sounds(self) -> list[str]:
        return [each.key[0] for each in self.kind("sound")]

    def tables(self) -> tuple[Finding, Codes]:
        """With the sound code of each code point."""
        # the commonest first, so that what is often looked at lies together
        alphabet = [c for c, _ in Counter(c for spoken in self.sounds for c in spoken).most_common()]
        code = np.zeros(POINTS, np.int32)
        code[[ord(c) for c in alphabet]] = np.arange(1, len(alphabet) + 1)
        edges = [self.number.get(_Literal("edge", ("", at_end), 0), NONE) for at_end in (False, True)]

        def coded(sounds: Sequence[str]) -> list[list[int]]:
            return [[int(code[ord(c)]) for c in spoken] for spoken in sounds]

        near = list(dict.fromkeys(each.key[0] for each in self.kind("near")))
        stands = [
            [self.number[_Literal("near", (spoken, longer), len(spoken) + longer)] for spoken in near] for longer in EDITS
        ]
        negated = np.zeros((len(near), max(map(len, near), default=0)), bool)
        for number, spoken in enumerate(near):
            negated[number, [i for i in range(len(spoken)) if (spoken, i) in self.negated]] = True
        finding = Finding(
            *(Trie(coded(self.sounds), len(alphabet) + 1).walk, *self.letters_and_runs(), np.array(edges, np.int32)),
            near_tables(coded(near), len(alphabet) + 1, np.array(stands, np.int32).reshape(len(EDITS), -1), negated),
            np.array([ord(c) for c in NEGATIONS], np.int32),
        )
        return finding, code

    def letters_and_runs(self) -> tuple[Ints, Ints]:
        """`Finding.letters` and `Finding.runs`."""
        kinds = list(dict.fromkeys(each.key[0] for each in self.kind("run")))
        letters = np.full(POINTS, NONE, np.int32)
        made = np.full((len(kinds), max((each.length for each in self.kind("run")), default=0) + 2), NONE, np.int32)
        for each in self.kind("single"):
            letters[ord(each.key[0])] = self.number[each]
        letters <<= KINDS
        for i, kind in enumerate(kinds):
            letters[[ord(c) for c in kind]] |= 1 << i
        for each in self.kind("run"):
            made[kinds.index(each.key[0]), each.length] = self.number[each]
        return letters, made


def _lettered(forms: Sequence[_Written], lists: Sequence[tuple[int, ...]]) -> tuple[dict[tuple[int, ...], int], Ints]:
    """Where each of the lists of forms begins among the letters, and these: see `Chains.forms`."""
    begins: dict[tuple[int, ...], int] = {}
    told: list[int] = []
    for each in sorted(set(lists)):
        begins[each] = len(told)
        for form in (forms[number] for number in each):
            apart = "" if form.written == form.normal else form.normal
            told += (form.chars, form.literal.kind == "near", len(form.written), FORM_LETTERS + len(apart and form.written))
            told += map(ord, form.written + apart)
    return begins, np.array(told, np.int32)
