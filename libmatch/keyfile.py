"""Passphrase-protected key files: secret bytes to file bytes and back (docs/spec/key-files.md).

``enc("key-file", purpose, public, u8 log2 N, salt[16], nonce[12], ciphertext)``: scrypt (RFC 7914) with
r = 8 and p = 1 gives the AES-256-GCM key, everything before the ciphertext is authenticated, and
``public`` is what may be read without the passphrase. Reading and writing files is the caller's.
"""

from __future__ import annotations

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from libmatch.encoding import dec, enc, u8, uint
from libmatch.errors import EncodingError, KeyFileError

_LOG2_N = 15  # 32 MiB and about 0.1 s; RFC 7914's interactive setting
_MAX_LOG2_N = 20  # a hostile file must not ask for more than 1 GiB
_MIN_PASSPHRASE = 8


def protect(secret: bytes, passphrase: str, *, purpose: str, public: bytes = b"") -> bytes:
    """The file bytes that hold ``secret`` under ``passphrase``.

    Raises KeyFileError for a passphrase shorter than eight characters.
    """
    if len(passphrase) < _MIN_PASSPHRASE:
        raise KeyFileError(f"a passphrase has at least {_MIN_PASSPHRASE} characters")
    salt, nonce = os.urandom(16), os.urandom(12)
    head = (purpose.encode(), public, u8(_LOG2_N), salt, nonce)
    key = _derive(passphrase, salt, _LOG2_N)
    return enc("key-file", *head, AESGCM(key).encrypt(nonce, secret, enc("key-file", *head)))


def unprotect(data: bytes, passphrase: str, *, purpose: str) -> bytes:
    """The secret in a key file. Raises KeyFileError: another purpose, wrong passphrase, altered."""
    *head, ciphertext = _fields(data, purpose)
    _, _, log2_n, salt, nonce = head
    if uint(log2_n, 1) > _MAX_LOG2_N or uint(log2_n, 1) < 1:
        raise KeyFileError("the key file asks for an unreasonable amount of memory")
    key = _derive(passphrase, salt, uint(log2_n, 1))
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, enc("key-file", *head))
    except (InvalidTag, ValueError):
        raise KeyFileError("wrong passphrase, or the key file was altered") from None


def read_public(data: bytes, *, purpose: str) -> bytes:
    """The unprotected public part of a key file. Raises KeyFileError for another purpose."""
    return _fields(data, purpose)[1]


def _fields(data: bytes, purpose: str) -> list[bytes]:
    try:
        fields = dec("key-file", data, 6)
    except EncodingError:
        raise KeyFileError("not a key file of this library, or truncated") from None
    if fields[0] != purpose.encode():
        raise KeyFileError(f"this key file is not for {purpose!r}")
    if len(fields[2]) != 1 or len(fields[3]) != 16 or len(fields[4]) != 12:
        raise KeyFileError("the key file was altered")
    return fields


def _derive(passphrase: str, salt: bytes, log2_n: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=1 << log2_n, r=8, p=1).derive(passphrase.encode("utf-8"))
