"""Why somebody does something, in their own words, for the audit trail."""

from __future__ import annotations

from services.chassis.refusals import InvalidRequest
from services.process.texts import refuse_numbers

_MAX_REASON = 200


def check_reason(reason: str) -> str:
    """The reason for the trail, without spaces around it. Raises InvalidRequest."""
    reason = reason.strip()
    if not reason:
        raise InvalidRequest("a reason is needed for the trail", "请写明原因。")
    if len(reason) > _MAX_REASON:
        raise InvalidRequest("the reason is too long", f"原因过长，最多{_MAX_REASON}个字。")
    refuse_numbers(reason, "原因")
    return reason
