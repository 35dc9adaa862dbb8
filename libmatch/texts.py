"""A column of texts as two buffers, the way Arrow lays it out: no Python object a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, repr=False, eq=False)
class TextColumn:
    """n texts in UTF-8: text i is ``data[offsets[i]:offsets[i + 1]]``.

    ``offsets`` int64[n + 1], ascending; ``data`` uint8. Raises ValueError for other shapes, or offsets
    that lead outside. What is no UTF-8 is read as U+FFFD.
    """

    offsets: npt.NDArray[np.int64]
    data: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        types = self.offsets.dtype, self.data.dtype
        if types != (np.dtype(np.int64), np.dtype(np.uint8)) or not self.offsets.size:
            raise ValueError("a column of texts is int64[n + 1] and uint8")
        if self.offsets.ndim != 1 or self.data.ndim != 1:
            raise ValueError("the arrays of a column are flat")
        inside = self.offsets[0] >= 0 and self.offsets[-1] <= len(self.data)
        if not (inside and (self.offsets[1:] >= self.offsets[:-1]).all()):
            raise ValueError("offsets ascend and stay within the data")

    @classmethod
    def from_strings(cls, texts: Sequence[str]) -> Self:
        """The texts, copied. TypeError for anything but str: a number may have lost its last digits."""
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("a column of texts holds str alone")
        joined = "".join(texts)
        if joined.isascii():
            lengths, data = list(map(len, texts)), joined.encode("ascii")
        else:
            encoded = [text.encode("utf-8", "replace") for text in texts]
            lengths, data = list(map(len, encoded)), b"".join(encoded)
        offsets = np.zeros(len(texts) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        return cls(offsets, np.frombuffer(data, np.uint8))

    @classmethod
    def from_bytes(cls, array: npt.NDArray[np.bytes_]) -> Self:
        """A NumPy column of fixed width (``S18``), each text without the NULs at its end."""
        width = array.dtype.itemsize
        rows = np.ascontiguousarray(array).view(np.uint8).reshape(len(array), width)
        kept = np.cumsum((rows != 0)[:, ::-1], axis=1)[:, ::-1] > 0
        offsets = np.zeros(len(array) + 1, np.int64)
        np.cumsum(kept.sum(axis=1), out=offsets[1:])
        return cls(offsets, rows[kept])

    @classmethod
    def from_arrow(cls, array: Any) -> Self:
        """A ``pyarrow`` array of type string or large_string, its data shared. A null is an empty text.

        TypeError for another type.
        """
        if str(array.type) not in ("string", "large_string"):
            raise TypeError("a column of texts is an Arrow array of strings")
        if array.null_count:
            array = array.fill_null("")
        _, offsets, data = array.buffers()
        width = np.int32 if str(array.type) == "string" else np.int64
        found = np.frombuffer(offsets, width)[array.offset : array.offset + len(array) + 1]
        bytes_ = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
        return cls(found.astype(np.int64), bytes_)

    def text(self, position: int) -> str:
        """The text at ``position``."""
        data = self.data[self.offsets[position] : self.offsets[position + 1]]
        return data.tobytes().decode("utf-8", "replace")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __repr__(self) -> str:
        return f"<TextColumn of {len(self)}>"
