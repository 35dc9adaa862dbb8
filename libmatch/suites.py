"""The cryptographic suites: which PRF, hash, AEAD, HPKE and signature an epoch uses (spec section 2).

Nothing is negotiated: the manifest names one suite, and an unknown one is refused. All primitives come
from ``cryptography``, ``blake3`` and the standard library. Suite 1 is HMAC-SHA256 and SHA-256, suite 2
keyed BLAKE3 and BLAKE3; the rest is common: AES-256-GCM, HPKE (RFC 9180 base mode; ML-KEM-768+X25519,
HKDF-SHA256, AES-256-GCM) and Ed25519 (RFC 8032). Suite 3 (国密) is reserved and refused.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass

from blake3 import blake3
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libmatch.errors import ManifestError

HASH_SIZE = 32
AEAD_TAG_SIZE = 16
HPKE_ENC_SIZE = 1120  # ML-KEM-768 ciphertext 1088 ‖ X25519 public key 32
HPKE_PUBLIC_SIZE = 1216  # ML-KEM-768 encapsulation key 1184 ‖ X25519 public key 32
HPKE_OVERHEAD = HPKE_ENC_SIZE + AEAD_TAG_SIZE
_NONCE = bytes(12)  # every AEAD key encrypts one message

HPKE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def _hmac_sha256(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _sha256(message: bytes) -> bytes:
    return hashlib.sha256(message).digest()


def _blake3_keyed(key: bytes, message: bytes) -> bytes:
    return blake3(message, key=key).digest()


def _blake3(message: bytes) -> bytes:
    return blake3(message).digest()


def _hmac_sha256_under(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA256 with the two padded key blocks hashed once (RFC 2104 section 4)."""
    block = key.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block))
    outer = hashlib.sha256(bytes(b ^ 0x5C for b in block))

    def prf(message: bytes) -> bytes:
        i, o = inner.copy(), outer.copy()
        i.update(message)
        o.update(i.digest())
        return o.digest()

    return prf


def _blake3_under(key: bytes) -> Callable[[bytes], bytes]:
    keyed = blake3(key=key)

    def prf(message: bytes) -> bytes:
        return keyed.copy().update(message).digest()

    return prf


@dataclass(frozen=True)
class Suite:
    """One row of the suite table. ``prf`` takes a 32-byte key; ``prf`` and ``h`` give 32 bytes.

    ``prf_under(key)`` is ``prf`` with the key fixed, for columns under one key.
    """

    number: int
    name: str
    prf: Callable[[bytes, bytes], bytes]
    prf_under: Callable[[bytes], Callable[[bytes], bytes]]
    h: Callable[[bytes], bytes]


SUITES = {
    1: Suite(1, "HMAC-SHA256", _hmac_sha256, _hmac_sha256_under, _sha256),
    2: Suite(2, "BLAKE3", _blake3_keyed, _blake3_under, _blake3),
}


def get_suite(number: int) -> Suite:
    """The suite of that number. Raises ManifestError for one that this library does not implement."""
    try:
        return SUITES[number]
    except KeyError:
        raise ManifestError(f"suite {number} is not implemented here") from None


def encrypt_once(key: bytes, plaintext: bytes) -> bytes:
    """AES-256-GCM under a key that is used for this one message: zero nonce, no associated data."""
    return AESGCM(key).encrypt(_NONCE, plaintext, None)


def decrypt_once(key: bytes, ciphertext: bytes) -> bytes | None:
    """The plaintext of ``encrypt_once``, or None where the tag does not hold."""
    try:
        return AESGCM(key).decrypt(_NONCE, ciphertext, None)
    except (InvalidTag, ValueError):
        return None


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the Ed25519 signature (64 bytes) over ``message`` holds under a 32-byte public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
