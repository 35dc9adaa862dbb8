"""Parcels open for their recipient alone, and only as their sender signed them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from libmatch.encoding import enc
from libmatch.errors import EncodingError, EpochError, LibmatchError, ManifestError
from libmatch.keys import SigningKey
from libmatch.parcels import Parcel, open_parcel, seal_parcel
from tests.district import INSPECTOR, District, make_district

BODY = b"what only the other organ reads"


@pytest.fixture(scope="module")
def district() -> District:
    return make_district()


def seal(district: District, recipient: str = INSPECTOR, kind: str = "lead") -> bytes:
    key = district.keys("reg-a").signing
    return seal_parcel(district.epoch, kind, "reg-a", key, recipient, BODY)


def open_by(district: District, own: str, data: bytes, kind: str = "lead") -> tuple[str, bytes]:
    return open_parcel(district.epoch, kind, own, district.keys(own).hpke, data)


def test_a_parcel_opens_for_its_recipient_alone(district: District) -> None:
    data = seal(district)
    assert open_by(district, INSPECTOR, data) == ("reg-a", BODY)
    assert BODY not in data
    with pytest.raises(EncodingError):
        open_by(district, "ben-a", data)
    key = district.keys("ben-a").hpke
    with pytest.raises(EncodingError):
        open_parcel(district.epoch, "lead", INSPECTOR, key, data)


def test_a_parcel_of_another_kind_or_recipient_is_refused(district: District) -> None:
    with pytest.raises(EncodingError):
        open_by(district, INSPECTOR, seal(district, kind="other"))
    turned = replace(Parcel.decode(seal(district)), recipient="ben-a").encode()
    with pytest.raises(ManifestError):
        open_by(district, "ben-a", turned)
    renamed = replace(Parcel.decode(seal(district, kind="other")), kind="lead").encode()
    with pytest.raises(ManifestError):
        open_by(district, INSPECTOR, renamed)


def test_a_parcel_in_anothers_name_is_refused(district: District) -> None:
    stranger = SigningKey.generate()
    forged = seal_parcel(district.epoch, "lead", "reg-a", stranger, INSPECTOR, BODY)
    with pytest.raises(ManifestError):
        open_by(district, INSPECTOR, forged)
    gone = district.revoke("reg-a")
    with pytest.raises(ManifestError):
        open_by(gone, INSPECTOR, seal(district))


def test_nothing_is_sealed_to_a_revoked_member(district: District) -> None:
    gone = district.revoke("ben-a")
    with pytest.raises(ManifestError):
        seal(gone, recipient="ben-a")


def test_a_parcel_of_another_epoch_is_refused(district: District) -> None:
    with pytest.raises(EpochError):
        open_by(
            district, INSPECTOR, replace(Parcel.decode(seal(district)), epoch=bytes(32)).encode()
        )


@pytest.mark.parametrize("place", range(0, 1600, 97))
def test_every_altered_byte_is_refused(district: District, place: int) -> None:
    data = bytearray(seal(district))
    data[place % len(data)] ^= 1
    with pytest.raises(LibmatchError):
        open_by(district, INSPECTOR, bytes(data))


def test_decoded_bytes_are_the_files(district: District) -> None:
    data = seal(district)
    assert Parcel.decode(data).encode() == data
    with pytest.raises(EncodingError):
        Parcel.decode(enc("parcel", *[b"\xff"] * 6))
