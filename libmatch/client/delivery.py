"""The outbox to the matcher: stored bytes out, verified receipts in, each then found in the audit log."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from libmatch.auditlog import encode_batch_leaf, encode_withdrawal_leaf, verify_receipt
from libmatch.client.logwatch import LogWatch
from libmatch.client.matcher import MatcherClient
from libmatch.client.state import Form, Request, State
from libmatch.errors import ConflictError, LogError, ServiceError
from libmatch.prepare import Holder
from libmatch.records import Batch, Receipt, Side, Withdrawal


def send_waiting(
    state: State, matcher: MatcherClient, holder: Holder, sides: Iterable[Side]
) -> list[Receipt]:
    """The receipts of everything that waited, in order; each is stored at once. Batches go several at a time.

    Raises ServiceError where the matcher is not reached or refuses: what waits goes on waiting.
    """
    receipts = []
    for side in sides:
        line = _Line(state, holder.epoch.epoch_id, side)
        while (request := line.next_waiting()) is not None:
            under_way: deque[Request] = deque()
            if request.form is Form.BATCH:
                answers = matcher.submit_many(line.batches(under_way))
            else:
                under_way.append(request)
                answers = iter([_withdraw(matcher, request)])
            for receipt in _explained(answers, under_way):
                _check_receipt(holder, under_way[0], receipt)
                with state.transaction() as tx:
                    tx.keep_receipt(receipt)
                under_way.popleft()
                receipts.append(receipt)
    return receipts


@dataclass(frozen=True)
class _Line:
    """What waits of one side."""

    state: State
    epoch: bytes
    side: Side

    def next_waiting(self, after: int = 0) -> Request | None:
        with self.state.transaction() as tx:
            return tx.first_waiting(self.epoch, self.side, after)

    def batches(self, under_way: deque[Request]) -> Iterator[Batch]:
        """The batches that come next, up to a withdrawal; each is added to ``under_way`` as it is taken."""
        after = 0
        while (request := self.next_waiting(after)) is not None and request.form is Form.BATCH:
            under_way.append(request)
            yield Batch.decode(request.body)
            after = request.seq


def _withdraw(matcher: MatcherClient, request: Request) -> Receipt:
    try:
        return matcher.withdraw(Withdrawal.decode(request.body))
    except ServiceError as error:
        raise _explain(error, request) from error


def _explained(receipts: Iterator[Receipt], under_way: deque[Request]) -> Iterator[Receipt]:
    """``receipts``; a refusal is that of the first request under way."""
    try:
        yield from receipts
    except ServiceError as error:
        raise _explain(error, under_way[0]) from error


def _explain(error: ServiceError, request: Request) -> Exception:
    """The error that a refusal amounts to, where the numbers of the outbox tell more than it does."""
    if error.reason == "SEQUENCE":
        # Everything before this request has a receipt, so the matcher must expect this very one.
        return LogError(
            f"the matcher expects request {error.details.get('expected', '?')} but had given receipts "
            f"for all before {request.seq}: stop, and tell the discipline commission"
        )
    if error.status == "ALREADY_EXISTS":
        return ConflictError(
            f"request {request.seq} was already made with other content: another system of the unit "
            "submits on this side, or the state file is an old copy"
        )
    return error


def _check_receipt(holder: Holder, request: Request, receipt: Receipt) -> None:
    verify_receipt(holder.epoch.manifest, receipt, request.digest)
    if (receipt.side, receipt.unit, receipt.seq) != (request.side, holder.unit, request.seq):
        raise LogError("the receipt is for another request")


def prove_receipts(state: State, watch: LogWatch, holder: Holder) -> None:
    """Return when every receipt so far was found in the log. Raises LogError, ServiceError."""
    with state.transaction() as tx:
        unproved = tx.unproved(holder.epoch.epoch_id)
    if not unproved:
        return
    checkpoint = watch.advance()
    for form, receipt in unproved:
        watch.prove(checkpoint, receipt.leaf_index, _leaf(form, receipt))
        with state.transaction() as tx:
            tx.mark_proved(receipt)


def _leaf(form: Form, r: Receipt) -> bytes:
    encode = encode_batch_leaf if form is Form.BATCH else encode_withdrawal_leaf
    return encode(r.digest, r.side, r.unit, r.seq, r.accepted_at_us)
