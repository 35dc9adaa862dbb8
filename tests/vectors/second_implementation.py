"""Sections 2 to 5 of the protocol once more, straight from the text, sharing no code with libmatch.

Slow and plain on purpose: the oracle for the vectors and for the property tests. Only primitives of
``hashlib``, ``hmac``, ``blake3`` and ``cryptography`` are used.
"""

from __future__ import annotations

import hashlib
import hmac
import struct

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def prf(suite: int, key: bytes, message: bytes) -> bytes:
    if suite == 1:
        return hmac.new(key, message, hashlib.sha256).digest()
    return blake3(message, key=key).digest()


def h(suite: int, message: bytes) -> bytes:
    return hashlib.sha256(message).digest() if suite == 1 else blake3(message).digest()


def lp(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def enc(label: str, *fields: bytes) -> bytes:
    encoded = lp(("libmatch/1/" + label).encode())
    for field in fields:
        encoded += lp(field)
    return encoded


def u(width: int, value: int) -> bytes:
    return value.to_bytes(width, "big")


def epoch_key(suite: int, epoch: bytes, shares: list[bytes]) -> tuple[bytes, bytes]:
    k = prf(suite, bytes(32), enc("K", *shares))
    return k, prf(suite, k, enc("epoch", epoch))


def halves(suite: int, key: bytes, kind: int, idn: str) -> dict[str, bytes]:
    g_reg = prf(suite, key, enc("reg", u(1, kind), idn.encode()))
    g_ben = prf(suite, key, enc("ben", u(1, kind), idn.encode()))
    c_reg, c_ben = h(suite, enc("half", g_reg)), h(suite, enc("half", g_ben))
    token = h(suite, enc("token", c_reg, c_ben))
    return {"g_reg": g_reg, "g_ben": g_ben, "c_reg": c_reg, "c_ben": c_ben, "token": token}


def header(epoch: bytes, side: int, unit: str, seq: int, n: int) -> bytes:
    return enc("batch", epoch, u(1, side), unit.encode(), u(8, seq), u(4, n))


def seal_row(
    suite: int,
    b: bytes,
    side: int,
    secret: bytes,
    i: int,
    rid: bytes,
    half: dict[str, bytes],
    plaintext: bytes,
) -> dict[str, bytes]:
    own, other = ("g_reg", "g_ben") if side == 1 else ("g_ben", "g_reg")
    hh = h(suite, enc("rec", h(suite, b), rid, half["c_reg"], half["c_ben"]))
    r = prf(suite, secret, enc("r", u(4, i)))
    pad = prf(suite, secret, enc("pad", u(4, i)))
    masked = bytes(x ^ y for x, y in zip(half[own], pad, strict=True))
    prk = prf(suite, r, half[other])
    key, com = prf(suite, prk, enc("key", hh)), prf(suite, prk, enc("com", hh))
    ct = AESGCM(key).encrypt(bytes(12), plaintext, b"")
    leaf = h(suite, b"\x00" + enc("leaf", hh, masked, com, ct))
    return {"hh": hh, "r": r, "half": masked, "prk": prk, "com": com, "ct": ct, "leaf": leaf}


def root(suite: int, leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1 as it is written: split at the largest power of two below n."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return h(suite, b"\x01" + root(suite, leaves[:k]) + root(suite, leaves[k:]))


def pad(payload: bytes, bucket: int) -> bytes:
    return u(2, len(payload)) + payload + bytes(bucket - 2 - len(payload))
