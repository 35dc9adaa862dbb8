"""Compiled reading of a column is the plain reading of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libmatch import identifiers
from libmatch.accel.kernels import WORTH_COMPILING
from libmatch.check_digits import resident_check
from libmatch.identifiers import parse_column
from libmatch.texts import TextColumn

TODAY = date(2026, 10, 1)

bodies = st.builds(
    "{}{:04d}{}{:04d}{:02d}{:02d}{:03d}".format,
    st.sampled_from(["11", "50", "71", "83", "90", "00"]),
    st.integers(0, 9999),
    st.just(""),
    st.sampled_from([0, 1, 1875, 1876, 1877, 1900, 1980, 2000, 2024, 2026, 2027, 9999]),
    st.integers(0, 13),
    st.sampled_from([0, 1, 28, 29, 30, 31, 32]),
    st.integers(0, 999),
)
numbers = bodies.map(lambda body: body + resident_check(body))
texts = st.one_of(
    numbers,
    numbers.map(str.lower),
    st.builds(lambda n, i, c: n[:i] + c + n[i + 1 :], numbers, st.integers(0, 17), st.characters()),
    st.text(max_size=20),
)


@settings(max_examples=300, deadline=None)
@given(column=st.lists(texts, max_size=20))
def test_compiled_reading_is_the_plain_reading(column: list[str]) -> None:
    plain = parse_column(column, today=TODAY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(identifiers, "WORTH_COMPILING", 0)
        compiled = parse_column(column, today=TODAY)
    for name in ("kinds", "idns", "refusals"):
        assert np.array_equal(getattr(plain, name), getattr(compiled, name))


def test_compiled_reading_takes_a_column_with_gaps(monkeypatch: Any) -> None:
    monkeypatch.setattr(identifiers, "WORTH_COMPILING", 0)
    text = "50010219800101001" + resident_check("50010219800101001")
    spread = np.repeat(np.frombuffer(text.encode(), np.uint8), 2)[::2]
    assert not spread.flags.c_contiguous
    column = parse_column(TextColumn(np.array([0, 18], np.int64), spread), today=TODAY)
    assert column.idns.tolist() == [text.encode()]


def test_compiled_reading_takes_a_long_column(monkeypatch: Any) -> None:
    monkeypatch.setattr(identifiers, "_plain_residents", None)  # it must not be asked
    body = "50010219800101001"
    texts = [body + resident_check(body)] * WORTH_COMPILING
    column = parse_column(TextColumn.from_strings(texts), today=TODAY)
    assert column.kinds.all()
    assert not column.refusals.any()
