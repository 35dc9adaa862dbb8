"""Channels to services: mutual TLS, the right peer, deadlines, retries, renewed certificates.

``open_channel`` gives a ``grpc.Channel`` for a stub to keep for life. Behind it the real channel is
built anew when the certificate files change. Who answers is checked by gRPC's own host check against
the DNS name that belongs to the expected identity (``identity.server_dns_name``): a certificate of
the same district with another role does not pass. Calls raise ServiceError, never grpc.RpcError.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import grpc

from libmatch.errors import KeyFileError, ServiceError
from libmatch.status import error_from_rpc
from libmatch.tls_material import TlsFiles, TlsMaterial, find_problems, read_material

__all__ = ["DEFAULT_MESSAGE_BYTES", "DEFAULT_TIMEOUT_S", "Channel", "TlsFiles", "open_channel"]

DEFAULT_TIMEOUT_S = 20.0
DEFAULT_MESSAGE_BYTES = 8 << 20
_ATTEMPTS = 6
_FIRST_BACKOFF_S = 0.2
_LONGEST_BACKOFF_S = 10.0
_MAX_MESSAGE_BYTES = 64 << 20
# Core's refusal when every thread is taken, before our own check could add its hint.
_CORE_OVERLOAD = "Concurrent RPC limit exceeded!"

TimeLeft = Callable[[], float | None]
"""Seconds that the call being handled has left, None outside any call; may raise where none is left."""


def open_channel(
    address: str,
    server_name: str,
    tls: TlsFiles,
    *,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    idempotent: Collection[str] = (),
    max_message_bytes: int = DEFAULT_MESSAGE_BYTES,
    time_left: TimeLeft = lambda: None,
) -> Channel:
    """A channel to the server whose certificate names ``server_name``; connects at the first call.

    ``idempotent`` names what may be sent again: ``"pkg.Service"`` or ``"pkg.Service/Method"``.
    ``timeout_s`` is for calls without a deadline of their own. Raises KeyFileError for files that TLS
    cannot work with.
    """
    options = _options(server_name, max_message_bytes)
    repeatable = frozenset(idempotent)
    return Channel(address, options, tls, timeout_s, repeatable, time_left)


class Channel(grpc.Channel):
    """See ``open_channel``."""

    def __init__(
        self,
        address: str,
        options: Sequence[tuple[str, Any]],
        tls: TlsFiles,
        timeout_s: float,
        idempotent: frozenset[str],
        time_left: TimeLeft,
    ) -> None:
        self._address = address
        self._options = options
        self._tls = tls
        self._timeout_s = timeout_s
        self._idempotent = idempotent
        self._time_left = time_left
        self._lock = threading.Lock()
        self._material = self._refused = read_material(tls)
        if problems := find_problems(tls, self._material):
            raise KeyFileError("\n".join(problems))
        self._channel: grpc.Channel | None = self._connect(self._material)

    def _connect(self, material: TlsMaterial) -> grpc.Channel:
        credentials = grpc.ssl_channel_credentials(
            material.ca, material.private_key, material.certificate
        )
        return grpc.secure_channel(self._address, credentials, self._options)

    def current(self) -> grpc.Channel:
        """The real channel, built anew if the certificate files have changed.

        The old one is left to its running calls and goes away with the last of them. Files that
        cannot be used just now, as in the middle of a renewal, leave things as they are.
        """
        with self._lock:
            if self._channel is None:
                raise ValueError("the channel is closed")
            material = self._read_renewed()
            if material is not None:
                self._channel = self._connect(material)
                self._material = material
            return self._channel

    def _read_renewed(self) -> TlsMaterial | None:
        """The files' content where it is new and can be used."""
        try:
            material = read_material(self._tls)
        except KeyFileError:
            return None
        if material in (self._material, self._refused):
            return None
        if find_problems(self._tls, material):
            self._refused = material  # not looked at again at every call
            return None
        return material

    def timeout_s(self, given: float | None) -> float:
        """The time for one call: as given or the default, and no more than the handler has left."""
        timeout = self._timeout_s if given is None else given
        left = self._time_left()
        return timeout if left is None else min(timeout, left)

    def may_repeat(self, method: str) -> bool:
        """True where ``method`` (``/pkg.Service/Method``) was declared idempotent."""
        name = method.lstrip("/")
        return name in self._idempotent or name.partition("/")[0] in self._idempotent

    def unary_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return _Unary(self, "unary_unary", method, args, kwargs)

    def stream_unary(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return _Unary(self, "stream_unary", method, args, kwargs)

    def unary_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return _Streaming(self, "unary_stream", method, args, kwargs)

    def stream_stream(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return _Streaming(self, "stream_stream", method, args, kwargs)

    def subscribe(
        self, callback: Callable[[grpc.ChannelConnectivity], None], try_to_connect: bool = False
    ) -> None:
        self.current().subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Callable[[grpc.ChannelConnectivity], None]) -> None:
        self.current().unsubscribe(callback)

    def close(self) -> None:
        """Ends the channel and the calls on it; safe to call again."""
        with self._lock:
            channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _options(server_name: str, max_bytes: int) -> Sequence[tuple[str, Any]]:
    size = min(max_bytes, _MAX_MESSAGE_BYTES)
    return (
        ("grpc.ssl_target_name_override", server_name),
        ("grpc.max_send_message_length", size),
        ("grpc.max_receive_message_length", size),
        ("grpc.enable_retries", 0),  # ours below honour the hint and the idempotence
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 20_000),
        ("grpc.enable_http_proxy", 0),  # an https_proxy variable must not redirect a unit's data
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.max_reconnect_backoff_ms", 5_000),
        ("grpc.use_local_subchannel_pool", 1),  # a renewed channel must not share an old connection
    )


class _Callable:
    """One method of a stub; finds the current channel at each call."""

    def __init__(
        self,
        channel: Channel,
        kind: str,
        method: str,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._owner = channel
        self._kind = kind
        self._method = method
        self._args = args
        self._kwargs = kwargs

    def _start(self, request: Any, timeout_s: float, metadata: Any) -> Any:
        build = getattr(self._owner.current(), self._kind)
        call = build(self._method, *self._args, **self._kwargs)
        if self._kind.startswith("stream_"):
            request = iter(request)
        return call(request, timeout=timeout_s, metadata=metadata)

    def _attempts(self, request: Any, timeout: float | None) -> Iterator[_Attempt]:
        """One attempt after another until one succeeds, the rules say stop, or time is up."""
        ends_at = time.monotonic() + self._owner.timeout_s(timeout)
        repeatable = self._owner.may_repeat(self._method) and not isinstance(request, Iterator)
        for number in range(1, _ATTEMPTS + 1):
            attempt = _Attempt(max(0.001, ends_at - time.monotonic()))
            yield attempt
            if attempt.error is None:
                return
            pause = _pause_s(attempt.error, number)
            over = number == _ATTEMPTS or time.monotonic() + pause >= ends_at
            if over or not (repeatable and _is_passing(attempt.error)):
                raise attempt.error
            time.sleep(pause)


class _Attempt:
    """The time one attempt has, and how it failed."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.error: ServiceError | None = None


class _Unary(_Callable):
    """A method that answers with one message."""

    def __call__(
        self, request: Any, timeout: float | None = None, metadata: Any = None, **_: Any
    ) -> Any:
        for attempt in self._attempts(request, timeout):
            try:
                return self._start(request, attempt.timeout_s, metadata)
            except grpc.RpcError as error:
                attempt.error = error_from_rpc(error)
        raise AssertionError("unreachable")


class _Streaming(_Callable):
    """A method that answers with a stream: started when read, repeated only while it is empty."""

    def __call__(
        self, request: Any, timeout: float | None = None, metadata: Any = None, **_: Any
    ) -> Iterator[Any]:
        for attempt in self._attempts(request, timeout):
            arrived = False
            responses = self._start(request, attempt.timeout_s, metadata)
            try:
                for response in responses:
                    arrived = True
                    yield response
            except grpc.RpcError as error:
                attempt.error = error_from_rpc(error)
                if arrived:
                    raise attempt.error from None
            finally:
                responses.cancel()  # where the reader stopped early; else without effect


def _pause_s(error: ServiceError, attempt: int) -> float:
    """Seconds before the next attempt: the server's hint or our own doubling, jittered upwards."""
    own = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * float(1 << attempt))
    hint = own if error.retry_after_s is None else error.retry_after_s
    return hint * random.uniform(1.0, 1.5)  # noqa: S311  # jitter, not a secret


def _is_passing(error: ServiceError) -> bool:
    """True where the same call may succeed later: not for a full disk or an oversized message."""
    if error.status == "RESOURCE_EXHAUSTED":
        return error.retry_after_s is not None or error.message == _CORE_OVERLOAD
    # CANCELLED: by the server, where a call stood still and another needed its slot.
    return error.status in ("UNAVAILABLE", "CANCELLED")
