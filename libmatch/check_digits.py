"""Check characters of the identifiers: arithmetic only, no opinion on what a text is.

The callers have already made sure of length and alphabet; a character outside the alphabet
is a programming error and raises ``KeyError``. Spec: ``docs/spec/identifiers.md``, section 4.
"""

from __future__ import annotations

# GB 11643-1999 section 6 (ISO 7064 MOD 11-2): W(i) = 2^(18-i) mod 11 for the positions 1…17.
MOD_11_2_WEIGHTS = tuple(pow(2, 18 - i, 11) for i in range(1, 18))
_MOD_11_2_CHECKS = "10X98765432"  # by the remainder 0…10

# GB 32100-2015 table 2 (ISO 7064 MOD 31-3): W(i) = 3^(i-1) mod 31; no I, O, Z, S, V.
MOD_31_3_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_MOD_31_3_VALUES = {character: value for value, character in enumerate(MOD_31_3_ALPHABET)}
_MOD_31_3_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))

# GB 11714-1997 section 2.1.2 and ICAO Doc 9303 part 3, 4.9: digits, then A = 10 … Z = 35.
_ALPHANUMERIC = {c: v for v, c in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")}
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_TRAVEL_DOCUMENT_WEIGHTS = (7, 3, 1) * 5


def resident_check(body: str) -> str:
    """Check character (0…9 or X) of the 17 digits of a number built like GB 11643-1999."""
    total = sum(int(c) * w for c, w in zip(body, MOD_11_2_WEIGHTS, strict=True))
    return _MOD_11_2_CHECKS[total % 11]


def credit_code_check(body: str) -> str:
    """Check character of the first 17 characters of a 统一社会信用代码 (GB 32100-2015)."""
    total = sum(_MOD_31_3_VALUES[c] * w for c, w in zip(body, _MOD_31_3_WEIGHTS, strict=True))
    return MOD_31_3_ALPHABET[-total % 31]


def organisation_check(body: str) -> str:
    """Check character (0…9 or X) of the 8 characters of an organisation code (GB 11714-1997)."""
    total = sum(_ALPHANUMERIC[c] * w for c, w in zip(body, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]  # 11 - remainder, where 11 is written 0 and 10 is written X


def travel_document_check(body: str) -> str:
    """Check digit of up to 15 characters with the weights 7, 3, 1 (ICAO Doc 9303)."""
    total = sum(_ALPHANUMERIC[c] * w for c, w in zip(body, _TRAVEL_DOCUMENT_WEIGHTS, strict=False))
    return str(total % 10)
