"""What a pack can say: the operators of the rule language, their arguments, and what each means.

One table serves the reader (which keys, which values), the JSON Schema for editors, and the language reference.
Two kinds of expression: *spans* (when does it arise?) and *conditions* (what is expected there?).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SPEAKERS = ("agent", "customer", "ivr", "anyone")
EDGES = ("start", "end")
PICKS = ("first", "last", "every")
HANGUPS = ("agent", "customer", "system", "both")
STATUSES = ("draft", "trial", "live", "retired")
FATAL = ("card", "section")
BUILT_IN_SPANS = {
    "call": "the whole leg",
    "answer": "the moment the agent answers",
    "end": "the moment the leg ends",
    "first_utterance": "the agent's first words, up to the customer's first answer after them",
    "ending": "the agent's last 15 seconds or last two turns, whichever is longer",
}


@dataclass(frozen=True)
class Kind:
    """What an argument may be. `form`: scalar kinds by name, or spans, condition, conditions, phrases, …"""

    form: str
    choices: tuple[str, ...] = ()
    help: str = ""


@dataclass(frozen=True)
class Operator:
    """One operator: its own argument, what may stand beside it, and a sentence on what it means."""

    name: str
    argument: Kind
    help: str
    beside: Mapping[str, Kind] = field(default_factory=dict)


def _number(help: str = "") -> Kind:
    return Kind("number", help=help)


WINDOW = {
    "before_s": _number("up to so many seconds before the occasion begins"),
    "after_s": _number("up to so many seconds after the occasion ends"),
    "next_turns": Kind("whole", help="the next n turns of the speaker after the occasion's start"),
    "previous_turns": Kind("whole", help="the last n turns of the speaker before the occasion"),
    "look": Kind("choice", ("during", "before", "after", "whole"), "during it, all before it, all after it, the whole leg"),
}
SPEECH = {
    "by": Kind("choice", SPEAKERS, "whose words; the agent's where nothing is said"),
    "to": Kind("choice", ("customer", "colleague", "anyone"), "whom the agent speaks to; the customer where nothing is said"),
}
BOUNDS = {
    "at_least": _number(),
    "at_most": _number(),
    "more_than": _number(),
    "less_than": _number(),
}
COMPARE = {
    **BOUNDS,
    "is": Kind("value"),
    "is_not": Kind("value"),
    "in": Kind("values", help="one of these"),
    "in_field": Kind("text", help="one of the values that another field holds, such as roster"),
    "contains": Kind("value", help="the field is a list that holds this"),
    "known": Kind("flag", help="true: the field has a value"),
    "feed": Kind("text", help="path of a flag; where it isn't true the source is not connected: na, no_feed"),
}

CONDITIONS: dict[str, Operator] = {
    op.name: op
    for op in (
        Operator(
            "said",
            Kind("phrases", help="a phrase, a list (each of them), or {any: [...]}"),
            "the phrases are said in the window",
            {
                **SPEECH,
                **WINDOW,
                "times": Kind("whole", help="at least so often"),
                "same_turn": Kind("flag", help="all in one turn"),
                "in_order": Kind("flag", help="in the order of the list"),
            },
        ),
        Operator(
            "never_said",
            Kind("phrases"),
            "none of the phrases is said: exact and normalised wordings only, and only where the words were heard well",
            {**SPEECH, **WINDOW},
        ),
        Operator("all", Kind("conditions"), "every one of the conditions"),
        Operator("any", Kind("conditions"), "one of the conditions"),
        Operator("not", Kind("condition"), "the condition does not hold"),
        Operator(
            "of",
            Kind("conditions", help="the components"),
            "at least n of the components",
            {"at_least": Kind("whole"), "must": Kind("conditions", help="components that may not be missing (they count)")},
        ),
        Operator(
            "occurs",
            Kind("spans"),
            "so many of these spans touch the window (at least one where nothing is said)",
            {**WINDOW, "at_least": Kind("whole"), "at_most": Kind("whole"), "anywhere": Kind("flag", help="all of the call")},
        ),
        Operator(
            "order",
            Kind("spans_list", help="two or more spans"),
            "each begins after the one before it has begun",
            {**WINDOW},
        ),
        Operator(
            "longest_gap",
            Kind("spans", help="the contacts that reset the clock"),
            "from the occasion's start, contact to contact, to its end: never longer than so many seconds",
            {"at_most_s": _number(), "tolerance_s": _number()},
        ),
        Operator(
            "measure",
            Kind("measure"),
            "a measured value lies in a range",
            {**BOUNDS, **WINDOW, "by": Kind("choice", SPEAKERS)},
        ),
        Operator(
            "field", Kind("text", help="a column of calls or a path into fields, such as pms.dnd"), "a call field", COMPARE
        ),
        Operator(
            "attribute",
            Kind("text", help="a key of the occasion's attributes, such as target_type"),
            "a property of the transfer or event that is the occasion",
            {k: v for k, v in COMPARE.items() if k not in ("feed", "in_field")},
        ),
        Operator(
            "names",
            Kind("texts", help="attributes of the occasion that hold words, such as [target, aliases]"),
            "the speaker says one of the words that the occasion's attribute holds",
            {**SPEECH, **WINDOW},
        ),
        Operator("ended_by", Kind("choice", HANGUPS), "who hung up, by the record or the busy tone"),
        Operator(
            "clock",
            Kind("clock_range", help='["23:00", "06:00"]: from, to (not included); may pass midnight'),
            "the local time at the occasion's start",
        ),
        Operator(
            "echoes",
            Kind("choice", SPEAKERS, "whose words are repeated"),
            "the agent says again so many characters in a row of what the other said before",
            {"characters": Kind("whole"), **WINDOW},
        ),
        Operator(
            "repeats",
            Kind("whole", help="so many characters in a row, or all of them where there are fewer"),
            "the agent says again what was said at the occasion: a number, a place, a quantity, however it is read aloud",
            {"next_turns": Kind("whole", help="within the agent's next n turns; 2 where nothing is said"), "by": SPEECH["by"]},
        ),
        Operator(
            "every_value",
            Kind("spans", help="phrases with a value"),
            "each captured value comes from one of the sources (said before, in a field, in a slot)",
            {"from": Kind("sources"), "by_sound": Kind("flag")},
        ),
        Operator(
            "some_value",
            Kind("spans", help="phrases with a value"),
            "one captured value equals one of the sources",
            {"from": Kind("sources"), "by_sound": Kind("flag")},
        ),
    )
}

PICKING = {
    "nth": Kind("pick", PICKS, "first, last, every (where nothing is said) or a number"),
    "edge": Kind("choice", EDGES, "only its first or its last moment"),
    "merge_s": _number("spans at most so far apart become one"),
    "longer_s": _number("only spans longer than this"),
    "shorter_s": _number("only spans shorter than this"),
    "if": Kind("condition", help="only spans at which this holds"),
    "before": Kind("spans", help="only those that begin before the first of these"),
    "after": Kind("spans", help="only those that begin after the first of these has begun"),
    "during": Kind("spans", help="only those that touch one of these"),
    "outside": Kind("spans", help="only those that touch none of these"),
}

SPANS: dict[str, Operator] = {
    op.name: op
    for op in (
        Operator("phrase", Kind("phrase_names"), "each time one of the phrases is said", {**SPEECH, **PICKING}),
        Operator(
            "turns",
            Kind("choice", SPEAKERS),
            "the speaker's turns",
            {"characters": Kind("whole", help="of at least so many characters"), "to": SPEECH["to"], **PICKING},
        ),
        Operator(
            "event",
            Kind("texts", help="kinds of event, such as hold, hold_music, busy_tone, noise"),
            "measured or recorded events",
            {"side": Kind("choice", ("agent", "customer"), "on whose channel"), "where": Kind("attributes"), **PICKING},
        ),
        Operator(
            "transfer",
            Kind("attributes", help="{} or what must hold, such as {target_type: room, result: [busy]}"),
            "transfers on record, each at its moment",
            PICKING,
        ),
        Operator(
            "holds",
            Kind("hold", help="{announced_by: phrase, quiet_s: 8}: also what is only announced"),
            "the customer waits: by the record, by hold music, or announced and then so long no word of the agent's",
            PICKING,
        ),
        Operator("silence", _number("seconds"), "nobody speaks for longer than this", PICKING),
        Operator(
            "monologue",
            Kind("choice", SPEAKERS),
            "one speaks, with pauses of at most 1.5 s, while the other says no more than a few short words",
            PICKING,
        ),
        Operator(
            "interruption",
            Kind("choice", SPEAKERS, "who interrupts"),
            "begins well into the other's turn, well before its end, with more than a back-channel word",
            PICKING,
        ),
        Operator("either", Kind("spans_list"), "all of these together", PICKING),
    )
}

RULE_KEYS = {
    "id": Kind("text"),
    "title": Kind("text"),
    "section": Kind("text"),
    "weight": _number("points"),
    "status": Kind("choice", STATUSES),
    "tags": Kind("texts"),
    "clauses": Kind("texts"),
    "from": Kind("date"),
    "until": Kind("date"),
    "applies": Kind("fields", help="call fields and their wanted values"),
    "when": Kind("spans"),
    "if": Kind("condition", help="the occasion counts only where this holds; else na"),
    "unless": Kind("conditions", help="each excuses: na"),
    "expect": Kind("condition"),
    "needs": Kind("texts", help="what must be measured: tones, levels, two_channels, …; else unsure"),
    "kind": Kind("choice", ("requirement", "prohibition", "bonus", "checklist"), "prohibitions only deduct, bonuses only add"),
    "credit": Kind("choice", ("all", "per_occasion"), "per_occasion: the share of occasions that passed"),
    "fatal": Kind("choice", FATAL),
    "fatal_if": Kind("condition", help="a fail is fatal only where this holds"),
    "confirm": Kind("flag", help="a person listens before a fail counts"),
    "coach": Kind("text"),
    "examples": Kind("examples"),
}
NEEDED = ("id", "title", "weight")
PHRASE_KEYS = {
    "say": Kind("texts"),
    "unless": Kind("texts"),
    "rungs": Kind("texts"),
    "word": Kind("flag"),
    "value": Kind("text"),
}
PACK_KEYS = ("pack", "title", "titles", "slots", "phrases", "occasions", "conditions", "sections", "applies", "rules")
