"""Many callers of one real server process, callers that stand still, and what the server holds meanwhile.

::

    with EchoProcess(folder, pki, max_concurrent=4) as echo:      # tests.chassis_echo; .address .pid .log
        channel = raw_channel(echo.address, pki.issue(unit("a")))  # no deadline, checks or retries of ours
        with StoppedClient(echo.address, pki.issue(unit("b")), calls=8, size=7 << 20): ...
        echo.calls() -> the log's records of calls; rss_mib(echo.pid); echo.end() -> exit code
"""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

import grpc
from cryptography import x509

from services.chassis.config import TlsSettings
from tests.chassis_echo import SERVER
from tests.chassis_pki import Pki

ROOT = Path(__file__).resolve().parent.parent
SERVER_NAME = "matcher.fuling.libmatch"
_CONFIG = """\
[listen]
address = "127.0.0.1:0"
[tls]
certificate = "{tls.certificate}"
private_key = "{tls.private_key}"
ca = "{tls.ca}"
[database]
path = "echo.db"
[log]
file = "echo.log"
[limits]
{limits}
"""

Raw = Any
"""A grpc.Channel whose methods take and give bytes, which its type cannot say."""


def unit(name: str) -> str:
    """The identity of a unit of the tests' district."""
    return f"spiffe://fuling/unit/{name}"


class EchoProcess:
    """The service of ``tests.chassis_echo`` as its own process; ``limits`` are those of the settings."""

    def __init__(
        self, folder: Path, pki: Pki, *, tls: TlsSettings | None = None, **limits: float
    ) -> None:
        self.tls = tls or pki.issue(SERVER)
        self.log = folder / "echo.log"
        self._config = folder / "echo.toml"
        lines = "\n".join(f"{key} = {value}" for key, value in limits.items())
        self._config.write_text(_CONFIG.format(tls=self.tls, limits=lines), encoding="utf-8")

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chassis_echo", "--config", str(self._config)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, self._process.communicate()[1]
        self.address: str = json.loads(line)["address"]
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def terminate(self) -> None:
        """SIGTERM; ``end`` waits for what comes of it."""
        self._process.send_signal(signal.SIGTERM)

    def end(self) -> int:
        """The exit code after SIGTERM, once nothing was said on standard error."""
        self.terminate()
        _, errors = self._process.communicate(timeout=60)
        assert not errors, errors
        return self._process.returncode

    def calls(self) -> list[dict[str, Any]]:
        """What the log says of calls so far."""
        return call_records(self.log)


def call_records(log: Path) -> list[dict[str, Any]]:
    """The records of calls in a service's log: method, peer, status, duration_ms, reason."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return [record for record in map(json.loads, lines) if record["event"] == "call"]


def raw_channel(address: str, tls: TlsSettings, **options: int) -> Raw:
    """A plain channel as an attacker would have it; the caller closes it."""
    files = (tls.ca, tls.private_key, tls.certificate)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    given = {
        "grpc.ssl_target_name_override": SERVER_NAME,
        "grpc.use_local_subchannel_pool": 1,
        "grpc.max_receive_message_length": -1,
        "grpc.max_send_message_length": -1,
        "grpc.max_metadata_size": 64 << 20,
        "grpc.absolute_max_metadata_size": 64 << 20,
        "grpc.enable_retries": 0,
    } | {f"grpc.{key}": value for key, value in options.items()}
    return grpc.secure_channel(address, credentials, list(given.items()))


@contextmanager
def calling_raw(address: str, tls: TlsSettings, **options: int) -> Iterator[Raw]:
    """``raw_channel`` for the time of the block."""
    with closing(raw_channel(address, tls, **options)) as channel:
        yield channel


def shown_serial(address: str, client: TlsSettings) -> int:
    """The serial number of the certificate that a server shows in a new handshake."""
    context = ssl.create_default_context(cafile=str(client.ca))
    context.load_cert_chain(client.certificate, client.private_key)
    context.set_alpn_protocols(["h2"])
    host, port = address.split(":")
    with (
        socket.create_connection((host, int(port)), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=SERVER_NAME) as secure,
    ):
        certificate = secure.getpeercert(binary_form=True)
    assert certificate is not None
    return x509.load_der_x509_certificate(certificate).serial_number


class StoppedClient:
    """A process that asked for ``calls`` answers of ``size`` bytes and then stopped (SIGSTOP)."""

    def __init__(self, address: str, tls: TlsSettings, *, calls: int, size: int) -> None:
        files = (tls.ca, tls.private_key, tls.certificate)
        self._arguments = [address, *map(str, files), str(calls), str(size)]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crowd", *self._arguments],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "asked\n"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def _ask_and_stop(address: str, *rest: str) -> None:
    ca, private_key, certificate, calls, size = rest
    tls = TlsSettings.model_construct(
        ca=Path(ca), private_key=Path(private_key), certificate=Path(certificate)
    )
    # Without these, core would itself take in whole answers that nobody reads.
    window = {"http2.bdp_probe": 0, "http2.lookahead_bytes": 64 << 10}
    channel = raw_channel(address, tls, **window)
    ask = channel.unary_stream("/test.Echo/Echo")
    answers = []  # kept: a call whose answer nobody holds is cancelled
    for _ in range(int(calls)):
        answers.append(ask(bytes(int(size)), timeout=60))
        answers[-1].initial_metadata()  # the answer is on its way; the rest of it is never read
    print("asked", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """The process does not run for the time of the block (SIGSTOP)."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def rss_mib(pid: int, field: str = "VmRSS") -> float:
    """Resident memory of a process in MiB; ``VmHWM`` for its peak."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{field}:"))
    return int(line.split()[1]) / 1024


def until(condition: Callable[[], bool], within_s: float = 60) -> None:
    """Returns once ``condition`` holds; fails where it does not come to hold."""
    ends_at = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < ends_at, f"did not happen within {within_s} seconds"
        time.sleep(0.02)


def median_s(call: Callable[[], object], times: int = 25) -> float:
    """The median time of a call."""
    taken = []
    for _ in range(times):
        began = time.monotonic()
        call()
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    _ask_and_stop(*sys.argv[1:])
