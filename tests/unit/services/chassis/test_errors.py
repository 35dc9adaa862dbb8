"""services.chassis.errors: one status for each error, and no text of an unforeseen one."""

from __future__ import annotations

import errno
import inspect
import sqlite3
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2  # type: ignore[import-untyped]
from sqlalchemy.exc import OperationalError

from libmatch import errors as libmatch_errors
from libmatch.errors import (
    BatchError,
    ConflictError,
    EncodingError,
    EpochError,
    IdentifierError,
    IdentifierRule,
    InputError,
    LibmatchError,
    LogError,
    ManifestError,
    SequenceError,
    ShareError,
    UnsealError,
)
from libmatch.status import STATUS_KEY, error_from_rpc
from services.chassis import refusals
from services.chassis.errors import outcome_of, trailing_metadata
from services.chassis.refusals import ChassisError, Overloaded, ServiceError

_Code = grpc.StatusCode


class _RpcError(grpc.RpcError):
    """What a client sees of a failed call."""

    def __init__(self, code: grpc.StatusCode, details: str, metadata: Any) -> None:
        self._given = code, details, metadata

    def code(self) -> grpc.StatusCode:
        return self._given[0]

    def details(self) -> str:
        return self._given[1]

    def trailing_metadata(self) -> Any:
        return self._given[2]


def _over_the_wire(error: BaseException) -> ServiceError:
    outcome = outcome_of(error)
    return error_from_rpc(_RpcError(outcome.code, outcome.message, trailing_metadata(outcome)))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("bad", "不对"), _Code.INVALID_ARGUMENT),
        (IdentifierError(IdentifierRule.LENGTH, "bad", "不对"), _Code.INVALID_ARGUMENT),
        (EncodingError("bad"), _Code.INVALID_ARGUMENT),
        (BatchError("bad"), _Code.INVALID_ARGUMENT),
        (SequenceError(3), _Code.FAILED_PRECONDITION),
        (ConflictError("used"), _Code.ALREADY_EXISTS),
        (ManifestError("old"), _Code.FAILED_PRECONDITION),
        (EpochError("old"), _Code.FAILED_PRECONDITION),
        (ShareError(1), _Code.DATA_LOSS),
        (UnsealError("matcher"), _Code.DATA_LOSS),
        (LogError("bad"), _Code.DATA_LOSS),
        (refusals.InvalidRequest("bad"), _Code.INVALID_ARGUMENT),
        (refusals.Unauthenticated("who"), _Code.UNAUTHENTICATED),
        (refusals.Refused("no"), _Code.PERMISSION_DENIED),
        (refusals.NotFound("none"), _Code.NOT_FOUND),
        (refusals.Conflict("used"), _Code.ALREADY_EXISTS),
        (refusals.WrongState("not now"), _Code.FAILED_PRECONDITION),
        (refusals.Overloaded("busy"), _Code.RESOURCE_EXHAUSTED),
        (refusals.StorageFull("full"), _Code.RESOURCE_EXHAUSTED),
        (refusals.StorageFailed("gone"), _Code.UNAVAILABLE),
        (refusals.DeadlinePassed("late"), _Code.DEADLINE_EXCEEDED),
        (ServiceError("NOT_FOUND", "X", "text", "文字"), _Code.UNAVAILABLE),
        (OSError(errno.ENOSPC, "No space left on device"), _Code.RESOURCE_EXHAUSTED),
        (ValueError("x"), _Code.INTERNAL),
        (KeyboardInterrupt(), _Code.INTERNAL),
    ],
)
def test_each_error_has_its_status(error: BaseException, code: grpc.StatusCode) -> None:
    assert outcome_of(error).code is code


def test_every_libmatch_error_has_a_status_and_chinese_text() -> None:
    kinds = [kind for _, kind in inspect.getmembers(libmatch_errors, inspect.isclass)]
    for kind in kinds:
        if not issubclass(kind, LibmatchError):
            continue
        error: Any = kind.__new__(kind)
        error.message_zh, error.expected, error.rule = "中文", 1, IdentifierRule.LENGTH
        error.status = error.reason = "UNAVAILABLE"
        outcome = outcome_of(error)
        assert outcome.code is not _Code.INTERNAL
        assert outcome.message_zh


def test_every_chassis_error_has_a_status_of_its_own() -> None:
    for kind in ChassisError.__subclasses__():
        outcome = outcome_of(kind("text"))
        assert outcome.code is not _Code.ABORTED
        assert outcome.message_zh


def test_refusal_crosses_the_wire_whole() -> None:
    error = refusals.NotFound(
        "no such item", "没有该事项", reason="NO_ITEM", details={"item": "i1"}
    )
    seen = _over_the_wire(error)
    assert (seen.status, seen.reason, seen.message) == ("NOT_FOUND", "NO_ITEM", "no such item")
    assert (seen.message_zh, seen.details) == ("没有该事项", {"item": "i1"})
    assert seen.retry_after_s is None


def test_clerk_s_text_of_an_input_error_crosses_the_wire() -> None:
    seen = _over_the_wire(
        IdentifierError(IdentifierRule.CHECK_DIGIT, "check digit", "校验码不正确")
    )
    assert seen.message_zh == "校验码不正确"
    assert seen.details == {"rule": "check_digit"}


def test_expected_sequence_number_crosses_the_wire() -> None:
    assert _over_the_wire(SequenceError(42)).details == {"expected": "42"}


def test_retry_hint_crosses_the_wire() -> None:
    assert _over_the_wire(Overloaded("busy", retry_after_s=2.5)).retry_after_s == 2.5
    assert _over_the_wire(refusals.StorageFailed("gone")).retry_after_s == 5


def test_only_where_waiting_helps_core_clients_may_repeat() -> None:
    metadata = [
        dict(trailing_metadata(outcome_of(error)))
        for error in (Overloaded("busy", retry_after_s=2.5), refusals.StorageFull("full"))
    ]
    assert [entry["grpc-retry-pushback-ms"] for entry in metadata] == ["2500", "-1"]


def test_unforeseen_error_shows_an_id_and_nothing_of_its_text() -> None:
    outcome = outcome_of(ValueError("张三 11010119900307775X"))
    shown = f"{outcome!r}{trailing_metadata(outcome)!r}"
    assert "张三" not in shown
    assert "11010119900307775X" not in shown
    assert outcome.error_id in outcome.message
    assert outcome.error_id != outcome_of(ValueError()).error_id


def test_words_of_a_peer_stay_here() -> None:
    outcome = outcome_of(ServiceError("NOT_FOUND", "NO_ITEM", "text of a peer", "别的文字"))
    assert "text of a peer" not in outcome.message
    assert "别的文字" not in outcome.message_zh
    assert outcome.details == {"peer_status": "NOT_FOUND", "peer_reason": "NO_ITEM"}


def test_full_disk_is_seen_through_sqlalchemy() -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL
    outcome = outcome_of(OperationalError("INSERT …", {}, full))
    assert outcome.reason == "STORAGE_FULL"
    assert "nothing was kept" in outcome.message
    assert "未保存" in outcome.message_zh


def test_long_text_is_cut_to_what_metadata_can_carry() -> None:
    outcome = outcome_of(InputError("x" * 9000, "中" * 9000))
    assert sum(len(value) for _, value in trailing_metadata(outcome)) < 5000


def test_failure_of_the_connection_has_a_chinese_text_too() -> None:
    seen = error_from_rpc(_RpcError(_Code.UNAVAILABLE, "Socket closed", ()))
    assert (seen.status, seen.reason) == ("UNAVAILABLE", "")
    assert "无法连接" in seen.message_zh


@pytest.mark.parametrize("raw", [b"\xff\xff\xff", "text"])
def test_details_that_cannot_be_read_are_ignored(raw: Any) -> None:
    seen = error_from_rpc(_RpcError(_Code.NOT_FOUND, "gone", ((STATUS_KEY, raw),)))
    assert (seen.status, seen.message, seen.reason) == ("NOT_FOUND", "gone", "")


def test_details_that_contradict_the_code_are_ignored() -> None:
    other = status_pb2.Status(code=5, message="other").SerializeToString()
    seen = error_from_rpc(_RpcError(_Code.INTERNAL, "this", ((STATUS_KEY, other),)))
    assert (seen.status, seen.message) == ("INTERNAL", "this")
