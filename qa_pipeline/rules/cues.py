"""What the packs know of who speaks how, compiled for the listening side: wordings of the packs' ROLE_PHRASES."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from qa_pipeline.rules.chains import Chain, Form, chains
from qa_pipeline.rules.pack import ROLE_PHRASES, RulePack
from qa_pipeline.rules.phrase import Phrase
from qa_pipeline.rules.wording import Edge, Run


@dataclass(frozen=True)
class RolePatterns:
    """Regular expressions over a turn's normal form, one for each wording, with the companies' names of all packs in it.

    guards: what voids whatever it overlaps, as a phrase's `unless` does.
    """

    greeting: tuple[str, ...]
    agent: tuple[str, ...]
    customer: tuple[str, ...]
    guards: tuple[str, ...]


def role_patterns(packs: Iterable[RulePack]) -> RolePatterns:
    phrases = [phrase for pack in packs for phrase in pack.roles.values()]
    greeting, agent, customer = (_patterns([(w, p) for p in phrases if p.name == name for w in p.say]) for name in ROLE_PHRASES)
    return RolePatterns(greeting, agent, customer, _patterns([(w, p) for p in phrases for w in p.unless]))


def _patterns(wordings: Iterable[tuple[str, Phrase]]) -> tuple[str, ...]:
    forms: dict[str, dict[str, None]] = {}
    for wording, phrase in wordings:
        forms.setdefault(wording, {}).update(dict.fromkeys(_of_wording(wording, phrase.slots)))
    return tuple("|".join(of) for of in forms.values() if of)


def _of_wording(wording: str, slots: Mapping[str, Sequence[str]]) -> list[str]:
    return [_of_chain(chain) for chain in chains(wording, slots)]


def _of_chain(chain: Chain) -> str:
    pattern = ""
    for i, link in enumerate(chain.links):
        gap = "" if not i or (link.least, link.most) == (0, 0) else f".{{{link.least},{link.most}}}"
        pattern += gap + _of_body(link.body)
    return pattern


def _of_body(body: tuple[Form, ...] | Run | Edge) -> str:
    if isinstance(body, Edge):
        return "$" if body.at_end else "^"
    if isinstance(body, Run):
        return f"[{re.escape(body.letters)}]{{{body.least},{body.most}}}"
    forms = sorted({form.normal for form in body if form.normal}, key=lambda f: (-len(f), f))
    return "(?:" + "|".join(map(re.escape, forms)) + ")"
