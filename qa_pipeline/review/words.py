"""How verdicts, reasons, percentages and times are said to a trainer."""

from __future__ import annotations

from collections.abc import Mapping

from qa_pipeline.model import Verdict

SIGN = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNSURE: "?", Verdict.NA: "·"}
NAME = {Verdict.PASS: "达标", Verdict.FAIL: "未达标", Verdict.UNSURE: "不确定", Verdict.NA: "不适用"}
SPEAKER = {"agent": "坐席", "customer": "客户", "ivr": "语音", "unknown": "不明"}
TOO_LITTLE = "样本不足"

_REASONS = {
    "no_occasion": "没有遇到这种场合",
    "condition_not_met": "没有遇到这种场合",
    "no_agent_speech": "坐席没有说话",
    "not_in_force": "规则当时没有生效",
    "excused": "有正当理由",
    "transferred_away": "电话已转出",
    "cut_off": "线路中断",
    "unanswered": "没有接通",
    "silent_customer": "客户没有说话",
    "ended_by_both": "双方同时挂断或系统挂断",
    "roles_unknown": "分不清坐席和客户",
    "truncated": "录音缺结尾",
    "one_channel": "单声道，分不清坐席和客户",
    "low_confidence": "没听清",
    "speech_without_words": "有说话声，没听出字",
    "not_measured": "录音里没有测这一项",
    "no_feed": "没有接入这项资料",
    "hangup_unknown": "不知道谁先挂机",
    "hangup_unknown_agent_last": "没有挂机记录，最后是坐席的声音，不能断定谁先挂机",
    "hangup_unknown_customer_last": "没有挂机记录，最后是客户的声音，可能是坐席先挂机，请听录音",
    "hangup_by_agent": "坐席先挂机",
    "hangup_by_customer": "客户先挂机",
    "hangup_by_system": "系统挂断",
    "hangup_by_both": "双方同时挂断",
    "not_direction": "来电去电方向不适用",
    "not_in_order": "次序不对",
    "not_in_one_turn": "没有一次说完",
    "not_repeated": "没有复述",
    "too_few": "说到的不够",
    "gap_too_long": "间隔太久",
    "occurs": "出现了该避免的情形",
    "does_not_occur": "该有的没有出现",
    "unwanted": "出现了该避免的情形",
    "not_named": "没有说出转给谁",
    "value_from_nowhere": "说出了对方没有先说的信息",
    "no_such_value": "没有用对方说过的称呼或内容",
    "clock": "时间不对",
}
_WITH_DETAIL = {
    "not_said": "没有说{}",
    "nearly_said": "像是说了{}，没听准",
    "said": "说了{}",
    "unknown": "不知道{}",
    "not_measured": "录音里没有测{}",
    "out_of_range": "{}超出范围",
    "is": "属于“{}”",
    "field": "记录里的“{}”不符",
    "attribute": "“{}”不符",
}
_NAMES = {
    "greeting": "问候语",
    "company": "公司名称",
    "wait": "请等候",
    "apology": "致歉语",
    "anything_else": "“还有其他需要吗”",
    "closing": "结束语",
    "direction": "来电还是去电",
    "leg": "只看第一位坐席",
    "end_reason": "怎样结束",
    "answered": "是否接通",
    "hangup_by": "谁先挂机",
    "ring_ms": "振铃时长",
    "ring_count": "振铃次数",
    "answered_ms": "何时接通",
    "length_ms": "时长",
    "response_ms": "应答时间",
    "longest_silence_ms": "最长冷场",
    "characters_per_minute": "语速",
    "agent_level_dbfs": "坐席音量",
    "agent_snr_db": "坐席音质",
}


def reason_words(reason: str | None, names: Mapping[str, str] | None = None) -> str:
    """A reason code, or code:detail, in plain Chinese; a code unknown here stays visible, so that nothing is hidden.

    `names`: what the pack calls its phrases, conditions and fields; they go before the names known here.
    """
    if not reason:
        return ""
    names = names or {}
    code, colon, detail = reason.partition(":")
    if colon and code in _WITH_DETAIL:
        return _WITH_DETAIL[code].format(names.get(detail) or _NAMES.get(detail, detail))
    known = _REASONS.get(reason) or names.get(reason) or _not_for(reason, {**_NAMES, **names})
    return known or f"其他原因：{reason}"


def _not_for(reason: str, names: Mapping[str, str]) -> str | None:
    """`not_NAME` and `not_FIELD_VALUE`: the call is none that the rule is for."""
    told = reason.removeprefix("not_") if reason.startswith("not_") else ""
    meant = next((name for name in names if told == name or told.startswith(f"{name}_")), None)
    return f"不适用：{names[meant]}" if meant else None


def clock(ms: int) -> str:
    """Minutes and seconds with a tenth, cut and never rounded up, so that a player set to it hears the first word."""
    return f"{'-' if ms < 0 else ''}{abs(ms) // 60000}:{abs(ms) % 60000 // 1000:02d}.{abs(ms) % 1000 // 100}"


def shown_percent(percent: float | None) -> str:
    return TOO_LITTLE if percent is None else f"{percent:.0f}%"
