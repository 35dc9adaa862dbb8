"""The one place where an exception becomes a gRPC status; ``libmatch.status`` is the way back.

A refusal crosses the wire as google.rpc.Status (``grpc-status-details-bin``), so that clients in any
language get the same four things: the status code, a stable reason (ErrorInfo), the Chinese text for
the person at the form (LocalizedMessage, zh-CN) and, where waiting helps, a delay (RetryInfo).
Whatever is not known here is INTERNAL with a random id and no text: the text of an exception may
repeat what a person entered.
"""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import dataclass, field, replace

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from libmatch.errors import (
    BatchError,
    ConflictError,
    EncodingError,
    IdentifierError,
    IdentityError,
    InputError,
    LibmatchError,
    ManifestError,
    SequenceError,
)
from libmatch.status import STATUS_KEY
from services.chassis import refusals
from services.chassis.observe import random_id
from services.chassis.refusals import ChassisError, Overloaded, ServiceError, StorageFailed

DOMAIN = "libmatch"
# How core's own client-side retries of any language learn the same delay; negative means never.
PUSHBACK_KEY = "grpc-retry-pushback-ms"

# Clients drop trailing metadata above 8 KiB; a Chinese character is 3 bytes, base64 adds a third.
_MAX_TEXT = 800
_MAX_DETAIL = 200

_Code = grpc.StatusCode
_CHASSIS: dict[type[ChassisError], grpc.StatusCode] = {
    refusals.InvalidRequest: _Code.INVALID_ARGUMENT,
    refusals.Unauthenticated: _Code.UNAUTHENTICATED,
    refusals.Refused: _Code.PERMISSION_DENIED,
    refusals.NotFound: _Code.NOT_FOUND,
    refusals.Conflict: _Code.ALREADY_EXISTS,
    refusals.WrongState: _Code.FAILED_PRECONDITION,
    refusals.Overloaded: _Code.RESOURCE_EXHAUSTED,
    refusals.StorageFull: _Code.RESOURCE_EXHAUSTED,
    refusals.StorageFailed: _Code.UNAVAILABLE,
    refusals.DeadlinePassed: _Code.DEADLINE_EXCEEDED,
}
# First match wins, so a class stands before its bases.
_LIBMATCH: tuple[tuple[type[LibmatchError], grpc.StatusCode, str, str], ...] = (
    (IdentifierError, _Code.INVALID_ARGUMENT, "IDENTIFIER", ""),
    (InputError, _Code.INVALID_ARGUMENT, "INPUT", ""),
    (EncodingError, _Code.INVALID_ARGUMENT, "ENCODING", "数据格式不正确，请升级软件后重试。"),
    (SequenceError, _Code.FAILED_PRECONDITION, "SEQUENCE", "批次序号不连续。"),
    (ConflictError, _Code.ALREADY_EXISTS, "CONFLICT", "批次或记录编号已被其他内容使用。"),
    (BatchError, _Code.INVALID_ARGUMENT, "BATCH", "批次未通过检查，没有接收。"),
    (IdentityError, _Code.INVALID_ARGUMENT, "IDENTITY", "身份标识的格式不正确。"),
    (ManifestError, _Code.FAILED_PRECONDITION, "EPOCH", "密钥周期不一致，请更新周期文件。"),
    # The rest (keys, shares, unsealing, proofs) is material that contradicts itself.
    (LibmatchError, _Code.DATA_LOSS, "MATERIAL", "密文或密钥材料未通过校验，请联系管理员。"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the caller of a failed call gets. ``error_id`` is set for the unforeseen only."""

    code: grpc.StatusCode
    reason: str
    message: str
    message_zh: str
    retry_after_s: float | None = None
    details: dict[str, str] = field(default_factory=dict)
    error_id: str = ""


def outcome_of(error: BaseException) -> Outcome:
    """The outcome that ``error`` maps to. Never raises, never repeats an unforeseen text."""
    outcome = _map(error)
    return replace(
        outcome,
        message=outcome.message[:_MAX_TEXT],
        message_zh=outcome.message_zh[:_MAX_TEXT],
        details={key: value[:_MAX_DETAIL] for key, value in outcome.details.items()},
    )


def _map(error: BaseException) -> Outcome:
    match error:
        case ChassisError():
            return _of_chassis(error)
        case ServiceError():
            return _of_peer(error)
        case LibmatchError():
            return _of_libmatch(error)
    if _is_storage_full(error):
        return _of_chassis(refusals.StorageFull("the server's storage is full; nothing was kept"))
    error_id = random_id()
    return Outcome(
        _Code.INTERNAL,
        "INTERNAL",
        f"internal error {error_id}",
        f"系统内部错误，请将编号 {error_id} 告知管理员。",
        details={"error_id": error_id},
        error_id=error_id,
    )


def _of_chassis(error: ChassisError) -> Outcome:
    code = next((_CHASSIS[kind] for kind in type(error).__mro__ if kind in _CHASSIS), _Code.ABORTED)
    retry = error.retry_after_s if isinstance(error, Overloaded | StorageFailed) else None
    return Outcome(code, error.reason, error.message, error.message_zh, retry, error.details)


def _of_libmatch(error: LibmatchError) -> Outcome:
    code, reason, zh = next(row[1:] for row in _LIBMATCH if isinstance(error, row[0]))
    details: dict[str, str] = {}
    if isinstance(error, IdentifierError):
        details["rule"] = error.rule.value
    if isinstance(error, SequenceError):
        details["expected"] = str(error.expected)
    if isinstance(error, InputError):
        zh = error.message_zh
    return Outcome(code, reason, str(error), zh, details=details)


def _of_peer(error: ServiceError) -> Outcome:
    """A service behind this one failed: its words stay here, the caller may try again."""
    zh = "后台服务暂时不可用，请稍后重试。"
    return Outcome(
        _Code.UNAVAILABLE,
        "PEER_FAILED",
        "a service behind this one failed",
        zh,
        details={"peer_status": error.status, "peer_reason": error.reason},
    )


def _is_storage_full(error: BaseException | None) -> bool:
    """True for SQLite's and the system's "no space", also where another error wraps it."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            return True
        error = getattr(error, "orig", None) or error.__cause__
    return False


def trailing_metadata(outcome: Outcome) -> tuple[tuple[str, str | bytes], ...]:
    """The metadata that carries ``outcome`` beside the plain code and message."""
    pushback = -1 if outcome.retry_after_s is None else round(outcome.retry_after_s * 1000)
    return (
        (STATUS_KEY, _to_status(outcome).SerializeToString()),
        (PUSHBACK_KEY, str(pushback)),
    )


def _to_status(outcome: Outcome) -> status_pb2.Status:
    info = error_details_pb2.ErrorInfo(
        reason=outcome.reason, domain=DOMAIN, metadata=outcome.details
    )
    parts = [info, error_details_pb2.LocalizedMessage(locale="zh-CN", message=outcome.message_zh)]
    if outcome.retry_after_s is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(outcome.retry_after_s * 1000))
        parts.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=outcome.code.value[0], message=outcome.message)
    for part in parts:
        packed = any_pb2.Any()
        packed.Pack(part)
        status.details.append(packed)
    return status
