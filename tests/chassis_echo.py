"""A service without a domain, over bytes, for tests of the chassis; also runs as a process.

``test.Echo`` is for role ``unit``, ``test.Inspect`` has the same methods for role ``inspector``.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc

from libmatch.channel import Channel
from services.chassis.authz import AccessTable, Admit, caller
from services.chassis.client import open_channel
from services.chassis.config import (
    DatabaseSettings,
    LimitsSettings,
    ListenSettings,
    PeerSettings,
    ServiceSettings,
    TlsSettings,
)
from services.chassis.db import Database
from services.chassis.deadline import remaining_s
from services.chassis.refusals import NotFound, Overloaded, Unauthenticated
from services.chassis.server import App, RunningServer, Runtime, Worker, run_service, start
from services.chassis.tls import check_own_certificate

SERVER = "spiffe://fuling/matcher"
_calls: Counter[bytes] = Counter()


def _echo(request: bytes, context: grpc.ServicerContext) -> bytes:
    return request


def _who(request: bytes, context: grpc.ServicerContext) -> bytes:
    return str(caller(context)).encode()


def _fail(request: bytes, context: grpc.ServicerContext) -> bytes:
    raise ValueError(request.decode())


def _abort(request: bytes, context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.OK, request.decode())


def _missing(request: bytes, context: grpc.ServicerContext) -> bytes:
    raise NotFound("no such item", "没有该事项", reason="NO_ITEM")


def _sleep(request: bytes, context: grpc.ServicerContext) -> bytes:
    time.sleep(float(request))
    return b"slept"


def _left(request: bytes, context: grpc.ServicerContext) -> bytes:
    return str(remaining_s()).encode()


def _flaky(request: bytes, context: grpc.ServicerContext) -> bytes:
    """``name:failures``: busy that often for that name, then the number of calls."""
    _calls[request] += 1
    if _calls[request] <= int(request.rpartition(b":")[2]):
        raise Overloaded("busy", retry_after_s=0.01)
    return str(_calls[request]).encode()


def _once(request: bytes, context: grpc.ServicerContext) -> bytes:
    _calls[request] += 1
    raise Unauthenticated(f"call {_calls[request]}")


def _count(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    for number in range(int(request)):
        yield str(number).encode()


def _break(request: bytes, context: grpc.ServicerContext) -> Iterator[bytes]:
    yield b"first"
    raise ValueError(request.decode())


def _sum(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
    return str(sum(len(request) for request in requests)).encode()


def _chat(requests: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
    yield from requests


def _refuse_to_decode(_: bytes) -> bytes:
    raise ValueError("张三 11010119900307775X")


def _refuse_to_encode(response: bytes) -> bytes:
    raise ValueError(response.decode())


def _handlers() -> dict[str, grpc.RpcMethodHandler[Any, Any]]:
    unary = (_echo, _who, _fail, _abort, _missing, _sleep, _left, _flaky, _once)
    named: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        function.__name__.strip("_").title(): grpc.unary_unary_rpc_method_handler(function)
        for function in unary
    }
    named["Count"] = grpc.unary_stream_rpc_method_handler(_count)
    named["Break"] = grpc.unary_stream_rpc_method_handler(_break)
    named["Sum"] = grpc.stream_unary_rpc_method_handler(_sum)
    named["Chat"] = grpc.stream_stream_rpc_method_handler(_chat)
    named["Undecodable"] = grpc.unary_unary_rpc_method_handler(_echo, _refuse_to_decode)
    named["Unencodable"] = grpc.unary_unary_rpc_method_handler(
        _echo, response_serializer=_refuse_to_encode
    )
    return named


def register(server: grpc.Server) -> None:
    """Adds both services."""
    for name in ("test.Echo", "test.Inspect"):
        handler = grpc.method_handlers_generic_handler(name, _handlers())
        server.add_generic_rpc_handlers([handler])


ACCESS = {"test.Echo": {"unit"}, "test.Inspect": {"inspector"}}


def settings(
    tls: TlsSettings, folder: Path, address: str = "127.0.0.1:0", **limits: Any
) -> ServiceSettings:
    """Settings of the service with a database below ``folder``."""
    return ServiceSettings(
        listen=ListenSettings(address=address),
        tls=tls,
        database=DatabaseSettings(path=folder / "echo.db"),
        limits=LimitsSettings(**limits),
        reflection=True,
    )


@contextmanager
def serving(
    tls: TlsSettings,
    folder: Path,
    *,
    address: str = "127.0.0.1:0",
    admit: Admit | None = None,
    access: AccessTable | None = None,
    **limits: Any,
) -> Iterator[RunningServer]:
    """The service in this process, for the time of the block."""
    own = check_own_certificate(tls, now)
    app = App(register=register, access=access or AccessTable(ACCESS), admit=admit)
    server = start(app, settings(tls, folder, address, **limits), Runtime(now, own.identity))
    try:
        yield server
    finally:
        server.stop(2)


@contextmanager
def calling(
    address: str, tls: TlsSettings, *, identity: str = SERVER, timeout_s: float = 10, **more: Any
) -> Iterator[Channel]:
    """A channel of ours to ``address`` for the time of the block."""
    peer = PeerSettings(address=address, identity=identity, timeout_s=timeout_s)
    channel = open_channel(peer, tls, **more)
    try:
        yield channel
    finally:
        channel.close()


def now() -> datetime:
    """The real time: certificates of tests are really valid."""
    return datetime.now(UTC)


def build(given: ServiceSettings, runtime: Runtime) -> App:
    """The service as a process: with a database that it holds, and a worker."""
    database = Database(given.database)
    worker = Worker("idle", 60, lambda: None)
    close: Callable[[], None] = database.close
    return App(register=register, access=AccessTable(ACCESS), workers=[worker], close=close)


if __name__ == "__main__":
    sys.exit(run_service("echo", ServiceSettings, build))
