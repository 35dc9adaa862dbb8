from dataclasses import replace
from pathlib import Path

import pytest

from libmatch.errors import EpochError, ManifestError, ShareError
from libmatch.kit import PartyKeys, read_epoch, read_holder
from libmatch.manifest import Role, SignedDocument
from services.authority.cards import PartyCard, read_log_card, read_party_card
from services.authority.custodian import new_share
from services.authority.deliver import deliver
from services.authority.enrol import enrol
from services.authority.epoch_folder import (
    encode_authority_keys,
    read_epoch_files,
    save_signatures,
    write_epoch_files,
)
from services.authority.errors import CeremonyError
from services.authority.install import inspect_delivery, install
from services.authority.propose import propose_epoch
from services.authority.seal_shares import seal_shares
from services.authority.sign import sign_epoch
from tests.ceremony import (
    DISTRICT,
    INSPECTOR,
    NOW,
    SECRETS,
    YEAR,
    Ceremony,
    agree,
    deal_falsely,
    hold_ceremony,
)

UNIT = "caizheng"


def deliver_epoch(ceremony: Ceremony, folder: Path) -> Path:
    """Signs, seals and delivers ``folder``; the folder of deliveries."""
    shares = []
    for number in (1, 2):
        sign_epoch(ceremony.custodian(number), SECRETS[number], folder, agree)
    for number in (1, 2):
        custodian = ceremony.custodian(number)
        shares.append(folder.with_name(f"{folder.name}-shares-{number}"))
        seal_shares(custodian, SECRETS[number], folder, shares[-1])
    out = folder.with_name(f"{folder.name}-deliveries")
    deliver(folder, shares, out)
    return out


def second_epoch(ceremony: Ceremony) -> Path:
    cards = [
        new_share(ceremony.custodian(number), SECRETS[number], DISTRICT, 2, 1) for number in (1, 2)
    ]
    log = read_log_card(ceremony.kit("matcher") / "log.json")
    inspector = read_party_card(ceremony.kit(INSPECTOR) / "party.json")
    parties = [read_party_card(ceremony.kit(UNIT) / "party.json")]
    draft = propose_epoch(YEAR, cards, log, inspector, parties, ceremony.epoch())
    write_epoch_files(ceremony.carried / "epoch-2", draft)
    return deliver_epoch(ceremony, ceremony.carried / "epoch-2")


def grown_roster(ceremony: Ceremony) -> Path:
    card = PartyCard.make("shuiwu", "区水务局", Role.BENEFICIARY, PartyKeys.generate())
    grown = enrol(ceremony.files(), ceremony.epoch(), [card])
    write_epoch_files(ceremony.carried / "grown", grown)
    return deliver_epoch(ceremony, ceremony.carried / "grown")


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_first_delivery_makes_a_kit_that_works(held: Ceremony) -> None:
    kit, keys = held.kit(UNIT), held.keys(UNIT)

    assert install(kit, held.deliver() / UNIT, UNIT, keys).what == "first"
    assert read_holder(kit, UNIT, keys, NOW).epoch == held.epoch()
    assert entries(kit) == {"keys", "party.json", "epoch"}


def test_the_same_delivery_again_changes_nothing(held: Ceremony) -> None:
    delivery = held.deliver() / UNIT
    install(held.kit(UNIT), delivery, UNIT, held.keys(UNIT))

    assert install(held.kit(UNIT), delivery, UNIT, held.keys(UNIT)).what == "nothing"


def test_a_newer_roster_replaces_the_older_and_not_the_other_way(held: Ceremony) -> None:
    kit, keys = held.kit(UNIT), held.keys(UNIT)
    first = held.deliver() / UNIT
    install(kit, first, UNIT, keys)

    assert install(kit, grown_roster(held) / UNIT, UNIT, keys).what == "roster"
    assert read_epoch(kit).roster.version == 2
    with pytest.raises(EpochError, match="older"):
        install(kit, first, UNIT, keys)
    assert read_epoch(kit).roster.version == 2


def test_the_next_epoch_takes_the_place_of_the_first_which_is_kept(held: Ceremony) -> None:
    kit, keys = held.kit(UNIT), held.keys(UNIT)
    install(kit, held.deliver() / UNIT, UNIT, keys)

    assert install(kit, second_epoch(held) / UNIT, UNIT, keys).what == "epoch"
    assert read_holder(kit, UNIT, keys, NOW).epoch.manifest.epoch == 2
    old = f"epoch-{held.epoch().epoch_id.hex()[:8]}"
    assert entries(kit) == {"keys", "party.json", "epoch", old}
    assert read_epoch_files(kit / old) == held.files()


def test_an_epoch_that_does_not_follow_is_refused(held: Ceremony, tmp_path: Path) -> None:
    kit, keys = held.kit(UNIT), held.keys(UNIT)
    second = second_epoch(held)
    install(kit, second / UNIT, UNIT, keys)

    with pytest.raises(EpochError, match="does not follow"):
        install(kit, held.deliver() / UNIT, UNIT, keys)
    assert read_epoch(kit).manifest.epoch == 2


def test_a_kit_keeps_to_its_authorities(held: Ceremony, tmp_path: Path) -> None:
    other = hold_ceremony(tmp_path / "other")
    install(held.kit(UNIT), held.deliver() / UNIT, UNIT, held.keys(UNIT))

    with pytest.raises(CeremonyError, match="other authorities"):
        inspect_delivery(held.kit(UNIT), other.deliver() / UNIT)
    with pytest.raises(EpochError, match="does not follow"):
        inspect_delivery(
            held.kit(UNIT), other.carried / "deliveries" / UNIT, accept_authorities=True
        )


def test_a_share_that_contradicts_its_commitment_names_the_custodian(held: Ceremony) -> None:
    deliveries = held.deliver()
    share = deliveries / UNIT / "share-2"
    sealed = share.read_bytes()
    share.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))

    with pytest.raises(ShareError) as refused:
        install(held.kit(UNIT), deliveries / UNIT, UNIT, held.keys(UNIT))
    assert refused.value.custodian == 2
    assert entries(held.kit(UNIT)) == {"keys", "party.json"}


def test_a_share_that_opens_and_is_not_the_committed_one_names_the_custodian(
    held: Ceremony,
) -> None:
    deliveries = held.deliver()
    (deliveries / UNIT / "share-1").write_bytes(deal_falsely(held, UNIT, 1))

    with pytest.raises(ShareError) as refused:
        install(held.kit(UNIT), deliveries / UNIT, UNIT, held.keys(UNIT))
    assert refused.value.custodian == 1


def test_an_unsigned_delivery_is_not_even_shown_for_a_yes(draft: Ceremony) -> None:
    with pytest.raises(ManifestError):
        inspect_delivery(draft.kit("matcher"), draft.epoch_folder)


def test_another_units_delivery_is_refused(held: Ceremony) -> None:
    deliveries = held.deliver()

    with pytest.raises(ShareError):
        install(held.kit(UNIT), deliveries / "minzheng", UNIT, held.keys(UNIT))
    with pytest.raises(CeremonyError, match="other keys"):
        install(held.kit(UNIT), deliveries / "minzheng", "minzheng", held.keys(UNIT))


def test_an_unsigned_delivery_is_refused(draft: Ceremony) -> None:
    with pytest.raises(ManifestError):
        install(draft.kit("matcher"), draft.epoch_folder, "", None)
    assert entries(draft.kit("matcher")) == {"keys", "log.json"}


def test_two_rosters_of_one_version_are_refused(held: Ceremony) -> None:
    kit = held.kit("matcher")
    install(kit, held.epoch_folder, "", None)
    files = held.files()
    card = PartyCard.make("shuiwu", "区水务局", Role.BENEFICIARY, PartyKeys.generate())
    grown = enrol(files, held.epoch(), [card])
    roster = replace(grown.facts[1], version=1)
    for home in (held.one, held.two):
        (home / "signed" / "epoch-1.roster-1").unlink()
    save_signatures(held.epoch_folder, replace(files, roster=SignedDocument(roster.encode())))
    for number in (1, 2):
        sign_epoch(held.custodian(number), SECRETS[number], held.epoch_folder, agree)

    with pytest.raises(EpochError, match="two rosters"):
        install(kit, held.epoch_folder, "", None)


def test_the_list_of_authorities_is_hex_one_a_line(held: Ceremony) -> None:
    path = held.epoch_folder / "authorities"
    for text in (b"zz\n", b"00\n", b"\xff"):
        path.write_bytes(text)
        with pytest.raises(ManifestError):
            read_epoch_files(held.epoch_folder)
    assert encode_authority_keys([bytes(32)]) == b"00" * 32 + b"\n"
