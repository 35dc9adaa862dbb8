"""A new epoch put together from commitments and parameters: the draft that both custodians then sign.

Anyone may assemble it, for it holds no secret and counts for nothing until two custodians have looked at it
and signed (``services.authority.sign``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from libmatch.errors import EpochError
from libmatch.manifest import (
    DEFAULT_BUCKET,
    MIN_CUSTODIANS,
    MODE_SHARED_KEY,
    NORM,
    Epoch,
    Manifest,
    Member,
    Role,
    Roster,
    SignedDocument,
)
from libmatch.records import WORD
from services.authority.cards import CommitmentCard, LogCard, PartyCard
from services.authority.epoch_folder import EpochFiles
from services.authority.errors import CeremonyError

ALL_KINDS = (1, 2, 3, 4)
MIN_BUCKET = 512  # both payloads at their longest fit (docs/spec/payloads.md)
_MAX_VALIDITY = timedelta(days=3 * 366)


@dataclass(frozen=True)
class Terms:
    """What the authority decides for an epoch. Times with a zone; they count in whole seconds."""

    not_before: datetime
    not_after: datetime
    kinds: tuple[int, ...] = ALL_KINDS
    bucket: int = DEFAULT_BUCKET

    def __post_init__(self) -> None:
        if self.not_before.tzinfo is None or self.not_after.tzinfo is None:
            raise CeremonyError("times need a zone", "起止时间必须带时区")
        if not timedelta(0) < self.not_after - self.not_before <= _MAX_VALIDITY:
            raise CeremonyError(
                "an epoch lasts up to three years", "周期须在三年以内，且止于起之后"
            )
        if not set(self.kinds) <= set(ALL_KINDS) or list(self.kinds) != sorted(set(self.kinds)):
            raise CeremonyError("kinds are 1 to 4, ascending", "证件种类只能是 1 至 4，由小到大")
        if not MIN_BUCKET <= self.bucket <= 0xFFFF:
            raise CeremonyError("a bucket has 512 to 65535 bytes", "记录长度须在 512 至 65535 之间")


def propose_epoch(
    terms: Terms,
    commitments: Sequence[CommitmentCard],
    log: LogCard,
    inspector: PartyCard,
    parties: Iterable[PartyCard],
    previous: Epoch | None = None,
) -> EpochFiles:
    """The unsigned draft: manifest and roster version 1. Raises CeremonyError, ManifestError, EpochError."""
    cards = _ordered(commitments)
    manifest = Manifest(
        suite=cards[0].suite,
        mode=MODE_SHARED_KEY,
        epoch=cards[0].epoch,
        salt=os.urandom(WORD),
        not_before=terms.not_before,
        not_after=terms.not_after,
        norm=NORM,
        kinds=terms.kinds,
        bucket=terms.bucket,
        commitments=tuple(card.commitment for card in cards),
        inspector_key=inspector.member.hpke_key,
        log_key=log.log_key,
        previous=_check_succession(cards[0].epoch, previous),
    )
    manifest.check_implemented()
    roster = Roster(manifest.epoch_id, 1, _members(inspector, parties))
    keys = frozenset(card.authority_key for card in cards)
    return EpochFiles(keys, SignedDocument(manifest.encode()), SignedDocument(roster.encode()))


def _ordered(commitments: Sequence[CommitmentCard]) -> list[CommitmentCard]:
    cards = sorted(commitments, key=lambda card: card.custodian)
    if len(cards) < MIN_CUSTODIANS or [c.custodian for c in cards] != [*range(1, len(cards) + 1)]:
        raise CeremonyError(
            "one commitment of each custodian is needed, numbered from 1",
            "须有每位保管人的承诺卡各一张，编号从 1 开始，至少两位",
        )
    if len({(card.district, card.epoch, card.suite) for card in cards}) != 1:
        raise CeremonyError(
            "the commitments are for different districts, epochs or suites",
            "各承诺卡的区县、周期或算法套件不一致",
        )
    if len({card.authority_key for card in cards}) != len(cards):
        raise CeremonyError("two custodians have the same key", "两位保管人不能使用同一把密钥")
    if len({card.commitment for card in cards}) != len(cards):
        raise CeremonyError("two custodians have the same share", "两位保管人的份额不能相同")
    return cards


def _check_succession(epoch: int, previous: Epoch | None) -> bytes:
    if previous is None:
        if epoch != 1:
            raise EpochError(f"epoch {epoch} names its predecessor; only epoch 1 has none")
        return bytes(WORD)
    if epoch != previous.manifest.epoch + 1:
        raise EpochError(f"after epoch {previous.manifest.epoch} comes the next number")
    return previous.epoch_id


def _members(inspector: PartyCard, parties: Iterable[PartyCard]) -> tuple[Member, ...]:
    if inspector.member.roles != Role.INSPECTOR:
        raise CeremonyError("the inspector's card has another role", "纪委的卡片角色不是 inspector")
    members = [inspector.member]
    for card in parties:
        check_unit_card(card)
        members.append(card.member)
    check_distinct(members)
    return tuple(sorted(members, key=lambda member: member.unit))


def check_unit_card(card: PartyCard) -> None:
    """Return if the card may join as a unit. Raises CeremonyError: nobody is unit and 纪委 in one."""
    if card.member.roles & Role.INSPECTOR:
        raise CeremonyError(
            f"{card.member.unit} asks for the inspector's role",
            f"{card.member.unit}：单位不能同时具有纪委角色",
        )


def check_distinct(members: Sequence[Member]) -> None:
    """Return if no name and no key occurs twice. Raises CeremonyError naming the units."""
    seen: dict[bytes, str] = {}
    for member in members:
        for mark in (member.unit.encode(), member.signing_key, member.hpke_key):
            if mark in seen:
                pair = f"{seen[mark]}, {member.unit}"
                raise CeremonyError(
                    f"two members share a name or a key: {pair}", f"名称或密钥重复：{pair}"
                )
        for mark in (member.unit.encode(), member.signing_key, member.hpke_key):
            seen[mark] = member.unit
