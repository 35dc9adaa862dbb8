"""Follows the matcher's audit log: each checkpoint extends the one before, each receipt is in it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from libmatch.auditlog import (
    Checkpoint,
    encode_batch_leaf,
    encode_withdrawal_leaf,
    follow_checkpoint,
    log_origin,
    open_checkpoint,
    verify_inclusion,
)
from libmatch.errors import LogError
from libmatch.records import Receipt
from services.holder.matcher import Matcher
from services.holder.material import Material
from services.holder.states import MessageKind
from services.holder.store.log_memory import LogMemory


class FollowLog:
    """The watch of one unit over the log of ``district``."""

    def __init__(
        self,
        memory: LogMemory,
        matcher: Matcher,
        material: Material,
        district: str,
        now: Callable[[], datetime],
    ) -> None:
        self._memory = memory
        self._matcher = matcher
        self._material = material
        self._origin = log_origin(district)
        self._now = now

    def run(self) -> None:
        """Return when the log holds. Raises LogError: send nothing more, and tell 纪委."""
        note = self._matcher.get_checkpoint()
        new = open_checkpoint(note, self._origin, self._material.manifest.log_key)
        try:
            self._follow(new)
        except LogError:
            self._memory.keep_evidence(note, new.size, new.root, self._now())
            structlog.get_logger().error("log.contradicts", size=new.size)
            raise
        self._memory.remember(note, new.size, new.root, self._now())
        self._prove_receipts(new)

    def _follow(self, new: Checkpoint) -> None:
        newest = self._memory.read_newest()
        if newest is None:
            return
        size, root = newest
        proof = self._matcher.get_consistency_proof(size, new.size) if 0 < size < new.size else []
        follow_checkpoint(Checkpoint(self._origin, size, root), new, proof)

    def _prove_receipts(self, checkpoint: Checkpoint) -> None:
        """Every receipt kept so far was given before this checkpoint: its leaf must be in it."""
        proven = []
        for position, kind, receipt in self._memory.read_unproven(self._material.epoch.epoch_id):
            index = receipt.leaf_index
            if index >= checkpoint.size:
                raise LogError("the log does not hold the leaf that a receipt promised")
            _, path = self._matcher.get_inclusion_proof(index, checkpoint.size)
            verify_inclusion(checkpoint, index, _leaf_of(kind, receipt), path)
            proven.append(position)
        if proven:
            self._memory.mark_proven(proven)


def _leaf_of(kind: MessageKind, receipt: Receipt) -> bytes:
    encode = encode_batch_leaf if kind is MessageKind.BATCH else encode_withdrawal_leaf
    r = receipt
    return encode(r.digest, r.side, r.unit, r.seq, r.accepted_at_us)
