"""Identifiers to halves, commitments and tokens, one by one and by column (spec section 4).

``g_reg = PRF(K_e, enc("reg", u8 kind, z))`` and ``g_ben`` likewise; ``c = H(enc("half", g))``;
``token = H(enc("token", c_reg, c_ben))``. In shared-key mode z is the normalised identifier.
Cost: six hash calls a row, linear, no state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from libmatch.encoding import enc, lp, u8
from libmatch.keys import EpochKey
from libmatch.records import Side
from libmatch.suites import Suite


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


def derive_halves(suite: Suite, key: EpochKey, kind: int, idn: str) -> Halves:
    """The halves, commitments and token of one normalised identifier."""
    return derive_column(suite, key, [kind], [idn])[0]


def derive_token(suite: Suite, key: EpochKey, kind: int, idn: str) -> bytes:
    """The 32-byte token of one normalised identifier."""
    return derive_halves(suite, key, kind, idn).token


def derive_column(
    suite: Suite, key: EpochKey, kinds: Sequence[int], idns: Sequence[str]
) -> list[Halves]:
    """The halves of a whole column, in order. ``idns`` are normalised (``libmatch.identifiers``)."""
    prf, h = suite.prf_under(key.reveal()), suite.h
    reg, ben = ({kind: enc(name, u8(kind)) for kind in set(kinds)} for name in ("reg", "ben"))
    half, token = enc("half"), enc("token")
    column = []
    for kind, idn in zip(kinds, idns, strict=True):
        z = lp(idn.encode("ascii"))
        g_reg, g_ben = prf(reg[kind] + z), prf(ben[kind] + z)
        c_reg, c_ben = h(half + lp(g_reg)), h(half + lp(g_ben))
        column.append(Halves(g_reg, g_ben, c_reg, c_ben, h(token + lp(c_reg) + lp(c_ben))))
    return column
