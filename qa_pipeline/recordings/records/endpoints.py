"""Whose phone a channel is: `PJSIP/6001-0000001a`, `Local/6001@from-queue-00000012;1`, `sofia/internal/1002@10.0.0.1:5060`."""

from __future__ import annotations

import re

from qa_pipeline.recordings.records.record import PhoneSystem


def endpoint(channel: str | None) -> str | None:
    """The device or number that a channel is named after; None for an empty name."""
    if not channel:
        return None
    rest = channel.rpartition("/")[2] if channel.lower().startswith("sofia/") else channel.partition("/")[2] or channel
    rest = re.sub(r"^(sips?|tel):", "", rest, flags=re.IGNORECASE)
    return re.sub(r"-[0-9a-f]{4,}(;\d)?$", "", rest, flags=re.IGNORECASE).partition("@")[0] or None


def agent_of(channel: str | None, phones: PhoneSystem) -> str | None:
    """The extension whose phone the channel is; None for a trunk's or a customer's."""
    found = endpoint(channel)
    return found if found and phones.extensions.fullmatch(found) else None


def is_local(channel: str | None) -> bool:
    """Asterisk's own channels, behind which another one stands."""
    return bool(channel) and str(channel).startswith("Local/")


def direction_of(caller_is_agent: bool, called_is_agent: bool) -> str | None:
    if caller_is_agent:
        return "internal" if called_is_agent else "outbound"
    return "inbound" if called_is_agent else None
