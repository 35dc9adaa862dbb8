"""Entered records become sealed batches in the outbox; unwanted ones become withdrawals there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from libmatch.batch import admit_batch, admit_withdrawal
from libmatch.prepare import Payload
from libmatch.records import RID_SIZE, cut
from services.holder.material import Material
from services.holder.store.outbox import Load, Outbox, SealedMessage


class SealPending:
    """Seals whatever is pending; ``load`` gives the payloads of subjects, in order."""

    def __init__(
        self,
        outbox: Outbox,
        material: Material,
        load: Load[Payload],
        now: Callable[[], datetime],
    ) -> None:
        self._outbox = outbox
        self._material = material
        self._load = load
        self._now = now

    def run(self) -> None:
        """Return when nothing is pending any more. Raises EpochError outside the epoch's validity."""
        self._material.manifest.check_time(self._now())
        while self._outbox.seal_batch(self._load, self._takes, self._seal, self._now()):
            pass
        while self._outbox.seal_withdrawal(self._withdraw, self._now()):
            pass

    def _takes(self, payload: Payload) -> bool:
        return int(payload.person.kind) in self._material.manifest.kinds

    def _seal(self, payloads: Sequence[Payload], seq: int) -> SealedMessage:
        material = self._material
        (sealed,) = material.holder.prepare(material.side, payloads, seq)
        # Admitted here as the matcher will: a batch that it must refuse never gets into the outbox.
        member = material.epoch.roster.find(material.unit)
        admitted = admit_batch(material.manifest, member, sealed.batch)
        rids = cut(sealed.batch.columns.rid, RID_SIZE)
        tokens = dict(zip(rids, admitted.tokens, strict=True))
        body, in_order = sealed.batch.encode(), tuple(tokens[rid] for rid in sealed.rids)
        return SealedMessage(body, admitted.digest, sealed.rids, in_order)

    def _withdraw(self, rids: Sequence[bytes], seq: int) -> SealedMessage:
        material = self._material
        withdrawal = material.holder.withdraw(material.side, rids, seq)
        member = material.epoch.roster.find(material.unit)
        digest = admit_withdrawal(material.manifest, member, withdrawal)
        return SealedMessage(withdrawal.encode(), digest)
