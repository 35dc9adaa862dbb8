"""After the ceremony: rosters that change within an epoch, and epochs that follow one another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from libmatch.errors import EpochError
from libmatch.kit import PartyKeys
from libmatch.manifest import Role, SignedDocument
from services.authority.cards import CommitmentCard, PartyCard, read_log_card, read_party_card
from services.authority.enrol import enrol, revoke
from services.authority.epoch_folder import EpochFiles, read_epoch_files, write_epoch_files
from services.authority.errors import CeremonyError
from services.authority.propose import propose_epoch
from services.authority.summary import summarise
from tests.ceremony import (
    INSPECTOR,
    YEAR,
    Ceremony,
)
from tests.unit.services.authority.ceremony_steps import cards_of, sign


def propose(
    ceremony: Ceremony, cards: list[CommitmentCard], units: tuple[str, ...] = ("caizheng",)
) -> EpochFiles:
    log = read_log_card(ceremony.kit("matcher") / "log.json")
    inspector = read_party_card(ceremony.kit(INSPECTOR) / "party.json")
    parties = [read_party_card(ceremony.kit(unit) / "party.json") for unit in units]
    previous = ceremony.epoch() if cards[0].epoch > 1 else None
    return propose_epoch(YEAR, cards, log, inspector, parties, previous)


def test_an_enrolled_unit_works_with_the_old_ones(held: Ceremony) -> None:
    keys = PartyKeys.generate()
    card = PartyCard.make("shuiwu", "区水务局", Role.BENEFICIARY, keys)
    grown = enrol(held.files(), held.epoch(), [card])
    write_epoch_files(held.carried / "roster-2", grown)
    for number in (1, 2):
        sign(held, number, held.carried / "roster-2")
    epoch = read_epoch_files(held.carried / "roster-2")

    verified = epoch.verified(epoch.authorities)
    assert verified.epoch_id == held.epoch().epoch_id
    assert verified.roster.version == 2
    assert verified.roster.find("shuiwu") == card.member


def test_the_summary_of_a_new_roster_says_what_changed(held: Ceremony) -> None:
    card = PartyCard.make("shuiwu", "区水务局", Role.BENEFICIARY, PartyKeys.generate())
    known = held.epoch().roster
    grown = enrol(held.files(), held.epoch(), [card])
    reduced = revoke(held.files(), held.epoch(), "caizheng")

    assert "新增：shuiwu 区水务局（受益）" in summarise(grown, known)
    assert "变更：caizheng 区财政局（申报）【已注销】" in summarise(reduced, known)


def test_a_revoked_unit_gets_no_new_share(held: Ceremony) -> None:
    write_epoch_files(held.carried / "less", revoke(held.files(), held.epoch(), "caizheng"))
    for number in (1, 2):
        sign(held, number, held.carried / "less")
    (held.carried / "epoch-1").rename(held.carried / "epoch-1-old")
    (held.carried / "less").rename(held.carried / "epoch-1")

    deliveries = held.deliver()
    assert not (deliveries / "caizheng").exists()
    assert (deliveries / "minzheng" / "share-1").exists()


def test_a_known_unit_cannot_change_its_key_within_an_epoch(held: Ceremony) -> None:
    card = PartyCard.make("caizheng", "区财政局", Role.REGISTRY, PartyKeys.generate())

    with pytest.raises(CeremonyError, match="keys change with the epoch"):
        enrol(held.files(), held.epoch(), [card])


def test_a_known_unit_can_get_another_role(held: Ceremony) -> None:
    both = Role.REGISTRY | Role.BENEFICIARY
    card = PartyCard.make("caizheng", "区财政局", both, held.keys("caizheng"))

    roster = enrol(held.files(), held.epoch(), [card]).facts[1]
    assert roster.find("caizheng").roles == both


@pytest.mark.parametrize("unit", [INSPECTOR, "nobody"])
def test_who_cannot_be_revoked_is_not(held: Ceremony, unit: str) -> None:
    with pytest.raises(CeremonyError):
        revoke(held.files(), held.epoch(), unit)


def test_a_roster_that_does_not_change_gets_no_version(held: Ceremony) -> None:
    card = read_party_card(held.kit("caizheng") / "party.json")

    with pytest.raises(CeremonyError, match="would not change"):
        enrol(held.files(), held.epoch(), [card])


def test_an_older_roster_is_not_signed_again(held: Ceremony) -> None:
    first = held.files()
    write_epoch_files(held.carried / "less", revoke(first, held.epoch(), "caizheng"))
    sign(held, 1, held.carried / "less")

    with pytest.raises(CeremonyError, match="version 2 of this epoch was signed already"):
        sign(held, 1, held.epoch_folder)


def test_a_unit_does_not_vanish_from_a_roster(held: Ceremony) -> None:
    files = held.files()
    roster = files.facts[1]
    left = tuple(member for member in roster.members if member.unit != "caizheng")
    shrunk = replace(roster, version=2, members=left)
    write_epoch_files(
        held.carried / "shrunk", replace(files, roster=SignedDocument(shrunk.encode()))
    )

    with pytest.raises(CeremonyError, match="vanished"):
        sign(held, 1, held.carried / "shrunk")


def test_a_second_epoch_names_the_first(held: Ceremony) -> None:
    first = held.epoch()
    write_epoch_files(held.carried / "epoch-2", propose(held, cards_of(held, 2)))
    for number in (1, 2):
        sign(held, number, held.carried / "epoch-2")
    files = read_epoch_files(held.carried / "epoch-2")
    second = files.verified(files.authorities)

    assert second.manifest.epoch == 2
    assert second.manifest.previous == first.epoch_id
    assert second.epoch_id != first.epoch_id
    assert set(second.manifest.commitments).isdisjoint(first.manifest.commitments)


def test_an_epoch_after_another_first_one_is_not_signed(held: Ceremony) -> None:
    files = propose(held, cards_of(held, 2))
    manifest, roster = files.facts
    branched = replace(manifest, previous=bytes(range(32)))
    bound = replace(roster, epoch_id=branched.epoch_id)
    forged = EpochFiles(
        files.authorities, SignedDocument(branched.encode()), SignedDocument(bound.encode())
    )
    write_epoch_files(held.carried / "branched", forged)

    with pytest.raises(CeremonyError, match="does not follow the epoch 1"):
        sign(held, 1, held.carried / "branched")


def test_an_epoch_without_its_predecessor_is_refused(held: Ceremony) -> None:
    cards = cards_of(held, 2)
    log = read_log_card(held.kit("matcher") / "log.json")
    inspector = read_party_card(held.kit(INSPECTOR) / "party.json")

    with pytest.raises(EpochError):
        propose_epoch(YEAR, cards, log, inspector, [], None)
    with pytest.raises(EpochError):
        propose_epoch(YEAR, cards_of(held, 3), log, inspector, [], held.epoch())


def test_commitments_that_do_not_belong_together_are_refused(held: Ceremony) -> None:
    one, two = cards_of(held, 2)
    for cards in (
        [one],
        [one, one],
        [one, replace(two, suite=2)],
        [one, replace(two, district="other")],
        [one, replace(two, epoch=6)],
        [one, replace(two, commitment=one.commitment)],
        [one, replace(two, authority_key=one.authority_key)],
        [one, replace(two, custodian=3)],
    ):
        with pytest.raises(CeremonyError):
            propose(held, cards)
    assert propose(held, [two, one]).facts[0].commitments == (one.commitment, two.commitment)
