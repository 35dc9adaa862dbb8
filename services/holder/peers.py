"""The channel of a unit's service to the matcher."""

from __future__ import annotations

from libmatch.client import IDEMPOTENT, MatcherClient
from services.chassis.client import Channel, open_channel
from services.chassis.config import PeerSettings, TlsSettings


def open_matcher(peer: PeerSettings, tls: TlsSettings) -> tuple[Channel, MatcherClient]:
    """The client and its channel, which the caller closes. Raises ConfigError."""
    channel = open_channel(peer, tls, idempotent=IDEMPOTENT)
    return channel, MatcherClient(channel)
