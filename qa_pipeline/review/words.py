"""How verdicts, reasons, percentages and times are said to a trainer."""

from __future__ import annotations

import re

from qa_pipeline.model import Verdict

SIGN = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.UNSURE: "?", Verdict.NA: "·"}
NAME = {Verdict.PASS: "达标", Verdict.FAIL: "未达标", Verdict.UNSURE: "不确定", Verdict.NA: "不适用"}
SPEAKER = {"agent": "坐席", "customer": "客户", "ivr": "语音", "unknown": "不明"}
TOO_LITTLE = "样本不足"

_REASONS = {
    "no_hold": "没有让对方等候",
    "no_first_utterance": "坐席没有说话",
    "no_ending": "没有听到结束",
    "transferred": "电话已转出",
    "network_cut": "线路中断",
    "unanswered": "没有接通",
    "silent_customer": "客户没有说话",
    "roles_unknown": "分不清坐席和客户",
    "low_confidence": "没听清",
    "speech_without_words": "有说话声，没听出字",
    "unmeasured": "录音里没有测这一项",
    "no_feed": "没有接入这项资料",
    "hangup_unknown": "不知道谁先挂机",
    "hangup_by_system": "系统挂断",
    "hangup_by_both": "双方同时挂断",
    "not_direction_inbound": "不是来电",
    "not_direction_outbound": "不是去电",
}
_WITH_DETAIL = {"not_said": "没有说{}", "nearly_said": "像是说了{}，没听准", "said": "说了{}"}
_PHRASES = {
    "greeting": "问候语",
    "company": "公司名称",
    "wait": "请等候",
    "apology": "致歉语",
    "anything_else": "“还有其他需要吗”",
    "closing": "结束语",
}
_PARTY = {"agent": "坐席", "customer": "客户"}
_SOURCE = {"record": "话单", "audio": "录音", "words": "对话"}


def reason_words(reason: str | None) -> str:
    """A reason code in plain Chinese; a code unknown here stays visible, so that nothing is hidden."""
    if not reason:
        return ""
    if reason in _REASONS:
        return _REASONS[reason]
    code, _, detail = reason.partition(": ")
    if code in _WITH_DETAIL and detail:
        return _WITH_DETAIL[code].format("、".join(_PHRASES.get(name, name) for name in detail.split(", ")))
    if code in _REASONS:
        return f"{_REASONS[code]}（{detail}）"
    if ended := re.fullmatch(r"hangup_by (\w+)(?: \((\w+)\))?", reason):
        source = f"（{_SOURCE.get(ended[2], ended[2])}）" if ended[2] else ""
        return f"{_PARTY.get(ended[1], ended[1])}先挂机{source}"
    return f"其他原因：{reason}"


def clock(ms: int) -> str:
    """Minutes and seconds with a tenth, cut and never rounded up, so that a player set to it hears the first word."""
    return f"{'-' if ms < 0 else ''}{abs(ms) // 60000}:{abs(ms) % 60000 // 1000:02d}.{abs(ms) % 1000 // 100}"


def shown_percent(percent: float | None) -> str:
    return TOO_LITTLE if percent is None else f"{percent:.0f}%"
