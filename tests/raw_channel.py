"""Raw gRPC channels, where an attacker would not use ours, and a call of each kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from libmatch.errors import ServiceError
from libmatch.status import error_from_rpc
from services.chassis.config import TlsSettings

UNIT = "spiffe://fuling/unit/a"
RawChannel = Any
"""A grpc.Channel whose methods take and give bytes, which its type cannot say."""

Call = Callable[[RawChannel, str], object]


def unary_unary(channel: RawChannel, path: str) -> object:
    return channel.unary_unary(path)(b"1", timeout=5)


def unary_stream(channel: RawChannel, path: str) -> object:
    return list(channel.unary_stream(path)(b"1", timeout=5))


def stream_unary(channel: RawChannel, path: str) -> object:
    return channel.stream_unary(path)(iter([b"1"]), timeout=5)


def stream_stream(channel: RawChannel, path: str) -> object:
    return list(channel.stream_stream(path)(iter([b"1"]), timeout=5))


KINDS = [
    pytest.param("Echo", unary_unary, id="unary-unary"),
    pytest.param("Count", unary_stream, id="unary-stream"),
    pytest.param("Sum", stream_unary, id="stream-unary"),
    pytest.param("Chat", stream_stream, id="stream-stream"),
]


def raw_channel(address: str, tls: TlsSettings | None, ca: Path | None = None) -> RawChannel:
    """A plain channel with no default deadline, no checks and no retries of ours."""
    if tls is None:
        assert ca is not None
        credentials = grpc.ssl_channel_credentials(ca.read_bytes())
    else:
        files = (ca or tls.ca, tls.private_key, tls.certificate)
        credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    options = [
        ("grpc.ssl_target_name_override", "matcher.fuling.libmatch"),
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.enable_retries", 0),
    ]
    return grpc.secure_channel(address, credentials, options)


def refusal_of(call: Callable[[], object]) -> ServiceError:
    with pytest.raises(grpc.RpcError) as failure:
        call()
    return error_from_rpc(failure.value)
