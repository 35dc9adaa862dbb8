"""The matcher's audit log for 纪委: ``libmatch.client.LogWatch`` over this service's own memory."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from libmatch.auditlog import Checkpoint
from libmatch.client import MatcherClient
from libmatch.client.logwatch import LogWatch, Memory


class LogClient:
    """``services.inspector.matcher.Log`` over a channel, which the caller closes."""

    def __init__(self, channel: grpc.Channel, memory: Memory, origin: str, log_key: bytes) -> None:
        self._source = _Listening(channel)
        self._watch = LogWatch(self._source, memory, origin, log_key)
        self._memory = memory
        self._log_key = log_key

    def advance(self) -> Checkpoint:
        """The checkpoint of now, proved to extend the last one, and remembered. Raises LogError."""
        return self._watch.advance()

    def fetch_path(self, leaf_index: int, tree_size: int) -> list[bytes]:
        """The path from that leaf to the root of so many leaves, unverified."""
        return self._source.get_inclusion_proof(leaf_index, tree_size)[1]

    def evidence(self) -> Sequence[str]:
        """The remembered note ("" for none) and the one that was compared with it last."""
        with self._memory.transaction() as checkpoints:
            remembered = checkpoints.last_checkpoint(self._log_key)
        return remembered or "", self._source.heard


class _Listening(MatcherClient):
    """A client that remembers the checkpoint it was told last: proof of what was claimed."""

    heard = ""

    def get_checkpoint(self) -> str:
        self.heard = super().get_checkpoint()
        return self.heard
