"""An app that listens: TLS, the guard, health, reflection and workers around a service's handlers.

No signals, no exit codes, no settings file: those are the process's (``server``), so that a test can
have several of these in one process.
"""

from __future__ import annotations

import resource
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2

from services.chassis.authz import REFLECTION, AccessTable, Admit, Gatekeeper
from services.chassis.capacity import Capacity
from services.chassis.config import ConfigError, LimitsSettings, ServiceSettings
from services.chassis.guard import HEALTH_CALLS, Guard
from services.chassis.identity import Identity
from services.chassis.tls import server_credentials
from services.chassis.worker import Worker

# Threads beyond the capacity: for health checks, and to answer "too many at once" with a hint.
_SPARE_THREADS = HEALTH_CALLS + 8
_CONNECTION_GRACE_S = 60
_IDLE_CONNECTION_S = 300  # clients connect again by themselves
_OTHER_FILES = 192  # databases, logs, libraries, own connections
_LAST_MOMENT_S = 1.0  # for handlers whose calls were just ended


class ListenError(Exception):
    """The address cannot be listened on: another process has it, or it is not this machine's."""


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class App:
    """One service, wired: what ``build`` returns. ``close`` runs last, after calls and workers."""

    register: Callable[[grpc.Server], None]
    access: AccessTable
    workers: Sequence[Worker] = ()
    admit: Admit | None = None
    close: Callable[[], None] = _nothing


@dataclass(frozen=True)
class Runtime:
    """What a service is handed beside its settings: the clock and who it is itself."""

    now: Callable[[], datetime]
    identity: Identity
    certificate_ends: datetime | None = None


class _Registry:
    """Stands for the server while services register, and learns their names.

    Only what generated ``add_…_to_server`` functions call; ports and starting are the chassis's.
    """

    def __init__(self, server: grpc.Server) -> None:
        self._server = server
        self.names: set[str] = set()

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[Any]) -> None:
        handlers = tuple(generic_rpc_handlers)
        self.names |= {handler.service_name() for handler in handlers}
        self._server.add_generic_rpc_handlers(handlers)

    def add_registered_method_handlers(
        self, service_name: str, method_handlers: Mapping[str, Any]
    ) -> None:
        self.names.add(service_name)
        self._server.add_registered_method_handlers(service_name, method_handlers)


class _Health(health.HealthServicer):  # type: ignore[misc]  # the library has no types
    """Check only. A watcher would hold a thread for as long as it likes; UNIMPLEMENTED is the
    protocol's own way to say so, and clients then go on without watching."""

    def Watch(self, request: Any, context: Any, send_response_callback: Any = None) -> Any:  # noqa: ARG002
        context.set_code(grpc.StatusCode.UNIMPLEMENTED)
        return iter(())


class RunningServer:
    """A server that listens. ``address`` has the real port; ``stop`` drains and ends it."""

    def __init__(
        self,
        server: grpc.Server,
        address: str,
        capacity: Capacity,
        app: App,
        healthy: health.HealthServicer,
    ) -> None:
        self.address = address
        self._server = server
        self._capacity = capacity
        self._app = app
        self._health = healthy

    def stop(self, grace_s: float, hurry: threading.Event | None = None) -> bool:
        """True where all calls and workers ended within ``grace_s``; then the app was closed.

        New calls are refused at once; ``hurry`` ends the running ones when it is set, and leaves their
        handlers a last moment.
        """
        ends_at = time.monotonic() + grace_s
        self._health.enter_graceful_shutdown()
        for worker in self._app.workers:
            worker.request_stop()
        stopped = self._server.stop(grace_s)
        while not stopped.wait(0.05) and time.monotonic() < ends_at:
            if hurry is not None and hurry.is_set():
                ends_at = time.monotonic()
        self._server.stop(None)
        if not self._is_idle(max(ends_at - time.monotonic(), _LAST_MOMENT_S), hurry):
            return False
        self._app.close()
        return True

    def _is_idle(self, within_s: float, hurry: threading.Event | None) -> bool:
        """True once no handler and no worker runs: gRPC stops calls, but cannot stop a thread."""
        ends_at = time.monotonic() + within_s
        while not (idle := self._ended(0.05)) and time.monotonic() < ends_at:
            if hurry is not None and hurry.is_set():
                ends_at, hurry = min(ends_at, time.monotonic() + _LAST_MOMENT_S), None
        return idle

    def _ended(self, within_s: float) -> bool:
        # Closed first: a call that came in the last moment must not find the database gone.
        idle = self._capacity.close(within_s)
        return all(worker.join(within_s) for worker in self._app.workers) and idle


def start(app: App, settings: ServiceSettings, runtime: Runtime) -> RunningServer:
    """A server that listens and whose workers run.

    Raises ListenError; ConfigError where the system allows fewer open files than connections need;
    ValueError where services and access table do not name the same services.
    """
    limits = settings.limits
    _check_open_files(limits)
    capacity = Capacity(limits.max_concurrent, limits.max_concurrent_per_caller)
    access = app.access.with_operations(reflection=settings.reflection)
    gatekeeper = Gatekeeper(access, runtime.identity.trust_domain, runtime.now, app.admit)
    threads = limits.max_concurrent + _SPARE_THREADS
    server = grpc.server(
        ThreadPoolExecutor(threads, thread_name_prefix="call"),
        interceptors=[Guard(gatekeeper, capacity, limits)],
        options=_options(limits),
        maximum_concurrent_rpcs=threads,  # never more than threads: a queue would hide the load
    )
    healthy = _register(server, app, access, reflects=settings.reflection)
    port = _listen(server, settings, runtime)
    server.start()
    for worker in app.workers:
        worker.start()
    host = settings.listen.address.rpartition(":")[0]
    return RunningServer(server, f"{host}:{port}", capacity, app, healthy)


def _register(
    server: grpc.Server, app: App, access: AccessTable, *, reflects: bool
) -> health.HealthServicer:
    names = _Registry(server)
    app.register(cast(grpc.Server, names))
    if names.names != app.access.services:
        odd = ", ".join(sorted(names.names ^ app.access.services))
        raise ValueError(f"services and access table disagree about: {odd}")
    healthy = _Health()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    for name in names.names:
        healthy.set(name, health_pb2.HealthCheckResponse.SERVING)
    if reflects:
        server.add_generic_rpc_handlers(_reflection(sorted(access.services)))
    return healthy


def _reflection(names: Sequence[str]) -> list[grpc.GenericRpcHandler]:
    """Both versions of the protocol: the library has the older one, and their messages are the same.

    Tools ask for v1 first and take only UNIMPLEMENTED as "ask for the other", which the guard of a
    server that denies what it does not know never says.
    """
    method = grpc.stream_stream_rpc_method_handler(
        reflection.ReflectionServicer(names).ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    methods = {"ServerReflectionInfo": method}
    return [grpc.method_handlers_generic_handler(name, methods) for name in REFLECTION]


def _check_open_files(limits: LimitsSettings) -> None:
    """Returns where every connection can have its file, and the database its own. Raises ConfigError."""
    needed = limits.max_connections + _OTHER_FILES
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and needed > most:
        text = f"limits.max_connections: {limits.max_connections} need {needed} open files"
        raise ConfigError([f"{text}; this process may have {most}"])
    if now != resource.RLIM_INFINITY and needed > now:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, most))


def _listen(server: grpc.Server, settings: ServiceSettings, runtime: Runtime) -> int:
    address = settings.listen.address
    try:
        return server.add_secure_port(address, server_credentials(settings.tls, runtime.now))
    except RuntimeError:  # gRPC has no finer one
        raise ListenError(
            f"{address}: cannot listen here; another process has it, or it is not ours"
        ) from None


def _options(limits: LimitsSettings) -> list[tuple[str, Any]]:
    return [
        ("grpc.so_reuseport", 0),  # else a second process binds the same port silently
        ("grpc.max_receive_message_length", limits.max_message_bytes),
        ("grpc.max_send_message_length", limits.max_message_bytes),
        ("grpc.max_metadata_size", 8 << 10),
        ("grpc.max_concurrent_streams", 4 * limits.max_concurrent_per_caller),
        ("grpc.max_allowed_incoming_connections", limits.max_connections),
        ("grpc.max_connection_idle_ms", _IDLE_CONNECTION_S * 1000),
        # A revoked or expired certificate lives no longer than its connection.
        ("grpc.max_connection_age_ms", int(limits.max_connection_age_s * 1000)),
        ("grpc.max_connection_age_grace_ms", _CONNECTION_GRACE_S * 1000),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 30_000),  # our clients ping every 60 s
        ("grpc.server_handshake_timeout_ms", 20_000),
    ]
