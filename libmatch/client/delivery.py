"""The outbox to the matcher: stored bytes out, verified receipts in, each then found in the audit log."""

from __future__ import annotations

from collections.abc import Iterable

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
    """The receipts of everything that waited, in order. Each is stored before the next is sent.

    Raises ServiceError where the matcher is not reached or refuses: what waits goes on waiting.
    """
    receipts = []
    for side in sides:
        while True:
            with state.transaction() as tx:
                request = tx.first_waiting(holder.epoch.epoch_id, side)
            if request is None:
                break
            receipt = _send(matcher, request)
            _check_receipt(holder, request, receipt)
            with state.transaction() as tx:
                tx.keep_receipt(receipt)
            receipts.append(receipt)
    return receipts


def _send(matcher: MatcherClient, request: Request) -> Receipt:
    try:
        if request.form is Form.BATCH:
            return matcher.submit(Batch.decode(request.body))
        return matcher.withdraw(Withdrawal.decode(request.body))
    except ServiceError as error:
        raise _explain(error, request) from error


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
