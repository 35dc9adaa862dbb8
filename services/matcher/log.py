"""The audit log for its readers: signed checkpoints, and proofs for any size up to the present one."""

from __future__ import annotations

from libmatch.auditlog import Checkpoint, LogSigner, log_origin, sign_checkpoint
from services.chassis.refusals import InvalidRequest
from services.matcher.store.ledger import Ledger


class AuditLog:
    """Heads and proofs of one district's log."""

    def __init__(self, ledger: Ledger, signer: LogSigner, district: str) -> None:
        self._ledger = ledger
        self._signer = signer
        self._origin = log_origin(district)

    def get_checkpoint(self) -> str:
        """The signed head of the log now (C2SP tlog-checkpoint)."""
        size, root = self._ledger.head()
        return sign_checkpoint(Checkpoint(self._origin, size, root), self._signer)

    def prove_inclusion(self, leaf_index: int, tree_size: int) -> tuple[bytes, list[bytes]]:
        """(leaf hash, path from the leaf upwards). Raises InvalidRequest out of range."""
        if not leaf_index < tree_size <= self._ledger.size():
            raise InvalidRequest("a leaf lies below the tree's size, and that not above the log's")
        return self._ledger.prove_inclusion(leaf_index, tree_size)

    def prove_consistency(self, old: int, new: int) -> list[bytes]:
        """The proof between two sizes of the log. Raises InvalidRequest out of range."""
        if not old <= new <= self._ledger.size():
            raise InvalidRequest("the sizes ascend, and do not go above the log's")
        return self._ledger.prove_consistency(old, new)
