"""A whole district in memory for tests: custodians, authority, units, 纪委 and the log, with real keys.

::

    make_district(registry=("reg-a",), beneficiary=("ben-a",), both=(), suite=1, now=NOW) -> District
    district.name manifest roster epoch suite log_signer inspector authority_keys parties
    district.manifest_document, roster_document          SignedDocument, signed by both authority keys
    district.holder("reg-a") -> Holder                    derives, seals, withdraws (libmatch.prepare)
    district.keys("reg-a") -> PartyKeys                   the unit's private keys; INSPECTOR for 纪委's
    district.enrol("reg-b", Role.REGISTRY) -> District    next roster version; likewise revoke("reg-a")
    district.forge_roster() -> SignedDocument             a roster that the log key signed, not the authority
    district.seal("reg-a", Side.REGISTRY, [person(1)], seq=1) -> SealedBatch
    district.withdraw("reg-a", Side.REGISTRY, rids, seq=2) -> Withdrawal
    district.notify("ben-a", Side.BENEFICIARY, hit, rid=…, token=…) -> SealedNotice   signed by 纪委
    district.acknowledge("ben-a", notice) -> signature of the unit
    district.write_epoch(folder)                          epoch/authorities, manifest, roster
    district.write_kit(folder, "reg-a", PASSPHRASE)       the above, keys/party.key and the sealed shares
    district.write_matcher_kit(folder, PASSPHRASE)        the above epoch and keys/log.key
    person(7) -> Identifier      valid resident numbers of nobody, one for each number
    relative_payload(person), item_payload(person)        payloads about somebody
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from libmatch.auditlog import LogSigner
from libmatch.check_digits import resident_check
from libmatch.identifiers import Identifier, Kind
from libmatch.keys import Share, SigningKey, seal_to, share_info
from libmatch.kit import PartyKeys
from libmatch.manifest import (
    DEFAULT_BUCKET,
    MODE_SHARED_KEY,
    NORM,
    Epoch,
    Manifest,
    Member,
    Role,
    Roster,
    SignedDocument,
    Status,
)
from libmatch.notices import ItemNotice, OfficialNotice, seal_notice
from libmatch.payloads import ItemPayload, RelativePayload
from libmatch.prepare import Holder, Payload
from libmatch.records import Side, Withdrawal
from libmatch.release import SealedNotice
from libmatch.seal import SealedBatch
from libmatch.suites import Suite, get_suite

NOW = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
PASSPHRASE = "correct horse battery"
INSPECTOR = "jiwei"


@dataclass(frozen=True)
class District:
    """One epoch of one district with everybody's private keys. Immutable: changes give a new one."""

    name: str
    manifest: Manifest
    roster: Roster
    shares: tuple[Share, ...]
    authority: tuple[SigningKey, ...]
    log_signer: LogSigner
    parties: dict[str, PartyKeys]
    now: datetime

    @property
    def epoch(self) -> Epoch:
        return Epoch(self.manifest, self.roster)

    @property
    def suite(self) -> Suite:
        return get_suite(self.manifest.suite)

    @property
    def authority_keys(self) -> frozenset[bytes]:
        return frozenset(key.public_key for key in self.authority)

    @property
    def inspector(self) -> PartyKeys:
        return self.parties[INSPECTOR]

    @property
    def manifest_document(self) -> SignedDocument:
        return self._sign(self.manifest.encode())

    @property
    def roster_document(self) -> SignedDocument:
        return self._sign(self.roster.encode())

    def keys(self, unit: str) -> PartyKeys:
        return self.parties[unit]

    def holder(self, unit: str) -> Holder:
        """The unit ready to work, its shares checked as in production."""
        key = self.parties[unit].signing
        return Holder.enrol(unit, self.epoch, self.shares, key, self.now)

    def enrol(self, unit: str, roles: Role) -> District:
        """The district with one more unit and the next roster version."""
        keys = PartyKeys.generate()
        members = [*self.roster.members, _member(unit, roles, keys)]
        return replace(
            self, roster=self._next_roster(members), parties={**self.parties, unit: keys}
        )

    def revoke(self, unit: str) -> District:
        """The district with ``unit`` revoked and the next roster version."""
        members = [
            replace(member, status=Status.REVOKED) if member.unit == unit else member
            for member in self.roster.members
        ]
        return replace(self, roster=self._next_roster(members))

    def forge_roster(self) -> SignedDocument:
        """The next roster, with one more unit, signed by a stranger and the log key only."""
        roster = self.enrol("intruder", Role.REGISTRY | Role.BENEFICIARY).roster
        stranger, body = SigningKey.generate(), roster.encode()
        document = SignedDocument(body).with_signature(stranger.public_key, stranger.sign(body))
        return document.with_signature(self.log_signer.public_key, self.log_signer.sign(body))

    def seal(
        self, unit: str, side: Side, persons: Sequence[Identifier], *, seq: int = 1
    ) -> SealedBatch:
        """One sealed batch with a payload about each person; ``rids`` in the order of ``persons``."""
        make = relative_payload if side is Side.REGISTRY else item_payload
        payloads: list[Payload] = [make(who) for who in persons]
        (batch,) = self.holder(unit).prepare(side, payloads, seq)
        return batch

    def withdraw(self, unit: str, side: Side, rids: Sequence[bytes], *, seq: int) -> Withdrawal:
        return self.holder(unit).withdraw(side, rids, seq)

    def notify(
        self,
        unit: str,
        side: Side,
        hit_id: bytes,
        *,
        rid: bytes = bytes(16),
        token: bytes = bytes(32),
        notice_id: bytes | None = None,
        signer: SigningKey | None = None,
    ) -> SealedNotice:
        """A notice of a hit to ``unit``, sealed to it and signed by 纪委 (or by ``signer``)."""
        notice = (
            ItemNotice(rid, token, bytes(16), "某局", "乙某", "某局", "科长", "配偶")
            if side is Side.BENEFICIARY
            else OfficialNotice(
                *(rid, token, bytes(16), "某委", "受益人", "X-1", "改厕补助", "项目补助"),
                *(120000, "某村", None),
            )
        )
        return seal_notice(
            self.epoch,
            self.roster.find(unit),
            side,
            hit_id,
            notice_id or os.urandom(16),
            notice,
            signer or self.inspector.signing,
        )

    def acknowledge(self, unit: str, notice: SealedNotice) -> bytes:
        """The unit's signature that acknowledges ``notice``."""
        return self.parties[unit].signing.sign(notice.ack_bytes(self.suite))

    def write_epoch(self, folder: Path) -> None:
        """``folder``/epoch with authorities, manifest and roster; replaces what is there."""
        epoch = folder / "epoch"
        epoch.mkdir(parents=True, exist_ok=True)
        keys = "".join(f"{key.hex()}\n" for key in sorted(self.authority_keys))
        (epoch / "authorities").write_text(keys, encoding="ascii")
        for name, document in (
            ("manifest", self.manifest_document),
            ("roster", self.roster_document),
        ):
            replacement = epoch / f"{name}.new"
            replacement.write_bytes(document.encode())
            replacement.replace(epoch / name)

    def write_kit(self, folder: Path, unit: str, passphrase: str = PASSPHRASE) -> None:
        """The kit of a unit, or of 纪委 (which gets no shares)."""
        keys = self.parties[unit]
        self.write_epoch(folder)
        _write_key(folder / "keys" / "party.key", keys.protect(passphrase))
        if unit == INSPECTOR:
            return
        for number, share in enumerate(self.shares, 1):
            info = share_info(self.manifest.epoch_id, number, unit)
            sealed = seal_to(keys.hpke.public_key, share.reveal(), info)
            (folder / "epoch" / f"share-{number}").write_bytes(sealed)

    def write_matcher_kit(self, folder: Path, passphrase: str = PASSPHRASE) -> None:
        """The kit of the matcher: epoch documents and the log's key."""
        self.write_epoch(folder)
        _write_key(folder / "keys" / "log.key", self.log_signer.protect(passphrase))

    def _next_roster(self, members: Sequence[Member]) -> Roster:
        ordered = tuple(sorted(members, key=lambda member: member.unit))
        return Roster(self.manifest.epoch_id, self.roster.version + 1, ordered)

    def _sign(self, body: bytes) -> SignedDocument:
        document = SignedDocument(body)
        for key in self.authority:
            document = document.with_signature(key.public_key, key.sign(body))
        return document


def make_district(
    *,
    name: str = "fuling",
    registry: Sequence[str] = ("reg-a",),
    beneficiary: Sequence[str] = ("ben-a",),
    both: Sequence[str] = (),
    suite: int = 1,
    now: datetime = NOW,
    days: int = 365,
    bucket: int = DEFAULT_BUCKET,
) -> District:
    """A district with fresh keys whose epoch began a day before ``now`` and lasts ``days``."""
    roles = {
        **dict.fromkeys(registry, Role.REGISTRY),
        **dict.fromkeys(beneficiary, Role.BENEFICIARY),
        **dict.fromkeys(both, Role.REGISTRY | Role.BENEFICIARY),
        INSPECTOR: Role.INSPECTOR,
    }
    parties = {unit: PartyKeys.generate() for unit in roles}
    shares, log_signer = (Share.generate(), Share.generate()), LogSigner.generate()
    begins = now.replace(microsecond=0) - timedelta(days=1)
    manifest = Manifest(
        suite=suite,
        mode=MODE_SHARED_KEY,
        epoch=1,
        salt=os.urandom(32),
        not_before=begins,
        not_after=begins + timedelta(days=days),
        norm=NORM,
        kinds=(1, 2, 3, 4),
        bucket=bucket,
        commitments=tuple(s.commit(get_suite(suite), i) for i, s in enumerate(shares, 1)),
        inspector_key=parties[INSPECTOR].hpke.public_key,
        log_key=log_signer.public_key,
    )
    members = tuple(_member(unit, roles[unit], parties[unit]) for unit in sorted(roles))
    return District(
        name=name,
        manifest=manifest,
        roster=Roster(manifest.epoch_id, 1, members),
        shares=shares,
        authority=(SigningKey.generate(), SigningKey.generate()),
        log_signer=log_signer,
        parties=parties,
        now=now,
    )


def person(number: int) -> Identifier:
    """Resident number of nobody: another one for each ``number`` below 3,000,000."""
    born = date(1950, 1, 1) + timedelta(days=number % 3000)
    body = f"500102{born:%Y%m%d}{number // 3000:03d}"
    return Identifier(Kind.RESIDENT_ID, body + resident_check(body))


def relative_payload(who: Identifier) -> RelativePayload:
    """A declared spouse."""
    return RelativePayload(who, "甲某", "配偶", person(2_999_999), "乙某", "某局", "科长")


def item_payload(who: Identifier) -> ItemPayload:
    """A beneficiary of a fund."""
    start = date(2026, 3, 1)
    return ItemPayload(who, "甲某", "受益人", "X-1", "改厕补助", "项目补助", 120000, "某村", start)


def _member(unit: str, roles: Role, keys: PartyKeys) -> Member:
    public = (keys.signing.public_key, keys.hpke.public_key)
    return Member(unit, f"测试单位{unit}", roles, *public)


def _write_key(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o600)
