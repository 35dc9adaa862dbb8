"""The outermost layer of every call, of whatever kind: who, whether, how long, how many; then errors.

In this order, before the request is even read: certificate → identity → access table → deadline →
capacity. Then the request is read and decoded, the handler runs, and whatever it raises becomes a
status here and nowhere else.

gRPC hands a unary handler its request already read and parsed, in a thread that waits for a slow
client. On the wire there is no difference between one message and a stream of one, so every handler
is registered as taking a stream, and the guard takes the one message itself after its checks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import grpc
import structlog

from services.chassis.authz import HEALTH, Gatekeeper, set_caller
from services.chassis.capacity import Capacity, Slot
from services.chassis.config import LimitsSettings
from services.chassis.deadline import set_remaining
from services.chassis.errors import outcome_of, trailing_metadata
from services.chassis.identity import Identity
from services.chassis.observe import random_id
from services.chassis.refusals import InvalidRequest, Refused

_NO_DEADLINE_S = 1e8  # gRPC reports about 9e18 where the client set none
# Health must answer just when everything is busy, but no caller may take all threads with it.
HEALTH_CALLS = 8
_HEALTH_CALLS_PER_CALLER = 2

Handler = Callable[[Any, grpc.ServicerContext], Any]


class Guard(grpc.ServerInterceptor):
    """Wraps every handler of a server, and stands in for those that do not exist."""

    def __init__(self, gatekeeper: Gatekeeper, capacity: Capacity, limits: LimitsSettings) -> None:
        self._gatekeeper = gatekeeper
        self._capacity = capacity
        self._health = Capacity(HEALTH_CALLS, _HEALTH_CALLS_PER_CALLER)
        self._max_deadline_s = limits.max_deadline_s

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], grpc.RpcMethodHandler[Any, Any] | None],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any]:
        handler = continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None:
            return grpc.stream_unary_rpc_method_handler(self._answer(method, _no_such_method, None))
        call = _call_of(handler)
        if handler.response_streaming:
            stream = self._answer_many(method, call, handler.response_serializer)
            return grpc.stream_stream_rpc_method_handler(stream)
        return grpc.stream_unary_rpc_method_handler(
            self._answer(method, call, handler.response_serializer)
        )

    def _answer(self, method: str, call: Handler, serialize: Any) -> Handler:
        def behaviour(requests: Iterator[bytes], context: grpc.ServicerContext) -> Any:
            record = _CallRecord(method)
            try:
                with self._admitted(record, context) as slot:
                    response = call(_arriving(requests, slot), context)
                    answer = serialize(response) if serialize else response
                    slot.sending(len(answer))
                    return answer
            except BaseException as error:  # noqa: BLE001  # the outermost edge
                _stop(record, context, error)

        return behaviour

    def _answer_many(self, method: str, call: Handler, serialize: Any) -> Handler:
        # A generator: nothing is taken before its first step, so nothing can stay taken unstarted.
        def behaviour(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[Any]:
            record = _CallRecord(method)
            try:
                with self._admitted(record, context) as slot:
                    for response in call(_arriving(requests, slot), context):
                        answer = serialize(response) if serialize else response
                        slot.sending(len(answer))
                        with slot.waiting():
                            yield answer
            except GeneratorExit:
                record.write("CANCELLED")
                raise
            except BaseException as error:  # noqa: BLE001  # the outermost edge
                _stop(record, context, error)

        return behaviour

    @contextmanager
    def _admitted(self, record: _CallRecord, context: grpc.ServicerContext) -> Iterator[Slot]:
        service = record.method.lstrip("/").partition("/")[0]
        caller = self._gatekeeper.identify(context)
        record.peer = caller
        self._gatekeeper.authorise(caller, service)
        self._check_deadline(context)
        set_caller(context, caller)
        structlog.contextvars.bind_contextvars(request_id=record.request_id)
        capacity = self._health if service == HEALTH else self._capacity
        with capacity.slot(caller, context) as slot:
            record.slot = slot
            yield slot
        record.write(_status_of(context))

    def _check_deadline(self, context: grpc.ServicerContext) -> None:
        remaining = context.time_remaining()
        if remaining is None or remaining > _NO_DEADLINE_S:
            raise InvalidRequest(
                f"set a deadline of at most {self._max_deadline_s:g} s", reason="NO_DEADLINE"
            )
        if remaining > self._max_deadline_s:
            raise InvalidRequest(
                f"the deadline is longer than {self._max_deadline_s:g} s", reason="LONG_DEADLINE"
            )
        set_remaining(remaining)


class _CallRecord:
    """What the log says of one call, once. Never contents; the method as far as it is a name."""

    def __init__(self, method: str) -> None:
        self.method = method[:200]
        self.request_id = random_id()
        self.peer: Identity | None = None
        self.slot: Slot | None = None
        self._started = time.monotonic()

    def write(self, status: str, **more: Any) -> None:
        peer = f"{self.peer.role}/{self.peer.name}" if self.peer else ""
        if self.slot and self.slot.gave_way:
            more["reason"] = "GAVE_WAY"
        milliseconds = round((time.monotonic() - self._started) * 1000, 1)
        log = structlog.get_logger()
        (log.error if "exc_info" in more else log.info)(
            "call",
            request_id=self.request_id,
            method=self.method,
            peer=peer,
            status=status,
            duration_ms=milliseconds,
            **more,
        )


def _status_of(context: grpc.ServicerContext) -> str:
    """How a call ended whose handler did not raise: the work may be done and nobody hear of it."""
    if not context.is_active():
        return "CANCELLED"
    code = cast(Any, context).code()  # which the types of gRPC have forgotten
    return str(code.name) if code else "OK"


def _no_such_method(requests: Any, context: Any) -> NoReturn:
    del requests, context
    # Reached only where the service has a row in the table but the method does not exist.
    raise Refused("no such method", reason="NO_SUCH_METHOD")


def _call_of(handler: grpc.RpcMethodHandler[Any, Any]) -> Handler:
    """``handler`` as a function of the raw request stream, whatever its kind."""
    decode = handler.request_deserializer
    streaming: Any = handler.stream_stream if handler.response_streaming else handler.stream_unary
    unary: Any = handler.unary_stream if handler.response_streaming else handler.unary_unary

    def call(requests: Iterator[bytes], context: grpc.ServicerContext) -> Any:
        if handler.request_streaming:
            return streaming(_decoded(decode, requests), context)
        for raw in requests:
            return unary(_decode(decode, raw), context)
        raise InvalidRequest("this method takes exactly one message", reason="MALFORMED")

    return call


def _arriving(requests: Iterator[bytes], slot: Slot) -> Iterator[bytes]:
    """The messages as the client sends them. Raises grpc.RpcError where the call ended before they did."""
    while True:
        with slot.waiting():
            raw = next(requests, None)
        if raw is None:
            break
        slot.received(len(raw))
        yield raw
    # gRPC tells a call that was cut off as a plain end of its messages when it learns of that first, about
    # one time in eight. Asked again it knows. Without this, half a file looks like a whole one.
    next(requests, None)


def _decoded(decode: Callable[[bytes], Any] | None, requests: Iterator[bytes]) -> Iterator[Any]:
    for raw in requests:
        yield _decode(decode, raw)


def _decode(decode: Callable[[bytes], Any] | None, raw: bytes) -> Any:
    if decode is None:
        return raw
    try:
        return decode(raw)
    except Exception as error:
        raise InvalidRequest("not a message of this method", reason="MALFORMED") from error


def _stop(record: _CallRecord, context: grpc.ServicerContext, error: BaseException) -> NoReturn:
    """Ends the call with the status of ``error``; always raises."""
    if isinstance(error, grpc.RpcError) and not context.is_active():
        record.write("CANCELLED")  # gRPC's own signal that the client is gone; it must see it
        # gRPC keeps it with the call, a cycle: with its frames, all that the handler held would stay.
        raise error.with_traceback(None)
    outcome = outcome_of(error)
    more: dict[str, Any] = {"reason": outcome.reason}
    if outcome.error_id:
        more |= {"error_id": outcome.error_id, "exc_info": error}
    record.write(outcome.code.name, **more)
    context.set_trailing_metadata(trailing_metadata(outcome))
    context.abort(outcome.code, outcome.message)
