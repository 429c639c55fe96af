"""A rule in plain Chinese, as a trainer would say it: when it arises, what is expected, what excuses, what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from qa_pipeline.rules.language import Expression, PhraseChoice
from qa_pipeline.rules.measures import MEASURES
from qa_pipeline.rules.pack import Rule, RulePack

WHO = {"agent": "坐席", "customer": "客户", "ivr": "语音提示", "anyone": "任何一方", "system": "系统", "both": "双方"}
PLACES = {
    "call": "整通电话",
    "answer": "接通的那一刻",
    "end": "通话结束时",
    "first_utterance": "坐席的第一句话",
    "ending": "坐席最后十五秒（或最后两句）",
}
PICK = {"first": "第一次", "last": "最后一次", "every": "每一次"}
LOOK = {"during": "期间", "before": "之前", "after": "之后", "whole": "全程"}
BOUND = {"at_least": "至少", "at_most": "最多", "more_than": "超过", "less_than": "少于"}
STATUS = {"draft": "草稿", "trial": "试行，不计分", "live": "生效", "retired": "停用"}


def explain(rule: Rule, pack: RulePack) -> str:
    """Several lines: title and weight, when, what is expected, excuses, wordings."""
    teller = _Teller(pack)
    lines = [f"{rule.id}  {rule.title}（{rule.weight:g} 分，{STATUS[rule.status]}{_nature(rule)}）"]
    if rule.when is None or rule.expect is None:
        return "\n".join([*lines, "  由培训师人工检查。"])
    lines.append(f"  什么时候：{teller.spans(rule.when)}{_applies(rule)}")
    if rule.condition is not None:
        lines.append(f"  前提：{teller.condition(rule.condition)}")
    lines.append(f"  要求：{teller.condition(rule.expect)}")
    if rule.unless:
        lines.append(f"  不适用：{'；'.join(teller.condition(c) for c in rule.unless)}")
    if rule.needs:
        lines.append(f"  需要测量：{'、'.join(rule.needs)}，没有测量就不下结论")
    for name in sorted(teller.phrases):
        phrase = pack.phrases[name]
        lines.append(f"  “{name}”：{' / '.join(phrase.say[:6])}{' …' if len(phrase.say) > 6 else ''}")
        if phrase.unless:
            lines.append(f"      但不算：{' / '.join(phrase.unless[:6])}")
    if rule.coach:
        lines.append(f"  辅导：{rule.coach}")
    return "\n".join(lines)


def _nature(rule: Rule) -> str:
    kind = {"prohibition": "，禁止项，只扣分", "bonus": "，加分项", "checklist": "，检查表"}.get(rule.kind, "")
    fatal = {"card": "，致命项：确认后整张评分卡归零", "section": "，致命项：确认后本部分归零"}.get(rule.fatal or "", "")
    return kind + fatal + ("，需人工确认" if rule.confirm else "")


def _applies(rule: Rule) -> str:
    if not rule.applies:
        return ""
    return "（只看" + "，".join(f"{name}={value}" for name, value in rule.applies) + "）"


class _Teller:
    """Says expressions, and remembers the phrases that were mentioned."""

    def __init__(self, pack: RulePack) -> None:
        self.pack, self.phrases = pack, set[str]()

    def named(self, choice: PhraseChoice | tuple[str, ...], joint: str = "和") -> str:
        names = choice.names if isinstance(choice, PhraseChoice) else choice
        self.phrases |= set(names)
        joint = joint if not isinstance(choice, PhraseChoice) or choice.every else "或"
        return joint.join(f"“{name}”" for name in names)

    def spans(self, e: Expression) -> str:
        if e.op == "named":
            name = e["named"]
            if name in self.pack.occasions:
                return self.spans(self.pack.occasions[name])
            return PLACES[str(name)]
        said = _SPANS[e.op](self, e)
        pick = e.get("nth")
        said = f"{PICK.get(str(pick), f'第 {pick} 次')}{said}" if pick else said
        for key, word in (("longer_s", "长于"), ("shorter_s", "短于")):
            if key in e.args:
                said += f"，{word} {e[key]:g} 秒"
        for key, word in (("before", "之前"), ("after", "之后"), ("during", "期间"), ("outside", "以外")):
            if key in e.args:
                said += f"（在{self.spans(e[key])}{word}）"
        return said + (f"，并且{self.condition(e['if'])}" if "if" in e.args else "")

    def condition(self, e: Expression) -> str:
        if e.op == "condition":
            return self.condition(self.pack.conditions[e["condition"]])
        return _CONDITIONS[e.op](self, e)

    def window(self, e: Expression) -> str:
        who = WHO[e.get("by", "agent")]
        if "next_turns" in e.args:
            return f"在{who}接下来的 {e['next_turns']} 句话里"
        if "previous_turns" in e.args:
            return f"在{who}之前的 {e['previous_turns']} 句话里"
        parts = [
            f"前 {e['before_s']:g} 秒" if "before_s" in e.args else "",
            f"后 {e['after_s']:g} 秒" if "after_s" in e.args else "",
        ]
        if any(parts):
            return "在" + "到".join(p for p in parts if p) + "内"
        return f"在{LOOK[e['look']]}" if "look" in e.args else ""


def _bounds(args: Mapping[str, Any], unit: str = "") -> str:
    return "、".join(f"{word} {args[name]:g}{unit}" for name, word in BOUND.items() if name in args)


def _wanted(args: Mapping[str, Any]) -> str:
    said = [_bounds(args)] if _bounds(args) else []
    said += [f"是 {args['is']}"] if "is" in args else []
    said += [f"不是 {args['is_not']}"] if "is_not" in args else []
    said += [f"是 {'、'.join(map(str, args['in']))} 之一"] if "in" in args else []
    said += [f"在 {args['in_field']} 所列之中"] if "in_field" in args else []
    said += [f"包含 {args['contains']}"] if "contains" in args else []
    said += ["有记录" if args["known"] else "没有记录"] if "known" in args else []
    return "，".join(said)


def _said(t: _Teller, e: Expression) -> str:
    times = f"至少 {e['times']} 次" if "times" in e.args else ""
    joint = "（同一句里）" if e.get("same_turn") else "（按先后）" if e.get("in_order") else ""
    return f"{WHO[e.get('by', 'agent')]}{t.window(e)}说{times}{t.named(e['said'])}{joint}"


def _measure(t: _Teller, e: Expression) -> str:
    measure = MEASURES[e["measure"]]
    return f"{t.window(e)}{measure.help}（{measure.unit}）{_bounds(e.args)}"


_CONDITIONS: dict[str, Callable[[_Teller, Expression], str]] = {
    "all": lambda t, e: "，并且".join(t.condition(c) for c in e["all"]),
    "any": lambda t, e: "（" + "，或者".join(t.condition(c) for c in e["any"]) + "）",
    "not": lambda t, e: f"不能是（{t.condition(e['not'])}）",
    "of": lambda t, e: (
        f"以下各项至少做到 {e.get('at_least', len(e['of']))} 项："
        + "；".join(t.condition(c) for c in (*e.get("must", ()), *e["of"]))
    ),
    "said": _said,
    "never_said": lambda t, e: f"{WHO[e.get('by', 'agent')]}{t.window(e)}不能说{t.named(e['never_said'], '、')}",
    "occurs": lambda t, e: f"{t.window(e)}出现{t.spans(e['occurs'])}{_bounds(e.args, ' 次')}",
    "order": lambda t, e: "先后出现：" + " → ".join(t.spans(s) for s in e["order"]),
    "longest_gap": lambda t, e: f"{t.spans(e['longest_gap'])}之间的间隔不超过 {e['at_most_s']:g} 秒",
    "measure": _measure,
    "field": lambda t, e: f"记录 {e['field']} {_wanted(e.args)}",
    "attribute": lambda t, e: f"其 {e['attribute']} {_wanted(e.args)}",
    "names": lambda t, e: f"{WHO[e.get('by', 'agent')]}{t.window(e)}说出记录里的{'或'.join(e['names'])}",
    "ended_by": lambda t, e: f"由{WHO[e['ended_by']]}先挂机",
    "clock": lambda t, e: f"当地时间在 {_clock(e['clock'][0])} 到 {_clock(e['clock'][1])} 之间",
    "echoes": lambda t, e: f"坐席重复{WHO[e['echoes']]}说过的至少 {e.get('characters', 6)} 个连续的字",
    "repeats": lambda t, e: f"坐席在接下来 {e.get('next_turns', 2)} 句话里复述其中至少 {e['repeats']} 个连续的字",
    "every_value": lambda t, e: f"{t.spans(e['every_value'])}里的每个数值都有来处",
    "some_value": lambda t, e: f"{t.spans(e['some_value'])}里有一个数值与来处相符",
}
_SPANS: dict[str, Callable[[_Teller, Expression], str]] = {
    "phrase": lambda t, e: f"{WHO[e.get('by', 'agent')]}说{t.named(e['phrase'], '或')}",
    "turns": lambda t, e: f"{WHO[e['turns']]}说话" + (f"（至少 {e['characters']} 个字）" if "characters" in e.args else ""),
    "event": lambda t, e: "测到" + "或".join(e["event"]),
    "transfer": lambda t, e: "转接" + ("（" + "，".join(f"{k}={v}" for k, v in e["transfer"]) + "）" if e["transfer"] else ""),
    "holds": lambda t, e: "让客户等待",
    "silence": lambda t, e: f"双方都不说话超过 {e['silence']:g} 秒",
    "monologue": lambda t, e: f"{WHO[e['monologue']]}连续说话",
    "interruption": lambda t, e: f"{WHO[e['interruption']]}打断对方",
    "either": lambda t, e: "，或".join(t.spans(s) for s in e["either"]),
}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
