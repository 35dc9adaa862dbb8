"""A column of texts gives back what was put in, whatever it was made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libmatch.texts import TextColumn


def texts_of(column: TextColumn) -> list[str]:
    return [column.text(i) for i in range(len(column))]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_strings_come_back(texts: list[str]) -> None:
    assert texts_of(TextColumn.from_strings(texts)) == texts


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(TypeError):
        TextColumn.from_strings(["1", 500102198001010016])  # type: ignore[list-item]


def test_what_is_no_utf_8_is_marked() -> None:
    assert texts_of(TextColumn.from_strings(["a\ud800b"])) == ["a?b"]
    column = TextColumn(np.array([0, 1, 2], np.int64), np.frombuffer(b"\xffa", np.uint8))
    assert texts_of(column) == ["\ufffd", "a"]


def test_fixed_width_loses_the_nuls_at_the_end_alone() -> None:
    column = TextColumn.from_bytes(np.array([b"12", b"", b"1\x002", b"123"], "S3"))
    assert texts_of(column) == ["12", "", "1\x002", "123"]


class ArrowLike:
    """What ``pyarrow`` shows of an array of strings."""

    def __init__(self, texts: list[str], offset: int, type_: str = "string") -> None:
        whole = TextColumn.from_strings(texts)
        width = np.int32 if type_ == "string" else np.int64
        self._buffers = (None, whole.offsets.astype(width).tobytes(), whole.data.tobytes())
        self.type, self.offset, self.null_count = type_, offset, 0
        self._length = len(texts) - offset

    def __len__(self) -> int:
        return self._length

    def buffers(self) -> tuple[Any, ...]:
        return self._buffers


@pytest.mark.parametrize("type_", ["string", "large_string"])
def test_slice_of_an_arrow_array_begins_where_it_says(type_: str) -> None:
    assert texts_of(TextColumn.from_arrow(ArrowLike(["一", "22", "", "3"], 1, type_))) == [
        *("22", "", "3"),
    ]


def test_arrow_array_of_numbers_is_refused() -> None:
    with pytest.raises(TypeError, match="strings"):
        TextColumn.from_arrow(ArrowLike(["1"], 0, "int64"))


@pytest.mark.parametrize(
    ("offsets", "data"),
    [
        (np.array([0, 2, 1], np.int64), np.zeros(3, np.uint8)),
        (np.array([0, 4], np.int64), np.zeros(3, np.uint8)),
        (np.array([-1, 2], np.int64), np.zeros(3, np.uint8)),
        (np.array([0, 1], np.int32), np.zeros(3, np.uint8)),
        (np.array([], np.int64), np.zeros(3, np.uint8)),
        (np.zeros((1, 1), np.int64), np.zeros(3, np.uint8)),
    ],
)
def test_offsets_that_lead_outside_are_refused(offsets: Any, data: Any) -> None:
    with pytest.raises(ValueError, match=r"column|offsets|flat"):
        TextColumn(offsets, data)
