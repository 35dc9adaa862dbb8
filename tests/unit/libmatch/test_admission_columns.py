"""Admission by column says and computes what the plain loop over rows does."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest

from libmatch.accel.kernels import Kernel, available_kernels
from libmatch.accel.rows import get_rows
from libmatch.batch import AdmittedBatch, admit_batch, compute_token, hash_rows, signed_bytes
from libmatch.errors import BatchError, EncodingError
from libmatch.merkle import compute_root
from libmatch.records import RID_SIZE, WORD, Batch, BatchHeader, Columns, Side, cut
from libmatch.suites import AEAD_TAG_SIZE
from tests.district import District, make_district

DISTRICTS = {number: make_district(suite=number) for number in (1, 2)}
KERNELS = [(suite, kernel) for suite in (1, 2) for kernel in available_kernels(suite)]
COLUMNS = ("rid", "c_reg", "c_ben", "half", "com", "ct")


def make_batch(district: District, count: int, rids: bytes | None = None) -> Batch:
    """A batch of random rows, signed by its unit as the plain loop hashes them."""
    manifest = district.manifest
    header = BatchHeader(manifest.epoch_id, Side.REGISTRY, "reg-a", 1, count)
    a, b, c, d = (os.urandom(WORD * count) for _ in range(4))
    ct = os.urandom(count * (manifest.bucket + AEAD_TAG_SIZE))
    columns = Columns(rids or os.urandom(RID_SIZE * count), a, b, c, d, ct)
    capsule = os.urandom(1168)
    root = compute_root(district.suite.h, hash_rows(district.suite, header, columns))
    message = signed_bytes(district.suite, header, capsule, root)
    return Batch(header, capsule, district.keys("reg-a").signing.sign(message), columns)


def admit(district: District, batch: Batch, kernel: Kernel = Kernel.LIBRARY) -> AdmittedBatch:
    rows = get_rows(district.manifest.suite, kernel)
    return admit_batch(district.manifest, district.roster.find("reg-a"), batch, rows)


@pytest.mark.parametrize(("suite", "kernel"), KERNELS)
@pytest.mark.parametrize("count", [1, 2, 3, 17, 64, 255])
def test_columns_give_the_leaves_tokens_root_and_digest_of_the_plain_loop(
    suite: int, kernel: Kernel, count: int
) -> None:
    district = DISTRICTS[suite]
    batch, h = make_batch(district, count), district.suite.h
    admitted = admit(district, batch, kernel)
    leaves = hash_rows(district.suite, batch.header, batch.columns)
    halves = zip(cut(batch.columns.c_reg, WORD), cut(batch.columns.c_ben, WORD), strict=True)
    assert admitted.leaf_hashes == tuple(leaves)
    assert admitted.tokens == tuple(compute_token(district.suite, *pair) for pair in halves)
    assert admitted.root == compute_root(h, leaves)
    assert admitted.digest == h(
        signed_bytes(district.suite, batch.header, batch.capsule, admitted.root)
    )


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(("suite", "kernel"), KERNELS)
def test_one_altered_bit_in_any_column_is_refused(suite: int, kernel: Kernel, column: str) -> None:
    district = DISTRICTS[suite]
    batch = make_batch(district, 40)
    altered = bytearray(getattr(batch.columns, column))
    at = int.from_bytes(os.urandom(4)) % len(altered)
    altered[at] ^= 1 << os.urandom(1)[0] % 8
    columns = replace(batch.columns, **{column: bytes(altered)})
    with pytest.raises(BatchError, match="signature"):
        admit(district, replace(batch, columns=columns), kernel)


@pytest.mark.parametrize("places", [(0, 1), (0, 39), (20, 21)])
def test_a_record_id_that_stands_twice_in_a_batch_is_refused(places: tuple[int, int]) -> None:
    rids = np.frombuffer(os.urandom(40 * RID_SIZE), np.uint8).reshape(40, RID_SIZE).copy()
    rids[places[1]] = rids[places[0]]
    with pytest.raises(BatchError, match="share a record id"):
        admit(DISTRICTS[1], make_batch(DISTRICTS[1], 40, rids.tobytes()))


def test_record_ids_may_be_alike_in_one_half() -> None:
    half, rids = os.urandom(8), os.urandom(16 * 8)
    for joined in (
        b"".join(half + rid for rid in cut(rids, 8)),
        b"".join(rid + half for rid in cut(rids, 8)),
    ):
        admit(DISTRICTS[1], make_batch(DISTRICTS[1], 16, joined))


def test_an_admitted_batch_has_a_token_and_a_leaf_a_row() -> None:
    admitted = admit(DISTRICTS[1], make_batch(DISTRICTS[1], 3))
    with pytest.raises(EncodingError, match="tokens"):
        replace(admitted, token_column=admitted.token_column[1:])
    with pytest.raises(EncodingError, match="leaf"):
        replace(admitted, leaf_column=b"")


def test_bodies_are_the_rows_behind_one_another() -> None:
    columns = make_batch(DISTRICTS[1], 5).columns
    assert columns.bodies() == b"".join(b"".join(body) for _, *body in columns.cells())
