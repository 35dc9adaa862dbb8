"""Tries each new batch's capsule, so that a bad one is found before a hit needs it, and reports.

The secret in a capsule is forgotten at once. A batch counts as good only where its unit signed just this
header, capsule and root. Until it is reported, its records are PENDING at the gate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog

from libmatch.batch import signed_bytes
from libmatch.errors import EncodingError, ServiceError
from libmatch.keys import HpkePrivateKey
from libmatch.manifest import Epoch, Member
from libmatch.records import BatchHeader, Side
from libmatch.suites import get_suite, verify_signature
from libmatch.unseal import capsule_opens
from services.inspector.disputes import MATCHER, Dispute, encode_batch, unknown_party
from services.inspector.epochs import Epochs, find_member
from services.inspector.matcher import BatchSummary, ListedBatch, Review, is_passing
from services.inspector.states import BatchState, DisputeKind
from services.inspector.store.batches import Batches, Verdict
from services.inspector.store.disputes import Disputes

_REPORT = 1000  # verdicts in one report: the matcher's limit
_SIDE_ZH = {Side.REGISTRY: "申报", Side.BENEFICIARY: "受益"}


@dataclass(frozen=True)
class Tested:
    """What one round of testing came to."""

    batches: int = 0
    bad: int = 0
    disputes: int = 0


class CheckCapsules:
    """The batches of one matcher, followed by number."""

    def __init__(
        self,
        review: Review,
        batches: Batches,
        disputes: Disputes,
        epochs: Epochs,
        key: HpkePrivateKey,
        now: Callable[[], datetime],
    ) -> None:
        self._review = review
        self._batches = batches
        self._disputes = disputes
        self._epochs = epochs
        self._key = key
        self._now = now

    def run(self) -> Tested:
        """What was tested just now. Raises ServiceError; then what was tested is kept."""
        tested = bad = disputes = 0
        try:
            after = self._batches.read_cursor()
            while page := self._review.list_batches(after):
                verdicts = {listed.number: self.judge(listed) for listed in page}
                judged, new = self._batches.keep(list(verdicts.values()), self._now())
                tested, disputes = tested + len(judged), disputes + new
                bad += sum(verdicts[number].state is BatchState.BAD for number in judged)
                after = page[-1].number
            self._batches.drop_due()
        except EncodingError:
            dispute = Dispute(DisputeKind.LISTING, (MATCHER,), detail="批次")
            disputes += self._disputes.add([dispute], self._now())
        self._report()
        return Tested(tested, bad, disputes)

    def judge(self, listed: ListedBatch) -> Verdict:
        """The verdict on one line of the list; it names who is answerable."""
        number, batch = listed.number, listed.summary
        if batch is None:
            dispute = Dispute(DisputeKind.MALFORMED, (MATCHER,), detail=f"批次{number}")
            return Verdict(number, BatchState.BAD, dispute)
        header, epoch = batch.header, self._epochs.find(batch.header.epoch)
        member = find_member(epoch, header.unit)
        if epoch is None or member is None:
            # Not known here does not mean not enrolled: 纪委's roster may be older than the matcher's.
            unknown = unknown_party(header.unit if epoch else None)
            return Verdict(number, BatchState.WAITING, unknown)
        if not _is_signed(epoch, member, batch):
            detail, evidence = f"{header.unit}（批次{number}）", encode_batch(batch)
            dispute = Dispute(DisputeKind.UNSIGNED, (MATCHER,), b"", detail, evidence)
            return Verdict(number, BatchState.BAD, dispute)
        if not capsule_opens(self._key, header, batch.capsule):
            detail, evidence = _name_batch(header), encode_batch(batch)
            dispute = Dispute(DisputeKind.CAPSULE, (header.unit,), b"", detail, evidence)
            return Verdict(number, BatchState.BAD, dispute)
        return Verdict(number, BatchState.OPENS, header=header)

    def _report(self) -> None:
        while verdicts := self._batches.read_unreported(_REPORT):
            try:
                self._review.report_capsules(verdicts)
            except ServiceError as error:
                if is_passing(error):
                    raise
                # It is tried again in every round; hits do not wait for it.
                structlog.get_logger().error("capsules.not-reported", reason=error.reason)
                return
            self._batches.mark_reported(list(verdicts))


def _is_signed(epoch: Epoch, member: Member, batch: BatchSummary) -> bool:
    suite = get_suite(epoch.manifest.suite)
    message = signed_bytes(suite, batch.header, batch.capsule, batch.root)
    return member.may_submit(batch.header.side) and verify_signature(
        member.signing_key, message, batch.signature
    )


def _name_batch(header: BatchHeader) -> str:
    return f"{header.unit}{_SIDE_ZH[header.side]}第{header.seq}批"
