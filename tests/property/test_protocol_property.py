"""libmatch and the second implementation give the same bytes; what is encoded decodes, once and only so."""

from __future__ import annotations

import contextlib
import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.encoding import dec, enc, split
from libmatch.errors import EncodingError, LogError
from libmatch.keys import EpochKey
from libmatch.matching import match
from libmatch.merkle import (
    build_levels,
    compute_root,
    prove_position,
    read_consistency,
    read_inclusion,
    read_root,
    root_from_path,
    verify_consistency,
    verify_position,
)
from libmatch.records import BatchHeader, RecordRef, Side, Withdrawal
from libmatch.seal import seal_rows
from libmatch.suites import get_suite
from libmatch.tokens import derive_column
from tests.vectors import second_implementation as second

words = st.binary(min_size=32, max_size=32)
suites = st.sampled_from([1, 2])
units = st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)
idns = st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=1, max_size=18)


@given(suites, words, st.lists(st.tuples(st.integers(1, 4), idns), min_size=1, max_size=8))
def test_tokens_agree(suite: int, key: bytes, rows: list[tuple[int, str]]) -> None:
    kinds, names = [kind for kind, _ in rows], [idn for _, idn in rows]
    column = derive_column(get_suite(suite), EpochKey(key), kinds, names)
    for (kind, idn), halves in zip(rows, column, strict=True):
        expected = second.halves(suite, key, kind, idn)
        assert {name: getattr(halves, name) for name in expected} == expected


@given(suites, words, words, st.sampled_from([1, 2]), units, st.integers(1, 5), st.randoms())
def test_sealed_rows_agree(
    suite: int, key: bytes, secret: bytes, side: int, unit: str, n: int, rng: random.Random
) -> None:
    header = BatchHeader(bytes(32), Side(side), unit, rng.randrange(1, 1 << 62), n)
    b = second.header(bytes(32), side, unit, header.seq, n)
    assert header.encode() == b
    idn = [f"E{rng.randrange(10**8):08}" for _ in range(n)]
    halves = derive_column(get_suite(suite), EpochKey(key), [3] * n, idn)
    rids, plaintexts = [rng.randbytes(16) for _ in idn], [rng.randbytes(64) for _ in idn]
    columns = seal_rows(get_suite(suite), header, secret, rids, halves, plaintexts)
    for i, number in enumerate(idn):
        half = second.halves(suite, key, 3, number)
        row = second.seal_row(suite, b, side, secret, i, rids[i], half, plaintexts[i])
        sealed = columns.row(i)
        assert (sealed.half, sealed.com, sealed.ct) == (row["half"], row["com"], row["ct"])


@given(st.lists(st.binary(max_size=40), max_size=6))
def test_what_is_encoded_decodes_to_the_same(fields: list[bytes]) -> None:
    data = enc("test", *fields)
    assert dec("test", data) == fields
    assert data == second.enc("test", *fields)


@given(st.binary(max_size=80))
def test_arbitrary_bytes_decode_to_nothing_or_encode_back(data: bytes) -> None:
    try:
        fields = split(data)
    except EncodingError:
        return
    assert b"".join(second.lp(field) for field in fields) == data


@given(st.binary(max_size=120))
def test_arbitrary_bytes_are_never_a_header_by_accident(data: bytes) -> None:
    with pytest.raises(EncodingError):
        BatchHeader.decode(data)


@given(units, st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=5, unique=True))
def test_withdrawals_keep_their_bytes(unit: str, rids: list[bytes]) -> None:
    withdrawal = Withdrawal(bytes(32), Side.REGISTRY, unit, 3, tuple(rids), bytes(64))
    assert Withdrawal.decode(withdrawal.encode()) == withdrawal


def h(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@given(st.integers(1, 70), st.data())
def test_every_leaf_is_proved_in_every_size(n: int, data: st.DataObject) -> None:
    leaves = [h(bytes([i])) for i in range(n)]
    i = data.draw(st.integers(0, n - 1))
    root = compute_root(h, leaves)
    assert root == second.root(1, leaves)
    path = prove_position(h, leaves, i)
    verify_position(h, leaves[i], i, n, path, root)
    for wrong in set(range(n)) - {i}:
        with contextlib.suppress(LogError):
            assert root_from_path(h, leaves[i], wrong, n, path) != root


@given(st.integers(0, 40), st.integers(0, 40))
def test_stored_nodes_prove_every_growth_of_the_log(a: int, b: int) -> None:
    old, new = sorted((a, b))
    leaves = [h(bytes([i])) for i in range(new)]
    stored = {
        (level, index): node
        for level, row in enumerate(build_levels(h, leaves) if leaves else [])
        for index, node in enumerate(row)
        if (index + 1) << level <= new
    }

    def read(level: int, index: int) -> bytes:
        return stored[level, index]

    old_root, new_root = compute_root(h, leaves[:old]), compute_root(h, leaves)
    assert read_root(h, read, new) == new_root
    verify_consistency(h, old, old_root, new, new_root, read_consistency(h, read, old, new))
    for i in range(old):
        assert read_inclusion(h, read, i, old) == prove_position(h, leaves[:old], i)


@given(st.lists(st.tuples(st.sampled_from(list(Side)), st.integers(0, 6)), max_size=30))
def test_the_reference_match_is_the_plain_join(rows: list[tuple[Side, int]]) -> None:
    records = [
        (RecordRef(side, "u", i.to_bytes(16, "big")), bytes([person]) * 32)
        for i, (side, person) in enumerate(rows)
    ]
    expected = {
        (a, b)
        for a, token_a in records
        for b, token_b in records
        if a.side is Side.REGISTRY and b.side is Side.BENEFICIARY and token_a == token_b
    }
    assert {(hit.registry, hit.beneficiary) for hit in match(records)} == expected
