"""A failed gRPC call to the ServiceError that it carries.

Services of this project refuse with google.rpc.Status in ``grpc-status-details-bin``: the status code, a
stable reason (ErrorInfo), the Chinese text for the person at the form (LocalizedMessage, zh-CN) and, where
waiting helps, a delay (RetryInfo). Anything else is a broken connection, and says so in Chinese.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import grpc
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from libmatch.errors import ServiceError

STATUS_KEY = "grpc-status-details-bin"

_Code = grpc.StatusCode


def error_from_rpc(error: grpc.RpcError) -> ServiceError:
    """The refusal that ``error`` carries; where it carries none, its code and a text of our own."""
    code = error.code() or _Code.UNKNOWN
    metadata = dict(cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ()))
    status = _parse_status(metadata.get(STATUS_KEY))
    if status is None or status.code != code.value[0]:
        return ServiceError(code.name, "", error.details() or "", _TRANSPORT_ZH.get(code, ""))
    return _from_status(code, status)


_TRANSPORT_ZH = {
    _Code.UNAVAILABLE: "无法连接服务器，请检查网络后重试。",
    _Code.DEADLINE_EXCEEDED: "服务器未在规定时间内答复，请稍后重试。",
    _Code.RESOURCE_EXHAUSTED: "服务器繁忙或内容过大。",
    _Code.CANCELLED: "操作已取消。",
}


def _parse_status(raw: str | bytes | None) -> status_pb2.Status | None:
    if not isinstance(raw, bytes):
        return None
    try:
        return status_pb2.Status.FromString(raw)
    except Exception:  # noqa: BLE001  # protobuf raises differing types; the bytes are a stranger's
        return None


def _from_status(code: grpc.StatusCode, status: status_pb2.Status) -> ServiceError:
    info = error_details_pb2.ErrorInfo()
    text = error_details_pb2.LocalizedMessage()
    retry = error_details_pb2.RetryInfo()
    retry_after_s: float | None = None
    for part in status.details:
        if part.Unpack(retry):
            retry_after_s = retry.retry_delay.ToMilliseconds() / 1000
        else:
            part.Unpack(info) or part.Unpack(text)
    return ServiceError(
        code.name, info.reason, status.message, text.message, retry_after_s, dict(info.metadata)
    )
