"""A client that is slow, silent or stopped harms nobody else. Real server processes over mutual TLS."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import grpc
import pytest

from libmatch.channel import Channel
from libmatch.errors import ServiceError
from services.chassis.authz import AccessTable
from services.chassis.server import App, Runtime, start
from services.chassis.tls import check_own_certificate
from tests.chassis_echo import SERVER, calling, now, settings
from tests.chassis_pki import Pki
from tests.crowd import EchoProcess, Raw, StoppedClient, calling_raw, median_s, unit, until

Future = Any
"""A grpc.Future of a call over bytes."""


def send(line: Raw, pieces: Iterator[bytes], timeout_s: float = 60) -> Future:
    return line.stream_unary("/test.Echo/Sum").future(pieces, timeout=timeout_s)


class Stalling:
    """Streams that stand still until the end of the test."""

    def __init__(self) -> None:
        self._never = threading.Event()

    def close(self) -> None:
        self._never.set()

    def silence(self) -> Iterator[bytes]:
        self._never.wait(60)
        yield from ()

    def crumbs(self) -> Iterator[bytes]:
        while not self._never.wait(0.25):
            yield b"x"

    def half(self) -> Iterator[bytes]:
        yield bytes(100_000)
        self._never.wait(60)


def refused(call: Callable[[], object]) -> bool:
    try:
        call()
    except ServiceError as error:
        assert error.reason == "OVERLOADED"  # noqa: PT017
        return True
    return False


@pytest.mark.slow
def test_stalled_clients_give_their_slots_to_those_that_need_them(tmp_path: Path, pki: Pki) -> None:
    with (
        EchoProcess(tmp_path, pki, max_concurrent=6, max_concurrent_per_caller=2) as echo,
        ExitStack() as stack,
        closing(Stalling()) as stalling,
    ):
        stopped = pki.issue(unit("stopped"))
        stack.enter_context(StoppedClient(echo.address, stopped, calls=2, size=8_000_000))
        held: list[Future] = []
        for name, pieces in (("silent", stalling.silence), ("loris", stalling.crumbs)):
            line = stack.enter_context(calling_raw(echo.address, pki.issue(unit(name))))
            held += [send(line, pieces()) for _ in range(2)]
        quick = [
            stack.enter_context(calling(echo.address, pki.issue(unit(f"quick-{n}")), idempotent=()))
            for n in range(2)
        ]
        until(lambda: refused(lambda: quick[0].unary_unary("/test.Echo/Echo")(b"x")))
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(sleep_in_a_slot, [*quick, *quick]))
        assert answers == [b"slept"] * 4
        until(lambda: all(call.done() for call in held))
        assert {call.code() for call in held} == {grpc.StatusCode.CANCELLED}
        gave_way = [one for one in echo.calls() if one.get("reason") == "GAVE_WAY"]
        assert {one["status"] for one in gave_way} == {"CANCELLED"}
        assert {one["peer"] for one in gave_way} == {"unit/silent", "unit/loris"}


def sleep_in_a_slot(channel: Channel) -> bytes:
    """The answer of a call that stays for a second, asked again until it gets in."""
    sleep = channel.unary_unary("/test.Echo/Sleep")
    answers: list[bytes] = []

    def got_in() -> bool:
        try:
            answers.append(sleep(b"1"))
        except ServiceError as error:
            if error.reason != "OVERLOADED":
                raise
        return bool(answers)

    until(got_in)
    return answers[0]


@pytest.mark.slow
def test_stalled_clients_neither_slow_others_down_nor_outlive_their_deadlines(
    tmp_path: Path, pki: Pki
) -> None:
    with (
        EchoProcess(tmp_path, pki) as echo,
        ExitStack() as stack,
        closing(Stalling()) as stalling,
    ):
        quick = stack.enter_context(calling(echo.address, pki.issue(unit("quick"))))
        echoed = quick.unary_unary("/test.Echo/Echo")
        alone_s = median_s(lambda: echoed(b"x"))
        line = stack.enter_context(calling_raw(echo.address, pki.issue(unit("stalled"))))
        host, port = echo.address.split(":")
        for _ in range(100):  # handshakes that never finish
            stack.enter_context(socket.create_connection((host, int(port))))
        kinds = (stalling.silence, stalling.crumbs, stalling.half)
        stopped = pki.issue(unit("stopped"))
        stack.enter_context(StoppedClient(echo.address, stopped, calls=4, size=4_000_000))
        held = [send(line, kind(), timeout_s=10) for kind in kinds for _ in range(2)]
        assert median_s(lambda: echoed(b"x")) < 50 * alone_s + 0.5
        assert not any(call.done() for call in held)
        until(lambda: all(call.done() for call in held))
        assert {call.code() for call in held} == {grpc.StatusCode.DEADLINE_EXCEEDED}
        # With room left, nobody had to give way; and all eight slots of the caller are free again.
        until(lambda: len([one for one in echo.calls() if one["status"] == "CANCELLED"]) == 6)
        assert not [one for one in echo.calls() if one.get("reason")]
        asleep = [line.unary_unary("/test.Echo/Sleep").future(b"0.3", timeout=9) for _ in range(8)]
        assert [call.result() for call in asleep] == [b"slept"] * 8


@pytest.mark.slow
def test_connections_that_never_finish_their_handshake_are_closed(tmp_path: Path, pki: Pki) -> None:
    with EchoProcess(tmp_path, pki) as echo, ExitStack() as stack:
        host, port = echo.address.split(":")
        silent = [
            stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(5)
        ]
        silent[0].sendall(b"\x16\x03\x01")  # the beginning of one
        for line in silent:
            line.settimeout(40)
            assert line.recv(1) == b""


# An upload that is cut off


def test_upload_that_is_cut_off_never_looks_whole(tmp_path: Path, pki: Pki) -> None:
    kept, cut = list[int](), list[type[BaseException]]()

    def keep(requests: Iterator[bytes], context: grpc.ServicerContext) -> bytes:
        try:
            kept.append(sum(map(len, requests)))
        except BaseException as error:
            cut.append(type(error))
            raise
        return b"kept"

    tls = pki.issue(SERVER)
    runtime = Runtime(now, check_own_certificate(tls, now).identity)
    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        "Keep": grpc.stream_unary_rpc_method_handler(keep)
    }
    handler = grpc.method_handlers_generic_handler("test.Echo", methods)
    app = App(
        register=lambda server: server.add_generic_rpc_handlers([handler]),
        access=AccessTable({"test.Echo": {"unit"}}),
    )
    server = start(app, settings(tls, tmp_path), runtime)
    with calling_raw(server.address, pki.issue(unit("a"))) as line:
        upload = line.stream_unary("/test.Echo/Keep")
        for _ in range(150):
            never = threading.Event()
            call = upload.future(half_of(never), timeout=10)
            time.sleep(0.005)
            call.cancel()
            never.set()
        assert upload(iter([b"1", b"2"]), timeout=10) == b"kept"
    server.stop(5)
    assert kept == [2]
    assert set(cut) == {grpc.RpcError}


def half_of(never: threading.Event) -> Iterator[bytes]:
    yield b"1"
    never.wait(10)
