"""Rows to the outbox: what is new is sealed, what is gone is withdrawn, what is the same stays.

All of it happens inside the caller's transaction on the state file: either the rows are sealed, stored and
numbered, or nothing was done. The rows given for a reference are the whole of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from libmatch.accel.kernels import Kernel
from libmatch.accel.rows import get_rows
from libmatch.batch import compute_batch_root, signed_bytes
from libmatch.client.rows import CheckedRow
from libmatch.client.state import Form, Request, StoredRecord, Transaction
from libmatch.encoding import enc, u8
from libmatch.prepare import Holder
from libmatch.records import MAX_ROWS, Batch, Side, Withdrawal
from libmatch.suites import Suite, get_suite
from libmatch.tokens import derive_column


@dataclass(frozen=True)
class Changes:
    """How many records were sealed, stayed as they were, and were withdrawn."""

    sealed: int = 0
    unchanged: int = 0
    withdrawn: int = 0


def seal_rows(
    tx: Transaction,
    holder: Holder,
    side: Side,
    rows: Iterable[CheckedRow],
    refused_refs: Collection[str],
) -> Changes:
    """What was put into the outbox for ``rows`` and for the references of refused rows.

    A correction is a new record first and then a withdrawal, so that a person is never unmatched in
    between. Of a reference with a refused row nothing is withdrawn: what is missing may be that row.
    """
    epoch = holder.epoch.epoch_id
    wanted: dict[str, dict[bytes, CheckedRow]] = defaultdict(dict)
    for row in rows:
        wanted[row.ref][_digest_content(holder, row)] = row
    new: list[tuple[bytes, CheckedRow]] = []
    gone: list[bytes] = []
    unchanged = 0
    for ref in wanted.keys() | set(refused_refs):
        live = tx.live_records(epoch, side, ref)
        new += [(content, row) for content, row in wanted[ref].items() if content not in live]
        unchanged += len(wanted[ref].keys() & live.keys())
        if ref not in refused_refs:
            gone += [rid for content, rid in live.items() if content not in wanted[ref]]
        tx.mark_incomplete(epoch, side, ref, incomplete=ref in refused_refs)
    _add_batches(tx, holder, side, new)
    add_withdrawals(tx, holder, side, gone)
    return Changes(len(new), unchanged, len(gone))


def add_withdrawals(tx: Transaction, holder: Holder, side: Side, rids: Sequence[bytes]) -> None:
    """Put the withdrawal of own records into the outbox."""
    epoch = holder.epoch.epoch_id
    for offset in range(0, len(rids), MAX_ROWS):
        part = rids[offset : offset + MAX_ROWS]
        withdrawal = holder.withdraw(side, part, tx.next_seq(epoch, side))
        digest = digest_withdrawal(_suite(holder), withdrawal)
        request = Request(side, withdrawal.seq, Form.WITHDRAWAL, digest, withdrawal.encode())
        tx.add_request(epoch, request)
        tx.retire_records(epoch, part)


def _add_batches(
    tx: Transaction, holder: Holder, side: Side, new: Sequence[tuple[bytes, CheckedRow]]
) -> None:
    epoch, suite = holder.epoch.epoch_id, _suite(holder)
    for offset in range(0, len(new), MAX_ROWS):
        part = new[offset : offset + MAX_ROWS]
        payloads = [row.payload for _, row in part]
        (sealed,) = holder.prepare(side, payloads, tx.next_seq(epoch, side))
        batch = sealed.batch
        request = Request(
            side, batch.header.seq, Form.BATCH, digest_batch(suite, batch), batch.encode()
        )
        tx.add_request(epoch, request)
        tokens = _derive_tokens(holder, part)
        records = zip(part, sealed.rids, tokens, strict=True)
        tx.add_records(
            epoch,
            side,
            [StoredRecord(rid, row.ref, content, token) for (content, row), rid, token in records],
        )


def _derive_tokens(holder: Holder, part: Sequence[tuple[bytes, CheckedRow]]) -> list[bytes]:
    persons = [row.payload.person for _, row in part]
    kinds, idns = [int(who.kind) for who in persons], [who.idn for who in persons]
    return [halves.token for halves in derive_column(_suite(holder), holder.key, kinds, idns)]


def digest_batch(suite: Suite, batch: Batch) -> bytes:
    """The batch's digest, ``H(enc("sign", bh, capsule, root))``: what its receipt must name."""
    rows = get_rows(suite.number, Kernel.LIBRARY)
    root = compute_batch_root(suite, batch.header, batch.columns, rows)
    return suite.h(signed_bytes(suite, batch.header, batch.capsule, root))


def digest_withdrawal(suite: Suite, withdrawal: Withdrawal) -> bytes:
    """The withdrawal's digest: what its receipt must name."""
    return suite.h(withdrawal.signed_bytes())


def _digest_content(holder: Holder, row: CheckedRow) -> bytes:
    """32 bytes that tell two contents apart; under the epoch key, so that no guess can be tried."""
    content = enc("client-content", u8(row.side), row.ref.encode(), row.payload.encode())
    return _suite(holder).prf(holder.key.reveal(), content)


def _suite(holder: Holder) -> Suite:
    return get_suite(holder.epoch.manifest.suite)
