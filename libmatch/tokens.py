"""Identifiers to halves, commitments and tokens, one by one and by column (spec section 4).

``g_reg = PRF(K_e, enc("reg", u8 kind, z))`` and ``g_ben`` likewise; ``c = H(enc("half", g))``;
``token = H(enc("token", c_reg, c_ben))``. In shared-key mode z is the normalised identifier.
Cost: six hash calls a row, linear, no state; long columns go through ``libmatch.accel``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from libmatch.accel.kernels import WORTH_COMPILING, has_numba
from libmatch.encoding import enc, lp, u8
from libmatch.identifier_forms import IDN_LENGTH
from libmatch.keys import EpochKey
from libmatch.records import Side, cut
from libmatch.suites import HASH_SIZE, Suite


@dataclass(frozen=True, repr=False)
class Halves:
    """The two secret halves of one identifier with what they commit to, 32 bytes each.

    ``g_reg`` and ``g_ben`` are secret; ``c_reg``, ``c_ben`` and ``token`` go to the matcher.
    """

    g_reg: bytes
    g_ben: bytes
    c_reg: bytes
    c_ben: bytes
    token: bytes

    def own(self, side: Side) -> bytes:
        """The half that a record of ``side`` carries."""
        return self.g_reg if side is Side.REGISTRY else self.g_ben

    def other(self, side: Side) -> bytes:
        """The half that a record of ``side`` needs from the opposite record to open."""
        return self.g_ben if side is Side.REGISTRY else self.g_reg

    def __repr__(self) -> str:
        return "<Halves>"


Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, repr=False, eq=False)
class HalvesColumn:
    """The halves of n identifiers by column, uint8[n, 32] each; a row of it is ``Halves``.

    ValueError for other shapes.
    """

    g_reg: Bytes
    g_ben: Bytes
    c_reg: Bytes
    c_ben: Bytes
    token: Bytes

    def __post_init__(self) -> None:
        columns = (self.g_reg, self.g_ben, self.c_reg, self.c_ben, self.token)
        if {column.shape for column in columns} != {(len(self.token), HASH_SIZE)}:
            raise ValueError("five columns of one length, 32 bytes a row")

    @classmethod
    def of_rows(cls, rows: Sequence[Halves]) -> Self:
        """The column of single ones."""
        names = [field.name for field in fields(cls)]
        joined = (b"".join(getattr(row, name) for row in rows) for name in names)
        return cls(*(np.frombuffer(data, np.uint8).reshape(-1, HASH_SIZE) for data in joined))

    def own(self, side: Side) -> Bytes:
        """The halves that records of ``side`` carry."""
        return self.g_reg if side is Side.REGISTRY else self.g_ben

    def other(self, side: Side) -> Bytes:
        """The halves that records of ``side`` need from the opposite record to open."""
        return self.g_ben if side is Side.REGISTRY else self.g_reg

    def take(self, rows: Sequence[int] | npt.NDArray[np.intp] | slice) -> HalvesColumn:
        """The column of the rows with these numbers, in their order."""
        picked = (getattr(self, field.name)[rows] for field in fields(self))
        return HalvesColumn(*picked)

    def __getitem__(self, row: int) -> Halves:
        return Halves(*(getattr(self, field.name)[row].tobytes() for field in fields(self)))

    def __iter__(self) -> Iterator[Halves]:
        columns = (getattr(self, field.name).tobytes() for field in fields(self))
        return map(Halves, *(cut(column, HASH_SIZE) for column in columns))

    def __len__(self) -> int:
        return len(self.token)

    def __repr__(self) -> str:
        return f"<HalvesColumn of {len(self)}>"


def derive_halves(suite: Suite, key: EpochKey, kind: int, idn: str) -> Halves:
    """The halves, commitments and token of one normalised identifier."""
    return derive_column(suite, key, [kind], [idn])[0]


def derive_token(suite: Suite, key: EpochKey, kind: int, idn: str) -> bytes:
    """The 32-byte token of one normalised identifier."""
    return derive_halves(suite, key, kind, idn).token


def derive_column(
    suite: Suite, key: EpochKey, kinds: Sequence[int], idns: Sequence[str]
) -> HalvesColumn:
    """The halves of a whole column, in order. ``idns`` are normalised (``libmatch.identifiers``)."""
    if len(idns) >= WORTH_COMPILING and has_numba():
        return _derive_compiled(suite, key, kinds, idns)
    prf, h = suite.prf_under(key.reveal()), suite.h
    reg, ben = ({kind: enc(name, u8(kind)) for kind in set(kinds)} for name in ("reg", "ben"))
    half, token = enc("half"), enc("token")
    column = []
    for kind, idn in zip(kinds, idns, strict=True):
        z = lp(idn.encode("ascii"))
        g_reg, g_ben = prf(reg[kind] + z), prf(ben[kind] + z)
        c_reg, c_ben = h(half + lp(g_reg)), h(half + lp(g_ben))
        column += [g_reg, g_ben, c_reg, c_ben, h(token + lp(c_reg) + lp(c_ben))]
    values = np.frombuffer(b"".join(column), np.uint8).reshape(-1, 5, HASH_SIZE)
    return HalvesColumn(*values.transpose(1, 0, 2))


def _derive_compiled(
    suite: Suite, key: EpochKey, kinds: Sequence[int], idns: Sequence[str]
) -> HalvesColumn:
    from libmatch.accel.tokens import derive_halves

    names = np.array([idn.encode("ascii") for idn in idns], f"S{IDN_LENGTH}")
    return HalvesColumn(*derive_halves(suite, key, np.array(kinds, np.uint8), names))
