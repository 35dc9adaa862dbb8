"""The primitives that the suites name are the published ones."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libmatch.suites import get_suite, verify_signature

# RFC 4231 section 4: test cases 1 to 4 (the keys that fit one block).
RFC_4231 = [
    (
        "0b" * 20,
        b"Hi There".hex(),
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ),
    (
        b"Jefe".hex(),
        b"what do ya want for nothing?".hex(),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ),
    ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (
        "0102030405060708090a0b0c0d0e0f10111213141516171819",
        "cd" * 50,
        "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    ),
]


@pytest.mark.parametrize(("key", "message", "mac"), RFC_4231)
def test_suite_1_prf_is_hmac_sha256_of_rfc_4231(key: str, message: str, mac: str) -> None:
    suite = get_suite(1)
    assert suite.prf(bytes.fromhex(key), bytes.fromhex(message)).hex() == mac
    assert suite.prf_under(bytes.fromhex(key))(bytes.fromhex(message)).hex() == mac


def test_suite_1_hash_is_sha_256_of_fips_180() -> None:
    """FIPS 180-4's example "abc"."""
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert get_suite(1).h(b"abc").hex() == expected


def test_suite_2_is_blake3_of_its_published_vectors() -> None:
    """BLAKE3 test_vectors.json, input length 0: hash and keyed hash, first 32 bytes."""
    suite, key = get_suite(2), b"whats the Elvish word for friend"
    expected = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"
    assert suite.h(b"").hex() == expected
    keyed = "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"
    assert suite.prf(key, b"").hex() == keyed
    assert suite.prf_under(key)(b"").hex() == keyed


def test_ed25519_of_rfc_8032() -> None:
    """RFC 8032 section 7.1, test 2."""
    public = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert verify_signature(public, b"\x72", signature)
    assert not verify_signature(public, b"\x73", signature)


def test_hpke_key_schedule_of_rfc_9180() -> None:
    """RFC 9180 appendix A.1.1: a message under its key and base nonce opens with its private key.

    The library takes no associated data, so the RFC's own ciphertexts (with data) cannot be opened.
    """
    private = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8"
    encapsulated = "37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"
    key, nonce = "4531685d41d65f03dc48f6b8302c05b0", "56d890e5accaaf011cff4b7d"
    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    sealed = AESGCM(bytes.fromhex(key)).encrypt(bytes.fromhex(nonce), b"urn", b"")
    suite = hpke.Suite(hpke.KEM.X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_128_GCM)
    recipient = X25519PrivateKey.from_private_bytes(bytes.fromhex(private))
    assert suite.decrypt(bytes.fromhex(encapsulated) + sealed, recipient, info=info) == b"urn"
