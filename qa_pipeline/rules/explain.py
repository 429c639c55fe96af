"""A rule in plain Chinese, as a trainer would say it: when it arises, what is expected, what excuses, what it costs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qa_pipeline.rules.chinese import (
    BOUND,
    EDGE,
    EVENTS,
    FATAL,
    FIELDS,
    KIND,
    LOOK,
    MEASURED,
    NEEDS,
    PICK,
    PLACES,
    STATUS,
    VALUES,
    WHO,
)
from qa_pipeline.rules.language import Expression, PhraseChoice
from qa_pipeline.rules.pack import Rule, RulePack
from qa_pipeline.rules.phrase import Phrase

VERB = re.compile(r"“(说|答|问(?!候))")
SHOWN = 6
"""Wordings of a phrase; the pack has them all."""


def explain(rule: Rule, pack: RulePack) -> str:
    """Several lines: title and weight, when, what is expected, excuses, then what the names in them mean."""
    teller = _Teller(pack)
    confirm = "，需人工确认" if rule.confirm else ""
    nature = STATUS[rule.status] + KIND[rule.kind] + FATAL.get(rule.fatal or "", "") + confirm
    lines = [f"{rule.id}  {rule.title}（{rule.weight:g} 分，{nature}）"]
    if rule.when is None or rule.expect is None:
        return "\n".join([*lines, "  由培训师人工检查。"])
    lines.append(f"  什么时候：{teller.spans(rule.when)}{teller.applies(rule)}")
    if rule.condition is not None:
        lines += teller.outline("前提", rule.condition)
    lines += teller.outline("要求", rule.expect)
    if rule.unless:
        lines.append(f"  不适用：{'；'.join(teller.condition(c) for c in rule.unless)}")
    if rule.fatal_if is not None:
        lines.append(f"  只在这时致命：{teller.condition(rule.fatal_if)}")
    if rule.needs:
        lines.append(f"  需要测量：{'、'.join(NEEDS.get(n, n) for n in rule.needs)}，没有测量就不下结论")
    lines += [*teller.meanings(), *teller.wordings()]
    if rule.coach:
        lines.append(f"  辅导：{rule.coach}")
    return "\n".join(lines)


class _Teller:
    """Says expressions, and remembers the names that it mentioned."""

    def __init__(self, pack: RulePack) -> None:
        self.pack, self.phrases = pack, dict[str, None]()
        self.named_parts: dict[tuple[str, str], None] = {}

    def title(self, name: str) -> str:
        return self.pack.titles.get(name) or FIELDS.get(name, name)

    def phrase(self, choice: PhraseChoice | tuple[str, ...], joint: str = "或") -> str:
        names = choice.names if isinstance(choice, PhraseChoice) else choice
        self.phrases |= dict.fromkeys(names)
        joint = "和" if isinstance(choice, PhraseChoice) and choice.every else joint
        return joint.join(f"“{title}”" for title in dict.fromkeys(map(self.title, names)))

    def says(self, choice: PhraseChoice | tuple[str, ...], times: str = "") -> str:
        """说“问候语”, but “问姓名”: a title that begins with its own verb takes no second one."""
        said = self.phrase(choice)
        return times + said if VERB.match(said) else f"说{times}{said}"

    def applies(self, rule: Rule) -> str:
        told = (*self.pack.applies, *rule.applies)
        return "（只看" + "，".join(self.wanted(name, value) for name, value in told) + "）" if told else ""

    def wanted(self, name: str, value: Any) -> str:
        """A field or attribute and what it must be."""
        args = value if isinstance(value, Mapping) else {"in": value} if isinstance(value, list | tuple) else {"is": value}
        return f"{self.title(name)}{_wanted(args, self.title)}"

    def outline(self, head: str, e: Expression) -> list[str]:
        """The condition on one line, or its parts on a line each."""
        parts = e[e.op] if e.op in ("all", "any") else ()
        if len(parts) < 2:
            return [f"  {head}：{self.condition(e)}"]
        lead = "以下各项都要" if e.op == "all" else "以下任何一项"
        return [f"  {head}：{lead}", *(f"    · {self.condition(part)}" for part in parts)]

    def meanings(self) -> list[str]:
        """What the pack's own occasions and conditions mean, those they mention in turn as well."""
        told: list[str] = []
        done: set[tuple[str, str]] = set()
        while todo := [key for key in self.named_parts if key not in done]:
            for kind, name in todo:
                done.add((kind, name))
                named = self.pack.occasions if kind == "named" else self.pack.conditions
                said = self.spans(named[name]) if kind == "named" else self.condition(named[name])
                told.append(f"    「{self.title(name)}」：{said}")
        return ["  其中", *told] if told else []

    def wordings(self) -> list[str]:
        """Phrases of one title are told together."""
        titled: dict[str, list[Phrase]] = {}
        for name in self.phrases:
            titled.setdefault(self.title(name), []).append(self.pack.phrases[name])
        lines = []
        for title, phrases in titled.items():
            lines.append(f"  “{title}”：{_some([w for p in phrases for w in p.say])}")
            if guards := [w for p in phrases for w in p.unless]:
                lines.append(f"      但不算：{_some(guards)}")
        return lines

    def spans(self, e: Expression) -> str:
        if e.op == "named":
            name = str(e["named"])
            if name not in self.pack.occasions:
                return PLACES[name]
            self.named_parts[("named", name)] = None
            return f"「{self.title(name)}」"
        said = _SPANS[e.op](self, e)
        if "nth" in e.args and e["nth"] != "every":
            said = PICK.get(str(e["nth"]), f"第 {e['nth']} 次") + said
        limits = [f"{word} {e[key]:g} 秒" for key, word in (("longer_s", "长于"), ("shorter_s", "短于")) if key in e.args]
        limits += [f"相隔 {e['merge_s']:g} 秒以内算一次"] if "merge_s" in e.args else []
        places = (("before", "之前"), ("after", "之后"), ("during", "期间"), ("outside", "以外"))
        limits += [f"在{self.spans(e[key])}{word}" for key, word in places if key in e.args]
        limits += [f"并且{self.condition(e['if'])}"] if "if" in e.args else []
        if limits:
            together = f"（{said}）" if e.op == "either" and len(e["either"]) > 1 else said
            said = f"{together}（{'，'.join(limits)}）"
        return said + (f"的{EDGE[e['edge']]}" if "edge" in e.args else "")

    def condition(self, e: Expression) -> str:
        if e.op == "condition":
            self.named_parts[("condition", e["condition"])] = None
            return f"「{self.title(e['condition'])}」"
        return _CONDITIONS[e.op](self, e)

    def who(self, e: Expression) -> str:
        to = {"colleague": "对同事", "anyone": "对客户或同事"}.get(e.get("to", ""), "")
        return WHO[e.get("by", "agent")] + to

    def window(self, e: Expression) -> str:
        if "next_turns" in e.args:
            return f"接下来 {e['next_turns']} 句里"
        if "previous_turns" in e.args:
            return f"之前 {e['previous_turns']} 句里"
        parts = [f"{word} {e[key]:g} 秒" for key, word in (("before_s", "前"), ("after_s", "后")) if key in e.args]
        return "到".join(parts) + "以内" if parts else LOOK[e["look"]] if "look" in e.args else ""

    def sources(self, e: Expression) -> str:
        return "、".join(
            f"记录的“{self.title(source)}”"
            if kind == "field"
            else f"名单“{self.title(source)}”"
            if kind == "slot"
            else f"此前{self.spans(source)}"
            for kind, source in e["from"]
        )


def _some(wordings: Sequence[str]) -> str:
    return " / ".join(wordings[:SHOWN]) + (" …" if len(wordings) > SHOWN else "")


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    return VALUES.get(str(value), str(value))


def _bounds(args: Mapping[str, Any], one: float = 1, unit: str = "") -> str:
    return "、".join(f"{word} {args[name] / one:g}{unit}" for name, word in BOUND.items() if name in args)


def _wanted(args: Mapping[str, Any], title: Callable[[str], str]) -> str:
    """What stands beside a field: 是…, 不是…, 至少…"""
    said = [_bounds(args)] if _bounds(args) else []
    for key, word in (("is", "为"), ("is_not", "不是")):
        said += [f"{word}“{_value(args[key])}”"] if key in args else []
    said += [f"为“{'”或“'.join(map(_value, args['in']))}”"] if "in" in args else []
    said += [f"在“{title(args['in_field'])}”所列之中"] if "in_field" in args else []
    said += [f"包含“{_value(args['contains'])}”"] if "contains" in args else []
    said += ["有记录" if args["known"] else "没有记录"] if "known" in args else []
    return "，".join(said)


def _field(t: _Teller, e: Expression) -> str:
    return f"记录的“{t.title(e[e.op])}”{_wanted(e.args, t.title)}"


def _said(t: _Teller, e: Expression) -> str:
    times = f"至少 {e['times']} 次" if "times" in e.args else ""
    joint = "（同一句里）" if e.get("same_turn") else "（按先后）" if e.get("in_order") else ""
    return f"{t.who(e)}{t.window(e)}{t.says(e['said'], times)}{joint}"


def _occurs(t: _Teller, e: Expression) -> str:
    where = "整通电话里" if e.get("anywhere") else t.window(e)
    if e.get("at_most") == 0:
        return f"{where}没有{t.spans(e['occurs'])}"
    return f"{where}有{t.spans(e['occurs'])}" + (f"，{_bounds(e.args, 1, ' 次')}" if _bounds(e.args) else "")


def _measure(t: _Teller, e: Expression) -> str:
    name, one, unit = MEASURED[e["measure"]]
    return f"{WHO[e['by']] if 'by' in e.args else ''}{name}{_bounds(e.args, one, unit)}"


def _not(t: _Teller, e: Expression) -> str:
    """Said the short way round where there is one."""
    inner: Expression = e["not"]
    opposite = {"is": "is_not", "is_not": "is"}
    if inner.op in ("field", "attribute") and set(inner.args) - {inner.op} <= set(opposite):
        return _field(t, Expression(inner.op, {opposite.get(k, k): v for k, v in inner.args.items()}))
    if inner.op == "said" and (len(inner["said"].names) == 1 or not inner["said"].every):
        return f"{t.who(inner)}{t.window(inner)}没有{t.says(inner['said'])}"
    if inner.op == "occurs" and not set(inner.args) & {"at_least", "at_most"}:
        return _occurs(t, Expression("occurs", {**inner.args, "at_most": 0}))
    return f"不是{t.condition(inner)}" if inner.op == "condition" else f"并非（{t.condition(inner)}）"


def _of(t: _Teller, e: Expression) -> str:
    must = e.get("must", ())
    least = e.get("at_least", len(must) + len(e["of"]))
    said = "；".join(t.condition(c) for c in (*must, *e["of"]))
    return f"以下 {len(must) + len(e['of'])} 项至少做到 {least} 项{f'（前 {len(must)} 项必须做到）' if must else ''}：{said}"


def _repeats(t: _Teller, e: Expression) -> str:
    return f"{t.who(e)}接下来 {e.get('next_turns', 2)} 句里复述其中连续 {e['repeats']} 个字（不足则全部）"


def _longest_gap(t: _Teller, e: Expression) -> str:
    return f"每隔最多 {e['at_most_s']:g} 秒就有{t.spans(e['longest_gap'])}"


_CONDITIONS: dict[str, Callable[[_Teller, Expression], str]] = {
    "all": lambda t, e: "，并且".join(t.condition(c) for c in e["all"]),
    "any": lambda t, e: "（" + "，或者".join(t.condition(c) for c in e["any"]) + "）",
    "not": _not,
    "of": _of,
    "said": _said,
    "never_said": lambda t, e: f"{t.who(e)}{t.window(e)}不能{t.says(e['never_said'].names)}",
    "occurs": _occurs,
    "order": lambda t, e: f"{t.window(e)}先后有：" + " → ".join(t.spans(s) for s in e["order"]),
    "longest_gap": _longest_gap,
    "measure": _measure,
    "field": _field,
    "attribute": _field,
    "names": lambda t, e: f"{t.who(e)}{t.window(e)}说出记录里的{'或'.join(map(t.title, e['names']))}",
    "ended_by": lambda t, e: f"由{WHO[e['ended_by']]}挂机" if e["ended_by"] == "both" else f"由{WHO[e['ended_by']]}先挂机",
    "clock": lambda t, e: f"当地时间在 {_clock(e['clock'][0])} 到 {_clock(e['clock'][1])} 之间",
    "echoes": lambda t, e: f"{t.window(e)}坐席重复{WHO[e['echoes']]}说过的连续 {e.get('characters', 6)} 个字",
    "repeats": _repeats,
    "every_value": lambda t, e: f"{t.spans(e['every_value'])}里的每一个都出自{t.sources(e)}",
    "some_value": lambda t, e: f"{t.spans(e['some_value'])}里有一个与{t.sources(e)}相符",
}


def _turns(t: _Teller, e: Expression) -> str:
    to = {"colleague": "对同事", "anyone": "对客户或同事"}.get(e.get("to", ""), "")
    return f"{WHO[e['turns']]}{to}说话" + (f" {e['characters']} 个字以上" if "characters" in e.args else "")


def _attributes(t: _Teller, told: Sequence[tuple[str, Any]]) -> str:
    return "（" + "，".join(t.wanted(k, v) for k, v in told) + "）" if told else ""


def _event(t: _Teller, e: Expression) -> str:
    side = f"{WHO[e['side']]}一侧" if "side" in e.args else ""
    return f"{side}测到{'或'.join(EVENTS.get(k, k) for k in e['event'])}{_attributes(t, e.get('where', ()))}"


def _holds(t: _Teller, e: Expression) -> str:
    name, quiet = e["holds"]
    return (
        f"让客户等待（有记录、有音乐，或说了{t.phrase((name,))}后 {quiet:g} 秒不说话）"
        if name
        else "让客户等待（有记录或有音乐）"
    )


_SPANS: dict[str, Callable[[_Teller, Expression], str]] = {
    "phrase": lambda t, e: f"{t.who(e)}{t.says(e['phrase'])}",
    "turns": _turns,
    "event": _event,
    "transfer": lambda t, e: "转接" + _attributes(t, e["transfer"]),
    "holds": _holds,
    "silence": lambda t, e: f"双方都不说话超过 {e['silence']:g} 秒",
    "monologue": lambda t, e: f"{WHO[e['monologue']]}一直说话",
    "interruption": lambda t, e: f"{WHO[e['interruption']]}打断对方",
    "either": lambda t, e: "，或".join(t.spans(s) for s in e["either"]),
}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
