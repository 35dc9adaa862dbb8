"""Channels to other services: ``libmatch.channel`` with a service's settings and its callers' deadlines."""

from __future__ import annotations

from collections.abc import Collection

from libmatch import channel
from libmatch.channel import DEFAULT_MESSAGE_BYTES, Channel, TlsFiles
from libmatch.errors import KeyFileError
from services.chassis.config import ConfigError, PeerSettings, TlsSettings
from services.chassis.deadline import remaining_s
from services.chassis.identity import Identity, server_dns_name
from services.chassis.refusals import DeadlinePassed

__all__ = ["Channel", "open_channel"]


def open_channel(
    peer: PeerSettings,
    tls: TlsSettings,
    *,
    idempotent: Collection[str] = (),
    max_message_bytes: int = DEFAULT_MESSAGE_BYTES,
) -> Channel:
    """A channel to the server ``peer.identity`` at ``peer.address``; connects at the first call.

    ``idempotent`` names what may be sent again: ``"pkg.Service"`` or ``"pkg.Service/Method"``.
    Raises ConfigError for files that cannot be used, IdentityError for an identity no server has.
    """
    try:
        return channel.open_channel(
            peer.address,
            server_dns_name(Identity.parse(peer.identity)),
            TlsFiles(tls.certificate, tls.private_key, tls.ca),
            timeout_s=peer.timeout_s,
            idempotent=idempotent,
            max_message_bytes=max_message_bytes,
            time_left=_time_left,
        )
    except KeyFileError as error:
        raise ConfigError([str(error)]) from None


def _time_left() -> float | None:
    """Seconds that the call being handled has left; None outside any. Raises DeadlinePassed."""
    left = remaining_s()
    if left is not None and left <= 0:
        raise DeadlinePassed("no time is left to call another service")
    return left
