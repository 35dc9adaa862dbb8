"""Attacks on shares, key files and validity: each attacker has what his place gives him."""

from __future__ import annotations

import os
from datetime import datetime, timedelta

import pytest

from libmatch.encoding import enc, u8
from libmatch.errors import (
    BatchError,
    EpochError,
    KeyFileError,
    LibmatchError,
    ShareError,
)
from libmatch.keyfile import protect, unprotect
from libmatch.kit import PartyKeys, read_holder, read_party_keys
from libmatch.suites import get_suite
from services.authority.enrol import revoke
from services.authority.epoch_folder import save_signatures
from services.authority.sign import sign_epoch
from tests.ceremony import (
    NOW,
    PASSPHRASE,
    SECRETS,
    UNIT,
    Ceremony,
    agree,
    deal_falsely,
)


@pytest.fixture(scope="module")
def keys(_equipped: Ceremony) -> PartyKeys:
    return _equipped.keys(UNIT)


def work(world: Ceremony, keys: PartyKeys, now: datetime = NOW) -> None:
    """What every unit does first. Raises what an attack should raise."""
    read_holder(world.kit(UNIT), UNIT, keys, now)


# --- Shares ---------------------------------------------------------------------------------------


def test_an_altered_share_names_its_custodian(world: Ceremony, keys: PartyKeys) -> None:
    for number in (1, 2):
        path = world.kit(UNIT) / "epoch" / f"share-{number}"
        good = path.read_bytes()
        for position in (0, 1119, 1120, len(good) - 1):
            path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
            with pytest.raises(ShareError) as refused:
                work(world, keys)
            assert refused.value.custodian == number
        path.write_bytes(good)
    work(world, keys)


def test_a_custodian_who_deals_another_share_than_he_committed_to_is_named(
    world: Ceremony, keys: PartyKeys
) -> None:
    share = world.kit(UNIT) / "epoch" / "share-2"
    share.write_bytes(deal_falsely(world, UNIT, 2))

    with pytest.raises(ShareError) as refused:
        work(world, keys)
    assert refused.value.custodian == 2


def test_shares_do_not_change_places(world: Ceremony, keys: PartyKeys) -> None:
    epoch = world.kit(UNIT) / "epoch"
    one, two = (epoch / f"share-{number}" for number in (1, 2))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)

    with pytest.raises(ShareError) as refused:
        work(world, keys)
    assert refused.value.custodian == 1


def test_another_units_share_does_not_open(world: Ceremony, keys: PartyKeys) -> None:
    other = (world.kit("minzheng") / "epoch" / "share-1").read_bytes()
    (world.kit(UNIT) / "epoch" / "share-1").write_bytes(other)

    with pytest.raises(ShareError) as refused:
        work(world, keys)
    assert refused.value.custodian == 1


def test_one_custodian_alone_cannot_derive_the_key(world: Ceremony, keys: PartyKeys) -> None:
    holder = read_holder(world.kit(UNIT), UNIT, keys, NOW)
    own = world.custodian(1).read_share(1, SECRETS[1])
    prf = get_suite(1).prf
    for other in (own.reveal(), bytes(32), world.epoch().manifest.commitments[1]):
        combined = prf(bytes(32), enc("K", own.reveal(), other))
        guess = prf(combined, enc("epoch", world.epoch().epoch_id))
        assert guess != holder.key.reveal()


# --- Key files ------------------------------------------------------------------------------------


def test_a_key_file_opens_with_its_passphrase_alone(world: Ceremony) -> None:
    for wrong in ("", "correct horse batterz", PASSPHRASE + " ", PASSPHRASE.upper()):
        with pytest.raises(KeyFileError):
            read_party_keys(world.kit(UNIT), wrong)


def test_an_altered_key_file_opens_nothing(world: Ceremony) -> None:
    path = world.kit(UNIT) / "keys" / "party.key"
    good = path.read_bytes()
    # Each field once: labels, lengths, purpose, public part, N, salt, nonce, ciphertext, tag.
    for position in (0, 4, 25, 40, 60, 200, len(good) - 145, len(good) - 120, len(good) - 1):
        path.write_bytes(good[:position] + bytes([good[position] ^ 1]) + good[position + 1 :])
        with pytest.raises(KeyFileError):
            read_party_keys(world.kit(UNIT), PASSPHRASE)
    for end in (0, 7, len(good) // 2, len(good) - 1):
        path.write_bytes(good[:end])
        with pytest.raises(KeyFileError):
            read_party_keys(world.kit(UNIT), PASSPHRASE)


def test_a_key_file_that_asks_for_all_memory_is_refused() -> None:
    bomb = enc("key-file", b"party-keys", b"", u8(40), bytes(16), bytes(12), bytes(48))

    with pytest.raises(KeyFileError, match="memory"):
        unprotect(bomb, PASSPHRASE, purpose="party-keys")


def test_a_key_of_one_purpose_is_not_used_for_another() -> None:
    data = protect(os.urandom(32), PASSPHRASE, purpose="log-key")

    with pytest.raises(KeyFileError):
        unprotect(data, PASSPHRASE, purpose="authority-key")


# --- Time -----------------------------------------------------------------------------------------


def test_an_epoch_is_not_used_outside_its_validity(world: Ceremony, keys: PartyKeys) -> None:
    manifest = world.epoch().manifest
    work(world, keys, manifest.not_before)
    work(world, keys, manifest.not_after - timedelta(seconds=1))
    for now in (manifest.not_before - timedelta(seconds=1), manifest.not_after):
        with pytest.raises(EpochError):
            work(world, keys, now)


def test_a_revoked_unit_does_not_work_on(world: Ceremony, keys: PartyKeys) -> None:
    save_signatures(world.epoch_folder, revoke(world.files(), world.epoch(), UNIT))
    for number in (1, 2):
        sign_epoch(world.custodian(number), SECRETS[number], world.epoch_folder, agree)
    roster = (world.epoch_folder / "roster").read_bytes()
    (world.kit(UNIT) / "epoch" / "roster").write_bytes(roster)

    with pytest.raises(BatchError):
        work(world, keys)


# --- Certificates over the wire -------------------------------------------------------------------


def test_no_refusal_repeats_a_secret(world: Ceremony) -> None:
    share = world.custodian(1).read_share(1, SECRETS[1]).reveal().hex()
    errors: list[LibmatchError] = []
    for attempt in (
        lambda: read_party_keys(world.kit(UNIT), "a wrong passphrase"),
        lambda: world.custodian(1).read_share(2, SECRETS[1]),
        lambda: world.custodian(1).unlock("another wrong one"),
    ):
        with pytest.raises(LibmatchError) as failed:
            attempt()
        errors.append(failed.value)

    for error in errors:
        for secret in (share, PASSPHRASE, SECRETS[1], "a wrong passphrase", "another wrong one"):
            assert secret not in str(error)
