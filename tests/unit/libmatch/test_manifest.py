"""Only a manifest that two authorities signed, and that this library can follow, is used."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from libmatch.errors import BatchError, EncodingError, EpochError, ManifestError, ShareError
from libmatch.keys import HpkePrivateKey, Share, SigningKey
from libmatch.manifest import (
    Epoch,
    Manifest,
    Member,
    Role,
    Roster,
    SignedDocument,
    Status,
    open_epoch,
    open_manifest,
    open_roster,
)
from libmatch.prepare import Holder
from libmatch.records import Side
from tests.vectors.make_protocol_vectors import derive, manifest_of, unit_key

CUSTODIANS = [SigningKey(derive(f"custodian {i}")) for i in (1, 2)]
TRUSTED = frozenset(key.public_key for key in CUSTODIANS)


def sign(body: bytes, *keys: SigningKey) -> SignedDocument:
    document = SignedDocument(body)
    for key in keys:
        document = document.with_signature(key.public_key, key.sign(body))
    return document


def make_member(unit: str = "unit-a", status: Status = Status.ACTIVE) -> Member:
    hpke = HpkePrivateKey(derive(unit, 96)).public_key
    return Member(unit, "某局", Role.REGISTRY, unit_key(unit).public_key, hpke, status)


def make_roster(*members: Member) -> Roster:
    return Roster(manifest_of(1).epoch_id, 1, members)


def test_two_signatures_open_the_epoch() -> None:
    manifest, roster = manifest_of(1), make_roster(make_member())
    documents = (sign(manifest.encode(), *CUSTODIANS), sign(roster.encode(), *CUSTODIANS))
    stored = [SignedDocument.decode(document.encode()) for document in documents]
    epoch = open_epoch(stored[0], stored[1], TRUSTED)
    assert (epoch.manifest, epoch.roster) == (manifest, roster)


def test_fewer_than_two_authorities_are_not_enough() -> None:
    body, stranger = manifest_of(1).encode(), SigningKey.generate()
    twice = SignedDocument(body, sign(body, CUSTODIANS[0]).signatures * 2)
    for document in (
        sign(body),
        sign(body, CUSTODIANS[0]),
        sign(body, CUSTODIANS[0], stranger),
        twice,
    ):
        with pytest.raises(ManifestError, match="signatures"):
            open_manifest(document, TRUSTED)


def test_an_altered_manifest_is_refused() -> None:
    document = sign(manifest_of(1).encode(), *CUSTODIANS)
    altered = bytearray(document.body)
    altered[60] ^= 1
    with pytest.raises(ManifestError, match="signatures"):
        open_manifest(SignedDocument(bytes(altered), document.signatures), TRUSTED)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"suite": 3}, "suite 3"),
        ({"suite": 99}, "suite 99"),
        ({"mode": 2}, "mode 2"),
        ({"norm": 2}, "norm 2"),
        ({"oprf_keys": bytes(64)}, "mode"),
        ({"commitments": (bytes(32),)}, "custodians"),
    ],
)
def test_what_is_not_implemented_is_refused_and_nothing_is_negotiated(
    change: dict[str, object], complaint: str
) -> None:
    manifest = replace(manifest_of(1), **change)  # type: ignore[arg-type]
    with pytest.raises(ManifestError, match=complaint):
        open_manifest(sign(manifest.encode(), *CUSTODIANS), TRUSTED)


def test_every_field_of_the_manifest_changes_the_epoch_id() -> None:
    manifest = manifest_of(1)
    changes: list[dict[str, object]] = [
        {"suite": 2},
        {"epoch": 8},
        {"salt": bytes(32)},
        {"not_before": manifest.not_before - timedelta(seconds=1)},
        {"not_after": manifest.not_after + timedelta(seconds=1)},
        {"kinds": (1, 2)},
        {"bucket": 128},
        {"commitments": manifest.commitments[::-1]},
        {"log_key": bytes(32)},
        {"previous": bytes(32)},
    ]
    ids = {replace(manifest, **change).epoch_id for change in changes}  # type: ignore[arg-type]
    assert len(ids | {manifest.epoch_id}) == len(changes) + 1
    assert Manifest.decode(manifest.encode()) == manifest


def test_a_roster_of_another_epoch_is_refused() -> None:
    roster = Roster(bytes(32), 1, (make_member(),))
    with pytest.raises(EpochError):
        open_roster(sign(roster.encode(), *CUSTODIANS), TRUSTED, manifest_of(1))


def test_a_roster_lists_each_member_once_in_order() -> None:
    a, b = make_member("a"), make_member("b")
    for members in ((b, a), (a, a)):
        with pytest.raises(ManifestError):
            make_roster(*members)


def test_no_member_is_called_as_disputes_call_the_matcher() -> None:
    with pytest.raises(ManifestError, match="matcher"):
        make_member("matcher")


def test_truncated_documents_are_refused() -> None:
    data = sign(manifest_of(1).encode(), *CUSTODIANS).encode()
    for size in range(0, len(data), 97):
        with pytest.raises(EncodingError):
            SignedDocument.decode(data[:size])
    body = make_roster(make_member()).encode()
    for size in range(0, len(body), 97):
        with pytest.raises((EncodingError, ManifestError)):
            Roster.decode(body[:size])


class TestEnrolment:
    epoch = Epoch(manifest_of(1), make_roster(make_member()))
    shares = (Share(derive("share 1")), Share(derive("share 2")))
    now = manifest_of(1).not_before

    def enrol(self, epoch: Epoch, shares: tuple[Share, ...] | None = None) -> Holder:
        return Holder.enrol("unit-a", epoch, shares or self.shares, unit_key("unit-a"), self.now)

    def test_an_enrolled_unit_can_work(self) -> None:
        assert self.enrol(self.epoch).unit == "unit-a"

    def test_a_wrong_share_names_its_custodian(self) -> None:
        with pytest.raises(ShareError, match="custodian 1"):
            self.enrol(self.epoch, (Share(bytes(32)), self.shares[1]))

    def test_outside_its_validity_the_epoch_is_refused(self) -> None:
        for now in (self.now - timedelta(seconds=1), self.epoch.manifest.not_after):
            with pytest.raises(EpochError):
                Holder.enrol("unit-a", self.epoch, self.shares, unit_key("unit-a"), now)

    def test_a_unit_that_is_revoked_or_unknown_or_has_other_keys_is_refused(self) -> None:
        revoked = replace(self.epoch, roster=make_roster(make_member(status=Status.REVOKED)))
        unknown = replace(self.epoch, roster=make_roster(make_member("unit-b")))
        with pytest.raises(BatchError):
            self.enrol(revoked)
        with pytest.raises(ManifestError):
            self.enrol(unknown)
        with pytest.raises(BatchError):
            Holder.enrol("unit-a", self.epoch, self.shares, SigningKey.generate(), self.now)

    def test_a_revoked_unit_may_not_submit_but_its_keys_stay_listed(self) -> None:
        member = make_member(status=Status.REVOKED)
        roster = make_roster(member)
        assert roster.find("unit-a") == member
        assert list(roster.with_role(Role.REGISTRY)) == []
        assert member.may_submit(Side.REGISTRY)
        assert not member.active
