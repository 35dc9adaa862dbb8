"""New certificates and a new authority are taken under load, and no call fails because of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import grpc
from cryptography import x509

from libmatch.status import error_from_rpc
from services.chassis.config import TlsSettings
from tests.chassis_echo import SERVER, calling
from tests.chassis_pki import Pki
from tests.crowd import SERVER_NAME, EchoProcess, Raw, calling_raw, shown_serial, unit, until

_NAMES: list[x509.GeneralName] = [x509.UniformResourceIdentifier(SERVER), x509.DNSName(SERVER_NAME)]


def new_certificate(pki: Pki, tls: TlsSettings, names: list[x509.GeneralName]) -> None:
    """Written over the old files one after the other, as a careless script does it."""
    pki.issue_raw(names, into=tls)


@contextmanager
def load_of(call: Callable[[], object], callers: int) -> Iterator[list[int]]:
    """``callers`` threads that call all the time; how many calls each made. Fails where one failed."""
    stop, made = threading.Event(), [0] * callers

    def run(number: int) -> None:
        while not stop.wait(0.002):
            call()
            made[number] += 1

    with ThreadPoolExecutor(callers) as pool:
        running = [pool.submit(run, number) for number in range(callers)]
        try:
            yield made
        finally:
            stop.set()
    for each in running:
        each.result()


def more_calls(made: list[int], count: int = 20) -> None:
    """Returns after so many more calls of every caller."""
    begun = list(made)
    until(lambda: all(now >= then + count for now, then in zip(made, begun, strict=True)))


def test_new_server_certificate_is_taken_under_load_and_a_broken_one_is_not(
    tmp_path: Path, pki: Pki
) -> None:
    tls, unit_tls = pki.issue(SERVER), pki.issue(unit("a"))

    def call_anew() -> None:
        with calling_raw(echo.address, unit_tls) as line:
            assert line.unary_unary("/test.Echo/Echo")(b"x", timeout=10) == b"x"

    with (
        # Connections that live for a second are replaced all the time.
        EchoProcess(tmp_path, pki, tls=tls, max_connection_age_s=1) as echo,
        calling(echo.address, unit_tls) as channel,
    ):
        kept = channel.unary_unary("/test.Echo/Echo")
        with load_of(lambda: kept(b"x"), 2) as on_one, load_of(call_anew, 1) as on_new_ones:
            seen = [shown_serial(echo.address, unit_tls)]
            for _ in range(3):
                new_certificate(pki, tls, _NAMES)
                more_calls(on_one)
                more_calls(on_new_ones, 5)
                seen.append(shown_serial(echo.address, unit_tls))
            assert len(set(seen)) == 4
            whole = tls.certificate.read_bytes()
            for broken in (
                whole[: len(whole) // 2],
                b"",
                pki.issue(unit("b")).certificate.read_bytes(),
            ):
                tls.certificate.write_bytes(broken)
                more_calls(on_one)
                more_calls(on_new_ones, 5)
                assert shown_serial(echo.address, unit_tls) == seen[-1]
        assert {one["status"] for one in echo.calls()} == {"OK"}


def test_new_authority_is_taken_in_steps_without_a_failed_call(tmp_path: Path, pki: Pki) -> None:
    new = Pki(tmp_path / "new", "new authority")
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(pki.ca.read_bytes())
    tls = pki.issue(SERVER).model_copy(update={"ca": bundle})
    old_unit = pki.issue(unit("old")).model_copy(update={"ca": bundle})
    new_unit = new.issue(unit("new")).model_copy(update={"ca": bundle})
    with (
        EchoProcess(tmp_path, pki, tls=tls, max_connection_age_s=8) as echo,
        calling(echo.address, old_unit) as channel,
    ):
        echoed = channel.unary_unary("/test.Echo/Echo")
        with load_of(lambda: echoed(b"x"), 2) as made:
            more_calls(made)
            assert not gets_in(echo.address, new_unit)
            bundle.write_bytes(pki.ca.read_bytes() + new.ca.read_bytes())  # first: trust both
            more_calls(made)
            assert gets_in(echo.address, new_unit)
            new_certificate(new, tls, _NAMES)  # then: the server's own
            more_calls(made)
            assert gets_in(echo.address, new_unit)
            assert gets_in(echo.address, old_unit)
        with calling_raw(echo.address, old_unit) as line:  # as open, for as long as it may live
            assert line.unary_unary("/test.Echo/Echo")(b"x", timeout=10) == b"x"
            bundle.write_bytes(new.ca.read_bytes())  # last: the old one is trusted no more
            assert gets_in(echo.address, new_unit)
            assert not gets_in(echo.address, old_unit)
            assert line.unary_unary("/test.Echo/Echo")(b"x", timeout=10) == b"x"
            until(lambda: not succeeds(line))


def gets_in(address: str, tls: TlsSettings) -> bool:
    """Whether a new connection with that certificate may call."""
    with calling_raw(address, tls) as line:
        return succeeds(line)


def succeeds(line: Raw) -> bool:
    try:
        return bool(line.unary_unary("/test.Echo/Echo")(b"x", timeout=30) == b"x")
    except grpc.RpcError as error:
        if error_from_rpc(error).status != "UNAVAILABLE":
            raise
        return False


def test_new_certificates_of_a_client_are_taken_under_load(tmp_path: Path, pki: Pki) -> None:
    tls = pki.issue(unit("a"))
    names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(unit("a"))]
    with (
        EchoProcess(tmp_path, pki) as echo,
        calling(echo.address, tls) as channel,
    ):
        echoed = channel.unary_unary("/test.Echo/Echo")
        with load_of(lambda: echoed(b"x"), 3) as made:
            for _ in range(5):
                more_calls(made)
                new_certificate(pki, tls, names)
            more_calls(made)
            tls.certificate.write_bytes(pki.issue(unit("b")).certificate.read_bytes())
            more_calls(made)  # not the key's certificate: goes on with what it has
        assert {one["status"] for one in echo.calls()} == {"OK"}
