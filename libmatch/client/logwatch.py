"""Watching the matcher's audit log: every checkpoint extends the last, every promise is in it.

A matcher that forgets, rewrites, or tells two parties different things cannot show both of them one
append-only log. LogError from here means: stop, keep everything, tell 纪委.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from libmatch.auditlog import Checkpoint, follow_checkpoint, open_checkpoint, verify_inclusion
from libmatch.client.matcher import MatcherClient


class Checkpoints(Protocol):
    """The checkpoints that a party has seen, within one transaction."""

    def last_checkpoint(self, log_key: bytes) -> str | None: ...

    def add_checkpoint(self, log_key: bytes, size: int, note: str) -> None: ...


class Memory(Protocol):
    """Where a party keeps them: the client's state file, or 纪委's database."""

    def transaction(self) -> AbstractContextManager[Checkpoints]: ...


class LogWatch:
    """The log named ``origin`` under its key of 32 bytes, as this party has seen it so far."""

    def __init__(self, matcher: MatcherClient, state: Memory, origin: str, log_key: bytes) -> None:
        self._matcher = matcher
        self._state = state
        self._origin = origin
        self._log_key = log_key

    def advance(self) -> Checkpoint:
        """The log's checkpoint of now, proved to extend the last one, and remembered. Raises LogError."""
        # Read before the new one is fetched: another process may remember a still newer one meanwhile.
        remembered = self._remembered()
        note = self._matcher.get_checkpoint()
        new = open_checkpoint(note, self._origin, self._log_key)
        proof = []
        if remembered is not None and 0 < remembered.size < new.size:
            proof = self._matcher.get_consistency_proof(remembered.size, new.size)
        follow_checkpoint(remembered, new, proof)
        with self._state.transaction() as tx:
            tx.add_checkpoint(self._log_key, new.size, note)
        return new

    def _remembered(self) -> Checkpoint | None:
        with self._state.transaction() as tx:
            note = tx.last_checkpoint(self._log_key)
        return None if note is None else open_checkpoint(note, self._origin, self._log_key)

    def prove(self, checkpoint: Checkpoint, leaf_index: int, entry: bytes) -> None:
        """Return if ``entry`` is leaf ``leaf_index`` of the log at ``checkpoint``. Raises LogError."""
        path: list[bytes] = []
        if leaf_index < checkpoint.size:  # else refused below, and the matcher need not be asked
            _, path = self._matcher.get_inclusion_proof(leaf_index, checkpoint.size)
        verify_inclusion(checkpoint, leaf_index, entry, path)
