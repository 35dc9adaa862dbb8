"""How much the neighbours of a short find speak for text rather than ciphertext, in bits.

Each neighbour counts log2(q/p): p is how often random bytes look like that, q how often text does.
Text is taken to be printable ASCII and characters of GB 2312, half and half; the first neighbour
that is neither ends its side. As q sums to 1, the evidence of one side exceeds E bits in random
bytes with a probability of at most 2^-E (Ville's inequality), that of both sides together
(E ln 2 + 1) 2^-E: ``SLACK_BITS`` covers that factor up to E = 40.
"""

from __future__ import annotations

import math

SLACK_BITS = 5.0
_UNITS = 64  # neighbours looked at on each side; at most 192 bytes

_PRINTABLE = frozenset(range(32, 127)) | {9, 10, 13}
_CHINESE = frozenset(
    bytes((row, cell)).decode("gb2312", "ignore")
    for row in (0xA1, 0xA3, *range(0xB0, 0xF8))  # punctuation, full-width forms, characters
    for cell in range(0xA1, 0xFF)
) - {""}
_ASCII_BYTE = math.log2(0.5 * 256 / len(_PRINTABLE))
_ASCII_UNIT = math.log2(0.5 * 65536 / len(_PRINTABLE))
# Two bytes of GB 2312, or one unit of UTF-16.
_CHINESE_PAIR = math.log2(0.5 * 65536 / len(_CHINESE))
_CHINESE_UTF8 = math.log2(0.5 * 256**3 / len(_CHINESE))

_Character = tuple[float, int]  # bits, bytes; (0, 0) for none
_NONE: _Character = (0.0, 0)


def evidence_bits(data: bytes, start: int, end: int, encoding: str) -> float:
    """The bits on both sides of ``data[start:end]``, read in that encoding."""
    after = _side(data, end, encoding, forward=True)
    return after + _side(data, start, encoding, forward=False)


def _side(data: bytes, at: int, encoding: str, *, forward: bool) -> float:
    total = 0.0
    for _ in range(_UNITS):
        bits, width = _character(data, at, encoding, forward=forward)
        if not width:
            break
        total += bits
        at += width if forward else -width
    return total


def _character(data: bytes, at: int, encoding: str, *, forward: bool) -> _Character:
    """The character that begins at ``at``, or that ends there."""

    def piece(width: int) -> bytes:
        first = at if forward else at - width
        return data[first : first + width] if first >= 0 else b""

    if encoding.startswith("utf-16"):
        unit = piece(2)
        code = int.from_bytes(unit, "little" if encoding.endswith("le") else "big")
        if len(unit) < 2:
            return _NONE
        if code in _PRINTABLE:
            return _ASCII_UNIT, 2
        return (_CHINESE_PAIR, 2) if chr(code) in _CHINESE else _NONE
    single = piece(1)
    if single and single[0] in _PRINTABLE:
        return _ASCII_BYTE, 1
    width, bits = (3, _CHINESE_UTF8) if encoding == "utf-8" else (2, _CHINESE_PAIR)
    return (bits, width) if piece(width).decode(encoding, "ignore") in _CHINESE else _NONE
