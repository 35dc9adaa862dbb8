"""The public-key half of sealing: payloads to a signed batch that opens only as flagged pairs.

Spec section 5. A record opens with 纪委's private key *and* the half that the opposite record of the same
person carries, so an unflagged record does not open for anybody. The batch secret ``s`` is made here, from
fresh randomness hedged with the content, and never leaves this module.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from struct import Struct

import numpy as np
import numpy.typing as npt

from libmatch.accel.kernels import Kernel
from libmatch.accel.rows import Bytes, Rows, enc_rows, get_rows
from libmatch.batch import compute_batch_root, hash_records, signed_bytes
from libmatch.encoding import enc
from libmatch.errors import BatchError
from libmatch.keys import SigningKey, seal_to
from libmatch.manifest import Manifest
from libmatch.records import (
    RID_SIZE,
    WORD,
    Batch,
    BatchHeader,
    Columns,
    Side,
    Withdrawal,
    cut,
    withdrawal_bytes,
)
from libmatch.suites import Suite, encrypt_once, get_suite
from libmatch.tokens import HalvesColumn


@dataclass(frozen=True, repr=False)
class SealedBatch:
    """A batch, and the record id of each input record in input order (rows of the batch are shuffled)."""

    batch: Batch
    rids: tuple[bytes, ...]


def pad_payloads(payloads: Sequence[bytes], bucket: int) -> list[bytes]:
    """``u16 len ‖ payload ‖ zeros``, ``bucket`` bytes each. Raises BatchError for a payload too long."""
    if max(map(len, payloads)) > bucket - 2:
        raise BatchError(f"a payload of this epoch has at most {bucket - 2} bytes")
    pack = Struct(f">H{bucket - 2}s").pack  # fills up with zeros
    return [pack(len(payload), payload) for payload in payloads]


def pad_payload(payload: bytes, bucket: int) -> bytes:
    """``pad_payloads`` of one."""
    return pad_payloads([payload], bucket)[0]


def seal_batch(
    manifest: Manifest,
    side: Side,
    unit: str,
    seq: int,
    halves: HalvesColumn,
    payloads: Sequence[bytes],
    signing_key: SigningKey,
    rows: Rows | None = None,
) -> SealedBatch:
    """The sealed, signed batch number ``seq`` of ``unit``: 1 to 2048 records, rows shuffled.

    Row i of ``halves`` belongs to ``payloads[i]``. ``rows``: what computes the hashes, the libraries by
    default. Raises BatchError for a wrong count or a payload too long.
    """
    suite = get_suite(manifest.suite)
    rows = rows or get_rows(suite.number, Kernel.LIBRARY)
    header = BatchHeader(manifest.epoch_id, side, unit, seq, len(payloads))
    order = _random_order(header.count)
    places = order.tolist()
    plaintexts = pad_payloads([payloads[i] for i in places], manifest.bucket)
    in_order = cut(os.urandom(RID_SIZE * header.count), RID_SIZE)
    rids = [in_order[i] for i in places]
    secret = hedge_secret(suite, header, os.urandom(32), plaintexts)
    mixed = halves.take(order)
    hh = _hash_records(suite, header, rids, mixed, rows)
    columns = seal_rows(suite, header, secret, rids, mixed, plaintexts, rows, hh)
    capsule = seal_to(manifest.inspector_key, secret, header.encode())
    root = compute_batch_root(suite, header, columns, rows, hh)
    signature = signing_key.sign(signed_bytes(suite, header, capsule, root))
    return SealedBatch(Batch(header, capsule, signature, columns), tuple(in_order))


def _random_order(count: int) -> npt.NDArray[np.intp]:
    """The numbers below ``count`` in an order of the operating system's randomness."""
    return np.argsort(np.frombuffer(os.urandom(8 * count), np.uint64))


def hedge_secret(
    suite: Suite, header: BatchHeader, fresh: bytes, plaintexts: Sequence[bytes]
) -> bytes:
    """``s = PRF(fresh, enc("s", B, H(pt_0 ‖ …)))``: differs with the content even if ``fresh`` repeats.

    Public for the vectors; ``seal_batch`` alone decides ``fresh``.
    """
    return suite.prf(fresh, enc("s", header.encode(), suite.h(b"".join(plaintexts))))


def seal_rows(
    suite: Suite,
    header: BatchHeader,
    secret: bytes,
    rids: Sequence[bytes],
    halves: HalvesColumn,
    plaintexts: Sequence[bytes],
    rows: Rows | None = None,
    hh: Bytes | None = None,
) -> Columns:
    """The six columns under a batch secret, in the order given; public for the vectors.

    ``hh``: the hashes of the records, where they are known already.
    ``prk = PRF(r_i, g_other)``, ``key = PRF(prk, enc("key", hh))``, ``com = PRF(prk, enc("com", hh))``.
    """
    rows, count = rows or get_rows(suite.number, Kernel.LIBRARY), len(plaintexts)
    numbers = np.arange(count, dtype=">u4").view(np.uint8).reshape(count, 4)
    if hh is None:
        hh = _hash_records(suite, header, rids, halves, rows)
    r = rows.prf_under(secret, enc_rows("r", numbers))
    masked = halves.own(header.side) ^ rows.prf_under(secret, enc_rows("pad", numbers))
    prk = rows.prf(r, halves.other(header.side))
    keys = cut(rows.prf(prk, enc_rows("key", hh)).tobytes(), WORD)
    coms = rows.prf(prk, enc_rows("com", hh))
    return Columns(
        b"".join(rids),
        halves.c_reg.tobytes(),
        halves.c_ben.tobytes(),
        masked.tobytes(),
        coms.tobytes(),
        _join(map(encrypt_once, keys, plaintexts)),
    )


def _hash_records(
    suite: Suite, header: BatchHeader, rids: Sequence[bytes], halves: HalvesColumn, rows: Rows
) -> Bytes:
    names = np.frombuffer(b"".join(rids), np.uint8).reshape(len(rids), RID_SIZE)
    return hash_records(suite, header, names, halves.c_reg, halves.c_ben, rows)


def _join(pieces: Iterable[bytes]) -> bytes:
    """What ``b"".join`` gives, without a list of all pieces: a batch's are a megabyte of fresh memory."""
    joined = BytesIO()
    joined.writelines(pieces)
    return joined.getvalue()


def xor(a: bytes, b: bytes) -> bytes:
    """Two strings of 32 bytes, bit by bit."""
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).to_bytes(32, "big")


def sign_withdrawal(
    manifest: Manifest,
    side: Side,
    unit: str,
    seq: int,
    rids: Sequence[bytes],
    signing_key: SigningKey,
) -> Withdrawal:
    """The signed withdrawal of ``rids`` under the next sequence number of ``unit`` and ``side``."""
    epoch, names = manifest.epoch_id, tuple(rids)
    signature = signing_key.sign(withdrawal_bytes(epoch, side, unit, seq, names))
    return Withdrawal(epoch, side, unit, seq, names, signature)
