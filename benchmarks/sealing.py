"""Sealing by column, beside the same records one by one with hashlib and ``cryptography``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

from benchmarks.columns import resident_numbers
from benchmarks.measuring import Measure, compare, time_fastest
from libmatch.accel.rows import Rows, get_rows
from libmatch.batch import hash_header, hash_record, hash_rows, signed_bytes
from libmatch.encoding import enc, u32
from libmatch.keys import EpochKey, SigningKey, seal_to
from libmatch.manifest import Manifest
from libmatch.merkle import compute_root
from libmatch.records import MAX_ROWS, BatchHeader, Columns, Side
from libmatch.seal import hedge_secret, pad_payload, seal_batch, xor
from libmatch.suites import encrypt_once, get_suite
from libmatch.tokens import HalvesColumn, derive_column
from tests.district import make_district

_PAYLOAD = 180  # bytes: a relative with names of common length


def measure(sizes: tuple[int, ...]) -> Iterator[Measure]:
    """One measure for each suite and size, rounded down to whole batches."""
    for number in (1, 2):
        manifest, key = make_district(suite=number).manifest, SigningKey.generate()
        halves, payloads = _records(number)
        slow = time_fastest(partial(_one_by_one, manifest, key, halves, payloads), 2)
        rows = get_rows(number)
        for size in sizes:
            batches = size // MAX_ROWS
            work = partial(_by_column, manifest, key, halves, payloads, rows, batches)
            yield compare(
                f"seal, {get_suite(number).name}",
                batches * MAX_ROWS,
                time_fastest(work, 2),
                f"one by one, {MAX_ROWS} records",
                slow.cpu_seconds / MAX_ROWS,
                ">= 200,000 a second and core",
                least_rate=200_000,
            )


def _records(suite: int) -> tuple[HalvesColumn, list[bytes]]:
    texts = resident_numbers(MAX_ROWS, 5)
    numbers = [texts.text(i) for i in range(MAX_ROWS)]
    halves = derive_column(get_suite(suite), EpochKey.generate(), [1] * MAX_ROWS, numbers)
    return halves, [os.urandom(_PAYLOAD) for _ in numbers]


def _by_column(
    manifest: Manifest,
    key: SigningKey,
    halves: HalvesColumn,
    payloads: list[bytes],
    rows: Rows,
    batches: int,
) -> None:
    for seq in range(1, batches + 1):
        seal_batch(manifest, Side.REGISTRY, "unit", seq, halves, payloads, key, rows)


def _one_by_one(
    manifest: Manifest, key: SigningKey, halves: HalvesColumn, payloads: list[bytes]
) -> None:
    """What a straightforward program does, row by row (spec section 5)."""
    suite, side = get_suite(manifest.suite), Side.REGISTRY
    header = BatchHeader(manifest.epoch_id, side, "unit", 1, len(payloads))
    plaintexts = [pad_payload(payload, manifest.bucket) for payload in payloads]
    secret = hedge_secret(suite, header, os.urandom(32), plaintexts)
    columns: tuple[list[bytes], ...] = ([], [], [], [], [], [])
    for i, (half, plaintext) in enumerate(zip(halves, plaintexts, strict=True)):
        rid = os.urandom(16)
        hh = hash_record(suite, hash_header(suite, header), rid, half.c_reg, half.c_ben)
        prk = suite.prf(suite.prf(secret, enc("r", u32(i))), half.other(side))
        masked = xor(half.own(side), suite.prf(secret, enc("pad", u32(i))))
        sealed = encrypt_once(suite.prf(prk, enc("key", hh)), plaintext)
        row = (rid, half.c_reg, half.c_ben, masked, suite.prf(prk, enc("com", hh)), sealed)
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    sealed_columns = Columns(*map(b"".join, columns))
    capsule = seal_to(manifest.inspector_key, secret, header.encode())
    root = compute_root(suite.h, hash_rows(suite, header, sealed_columns))
    key.sign(signed_bytes(suite, header, capsule, root))
