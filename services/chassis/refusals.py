"""What a use case raises to refuse a call, and what a client gets from a service that refused.

::

    ChassisError
    ├── InvalidRequest     the request itself is wrong, whatever the state
    ├── Unauthenticated    the peer is nobody that this service knows
    ├── Refused            the peer is known and may not do this
    ├── NotFound           no such thing, or not the caller's (the two look the same)
    ├── Conflict           the name or number is taken by other content
    ├── WrongState         right request, wrong moment
    ├── Overloaded         try again after ``retry_after_s``
    ├── StorageFull        nothing was kept
    ├── StorageFailed      the database did not answer; try again after ``retry_after_s``
    └── DeadlinePassed     the caller's time ran out before the work was done
    ServiceError           (libmatch.errors) raised by clients: a remote service refused or was not reached

No gRPC in here, so that use cases may import it; ``services.chassis.errors`` alone chooses the
status. Texts are for the person who must act: no identifier, name, token or value is ever in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from libmatch.errors import ServiceError as ServiceError


class ChassisError(Exception):
    """Base of all refusals. ``reason`` is UPPER_SNAKE and stable: programs branch on it.

    ``message`` is English for the programmer, ``message_zh`` Chinese for the person at the form
    (the class's own text where none is given). ``details`` are further machine-readable facts.
    """

    reason: str = "REFUSED"
    zh: ClassVar[str] = "请求被拒绝。"

    def __init__(
        self,
        message: str,
        message_zh: str = "",
        *,
        reason: str = "",
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = message_zh or self.zh
        self.reason = reason or type(self).reason
        self.details = dict(details or {})


class InvalidRequest(ChassisError):
    """The request is wrong whatever the state of the service."""

    reason = "INVALID_REQUEST"
    zh = "请求内容不正确。"


class Unauthenticated(ChassisError):
    """The certificate of the peer names nobody that this service knows."""

    reason = "UNAUTHENTICATED"
    zh = "证书无法识别，请联系管理员。"


class Refused(ChassisError):
    """The caller is known and may not do this."""

    reason = "NOT_PERMITTED"
    zh = "没有权限进行此操作。"


class NotFound(ChassisError):
    """No such thing, or not the caller's own; the two must look the same to the caller."""

    reason = "NOT_FOUND"
    zh = "没有找到相应的记录。"


class Conflict(ChassisError):
    """The name or number is already used for other content."""

    reason = "CONFLICT"
    zh = "编号已被其他内容使用。"


class WrongState(ChassisError):
    """A right request at a wrong moment."""

    reason = "WRONG_STATE"
    zh = "当前状态下不能进行此操作。"


class DeadlinePassed(ChassisError):
    """The caller's time ran out before the work was done; nothing was kept."""

    reason = "DEADLINE_PASSED"
    zh = "处理超时，请稍后重试。"


class StorageFull(ChassisError):
    """The disk is full; the transaction was rolled back and nothing was kept."""

    reason = "STORAGE_FULL"
    zh = "服务器存储空间已满，本次内容未保存，请联系管理员。"


class Overloaded(ChassisError):
    """Too much at once; the caller comes back after ``retry_after_s`` seconds."""

    reason = "OVERLOADED"
    zh = "服务器繁忙，请稍后重试。"

    def __init__(self, message: str, message_zh: str = "", *, retry_after_s: float = 1.0) -> None:
        super().__init__(message, message_zh)
        self.retry_after_s = retry_after_s


class StorageFailed(ChassisError):
    """The database could not be read or written just now; of a write nothing was acknowledged."""

    reason = "STORAGE_FAILED"
    zh = "服务器存储暂时不可用，本次操作没有确认，请稍后重试；如仍失败请联系管理员。"

    def __init__(self, message: str, message_zh: str = "", *, retry_after_s: float = 5.0) -> None:
        super().__init__(message, message_zh)
        self.retry_after_s = retry_after_s
