"""The next version of a roster: units join, get another role, or are revoked. E stays the same."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from libmatch.manifest import Epoch, Member, Role, Roster, SignedDocument, Status
from services.authority.cards import PartyCard
from services.authority.epoch_folder import EpochFiles
from services.authority.errors import CeremonyError
from services.authority.propose import check_distinct, check_unit_card


def enrol(files: EpochFiles, epoch: Epoch, cards: Iterable[PartyCard]) -> EpochFiles:
    """The draft with ``cards`` enrolled; a known unit with the same keys gets the card's name and roles.

    ``epoch`` is ``files`` verified. Raises CeremonyError for another key of a known unit.
    """
    members = {member.unit: member for member in epoch.roster.members}
    for card in cards:
        check_unit_card(card)
        _check_known(members.get(card.member.unit), card.member)
        members[card.member.unit] = card.member
    return _next_version(files, epoch, members.values())


def revoke(files: EpochFiles, epoch: Epoch, unit: str) -> EpochFiles:
    """The draft with ``unit`` revoked. It stays listed: what it signed must still verify.

    Raises CeremonyError where it is 纪委, unknown, or revoked already.
    """
    by_name = {member.unit: member for member in epoch.roster.members}
    member = by_name.get(unit)
    if member is None or not member.active:
        raise CeremonyError(
            f"{unit} is not an active member of the roster", f"名册中没有在册的单位 {unit}"
        )
    if member.roles & Role.INSPECTOR:
        raise CeremonyError(
            "the inspector is fixed for the epoch; begin a new one",
            "纪委在同一周期内不能注销；请另立新周期",
        )
    by_name[unit] = replace(member, status=Status.REVOKED)
    return _next_version(files, epoch, by_name.values())


def _check_known(known: Member | None, new: Member) -> None:
    if known is None:
        return
    if (known.signing_key, known.hpke_key) != (new.signing_key, new.hpke_key):
        raise CeremonyError(
            f"{new.unit} is enrolled with other keys; keys change with the epoch",
            f"{new.unit} 已以另一组公钥在册；同一周期内不能换钥，请换名登记或另立新周期",
        )


def _next_version(files: EpochFiles, epoch: Epoch, members: Iterable[Member]) -> EpochFiles:
    ordered = tuple(sorted(members, key=lambda member: member.unit))
    check_distinct(ordered)
    if ordered == epoch.roster.members:
        raise CeremonyError("the roster would not change", "名册没有任何变化，无需新版本")
    roster = Roster(epoch.epoch_id, epoch.roster.version + 1, ordered)
    return replace(files, roster=SignedDocument(roster.encode()))
