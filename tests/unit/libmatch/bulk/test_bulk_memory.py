from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libmatch.bulk import memory
from libmatch.bulk.memory import join_tokens
from libmatch.matching import match
from libmatch.records import RecordRef, Side

Bytes = npt.NDArray[np.uint8]
Pairs = list[tuple[int, int]]


def join_in_dict(a: Bytes, b: Bytes) -> Pairs:
    rows: dict[bytes, list[int]] = defaultdict(list)
    for row, token in enumerate(b):
        rows[token.tobytes()].append(row)
    return [(i, j) for i, token in enumerate(a) for j in rows.get(token.tobytes(), ())]


def join_by_reference(a: Bytes, b: Bytes) -> Pairs:
    records = [
        (RecordRef(side, "u", row.to_bytes(16, "big")), token.tobytes())
        for side, column in ((Side.REGISTRY, a), (Side.BENEFICIARY, b))
        for row, token in enumerate(column)
    ]
    hits = match(records)
    return sorted(
        (int.from_bytes(hit.registry.rid, "big"), int.from_bytes(hit.beneficiary.rid, "big"))
        for hit in hits
    )


def join_compiled(a: Bytes, b: Bytes) -> Pairs:
    pairs = memory._join_compiled(memory._as_words(a), memory._as_words(b))
    assert pairs is not None
    return sorted((int(pair) >> 32, int(pair) & memory.MAX_ROWS) for pair in pairs)


def paired(rows: tuple[Any, Any]) -> Pairs:
    return list(zip(rows[0].tolist(), rows[1].tolist(), strict=True))


def colliding(seed: int, n: int) -> Bytes:
    """Tokens of few values in each 8 bytes: many are equal, many in the first 8, 16 or 24 alone."""
    random = np.random.default_rng(seed)
    tokens = np.zeros((n, 32), np.uint8)
    tokens[:, :8] = random.integers(0, 1000, (n, 1)).astype(">u8").view(np.uint8)
    for word in (15, 16, 31):
        tokens[:, word] = random.integers(0, 2, n)
    return tokens


tokens_of = st.lists(
    st.tuples(*[st.integers(0, 2)] * 4).map(
        lambda words: b"".join(w.to_bytes(8, "big") for w in words)
    ),
    max_size=30,
).map(lambda rows: np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), 32))


@given(tokens_of, tokens_of)
def test_sorted_join_is_the_join_of_the_reference_matcher(a: Bytes, b: Bytes) -> None:
    assert paired(join_tokens(a, b)) == join_by_reference(a, b)


@settings(deadline=None)  # the first example compiles
@given(tokens_of, tokens_of)
def test_compiled_join_is_the_join_of_a_dict(a: Bytes, b: Bytes) -> None:
    assert join_compiled(a, b) == join_in_dict(a, b)


@pytest.mark.parametrize(("n", "m"), [(3_000, 5_000), (5_000, 3_000), (0, 9), (9, 0), (1, 1)])
def test_duplicates_give_all_pairs(n: int, m: int) -> None:
    a, b = colliding(1, n), colliding(2, m)
    expected = join_in_dict(a, b)
    assert paired(join_tokens(a, b)) == expected
    assert join_compiled(a, b) == expected


def test_long_columns_are_joined_in_compiled_code_over_many_parts() -> None:
    random = np.random.default_rng(3)
    a = random.integers(0, 256, (600_000, 32), np.uint8)
    b = random.integers(0, 256, (500_000, 32), np.uint8)
    b[::50] = a[: len(b[::50])][::-1]
    b[1::50, :24] = a[: len(b[1::50]), :24]  # agree in all but the last word
    a.setflags(write=False)
    pairs = paired(join_tokens(a, b))
    assert len(pairs) == 10_000
    assert pairs == join_in_dict(a[:20_000], b)


def test_join_does_not_depend_on_numba(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = colliding(4, 2_000), colliding(5, 2_000)
    monkeypatch.setattr(memory, "WORTH_COMPILING", 0)
    compiled = paired(join_tokens(a, b))
    monkeypatch.setattr(memory, "has_numba", lambda: False)
    assert paired(join_tokens(a, b)) == compiled


def test_chosen_prefixes_do_not_make_the_compiled_join_quadratic() -> None:
    """30,000 tokens a side with one prefix: 900 million comparisons, were they all made."""
    a = np.zeros((30_000, 32), np.uint8)
    a[:, 16:24] = np.arange(30_000, dtype=np.uint64).view(np.uint8).reshape(-1, 8)
    words = memory._as_words(a)
    assert memory._join_compiled(words, words) is None


def test_chosen_prefixes_lose_no_pair(monkeypatch: pytest.MonkeyPatch) -> None:
    a = np.zeros((30_000, 32), np.uint8)
    a[:, 16:24] = np.arange(30_000, dtype=np.uint64).view(np.uint8).reshape(-1, 8)
    monkeypatch.setattr(memory, "WORTH_COMPILING", 0)
    rows = np.arange(30_000)
    assert paired(join_tokens(a, a[::-1])) == list(
        zip(rows.tolist(), rows[::-1].tolist(), strict=True)
    )


def test_tokens_chosen_to_be_in_one_part_are_joined() -> None:
    """Multiples of the mixer's inverse: mixed, they have no bits where the parts are told apart."""
    inverse = pow(0x9E3779B97F4A7C15, -1, 1 << 64)
    firsts = (np.arange(100_000, dtype=np.uint64) << np.uint64(44)) * np.uint64(inverse)
    a = np.zeros((100_000, 32), np.uint8)
    a[:, :8] = firsts.view(np.uint8).reshape(-1, 8)
    rows = list(range(100_000))
    assert join_compiled(a, a[::-1]) == list(zip(rows, rows[::-1], strict=True))


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((3, 31), np.uint8), np.zeros(32, np.uint8), np.zeros((3, 4), np.uint64)],
    ids=["width", "flat", "type"],
)
def test_other_shapes_are_refused(wrong: Any) -> None:
    right = np.zeros((1, 32), np.uint8)
    for a, b in ((wrong, right), (right, wrong)):
        with pytest.raises(ValueError, match="uint8"):
            join_tokens(a, b)
