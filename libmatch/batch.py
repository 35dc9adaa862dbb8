"""The public half of a batch: digests, leaf hashes, roots, tokens, admission (spec section 5).

Needs no key: the matcher checks whole batches with it, 纪委 single rows. It does not decide sequence,
quota or who the peer is; the matcher does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from libmatch.accel import rows as accel_rows
from libmatch.accel.kernels import Kernel
from libmatch.accel.rows import Bytes, Rows, enc_rows, get_rows
from libmatch.encoding import enc, exactly
from libmatch.errors import BatchError, EpochError
from libmatch.manifest import Manifest, Member
from libmatch.merkle import root_from_path
from libmatch.records import (
    RID_SIZE,
    WORD,
    Batch,
    BatchHeader,
    Columns,
    FlaggedRecord,
    SealedRow,
    Side,
    Withdrawal,
    cut,
)
from libmatch.suites import AEAD_TAG_SIZE, Suite, get_suite, verify_signature

_CACHED_ROWS = 512
"""Rows whose leaves are laid out at a time: with a bucket of 512 bytes they fit a second-level cache."""


@dataclass(frozen=True)
class AdmittedBatch:
    """A batch whose root and signature hold, with what the matcher computes and keeps of it.

    Tokens and leaf hashes are columns in row order, 32 bytes a row.
    """

    batch: Batch
    token_column: bytes
    leaf_column: bytes
    root: bytes
    digest: bytes

    def __post_init__(self) -> None:
        size = WORD * self.batch.header.count
        exactly(self.token_column, size, "the column of tokens")
        exactly(self.leaf_column, size, "the column of leaf hashes")

    @property
    def tokens(self) -> tuple[bytes, ...]:
        """The tokens one by one, cut anew at every use."""
        return tuple(cut(self.token_column, WORD))

    @property
    def leaf_hashes(self) -> tuple[bytes, ...]:
        """The leaf hashes one by one, likewise."""
        return tuple(cut(self.leaf_column, WORD))


def hash_header(suite: Suite, header: BatchHeader) -> bytes:
    """``bh = H(B)``."""
    return suite.h(header.encode())


def hash_record(suite: Suite, bh: bytes, rid: bytes, c_reg: bytes, c_ben: bytes) -> bytes:
    """``hh = H(enc("rec", bh, rid, c_reg, c_ben))``: what a record's keys are bound to."""
    return suite.h(enc("rec", bh, rid, c_reg, c_ben))


def commit_half(suite: Suite, half: bytes) -> bytes:
    """``c = H(enc("half", g))``."""
    return suite.h(enc("half", half))


def compute_token(suite: Suite, c_reg: bytes, c_ben: bytes) -> bytes:
    """``token = H(enc("token", c_reg, c_ben))``, 32 bytes, never truncated."""
    return suite.h(enc("token", c_reg, c_ben))


def hash_row(suite: Suite, bh: bytes, row: SealedRow) -> bytes:
    """The row's leaf hash ``H(0x00 ‖ enc("leaf", hh, half, com, ct))``."""
    hh = hash_record(suite, bh, row.rid, row.c_reg, row.c_ben)
    return suite.h(b"\x00" + enc("leaf", hh, row.half, row.com, row.ct))


def hash_rows(suite: Suite, header: BatchHeader, columns: Columns) -> list[bytes]:
    """The leaf hashes of all rows, in row order."""
    bh, h = hash_header(suite, header), suite.h
    return [
        h(b"\x00" + enc("leaf", h(enc("rec", bh, rid, c_reg, c_ben)), half, com, ct))
        for rid, c_reg, c_ben, half, com, ct in columns.cells()
    ]


def hash_records(
    suite: Suite, header: BatchHeader, rid: Bytes, c_reg: Bytes, c_ben: Bytes, rows: Rows
) -> Bytes:
    """``hash_record`` by column: uint8[n, 32]."""
    return rows.hash(enc_rows("rec", hash_header(suite, header), rid, c_reg, c_ben))


def hash_leaves(
    suite: Suite, header: BatchHeader, columns: Columns, rows: Rows, hh: Bytes | None = None
) -> Bytes:
    """``hash_rows`` by column: uint8[n, 32]; ``hh`` where ``hash_records`` was called already."""
    rid, c_reg, c_ben, half, com, ct = columns.matrices()
    if hh is None:
        hh = hash_records(suite, header, rid, c_reg, c_ben, rows)
    parts = [slice(first, first + _CACHED_ROWS) for first in range(0, len(hh), _CACHED_ROWS)]
    leaves = (
        rows.hash(enc_rows("leaf", hh[p], half[p], com[p], ct[p], before=b"\x00")) for p in parts
    )
    return np.concatenate(list(leaves))


def compute_batch_root(
    suite: Suite, header: BatchHeader, columns: Columns, rows: Rows, hh: Bytes | None = None
) -> bytes:
    """The root over all rows, hashed by column; ``hh`` as in ``hash_leaves``."""
    return accel_rows.compute_root(rows, hash_leaves(suite, header, columns, rows, hh))


def signed_bytes(suite: Suite, header: BatchHeader, capsule: bytes, root: bytes) -> bytes:
    """``enc("sign", bh, capsule, root)``: what a unit signs; its hash is the batch's digest."""
    return enc("sign", hash_header(suite, header), capsule, root)


def admit_batch(
    manifest: Manifest, member: Member, batch: Batch, rows: Rows | None = None
) -> AdmittedBatch:
    """The checked batch with its tokens and leaf hashes; costs about 18 hash blocks a row.

    Checks epoch, side against the member's roles, lengths against the bucket, distinct record ids, root
    and signature (spec section 5, Admission). ``rows``: what computes the hashes, the libraries by default.
    Raises EpochError or BatchError.
    """
    suite, header, columns = get_suite(manifest.suite), batch.header, batch.columns
    rows = rows or get_rows(suite.number, Kernel.LIBRARY)
    _check_origin(manifest, member, header.epoch, header.side, header.unit)
    if columns.ct_size != manifest.bucket + AEAD_TAG_SIZE:
        raise BatchError(f"this epoch's records are sealed to a bucket of {manifest.bucket} bytes")
    if not _are_distinct(columns.rid):
        raise BatchError("two rows of the batch share a record id")
    leaves = hash_leaves(suite, header, columns, rows)
    root = accel_rows.compute_root(rows, leaves)
    message = signed_bytes(suite, header, batch.capsule, root)
    if not verify_signature(member.signing_key, message, batch.signature):
        raise BatchError("the batch's signature does not hold: it was altered or truncated")
    tokens = compute_tokens(columns, rows)
    return AdmittedBatch(batch, tokens.tobytes(), leaves.tobytes(), root, suite.h(message))


def compute_tokens(columns: Columns, rows: Rows) -> Bytes:
    """``compute_token`` by column: uint8[n, 32]."""
    _, c_reg, c_ben, *_ = columns.matrices()
    return rows.hash(enc_rows("token", c_reg, c_ben))


def _are_distinct(rids: bytes) -> bool:
    halves = np.sort(np.frombuffer(rids, np.uint64)[::2])
    if not (halves[1:] == halves[:-1]).any():
        return True
    return len(set(cut(rids, RID_SIZE))) == len(halves)  # first halves may be alike


def admit_withdrawal(manifest: Manifest, member: Member, withdrawal: Withdrawal) -> bytes:
    """The digest of a withdrawal whose signature holds. Raises EpochError or BatchError."""
    _check_origin(manifest, member, withdrawal.epoch, withdrawal.side, withdrawal.unit)
    message = withdrawal.signed_bytes()
    if not verify_signature(member.signing_key, message, withdrawal.signature):
        raise BatchError("the withdrawal's signature does not hold")
    return get_suite(manifest.suite).h(message)


def _check_origin(manifest: Manifest, member: Member, epoch: bytes, side: Side, unit: str) -> None:
    if epoch != manifest.epoch_id:
        raise EpochError("the batch belongs to another epoch; fetch the manifest in force")
    if unit != member.unit or not member.active:
        raise BatchError("the batch names a unit that is not its sender's, or not enrolled")
    if not member.may_submit(side):
        raise BatchError("the unit is not enrolled for this side")


def root_of_flagged(suite: Suite, record: FlaggedRecord) -> bytes:
    """The batch root that a flagged row and its path lead to. Raises LogError where they do not fit."""
    leaf = hash_row(suite, hash_header(suite, record.header), record.row)
    return root_from_path(suite.h, leaf, record.position, record.header.count, record.path)
