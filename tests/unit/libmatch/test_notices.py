"""A notice opens for its unit alone, and only if 纪委 signed it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from libmatch.errors import EncodingError, ManifestError
from libmatch.keys import HpkePrivateKey, SigningKey
from libmatch.manifest import Epoch, Member, Role, Roster, Status
from libmatch.notices import ItemNotice, OfficialNotice, open_notice, seal_notice
from libmatch.records import Side
from tests.vectors.make_protocol_vectors import manifest_of

UNIT_KEY, INSPECTOR = HpkePrivateKey.generate(), SigningKey.generate()
UNIT = Member(
    "unit-a", "某局", Role.REGISTRY, SigningKey.generate().public_key, UNIT_KEY.public_key
)
JIWEI = Member("jiwei", "区纪委", Role.INSPECTOR, INSPECTOR.public_key, UNIT_KEY.public_key)
EPOCH = Epoch(manifest_of(1), Roster(manifest_of(1).epoch_id, 1, (JIWEI, UNIT)))
TO_ITEM = ItemNotice(bytes(16), bytes(32), b"c" * 16, "unit-b", "乙某", "某局", "科长", "配偶")
TO_OFFICIAL = OfficialNotice(
    bytes(16),
    bytes(32),
    b"c" * 16,
    "unit-b",
    "受益人",
    "X-1",
    "改厕",
    "补助",
    1,
    "某村",
    date(2026, 1, 2),
)


def sealed(notice: Any, side: Side, key: SigningKey = INSPECTOR) -> Any:
    return seal_notice(EPOCH, UNIT, side, b"h" * 32, b"n" * 16, notice, key)


@pytest.mark.parametrize(
    ("notice", "side"),
    [
        (TO_ITEM, Side.BENEFICIARY),
        (TO_OFFICIAL, Side.REGISTRY),
        (replace(TO_OFFICIAL, amount_fen=None, start=None), Side.REGISTRY),
    ],
)
def test_a_notice_opens_for_its_unit(notice: Any, side: Side) -> None:
    assert open_notice(EPOCH, sealed(notice, side), UNIT_KEY) == notice


def test_it_does_not_open_for_another_key() -> None:
    with pytest.raises(EncodingError):
        open_notice(EPOCH, sealed(TO_ITEM, Side.BENEFICIARY), HpkePrivateKey.generate())


def test_a_notice_that_the_commission_did_not_sign_is_refused() -> None:
    forged = sealed(TO_ITEM, Side.BENEFICIARY, SigningKey.generate())
    with pytest.raises(ManifestError, match="signed"):
        open_notice(EPOCH, forged, UNIT_KEY)
    revoked = replace(
        EPOCH, roster=replace(EPOCH.roster, members=(replace(JIWEI, status=Status.REVOKED), UNIT))
    )
    with pytest.raises(ManifestError, match="signed"):
        open_notice(revoked, sealed(TO_ITEM, Side.BENEFICIARY), UNIT_KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"unit": "unit-b"},
        {"side": Side.REGISTRY},
        {"hit_id": bytes(32)},
        {"notice_id": bytes(16)},
        {"sealed": bytes(1200)},
    ],
)
def test_a_notice_that_the_matcher_moved_or_changed_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ManifestError, match="signed"):
        open_notice(EPOCH, replace(sealed(TO_ITEM, Side.BENEFICIARY), **change), UNIT_KEY)
