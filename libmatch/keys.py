"""Secret keys as types: key shares, the epoch key, signing keys, HPKE keys (spec section 3).

A secret prints as its type and key id only, compares in constant time, and cannot be pickled. Whoever may
import this module may hold a key; the matcher may not.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Sequence
from typing import ClassVar, NoReturn, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from libmatch.encoding import enc, exactly, u8
from libmatch.errors import EncodingError, ShareError
from libmatch.suites import HPKE, HPKE_PUBLIC_SIZE, Suite

_MLKEM_PUBLIC_SIZE = 1184
_MLKEM_SEED_SIZE = 64


class Secret:
    """Secret bytes of a fixed size. Subclasses name the key and give it a public id."""

    SIZE: ClassVar[int] = 32
    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        """Raises EncodingError where ``value`` is not SIZE bytes."""
        self._value = exactly(bytes(value), self.SIZE, f"a {type(self).__name__}")

    @classmethod
    def generate(cls) -> Self:
        """A new key from the operating system's randomness."""
        return cls(os.urandom(cls.SIZE))

    def reveal(self) -> bytes:
        """The secret bytes. Every call of this is a place to review."""
        return self._value

    @property
    def key_id(self) -> str:
        """Eight hex digits that tell keys apart and reveal nothing usable of them."""
        label = enc("key-id", type(self).__name__.encode(), self._public_part())
        return hashlib.sha256(label).hexdigest()[:8]

    def _public_part(self) -> bytes:
        return hmac.digest(self._value, enc("key-id"), "sha256")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.key_id}>"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash((type(self), self.key_id))

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} is not pickled or copied into a message")


class Share(Secret):
    """One custodian's 32-byte share ``s_i`` of the matching key, new for each epoch."""

    __slots__ = ()

    def commit(self, suite: Suite, custodian: int) -> bytes:
        """``d_i = H(enc("share", u8 i, s_i))``, 32 bytes; custodians count from 1."""
        return suite.h(enc("share", u8(custodian), self._value))


class EpochKey(Secret):
    """``K_e``, the 32-byte key under which a unit derives tokens in one epoch."""

    __slots__ = ()


class SigningKey(Secret):
    """An Ed25519 private key (RFC 8032): of a unit, an authority, 纪委 or the log."""

    __slots__ = ()

    @property
    def public_key(self) -> bytes:
        """32 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self._value).public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``, 64 bytes."""
        return Ed25519PrivateKey.from_private_bytes(self._value).sign(message)

    def _public_part(self) -> bytes:
        return self.public_key


class HpkePrivateKey(Secret):
    """An HPKE private key: ML-KEM-768 seed 64 ‖ X25519 private key 32."""

    SIZE: ClassVar[int] = 96
    __slots__ = ()

    def _composite(self) -> hpke.MLKEM768X25519PrivateKey:
        return hpke.MLKEM768X25519PrivateKey(
            MLKEM768PrivateKey.from_seed_bytes(self._value[:_MLKEM_SEED_SIZE]),
            X25519PrivateKey.from_private_bytes(self._value[_MLKEM_SEED_SIZE:]),
        )

    @property
    def public_key(self) -> bytes:
        """1216 bytes: ML-KEM-768 encapsulation key ‖ X25519 public key."""
        seed, x25519 = self._value[:_MLKEM_SEED_SIZE], self._value[_MLKEM_SEED_SIZE:]
        mlkem = MLKEM768PrivateKey.from_seed_bytes(seed).public_key().public_bytes_raw()
        return mlkem + X25519PrivateKey.from_private_bytes(x25519).public_key().public_bytes_raw()

    def open(self, ciphertext: bytes, info: bytes) -> bytes | None:
        """The plaintext of ``seal_to`` under the same ``info``, or None where it does not open."""
        try:
            return HPKE.decrypt(ciphertext, self._composite(), info=info)
        except (InvalidTag, ValueError):
            return None

    def _public_part(self) -> bytes:
        return self.public_key


def seal_to(public_key: bytes, plaintext: bytes, info: bytes) -> bytes:
    """HPKE base-mode ciphertext: enc 1120 ‖ AES-256-GCM ciphertext (plaintext + 16 bytes).

    ``public_key`` is 1216 bytes. Raises EncodingError for one that is not a key.
    """
    exactly(public_key, HPKE_PUBLIC_SIZE, "an HPKE public key")
    try:
        key = hpke.MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(public_key[:_MLKEM_PUBLIC_SIZE]),
            X25519PublicKey.from_public_bytes(public_key[_MLKEM_PUBLIC_SIZE:]),
        )
        return HPKE.encrypt(plaintext, key, info=info)
    except ValueError:
        raise EncodingError("not an HPKE public key") from None


def share_info(epoch: bytes, custodian: int, unit: str) -> bytes:
    """The HPKE ``info`` under which custodian i seals its share to a unit (spec section 3)."""
    return enc("share-to", epoch, u8(custodian), unit.encode("ascii"))


def combine_shares(
    suite: Suite, epoch: bytes, commitments: Sequence[bytes], shares: Sequence[Share]
) -> EpochKey:
    """``K_e`` from all the custodians' shares, in order.

    ``K = PRF(0^32, enc("K", s_1, …, s_n))`` and ``K_e = PRF(K, enc("epoch", E))``. Raises ShareError naming
    the first custodian whose share is missing or contradicts its commitment.
    """
    for number, commitment in enumerate(commitments, 1):
        if number > len(shares) or not hmac.compare_digest(
            shares[number - 1].commit(suite, number), commitment
        ):
            raise ShareError(number)
    if len(shares) != len(commitments):
        raise ShareError(len(commitments) + 1)
    combined = suite.prf(bytes(32), enc("K", *(share.reveal() for share in shares)))
    return EpochKey(suite.prf(combined, enc("epoch", epoch)))
