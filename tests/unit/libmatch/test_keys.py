"""Secrets do not print, shares that lie are named, key files open with their passphrase only."""

from __future__ import annotations

import pickle
from typing import ClassVar

import pytest

from libmatch.errors import EncodingError, KeyFileError, ShareError
from libmatch.keyfile import protect, read_public, unprotect
from libmatch.keys import (
    EpochKey,
    HpkePrivateKey,
    Secret,
    Share,
    SigningKey,
    combine_shares,
    seal_to,
)
from libmatch.suites import get_suite

TYPES: list[type[Secret]] = [Share, EpochKey, SigningKey, HpkePrivateKey]


@pytest.mark.parametrize("kind", TYPES)
def test_a_secret_prints_its_type_and_key_id_only(kind: type[Secret]) -> None:
    key = kind.generate()
    for text in (repr(key), str(key), f"{key}", f"{[key]}"):
        assert text.strip("[]") == f"<{kind.__name__} {key.key_id}>"
        assert key.reveal().hex()[:8] not in text


@pytest.mark.parametrize("kind", TYPES)
def test_a_secret_is_not_pickled(kind: type[Secret]) -> None:
    with pytest.raises(TypeError):
        pickle.dumps(kind.generate())


@pytest.mark.parametrize("kind", TYPES)
def test_a_secret_of_another_length_is_refused(kind: type[Secret]) -> None:
    for size in (0, kind.SIZE - 1, kind.SIZE + 1):
        with pytest.raises(EncodingError):
            kind(bytes(size))


def test_secrets_compare_by_type_and_value() -> None:
    assert Share(bytes(32)) == Share(bytes(32))
    assert Share(bytes(32)) != Share(b"\1" + bytes(31))
    assert Share(bytes(32)) != EpochKey(bytes(32))


class TestShares:
    suite = get_suite(1)
    shares: ClassVar[list[Share]] = [Share(b"a" * 32), Share(b"b" * 32)]

    def commitments(self) -> list[bytes]:
        return [share.commit(self.suite, i) for i, share in enumerate(self.shares, 1)]

    def combine(self, *shares: Share) -> EpochKey:
        return combine_shares(self.suite, bytes(32), self.commitments(), shares)

    def test_all_shares_give_one_key(self) -> None:
        assert self.combine(*self.shares) == self.combine(*self.shares)

    def test_a_share_that_contradicts_its_commitment_names_the_custodian(self) -> None:
        with pytest.raises(ShareError) as caught:
            self.combine(self.shares[0], Share(b"c" * 32))
        assert caught.value.custodian == 2

    def test_swapped_and_missing_shares_are_refused(self) -> None:
        for shares in (self.shares[::-1], self.shares[:1], [*self.shares, Share(b"c" * 32)]):
            with pytest.raises(ShareError):
                self.combine(*shares)

    def test_one_share_alone_says_nothing_of_the_key(self) -> None:
        other = Share(b"d" * 32)
        commitments = [self.shares[0].commit(self.suite, 1), other.commit(self.suite, 2)]
        shares = [self.shares[0], other]
        assert combine_shares(self.suite, bytes(32), commitments, shares) != self.combine(
            *self.shares
        )


def test_hpke_binds_its_info() -> None:
    key = HpkePrivateKey.generate()
    sealed = seal_to(key.public_key, b"secret", b"info")
    assert key.open(sealed, b"info") == b"secret"
    assert key.open(sealed, b"other") is None
    assert HpkePrivateKey.generate().open(sealed, b"info") is None
    assert key.open(sealed[:-1], b"info") is None
    assert key.open(b"", b"info") is None


def test_something_that_is_no_public_key_is_refused() -> None:
    with pytest.raises(EncodingError):
        seal_to(bytes(10), b"", b"")
    with pytest.raises(EncodingError):
        seal_to(b"\xff" * 1216, b"", b"")


class TestKeyFiles:
    def test_opens_with_its_passphrase_and_purpose_only(self) -> None:
        data = protect(b"secret", "correct horse", purpose="party-keys", public=b"pub")
        assert b"secret" not in data
        assert unprotect(data, "correct horse", purpose="party-keys") == b"secret"
        assert read_public(data, purpose="party-keys") == b"pub"
        with pytest.raises(KeyFileError, match="wrong passphrase"):
            unprotect(data, "correct horsf", purpose="party-keys")
        with pytest.raises(KeyFileError, match="not for"):
            unprotect(data, "correct horse", purpose="log-key")

    def test_every_altered_byte_is_refused(self) -> None:
        data = protect(b"secret", "correct horse", purpose="log-key", public=b"pub")
        for position in range(0, len(data), 7):
            altered = bytearray(data)
            altered[position] ^= 0x04
            with pytest.raises(KeyFileError):
                unprotect(bytes(altered), "correct horse", purpose="log-key")

    def test_a_short_passphrase_is_refused(self) -> None:
        with pytest.raises(KeyFileError, match="8 characters"):
            protect(b"secret", "short", purpose="log-key")

    def test_a_truncated_file_is_refused(self) -> None:
        data = protect(b"secret", "correct horse", purpose="log-key")
        for size in (0, 3, len(data) // 2, len(data) - 1):
            with pytest.raises(KeyFileError):
                unprotect(data[:size], "correct horse", purpose="log-key")
